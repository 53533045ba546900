"""What one engine's random numbers are made of: the interface that every family implements."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from refkeras import semantics
from refkeras.random import program

if TYPE_CHECKING:
    from refkeras.random.order import FitOrder

__all__ = ["Family", "LSTMDropout", "LSTMMasks", "MaskGenerator", "current", "get", "reseed"]

_HOMES = {
    "philox": ("refkeras.random.tensorflow", "TensorFlow"),
    "tf_keras": ("refkeras.random.tf_keras", "TFKeras"),
    "threefry": ("refkeras.random.threefry", "Jax"),
    "mt19937": ("refkeras.random.mt19937", "Torch"),
    "pcg64": ("refkeras.random.pcg64", "NumPy"),
}
_loaded: dict[str, Family] = {}
_seed: int | None = None


def get(name: str) -> Family:
    """Return the family of this name, loading it on first use."""
    family = _loaded.get(name)
    if family is None:
        module, attribute = _HOMES[name]
        family = _loaded[name] = getattr(import_module(module), attribute)()
        family.reseed(_seed)
    return family


def reseed(seed: int | None) -> None:
    """Hand a new seed to every family: now to those in use, later to the others."""
    global _seed
    _seed = seed
    program.restart()
    for family in _loaded.values():
        family.reseed(seed)


def current() -> Family:
    """Return the family that `semantics.current().rng` names."""
    return get(semantics.current().rng)


class LSTMDropout(NamedTuple):
    """What an LSTM call asks masks for."""

    batch: int
    steps: int
    features: int
    units: int
    dropout: float
    recurrent_dropout: float
    training: bool
    implementation: int
    unroll: bool
    fused: bool
    go_backwards: bool
    dtype: str


class LSTMMasks(NamedTuple):
    """Masks by which an LSTM multiplies its inputs and its states, of values 0 or the keep factor.

    Each is None (no dropout), or a tuple of one array for all gates or of four,
    one per gate in the order i, f, c, o. An array is (batch, features) or
    (batch, units), or has a steps axis after the batch's where the engine draws
    anew at every step; steps are in the order in which the layer takes them.
    """

    inputs: tuple[np.ndarray, ...] | None
    recurrent: tuple[np.ndarray, ...] | None


class MaskGenerator(Protocol):
    """What a layer keeps to draw masks from: a SeedGenerator, or what stands for one."""

    @property
    def family(self) -> Family: ...


class Family:
    """The random numbers of one engine.

    `seed` is a pair of Python ints: (s, 0) for an int seed s, else the state
    of a SeedGenerator.

    Attributes:
        name: its value of the semantics field `rng`.
        seed_dtype: dtype of a SeedGenerator's state.
        seed_error: what the engine raises for a seed that does not fit.
        look_ahead: whether the mantissas of several states may be computed in one call.
    """

    name = ""
    seed_dtype = "int64"
    seed_error: type[Exception] = ValueError
    look_ahead = False

    def reseed(self, seed: int | None) -> None:
        """Take over the seed that `set_random_seed` was given."""

    def default_seed(self) -> int:
        """Draw a seed for an initializer that was given none."""
        from random import randint

        return randint(1, 10**9)

    def stream_starts(self) -> None:
        """Draw what starting to iterate over a stream of batches does."""

    def uniform(self, seed: tuple[int, int], shape: tuple[int, ...], low: Any, high: Any, dtype: str) -> np.ndarray:
        raise self.not_drawn("uniform")

    def normal(self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str) -> np.ndarray:
        raise self.not_drawn("normal")

    def truncated_normal(
        self, seed: tuple[int, int], shape: tuple[int, ...], mean: Any, stddev: Any, dtype: str
    ) -> np.ndarray:
        raise self.not_drawn("truncated_normal")

    def randint(self, seed: tuple[int, int], shape: tuple[int, ...], low: int, high: int, dtype: str) -> np.ndarray:
        raise self.not_drawn("randint")

    def shuffle(self, seed: tuple[int, int], x: np.ndarray, axis: int) -> np.ndarray:
        raise self.not_drawn("shuffle")

    def categorical(self, seed: tuple[int, int], logits: np.ndarray, num_samples: int, dtype: str) -> np.ndarray:
        raise self.not_drawn("categorical")

    def not_drawn(self, function: str) -> AttributeError:
        return AttributeError(
            f"refkeras.random.{function} is not available under rng={self.name!r}: "
            "these draws cannot be matched with the engine's."
        )

    # -- masks -----------------------------------------------------------------

    def mask_generator(self, seed: int | None) -> MaskGenerator:
        """Return the object that a layer draws its masks from; made when the layer is."""
        from refkeras.random.seeds import SeedGenerator

        return SeedGenerator(seed)

    def keep(
        self,
        generator: Any,
        shape: tuple[int, ...],
        rate: float,
        dtype: Any,
        time_major: bool = False,
        noise_shape: bool = False,
    ) -> np.ndarray:
        """Draw one mask, True where a value is kept, and advance the generator."""
        size = 1
        for dim in shape:
            size *= dim
        return self.kept(generator.mantissas(size, dtype), rate).reshape(shape)

    def pass_over(self, generator: Any, draws: int, size: int) -> None:
        """Advance the generator as `draws` masks of `size` values would."""
        generator.skip(draws)

    def symbolic_call(self, generator: Any, draws: int) -> None:
        """Note that a layer was called on symbolic tensors, where training would draw so many masks."""

    def lstm_masks(self, generator: Any, call: LSTMDropout) -> LSTMMasks:
        """Draw the masks of one LSTM call: the input's, then the state's, each once or once per gate.

        Source: `keras/src/layers/rnn/dropout_rnn_cell.py`, Keras 3.15.
        """
        count = 4 if call.implementation == 1 or call.recurrent_dropout != 0 else 1
        drawn: list[tuple[np.ndarray, ...] | None] = [None, None]
        for i, (rate, width) in enumerate(((call.dropout, call.features), (call.recurrent_dropout, call.units))):
            shape = (call.batch, width)
            if not 0 < rate < 1:
                continue
            if call.training:
                factor = self.keep_factor(rate, call.dtype)
                drawn[i] = tuple(self.keep(generator, shape, rate, call.dtype) * factor for _ in range(count))
            else:
                self.pass_over(generator, count, call.batch * width)
        return LSTMMasks(*drawn)

    def mantissas(self, seed: int, states: np.ndarray, count: int, dtype: str, jit: bool) -> np.ndarray:
        """Return the integers m of the uniform values m · 2⁻ᵇ for the pairs (seed, states[i]): (states, count)."""
        raise NotImplementedError

    def kept(self, mantissas: np.ndarray, rate: float) -> np.ndarray:
        """Return which of the values made of these mantissas are kept, as bool."""
        raise NotImplementedError

    def keep_factor(self, rate: float, dtype: Any) -> Any:
        """Return what kept values are multiplied by, as a scalar of `dtype`."""
        raise NotImplementedError

    # -- order -----------------------------------------------------------------

    def fit_order(
        self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None, epochs: int
    ) -> FitOrder:
        """Return the order in which an iterator over n rows takes them."""
        raise NotImplementedError
