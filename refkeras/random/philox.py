"""Philox-4x32-10, the counter-based generator of TensorFlow, and the numbers TensorFlow makes of its words.

A block of four 32-bit words is a function of a 64-bit key and a 128-bit
counter (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
1, 2, 3", 2011; `tensorflow/core/lib/random/philox_random.h`). Any block can
be had without the ones before it, so whole streams are computed at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "Stream",
    "in_chunks",
    "mantissas",
    "normal_values",
    "philox",
    "scrambled",
    "scrambled_many",
    "truncated_normal_values",
    "uniform_values",
    "unscrambled",
]

_MULTIPLIERS = np.array([[0xD2511F53], [0xCD9E8D57]], np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_ROUNDS = np.arange(10, dtype=np.uint64)
_LOW32 = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_CHUNK = 16384  # blocks worked on at a time: larger arrays fall out of the cache, smaller ones cost calls

_SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)
_GROUP_STRIDE = 256  # words that TensorFlow sets aside for each group of four truncated normals


def philox(counter: Any, key: Any) -> np.ndarray:
    """Return the blocks at `counter` under `key`.

    Per round, with (hi, lo) the halves of a 64-bit product:
    c₀, c₁, c₂, c₃ ← hi(M₁c₂) ⊕ c₁ ⊕ k₀, lo(M₁c₂), hi(M₀c₀) ⊕ c₃ ⊕ k₁, lo(M₀c₀);
    between rounds k₀ += 0x9E3779B9 and k₁ += 0xBB67AE85.

    Args:
        counter: (4, ...) words c₀ to c₃, each below 2³².
        key: (2, ...) words k₀ and k₁, of a shape that broadcasts against the counter's.

    Returns:
        (..., 4) uint32.

    Example:
        >>> [f"{word:08x}" for word in philox([[0], [0], [0], [0]], [0, 0])[0]]
        ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    counter = np.asarray(counter, np.uint64)
    key = np.asarray(key, np.uint64)
    shape = np.broadcast_shapes(counter.shape[1:], key.shape[1:])
    keys = (key + np.multiply.outer(_ROUNDS, _WEYL).reshape(10, 2, *(1,) * (key.ndim - 1))) & _LOW32
    keys = keys.reshape(10, 2, *(1,) * (len(shape) - key.ndim + 1), *key.shape[1:])
    multipliers = _MULTIPLIERS.reshape(2, *(1,) * len(shape))
    even = np.empty((2, *shape), np.uint64)  # c₀ and c₂, which are multiplied
    odd = np.empty((2, *shape), np.uint64)  # c₁ and c₃
    even[0], odd[0], even[1], odd[1] = counter
    product = np.empty_like(even)
    crossed = product[::-1]
    for round_key in keys:
        np.multiply(even, multipliers, out=product)
        np.right_shift(crossed, _HALF, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, round_key, out=even)
        np.bitwise_and(crossed, _LOW32, out=odd)
    words = np.empty((*shape, 4), np.uint32)
    words[..., 0], words[..., 1], words[..., 2], words[..., 3] = even[0], odd[0], even[1], odd[1]
    return words


