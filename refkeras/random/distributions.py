"""`keras.random`'s functions (`keras/src/random/random.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config
from refkeras.random import family as families
from refkeras.random.masks import keep_factor
from refkeras.random.seeds import SeedGenerator, draw_seed

__all__ = ["categorical", "dropout", "normal", "randint", "shuffle", "truncated_normal", "uniform"]

Seed = int | SeedGenerator | None


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Seed = None) -> np.ndarray:
    """Draw from [minval, maxval).

    x = u · (maxval - minval) + minval, u of 23 random bits (float32) or 52 (float64).

    Args:
        shape: of the result.
        dtype: `"float32"` or `"float64"`; `floatx()` by default.
        seed: an int (the same values every time), a SeedGenerator, or None for the global one.

    Raises:
        ValueError: a dtype that is no float, or a seed of another type.

    Example:
        >>> from refkeras import random
        >>> random.uniform((2, 2), seed=7)
        array([[0.7470788 , 0.6721802 ],
               [0.05777955, 0.6442132 ]], dtype=float32)
    """
    return families.current().uniform(draw_seed(seed), _shape(shape), minval, maxval, _float(dtype, "uniform"))


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None) -> np.ndarray:
    """Draw from the normal distribution; arguments as for `uniform`.

    Example:
        >>> from refkeras import random
        >>> random.normal((2,), stddev=0.05, seed=7)
        array([-0.03370864, -0.01793463], dtype=float32)
    """
    return families.current().normal(draw_seed(seed), _shape(shape), mean, stddev, _float(dtype, "normal"))


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Seed = None
) -> np.ndarray:
    """Draw from the normal distribution until within two standard deviations; arguments as for `uniform`."""
    kind = _float(dtype, "truncated_normal")
    return families.current().truncated_normal(draw_seed(seed), _shape(shape), mean, stddev, kind)


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Seed = None) -> np.ndarray:
    """Draw integers from [minval, maxval).

    Raises:
        ValueError: a dtype that is no integer type.
    """
    name = config.standardize_dtype(dtype)
    if not config.is_int_dtype(name):
        raise ValueError(f"`refkeras.random.randint` requires an integer `dtype`. Received: dtype={dtype!r}")
    return families.current().randint(draw_seed(seed), _shape(shape), int(minval), int(maxval), name)


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> np.ndarray:
    """Return `x` with its slices along `axis` in random order."""
    return families.current().shuffle(draw_seed(seed), np.asarray(x), axis)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Seed = None) -> np.ndarray:
    """Draw class numbers: row i of the result has `num_samples` draws from softmax(logits[i]).

    Args:
        logits: (batch, classes).

    Raises:
        ValueError: logits of another rank.
    """
    array = np.asarray(logits)
    if array.ndim != 2:
        raise ValueError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: shape {array.shape}"
        )
    return families.current().categorical(draw_seed(seed), array, num_samples, config.array_dtype(dtype))


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Seed = None) -> np.ndarray:
    """Set a share `rate` of the inputs to 0 and scale the others by 1 / (1 - rate).

    Args:
        noise_shape: of the mask; None in it stands for the input's own size, 1 for one draw along that axis.
    """
    x = np.asarray(inputs)
    if rate == 0 or rate == 1:
        return x * x.dtype.type(1 - rate)
    family = families.current()
    shape = (
        x.shape
        if noise_shape is None
        else tuple(size if wanted is None else wanted for size, wanted in zip(x.shape, noise_shape, strict=True))
    )
    generator = seed if isinstance(seed, SeedGenerator) else _OneDraw(seed, family)
    keep = family.keep(generator, shape, rate, x.dtype.name, noise_shape=noise_shape is not None)
    return np.where(keep, x * keep_factor(rate, x.dtype), x.dtype.type(0))


class _OneDraw:
    """An int seed, or the global generator, where a SeedGenerator is expected."""

    def __init__(self, seed: int | None, family: families.Family) -> None:
        self.pair = draw_seed(seed)
        self.family = family
        self._initial_seed = seed

    def mantissas(self, count: int, dtype: str) -> np.ndarray:
        return self.family.mantissas(self.pair[0], np.array([self.pair[1]]), count, dtype, False)[0]


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(dim) for dim in shape)


def _float(dtype: Any, function: str) -> str:
    name = config.standardize_dtype(dtype)
    if name not in config.FLOAT_DTYPES:
        raise ValueError(
            f"`refkeras.random.{function}` requires a floating point `dtype` that refkeras computes in: "
            f"{' or '.join(config.FLOAT_DTYPES)}. Received: dtype={dtype!r}"
        )
    return name
