"""Smooth activations (`keras.activations`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.activations.support import array, computed_by, value, value_with_logits
from refkeras.ops import activations as ops
from refkeras.tensor import Tensor, wrap

__all__ = [
    "exponential",
    "gelu",
    "linear",
    "log_sigmoid",
    "mish",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "squareplus",
    "tanh",
    "tanh_shrink",
]


@computed_by(ops.linear)
def linear(x: Any) -> Any:
    """x itself, with its mask and logits.

    Example:

        >>> print(linear([1.0, -2.0]).numpy().round(4))
        [ 1. -2.]
    """
    return x if isinstance(x, Tensor) else wrap(array(x))


@computed_by(ops.sigmoid)
def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e^{−x}). The result remembers its logits, and binary cross-entropy computes from them.

    Example:

        >>> print(sigmoid([-100.0, 0.0]).numpy().round(4))
        [0.  0.5]
    """
    return value_with_logits(ops.sigmoid, x)


@computed_by(ops.log_sigmoid)
def log_sigmoid(x: Any) -> Tensor:
    """ln(1 / (1 + e^{−x})).

    Example:

        >>> print(log_sigmoid([-100.0, 0.0]).numpy().round(4))
        [-100.       -0.6931]
    """
    return value(ops.log_sigmoid, x)


@computed_by(ops.tanh)
def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent.

    Example:

        >>> print(tanh([0.0, 1.0]).numpy().round(4))
        [0.     0.7616]
    """
    return value(ops.tanh, x)


@computed_by(ops.tanh_shrink)
def tanh_shrink(x: Any) -> Tensor:
    """x − tanh x.

    Example:

        >>> print(tanh_shrink([0.0, 2.0]).numpy().round(4))
        [0.    1.036]
    """
    return value(ops.tanh_shrink, x)


@computed_by(ops.softplus)
def softplus(x: Any) -> Tensor:
    """ln(1 + e^x).

    Example:

        >>> print(softplus([0.0]).numpy().round(4))
        [0.6931]
    """
    return value(ops.softplus, x)


@computed_by(ops.softsign)
def softsign(x: Any) -> Tensor:
    """x / (1 + |x|).

    Example:

        >>> print(softsign([-1.0, 3.0]).numpy().round(4))
        [-0.5   0.75]
    """
    return value(ops.softsign, x)


@computed_by(ops.exponential)
def exponential(x: Any) -> Tensor:
    """e^x.

    Example:

        >>> print(exponential([0.0, 1.0]).numpy().round(4))
        [1.     2.7183]
    """
    return value(ops.exponential, x)


@computed_by(ops.silu)
def silu(x: Any) -> Tensor:
    """x · sigmoid(x), also called swish.

    Example:

        >>> print(silu([0.0, 2.0]).numpy().round(4))
        [0.     1.7616]
    """
    return value(ops.silu, x)


def _gelu_forward(x: Any, approximate: bool = False) -> tuple[Any, Callable[[Any], Any]]:
    return ops.gelu(x, approximate, through_float32=semantics.current().gelu_constants == "float32")


@computed_by(_gelu_forward)
def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x Φ(x), Φ being the distribution function of the normal distribution; or its approximation by tanh.

    Example:

        >>> print(gelu([0.0, 1.0]).numpy().round(4))
        [0.     0.8413]
    """
    return value(_gelu_forward, x, approximate)


@computed_by(ops.mish)
def mish(x: Any) -> Tensor:
    """x · tanh(softplus(x)).

    Example:

        >>> print(mish([0.0, 1.0]).numpy().round(4))
        [0.     0.8651]
    """
    return value(ops.mish, x)


@computed_by(ops.squareplus)
def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + √(x² + b)) / 2.

    Example:

        >>> print(squareplus([0.0, 1.5]).numpy().round(4))
        [1. 2.]
    """
    return value(ops.squareplus, x, b)
