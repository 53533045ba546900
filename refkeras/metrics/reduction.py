"""Sums and means over batches: `Sum`, `Mean`, and `MeanMetricWrapper`, the mean of a function's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import losses, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import (
    as_array,
    check_broadcast,
    match_ranks_of_tensors,
    match_weights,
)
from refkeras.losses.reduction import apply_mask
from refkeras.metrics.metric import Metric
from refkeras.saving import serialization
from refkeras.tensor import Tensor, is_tensor, number_of, unwrap, wrap

__all__ = ["Mean", "MeanMetricWrapper", "Sum", "python_numbers"]

Array = Any
_NUMBERS = (int, float, np.generic)


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/reduction_metrics.py`.

    >>> float(Sum()([1.0, 3.0, 5.0, 7.0], sample_weight=[1, 1, 0, 0]))
    4.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), np.zeros, self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        total = self.total.value
        values, weights = python_numbers(values), python_numbers(sample_weight, "all rounded")
        values, _ = _weighted(values, weights, self._dtype, _sum, total)
        total[()] = total[()] + _sum(values, None)

    def result(self) -> Tensor:
        return wrap(self.total.value.copy())


class Mean(Metric):
    """The weighted mean of all values: total / count, 0 before there are any.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/reduction_metrics.py`.

    >>> float(Mean()([1.0, 3.0, 5.0, 7.0], sample_weight=[1, 1, 0, 0]))
    2.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), np.zeros, self.dtype, name="total")
        self.count = self.add_variable((), np.zeros, self.dtype, name="count")
        self._number = self._dtype.type

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values to the total, and to the count their number, or the sum of their weights.

        Args:
            values: any shape. Keras 3 takes the mean of each sample first, so that a sample
                counts once whatever its size; tf_keras counts every element.
            sample_weight: broadcast to `values`.

        Raises:
            InvalidArgumentError: the weights do not broadcast with the values.
        """
        total, count = self.total.value, self.count.value
        if self._number is not np.float32:
            values, sample_weight = python_numbers(values), python_numbers(sample_weight, "all rounded")
        if isinstance(values, _NUMBERS) and (sample_weight is None or isinstance(sample_weight, _NUMBERS)):
            weight = self._number(1 if sample_weight is None else sample_weight)
            total[()] = total[()] + self._number(values) * weight
            count[()] = count[()] + weight
            return
        values, weights = _weighted(values, sample_weight, self._dtype, _mean, total)
        number = values.size if weights is None else np.add.reduce(weights, axis=None)
        # A 0-d array is much faster to assign to than to add to in place.
        total[()] = total[()] + np.add.reduce(values, axis=None)
        count[()] = count[()] + number

    def result(self) -> Tensor:
        total, count = self.total.value, self.count.value
        return wrap(np.copy(total / count if count else np.zeros_like(total)))


class MeanMetricWrapper(Mean):
    """The mean of the values of a function of targets and predictions.

    Args:
        fn: `fn(y_true, y_pred, **kwargs)`, which returns one value per sample (or element). One
            that returns a single number counts once per batch.
        name, dtype: as in `Metric`.
        **kwargs: given on to `fn`.

    Source: Keras 3.15, `keras/src/metrics/reduction_metrics.py`.

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: (y_pred - y_true) ** 2, name="square")
    >>> float(metric(np.array([1.0, 2.0]), np.array([2.0, 4.0])))
    2.5
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype)  # type: ignore[arg-type]
        self._fn = fn
        self._fn_kwargs = kwargs
        if isinstance(fn, losses.Loss) or hasattr(fn, "with_logits"):
            self._direction = "down"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take a batch in.

        Args:
            y_true: targets.
            y_pred: predictions; a mask that they carry leaves values out.
            sample_weight: broadcast to the values.
        """
        Mean.update_state(self, *self._values(y_true, y_pred, sample_weight))

    def _values(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return what the function gives for a batch, and the weights of these values."""
        rules = semantics.current()
        y_true, y_pred = self._arguments(y_true, y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        mask = getattr(y_pred, "_keras_mask", None) if rules.metrics_use_mask else None
        if mask is not None:
            if sample_weight is not None:
                sample_weight = as_array(sample_weight, self._dtype)
            sample_weight = apply_mask(sample_weight, mask, self._dtype, "sum")
        return values, sample_weight

    def _arguments(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions as the function gets them."""
        if not semantics.current().metrics_cast:
            return y_true, y_pred
        y_true, y_pred = python_numbers(y_true, "all rounded"), python_numbers(y_pred, "all rounded")
        return match_ranks_of_tensors(_cast(y_true, self._dtype), _cast(y_pred, self._dtype))

    def get_config(self) -> dict[str, Any]:
        fn = serialization.serialize_keras_object(self._fn)
        return {**super().get_config(), "fn": fn, **serialization.serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        if "fn" in config:
            from refkeras.metrics.names import FUNCTIONS

            config = {**config, "fn": serialization.deserialize_keras_object(config["fn"], None, FUNCTIONS)}
        return cls(**config)


def python_numbers(value: Any, *rules: str) -> Any:
    """Return Python numbers as TensorFlow takes them before it casts: float32, where the first of them is no float64.

    `rules` are the values of `semantics.metric_numbers` under which it does; without any, all but "exact".
    """
    if not isinstance(value, (float, list, tuple)):  # asked first: every batch comes by here, most often as arrays
        return value
    rule = semantics.current().metric_numbers
    if rule == "exact" or (rules and rule not in rules):
        return value
    first = value
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if type(first) not in (bool, int, float, np.float32):
        return value
    array = np.asarray(value)
    return array.astype(np.float32)[()] if array.dtype == np.float64 else value


def _cast(value: Any, dtype: Any) -> Any:
    return value if is_tensor(value) and value.dtype == dtype else as_array(value, dtype)


def _mean(values: Array, axes: tuple[int, ...]) -> Array:
    if not axes:
        return values
    total = np.add.reduce(values, axes)
    return total / total.dtype.type(values.size // total.size if total.size else 1)


def _sum(values: Array, axes: tuple[int, ...] | None) -> Array:
    return np.add.reduce(values, axes)


def _weighted(
    values: Any, weights: Any, dtype: Any, reduce: Callable[..., Array], state: Array | None = None
) -> tuple[Array, Array | None]:
    """Return the weighted values, and their weights or None, in the way of the engine in force.

    Both are of the array type of `state`, if one is given.
    """
    values, mask, _ = unwrap(values)
    alike = None if state is None or isinstance(state, np.ndarray) else number_of(state)
    values = as_array(values, dtype)
    if alike is not None:
        values = alike(values)
    rules = semantics.current()
    if weights is None and (mask is None or rules.value_mask == "when weighted"):
        if values.ndim < 2 or rules.mean_metric_counts == "elements":
            return values, None
        return reduce(values, tuple(range(1, values.ndim))), None
    if weights is not None:
        weights = as_array(weights, dtype)
    weights = apply_mask(weights, mask, dtype, "sum")
    if alike is not None:
        weights = alike(weights)
    values, weights = match_weights(values, weights)
    if rules.mean_metric_counts == "samples":
        return _samples(values, weights, reduce)
    return _elements(values, weights, reduce)


def _samples(values: Array, weights: Array, reduce: Callable[..., Array]) -> tuple[Array, Array]:
    """Reduce each sample to one number, and its weight too."""
    rank = weights.ndim
    if values.ndim > rank:
        values = reduce(values, tuple(range(rank, values.ndim)))
    try:
        weights = np.broadcast_to(weights, values.shape)
    except ValueError:
        raise InvalidArgumentError(
            f"sample_weight of shape {weights.shape} cannot be broadcast to the values of shape {values.shape}."
        ) from None
    values = values * weights
    if rank > 1:
        axes = tuple(range(1, rank))
        return reduce(values, axes), reduce(weights, axes)
    return values, weights


def _elements(values: Array, weights: Array, reduce: Callable[..., Array]) -> tuple[Array, Array]:
    """Weight every element; where the weights are not made for that, average what they weigh."""
    fits = weights.ndim == 0 or (
        weights.ndim == values.ndim and all(w in (1, v) for w, v in zip(weights.shape, values.shape, strict=True))
    )
    if fits:
        weights = np.broadcast_to(weights, values.shape)
    elif values.ndim > weights.ndim:
        values = reduce(values, tuple(range(weights.ndim, values.ndim)))
    check_broadcast(values, weights, ("the values", "sample_weight"))
    return values * weights, weights
