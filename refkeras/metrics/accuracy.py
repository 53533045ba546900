"""Accuracies: how often predictions are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import as_array, check_broadcast, squeeze_or_expand_to_same_rank
from refkeras.metrics.reduction import MeanMetricWrapper
from refkeras.ops.accuracy import argmax
from refkeras.tensor import Tensor, wrap

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
]

Array = Any


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where `y_true` equals `y_pred`, 0 elsewhere.

    Args:
        y_true, y_pred: arrays of one shape; Keras 3 broadcasts others.

    Raises:
        InvalidArgumentError: the shapes do not fit.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> accuracy([1.0, 2.0, 3.0], [1.0, 2.5, 3.0]).tolist()
    [1.0, 0.0, 1.0]
    """
    y_pred = as_array(y_pred)
    y_true = as_array(y_true, y_pred.dtype)
    if semantics.current().accuracy_broadcasts:
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    elif y_true.shape != y_pred.shape:
        raise InvalidArgumentError(f"Shapes {y_true.shape} of y_true and {y_pred.shape} of y_pred are incompatible.")
    return wrap(_matches(y_true, y_pred))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where `y_true` equals (`y_pred` > `threshold`), 0 elsewhere.

    Args:
        y_true: targets; those that are neither 0 nor 1 are never met.
        y_pred: probabilities.
        threshold: what a probability must exceed; one that equals it counts as 0.

    Returns:
        One number per element; tf_keras returns the means over the last axis.

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> binary_accuracy([[1.0], [1.0], [0.0]], [[0.7], [0.5], [0.4]]).tolist()
    [[1.0], [0.0], [1.0]]
    """
    matches = binary_matches(y_true, y_pred, threshold)
    if semantics.current().binary_accuracy_function == "elements":
        return matches
    return wrap(np.asarray(np.add.reduce(matches.array, -1) / matches.dtype.type(matches.shape[-1])))


def binary_matches(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """`binary_accuracy` of every element, in all engines: what `BinaryAccuracy` takes the mean of."""
    y_true, y_pred = as_array(y_true), as_array(y_pred)
    rules = semantics.current()
    if rules.loss_functions_match_ranks:
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    if rules.binary_accuracy_rounds:
        return wrap(_matches(y_true, np.round(y_pred)))
    return wrap(_matches(y_true, y_pred > np.dtype(config.floatx()).type(threshold)))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where argmax(`y_true`) equals argmax(`y_pred`), 0 elsewhere.

    The first of equals is the largest, and a NaN never is, unless there is nothing else.

    Args:
        y_true: targets (..., n), most often one-hot.
        y_pred: scores (..., n).

    Returns:
        One number per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> categorical_accuracy([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]]).tolist()
    [0.0, 1.0]
    """
    y_true, y_pred = as_array(y_true), as_array(y_pred)
    labels = largest(y_true)
    shape = labels.shape
    if labels.ndim == y_pred.ndim:
        labels = _squeezed(labels)
    matches = _matches(labels, largest(y_pred))
    return wrap(matches.reshape(shape) if len(shape) == y_pred.ndim else matches)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where `y_true` equals argmax(`y_pred`), 0 elsewhere.

    Args:
        y_true: classes (...) or (..., 1); one that is no whole number is never met.
        y_pred: scores (..., n).

    Returns:
        One number per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> sparse_categorical_accuracy([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0.0]]).tolist()
    [0.0, 1.0]
    """
    matches = sparse_matches(y_true, y_pred).array
    return wrap(matches[..., 0] if matches.ndim > 1 and matches.shape[-1] == 1 else matches)


def sparse_matches(y_true: Any, y_pred: Any) -> Tensor:
    """`sparse_categorical_accuracy` in the shape of the targets: what tf_keras's class takes the mean of."""
    y_pred = as_array(y_pred)
    labels = as_array(y_true, y_pred.dtype)
    rules = semantics.current()
    shape = labels.shape
    if not labels.ndim and not y_pred.ndim:
        raise IndexError("sparse_categorical_accuracy: y_true and y_pred are single numbers. Expected scores.")
    squeezed = labels.ndim == y_pred.ndim and (shape[-1:] == (1,) or not rules.sparse_accuracy_broadcasts)
    if squeezed:
        labels = _squeezed(labels)
    matches = _matches(labels, largest(y_pred))
    if squeezed:
        matches = matches.reshape(shape)
    return wrap(matches)


def largest(x: Array) -> Array:
    """Return where the largest score of the last axis stands, as the engine in force sees it.

    Raises:
        ValueError: `x` is a single number, unless that is a row of one.
    """
    rules = semantics.current()
    if not x.ndim and rules.argmax_of_numbers:
        return np.zeros((), np.int64)
    return argmax(
        x,
        order_zeros=rules.argmax_orders_zeros,
        nan_first=rules.argmax_of_nan == "first",
        flush=rules.argmax_flushes,
    )


def _matches(a: Array, b: Array) -> Array:
    if a.shape != b.shape:
        check_broadcast(a, b)
    return np.asarray(a == b).astype(config.floatx())


def _squeezed(labels: Array) -> Array:
    if not labels.ndim and semantics.current().argmax_of_numbers:
        return labels
    if labels.shape[-1] != 1:
        if not semantics.current().categorical_accuracy_squeezes:
            return labels
        raise InvalidArgumentError(
            f"The classes in y_true have shape {labels.shape}. With as many axes as y_pred has, the last must be 1."
        )
    return labels[..., 0]


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
    0.75
    """

    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions, taken as 1 above a threshold and 0 elsewhere, equal targets.

    Args:
        name, dtype: as in `Metric`.
        threshold: what a prediction must exceed.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
    0.75
    """

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_matches, name, dtype, threshold=threshold)
        self.threshold = threshold

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "threshold": self.threshold}


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction stands where the largest target does.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the target's class.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/accuracy_metrics.py`.

    >>> float(SparseCategoricalAccuracy()([[2], [1]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        squeezes = semantics.current().sparse_accuracy_class_squeezes
        super().__init__(sparse_categorical_accuracy if squeezes else sparse_matches, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}
