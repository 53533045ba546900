"""Initializers that draw nothing (`keras/src/initializers/constant_initializers.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.initializers.base import Initializer
from refkeras.saving import serialization

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Zeros(Initializer):
    """Zeros.

    Example:
        >>> Zeros()((2, 2))
        array([[0., 0.],
               [0., 0.]], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return np.zeros(shape, config.array_dtype(dtype))


class Ones(Initializer):
    """Ones.

    Example:
        >>> Ones()((3,))
        array([1., 1., 1.], dtype=float32)
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return np.ones(shape, config.array_dtype(dtype))


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts to the shape.

    Example:
        >>> Constant(10.0)((2,))
        array([10., 10.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        kind = config.array_dtype(dtype)
        return np.asarray(self.value).astype(kind) * np.ones(shape, kind)

    def get_config(self) -> dict[str, Any]:
        return {"value": serialization.serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        return cls(serialization.deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """gain · I, for matrices. Keras 3 leaves the gain out of the config, so that a clone has gain 1.

    Raises:
        ValueError: a shape of another rank than 2.

    Example:
        >>> Identity(gain=2.0)((2, 3))
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Received: shape={shape} of rank "
                f"{len(shape)}."
            )
        return self.gain * np.eye(shape[0], shape[1], dtype=config.array_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain} if semantics.current().identity_config_has_gain else {}
