"""Logarithm, sine and cosine in float32 as PyTorch's AVX2 kernel for normal values computes them.

The polynomials of Moshier's Cephes library (`logf.c`, `sinf.c`), in the order
of operations of `aten/src/ATen/native/cpu/avx_mathfun.h`, PyTorch 2.13, each
product and the sum that follows it rounded once, as the compiler fuses them.
"""

from __future__ import annotations

import numpy as np

__all__ = ["fused", "log", "sin_cos"]

_LOG = (-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
        -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_LN2_LOW, _LN2_HIGH = np.float32(-2.12194440e-4), np.float32(0.693359375)
_QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)  # in three parts
_HALF = np.float32(0.5)


def fused(a: np.ndarray, b: np.ndarray | np.float32, c: np.ndarray | np.float32) -> np.ndarray:
    """Return a · b + c, rounded once to float32 (float64 holds the product exactly).

    Example:
        >>> import numpy as np
        >>> tiny = np.float32(2**-12)
        >>> fused(np.float32([1]) + tiny, np.float32(1) - tiny, np.float32(-1)) == -(tiny**2)
        array([ True])
    """
    return (a.astype(np.float64) * b + c).astype(np.float32)


def log(x: np.ndarray) -> np.ndarray:
    """Return the natural logarithm: with x = m · 2ᵉ, √½ ≤ m < √2, and t = m - 1, t - t²/2 + t³ P(t) + e ln 2.

    Args:
        x: float32, positive and normal.
    """
    bits = x.view(np.int32)
    exponent = ((bits >> 23) - 126).astype(np.float32)
    fraction = ((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)
    small = fraction < np.float32(0.707106781186547524)
    exponent -= small
    t = (fraction - np.float32(1)) + np.where(small, fraction, np.float32(0))
    square = t * t
    y = np.full_like(t, 7.0376836292e-2)
    for coefficient in _LOG:
        y = fused(y, t, np.float32(coefficient))
    y = fused(y * t, square, exponent * _LN2_LOW)
    y = fused(-square, _HALF, y)
    return fused(exponent, _LN2_HIGH, t + y)


def sin_cos(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sine and cosine: x less the nearest even multiple of π/4, then a polynomial each, by octants.

    Args:
        x: float32, not negative.
    """
    octant = ((x * np.float32(4 / np.pi)).astype(np.int32) + 1) & ~np.int32(1)
    multiple = octant.astype(np.float32)
    for part in _QUARTER_PI:
        x = fused(-multiple, np.float32(part), x)
    square = x * x
    cosine = np.full_like(x, 2.443315711809948e-5)
    for coefficient in (-1.388731625493765e-3, 4.166664568298827e-2):
        cosine = fused(cosine, square, np.float32(coefficient))
    cosine = fused(cosine * square, square, -(square * _HALF)) + np.float32(1)
    sine = np.full_like(x, -1.9515295891e-4)
    for coefficient in (8.3321608736e-3, -1.6666654611e-1):
        sine = fused(sine, square, np.float32(coefficient))
    sine = fused(sine * square, x, x)
    crossed = octant & 2 != 0
    first, second = np.where(crossed, cosine, sine), np.where(crossed, sine, cosine)
    return np.where(octant & 4 != 0, -first, first), np.where((octant - 2) & 4 == 0, -second, second)
