"""Rectifiers, each with its pullback.

`y, pullback = f(x)`; `pullback(dy)` is the gradient with respect to `x`. At a
kink the gradient is the one TensorFlow gives, unless told otherwise. Sources:
`keras/src/activations/activations.py` and `keras/src/backend/tensorflow/nn.py`
(Keras 3.15).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.reducing import through_clip

__all__ = ["celu", "elu", "leaky_relu", "relu", "relu6", "selu"]

Pullback = Callable[[Any], Any]


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    through_float32: bool = True,
    select: bool = True,
    slope_is_float32: bool = True,
    slope_at_0: str = "negative",
    slope_by_maximum: bool = False,
    gradient: str = "product",
    clip: str = "select",
    max_below_0: str = "zero",
) -> tuple[Any, Pullback]:
    """y = max(min(x if x > threshold else 0, max_value), 0) − negative_slope · max(threshold − x, 0)

    By default y = max(x, 0), with y'(0) = 0. A `max_value` of 6 makes it `relu6`,
    whose slope at 6 is 0; other limits, and 0 below a negative threshold, are the ends of a clip.

    Args:
        through_float32: `max_value` and the threshold that x is compared with are rounded to float32 first.
        select: values not above a threshold are replaced by 0, rather than multiplied by 0.
        slope_is_float32, slope_at_0, slope_by_maximum: with `negative_slope` alone, as in `leaky_relu`.
        gradient: of y = max(x, 0), which tells what becomes of NaN: `"product"`, dy · (x > 0), keeps one of dy;
            `"select"`, dy where x > 0, else 0, does not; nor does `"zero unless above"`, 0 where x ≤ 0, else dy.
        clip: how the gradient passes the ends of the clip at `max_value`: a rule of `through_clip`.
        max_below_0: y for a negative `max_value`: `"zero"`, or `"max_value"`.

    Example:

        >>> import numpy as np
        >>> y, pullback = relu(np.array([-2.0, 0.0, 3.0]))
        >>> print(y, pullback(np.ones(3)))
        [0. 0. 3.] [0. 0. 1.]
        >>> y, pullback = relu(np.array([-2.0, 1.0, 8.0]), negative_slope=0.5, max_value=4.0, threshold=2.0)
        >>> print(y, pullback(np.ones(3)))
        [-2.  -0.5  4. ] [0.5 0.5 0. ]
    """
    if max_value is None and threshold == 0:
        if negative_slope != 0:
            return leaky_relu(
                x,
                negative_slope,
                through_float32=slope_is_float32,
                slope_at_0=slope_at_0,
                by_maximum=slope_by_maximum,
            )
        return _plain_relu(x, gradient)
    edge, limit = threshold, max_value
    if through_float32:
        edge, limit = float(np.float32(edge)), None if limit is None else float(np.float32(limit))

    passes = x > edge
    if threshold == 0:
        y = np.maximum(x, 0)
    else:
        y = np.where(passes, x, 0) if select else x * passes
    unclipped, is_relu6 = y, max_value == 6 and threshold == 0
    if limit is not None:
        y = np.maximum(np.minimum(y, limit), 0) if limit >= 0 or max_below_0 == "zero" else np.full_like(y, limit)
    if negative_slope != 0:
        y = y - negative_slope * np.maximum(threshold - x, 0)

    def pullback(dy: Any) -> Any:
        dx = dy
        if is_relu6:
            dx = dy * (unclipped < 6)
        elif limit is not None:
            dx = through_clip(dy, unclipped, 0.0, limit, clip)
        dx = dx * passes
        return dx + negative_slope * (dy * (threshold - x > 0)) if negative_slope != 0 else dx

    return y, pullback


def _plain_relu(x: Any, gradient: str) -> tuple[Any, Pullback]:
    y = np.maximum(x, 0)

    def pullback(dy: Any) -> Any:
        if gradient == "product":
            return dy * (y > 0)
        return np.where(y > 0 if gradient == "select" else ~(y <= 0), dy, 0)

    return y, pullback


def relu6(x: Any, *, gradient: str = "product") -> tuple[Any, Pullback]:
    """y = min(max(x, 0), 6);  y'(0) = y'(6) = 0

    `gradient` is as for `relu`.

    Example:

        >>> import numpy as np
        >>> y, pullback = relu6(np.array([-1.0, 5.0, 6.0]))
        >>> print(y, pullback(np.ones(3)))
        [0. 5. 6.] [0. 1. 0.]
    """
    y = np.minimum(np.maximum(x, 0), 6)

    def pullback(dy: Any) -> Any:
        if gradient == "product":
            return dy * ((x > 0) & (x < 6))
        return np.where((x > 0) & (x < 6) if gradient == "select" else ~((x <= 0) | (x >= 6)), dy, 0)

    return y, pullback


def leaky_relu(
    x: Any,
    negative_slope: float = 0.2,
    *,
    through_float32: bool = True,
    slope_at_0: str = "negative",
    by_maximum: bool = False,
) -> tuple[Any, Pullback]:
    """y = x if x > 0 else negative_slope · x;  y'(0) = negative_slope, or 1 where `slope_at_0` is `"positive"`

    By default the slope is rounded to float32, in float64 too, as TensorFlow keeps it. `by_maximum`
    y = max(x, negative_slope · x), which is something else for a slope above 1.

    Example:

        >>> import numpy as np
        >>> y, pullback = leaky_relu(np.array([-2.0, 0.0, 3.0]), negative_slope=0.5)
        >>> print(y, pullback(np.ones(3)))
        [-1.  0.  3.] [0.5 0.5 1. ]
    """
    if through_float32:
        negative_slope = float(np.float32(negative_slope))
    sloped = negative_slope * x
    edge = sloped if by_maximum else 0
    positive = x > edge

    def pullback(dy: Any) -> Any:
        return np.where(positive if slope_at_0 == "negative" else x >= edge, dy, negative_slope * dy)

    return np.where(positive, x, sloped), pullback


def elu(x: Any, alpha: float = 1.0) -> tuple[Any, Pullback]:
    """y = x if x > 0 else alpha (e^x − 1);  y' = 1 if e^x − 1 ≥ 0 else alpha e^x

    e^x − 1 is a plain difference, as in TensorFlow, so that small |x| give 0.

    Source: Clevert et al. 2016 (arXiv:1511.07289).

    Example:

        >>> import numpy as np
        >>> y, pullback = elu(np.array([-1.0, 0.0, 2.0]))
        >>> print(y, pullback(np.ones(3)))
        [-0.63212056  0.          2.        ] [0.36787944 1.         1.        ]
    """
    y = np.where(x < 0, np.exp(np.minimum(x, 0)) - 1, x)

    if alpha == 1:

        def pullback(dy: Any) -> Any:
            return np.where(y < 0, dy * (y + 1), dy)

        return y, pullback

    def scaled_pullback(dy: Any) -> Any:
        dy = np.where(x > 0, dy, alpha * dy)
        return np.where(y < 0, dy * (y + 1), dy)

    return np.where(x > 0, y, alpha * y), scaled_pullback


_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


def selu(x: Any, *, left_at_0: bool = False) -> tuple[Any, Pullback]:
    """y = λ x if x ≥ 0 else λα (e^x − 1), with λ = 1.0507 and λα = 1.7581

    y'(0) is the slope on the right, λ, as in TensorFlow, or where `left_at_0`, λα.

    Source: Klambauer et al. 2017 (arXiv:1706.02515).

    Example:

        >>> import numpy as np
        >>> y, pullback = selu(np.array([-1.0, 0.0, 2.0]))
        >>> print(y, pullback(np.ones(3)))
        [-1.11133074  0.          2.10140197] [0.6467686  1.05070099 1.05070099]
    """
    y = np.where(x < 0, _SELU_SCALE_ALPHA * (np.exp(np.minimum(x, 0)) - 1), _SELU_SCALE * x)

    def pullback(dy: Any) -> Any:
        left = y <= 0 if left_at_0 else y < 0
        return np.where(left, dy * (y + _SELU_SCALE_ALPHA), dy * _SELU_SCALE)

    return y, pullback


def celu(x: Any, alpha: float = 1.0, *, slope_at_0: int = 2) -> tuple[Any, Pullback]:
    """y = max(x, 0) + alpha (e^{min(x, 0) / alpha} − 1)

    At 0 both parts pass the gradient, as in TensorFlow: y'(0) = 2; where `slope_at_0` is 1, one does.

    Source: Barron 2017 (arXiv:1704.07483).

    Example:

        >>> import numpy as np
        >>> y, pullback = celu(np.array([-1.0, 2.0]))
        >>> print(y, pullback(np.ones(2)))
        [-0.63212056  2.        ] [0.36787944 1.        ]
    """
    negative = np.minimum(x, 0)

    def pullback(dy: Any) -> Any:
        right = x >= 0 if slope_at_0 == 2 else x > 0
        return dy * right + np.where(x <= 0, dy * np.exp(negative / alpha), 0)

    return np.maximum(x, 0) + alpha * np.expm1(negative / alpha), pullback
