"""R², the share of the targets' variance that predictions explain."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import as_array, check_broadcast, squeeze_or_expand_to_same_rank
from refkeras.metrics.metric import Metric
from refkeras.tensor import Tensor, wrap

__all__ = ["R2Score"]

Array = Any
_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """R² = 1 − Σ w (y − p)² / (Σ w y² − (Σ w y)² / Σ w), for each output, and their mean.

    Adjusted for the number q of regressors, with n numbers seen (n counts every output of
    every sample), R² becomes 1 − (1 − R²)(n − 1) / (n − q − 1).

    Args:
        class_aggregation: `"uniform_average"`, `"variance_weighted_average"` (weighted by the denominators above),
            or None for one score per output.
        num_regressors: q; 0 for no adjustment.
        name, dtype: as in `Metric`.

    Raises:
        ValueError: an unknown `class_aggregation`, or a negative `num_regressors`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> metric = R2Score()
    >>> round(float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {_AGGREGATIONS}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        own = semantics.current().r2_state == "int32 and dtype"
        self._sum_dtype = self.dtype if own else None
        self.num_samples = self.add_variable((), np.zeros, "int32" if own else None, name="num_samples")
        self._built = False

    def _build(self, y_true: Array, y_pred: Array) -> None:
        if y_true.ndim != 2 or y_pred.ndim != 2:
            raise ValueError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). "
                f"Received input shapes: y_pred.shape={y_pred.shape} and y_true.shape={y_true.shape}."
            )
        shape = (y_pred.shape[-1],)
        self.squared_sum = self.add_variable(shape, np.zeros, self._sum_dtype, name="squared_sum")
        self.sum = self.add_variable(shape, np.zeros, self._sum_dtype, name="sum")
        self.total_mse = self.add_variable(shape, np.zeros, self._sum_dtype, name="residual")
        self.count = self.add_variable(shape, np.zeros, self._sum_dtype, name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in.

        Args:
            y_true, y_pred: (B, outputs).
            sample_weight: (B,), or broadcast to `y_true`.

        Raises:
            ValueError: the first batch is not of rank 2.
            InvalidArgumentError: shapes do not fit.
        """
        y_true, y_pred = as_array(y_true, self._dtype), as_array(y_pred, self._dtype)
        broadcasts = semantics.current().r2_matches_ranks
        if broadcasts:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if not self._built:
            self._build(y_true, y_pred)
        if not broadcasts and y_true.shape[-1:] != self.sum.value.shape:
            raise InvalidArgumentError(
                f"y_true has shape {y_true.shape}. Expected {self.sum.value.shape[0]} outputs, as in the first batch."
            )
        weight = as_array(1 if sample_weight is None else sample_weight, self._dtype)
        if weight.ndim == 1:
            weight = weight[:, None]
        try:
            weight = np.broadcast_to(weight, y_true.shape)
        except ValueError:
            raise InvalidArgumentError(
                f"sample_weight has shape {weight.shape}, which cannot be broadcast to y_true's, {y_true.shape}."
            ) from None
        check_broadcast(y_true, y_pred)
        weighted = y_true * weight
        values = (
            (self.sum, weighted),
            (self.squared_sum, y_true * weighted),
            (self.total_mse, np.square(y_true - y_pred) * weight),
            (self.count, weight),
        )
        sums = [(variable, np.add.reduce(value, 0)) for variable, value in values]
        # All are looked at first, so that a batch that does not fit changes nothing.
        for variable, batch in sums:
            if not (batch.shape == variable.shape or (broadcasts and _stretches(batch.shape, variable.shape))):
                raise InvalidArgumentError(
                    f"Targets of shape {y_true.shape} and predictions of shape {y_pred.shape} give {variable.name!r} "
                    f"the shape {batch.shape}. Expected {variable.shape}, as in the first batch."
                )
        for variable, batch in sums:
            variable.assign(variable.value + batch)
        self.num_samples.assign(self.num_samples.value + self.num_samples.value.dtype.type(y_true.size))

    def result(self) -> Tensor:
        """Return the score.

        Raises:
            AttributeError: there was no batch yet.
        """
        if not self._built:
            raise AttributeError("R2Score has no score yet: 'sum' comes with the first batch. Call update_state first.")
        with np.errstate(all="ignore"):
            return wrap(np.copy(self._adjusted(self._score())))

    def _score(self) -> Array:
        total_true = self.sum.value
        total = self.squared_sum.value - total_true * (total_true / self.count.value)
        scores = 1.0 - self.total_mse.value / total
        # A total of 0 is said again: it may be one that only cancels, as its error bars tell.
        infinite = np.isinf(scores) | ((total == 0) & (np.abs(self.total_mse.value) > 0))
        scores = np.where(infinite, np.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            return np.add.reduce(scores) / scores.dtype.type(scores.size)
        if self.class_aggregation == "variance_weighted_average":
            return np.add.reduce(total * scores) / np.add.reduce(total)
        return scores

    def _adjusted(self, score: Array) -> Array:
        if not self.num_regressors:
            return score
        n, q = int(self.num_samples.value.astype(np.int64)), self.num_regressors
        if q > n - 1:
            warnings.warn(
                "More independent predictors than datapoints in adjusted R2 score. Falling back to standard R2 score.",
                stacklevel=3,
            )
            return score
        if q == n - 1:
            warnings.warn(
                "Division by zero in Adjusted R2 score. Falling back to standard R2 score.",
                stacklevel=3,
            )
            return score
        one = np.float32(1.0)
        return one - (one - score) * (np.float32(n) - one) / (np.float32(n) - np.float32(q) - one)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of one shape can be broadcast to another."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False
