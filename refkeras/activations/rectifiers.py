"""Rectifiers (`keras.activations`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.activations.support import computed_by, value
from refkeras.ops import rectifiers as ops
from refkeras.tensor import Tensor

__all__ = ["celu", "elu", "leaky_relu", "relu", "relu6", "selu"]


def _relu_forward(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> tuple[Any, Callable[[Any], Any]]:
    engine = semantics.current()
    return ops.relu(
        x,
        negative_slope,
        max_value,
        threshold,
        through_float32=engine.relu_constants == "float32",
        select=engine.relu_threshold == "select",
        slope_is_float32=engine.leaky_relu_slope == "float32",
        slope_at_0=engine.leaky_relu_slope_at_0,
        slope_by_maximum=engine.leaky_relu_by == "maximum",
        gradient=engine.relu_gradient,
        clip=engine.clip_gradient,
        max_below_0=engine.relu_max_below_0,
    )


def _relu6_forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    return ops.relu6(x, gradient=semantics.current().relu_gradient)


def _leaky_relu_forward(x: Any, negative_slope: float = 0.2) -> tuple[Any, Callable[[Any], Any]]:
    engine = semantics.current()
    return ops.leaky_relu(
        x,
        negative_slope,
        through_float32=engine.leaky_relu_slope == "float32",
        slope_at_0=engine.leaky_relu_slope_at_0,
        by_maximum=engine.leaky_relu_by == "maximum",
    )


def _selu_forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    return ops.selu(x, left_at_0=semantics.current().selu_slope_at_0 == "left")


def _celu_forward(x: Any, alpha: float = 1.0) -> tuple[Any, Callable[[Any], Any]]:
    return ops.celu(x, alpha, slope_at_0=semantics.current().celu_slope_at_0)


@computed_by(_relu_forward)
def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0, **kwargs: float
) -> Tensor:
    """max(x, 0), with options.

    y = min(x, max_value) where x > threshold, else negative_slope · (x − threshold). tf_keras calls
    the slope `alpha`, and takes it by that name under its semantics.

    Example:

        >>> print(relu([-10.0, -5.0, 0.0, 5.0, 10.0], max_value=6.0).numpy().round(4))
        [0. 0. 0. 5. 6.]
    """
    if "alpha" in kwargs and semantics.current().activation_lookup == "tf_keras":
        negative_slope = kwargs.pop("alpha")
    if kwargs:
        raise TypeError(f"relu() got an unexpected keyword argument {next(iter(kwargs))!r}")
    return value(_relu_forward, x, negative_slope, max_value, threshold)


@computed_by(_relu6_forward)
def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6).

    Example:

        >>> print(relu6([-1.0, 3.0, 9.0]).numpy().round(4))
        [0. 3. 6.]
    """
    return value(_relu6_forward, x)


@computed_by(_leaky_relu_forward)
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x where x > 0, else negative_slope · x.

    Example:

        >>> print(leaky_relu([-1.0, 3.0]).numpy().round(4))
        [-0.2  3. ]
    """
    return value(_leaky_relu_forward, x, negative_slope)


@computed_by(ops.elu)
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha · (e^x − 1).

    Example:

        >>> print(elu([-1.0, 2.0]).numpy().round(4))
        [-0.6321  2.    ]
    """
    return value(ops.elu, x, alpha)


@computed_by(_selu_forward)
def selu(x: Any) -> Tensor:
    """1.0507 x where x > 0, else 1.7581 (e^x − 1).

    Example:

        >>> print(selu([-1.0, 2.0]).numpy().round(4))
        [-1.1113  2.1014]
    """
    return value(_selu_forward, x)


@computed_by(_celu_forward)
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha · (e^{x / alpha} − 1).

    Example:

        >>> print(celu([-1.0, 2.0]).numpy().round(4))
        [-0.6321  2.    ]
    """
    return value(_celu_forward, x, alpha)
