"""How far predicted distributions are from the true ones: functions of samples, and classes (`keras.losses`)."""

from __future__ import annotations

from typing import Any

from refkeras.losses import elementwise
from refkeras.losses.differentiable import differentiable, evaluate
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.tensor import Tensor

__all__ = [
    "KLDivergence",
    "Poisson",
    "kl_divergence",
    "poisson",
]


@differentiable(elementwise.kl_divergence)
def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Σ_j y_true_j ln(y_true_j / y_pred_j) over the last axis, both clipped to [ε, 1].

    Args:
        y_true: probabilities (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.5]]).round(4).tolist()
    [0.346...]
    """
    return evaluate(elementwise.kl_divergence, y_true, y_pred)


@differentiable(elementwise.poisson)
def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred − y_true ln(y_pred + ε)) over the last axis.

    Args:
        y_true: counts (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.
        InvalidArgumentError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> poisson([[2.0, 0.0]], [[1.0, 3.0]]).round(4).tolist()
    [2.0]
    """
    return evaluate(elementwise.poisson, y_true, y_pred)


class KLDivergence(LossFunctionWrapper):
    """The mean of `kl_divergence` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.5]])), 4)
    0.3466
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class Poisson(LossFunctionWrapper):
    """The mean of `poisson` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> round(float(Poisson()([[2.0, 0.0]], [[1.0, 3.0]])), 4)
    2.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)
