"""Activations made of straight pieces and gaps (`keras.activations`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.activations.support import computed_by, value
from refkeras.ops import piecewise as ops
from refkeras.tensor import Tensor

__all__ = [
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "threshold",
]


def _hard_sigmoid_forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    if semantics.current().hard_sigmoid == "relu6":
        return ops.hard_sigmoid(x)
    return ops.hard_sigmoid_clipped(x)


def _hard_tanh_forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    return ops.hard_tanh(x, slope_at_1=semantics.current().hard_tanh_slope_at_1)


def _hard_shrink_forward(x: Any, threshold: float = 0.5) -> tuple[Any, Callable[[Any], Any]]:
    return ops.hard_shrink(x, threshold, keep_nan=semantics.current().shrunk_nan == "nan")


def _soft_shrink_forward(x: Any, threshold: float = 0.5) -> tuple[Any, Callable[[Any], Any]]:
    return ops.soft_shrink(x, threshold, keep_nan=semantics.current().shrunk_nan == "nan")


def _sparse_sigmoid_forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    return ops.sparse_sigmoid(x, slope_at_1=semantics.current().sparse_sigmoid_slope_at_1)


@computed_by(_hard_sigmoid_forward)
def hard_sigmoid(x: Any) -> Tensor:
    """relu6(x + 3) / 6 (Keras 3), or 0.2 x + 0.5 clipped to [0, 1] (tf_keras).

    Example:

        >>> print(hard_sigmoid([-3.0, 0.0, 1.5]).numpy().round(4))
        [0.   0.5  0.75]
    """
    return value(_hard_sigmoid_forward, x)


@computed_by(ops.hard_silu)
def hard_silu(x: Any) -> Tensor:
    """x · relu6(x + 3) / 6, also called hard swish.

    Example:

        >>> print(hard_silu([-4.0, 1.5]).numpy().round(4))
        [-0.     1.125]
    """
    return value(ops.hard_silu, x)


@computed_by(_hard_tanh_forward)
def hard_tanh(x: Any) -> Tensor:
    """min(max(x, −1), 1).

    Example:

        >>> print(hard_tanh([-2.0, 0.5, 2.0]).numpy().round(4))
        [-1.   0.5  1. ]
    """
    return value(_hard_tanh_forward, x)


@computed_by(_hard_shrink_forward)
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0.

    Example:

        >>> print(hard_shrink([-2.0, 0.25, 2.0]).numpy().round(4))
        [-2.  0.  2.]
    """
    return value(_hard_shrink_forward, x, threshold)


@computed_by(_soft_shrink_forward)
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, moved towards zero by `threshold`.

    Example:

        >>> print(soft_shrink([-2.0, 0.25, 2.0]).numpy().round(4))
        [-1.5  0.   1.5]
    """
    return value(_soft_shrink_forward, x, threshold)


@computed_by(ops.sparse_plus)
def sparse_plus(x: Any) -> Tensor:
    """0 for x ≤ −1, (x + 1)² / 4 for −1 < x < 1, x for x ≥ 1.

    Example:

        >>> print(sparse_plus([-2.0, 0.0, 2.0]).numpy().round(4))
        [0.   0.25 2.  ]
    """
    return value(ops.sparse_plus, x)


@computed_by(_sparse_sigmoid_forward)
def sparse_sigmoid(x: Any) -> Tensor:
    """(x + 1) / 2, clipped to [0, 1].

    Example:

        >>> print(sparse_sigmoid([-2.0, 0.5]).numpy().round(4))
        [0.   0.75]
    """
    return value(_sparse_sigmoid_forward, x)


@computed_by(ops.threshold)
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else default_value.

    Example:

        >>> print(threshold([-1.0, 2.0], 0.0, 9.0).numpy().round(4))
        [9. 2.]
    """
    return value(ops.threshold, x, threshold, default_value)
