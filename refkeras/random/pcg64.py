"""PCG-64, NumPy's default generator, and Keras 3 on NumPy: every draw seeds a generator of its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.random.family import Family
from refkeras.random.order import FitOrder

__all__ = ["NumPy"]


class NumPy(Family):
    """Keras 3 on NumPy (`keras/src/backend/numpy/random.py`, Keras 3.15), which draws but does not train."""

    name = "pcg64"
    seed_dtype = "uint32"
    seed_error = OverflowError

    def uniform(self, seed: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> np.ndarray:
        return np.asarray(_generator(seed).uniform(low, high, shape)).astype(dtype)

    def normal(self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str) -> np.ndarray:
        return np.asarray(_generator(seed).normal(mean, stddev, shape)).astype(dtype)

    def truncated_normal(
        self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str
    ) -> np.ndarray:
        """Normal values, whole batches of them, without those beyond two standard deviations."""
        generator, count = _generator(seed), math.prod(shape)
        kept = np.empty(0)
        while kept.size < count:
            batch = generator.normal(mean, stddev, count)
            kept = np.append(kept, batch[(batch >= mean - 2 * stddev) & (batch <= mean + 2 * stddev)])
        return kept[:count].astype(dtype).reshape(shape)

    def randint(self, seed: tuple[int, int], shape: tuple[int, ...], low: int, high: int, dtype: str) -> np.ndarray:
        return np.asarray(_generator(seed).integers(low, high, shape, np.dtype(dtype)))  # type: ignore[arg-type]

    def shuffle(self, seed: tuple[int, int], x: np.ndarray, axis: int) -> np.ndarray:
        return _generator(seed).permuted(x, axis=axis)

    def categorical(self, seed: tuple[int, int], logits: np.ndarray, num_samples: int, dtype: str) -> np.ndarray:
        generator, rows = _generator(seed), []
        for row in logits:
            weights = np.exp(row - np.max(row))
            rows.append(generator.choice(row.size, size=num_samples, p=weights / np.sum(weights)))
        return np.array(rows).astype(dtype)

    def mantissas(self, seed: int, states: np.ndarray, count: int, dtype: str, jit: bool) -> np.ndarray:
        rows = [_generator((seed, int(n))).bit_generator.random_raw(count) >> np.uint64(11) for n in states]
        return np.array(rows).reshape(len(states), count)

    def kept(self, mantissas: np.ndarray, rate: float) -> np.ndarray:
        """u < 1 - rate, u of 53 bits."""
        return mantissas < np.uint64(math.ceil((1.0 - rate) * 2.0**53))

    def keep_factor(self, rate: float, dtype: Any) -> Any:
        kind = np.dtype(dtype).type
        return kind(1) / kind(1.0 - rate)

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        from refkeras.random.threefry import JaxOrder

        return JaxOrder(n, batch_size, shuffle, steps_per_epoch)


def _generator(seed: tuple[int, int]) -> np.random.Generator:
    return np.random.default_rng(np.array(seed, np.uint32))
