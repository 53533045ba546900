"""Metrics of regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.losses.arrays import (
    as_array,
    check_broadcast,
    match_ranks_of_tensors,
    squeeze_or_expand_to_same_rank,
)
from refkeras.losses.functions import mean_absolute_error, mean_squared_error
from refkeras.metrics.reduction import Mean, MeanMetricWrapper
from refkeras.tensor import Tensor, wrap

__all__ = ["MeanAbsoluteError", "MeanSquaredError", "RootMeanSquaredError"]


class MeanSquaredError(MeanMetricWrapper):
    """The mean of `mean_squared_error` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> float(MeanSquaredError()([[0, 1], [0, 0]], [[1.0, 1.0], [0.0, 0.0]]))
    0.25
    """

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of `mean_absolute_error` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> float(MeanAbsoluteError()([[0, 1], [0, 0]], [[1.0, 1.0], [0.0, 0.0]]))
    0.25
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class RootMeanSquaredError(Mean):
    """The root of the mean of all squared errors.

    Unlike the other metrics it does not look at a mask of the predictions, as in Keras 3.15.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> float(RootMeanSquaredError()([[0, 1], [0, 0]], [[1.0, 1.0], [0.0, 0.0]]))
    0.5
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take a batch in.

        Args:
            y_true, y_pred: arrays whose shapes broadcast.
            sample_weight: broadcast to the squared errors.
        """
        y_true, y_pred = as_array(y_true, self._dtype), as_array(y_pred, self._dtype)
        if semantics.current().metrics_cast:
            y_true, y_pred = match_ranks_of_tensors(y_true, y_pred)
        else:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        check_broadcast(y_true, y_pred)
        super().update_state(np.square(y_pred - y_true), sample_weight)

    def result(self) -> Tensor:
        return wrap(np.asarray(np.sqrt(super().result().array)))
