"""What losses share: means over axes, and gradients led back through means, broadcasts and clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.ops.rows import by_rows, sum_along

__all__ = ["Axis", "along", "mean", "mean_of", "slope_of_abs", "sum_to_shape", "through_clip", "through_maximum"]

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


def slope_of_abs(x: Array, rule: str = "sign") -> Array:
    """Return d|x|/dx.

    Under the rule `"sign"`, sign(x), which is 0 at 0, and NaN of NaN; under `"sign or 0"`, 0 of NaN; under `"select"`,
    1 where x ≥ 0, else −1, of NaN, too.

    >>> x = np.array([-2.0, 0.0, np.nan])
    >>> slope_of_abs(x).tolist(), slope_of_abs(x, "sign or 0").tolist(), slope_of_abs(x, "select").tolist()
    ([-1.0, 0.0, nan], [-1.0, 0.0, 0.0], [-1.0, 1.0, -1.0])
    """
    if rule == "sign":
        return np.sign(x)
    one = np.ones_like(x)
    return np.where(x >= 0, one, -one) if rule == "select" else np.where(x == x, np.sign(x), 0 * one)


def through_maximum(dm: Array, x: Array, bound: float = 0.0, rule: str = "select") -> Array:
    """Return the gradient of x from that of m = max(x, bound).

    It passes above the bound, and at it: all of it under the rule `"select"`; half of it under `"halves"`, which lets
    it pass where x is NaN, too, and under `"half product"`, which multiplies by 1, ½ or 0, so that NaN and infinities
    of `dm` reach what is below, as NaN.

    >>> through_maximum(np.ones(4), np.array([-1.0, 0.0, 2.0, np.nan]), rule="halves").tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    return _passed(dm, ~(x < bound) if rule == "halves" else x >= bound, [x == bound], rule)


def through_clip(dq: Array, p: Array, low: float, high: float, rule: str = "select") -> Array:
    """Return the gradient of p from that of q = clip(p, low, high): the rules at the bounds are `through_maximum`'s.

    >>> through_clip(np.ones(3), np.array([0.0, 0.5, 1.0]), 0.0, 1.0, rule="half product").tolist()
    [0.5, 1.0, 0.5]
    """
    return _passed(dq, (p >= low) & (p <= high), [p == low, p == high], rule)


def _passed(d: Array, inside: Array, at_ends: Sequence[Array], rule: str) -> Array:
    if rule == "half product":
        d = d * np.where(inside, np.ones_like(d), np.zeros_like(d))
    else:
        d = np.where(inside, d, np.zeros_like(d))
    for at_end in at_ends if rule != "select" else ():
        d = np.where(at_end, 0.5 * d, d)
    return d
