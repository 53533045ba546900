"""Functions that move, repeat or blank values, each with its pullback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["dropout", "keep_where", "repeat", "reshape", "scale", "transpose"]

Pullback = Callable[[Any], Any]


def reshape(x: Any, shape: tuple[int, ...]) -> tuple[Any, Pullback]:
    """y = x in another shape

    Example:

        >>> import numpy as np
        >>> y, pullback = reshape(np.array([[1.0, 2.0]]), (2, 1))
        >>> print(y.tolist(), pullback(y))
        [[1.0], [2.0]] [[1. 2.]]
    """
    before = x.shape

    def pullback(dy: Any) -> Any:
        return dy.reshape(before)

    return x.reshape(shape), pullback


def transpose(x: Any, axes: Sequence[int]) -> tuple[Any, Pullback]:
    """y = x with its axes in another order

    Example:

        >>> import numpy as np
        >>> y, pullback = transpose(np.zeros((2, 3, 4)), (1, 2, 0))
        >>> print(y.shape, pullback(y).shape)
        (3, 4, 2) (2, 3, 4)
    """
    back = [axes.index(axis) for axis in range(len(axes))]

    def pullback(dy: Any) -> Any:
        return dy.transpose(back)

    return x.transpose(axes), pullback


def repeat(x: Any, n: int) -> tuple[Any, Pullback]:
    """y = x (B, F), n times along a new axis: (B, n, F);  dx = Σ dy over it

    Example:

        >>> import numpy as np
        >>> y, pullback = repeat(np.array([[1.0, 2.0]]), 3)
        >>> print(y.shape, pullback(y))
        (1, 3, 2) [[3. 6.]]
    """

    def pullback(dy: Any) -> Any:
        return np.add.reduce(dy, axis=1)

    return np.repeat(x[:, np.newaxis], n, axis=1), pullback


def dropout(x: Any, keep: Any, factor: Any) -> tuple[Any, Pullback]:
    """y = factor · x where `keep`, else 0 (also where x is infinite or NaN)

    Args:
        x: any shape.
        keep: bool, of a shape that broadcasts to that of x.
        factor: 1 / (1 − rate), in the dtype of x.

    Example:

        >>> import numpy as np
        >>> y, pullback = dropout(np.array([1.0, np.inf]), np.array([True, False]), 2.0)
        >>> print(y, pullback(np.ones(2)))
        [2. 0.] [2. 0.]
    """

    def pullback(dy: Any) -> Any:
        return np.where(keep, dy * factor, 0)

    return np.where(keep, x * factor, 0), pullback


def keep_where(x: Any, keep: Any) -> tuple[Any, Pullback]:
    """y = x where `keep` (a bool array that broadcasts to x), else 0

    Example:

        >>> import numpy as np
        >>> y, pullback = keep_where(np.array([1.0, np.nan]), np.array([True, False]))
        >>> print(y, pullback(np.ones(2)))
        [1. 0.] [1. 0.]
    """

    def pullback(dy: Any) -> Any:
        return np.where(keep, dy, 0)

    return np.where(keep, x, 0), pullback


def scale(x: Any, factor: Any) -> tuple[Any, Pullback]:
    """y = factor · x, for a constant factor that broadcasts to x

    Example:

        >>> import numpy as np
        >>> y, pullback = scale(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
        >>> print(y, pullback(np.ones(2)))
        [1. 0.] [1. 0.]
    """

    def pullback(dy: Any) -> Any:
        return dy * factor

    return x * factor, pullback
