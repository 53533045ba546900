"""Activations made of straight pieces and gaps, each with its pullback.

`y, pullback = f(x)`; `pullback(dy)` is the gradient with respect to `x`. At a
kink the gradient is the one TensorFlow gives. Sources:
`keras/src/activations/activations.py` and `keras/src/backend/tensorflow/nn.py`
(Keras 3.15).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.rectifiers import relu6

__all__ = [
    "hard_shrink",
    "hard_sigmoid",
    "hard_sigmoid_clipped",
    "hard_silu",
    "hard_tanh",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "threshold",
]

Pullback = Callable[[Any], Any]


def hard_sigmoid(x: Any) -> tuple[Any, Pullback]:
    """y = relu6(x + 3) / 6, Keras 3's;  y' = 1/6 for −3 < x < 3

    Example:

        >>> import numpy as np
        >>> y, pullback = hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
        >>> print(y, pullback(np.full(3, 6.0)))
        [0.  0.5 1. ] [0. 1. 0.]
    """
    y, pullback_relu6 = relu6(x + 3)

    def pullback(dy: Any) -> Any:
        return pullback_relu6(dy / 6)

    return y / 6, pullback


def hard_sigmoid_clipped(x: Any) -> tuple[Any, Pullback]:
    """y = min(max(0.2 x + 0.5, 0), 1), Keras 2's;  y' = 0.2 for −2.5 ≤ x ≤ 2.5

    Source: `hard_sigmoid` of `tf_keras/src/backend.py`, 2.21.

    Example:

        >>> import numpy as np
        >>> y, pullback = hard_sigmoid_clipped(np.array([-3.0, 0.0, 2.5]))
        >>> print(y, pullback(np.ones(3)))
        [0.  0.5 1. ] [0.  0.2 0.2]
    """
    line = 0.2 * x + 0.5

    def pullback(dy: Any) -> Any:
        return 0.2 * (dy * ((line >= 0) & (line <= 1)))

    return np.minimum(np.maximum(line, 0), 1), pullback


def hard_silu(x: Any) -> tuple[Any, Pullback]:
    """y = x s, with s = relu6(x + 3) / 6;  y' = s + x s'

    Source: Howard et al. 2019 (arXiv:1905.02244), `hard_swish`.

    Example:

        >>> import numpy as np
        >>> y, pullback = hard_silu(np.array([-4.0, 0.0, 4.0]))
        >>> print(y, pullback(np.ones(3)))
        [-0.  0.  4.] [0.  0.5 1. ]
    """
    s, pullback_s = hard_sigmoid(x)

    def pullback(dy: Any) -> Any:
        return dy * s + pullback_s(dy * x)

    return x * s, pullback


def hard_tanh(x: Any, *, slope_at_1: int = 1) -> tuple[Any, Pullback]:
    """y = min(max(x, −1), 1);  y' = 1 for −1 < x < 1, and at ±1 `slope_at_1`

    Example:

        >>> import numpy as np
        >>> y, pullback = hard_tanh(np.array([-2.0, 0.5, 1.0]))
        >>> print(y, pullback(np.ones(3)))
        [-1.   0.5  1. ] [0. 1. 1.]
    """

    def pullback(dy: Any) -> Any:
        return dy * ((x >= -1) & (x <= 1) if slope_at_1 else (x > -1) & (x < 1))

    return np.minimum(np.maximum(x, -1), 1), pullback


def hard_shrink(x: Any, threshold: float = 0.5, *, keep_nan: bool = False) -> tuple[Any, Pullback]:
    """y = x if |x| > threshold else 0; NaN becomes 0 as well, unless `keep_nan`

    Example:

        >>> import numpy as np
        >>> y, pullback = hard_shrink(np.array([-2.0, 0.5, 1.0]))
        >>> print(y, pullback(np.ones(3)))
        [-2.  0.  1.] [1. 0. 1.]
    """
    kept = ~(np.abs(x) <= threshold) if keep_nan else np.abs(x) > threshold

    def pullback(dy: Any) -> Any:
        return np.where(kept, dy, 0)

    return np.where(kept, x, 0), pullback


def soft_shrink(x: Any, threshold: float = 0.5, *, keep_nan: bool = False) -> tuple[Any, Pullback]:
    """y = x − threshold if x > threshold, x + threshold if x < −threshold, else 0; of NaN too, unless `keep_nan`

    Example:

        >>> import numpy as np
        >>> y, pullback = soft_shrink(np.array([-2.0, 0.5, 1.0]))
        >>> print(y, pullback(np.ones(3)))
        [-1.5  0.   0.5] [1. 0. 1.]
    """
    above, below = ~(x <= threshold) if keep_nan else x > threshold, x < -threshold

    def pullback(dy: Any) -> Any:
        return np.where(above | below, dy, 0)

    return np.where(above, x - threshold, np.where(below, x + threshold, 0)), pullback


def sparse_plus(x: Any) -> tuple[Any, Pullback]:
    """y = 0 for x ≤ −1, (x + 1)² / 4 for −1 < x < 1, x for x ≥ 1

    Example:

        >>> import numpy as np
        >>> y, pullback = sparse_plus(np.array([-2.0, 0.0, 3.0]))
        >>> print(y, pullback(np.ones(3)))
        [0.   0.25 3.  ] [0.  0.5 1. ]
    """
    left, inside = x <= -1, x < 1

    def pullback(dy: Any) -> Any:
        dy = np.where(left, 0, dy)
        return np.where(inside, dy, 0) * (0.5 * (x + 1)) + np.where(inside, 0, dy)

    return np.where(left, 0, np.where(inside, 0.25 * ((x + 1) * (x + 1)), x)), pullback


def sparse_sigmoid(x: Any, *, slope_at_1: float = 0.0) -> tuple[Any, Pullback]:
    """y = 0 for x ≤ −1, (x + 1) / 2 for −1 < x < 1, 1 for x ≥ 1;  y' = 1/2 for −1 < x < 1, and at ±1 `slope_at_1`

    Source: Blondel et al. 2019 (arXiv:1901.02324).

    Example:

        >>> import numpy as np
        >>> y, pullback = sparse_sigmoid(np.array([-2.0, 0.0, 3.0]))
        >>> print(y, pullback(np.ones(3)))
        [0.  0.5 1. ] [0.  0.5 0. ]
    """
    left, right = x <= -1, x >= 1

    def pullback(dy: Any) -> Any:
        dx = 0.5 * np.where(left | right, 0, dy)
        return np.where(np.abs(x) == 1, slope_at_1 * dy, dx) if slope_at_1 else dx

    return np.where(left, 0, np.where(right, 1, 0.5 * (x + 1))), pullback


def threshold(x: Any, threshold: float, default_value: float) -> tuple[Any, Pullback]:
    """y = x if x > threshold else default_value

    Example:

        >>> import numpy as np
        >>> y, pullback = threshold(np.array([-2.0, 0.5, 1.0]), 0.5, 9.0)
        >>> print(y, pullback(np.ones(3)))
        [9. 9. 1.] [0. 0. 1.]
    """
    above = x > threshold

    def pullback(dy: Any) -> Any:
        return np.where(above, dy, 0)

    return np.where(above, x, default_value), pullback
