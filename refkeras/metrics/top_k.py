"""Accuracies that count the k best predictions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import as_array
from refkeras.metrics.accuracy import largest
from refkeras.metrics.reduction import MeanMetricWrapper
from refkeras.ops.accuracy import fewer_than_k_exceed, in_top_k
from refkeras.tensor import Tensor, wrap

__all__ = [
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]

Array = Any


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where fewer than `k` scores exceed that of the class argmax(`y_true`), 0 elsewhere, and beside NaN or ∞.

    Args:
        y_true: targets (..., n), most often one-hot.
        y_pred: scores (..., n), float32.
        k: how many scores count as best; those that tie with the last of them do as well.

    Returns:
        One number per sample, shape (...).

    Raises:
        InvalidArgumentError: `y_pred` is not float32 or has no batch axis, or the numbers of samples differ.
        TypeError: `k` is no integer.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`; `tf.math.in_top_k`, TensorFlow 2.21.

    >>> top_k_categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]], k=2).tolist()
    [1.0, 1.0]
    """
    return _matches(largest(as_array(y_true)), as_array(y_pred), k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """1 where fewer than `k` scores exceed that of the class in `y_true`, 0 elsewhere, and beside NaN or ∞.

    Args:
        y_true: classes, one for each sample, in any shape; floats are truncated, and classes outside 0 ≤ y < n
            never met.
        y_pred: scores (..., n), float32; or, with `from_sorted_ids`, classes, the best first.
        k: how many scores count as best; those that tie with the last of them do as well.
        from_sorted_ids: whether `y_pred` holds classes; Keras 3 only.

    Returns:
        One number per sample, in the shape of `y_true`.

    Raises:
        InvalidArgumentError: `y_pred` is not float32 or has no batch axis, or the numbers of samples differ.
        TypeError: `k` is no integer; (tf_keras) `from_sorted_ids` is given.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`; `tf.math.in_top_k`, TensorFlow 2.21.

    >>> sparse_top_k_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]], k=2).tolist()
    [1.0, 1.0]
    """
    y_pred = as_array(y_pred)
    if not from_sorted_ids:
        return _matches(as_array(y_true), y_pred, k)
    if not semantics.current().top_k_of_sorted_ids:
        raise TypeError("sparse_top_k_categorical_accuracy: tf_keras has no argument from_sorted_ids.")
    labels, rows = _flat(as_array(y_true, y_pred.dtype), y_pred)
    found = np.any(labels[:, None] == rows[:, :k], -1)
    return wrap(found.astype(config.floatx()).reshape(np.shape(y_true)))


def _matches(labels: Array, y_pred: Array, k: int) -> Tensor:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        raise TypeError(f"k must be an integer. Received: k={k!r}.")
    rule = semantics.current().in_top_k
    if y_pred.dtype != np.float32 and rule == "finite rows":
        raise InvalidArgumentError(f"y_pred has dtype {y_pred.dtype}. TensorFlow's in_top_k takes float32 only.")
    shape = labels.shape
    if labels.dtype.kind == "f":
        # What is no class at all becomes one that is never met.
        labels = np.where(np.abs(labels) < 2.0**31, labels, -1.0).astype(np.int64)
    flat, rows = _flat(labels, y_pred)
    found = _RULES[rule](flat, rows, int(k)).astype(config.floatx())
    return wrap(found.reshape(shape) if labels.ndim > 1 or rule == "finite rows" else found)


def _nan_is_largest(labels: Array, x: Array, k: int) -> Array:
    return fewer_than_k_exceed(labels, x, k, nan_is_largest=True)


def _modulo(labels: Array, x: Array, k: int) -> Array:
    """As PyTorch takes labels, and a number k."""
    n = x.shape[-1]
    if not 0 <= k <= n:
        raise ValueError(f"k is {k}; there are {n} scores. Expected 0 to {n}.")
    return _nan_is_largest(labels % max(n, 1), x, k)


_RULES: dict[str, Callable[[Array, Array, int], Array]] = {
    "finite rows": in_top_k,
    "NaN is least": fewer_than_k_exceed,
    "NaN is largest": _nan_is_largest,
    "NaN is largest, labels modulo n": _modulo,
}


def _flat(labels: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return the labels as (B,) and the predictions as (B, n)."""
    if y_pred.ndim < 2 or not labels.ndim:
        raise InvalidArgumentError(
            f"y_true has shape {labels.shape}, y_pred has shape {y_pred.shape}. Expected a batch of rows of "
            "scores, and a class for each."
        )
    on_tensorflow = semantics.current().in_top_k == "finite rows"
    labels, rows = labels.reshape(-1), y_pred
    if rows.ndim > 2:  # only TensorFlow counts rows that have no scores
        rows = rows.reshape(math.prod(rows.shape[:-1]) if on_tensorflow else -1, rows.shape[-1])
    lengths = {len(labels), len(rows)}
    if not on_tensorflow:
        lengths.discard(1)
    if len(lengths) > 1:
        raise InvalidArgumentError(
            f"First dimension of predictions {len(rows)} must match length of targets {len(labels)}."
        )
    return labels, rows


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target's largest stands among the `k` best predictions.

    Args:
        k: as in `top_k_categorical_accuracy`.
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "k": self.k}


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the target's class is among the `k` best predictions.

    Args:
        k, from_sorted_ids: as in `sparse_top_k_categorical_accuracy`.
        name, dtype: as in `Metric`.

    Raises:
        TypeError: (tf_keras) `from_sorted_ids` is given.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        if from_sorted_ids and not semantics.current().top_k_of_sorted_ids:
            raise TypeError("SparseTopKCategoricalAccuracy: tf_keras has no argument from_sorted_ids.")
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def get_config(self) -> dict[str, Any]:
        found = {"name": self.name, "dtype": self.dtype, "k": self.k}
        return {**found, "from_sorted_ids": True} if self.from_sorted_ids else found
