"""Where the loss of one sample, or a metric's value for it, comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.explain.derivation import Derivation, Inputs, derive, given
from refkeras.explain.records import Samples

__all__ = ["derive_value", "in_memory_order"]

Index = tuple[int, ...]


def in_memory_order(array: Any) -> tuple[Any, Callable[[int], Index]]:
    """Return the numbers of an array as they lie in memory, and what turns a place among them into an index."""
    order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
    turned = array.transpose(order)

    def index(place: int) -> Index:
        found = np.unravel_index(place, turned.shape)
        return tuple(int(found[order.index(axis)]) for axis in range(array.ndim))

    return turned.ravel(), index


def derive_value(name: str, samples: Samples, index: Index, dtype: Any) -> Derivation:
    """Return where the value of one sample (and step) comes from.

    Args:
        name: what the value is called.
        samples: what the batch was computed from.
        index: of the value in the array of the values.
        dtype: what it is computed in.
    """
    x, t = np.atleast_1d(samples.inputs[index]), np.atleast_1d(samples.targets[index])
    form = samples.form
    if form in ("mean_squared_error", "mean_absolute_error"):
        return _mean_of(name, "squared_difference" if "squared" in form else "absolute_difference", x, t, dtype)
    if form in ("binary_crossentropy", "binary_crossentropy_of_logit"):
        return _binary(name, samples, index, x, t, dtype)
    if form in ("on_the_same_side", "rounds_to"):
        return _sides(name, samples, x, t, dtype)
    if form == "categorical_accuracy":
        largest = [_argmax("where the target is largest", "target", t, samples, dtype)]
        largest.append(_argmax("where the output is largest", "output", x, samples, dtype))
        return derive(name, "equal", largest, dtype)
    if form == "sparse_categorical_accuracy":
        largest = [given("the target's class", t[0])]
        largest.append(_argmax("where the output is largest", "output", x, samples, dtype))
        return derive(name, "equal", largest, dtype)
    return _categorical(name, samples, index, x, t, dtype)


def _sides(name: str, samples: Samples, x: Any, t: Any, dtype: Any) -> Derivation:
    if len(x) == 1:
        pair = [given("the model's output", x[0]), given("the target", t[0])]
        return derive(name, samples.form, pair, dtype, **samples.params)
    nodes = []
    for j in range(len(x)):
        pair = [given(f"output[{j}]", x[j]), given(f"target[{j}]", t[j])]
        nodes.append(derive(f"hit[{j}]", samples.form, pair, dtype, **samples.params))
    return derive(name, "mean", nodes, dtype, divisor=len(x))


def _mean_of(name: str, form: str, x: Any, t: Any, dtype: Any) -> Derivation:
    sign = ("({}{} − {}{})²", "|{}{} − {}{}|")[form == "absolute_difference"]

    def element(j: int) -> Derivation:
        place = f"[{j}]" if len(x) > 1 else ""
        pair = [given(f"output{place}", x[j]), given(f"target{place}", t[j])]
        return derive(sign.format("output", place, "target", place), form, pair, dtype)

    e = x - t
    values = np.abs(e) if form == "absolute_difference" else e * e
    return derive(name, "mean", Inputs(values, element), dtype, divisor=len(x))


def _binary(name: str, samples: Samples, index: Index, x: Any, t: Any, dtype: Any) -> Derivation:
    outputs = None if samples.outputs is None else np.atleast_1d(samples.outputs[index])
    what = "logit" if samples.form.endswith("logit") else "output"
    nodes = []
    for j in range(len(x)):
        place = f"[{j}]" if len(x) > 1 else ""
        pair = [given(f"{what}{place}", x[j]), given(f"target{place}", t[j])]
        also = []
        if outputs is not None:
            also.append(_behind(f"output{place}", "sigmoid", pair[:1], outputs[j], dtype))
        nodes.append(derive(f"crossentropy{place}", samples.form, pair, dtype, also=also, **samples.params))
    return derive(name, "mean", nodes, dtype, divisor=len(x))


def _behind(name: str, formula: str, inputs: Any, output: Any, dtype: Any, **params: Any) -> Derivation:
    """Return how the model's output comes from its logits; plain where another function made it."""
    found = derive(name, formula, inputs, dtype, **params)
    if found.value == output:
        return found
    return given(name, output, [f"The model's output. {formula} of its logits would be {found.shown}."])


def _argmax(name: str, what: str, x: Any, samples: Samples, dtype: Any) -> Derivation:
    inputs = Inputs(x, lambda j: given(f"{what}[{j}]", x[j]))
    return derive(name, "argmax", inputs, dtype, **samples.params)


_ONE_HOT = {"crossentropy_of_logits": "minus_log_softmax", "crossentropy_of_probabilities": "minus_log_share"}


def _categorical(name: str, samples: Samples, index: Index, x: Any, t: Any, dtype: Any) -> Derivation:
    form = samples.form
    what = "logit" if form in ("crossentropy_of_logits", "minus_log_softmax") else "output"
    inputs = Inputs(x, lambda j: given(f"{what}[{j}]", x[j]))
    if form in _ONE_HOT:
        one_hot = np.count_nonzero(t) == 1 and t.max() == 1 and np.isfinite(x).all()
        if not one_hot:
            return derive(name, form, inputs, dtype, targets=[float(v) for v in t], **samples.params)
        form, k = _ONE_HOT[form], int(t.argmax())
    else:
        k = int(t[0])
    also = []
    if samples.outputs is not None:
        also.append(
            _behind(
                f"p[{k}], what the model gave to that class", "softmax", inputs, samples.outputs[index][k], dtype, k=k
            )
        )
    notes = [f"The target is class {k}."]
    return derive(name, form, inputs, dtype, also=also, notes=notes, k=k, **samples.params)
