"""Threefry-2x32, the counter-based generator of JAX, and Keras 3 on it.

A pair of 32-bit words is a function of a key and a counter of two words each
(Salmon, Moraes, Dror and Shaw, 2011). JAX numbers the values of an array, and
draws value e at counter e (`jax/_src/random/threefry2x32.py`, JAX 0.10, with
`jax_threefry_partitionable`, its default).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.random.family import Family
from refkeras.random.order import FitOrder

__all__ = ["Jax", "JaxOrder", "erfinv", "threefry"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_CHUNK = 32768  # pairs worked on at a time, which stay in the cache
# Giles, "Approximating the erfinv function" (2010), single precision, highest power first.
_CENTRAL = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 2.1858087e-04, -1.25372503e-03,
            -4.17768164e-03, 0.246640727, 1.50140941)  # fmt: skip
_TAIL = (-2.00214257e-04, 1.00950558e-04, 1.34934322e-03, -3.67342844e-03, 5.73950773e-03, -7.6224613e-03,
         9.43887047e-03, 1.00167406, 2.83297682)  # fmt: skip


def threefry(key: tuple[Any, Any], counter: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the two words at `counter` under `key`.

    Twenty rounds x₀ ← x₀ + x₁, x₁ ← rotate(x₁, r) ⊕ x₀; before the first and
    after every fourth, x₀ and x₁ take the next two of the three key words
    k₀, k₁, k₀ ⊕ k₁ ⊕ 0x1BD11BDA, and x₁ the number of the group.

    Args:
        key, counter: two uint32 arrays each, of shapes that broadcast.

    Example:
        >>> import numpy as np
        >>> [f"{int(word):08x}" for word in threefry((0, 0), (0, 0))]
        ['6b200159', '99ba4efe']
    """
    k0, k1 = np.asarray(key[0], np.uint32), np.asarray(key[1], np.uint32)
    words = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    shape = np.broadcast_shapes(k0.shape, k1.shape, np.shape(counter[0]), np.shape(counter[1]))
    x0, x1, rotated = np.empty(shape, np.uint32), np.empty(shape, np.uint32), np.empty(shape, np.uint32)
    np.add(np.asarray(counter[0], np.uint32), words[0], out=x0)
    np.add(np.asarray(counter[1], np.uint32), words[1], out=x1)
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            np.add(x0, x1, out=x0)
            np.left_shift(x1, np.uint32(rotation), out=rotated)
            np.right_shift(x1, np.uint32(32 - rotation), out=x1)
            np.bitwise_or(x1, rotated, out=x1)
            np.bitwise_xor(x1, x0, out=x1)
        np.add(x0, words[(group + 1) % 3], out=x0)
        np.add(x1, words[(group + 2) % 3], out=x1)
        np.add(x1, np.uint32(group + 1), out=x1)
    return x0, x1


class Jax(Family):
    """Keras 3 on JAX (`keras/src/backend/jax/random.py`, Keras 3.15): the seed pair is the key."""

    name = "threefry"
    seed_dtype = "uint32"
    seed_error = OverflowError
    look_ahead = True

    def uniform(self, seed: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> np.ndarray:
        return _uniform(_key(seed), shape, low, high, np.dtype(dtype))

    def normal(self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str) -> np.ndarray:
        kind = np.dtype(dtype).type
        u = _uniform(_key(seed), shape, np.nextafter(kind(-1), kind(0)), kind(1), np.dtype(dtype))
        return kind(math.sqrt(2)) * erfinv(u) * kind(stddev) + kind(mean)

    def truncated_normal(
        self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str
    ) -> np.ndarray:
        kind = np.dtype(dtype).type
        edge = kind(math.erf(2 / math.sqrt(2)))
        z = kind(math.sqrt(2)) * erfinv(_uniform(_key(seed), shape, -edge, edge, np.dtype(dtype)))
        inside = np.nextafter(kind(2), kind(0))
        return np.clip(z, -inside, inside) * kind(stddev) + kind(mean)

    def randint(self, seed: tuple[int, int], shape: tuple[int, ...], low: int, high: int, dtype: str) -> np.ndarray:
        """Integers in [low, high): two words (high · 2³² + low) modulo the range, as far as 32 bits can say."""
        if np.dtype(dtype).itemsize != 4:
            raise self.not_drawn(f"randint(dtype={dtype!r})")
        span = max(high - low, 1)
        # 2³² modulo the range is taken as the square of 2¹⁶ modulo the range, and wraps, as JAX's does.
        multiplier = np.uint32((2**16 % span) ** 2 % 2**32 % span)
        halves = [_bits(half, math.prod(shape)) % np.uint32(span) for half in _split(_key(seed))]
        offsets = (halves[0] * multiplier + halves[1]) % np.uint32(span)
        return (offsets.astype(np.int64) + low).astype(dtype).reshape(shape)

    def shuffle(self, seed: tuple[int, int], x: np.ndarray, axis: int) -> np.ndarray:
        """Sort by random words, as often as makes equal words unlikely; every slice along `axis` by itself."""
        key = _key(seed)
        for _ in range(math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))):
            key, subkey = _split(key)
            words = _bits(subkey, x.size).reshape(x.shape)
            x = np.take_along_axis(x, np.argsort(words, axis=axis, kind="stable"), axis=axis)
        return x

    def mantissas(self, seed: int, states: np.ndarray, count: int, dtype: str, jit: bool) -> np.ndarray:
        # JAX compares draws of its default float type, whatever the values' type.
        bits = _bits((np.uint32(seed & 0xFFFFFFFF), states.astype(np.uint32)[:, None]), count)
        bits >>= np.uint32(9)
        return bits

    def kept(self, mantissas: np.ndarray, rate: float) -> np.ndarray:
        """u < 1 - rate, asked of the integers: m < ⌈(1 - rate) · 2²³⌉."""
        return mantissas < np.uint32(math.ceil(float(np.float32(1.0 - rate)) * 2.0**23))

    def keep_factor(self, rate: float, dtype: Any) -> Any:
        kind = np.dtype(dtype).type
        return kind(1) / kind(1.0 - rate)

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        return JaxOrder(n, batch_size, shuffle, steps_per_epoch)


