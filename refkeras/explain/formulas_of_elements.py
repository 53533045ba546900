"""The formulas of one prediction and its target, which most losses take the mean of, and of whole vectors of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.explain.formula import Formula, listed, operand, shown
from refkeras.ops import hinge_losses, losses, regression_losses

__all__ = ["EACH", "ELEMENTS"]

Vector = Any
# `EACH[name](p, t, **params)` computes a formula for vectors of predictions and of targets, one by one.
EACH: dict[str, Callable[..., Vector]] = {}
ELEMENTS: dict[str, Formula] = {}


def _each(op: Callable[..., Any], **fixed: Any) -> Callable[..., Vector]:
    """Return what an op of `ops`, which takes the mean of the last axis, gives for every element alone."""
    return lambda p, t, **params: op(t[..., None], p[..., None], **fixed, **params)[0]


def _add(name: str, words: str, symbols: str, each: Callable[..., Vector], numbers: Callable[..., str]) -> None:
    """Add a formula of two inputs: the prediction and the target."""
    EACH[name] = each
    ELEMENTS[name] = Formula(
        name, words, symbols, lambda values, **params: each(values[:1], values[1:], **params)[0], numbers
    )


_add(
    "squared_difference",
    "prediction minus target, squared",
    "(p − t)²",
    lambda p, t: (p - t) * (p - t),
    lambda texts: f"({texts[0]} − {operand(texts[1])})²",
)
_add(
    "absolute_difference",
    "how far the prediction is from the target",
    "|p − t|",
    lambda p, t: np.abs(p - t),
    lambda texts: f"|{texts[0]} − {operand(texts[1])}|",
)
_add(
    "relative_difference",
    "how far the prediction is from the target, as a share of the target's size, or of ε if that is larger",
    "|p − t| / max(|t|, ε)",
    lambda p, t, epsilon: np.abs((p - t) / np.maximum(np.abs(t), epsilon)),
    lambda texts, epsilon: f"|{texts[0]} − {operand(texts[1])}| / max(|{texts[1]}|, {shown(epsilon)})",
)
_add(
    "squared_logarithmic_difference",
    "the difference of the logarithms of prediction and target, each at least ε and 1 added to it, squared",
    "(ln(max(p, ε) + 1) − ln(max(t, ε) + 1))²",
    _each(regression_losses.mean_squared_logarithmic_error),
    lambda texts, epsilon: f"(ln(max({texts[0]}, {shown(epsilon)}) + 1) − ln(max({texts[1]}, {shown(epsilon)}) + 1))²",
)
_add(
    "huber",
    "half the squared error as far as δ, and beyond it the tangent of that parabola, which grows as the error does",
    "e² / 2 if |e| ≤ δ, else δ |e| − δ² / 2, e = p − t",
    _each(regression_losses.huber),
    lambda texts, delta: f"huber(e), e = {texts[0]} − {operand(texts[1])}, δ = {shown(delta)}",
)
_add(
    "log_cosh",
    "the logarithm of the hyperbolic cosine of the error: half its square near 0, its size less ln 2 far from it; "
    "Keras takes ln 2 as float32 holds it",
    "ln cosh e = e + ln(1 + e^(−2e)) − ln 2, e = p − t",
    _each(regression_losses.log_cosh),
    lambda texts: f"ln cosh({texts[0]} − {operand(texts[1])})",
)
_add(
    "poisson",
    "the rate that is predicted, less the count times its logarithm",
    "p − t ln(p + ε)",
    _each(losses.poisson),
    lambda texts, epsilon: f"{texts[0]} − {operand(texts[1])} × ln({texts[0]} + {shown(epsilon)})",
)
_add(
    "divergence",
    "the target's probability times the logarithm of how many times it is the predicted one",
    "s ln(s / q), s = clip(t, ε, 1), q = clip(p, ε, 1)",
    _each(losses.kl_divergence),
    lambda texts, epsilon: f"{operand(texts[1])} × ln({texts[1]} / {operand(texts[0])})",
)


_add(
    "weighted",
    "the target times the output, which the metric takes for its weight",
    "t p",
    lambda p, t: t * p,
    lambda texts: f"{operand(texts[1])} × {operand(texts[0])}",
)


def _signed(t: Any, signed: bool) -> Any:
    return 2.0 * t - 1.0 if signed else t


def _margin(texts: Sequence[str], signed: bool) -> str:
    label = f"(2 × {texts[1]} − 1)" if signed else operand(texts[1])
    return f"max(1 − {label} × {operand(texts[0])}, 0)"


_add(
    "hinge",
    "what the score, times its label −1 or 1, lacks to 1; labels that are all 0 or 1 stand for −1 and 1",
    "max(1 − t p, 0)",
    lambda p, t, signed: _each(hinge_losses.hinge)(p, _signed(t, signed)),
    _margin,
)
_add(
    "squared_hinge",
    "what the score, times its label −1 or 1, lacks to 1, squared; labels that are all 0 or 1 stand for −1 and 1",
    "max(1 − t p, 0)²",
    lambda p, t, signed: _each(hinge_losses.squared_hinge)(p, _signed(t, signed)),
    lambda texts, signed: f"{_margin(texts, signed)}²",
)
_add(
    "other_class",
    "the score, as far as its class is not the target",
    "(1 − t) p",
    lambda p, t: (1.0 - t) * p,
    lambda texts: f"(1 − {operand(texts[1])}) × {operand(texts[0])}",
)
_add(
    "own_class",
    "the score, as far as its class is the target",
    "t p",
    lambda p, t: t * p,
    lambda texts: f"{operand(texts[1])} × {operand(texts[0])}",
)


# -- of vectors -----------------------------------------------------------------------------------


def _cosine(values: Vector, epsilon: float | None, squares: bool, share: float | None, sign: int) -> Any:
    n = len(values) // 2
    p, t = values[:n], values[n:]
    if epsilon is None:
        found = regression_losses.cosine_similarity_of_arrays(t[None], p[None])[0][0]
    else:
        found = regression_losses.cosine_similarity(t, p, epsilon=epsilon, squares=squares)[0]
    found = found if share is None else found * share
    return found if sign < 0 else -found


def _cosine_numbers(texts: Sequence[str], epsilon: float | None, squares: bool, share: float | None, sign: int) -> str:
    n = len(texts) // 2
    products = listed([f"{operand(t)} × {operand(p)}" for p, t in zip(texts[:n], texts[n:], strict=True)])
    mean = "" if share is None else f" / {n}"
    return f"{'−' if sign < 0 else ''}({products}) / (|t| × |p|){mean}"


for _formula in (
    Formula(
        "hundred_means",
        "100 times the mean of its inputs, so that it is in percent",
        "100 Σ xᵢ / n",
        lambda values: 100.0 * (np.add.reduce(values) / values.dtype.type(len(values))),
        lambda texts: f"100 × ({listed(texts)}) / {len(texts)}",
    ),
    Formula(
        "largest",
        "the largest of its inputs",
        "maxⱼ xⱼ",
        lambda values: np.maximum.reduce(values),
        lambda texts: f"max({listed(texts, ', ')})",
    ),
    Formula(
        "lead_of_others",
        "how far the largest score of another class comes within 1 of the target's own, or exceeds it; else 0",
        "max(other − own + 1, 0)",
        lambda values: np.maximum(values[:1] - values[1:] + 1.0, 0.0)[0],
        lambda texts: f"max({texts[0]} − {operand(texts[1])} + 1, 0)",
    ),
    Formula(
        "cosine",
        "the cosine of the angle between the output and the target: the sum of their products, divided by both lengths "
        "(each length is bounded from below); its minus for the loss; the targets are the last of its inputs",
        "± Σ tⱼ pⱼ / (|t| |p|)",
        _cosine,
        _cosine_numbers,
    ),
):
    ELEMENTS[_formula.name] = _formula
