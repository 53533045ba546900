"""The Mersenne Twister, PyTorch's generator on the CPU, and Keras 3 on it.

NumPy has the same generator (`np.random.MT19937`), so what stands here is
what PyTorch makes of its words: `aten/src/ATen/core/DistributionsHelper.h`,
`aten/src/ATen/native/cpu/DistributionTemplates.h`, PyTorch 2.13.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.random import cephes
from refkeras.random.family import Family
from refkeras.random.order import FitOrder, swap_shuffle
from refkeras.random.warn import not_matched

__all__ = ["Torch", "TorchOrder", "Twister"]


class Twister:
    """`torch.Generator`: a stream of 32-bit words."""

    __slots__ = ("_bits",)

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937(0)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Start again from a seed, of which 32 bits count."""
        self._bits._legacy_seeding(seed & 0xFFFFFFFF)  # type: ignore[attr-defined]

    def words(self, count: int) -> np.ndarray:
        """Return the next `count` words, as uint64."""
        return self._bits.random_raw(count)

    def words64(self, count: int) -> np.ndarray:
        """Return `count` integers of 64 bits; the first word of each is its high half."""
        words = self.words(2 * count)
        return words[0::2] << np.uint64(32) | words[1::2]

    def int64(self) -> int:
        """Return one draw of `torch.empty((), dtype=torch.int64).random_()`."""
        return int(self.words64(1)[0]) & (2**63 - 1)

    def permutation(self, n: int) -> np.ndarray:
        """Return `torch.randperm(n)`."""
        return swap_shuffle(self.words(max(n - 1, 0)), n)