class JaxOrder(FitOrder):
    """Every pass draws a permutation from NumPy's global generator."""

    def next_order(self) -> np.ndarray | None:
        if self.shuffle == "batch":
            return np.arange(self.n)
        return np.random.permutation(self.n) if self.shuffle else None

    def permutation(self, n: int) -> np.ndarray:
        return np.random.permutation(n)


def erfinv(u: np.ndarray) -> np.ndarray:
    """Return the inverse error function: in float32 by Giles's polynomials, as XLA does; in float64 to rounding.

    w = -log(1 - u²); erfinv(u) = u · P(w - 5/2) for w < 5, else u · Q(√w - 3).

    Example:
        >>> import numpy as np
        >>> erfinv(np.float32([0.0, 0.5]))
        array([0.        , 0.47693628], dtype=float32)
    """
    u32 = u.astype(np.float32)
    w = -np.log1p(-(u32 * u32).astype(np.float64)).astype(np.float32)
    central = w < 5
    t = np.where(central, w - np.float32(2.5), np.sqrt(w) - np.float32(3)).astype(np.float64)
    polynomial = np.zeros(u.shape)
    for a, b in zip(_CENTRAL, _TAIL, strict=True):
        # One rounding to float32 for product and sum: XLA contracts them.
        step = np.where(central, np.float32(a), np.float32(b)) + polynomial * t
        polynomial = step.astype(np.float32).astype(np.float64)
    root = (polynomial.astype(np.float32) * u32).astype(u.dtype)
    if u.dtype == np.float64:
        erf = np.vectorize(math.erf, otypes=[np.float64])
        for _ in range(3):
            root -= (erf(root) - u) * np.exp(root * root) * (math.sqrt(math.pi) / 2)
    return root


def _key(seed: tuple[int, int]) -> tuple[int, int]:
    return seed[0] & 0xFFFFFFFF, seed[1] & 0xFFFFFFFF


def _split(key: tuple[int, int]) -> list[tuple[int, int]]:
    first, second = threefry(key, (np.uint32(0), np.arange(2, dtype=np.uint32)))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _bits(key: tuple[Any, Any], count: int) -> np.ndarray:
    """Return words 0 to count - 1 of 32 bits under a key, or under (m, 1) keys as (m, count)."""
    bits = np.empty((*np.shape(key[1])[:1], count), np.uint32)
    for start in range(0, count, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, count), dtype=np.uint32)
        np.bitwise_xor(*threefry(key, (np.uint32(0), numbers)), out=bits[..., start : start + _CHUNK])
    return bits


def _uniform(key: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: np.dtype) -> np.ndarray:
    """Return max(low, u · (high - low) + low), product and sum rounded once."""
    count, kind = math.prod(shape), dtype.type
    low, high = kind(low), kind(high)
    if dtype == np.float64:
        first, second = threefry(key, (np.uint32(0), np.arange(count, dtype=np.uint32)))
        mantissas = (first.astype(np.uint64) << np.uint64(32) | second) >> np.uint64(12)
        values = mantissas * 2.0**-52 * (high - low) + low
    else:
        u = (_bits(key, count) >> np.uint32(9)) * 2.0**-23
        values = (u * np.float64(high - low) + np.float64(low)).astype(np.float32)
    return np.maximum(low, values).reshape(shape)
