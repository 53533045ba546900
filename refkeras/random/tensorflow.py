"""Keras 3 on TensorFlow: stateless operations for numbers, a stateful one for the order of `fit`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.random import philox
from refkeras.random.family import Family
from refkeras.random.order import FitOrder, swap_shuffle

__all__ = ["TensorFlow", "TensorFlowOrder", "fresh_seeds", "order_seeds", "shuffled"]

_MAX_INT32 = 2**31 - 1


class TensorFlow(Family):
    """Philox, keyed by the scrambled seed pair (`keras/src/backend/tensorflow/random.py`, Keras 3.15)."""

    name = "philox"
    look_ahead = True

    def __init__(self) -> None:
        self.global_seed: int | None = None

    def reseed(self, seed: int | None) -> None:
        self.global_seed = seed

    def stream(self, seed: tuple[int, int]) -> philox.Stream:
        """The words of a seed pair; Keras folds both numbers into int32 first."""
        return philox.scrambled((_fold(seed[0]), _fold(seed[1])))

    def limits(self, low: Any, high: Any, dtype: np.dtype) -> tuple[Any, Any]:
        """Keras's cast makes Python floats float32 before they get the output's dtype."""
        return dtype.type(np.float32(low)), dtype.type(np.float32(high))

    def uniform(self, seed: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> np.ndarray:
        kind = np.dtype(dtype)
        low, high = self.limits(low, high, kind)
        values = philox.uniform_values(self.stream(seed).words(_words(shape, kind)), kind)
        values *= high - low
        values += low
        return values.reshape(shape)

    def normal(self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str) -> np.ndarray:
        kind = np.dtype(dtype)
        count = math.prod(shape)
        words = self.stream(seed).words(-(-_words(shape, kind) // 4) * 4)
        return _scaled(philox.normal_values(words.reshape(-1, 4), kind).reshape(-1)[:count], mean, stddev, shape)

    def truncated_normal(
        self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str
    ) -> np.ndarray:
        values = philox.truncated_normal_values(self.stream(seed), math.prod(shape), np.dtype(dtype))
        return _scaled(values, mean, stddev, shape)

    def randint(self, seed: tuple[int, int], shape: tuple[int, ...], low: int, high: int, dtype: str) -> np.ndarray:
        """Integers in [low, high): a word modulo the range; two words for every dtype but int32."""
        stream, count = self.stream(seed), math.prod(shape)
        if dtype == "int32":
            offsets = (stream.words(count) % np.uint32(high - low)).astype(np.int64)
        else:
            pairs = stream.words(2 * count).astype(np.uint64)
            offsets = ((pairs[0::2] | pairs[1::2] << np.uint64(32)) % np.uint64(high - low)).astype(np.int64)
        return (offsets + low).astype(dtype).reshape(shape)

    def shuffle(self, seed: tuple[int, int], x: np.ndarray, axis: int) -> np.ndarray:
        """Sort by one uniform draw per row."""
        keys = self.uniform(seed, (x.shape[axis],), 0.0, 1.0, "float32")
        return np.take(x, np.argsort(keys, kind="stable"), axis=axis)

    def mantissas(self, seed: int, states: np.ndarray, count: int, dtype: str, jit: bool) -> np.ndarray:
        wide = np.dtype(dtype) == np.float64
        n_blocks = -(-count * (2 if wide else 1) // 4)
        keys, high = philox.scrambled_many(_fold(seed), np.mod(states, _MAX_INT32 - 1))
        counter = np.empty((4, len(states), n_blocks), np.uint64)
        counter[0], counter[1] = np.arange(n_blocks, dtype=np.uint64), 0
        counter[2], counter[3] = high[0][:, None], high[1][:, None]
        words = philox.in_chunks(counter, keys[:, :, None]).reshape(len(states), 4 * n_blocks)
        return philox.mantissas(words, dtype, jit)[:, :count]

    def kept(self, mantissas: np.ndarray, rate: float) -> np.ndarray:
        """u ≥ rate, asked of the integers: m ≥ ⌈rate · 2ᵇ⌉, the rate rounded to u's precision."""
        if mantissas.dtype == np.uint64:
            return mantissas >= np.uint64(math.ceil(rate * 2.0**52))
        return mantissas >= np.uint32(math.ceil(float(np.float32(rate)) * 2.0**23))

    def keep_factor(self, rate: float, dtype: Any) -> Any:
        return np.dtype(dtype).type(1.0 / (1.0 - rate))

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        return TensorFlowOrder(n, batch_size, shuffle, steps_per_epoch, self.global_seed)


class TensorFlowOrder(FitOrder):
    """Every pass restarts the shuffling operation, and so repeats its order."""

    def __init__(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, global_seed: int | None
    ) -> None:
        super().__init__(n, batch_size, shuffle, steps_per_epoch)
        self._seeds = None if global_seed is None else order_seeds(global_seed, 0)
        self._order: np.ndarray | None = None

    def next_order(self) -> np.ndarray | None:
        if not self.shuffle:
            return None
        if self._order is None or self._seeds is None:
            stream = philox.unscrambled(self._seeds or fresh_seeds())
            self._order = shuffle_within(stream, self.bounds) if self.shuffle == "batch" else shuffled(stream, self.n)
        return self._order


def order_seeds(global_seed: int, op_seed: int) -> tuple[int, int]:
    """Return the seeds of a stateful operation (`tensorflow/python/framework/random_seed.py`)."""
    pair = global_seed % _MAX_INT32, op_seed % _MAX_INT32
    return (0, _MAX_INT32) if pair == (0, 0) else pair


def shuffled(stream: philox.Stream, n: int, start: int = 0) -> np.ndarray:
    """Return the order that `tf.random.shuffle` gives 0 … n-1, its words taken from block `start` on."""
    return swap_shuffle(stream.words(max(n - 1, 0), start), n)


def shuffle_within(stream: philox.Stream, bounds: list[tuple[int, int]]) -> np.ndarray:
    """Return the order of `shuffle="batch"`: the batches stay, and one operation shuffles the rows of each in turn."""
    order, start = [], 0
    for first, last in bounds:
        order.append(first + shuffled(stream, last - first, start))
        start += -(-(last - first - 1) // 4)
    return np.concatenate(order) if order else np.empty(0, np.int64)


def fresh_seeds() -> tuple[int, int]:
    """Return the seeds of an operation that was given none, in a process that was never seeded."""
    low, high = np.random.default_rng().integers(0, 2**63, 2).tolist()
    return low, high


def _fold(seed: int) -> int:
    return seed % (_MAX_INT32 - 1)


def _words(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return math.prod(shape) * (2 if dtype == np.float64 else 1)


def _scaled(z: np.ndarray, mean: Any, stddev: Any, shape: tuple[int, ...]) -> np.ndarray:
    z *= z.dtype.type(stddev)
    z += z.dtype.type(mean)
    return z.reshape(shape)
