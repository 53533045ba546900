"""What losses share: means over axes, and gradients led back through means, broadcasts and clips."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.rows import by_rows, sum_along

__all__ = ["Axis", "along", "mean", "mean_of", "sum_to_shape", "through_clip"]

Array = Any
Axis = int | tuple[int, ...] | None


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Add a gradient up over the axes along which an array of `shape` was broadcast."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    stretched = tuple(axis + extra for axis, size in enumerate(shape) if size == 1 != gradient.shape[axis + extra])
    summed = np.add.reduce(gradient, (*range(extra), *stretched), keepdims=True)
    return summed.reshape(shape)


def mean(x: Array, axis: Axis) -> tuple[Array, int]:
    """Return the mean over `axis`, and how many numbers went into each."""
    total = sum_along(x, axis)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    n = math.prod(x.shape[i] for i in axes)
    return total / total.dtype.type(n), max(n, 1)


def mean_of(f: Callable[..., Array], axis: Axis, *arrays: Array) -> tuple[Array, int]:
    """Return the mean over `axis` of f(*arrays), an elementwise f, and how many numbers went into each."""
    n = 1

    def rows(*arrays: Array) -> Array:
        nonlocal n
        value, n = mean(f(*arrays), axis)
        return value

    return by_rows(rows, axis, *arrays), n


def along(d: Any, axis: Axis, factor: float = 1.0) -> Any:
    """Return the gradient of per-sample values times `factor`, ready to be spread along the reduced axis."""
    scaled = d * factor
    if axis is None or isinstance(scaled, float):
        return scaled
    return np.expand_dims(scaled, axis)


def through_clip(dq: Array, p: Array, low: float, high: float) -> Array:
    """Return the gradient of p from that of q = clip(p, low, high): it passes between the bounds, and at them."""
    return np.where((p >= low) & (p <= high), dq, np.zeros_like(dq))
