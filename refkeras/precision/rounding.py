"""Sizes of rounding errors, and the noise that stands for them."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

__all__ = ["BINADE", "COPIES", "LARGEST", "is_power", "power_below", "restart", "signs", "spread"]

#: How many random signs a rounding error is followed with. The variance that comes out has a relative standard
#: deviation of √(2 / COPIES) at most.
COPIES = 32
#: The mean square of (power of two at or below v) / v, for v spread evenly over a binade's logarithm: 3 / (8 ln 2).
BINADE = 3 / (8 * np.log(2))

#: The error of which nothing can be said: beyond all of float32, even times its smallest, and with room for its square.
LARGEST = 2.0**256

#: Of numbers between these the squares neither lose digits, in float64, nor overflow.
_LEAST_ROOT, _LARGEST_ROOT = 2.0**-480, 2.0**480

_EXPONENT = np.int64(0x7FF0000000000000)
_POOL = 2**23
_generator = np.random.Generator(np.random.SFC64(0))
_seed = 0
_pool: np.ndarray | None = None


def power_below(v: np.ndarray) -> np.ndarray:
    """The power of two at or below |v|; 0 for 0 (and for float64's subnormal numbers), ∞ for what is not finite."""
    return (np.ascontiguousarray(v).view(np.int64) & _EXPONENT).view(np.float64).reshape(v.shape)


def is_power(v: np.ndarray) -> np.ndarray:
    """Whether v is 0 or ± a power of two, by which a product does not round."""
    return np.abs(v) == power_below(v)


def spread(deviations: np.ndarray) -> np.ndarray:
    """The standard deviation that (COPIES, ...) deviations show, the root of their mean square."""
    with np.errstate(all="ignore"):
        sigma = np.sqrt(np.mean(np.square(deviations), axis=0))
        odd = (sigma < _LEAST_ROOT) | (sigma > _LARGEST_ROOT)
        if deviations.size and odd.any():
            scale = power_below(np.abs(deviations).max(axis=0))  # times which nothing is rounded
            scale = np.where(odd & (scale > 0) & np.isfinite(scale), scale, 1.0)
            sigma = scale * np.sqrt(np.mean(np.square(deviations / scale), axis=0))
    return np.asarray(sigma)


def restart(seed: int = 0) -> None:
    """Start the noise again, so that the same evaluation gives the same bars."""
    global _seed, _pool
    _seed, _pool = seed, None


def signs(shape: tuple[int, ...]) -> Any:
    """±1 with equal chances, (COPIES, *shape), as int8; not to be written to.

    They are stretches of one long random row, from a place drawn anew each time. That two rounding errors
    share their signs by such a chance is rarer than that their `COPIES` signs agree more or less by chance.
    """
    global _pool
    if _pool is None:
        _pool, _generator.bit_generator.state = _begin(_seed)
    count = COPIES * math.prod(shape)
    if count > _POOL // 2:
        return _draw(count).reshape(COPIES, *shape)
    start = int(_generator.random() * (_POOL - count))
    return _pool[start : start + count].reshape(COPIES, *shape)


@functools.lru_cache(maxsize=1)
def _begin(seed: int) -> tuple[np.ndarray, Any]:
    """The long row of a seed, and the generator's state after it; kept, as most evaluations take less time than it."""
    _generator.bit_generator.state = np.random.SFC64(seed).state
    row = _draw(_POOL)
    row.flags.writeable = False
    return row, _generator.bit_generator.state


def _draw(count: int) -> np.ndarray:
    bits = np.unpackbits(np.frombuffer(_generator.bytes((count + 7) // 8), np.uint8), count=count)
    return 2 * bits.view(np.int8) - np.int8(1)
