"""The dense (fully connected) product, with its pullback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.buffers import SMALLEST, buffer

__all__ = ["dense"]


def dense(x: Any, kernel: Any, bias: Any = None, input_gradient: bool = True) -> tuple[Any, Callable[[Any], Any]]:
    """y = x · kernel + bias, over the last axis of x

        dx = dy · kernelᵀ      dkernel = xᵀ · dy      dbias = Σ dy

    Args:
        x: (..., F), of rank 2 or more.
        kernel: (F, u).
        bias: (u,) or None.
        input_gradient: whether the pullback returns dx (else None).

    Returns:
        y (..., u), and `pullback(dy) -> (dx, dkernel, dbias)`.

    Raises:
        ValueError: the last axis of x has not the size of kernel's first.

    Source: `keras/src/layers/core/dense.py` (Keras 3.15).

    Example:

        >>> import numpy as np
        >>> x, kernel, bias = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5])
        >>> y, pullback = dense(x, kernel, bias)
        >>> print(y, *pullback(np.array([[1.0]])))
        [[11.5]] [[3. 4.]] [[1.]
         [2.]] [1.]
    """
    # For matrices np.dot is @, and takes half as long to call.
    rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
    y = _product(rows, kernel)
    if bias is not None:
        y += bias
    shape = x.shape

    def pullback(dy: Any) -> Any:
        d_rows = dy if dy.ndim == 2 else dy.reshape(-1, dy.shape[-1])
        dx = _product(d_rows, kernel.T) if input_gradient else None
        if dx is not None and len(shape) > 2:
            dx = dx.reshape(shape)
        return dx, np.dot(rows.T, d_rows), None if bias is None else np.add.reduce(d_rows, axis=0)

    return (y if len(shape) == 2 else y.reshape(*shape[:-1], -1)), pullback


def _product(rows: Any, matrix: Any) -> Any:
    """rows · matrix, in memory that is used again if it is large (`ops/buffers.py`)."""
    large = rows.shape[0] * matrix.shape[1] * rows.dtype.itemsize >= SMALLEST
    # Of other arrays, and of two types, the product may be of another type than its factors.
    if large and type(rows) is type(matrix) is np.ndarray and rows.dtype == matrix.dtype:
        return np.dot(rows, matrix, out=buffer(rows, rows.shape[0], matrix.shape[1]))
    return np.dot(rows, matrix)
