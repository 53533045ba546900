"""Initializers that draw (`keras/src/initializers/random_initializers.py`, Keras 3.15)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import random, semantics
from refkeras.initializers.base import Initializer
from refkeras.naming import did_you_mean
from refkeras.random.family import current as random_family
from refkeras.saving import serialization

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "compute_fans",
]

_TRUNCATED_STDDEV = 0.87962566103423978  # of a standard normal variable cut at two standard deviations
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")


class RandomInitializer(Initializer):
    """Base of the initializers that draw: keeps the seed.

    Without a seed it draws one: Keras 3 when it is made, tf_keras when it is
    first called. From then on every call gives the same values; only a
    SeedGenerator as seed gives new ones.

    Raises:
        ValueError: a seed that is neither an int nor a SeedGenerator.
    """

    def __init__(self, seed: int | random.SeedGenerator | dict[str, Any] | None = None) -> None:
        self._init_seed = seed
        if isinstance(seed, dict):
            seed = serialization.deserialize_keras_object(seed)
        elif seed is None:
            if semantics.current().seeds_drawn_at == "construction":
                seed = random_family().default_seed()
        elif not isinstance(seed, (int, random.SeedGenerator)):
            raise ValueError(
                "`seed` argument should be an instance of `refkeras.random.SeedGenerator()` or an integer. "
                f"Received: seed={seed!r}"
            )
        self.seed: int | random.SeedGenerator | None = seed  # type: ignore[assignment]

    def _drawing_seed(self) -> int | random.SeedGenerator:
        if self.seed is None:
            self.seed = random_family().default_seed()
        return self.seed

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialization.serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normal values.

    Example:
        >>> RandomNormal(seed=7)((2, 3))
        array([[-0.03370864, -0.01793463, -0.09397908],
               [-0.07364466, -0.10031269, -0.05667162]], dtype=float32)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return random.normal(shape, self.mean, self.stddev, dtype, self._drawing_seed())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Normal values, drawn again until within two standard deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self._drawing_seed())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Values spread evenly over [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return random.uniform(shape, self.minval, self.maxval, dtype, self._drawing_seed())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Values whose variance is s = scale / n.

    uniform: within ±√(3 s); untruncated_normal: stddev √s; truncated_normal:
    stddev √s / 0.8796, which truncation brings down to √s.

    Args:
        scale: above 0.
        mode: n: `"fan_in"`, `"fan_out"`, or their mean, `"fan_avg"`; at least 1.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"`, `"uniform"`.
        input_axes, output_axes: the axes whose sizes make up the fans; see `compute_fans`.

    Raises:
        ValueError: any other scale, mode or distribution.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        for name, value, known in (("mode", mode, _MODES), ("distribution", distribution, _DISTRIBUTIONS)):
            if value not in known:
                raise ValueError(
                    f"Invalid `{name}` argument: {value!r}.{did_you_mean(value, known)} "
                    f"Please use one of {', '.join(known)}."
                )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, n)
        seed = self._drawing_seed()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype, seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, seed)
        return random.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED_STDDEV, dtype, seed)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **({} if semantics.current().layer_config == "tf_keras" else self._axes()),
        }

    def _axes(self) -> dict[str, Any]:
        return {"input_axes": self.input_axes, "output_axes": self.output_axes}


class _Preset(VarianceScaling):
    """A VarianceScaling with scale, mode and distribution fixed by its class."""

    preset: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None) -> None:
        super().__init__(*self.preset, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes") if name in config}


class GlorotUniform(_Preset):
    """Uniform within ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Example:
        >>> GlorotUniform(seed=7)((2, 3))
        array([[ 0.54132247,  0.3772279 , -0.9688565 ],
               [ 0.31595528, -0.9414068 ,  0.3684088 ]], dtype=float32)
    """

    preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal of stddev √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    preset = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Uniform within ±√(6 / fan_in) (He et al., 2015)."""

    preset = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal of stddev √(2 / fan_in) (He et al., 2015)."""

    preset = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform within ±√(3 / fan_in) (LeCun et al., 1998)."""

    preset = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal of stddev √(1 / fan_in) (Klambauer et al., 2017)."""

    preset = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """gain · Q with orthonormal rows or columns, whichever are fewer (Saxe et al., 2014).

    A normal matrix A is factored as Q R, Q's columns take the signs of R's
    diagonal, and Q is transposed where the shape has more columns than rows.
    A shape of rank above 2 counts all but its last axis as rows. The engine
    factors in float32, and refkeras in float64: entries differ by about 10⁻⁷.

    Raises:
        ValueError: a shape of rank below 2.

    Example:
        >>> import numpy as np
        >>> q = Orthogonal(seed=7)((3, 4))
        >>> np.allclose(q @ q.T, np.eye(3), atol=1e-6)
        True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. Received: "
                f"shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        a = random.normal((max(rows, columns), min(rows, columns)), dtype=dtype, seed=self._drawing_seed())
        q, r = np.linalg.qr(a.astype(np.float64))
        q *= np.sign(np.diagonal(r))
        q = (q.T if rows < columns else q).astype(a.dtype)
        return self.gain * np.ascontiguousarray(q).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gain": self.gain}


def compute_fans(shape: Any, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight: its last two sizes, each times the product of those before.

    With `input_axes` and `output_axes`, the products of those sizes instead.

    Example:
        >>> compute_fans((3, 3, 16, 32))
        (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    receptive_field = math.prod(shape[:-2])
    return int(shape[-2] * receptive_field), int(shape[-1] * receptive_field)
