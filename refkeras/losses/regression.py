"""Losses of predicted numbers: functions of samples, and classes (`keras.losses`)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.losses import elementwise
from refkeras.losses.differentiable import differentiable, evaluate
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.tensor import Tensor

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
]


@differentiable(elementwise.mean_absolute_percentage_error)
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 mean(|y_true − y_pred| / max(|y_true|, ε)) over the last axis.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: (tf_keras) `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> mean_absolute_percentage_error([[1.0, 2.0]], [[1.5, 2.0]]).tolist()
    [25.0]
    """
    return evaluate(elementwise.mean_absolute_percentage_error, y_true, y_pred)


@differentiable(elementwise.mean_squared_logarithmic_error)
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((ln(max(y_true, ε) + 1) − ln(max(y_pred, ε) + 1))²) over the last axis.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: (tf_keras) `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> mean_squared_logarithmic_error([[0.0, 1.0]], [[0.0, 3.0]]).round(4).tolist()
    [0.240...]
    """
    return evaluate(elementwise.mean_squared_logarithmic_error, y_true, y_pred)


@differentiable(elementwise.huber)
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """mean over the last axis of e² / 2 where |e| ≤ δ, and δ |e| − δ² / 2 elsewhere; e = `y_pred` − `y_true`.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).
        delta: δ, where the parabola ends.

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> huber([[0.0, 0.0]], [[0.5, 3.0]]).tolist()
    [1.3125]
    """
    return evaluate(elementwise.huber, y_true, y_pred, delta=delta)


@differentiable(elementwise.log_cosh)
def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(ln cosh(y_pred − y_true)) over the last axis.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> log_cosh([[0.0, 0.0]], [[1.0, 0.0]]).round(4).tolist()
    [0.216...]
    """
    return evaluate(elementwise.log_cosh, y_true, y_pred)


@differentiable(elementwise.cosine_similarity)
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """−Σ_j ŷ_true_j ŷ_pred_j over `axis`, with x̂ = x / |x|: −1 where both point one way, 1 where against each other.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).
        axis: the axis of the components.

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        InvalidArgumentError: `y_pred` holds integers; (tf_keras) the dtypes differ.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> cosine_similarity([[0.0, 2.0], [1.0, 0.0]], [[3.0, 4.0], [-2.0, 0.0]]).round(4).tolist()
    [-0.800..., 1.0]
    """
    return evaluate(elementwise.cosine_similarity, y_true, y_pred, axis=axis)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of `mean_absolute_percentage_error` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(MeanAbsolutePercentageError()([[1.0, 2.0], [2.0, 4.0]], [[1.5, 2.0], [3.0, 4.0]]))
    25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of `mean_squared_logarithmic_error` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> round(float(MeanSquaredLogarithmicError()([[0.0, 1.0]], [[0.0, 3.0]])), 4)
    0.2402
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class Huber(LossFunctionWrapper):
    """The mean of `huber` over the samples.

    Args:
        delta: as in `huber`.
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(Huber(delta=2.0)([[0.0, 0.0]], [[1.0, 3.0]]))
    2.25
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)
        self.delta = delta

    def get_config(self) -> dict[str, Any]:
        return _saved_arguments(Loss.get_config(self), self._fn_kwargs)


class LogCosh(LossFunctionWrapper):
    """The mean of `log_cosh` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> round(float(LogCosh()([[0.0, 0.0]], [[1.0, 0.0]])), 4)
    0.2169
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class CosineSimilarity(LossFunctionWrapper):
    """The mean of `cosine_similarity` over the samples.

    Args:
        axis: as in `cosine_similarity`.
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> round(float(CosineSimilarity()([[0.0, 2.0]], [[3.0, 4.0]])), 4)
    -0.8
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return _saved_arguments(Loss.get_config(self), self._fn_kwargs)


def _saved_arguments(config: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a loss whose arguments Keras 3.15 leaves out of it, so that a saved model loses them."""
    return {**config, **arguments} if semantics.current().loss_arguments_saved else config
