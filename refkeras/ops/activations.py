"""Smooth activations, each with its pullback.

`y, pullback = f(x)`; `pullback(dy)` is the gradient with respect to `x`. `x` and
`dy` have any one shape; everything is computed in the dtype of `x`.

Sources: `keras/src/activations/activations.py` (Keras 3.15) and the TensorFlow
kernels behind it. Where a derivative can be written in several ways, it is
written as TensorFlow evaluates it, so that infinities and NaN come out alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.special import erfc

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

Pullback = Callable[[Any], Any]


def linear(x: Any) -> tuple[Any, Pullback]:
    """y = x

    Example:

        >>> import numpy as np
        >>> y, pullback = linear(np.array([-1.0, 2.0]))
        >>> print(y, pullback(np.array([3.0, 4.0])))
        [-1.  2.] [3. 4.]
    """

    def pullback(dy: Any) -> Any:
        return dy

    return x, pullback


def sigmoid(x: Any) -> tuple[Any, Pullback]:
    """y = 1 / (1 + e^{−x});  y' = y (1 − y)

    Accurate relative to y in both tails: where e^{−x} overflows, y is 0.

    Example:

        >>> import numpy as np
        >>> y, pullback = sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        >>> print(y, pullback(np.ones(3)))
        [0.  0.5 1. ] [0.   0.25 0.  ]
    """
    y = _sigmoid(x)

    def pullback(dy: Any) -> Any:
        return dy * y * (1 - y)

    return y, pullback


def _sigmoid(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def tanh(x: Any) -> tuple[Any, Pullback]:
    """y = tanh x;  y' = 1 − y²

    Example:

        >>> import numpy as np
        >>> y, pullback = tanh(np.array([0.0, 20.0]))
        >>> print(y, pullback(np.ones(2)))
        [0. 1.] [1. 0.]
    """
    y = np.tanh(x)

    def pullback(dy: Any) -> Any:
        return dy * (1 - y * y)

    return y, pullback


def tanh_shrink(x: Any) -> tuple[Any, Pullback]:
    """y = x − tanh x;  y' = 1 − (1 − tanh² x)

    Example:

        >>> import numpy as np
        >>> y, pullback = tanh_shrink(np.array([0.0, 20.0]))
        >>> print(y, pullback(np.ones(2)))
        [ 0. 19.] [0. 1.]
    """
    t = np.tanh(x)

    def pullback(dy: Any) -> Any:
        return dy - dy * (1 - t * t)

    return x - t, pullback


def softplus(x: Any) -> tuple[Any, Pullback]:
    """y = ln(1 + e^x) = max(x, 0) + ln(1 + e^{−|x|});  y' = 1 / (1 + e^{−x})

    Example:

        >>> import numpy as np
        >>> y, pullback = softplus(np.array([-1000.0, 0.0, 1000.0]))
        >>> print(y, pullback(np.ones(3)))
        [0.00000000e+00 6.93147181e-01 1.00000000e+03] [0.  0.5 1. ]
    """

    def pullback(dy: Any) -> Any:
        return dy * _sigmoid(x)

    return _softplus(x), pullback


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x: Any) -> tuple[Any, Pullback]:
    """y = ln(1 / (1 + e^{−x})) = −softplus(−x);  y' = 1 / (1 + e^x)

    Example:

        >>> import numpy as np
        >>> y, pullback = log_sigmoid(np.array([-1000.0, 0.0]))
        >>> print(y, pullback(np.ones(2)))
        [-1.00000000e+03 -6.93147181e-01] [1.  0.5]
    """

    def pullback(dy: Any) -> Any:
        return dy * _sigmoid(-x)

    return -_softplus(-x), pullback


def softsign(x: Any) -> tuple[Any, Pullback]:
    """y = x / (1 + |x|);  y' = 1 / (1 + |x|)²

    Example:

        >>> import numpy as np
        >>> y, pullback = softsign(np.array([-3.0, 1.0]))
        >>> print(y, pullback(np.ones(2)))
        [-0.75  0.5 ] [0.0625 0.25  ]
    """
    scale = 1 + np.abs(x)

    def pullback(dy: Any) -> Any:
        return dy / (scale * scale)

    return x / scale, pullback


def exponential(x: Any) -> tuple[Any, Pullback]:
    """y = e^x;  y' = y

    Example:

        >>> import numpy as np
        >>> y, pullback = exponential(np.array([0.0, 1.0]))
        >>> print(y, pullback(np.ones(2)))
        [1.         2.71828183] [1.         2.71828183]
    """
    y = np.exp(x)

    def pullback(dy: Any) -> Any:
        return dy * y

    return y, pullback


def silu(x: Any) -> tuple[Any, Pullback]:
    """y = x s, with s = sigmoid(x);  y' = s (1 + x (1 − s))

    Source: Ramachandran et al. 2017 (arXiv:1710.05941), `swish`.

    Example:

        >>> import numpy as np
        >>> y, pullback = silu(np.array([0.0, 1000.0]))
        >>> print(y, pullback(np.ones(2)))
        [   0. 1000.] [0.5 1. ]
    """
    s = _sigmoid(x)

    def pullback(dy: Any) -> Any:
        return dy * (s * (1 + x * (1 - s)))

    return x * s, pullback


def mish(x: Any) -> tuple[Any, Pullback]:
    """y = x t, with t = tanh(softplus(x));  y' = t + x (1 − t²) sigmoid(x)

    Source: Misra 2019 (arXiv:1908.08681).

    Example:

        >>> import numpy as np
        >>> y, pullback = mish(np.array([0.0, 1.0]))
        >>> print(y, pullback(np.ones(2)))
        [0.         0.86509839] [0.6        1.04903622]
    """
    t = np.tanh(_softplus(x))

    def pullback(dy: Any) -> Any:
        return dy * (t + x * (1 - t * t) * _sigmoid(x))

    return x * t, pullback


_SQRT_1_2 = 0.5**0.5
_SQRT_2_PI = (2 / np.pi) ** 0.5
_CUBIC = 0.044715


def gelu(x: Any, approximate: bool = False, *, through_float32: bool = False) -> tuple[Any, Pullback]:
    """y = x Φ(x) = ½ x erfc(−x / √2);  y' = Φ(x) + x φ(x)

    `approximate`: y = ½ x (1 + t), with t = tanh(√(2/π) (x + 0.044715 x³)).
    `through_float32` rounds 1/√2 and 0.044715 to float32, as TensorFlow does in float64 too.

    Source: Hendrycks and Gimpel 2016 (arXiv:1606.08415).

    Example:

        >>> import numpy as np
        >>> y, pullback = gelu(np.array([0.0, 1.0]))
        >>> print(y, pullback(np.ones(2)))
        [0.         0.84134475] [0.5        1.08331547]
    """
    root, cubic = _SQRT_1_2, _CUBIC
    if through_float32:
        root, cubic = float(np.float32(root)), float(np.float32(cubic))
    if approximate:
        t = np.tanh(_SQRT_2_PI * (x + cubic * (x * x * x)))

        def pullback(dy: Any) -> Any:
            return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_SQRT_2_PI * (1 + 3 * cubic * (x * x))))

        return 0.5 * x * (1 + t), pullback

    e = erfc(-root * x)

    def pullback_exact(dy: Any) -> Any:
        z = root * x
        return dy * (0.5 * e + 0.5 * x * (root * 2 / np.pi**0.5 * np.exp(-z * z)))

    return 0.5 * x * e, pullback_exact


def squareplus(x: Any, b: float = 4) -> tuple[Any, Pullback]:
    """y = (x + r) / 2, with r = √(x² + b);  y' = (1 + x / r) / 2

    Source: Barron 2021 (arXiv:2112.11687).

    Example:

        >>> import numpy as np
        >>> y, pullback = squareplus(np.array([0.0, 1.5]))
        >>> print(y, pullback(np.ones(2)))
        [1. 2.] [0.5 0.8]
    """
    r = np.sqrt(x * x + b)

    def pullback(dy: Any) -> Any:
        return dy / 2 * (1 + x / r)

    return (x + r) / 2, pullback
