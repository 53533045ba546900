"""Functions that merge several inputs into one, each with its pullback."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.ops.reducing import sum_to_shape, through_maximum
from refkeras.ops.shaping import transpose

__all__ = ["add", "average", "batch_dot", "concatenate", "larger", "multiply", "smaller", "subtract"]

Pullback = Callable[[Any], Any]


def concatenate(xs: Sequence[Any], axis: int = -1) -> tuple[Any, Pullback]:
    """y = the xs side by side along `axis`

    Example:

        >>> import numpy as np
        >>> y, pullback = concatenate([np.array([[1.0]]), np.array([[2.0, 3.0]])])
        >>> print(y, pullback(y))
        [[1. 2. 3.]] [array([[1.]]), array([[2., 3.]])]
    """
    ends = np.cumsum([x.shape[axis] for x in xs])[:-1]

    def pullback(dy: Any) -> Any:
        return np.split(dy, ends, axis=axis)

    return np.concatenate(xs, axis=axis), pullback


def add(xs: Sequence[Any]) -> tuple[Any, Pullback]:
    """y = ((x₀ + x₁) + x₂) + …, broadcast;  dxᵢ = dy, summed over the axes that xᵢ was stretched along

    Example:

        >>> import numpy as np
        >>> y, pullback = add([np.array([[1.0], [2.0]]), np.array([[10.0, 20.0]])])
        >>> print(y.tolist(), [dx.tolist() for dx in pullback(np.ones((2, 2)))])
        [[11.0, 21.0], [12.0, 22.0]] [[[2.0], [2.0]], [[2.0, 2.0]]]
    """
    y = xs[0]
    for x in xs[1:]:
        y = y + x
    shapes = [x.shape for x in xs]

    def pullback(dy: Any) -> Any:
        return [sum_to_shape(dy, shape) for shape in shapes]

    return y, pullback


def average(xs: Sequence[Any]) -> tuple[Any, Pullback]:
    """y = (x₀ + x₁ + … ) / n, broadcast

    Example:

        >>> import numpy as np
        >>> y, pullback = average([np.array([[1.0]]), np.array([[2.0]])])
        >>> print(y.tolist(), [dx.tolist() for dx in pullback(np.ones((1, 1)))])
        [[1.5]] [[[0.5]], [[0.5]]]
    """
    total, pull = add(xs)
    n = total.dtype.type(len(xs))

    def pullback(dy: Any) -> Any:
        return pull(dy / n)

    return total / n, pullback


def subtract(a: Any, b: Any) -> tuple[Any, Pullback]:
    """y = a − b, broadcast;  da = dy, db = −dy, each summed over the axes that it was stretched along

    Example:

        >>> import numpy as np
        >>> y, pullback = subtract(np.array([[1.0]]), np.array([[2.0]]))
        >>> print(y.tolist(), [dx.tolist() for dx in pullback(np.ones((1, 1)))])
        [[-1.0]] [[[1.0]], [[-1.0]]]
    """
    shapes = a.shape, b.shape

    def pullback(dy: Any) -> Any:
        return [sum_to_shape(dy, shapes[0]), sum_to_shape(-dy, shapes[1])]

    return a - b, pullback


def multiply(xs: Sequence[Any]) -> tuple[Any, Pullback]:
    """y = ((x₀ x₁) x₂) …, broadcast;  the gradient goes back through one product after the other

    Example:

        >>> import numpy as np
        >>> y, pullback = multiply([np.array([[2.0]]), np.array([[3.0, 4.0]]), np.array([[5.0, 6.0]])])
        >>> print(y.tolist(), [dx.tolist() for dx in pullback(np.ones((1, 2)))])
        [[30.0, 48.0]] [[[39.0]], [[10.0, 12.0]], [[6.0, 8.0]]]
    """
    products = [xs[0]]
    for x in xs[1:]:
        products.append(products[-1] * x)

    def pullback(dy: Any) -> Any:
        gradients = []
        for x, before in zip(reversed(xs[1:]), reversed(products[:-1]), strict=True):
            gradients.append(sum_to_shape(dy * before, x.shape))
            dy = sum_to_shape(dy * x, before.shape)
        return [dy, *reversed(gradients)]

    return products[-1], pullback


def larger(a: Any, b: Any, rule: str = "select") -> tuple[Any, Pullback]:
    """y = max(a, b), broadcast, NaN where one of them is;  the gradient goes to the larger one

    Args:
        a, b: arrays whose shapes broadcast.
        rule: where they tie: under `"select"` a gets all of dy, and b what a does not get, as with NaN; else each gets
            half. With NaN, both get all of it under `"halves"`, and 0 · dy under `"half product"`.

    Example:

        >>> import numpy as np
        >>> y, pullback = larger(np.array([1.0, 2.0, 5.0]), np.array([1.0, 3.0, 4.0]))
        >>> print(y, *pullback(np.ones(3)))
        [1. 3. 5.] [1. 0. 1.] [0. 1. 0.]
        >>> print(*larger(np.array([1.0]), np.array([1.0]), "halves")[1](np.ones(1)))
        [0.5] [0.5]
    """
    return np.maximum(a, b), _to_the_larger(a, b, rule)


def smaller(a: Any, b: Any, rule: str = "select") -> tuple[Any, Pullback]:
    """y = min(a, b): as `larger`.

    Example:

        >>> import numpy as np
        >>> y, pullback = smaller(np.array([1.0, 2.0, 5.0]), np.array([1.0, 3.0, 4.0]))
        >>> print(y, *pullback(np.ones(3)))
        [1. 2. 4.] [1. 1. 0.] [0. 0. 1.]
    """
    return np.minimum(a, b), _to_the_larger(-a, -b, rule)


def _to_the_larger(a: Any, b: Any, rule: str) -> Pullback:
    def pullback(dy: Any) -> Any:
        to_a = through_maximum(dy, a, b, rule)
        to_b = np.where(a >= b, np.zeros_like(dy), dy) if rule == "select" else through_maximum(dy, b, a, rule)
        return [sum_to_shape(to_a, a.shape), sum_to_shape(to_b, b.shape)]

    return pullback


def batch_dot(a: Any, b: Any, axes: tuple[int, int]) -> tuple[Any, Pullback]:
    """y = Σ_k a[n, …, k, …] b[n, …, k, …], for each sample n: the other axes of a, then those of b

    Args:
        a, b: arrays of rank 2 or more, with as many samples.
        axes: which axis of a, and which of b, is summed over, both from 1; they are as long.

    Returns:
        y: of shape (N, other axes of a, other axes of b), (N, 1) if there are none; and its pullback.

    Example:

        >>> import numpy as np
        >>> y, pullback = batch_dot(np.array([[1.0, 2.0]]), np.array([[[3.0, 4.0], [5.0, 6.0]]]), (1, 2))
        >>> print(y, *[dx.tolist() for dx in pullback(np.ones((1, 2)))])
        [[11. 17.]] [[8.0, 10.0]] [[[1.0, 2.0], [1.0, 2.0]]]
    """
    others = [axis for axis in range(1, a.ndim) if axis != axes[0]]
    a_last, a_back = transpose(a, [0, *others, axes[0]])
    others = [axis for axis in range(1, b.ndim) if axis != axes[1]]
    b_first, b_back = transpose(b, [0, axes[1], *others])
    samples, terms = a.shape[0], a.shape[axes[0]]
    rows, columns = a_last.shape[1:-1], b_first.shape[2:]
    a_rows = a_last.reshape((samples, math.prod(rows), terms))
    b_columns = b_first.reshape((samples, terms, math.prod(columns)))

    def pullback(dy: Any) -> Any:
        dy = dy.reshape((samples, a_rows.shape[1], b_columns.shape[2]))
        da = np.matmul(dy, b_columns.transpose((0, 2, 1)))
        db = np.matmul(a_rows.transpose((0, 2, 1)), dy)
        return [a_back(da.reshape(a_last.shape)), b_back(db.reshape(b_first.shape))]

    return np.matmul(a_rows, b_columns).reshape((samples, *(rows + columns or (1,)))), pullback