class Stream:
    """The blocks of one key, in order; the low half of the counter is the block's number.

    Args:
        key: two words.
        high: the two words of the counter's high half.
    """

    __slots__ = ("high", "key")

    def __init__(self, key: tuple[int, int], high: tuple[int, int]) -> None:
        self.key = key
        self.high = high

    def blocks(self, numbers: np.ndarray) -> np.ndarray:
        """Return the blocks of these numbers (uint64, any shape) as (..., 4) uint32."""
        counter = np.empty((4, *numbers.shape), np.uint64)
        counter[0] = numbers & _LOW32
        counter[1] = numbers >> _HALF
        counter[2], counter[3] = self.high
        return in_chunks(counter, np.reshape(np.array(self.key, np.uint64), (2, *(1,) * numbers.ndim)))

    def words(self, count: int, start: int = 0) -> np.ndarray:
        """Return `count` words from block `start` on, as (count,) uint32."""
        return self.blocks(np.arange(start, start - (-count // 4), dtype=np.uint64)).reshape(-1)[:count]


def in_chunks(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Return `philox(counter, key)`, worked out in parts that stay in the cache.

    Args:
        counter: (4, ..., n) uint64.
        key: (2, ..., 1) uint64.
    """
    n = counter.shape[-1]
    step = max(1, _CHUNK * n // max(counter[0].size, 1))
    if n <= step:
        return philox(counter, key)
    words = np.empty((*counter.shape[1:], 4), np.uint32)
    for first in range(0, n, step):
        words[..., first : first + step, :] = philox(counter[..., first : first + step], key)
    return words


def scrambled(seed: tuple[int, int]) -> Stream:
    """The stream of TensorFlow's stateless operations: the seed pair, mixed by one block, gives key and counter.

    Source: `tensorflow/core/kernels/stateless_random_ops.cc`.
    """
    mixed = philox(np.array(_halves(seed[0]) + _halves(seed[1]), np.uint64)[:, None], _SCRAMBLING_KEY)[0]
    key0, key1, high0, high1 = (int(word) for word in mixed)
    return Stream((key0, key1), (high0, high1))


def scrambled_many(first: int, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys (2, m) and the counters' high halves (2, m) of the pairs `(first, second[i])`."""
    second = second.astype(np.int64).view(np.uint64)
    low, high = _halves(first)
    counter = np.empty((4, second.size), np.uint64)
    counter[0], counter[1], counter[2], counter[3] = low, high, second & _LOW32, second >> _HALF
    mixed = philox(counter, _SCRAMBLING_KEY).T
    return mixed[:2], mixed[2:]


def unscrambled(seed: tuple[int, int]) -> Stream:
    """The stream of TensorFlow's stateful operations: seed as key, operation seed as the counter's high half.

    Source: `tensorflow/core/util/guarded_philox_random.cc`.
    """
    return Stream(_halves(seed[0]), _halves(seed[1]))


def mantissas(words: np.ndarray, dtype: Any, high_bits: bool = False) -> np.ndarray:
    """Return the integers m of u = m · 2⁻²³ (float32, a word's low 23 bits) or m · 2⁻⁵² (float64, of two words).

    Args:
        words: (..., n) uint32; for float64 the first of a pair holds the high 20 bits.
        high_bits: take the high bits instead, as XLA does.

    Returns:
        (..., n) uint32, or (..., n / 2) uint64 for float64.

    Source: `tensorflow/core/lib/random/random_distributions_utils.h`.
    """
    if np.dtype(dtype) == np.float64:
        wide = words.astype(np.uint64)
        if high_bits:
            return (wide[..., 1::2] << _HALF | wide[..., 0::2]) >> np.uint64(12)
        return (wide[..., 0::2] & np.uint64(0xFFFFF)) << _HALF | wide[..., 1::2]
    return words >> np.uint32(9) if high_bits else words & np.uint32(0x7FFFFF)


def uniform_values(words: np.ndarray, dtype: Any) -> np.ndarray:
    """Return u in [0, 1), one value a word (float32) or two (float64); see `mantissas`.

    The mantissas become the fraction bits of a float in [1, 2), from which 1 is taken: exact, and quick.
    """
    if np.dtype(dtype) == np.float64:
        bits = mantissas(words, dtype)
        bits |= np.uint64(0x3FF << 52)
        return bits.view(np.float64) - 1.0
    bits = mantissas(words, dtype)
    bits |= np.uint32(0x3F800000)
    values = bits.view(np.float32)
    values -= np.float32(1)
    return values


def normal_values(words: np.ndarray, dtype: Any) -> np.ndarray:
    """Return z by Box and Muller: r = √(-2 ln max(u₁, 10⁻⁷)), z = r sin 2πu₂, r cos 2πu₂.

    TensorFlow takes the logarithm, sine and cosine in the output's precision
    from the C library; here they are taken in float64 and rounded, which for
    float32 gives the same value in 98.7 % of cases and one at most 4 units in
    the last place away in the others.

    Args:
        words: (..., 4) uint32 blocks; each gives four float32 or two float64 values.

    Source: `tensorflow/core/lib/random/random_distributions.h` (`BoxMullerFloat`, `BoxMullerDouble`).
    """
    dtype = np.dtype(dtype)
    u = uniform_values(words.reshape(-1), dtype).reshape(*words.shape[:-1], 8 // dtype.itemsize, 2)
    u1 = np.maximum(u[..., 0], dtype.type(1e-7))
    angle = (2 * np.pi * u[..., 1].astype(np.float64)).astype(dtype)
    log = np.log(u1.astype(np.float64)).astype(dtype)
    radius = np.sqrt(dtype.type(-2) * log)
    wide = angle.astype(np.float64)
    z = np.empty_like(u)
    np.multiply(np.sin(wide).astype(dtype), radius, out=z[..., 0])
    np.multiply(np.cos(wide).astype(dtype), radius, out=z[..., 1])
    return z.reshape(*words.shape[:-1], 16 // dtype.itemsize)


def truncated_normal_values(stream: Stream, count: int, dtype: Any) -> np.ndarray:
    """Return `count` normal values with |z| < 2, each group of one block's size drawn from a substream of its own.

    Source: `tensorflow/core/kernels/random_op_cpu.h` (`FillPhiloxRandomTask`, variable samples per output).
    """
    per_block = 4 if np.dtype(dtype) == np.float32 else 2
    n_groups = -(-count // per_block)
    first_blocks = np.arange(n_groups, dtype=np.uint64) * np.uint64(_GROUP_STRIDE * per_block // 4)
    out = np.empty((n_groups, per_block), dtype)
    filled = np.zeros(n_groups, np.intp)
    pending, offset, batch = np.arange(n_groups), 0, 2
    while pending.size:
        numbers = first_blocks[pending, None] + np.arange(offset, offset + batch, dtype=np.uint64)
        z = np.concatenate([normal_values(stream.blocks(part), dtype) for part in _chunks(numbers)])
        z = z.reshape(pending.size, -1)
        kept = np.abs(z) < 2
        place = filled[pending, None] + np.cumsum(kept, axis=1) - 1
        row, column = np.nonzero(kept & (place < per_block))
        out[pending[row], place[row, column]] = z[row, column]
        filled[pending] += kept.sum(axis=1)
        pending = pending[filled[pending] < per_block]
        offset, batch = offset + batch, 1
    return out.reshape(-1)[:count]


def _chunks(numbers: np.ndarray) -> list[np.ndarray]:
    return [numbers[first : first + _CHUNK] for first in range(0, len(numbers), _CHUNK)]


def _halves(value: int) -> tuple[int, int]:
    """The low and high words of a 64-bit integer in two's complement."""
    return value & 0xFFFFFFFF, (value >> 32) & 0xFFFFFFFF
