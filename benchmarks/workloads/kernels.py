"""Single operations, forward and backward: `refkeras.ops` beside TensorFlow's kernels, called in a `tf.function`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["KERNELS", "backward", "forward"]

Run = Callable[[], object]

#: name → how its arguments are drawn.
KERNELS = ("dense", "softmax", "mse", "mae", "binary", "categorical", "sparse_categorical")


def forward(engine: str, kernel: str, elements: int) -> Run:
    """The value."""
    return _MAKERS[engine](kernel, elements)[0]


def backward(engine: str, kernel: str, elements: int) -> Run:
    """The value, then the gradients."""
    return _MAKERS[engine](kernel, elements)[1]


def arguments(kernel: str, elements: int) -> list[np.ndarray]:
    """Return the arrays of an operation whose input (Dense: output) has so many elements, 10 a row."""
    random = np.random.default_rng(0)
    if kernel == "dense":
        units = int(np.clip(math.isqrt(elements), 5, 256))
        shapes = [(max(elements // units, 1), units), (units, units), (units,)]
        return [random.normal(size=shape).astype("float32") for shape in shapes]
    shape = (max(elements // 10, 1), 10)
    z = random.normal(size=shape).astype("float32")
    if kernel == "softmax":
        return [z]
    if kernel == "categorical":
        return [np.eye(10, dtype="float32")[random.integers(10, size=shape[0])], z]
    if kernel == "sparse_categorical":
        return [random.integers(10, size=shape[0]), z]
    return [random.uniform(size=shape).astype("float32"), z]


def _refkeras(kernel: str, elements: int) -> tuple[Run, Run]:
    from refkeras.ops import dense, losses, softmax

    function: Any = {
        "dense": dense.dense,
        "softmax": softmax.softmax,
        "mse": losses.mean_squared_error,
        "mae": losses.mean_absolute_error,
        "binary": losses.sigmoid_crossentropy,
        "categorical": losses.softmax_crossentropy,
        "sparse_categorical": losses.sparse_softmax_crossentropy,
    }[kernel]
    given = arguments(kernel, elements)
    d = np.ones_like(function(*given)[0])

    def both() -> object:
        value, pullback = function(*given)
        return value, pullback(d)

    return lambda: function(*given)[0], both


def _tensorflow(kernel: str, elements: int) -> tuple[Run, Run]:
    import tensorflow as tf

    given = [tf.constant(a) for a in arguments(kernel, elements)]
    function: Any = {
        "dense": lambda x, w, b: tf.nn.bias_add(tf.matmul(x, w), b),
        "softmax": tf.nn.softmax,
        "mse": lambda t, p: tf.reduce_mean(tf.math.squared_difference(t, p), -1),
        "mae": lambda t, p: tf.reduce_mean(tf.abs(t - p), -1),
        "binary": lambda t, z: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(t, z), -1),
        "categorical": tf.nn.softmax_cross_entropy_with_logits,
        "sparse_categorical": tf.nn.sparse_softmax_cross_entropy_with_logits,
    }[kernel]

    @tf.function
    def both(*tensors: Any) -> Any:
        sources = tensors if kernel == "dense" else tensors[-1:]
        with tf.GradientTape() as tape:
            for source in sources:
                tape.watch(source)
            value = function(*tensors)
        return value, tape.gradient(value, list(sources))

    only = tf.function(function)
    return lambda: only(*given), lambda: both(*given)


_MAKERS = {"refkeras": _refkeras, "tensorflow": _tensorflow}
