"""One layer on refkeras and on a real engine: the same weights, the same data, outputs and gradients of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import refkeras
from refkeras import semantics, tree
from refkeras.layers import eager
from refkeras.tensor import unwrap

ENGINES = {"keras-3@tensorflow": keras, "tf_keras": tf_keras}


class Result(NamedTuple):
    """What a call gave; `d_weights` and `d_inputs` are gradients of Σ d_output · output."""

    outputs: list[Any]
    masks: list[Any]
    d_inputs: list[Any]
    d_weights: list[Any]


def make_both(engine: str, make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return `make(layers)` of refkeras and of the engine."""
    with semantics.use(engine):
        return make(refkeras.layers), make(ENGINES[engine].layers)


def run_ours(
    layer: Any,
    inputs: Any,
    d_outputs: Sequence[Any] | None = None,
    *,
    mask: Any = None,
    mask_argument: Any = None,
    training: bool = False,
    gradient: str = "all",
    **kwargs: Any,
) -> Result:
    """Call a refkeras layer on arrays (a list for several inputs) and pull gradients back through it.

    `mask` is that of the inputs, `mask_argument` the argument of the call.
    """
    if mask_argument is not None:
        kwargs["mask"] = mask_argument
    arguments = eager.bind(layer, (inputs,), kwargs)
    layer._check_inputs(inputs)
    layer._maybe_build(arguments)
    with np.errstate(all="ignore"):
        result, masks = eager.invoke(layer, (inputs,), kwargs, mask, training, gradient)
        outputs = tree.flatten(result.outputs)
        d_inputs: list[Any] = []
        d_weights: list[Any] = []
        if d_outputs is not None and result.pullback is not None:
            d_inputs, d_weights = result.pullback(list(d_outputs))
    return Result(outputs, masks, d_inputs, d_weights)


def run_engine(
    layer: Any,
    inputs: Any,
    d_outputs: Sequence[Any] | None = None,
    *,
    mask: Any = None,
    mask_argument: Any = None,
    training: bool = False,
    wanted: Sequence[Any] = (),
    **kwargs: Any,
) -> Result:
    """Call a layer of Keras 3 or tf_keras eagerly.

    `mask` is that of the inputs, `mask_argument` the argument of the call;
    `wanted` lists tensors in kwargs whose gradients come after those of the inputs.
    """
    if mask_argument is not None:
        kwargs["mask"] = tf.constant(mask_argument)
    tensors = tf.nest.map_structure(tf.constant, inputs)
    flat = [*tf.nest.flatten(tensors), *wanted]
    if mask is not None:
        for tensor, m in zip(tf.nest.flatten(tensors), tree.flatten(mask), strict=True):
            tensor._keras_mask = None if m is None else tf.constant(m)
    with tf.GradientTape() as tape:
        tape.watch(flat)
        outputs = layer(tensors, training=training, **kwargs)
        values = tf.nest.flatten(outputs)
        total = 0.0
        for value, d in zip(values, d_outputs or (), strict=False):
            if d is not None:
                total += tf.reduce_sum(value * tf.constant(d))
    variables = [getattr(v, "value", v) if not callable(getattr(v, "value", v)) else v for v in layer.trainable_weights]
    gradients: list[Any] = [None] * (len(flat) + len(variables))
    if d_outputs is not None:
        gradients = tape.gradient(total, [*flat, *variables])
    arrays = [None if g is None else np.asarray(tf.convert_to_tensor(g)) for g in gradients]
    masks = [getattr(value, "_keras_mask", None) for value in values]
    return Result(
        [value.numpy() for value in values],
        [None if m is None else np.asarray(m) for m in masks],
        arrays[: len(flat)],
        arrays[len(flat) :],
    )


def outcome(function: Callable[[], Any]) -> Any:
    """The value of `function()`, or the type of what it raises: a TensorFlow error counts as a ValueError."""
    try:
        return function()
    except tf.errors.OpError:
        return ValueError
    except refkeras.errors.InvalidArgumentError:
        return ValueError
    except Exception as error:
        return type(error)


def plain(value: Any) -> Any:
    """A config as plain data: tuples and lists alike, NumPy scalars as numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item()
    return value


def array(tensor: Any) -> np.ndarray:
    return np.asarray(unwrap(tensor)[0])
