"""What goes into the model: arrays from a file, or drawn."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras import tree
from refkeras.naming import did_you_mean
from refkeras.verify.model.loading import InputOf, Loaded

__all__ = ["BATCH", "Data", "draw_data", "read_data"]

BATCH = 32
"""Rows of a training step, Keras's default."""
_STEPS = 7
"""The length of an axis that the file leaves open, such as time."""


@dataclass(frozen=True)
class Data:
    """Inputs and, where the model is to be trained, targets: one array each, in the model's order."""

    inputs: list[np.ndarray]
    targets: list[np.ndarray]
    source: str

    @property
    def rows(self) -> int:
        return len(self.inputs[0])

    def batches(self, steps: int) -> list[tuple[int, int]]:
        """Return the rows of each training step, going round where there are more steps than batches."""
        starts = range(0, self.rows, BATCH)
        return [(start, min(start + BATCH, self.rows)) for start in (starts[k % len(starts)] for k in range(steps))]


def draw_data(loaded: Loaded, samples: int, seed: int, targets: bool) -> Data:
    """Draw inputs (normal, or in the range of an Embedding), and targets that suit the losses.

    Raises:
        ValueError: `samples` does not suit a model with a fixed batch size.
    """
    rng = np.random.default_rng(seed)
    fixed = {given.shape[0] for given in loaded.inputs} - {None}
    if fixed and samples not in fixed:
        samples = min(fixed)  # type: ignore[type-var, assignment]
    inputs = [_draw_input(given, samples, rng, _vocabulary(loaded, given)) for given in loaded.inputs]
    drawn = _draw_targets(loaded, samples, rng) if targets else []
    return Data(inputs, drawn, f"{samples} samples drawn from seed {seed}")


def _draw_input(given: InputOf, samples: int, rng: np.random.Generator, vocabulary: int | None) -> np.ndarray:
    shape = [samples, *(_STEPS if size is None else size for size in given.shape[1:])]
    if vocabulary is not None:
        return rng.integers(vocabulary, size=shape).astype(given.dtype)
    if given.dtype == "bool":
        return rng.random(shape) < 0.5
    if np.dtype(given.dtype).kind in "iu":
        return rng.integers(10, size=shape).astype(given.dtype)
    return rng.normal(size=shape).astype("float32").astype(given.dtype)


def _vocabulary(loaded: Loaded, given: InputOf) -> int | None:
    """Return how many values an input may take, if it goes into an Embedding."""
    sizes = []
    for layer in loaded.layers.values():
        if type(layer).__name__ != "Embedding":
            continue
        tensors = [t for node in layer._inbound_nodes for t in node.input_tensors]
        if not tensors or any(t._keras_history.operation.name == given.name for t in tensors):
            sizes.append(int(layer.input_dim))
    return min(sizes, default=None)


def _draw_targets(loaded: Loaded, samples: int, rng: np.random.Generator) -> list[np.ndarray]:
    found = []
    for tensor, loss in zip(loaded.model.outputs, _losses(loaded), strict=True):
        shape = (samples, *(_STEPS if size is None else size for size in tensor.shape[1:]))
        found.append(_draw_target(_name(loss), shape, rng).astype("float32"))
    return found


def _losses(loaded: Loaded) -> list[Any]:
    """Return the loss of each output, None where it has none."""
    model = loaded.model
    loss, count = model._compile_arguments["loss"], len(model.outputs)
    if isinstance(loss, dict):
        if isinstance(model._outputs_struct, dict):
            return [loss.get(key) for key in sorted(model._outputs_struct)]
        return [loss.get(name) for name in loaded.outputs]
    flat = tree.flatten(loss)
    return flat * count if len(flat) == 1 else flat


def _name(loss: Any) -> str:
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    return str(name).lower().replace("_", "")


def _draw_target(loss: str, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    classes = shape[-1] if len(shape) > 1 else 1
    if loss.startswith("sparse"):
        return rng.integers(classes, size=shape[:-1])
    if loss.startswith(("categorical", "kl")):
        return np.eye(classes)[rng.integers(classes, size=shape[:-1])]
    draws: dict[str, Callable[[], np.ndarray]] = {
        "binary": lambda: rng.integers(2, size=shape),
        "hinge": lambda: 2 * rng.integers(2, size=shape) - 1,
        "squaredhinge": lambda: 2 * rng.integers(2, size=shape) - 1,
        "poisson": lambda: rng.integers(5, size=shape),
        "meansquaredlog": lambda: rng.exponential(size=shape),
        "msle": lambda: rng.exponential(size=shape),
    }
    draw = next((draw for start, draw in draws.items() if loss.startswith(start)), lambda: rng.normal(size=shape))
    return draw()


def read_data(path: str | os.PathLike[str], loaded: Loaded, targets: bool) -> Data:
    """Read inputs, and targets where they are asked for, from an `.npz` file.

    An input goes by its name, or as `x` (`x0`, `x1`, ... of several); a target
    by its output's name, or as `y` (`y0`, `y1`, ...).

    Raises:
        ValueError: no `.npz` file of numbers, or arrays that are missing, unknown, or do not fit the model.
    """
    arrays = _read(path)
    wanted = [given.name for given in loaded.inputs]
    names = loaded.outputs
    inputs = [arrays.pop(key) for key in _keys(arrays, wanted, "x", path)]
    found = [arrays.pop(key) for key in _keys(arrays, names, "y", path)] if targets else []
    spare = [key for key in arrays if targets or (key not in names and not key.startswith("y"))]
    if spare:
        known = [*wanted, "x", *names, "y"]
        raise ValueError(
            f"{path}: nothing is called {spare[0]!r}.{did_you_mean(spare[0], known)} The model has {known}."
        )
    rows = len(inputs[0])
    for array, label in ((a, label) for group, label in ((inputs, "input"), (found, "target")) for a in group):
        if array.ndim == 0 or len(array) != rows or rows == 0:
            raise ValueError(f"{path}: an {label} has shape {array.shape}; the first has {rows} rows.")
    return Data(
        [_fitted(a, i, path) for a, i in zip(inputs, loaded.inputs, strict=True)], found, f"{rows} rows of {path}"
    )


def _read(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if not hasattr(file, "files"):
                raise ValueError("it holds one array without a name")
            return {key: file[key] for key in file.files}
    except (ValueError, zipfile.BadZipFile, EOFError, TypeError) as error:
        raise ValueError(f"{path} is no .npz file of numbers (numpy.savez writes one): {error}") from error


def _keys(arrays: dict[str, np.ndarray], names: list[str], letter: str, path: Any) -> list[str]:
    numbered = [letter] if len(names) == 1 else [f"{letter}{i}" for i in range(len(names))]
    for keys in (names, numbered):
        if all(key in arrays for key in keys):
            return keys
    raise ValueError(f"{path} lacks {names} (or {numbered}): it has {list(arrays)}.")


def _fitted(array: np.ndarray, given: InputOf, path: Any) -> np.ndarray:
    expected, shape = given.shape, array.shape
    fits = len(shape) == len(expected) and all(e in (None, s) for e, s in zip(expected, shape, strict=True))
    if not fits or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{path}: input {given.name!r} takes {expected}, and was given {array.dtype} of shape {shape}."
        )
    return array.astype(given.dtype)
