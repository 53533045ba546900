"""Sums and maxima along a short last axis of many rows, bit for bit as NumPy's.

NumPy reduces row by row, and a row of ten numbers is over before the processor is at speed: their maximum takes 44 ns,
their sum 20 (`python benchmarks/row_reductions.py`). Here some rows at a time are turned, so that the numbers of one
place stand side by side, and all rows advance together. The order of additions is NumPy's, which rounding shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.buffers import buffer

__all__ = ["by_rows", "maximum_along", "sum_along"]

Array = Any

#: Fewer rows are done before anything is turned.
FEWEST = 1024
#: Of wider rows, NumPy is fast at sums and maxima itself.
WIDEST_SUM, WIDEST_MAXIMUM = 12, 48
#: How many numbers are done at a time: they stay in the processor's cache.
_BLOCK = 2**17
#: Of arrays with more numbers than this, intermediate results would go to memory and come back.
LARGE = 2**20
_FLOATS = (np.dtype("float32"), np.dtype("float64"))


def by_rows(f: Callable[..., Array], axis: Any, *arrays: Array) -> Array:
    """Return f(*arrays), for an f that computes each row (slice along the last axis) from the same row of the arrays.

    Of large arrays some thousand rows are done at a time, so that what f computes on its way stays in the processor's
    cache: in memory, an array of 40 MB takes longer to come from the system than to compute.

    Args:
        f: returns an array with the rows of its arguments, or with one number a row.
        axis: the axis f works along; nothing is cut unless it is the last, as -1.
        *arrays: of one shape, the first; or with one number a row, (..., 1); or floats. Nothing is cut unless they are.

    Example:

        >>> by_rows(lambda x: np.add.reduce(x, -1), -1, np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([3., 7.])
    """
    first = arrays[0]
    if axis != -1 or type(first) is not np.ndarray or first.size <= LARGE or first.ndim < 2:
        return f(*arrays)
    shapes = first.shape, (*first.shape[:-1], 1)
    if not all(
        type(a) is float or (type(a) is np.ndarray and a.shape in shapes and a.flags.c_contiguous) for a in arrays
    ):
        return f(*arrays)
    rows: list[Any] = [a if type(a) is float else a.reshape(-1, a.shape[-1]) for a in arrays]
    count, step = len(rows[0]), max(_BLOCK // first.shape[-1], 1)
    result: Array = None
    for start in range(0, count, step):
        found = f(*(a if type(a) is float else a[start : start + step] for a in rows))
        if result is None:
            result = buffer(found, count, *found.shape[1:])
        result[start : start + step] = found
    return result.reshape(first.shape if result.ndim > 1 else first.shape[:-1])


def sum_along(x: Array, axis: Any, keepdims: Any = False) -> Array:
    """Return Σ x along `axis`, as `np.add.reduce` does.

    Example:

        >>> sum_along(np.array([[1.0, 2.0, 4.0]]), -1)
        array([7.])
    """
    if axis == -1 and type(x) is np.ndarray and x.size >= FEWEST and _pays(x, WIDEST_SUM):
        return _by_blocks(_summed, x, keepdims)
    return np.add.reduce(x, axis, keepdims=keepdims)


def maximum_along(x: Array, axis: Any, keepdims: Any = False) -> Array:
    """Return max x along `axis`, as `np.maximum.reduce` does.

    Example:

        >>> maximum_along(np.array([[1.0, 4.0, 2.0]]), -1)
        array([4.])
    """
    if axis == -1 and type(x) is np.ndarray and x.size >= FEWEST and _pays(x, WIDEST_MAXIMUM):
        return _by_blocks(_largest, x, keepdims)
    return np.maximum.reduce(x, axis, keepdims=keepdims)


def _pays(x: np.ndarray, widest: int) -> bool:
    return (
        x.ndim > 1
        and 1 < x.shape[-1] <= widest
        and x.size >= FEWEST * x.shape[-1]
        and x.dtype in _FLOATS
        and x.flags.c_contiguous
    )


def _by_blocks(reduce: Any, x: np.ndarray, keepdims: bool) -> np.ndarray:
    n = x.shape[-1]
    rows = x.reshape(-1, n)
    result = np.empty(len(rows), x.dtype)
    step = _BLOCK // n
    turned = np.empty((n, min(step, len(rows))), x.dtype)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        columns = turned[:, : len(block)]
        np.copyto(columns, block.T)
        reduce(columns, result[start : start + step])
    return result.reshape(*x.shape[:-1], 1) if keepdims else result.reshape(x.shape[:-1])


def _largest(columns: np.ndarray, out: np.ndarray) -> None:
    np.maximum.reduce(columns, 0, out=out)


def _summed(columns: np.ndarray, out: np.ndarray) -> None:
    """Add up as NumPy does: eight sums side by side, which are then added in pairs, and the rest one by one."""
    n = len(columns)
    whole = n - n % 8
    if not whole:
        np.add.reduce(columns, 0, out=out)
        return
    eight = columns[:8]
    for start in range(8, whole, 8):
        eight += columns[start : start + 8]
    four = np.add(eight[0::2], eight[1::2], out=eight[0::2])
    two = np.add(four[0::2], four[1::2], out=four[0::2])
    np.add(two[0], two[1], out=out)
    for column in columns[whole:]:
        out += column