class Torch(Family):
    """Keras 3 on PyTorch (`keras/src/backend/torch/random.py`, Keras 3.15): (s, n) seeds a generator with s + n.

    Dropout without a seed, and the order of `fit`, draw from PyTorch's global generator.
    """

    name = "mt19937"
    seed_dtype = "int32"
    seed_error = RuntimeError

    def __init__(self) -> None:
        self.world = Twister(np.random.SeedSequence().generate_state(1)[0])
        self._order_between_masks = False

    def reseed(self, seed: int | None) -> None:
        if seed is not None:
            self.world = Twister(seed)

    def uniform(self, seed: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> np.ndarray:
        kind = np.dtype(dtype).type
        u = _uniform(_twister(seed), math.prod(shape), np.dtype(dtype))
        return (kind(high - low) * u + kind(low)).reshape(shape)

    def normal(self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str) -> np.ndarray:
        return _normal(_twister(seed), math.prod(shape), mean, stddev, np.dtype(dtype)).reshape(shape)

    def truncated_normal(
        self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str
    ) -> np.ndarray:
        """The first of four normal values that is within two standard deviations, else the first."""
        z = self.normal(seed, (*shape, 4), 0.0, 1.0, dtype)
        first = np.argmax((z > -2) & (z < 2), axis=-1)
        chosen = np.take_along_axis(z, first[..., None], axis=-1)[..., 0]
        return chosen * z.dtype.type(stddev) + z.dtype.type(mean)

    def randint(self, seed: tuple[int, int], shape: tuple[int, ...], low: int, high: int, dtype: str) -> np.ndarray:
        """Integers in [low, high): a word modulo the range, or two where the range is 2²⁸ or more."""
        span, count, twister = high - low, math.prod(shape), _twister(seed)
        words = twister.words(count) if span < 2**28 else twister.words64(count)
        return ((words % np.uint64(span)).astype(np.int64) + low).astype(dtype).reshape(shape)

    def shuffle(self, seed: tuple[int, int], x: np.ndarray, axis: int) -> np.ndarray:
        """Sort by uniform draws, one for each index of the axes up to `axis`."""
        axis %= x.ndim
        keys = self.uniform(seed, x.shape[: axis + 1], 0.0, 1.0, "float32")
        order = np.argsort(keys, axis=axis, kind="stable").reshape(*keys.shape, *(1,) * (x.ndim - axis - 1))
        return np.take_along_axis(x, order, axis=axis)

    # -- masks -----------------------------------------------------------------

    def keep(
        self,
        generator: Any,
        shape: tuple[int, ...],
        rate: float,
        dtype: Any,
        time_major: bool = False,
        noise_shape: bool = False,
    ) -> np.ndarray:
        if generator._initial_seed is not None or noise_shape:
            return super().keep(generator, shape, rate, dtype)
        if self._order_between_masks:
            not_matched(
                "shuffle='batch' with unseeded dropout under keras-3@torch",
                "There PyTorch draws the order of each batch between the masks of two steps.",
            )
        size = math.prod(shape)
        keep = (self.world.words64(size) & np.uint64(2**53 - 1)) < np.uint64(math.ceil((1.0 - rate) * 2.0**53))
        if time_major:
            return keep.reshape(shape[1], shape[0], *shape[2:]).swapaxes(0, 1)
        return keep.reshape(shape)

    def pass_over(self, generator: Any, draws: int, size: int) -> None:
        if generator._initial_seed is not None:
            generator.skip(draws)
        else:
            self.world.words(2 * draws * size)

    def mantissas(self, seed: int, states: np.ndarray, count: int, dtype: str, jit: bool) -> np.ndarray:
        rows = [_twister((seed, int(n))).words(count) & np.uint64(0xFFFFFF) for n in states]
        return np.array(rows).reshape(len(states), count)

    def kept(self, mantissas: np.ndarray, rate: float) -> np.ndarray:
        """u < 1 - rate, u of 24 bits."""
        return mantissas < np.uint64(math.ceil(float(np.float32(1.0 - rate)) * 2.0**24))

    def keep_factor(self, rate: float, dtype: Any) -> Any:
        kind = np.dtype(dtype).type
        return kind(1) / kind(1.0 - rate)

    # -- order -----------------------------------------------------------------

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        self._order_between_masks = shuffle == "batch" or (self._order_between_masks and not shuffle)
        return TorchOrder(n, batch_size, shuffle, steps_per_epoch, self)

    def stream_starts(self) -> None:
        self.world.int64()


class TorchOrder(FitOrder):
    """A DataLoader: starting it takes one draw of the global generator, its first shuffled batch another."""

    def __init__(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, family: Torch
    ) -> None:
        super().__init__(n, batch_size, shuffle, steps_per_epoch)
        self._family = family

    def start_pass(self) -> None:
        self._family.stream_starts()

    def next_order(self) -> np.ndarray | None:
        if self.shuffle == "batch":
            return np.arange(self.n)
        return Twister(self._family.world.int64()).permutation(self.n) if self.shuffle else None

    def permutation(self, n: int) -> np.ndarray:
        return self._family.world.permutation(n)


_for_one_draw = Twister(0)  # making one takes longer than reseeding it


def _twister(seed: tuple[int, int]) -> Twister:
    _for_one_draw.reseed(seed[0] + seed[1])
    return _for_one_draw


def _uniform(twister: Twister, count: int, dtype: np.dtype) -> np.ndarray:
    if dtype == np.float64:
        return (twister.words64(count) & np.uint64(2**53 - 1)) * 2.0**-53
    return (twister.words(count) & np.uint64(0xFFFFFF)).astype(np.float32) * np.float32(2.0**-24)


def _normal(twister: Twister, count: int, mean: Any, stddev: Any, dtype: np.dtype) -> np.ndarray:
    """Return normal values by Box and Muller: one by one below 16, else 16 at a time, the last 16 drawn anew."""
    if count < 16:
        u1, u2 = _uniform(twister, 2 * -(-count // 2), np.dtype(np.float64)).reshape(-1, 2).T
        radius, angle = np.sqrt(-2.0 * np.log1p(-u2)), 2.0 * math.pi * u1
        pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
        return (pairs * stddev + mean).astype(dtype)
    sixteens = _sixteens_float32 if dtype == np.float32 else _sixteens_float64
    u, whole = _uniform(twister, count, dtype), count // 16 * 16
    values = np.empty(count, dtype)
    values[:whole] = sixteens(u[:whole], dtype.type(mean), dtype.type(stddev))
    if whole < count:
        values[-16:] = sixteens(_uniform(twister, 16, dtype), dtype.type(mean), dtype.type(stddev))
    return values


def _sixteens_float32(u: np.ndarray, mean: Any, stddev: Any) -> np.ndarray:
    """Turn each 16 uniform values into normal ones: 1 - the first eight give radii, the last eight angles."""
    u1, u2 = np.float32(1) - u.reshape(-1, 2, 8)[:, 0], u.reshape(-1, 2, 8)[:, 1]
    radius = np.sqrt(np.float32(-2) * cephes.log(u1))
    sine, cosine = cephes.sin_cos(np.float32(2 * math.pi) * u2)
    return cephes.fused(np.stack([radius * cosine, radius * sine], axis=1), stddev, mean).reshape(-1)


def _sixteens_float64(u: np.ndarray, mean: Any, stddev: Any) -> np.ndarray:
    """The same in float64, by the C library's functions."""
    u1, u2 = 1.0 - u.reshape(-1, 2, 8)[:, 0], u.reshape(-1, 2, 8)[:, 1]
    radius, angle = np.sqrt(-2.0 * np.log(u1)), 2 * math.pi * u2
    return (np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1) * stddev + mean).reshape(-1)
