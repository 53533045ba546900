"""The real Kerases of this process: one backend of Keras 3, and tf_keras beside TensorFlow's.

`KERAS_BACKEND` picks the backend before the first import; a process has one.
The tests ask for tensors, arrays and gradients here, so that they are the same
on every backend. TensorFlow and tf_keras are imported on TensorFlow's backend
alone: elsewhere `tf` and `tf_keras` are None, and nothing of the suite needs
them installed.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.utils.naming import reset_uids

__all__ = [
    "BACKEND",
    "DEVICE",
    "DTYPES",
    "ENGINES",
    "FLOAT64",
    "KERAS_3",
    "MODE",
    "NATIVE_ERRORS",
    "NOT_COMPARED",
    "NoGradient",
    "both_kerases",
    "differs",
    "double",
    "forget_names",
    "keras",
    "mask_of",
    "numpy",
    "portable",
    "tensor",
    "tensorflow_only",
    "tf",
    "tf_keras",
    "trains",
    "value_and_gradients",
    "with_mask",
]

BACKEND: str = keras.backend.backend()
KERAS_3 = f"keras-3@{BACKEND}"
DEVICE = os.environ.get("REFKERAS_DEVICE", "cpu")
#: How compiled models run: as Keras chooses, or forced to `eager`, `graph` or `jit`.
MODE = os.environ.get("REFKERAS_MODE", "auto")

#: Keras's other backends round some of what they compute in float64, or all, to float32: their types know no float64.
FLOAT64 = BACKEND == "tensorflow"
#: Whether all penalties of outputs are in the loss: on JAX Keras loses some, and others at random (docs/findings.md).
KEEPS_PENALTIES = BACKEND != "jax"
DTYPES = ("float32", "float64") if FLOAT64 else ("float32",)

tf: Any = None
tf_keras: Any = None
#: What a backend raises of its own where another, or Keras, raises a ValueError: shapes and indices that do not fit.
NATIVE_ERRORS: tuple[type[Exception], ...] = ()
if BACKEND == "tensorflow":
    import tensorflow as tf
    import tf_keras

    NATIVE_ERRORS = (tf.errors.OpError,)
elif BACKEND == "jax":
    import jax

    NATIVE_ERRORS = (TypeError,)
elif BACKEND == "torch":
    import torch

    NATIVE_ERRORS = (RuntimeError,)

#: Name of the semantics preset → the Keras that it describes.
ENGINES: dict[str, Any] = {KERAS_3: keras} | ({"tf_keras": tf_keras} if tf_keras else {})


def tensorflow_only(reason: str) -> pytest.MarkDecorator:
    """Mark what can be shown on TensorFlow's process alone; other backends leave it out, and say why."""
    return pytest.mark.tensorflow_only(reason=reason)


def differs(*backends: str, reason: str) -> pytest.MarkDecorator:
    """Mark what cannot agree on these backends of Keras 3; it is left out there, and the session says why."""
    return pytest.mark.differs(*backends, reason=reason)


#: A comparison of Keras 3 with tf_keras, which lives beside TensorFlow alone.
both_kerases = tensorflow_only("shows tf_keras beside Keras 3")


#: What fits a model, which Keras's NumPy backend does not.
trains = pytest.mark.trains


#: Why → how many arrays or numbers were not compared in tests that ran; the session says it at its end.
NOT_COMPARED: Counter[str] = Counter()


class NoGradient(np.ndarray):
    """Stands for a gradient on a backend that has none; `assert_agrees` counts what it leaves out."""

    reason = "gradients, which this backend does not compute"

    @classmethod
    def like(cls, array: Any) -> NoGradient:
        return np.full(np.shape(array), np.nan, array.dtype if array.dtype.kind == "f" else None).view(cls)


def forget_names(k: Any) -> None:
    """Have automatic names of an engine, or of refkeras, start anew.

    `clear_session` does so, too, but collects garbage and empties TensorFlow's cache of kernels, half a second a time.
    """
    if k is keras:
        reset_uids()
    elif k.__name__ == "tf_keras":  # which a test may import beside another backend
        k.backend.reset_uids()
    else:
        k.backend.clear_session(free_memory=False)


def double() -> contextlib.AbstractContextManager[Any]:
    """A context in which the backend has float64: JAX has none unless it is told to."""
    return jax.enable_x64(True) if BACKEND == "jax" else contextlib.nullcontext()


