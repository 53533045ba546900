"""Hinge losses: functions of samples, and classes (`keras.losses`)."""

from __future__ import annotations

from typing import Any

from refkeras.losses import elementwise
from refkeras.losses.differentiable import differentiable, evaluate
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.tensor import Tensor

__all__ = [
    "CategoricalHinge",
    "Hinge",
    "SquaredHinge",
    "categorical_hinge",
    "hinge",
    "squared_hinge",
]


@differentiable(elementwise.hinge)
def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 − y_true y_pred, 0)) over the last axis.

    Args:
        y_true: targets (..., n), −1 or 1; if all labels are 0 or 1, 0 stands for −1.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> hinge([[0.0, 1.0]], [[0.5, 0.25]]).tolist()
    [1.125]
    """
    return evaluate(elementwise.hinge, y_true, y_pred)


@differentiable(elementwise.squared_hinge)
def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 − y_true y_pred, 0)²) over the last axis.

    Args:
        y_true: targets (..., n), −1 or 1; if all labels are 0 or 1, 0 stands for −1.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> squared_hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.25]
    """
    return evaluate(elementwise.squared_hinge, y_true, y_pred)


@differentiable(elementwise.categorical_hinge)
def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(max_j (1 − y_true_j) y_pred_j − Σ_j y_true_j y_pred_j + 1, 0) over the last axis.

    Args:
        y_true: targets (..., n), most often one-hot.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.25]]).tolist()
    [1.25]
    """
    return evaluate(elementwise.categorical_hinge, y_true, y_pred)


class Hinge(LossFunctionWrapper):
    """The mean of `hinge` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.125
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class SquaredHinge(LossFunctionWrapper):
    """The mean of `squared_hinge` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class CategoricalHinge(LossFunctionWrapper):
    """The mean of `categorical_hinge` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.25
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)
