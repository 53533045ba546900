"""Layers, models and training steps of refkeras on numbers with error bars, in the forms that judging needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from refkeras import precision, tree
from refkeras.config import DTypePolicy
from refkeras.layers import eager

__all__ = ["call", "compare", "every_step", "hold_in_float16", "make", "rounded", "run", "step", "update"]


def make(layer: Any, args: Sequence[Any], kwargs: dict[str, Any], weights: list[np.ndarray]) -> None:
    """Build a layer that stands alone, for the input that it will get, and give it its weights."""
    if not layer.built:
        layer(*args, **kwargs)
    layer.set_weights(weights)


def hold_in_float16(layer: Any) -> None:
    """Have a layer or model hold float16 numbers, which refkeras computes with error bars alone."""
    policy = object.__new__(DTypePolicy)  # the constructor takes what refkeras computes in without them
    policy.name = "float16"
    for inner in layer._flatten_layers():
        inner._dtype_policy = policy
        for variable in inner.weights:
            variable._value = variable.value.astype("float16")
        graph = getattr(inner, "_functional", None) or inner
        if hasattr(graph, "_static_shapes"):
            graph._static_shapes = [(shape, np.dtype("float16")) for shape, _ in graph._static_shapes]


def call(layer: Any, args: Sequence[Any], kwargs: dict[str, Any], states: Any, machine: str) -> list[Any]:
    """Return the outputs of a layer, flat, for inputs and states that count as exact."""
    for variable, value in zip(getattr(layer, "states", None) or (), states or (), strict=False):
        variable.assign(value)
    names = list(eager.signature_of(type(layer)).signature.parameters)
    further = {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}
    return tree.flatten(precision.evaluate(layer, args[0], machine, **further))


@contextmanager
def every_step(layer: Any) -> Iterator[None]:
    """Have a recurrent layer return its outputs after each time step, and no state."""
    kept = layer.return_sequences, layer.return_state
    layer.return_sequences, layer.return_state = True, False
    try:
        yield
    finally:
        layer.return_sequences, layer.return_state = kept


def run(model: Any, inputs: list[np.ndarray], machine: str) -> list[Any]:
    """Return the outputs of a model, flat, from its first state on."""
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False):
            layer.reset_states()
    return tree.flatten(precision.evaluate(model, tree.pack_as(model._inputs_struct, inputs), machine))


def step(model: Any, x: Any, y: Any, machine: str) -> tuple[dict[str, Any], list[Any]]:
    """Take one training step; return what it logs, and the gradients."""
    with precision.bars(model, machine) as found:
        model.reset_metrics()
        logs = model.train_on_batch(x, y, return_dict=True)
        return logs, found.gradients


def update(model: Any, gradients: list[np.ndarray | None], machine: str) -> tuple[list[Any], list[Any]]:
    """Update the weights by gradients that count as exact; return weights and slots."""
    with precision.bars(model, machine) as found:
        bars = [None if g is None else precision.exact(g, machine) for g in gradients]
        model.optimizer.apply(bars, model.trainable_variables)
        return found.weights, found.slots


def compare(ours: Any, theirs: Any) -> tuple[np.ndarray, ...]:
    """Return value, bar, the engine's value, and how far they are apart, in sigma and in ulp.

    What is counted or decided, and has no bar, must be the same.
    """
    theirs = np.asarray(theirs)
    if not isinstance(ours, precision.BarArray):
        plain = np.asarray(ours, np.float64)
        apart = np.abs(theirs.astype(np.float64) - plain)
        zero = np.zeros(plain.shape)
        return plain, zero, theirs, np.where(apart == 0, 0.0, np.inf), apart
    found = precision.compare(ours, theirs)
    with np.errstate(all="ignore"):
        counted = np.abs(theirs.astype(np.float64) - ours.value) / found.sigmas  # no less than a step of the grid
    sigma = np.where((found.sigmas > 0) & np.isfinite(found.sigmas) & np.isfinite(counted), counted, ours.sigma)
    return ours.value, sigma, theirs, found.sigmas, found.ulps


def rounded(array: np.ndarray, machine: str) -> np.ndarray:
    """Return numbers as an engine of that precision stores them, in float64."""
    return precision.exact(array, machine).value