def tensor(array: Any, mask: Any = None) -> Any:
    """Return a tensor of this process's backend, with a mask if one is given."""
    return with_mask(tf.constant(array) if tf else keras.ops.convert_to_tensor(array), mask)


def with_mask(value: Any, mask: Any) -> Any:
    """Give a tensor a mask, if one is given, as a layer does; return the tensor."""
    if mask is not None:
        set_keras_mask(value, tensor(mask))
    return value


def mask_of(value: Any) -> np.ndarray | None:
    """Return the mask that a tensor carries, as an array."""
    mask = get_keras_mask(value)
    return None if mask is None else numpy(mask)


def numpy(value: Any) -> np.ndarray:
    """Return the array in a tensor or variable of any engine; arrays and numbers as they are."""
    if isinstance(value, keras.Variable):
        value = value.value
    if tf and isinstance(value, (tf.Tensor, tf.Variable, tf.IndexedSlices)):
        return np.asarray(tf.convert_to_tensor(value))
    if isinstance(value, (np.ndarray, np.generic, int, float, list, tuple)):
        return np.asarray(value)
    if hasattr(value, "numpy") and type(value).__module__.startswith("refkeras"):
        return np.asarray(value.numpy())
    return np.asarray(keras.ops.convert_to_numpy(value))


