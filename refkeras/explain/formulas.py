"""The formulas that derivations are made of: each with its words, its symbols and its computation.

A formula takes `values`, a vector of its inputs in the dtype it computes in, and parameters that are numbers, names or
lists of them; so a derivation that was written to a file can be computed again from the file alone. It computes with
the operations, and in the order, that training computed with: the result has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.explain.formula import SHOWN_TERMS, Formula, listed, operand, shown, times
from refkeras.explain.formulas_of_elements import ELEMENTS
from refkeras.explain.formulas_of_scores import SCORES
from refkeras.ops import losses as ops
from refkeras.ops.accuracy import argmax as _argmax_of
from refkeras.ops.accuracy import in_top_k as _in_top_k
from refkeras.ops.activations import sigmoid as _sigmoid_of
from refkeras.ops.softmax import softmax as _softmax_of

__all__ = ["FORMULAS", "SHOWN_TERMS", "Formula", "shown"]

Vector = Any


# -- over batches ---------------------------------------------------------------------------------


def _running_mean(values: Vector, weights: Sequence[float]) -> Any:
    total = count = values.dtype.type(0)
    for value, weight in zip(values, values.dtype.type(weights), strict=True):
        total, count = total + value * weight, count + weight
    return total / count if count else values.dtype.type(0)


def _total_over_count(values: Vector, counts: Sequence[float]) -> Any:
    total = count = values.dtype.type(0)
    for value, number in zip(values, values.dtype.type(counts), strict=True):
        total, count = total + value, count + number
    return total / count if count else values.dtype.type(0)


def _weighted_sum(values: Vector, factors: Sequence[float | None]) -> Any:
    total = None
    for value, factor in zip(values, factors, strict=True):
        term = value if factor is None else value * values.dtype.type(factor)
        total = term if total is None else total + term
    return total


# -- over samples ---------------------------------------------------------------------------------


def _mean(values: Vector, divisor: float | None) -> Any:
    total = np.add.reduce(values)
    if divisor is None:  # nothing counts
        return total * values.dtype.type(np.nan)
    return total / values.dtype.type(divisor) if divisor else values.dtype.type(0)


def _root_sum_squares(values: Vector) -> Any:
    return np.sqrt(np.add.reduce(values * values))


# -- one sample -----------------------------------------------------------------------------------


def _row(values: Vector) -> Vector:
    return values[np.newaxis]


def _halves(values: Vector) -> tuple[Vector, Vector]:
    """Return what a model gave and the targets, which stand behind it, as rows of one."""
    n = len(values) // 2
    return _row(values[:n]), _row(values[n:])


def _with_targets(write: str, texts: Sequence[str]) -> str:
    n = len(texts) // 2
    return listed([write.format(t, x) for x, t in zip(texts[:n], texts[n:], strict=True)])


def _minus_log_softmax(values: Vector, k: int) -> Any:
    return ops.sparse_softmax_crossentropy(np.array([k]), _row(values))[0][0]


def _clipped_shares(values: Vector, epsilon: float) -> Vector:
    return np.minimum(np.maximum(values / np.add.reduce(values), epsilon), 1.0 - epsilon)


FORMULAS: dict[str, Formula] = {**ELEMENTS, **SCORES}


def _add(name: str, words: str, symbols: str, compute: Callable[..., Any], numbers: Callable[..., str]) -> None:
    FORMULAS[name] = Formula(name, words, symbols, compute, numbers)


_add("given", "as it was recorded", "", lambda values, **_: None, lambda texts, **_: "")
_add(
    "running_mean",
    "the mean of its inputs, each counted as often as its weight says",
    "Σ wᵢ xᵢ / Σ wᵢ",
    _running_mean,
    lambda texts, weights: (
        f"({listed(texts if set(weights) == {1} else times(texts, weights))}) / {shown(float(sum(weights)))}"
    ),
)
_add(
    "total_over_count",
    "what the batches add up to, divided by how many values there were, or by what their weights add up to",
    "Σ totalᵢ / Σ countᵢ",
    _total_over_count,
    lambda texts, counts: f"({listed(texts)}) / {shown(float(sum(counts)))}",
)
_add(
    "root_of_mean",
    "the root of what the batches add up to, divided by how many values there were, or by what their weights add up to",
    "√(Σ totalᵢ / Σ countᵢ)",
    lambda values, counts: np.sqrt(_total_over_count(values, counts)),
    lambda texts, counts: f"√(({listed(texts)}) / {shown(float(sum(counts)))})",
)
_add(
    "weighted_sum",
    "the sum of its inputs, each times its factor",
    "Σ fᵢ xᵢ",
    _weighted_sum,
    lambda texts, factors: listed(times(texts, factors)),
)
_add(
    "mean",
    "the mean of its inputs: their sum, divided by how many count",
    "Σ xᵢ / n",
    _mean,
    lambda texts, divisor: f"({listed(texts)}) / {'nothing' if divisor is None else shown(float(divisor))}",
)
_add("sum", "the sum of its inputs", "Σ xᵢ", lambda values: np.add.reduce(values), lambda texts: listed(texts))
_add(
    "product",
    "the product of its inputs",
    "x · y",
    lambda values: values[0] * values[1],
    lambda texts: f"{texts[0]} × {operand(texts[1])}",
)
_add(
    "root_sum_squares",
    "the root of the sum of the squares",
    "√Σ xᵢ²",
    _root_sum_squares,
    lambda texts: f"√({listed([f'{operand(text)}²' for text in texts])})",
)
_add(
    "minus_log_softmax",
    "minus the logarithm of the probability that the softmax of its inputs, the logits, gives to the target's class",
    "−ln softmax(z)ₖ = ln Σ e^(zⱼ) − zₖ",
    _minus_log_softmax,
    lambda texts, k: f"ln({listed([f'e^{text}' for text in texts])}) − {operand(texts[k])}",
)
_add(
    "softmax",
    "the share of one class: its exponential, divided by the sum of all",
    "pₖ = e^(zₖ) / Σ e^(zⱼ)",
    lambda values, k: _softmax_of(_row(values))[0][0, k],
    lambda texts, k: f"e^{texts[k]} / ({listed([f'e^{text}' for text in texts])})",
)
_add(
    "sum_of_exponentials",
    "the exponentials of its inputs added up, each input less the largest, so that none overflows",
    "S = Σ e^(zⱼ − m), m = max z",
    lambda values: np.add.reduce(np.exp(_row(values) - np.maximum.reduce(values)), axis=-1)[0],
    lambda texts: listed([f"e^({text} − m)" for text in texts]),
)
_add(
    "share_of_sum",
    "the share of one class: its exponential, divided by the sum of all; from each logit the largest is taken",
    "pₖ = e^(zₖ − m) / S",
    lambda values: np.exp(values[:1] - values[1:2])[0] / values[2],
    lambda texts: f"e^({texts[0]} − {operand(texts[1])}) / {texts[2]}",
)
_add(
    "minus_log_share",
    "minus the logarithm of the probability given to the target's class, once all are divided by their sum and clipped",
    "−ln clip(pₖ / Σ pⱼ, ε, 1 − ε)",
    lambda values, k, epsilon: -np.log(_clipped_shares(values, epsilon)[k]),
    lambda texts, k, epsilon: f"−ln({texts[k]} / ({listed(texts)}))",
)
_add(
    "minus_log_clipped_share",
    "minus the logarithm of the probability given to the target's class, once all are clipped and divided by their sum",
    "−ln (qₖ / Σ qⱼ), q = clip(p, ε, 1 − ε)",
    lambda values, k, epsilon: ops.sparse_categorical_crossentropy(np.array([k]), _row(values), epsilon=epsilon)[0][0],
    lambda texts, k, epsilon: f"−ln({texts[k]} / ({listed(texts)}))",
)
_add(
    "crossentropy_of_logits",
    "minus the logarithms of the softmax's probabilities, each times its target; the targets are the last of its "
    "inputs",
    "−Σ tⱼ ln softmax(z)ⱼ",
    lambda values: ops.softmax_crossentropy(*reversed(_halves(values)))[0][0],
    lambda texts: f"−({_with_targets('{} × ln softmax({})', texts)})",
)
_add(
    "crossentropy_of_probabilities",
    "minus the logarithms of the probabilities, divided by their sum and clipped, each times its target; the targets "
    "are the last of its inputs",
    "−Σ tⱼ ln clip(pⱼ / Σ p, ε, 1 − ε)",
    lambda values, epsilon: ops.categorical_crossentropy(*reversed(_halves(values)), epsilon=epsilon)[0][0],
    lambda texts, epsilon: f"−({_with_targets('{} × ln {}', texts)})",
)
_add(
    "binary_crossentropy_of_logit",
    "minus the logarithm of what the sigmoid gives to the target",
    "max(z, 0) − z t + ln(1 + e^−|z|)",
    lambda values: ops.sigmoid_crossentropy(values[1:], values[:1])[0],
    lambda texts: f"max({texts[0]}, 0) − {operand(texts[0])} × {texts[1]} + ln(1 + e^−|{texts[0]}|)",
)
_add(
    "binary_crossentropy",
    "minus the logarithm of the probability given to the target",
    "−t ln(q + ε') − (1 − t) ln(1 − q + ε'), q = clip(p, ε, 1 − ε)",
    lambda values, epsilon, inner_epsilon: ops.binary_crossentropy(
        values[1:], values[:1], epsilon=epsilon, inner_epsilon=inner_epsilon
    )[0],
    lambda texts, epsilon, inner_epsilon: f"−{texts[1]} × ln {texts[0]} − (1 − {texts[1]}) × ln(1 − {texts[0]})",
)
_add(
    "sigmoid",
    "the sigmoid",
    "p = 1 / (1 + e^−z)",
    lambda values: _sigmoid_of(values)[0][0],
    lambda texts: f"1 / (1 + e^−({texts[0]}))",
)
_add(
    "smoothed",
    "the target, drawn towards what every class would get (label smoothing)",
    "t (1 − s) + share of s",
    lambda values, smoothing, share: (values * (1.0 - smoothing) + share)[0],
    lambda texts, smoothing, share: f"{operand(texts[0])} × (1 − {shown(smoothing)}) + {shown(share)}",
)
_add(
    "no_class",
    "0, because the target is a class that is ignored, or none",
    "value of no class",
    lambda values: values.dtype.type(0),
    lambda texts: "0",
)
_add(
    "argmax",
    "where the largest of its inputs stands, counted from 0; the first of equals",
    "argmaxⱼ xⱼ",
    lambda values, order_zeros, nan_first=False: values.dtype.type(
        _argmax_of(_row(values), order_zeros=order_zeros, nan_first=nan_first)[0]
    ),
    lambda texts, order_zeros, nan_first=False: f"argmax({listed(texts, ', ')})",
)
_add(
    "equal",
    "1 if its two inputs are equal, else 0",
    "[a = b]",
    lambda values: values.dtype.type(values[0] == values[1]),
    lambda texts: f"[{texts[0]} = {texts[1]}]",
)
_add(
    "among_the_largest",
    "1 if fewer than k outputs are larger than that of the target's class, else 0",
    "[#{j: pⱼ > pₜ} < k]",
    lambda values, label, k: values.dtype.type(_in_top_k(np.array([label]), _row(values), k)[0]),
    lambda texts, label, k: (
        f"[#{{j: pⱼ > {texts[label] if 0 <= label < len(texts) else 'none'}}} < {k}], p = {listed(texts, ', ')}"
    ),
)
_add(
    "listed_first",
    "1 if the target's class is among the first k that are listed, else 0",
    "[t ∈ {c₁, …, cₖ}]",
    lambda values, label, k: values.dtype.type(np.any(values[:k] == values.dtype.type(label))),
    lambda texts, label, k: f"[{shown(label)} ∈ {{{listed(texts[:k], ', ')}}}]",
)
_add(
    "on_the_same_side",
    "1 if the prediction is above the threshold where the target is 1, and not above it where the target is 0",
    "[t = [p > threshold]]",
    lambda values, threshold: values.dtype.type(values[1] == (values[0] > values.dtype.type(threshold))),
    lambda texts, threshold: f"[{texts[1]} = [{texts[0]} > {shown(float(threshold))}]]",
)
_add(
    "rounds_to",
    "1 if the prediction rounds to the target, else 0",
    "[t = round(p)]",
    lambda values: values.dtype.type(values[1] == np.round(values[0])),
    lambda texts: f"[{texts[1]} = round({texts[0]})]",
)


def _schedule(values: Vector, config: dict[str, Any]) -> Any:
    from refkeras.optimizers import schedules

    schedule: Any = schedules.deserialize(config)
    return values.dtype.type(np.asarray(schedule(int(values[0]))))


_add(
    "schedule",
    "what the schedule gives for the number of updates made before",
    "schedule(step)",
    _schedule,
    lambda texts, config: f"{config.get('class_name', 'schedule')}({texts[0]})",
)
