"""Metrics of regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import losses, semantics
from refkeras.losses.arrays import (
    as_array,
    check_broadcast,
    match_ranks_of_tensors,
    squeeze_or_expand_to_same_rank,
)
from refkeras.losses.functions import mean_absolute_error, mean_squared_error
from refkeras.losses.regression import log_cosh, mean_absolute_percentage_error, mean_squared_logarithmic_error
from refkeras.metrics.reduction import Mean, MeanMetricWrapper, python_numbers
from refkeras.tensor import Tensor, wrap

__all__ = [
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "RootMeanSquaredError",
    "cosine_similarity",
]


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
        y_true, y_pred = python_numbers(y_true, "all rounded"), python_numbers(y_pred, "all rounded")
        y_true, y_pred = as_array(y_true, self._dtype), as_array(y_pred, self._dtype)
        if semantics.current().metrics_cast:
            y_true, y_pred = match_ranks_of_tensors(y_true, y_pred)
        else:
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        check_broadcast(y_true, y_pred)
        super().update_state(np.square(y_pred - y_true), sample_weight)

    def result(self) -> Tensor:
        return wrap(np.copy(np.sqrt(super().result().array)))


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `mean_absolute_percentage_error` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> float(MeanAbsolutePercentageError()([[1.0, 2.0]], [[1.5, 2.0]]))
    25.0
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `mean_squared_logarithmic_error` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> round(float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 3.0]])), 4)
    0.2402
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class LogCoshError(MeanMetricWrapper):
    """The mean of `log_cosh` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> round(float(LogCoshError()([[0.0, 0.0]], [[1.0, 0.0]])), 4)
    0.2169
    """

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Σ_j ŷ_true_j ŷ_pred_j over `axis`, with x̂ = x / |x|: minus the loss of that name (in Keras 2.0, the loss).

    Args:
        y_true, y_pred, axis: as in the loss.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> cosine_similarity([[0.0, 2.0], [1.0, 0.0]], [[3.0, 4.0], [-2.0, 0.0]]).round(4).tolist()
    [0.800..., -1.0]
    """
    loss = losses.cosine_similarity(y_true, y_pred, axis)
    return loss if semantics.current().cosine_metric == "loss" else wrap(np.copy(-loss.array))


class CosineSimilarity(MeanMetricWrapper):
    """The mean of the cosines between targets and predictions.

    Args:
        name, dtype: as in `Metric`.
        axis: the axis of the components.

    Source: Keras 3.15, `keras/src/metrics/regression_metrics.py`.

    >>> round(float(CosineSimilarity()([[0.0, 2.0], [1.0, 0.0]], [[3.0, 4.0], [1.0, 0.0]])), 4)
    0.9
    """

    _direction = "up"

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)

    def get_config(self) -> dict[str, Any]:
        config = {"name": self.name, "dtype": self.dtype}
        # Keras 3.15 leaves `axis` out.
        return {**config, **self._fn_kwargs} if semantics.current().loss_arguments_saved else config