def portable(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with an optimizer of Keras's PyTorch backend under its public name, which any backend can load.

    Keras writes where the backend keeps the class; refkeras reads that, and writes the public name.
    """
    if str(record.get("module")).startswith("keras.src.backend.torch.optimizers."):
        return {**record, "module": "keras.optimizers", "registered_name": None}
    return record


class Derived(NamedTuple):
    """What a function of tensors gave: its flat results as they came and as arrays, and gradients (None for none)."""

    tensors: list[Any]
    values: list[np.ndarray]
    gradients: list[np.ndarray | None]


def value_and_gradients(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    variables: Sequence[Any] = (),
    d_values: Sequence[Any] | None = None,
) -> Derived:
    """Call `function(*tensors)` and differentiate Σ d_value · value by its inputs and by variables.

    Args:
        function: takes one tensor for each of `inputs`, returns a structure of tensors.
        inputs: arrays.
        variables: trainable variables (Keras 3's, or tf.Variables) that the function uses.
        d_values: one array for each flat result, or None for a result left out; all ones if not given.
    """
    derive = {"tensorflow": _tape, "jax": _vjp, "torch": _autograd, "numpy": _none}[BACKEND]
    return derive(function, inputs, variables, d_values)


def _total(values: Sequence[Any], d_values: Sequence[Any] | None, sum_: Callable[[Any], Any]) -> Any:
    """Σ d_value · value; tensors of integers have no part in it."""
    total: Any = 0.0
    for i, value in enumerate(values):
        d = np.ones(value.shape) if d_values is None else d_values[i] if i < len(d_values) else None
        if d is not None and "float" in str(value.dtype):
            total = total + sum_(value * tensor(np.asarray(d, keras.backend.standardize_dtype(value.dtype))))
    return total


def _tape(function: Any, inputs: Any, variables: Any, d_values: Any) -> Derived:
    tensors = [tensor(x) for x in inputs]
    raw = [v if isinstance(v, tf.Variable) else v.value for v in variables]
    with tf.GradientTape() as tape:
        tape.watch([t for t in tensors if t.dtype.is_floating])
        values = tf.nest.flatten(function(*tensors))
        total = _total(values, d_values, tf.reduce_sum)
    found = tape.gradient(total, [*tensors, *raw]) if isinstance(total, tf.Tensor) else [None] * len([*tensors, *raw])
    return Derived(values, [numpy(v) for v in values], [None if g is None else numpy(g) for g in found])


def _vjp(function: Any, inputs: Any, variables: Any, d_values: Any) -> Derived:
    """One program for values and gradients, as Keras trains on JAX; what it changes (seeds, metrics) is carried out."""
    tensors = [tensor(x) for x in inputs]
    floats = [i for i, t in enumerate(tensors) if "float" in str(t.dtype)]
    changed: list[Any] = []

    class Scope(keras.StatelessScope):
        def add_update(self, update: tuple[Any, Any]) -> None:
            changed[:] = [*(v for v in changed if v is not update[0]), update[0]]
            super().add_update(update)

    def run(chosen: Any, states: Any) -> Any:
        given = list(tensors)
        for i, value in zip(floats, chosen, strict=True):
            given[i] = value
        with Scope(state_mapping=list(zip(variables, states, strict=True))) as scope:
            values = keras.tree.flatten(function(*given))
            total = jax.numpy.asarray(_total(values, d_values, keras.ops.sum), "float64")
            updates = [scope.get_current_value(v) for v in changed]
        return total, (values, [get_keras_mask(v) for v in values], updates)

    derive = d_values is None or any(d is not None for d in d_values)
    program = jax.value_and_grad(run, argnums=(0, 1), has_aux=True) if derive else run
    found, derived = _jit(program, [tensors[i] for i in floats], [v.value for v in variables]), ([], [])
    if derive:
        found, derived = found
    _, (values, masks, updates) = found
    gradients: list[Any] = [None] * (len(tensors) + len(variables))
    for i, g in zip([*floats, *range(len(tensors), len(gradients))], [*derived[0], *derived[1]], strict=derive):
        gradients[i] = np.asarray(g)
    for variable, value in zip(changed, updates, strict=True):
        variable.assign(value)
    for value, mask in zip(values, masks, strict=True):
        set_keras_mask(value, mask)
    return Derived(values, [numpy(v) for v in values], gradients)


def _jit(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function as one compiled program, which takes the arrays that the function holds as arguments, too.

    So that programs of the same operations and shapes are one, and compiled once: as Keras trains, nothing is a
    constant. `jax.jit` would build what the function holds into a program for each of Hypothesis's examples. JAX lifts
    what inner programs hold to the outermost, so that operations and shapes tell programs apart.
    """
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
    flat = _compiled(_Operations(str(closed.jaxpr), closed.jaxpr))(closed.consts, *jax.tree.leaves(arguments))
    return jax.tree.unflatten(jax.tree.structure(shapes), flat)


@dataclass(frozen=True)
class _Operations:
    """A program's operations, equal if they read the same."""

    text: str
    jaxpr: Any = field(compare=False)


@functools.lru_cache(maxsize=4096)
def _compiled(operations: _Operations) -> Callable[..., Any]:
    if room_for_programs() < 1 / 3:
        _compiled.cache_clear()
        jax.clear_caches()
        gc.collect()
    return jax.jit(functools.partial(jax.core.eval_jaxpr, operations.jaxpr))


def room_for_programs(maps: Path = Path("/proc/self/maps"), most: Path = Path("/proc/sys/vm/max_map_count")) -> float:
    """The part of its memory maps that Linux has left for this process; 1 elsewhere.

    A program of an LSTM takes sixty of 65,530, or hundreds if it is compiled in haste. Without any, JAX crashes.
    """
    try:
        with maps.open("rb") as lines:
            return 1 - sum(1 for _ in lines) / int(most.read_text())
    except OSError:
        return 1.0


def _autograd(function: Any, inputs: Any, variables: Any, d_values: Any) -> Derived:
    tensors = [tensor(x) for x in inputs]
    for t in tensors:
        if t.is_floating_point():
            t.requires_grad_(True)
    values = keras.tree.flatten(function(*tensors))
    total = _total(values, d_values, torch.sum)
    wanted = [*tensors, *(v.value for v in variables)]
    found: list[Any] = [None] * len(wanted)
    if isinstance(total, torch.Tensor) and total.requires_grad:
        sources = [i for i, t in enumerate(wanted) if t.requires_grad]
        gradients = torch.autograd.grad(total, [wanted[i] for i in sources], allow_unused=True)
        for i, g in zip(sources, gradients, strict=True):
            found[i] = None if g is None else numpy(g)
    return Derived(values, [numpy(v) for v in values], found)


def _none(function: Any, inputs: Any, variables: Any, d_values: Any) -> Derived:
    """Keras's NumPy backend computes no gradients: values alone."""
    tensors = [tensor(x) for x in inputs]
    values = keras.tree.flatten(function(*tensors))
    found = [NoGradient.like(x) for x in tensors] + [NoGradient.like(v.value) for v in variables]
    return Derived(values, [numpy(v) for v in values], found)
