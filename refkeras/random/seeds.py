"""Seeds: who draws them, and what becomes of them (`keras/src/random/seed_generator.py`, Keras 3.15)."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from refkeras import naming
from refkeras.random import family as families
from refkeras.random import program
from refkeras.variable import Variable

__all__ = [
    "SeedGenerator",
    "draw_seed",
    "get_random_seed",
    "global_seed_generator",
    "make_default_seed",
    "set_backend_seed",
    "set_random_seed",
]

_LOOK_AHEAD = 1 << 16  # mantissas that one look ahead computes at most
_NO_ROWS = np.empty((0, 0), np.uint32)


class SeedGenerator:
    """A source of seed pairs: (seed, 0), (seed, 1), ...

    Args:
        seed: Python int; None draws one from Python's global `random`.
        name: defaults to `seed_generator`, `seed_generator_1`, ...

    Raises:
        ValueError: `seed` is no int, or an unknown argument is given.
        ValueError, RuntimeError or OverflowError: `seed` does not fit the integers of the engine's states: 64 bits
            on TensorFlow (ValueError), 32 bits on PyTorch (RuntimeError), 32 bits without a sign on JAX and NumPy
            (OverflowError).

    Example:
        >>> from refkeras import random
        >>> generator = random.SeedGenerator(7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}. SeedGenerator takes seed and name.")
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if not isinstance(seed, int):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed!r}")
        self.family = families.current()
        limits = np.iinfo(self.family.seed_dtype)
        if not limits.min <= seed <= limits.max:
            raise self.family.seed_error(
                f"Argument `seed` must fit {self.family.seed_dtype}, from {limits.min} to {limits.max}. "
                f"Received: seed={seed!r}"
            )
        self.state = Variable(
            np.array([seed, 0], self.family.seed_dtype),
            trainable=False,
            name="seed_generator_state",
            path=f"{self.name}/seed_generator_state",
        )
        self._ahead: tuple[tuple[int, str, bool], int, np.ndarray] | None = None

    def next(self, ordered: bool = True) -> np.ndarray:
        """Return the state, then advance it: n by 1, or (unordered) each component v to (v + 1) · 5387 mod 933199."""
        state = self.state.value
        pair = state.copy()
        if ordered:
            state[1] += 1
        else:
            # In the state's own integers, which wrap around: 32 bits of them under JAX and PyTorch.
            state[...] = (state + 1) * 5387 % 933199
        return pair

    def skip(self, draws: int) -> None:
        """Advance as `draws` draws would."""
        self.state.value[1] += draws

    def mantissas(self, count: int, dtype: str) -> np.ndarray:
        """Draw once: return the `count` mantissas of the next state (read-only), and advance.

        The states to come are known, and Philox and Threefry compute many at
        the price of one, so their mantissas are made ahead; how far ahead
        doubles while they are asked for.
        """
        state = self.state.value
        seed, n = state.tolist()
        state[1] += 1
        kind = (seed, dtype, program.jit_compiled())
        first, rows = 0, _NO_ROWS
        if self._ahead is not None and self._ahead[0] == kind:
            _, first, rows = self._ahead
            if first <= n < first + len(rows) and count <= rows.shape[1]:
                return rows[n - first, :count]
        depth = max(1, min(2 * len(rows), _LOOK_AHEAD // max(count, 1))) if self.family.look_ahead else 1
        rows = self.family.mantissas(seed, np.arange(n, n + depth), count, dtype, kind[2])
        rows.flags.writeable = False
        self._ahead = (kind, n, rows) if rows.size <= _LOOK_AHEAD else None
        return rows[0]

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        return cls(**config)


_random_seed: int | None = None
_global_generator: SeedGenerator | None = None


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator and the engine's own, as `keras.utils.set_random_seed` does.

    Args:
        seed: Python int in [0, 2³² - 1].

    Raises:
        ValueError: any other type (`np.int64` too) or value.

    Example:
        >>> from refkeras import random
        >>> random.set_random_seed(7)
        >>> random.make_default_seed(), random.make_default_seed()
        (347712783, 161973070)
    """
    global _random_seed, _global_generator
    if not isinstance(seed, int):
        raise ValueError(
            f"Expected `seed` argument to be an integer. Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f"Seed must be between 0 and 2**32 - 1. Received: seed={seed!r}")
    _random_seed = seed
    _global_generator = None
    python_random.seed(seed)
    np.random.seed(seed)
    set_backend_seed(seed)


def get_random_seed() -> int | None:
    """Return the seed that `set_random_seed` was last given, or None."""
    return _random_seed


def set_backend_seed(seed: int | None) -> None:
    """Seed the engine's own generators only, as `tf.random.set_seed` or `torch.manual_seed` does."""
    families.reseed(seed)


def make_default_seed() -> int:
    """Draw a seed from Python's global `random`: an int in [1, 10⁹]."""
    return python_random.randint(1, 10**9)


def global_seed_generator() -> SeedGenerator:
    """Return the generator behind every `seed=None`, made on first use after `set_random_seed`."""
    global _global_generator
    if _global_generator is None:
        _global_generator = SeedGenerator()
    return _global_generator


def forget_global_generator() -> None:
    """Drop the generator behind unseeded `keras.random` functions; the next draw makes a new one."""
    global _global_generator
    _global_generator = None


def draw_seed(seed: int | SeedGenerator | None) -> tuple[int, int]:
    """Turn a `seed=` argument into a seed pair, advancing the generator that it names.

    Raises:
        ValueError: neither an int, nor a SeedGenerator, nor None.
    """
    if isinstance(seed, SeedGenerator):
        pair = seed.next()
    elif isinstance(seed, int):
        return int(seed), 0
    elif seed is None:
        pair = global_seed_generator().next(ordered=False)
    else:
        raise ValueError(
            "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
            f"Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    return int(pair[0]), int(pair[1])
