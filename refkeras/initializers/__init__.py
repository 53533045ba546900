"""Initial values of weights (`keras.initializers`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, naming
from refkeras.initializers.base import Initializer
from refkeras.initializers.constant import Constant, Identity, Ones, Zeros
from refkeras.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from refkeras.saving import serialization
from refkeras.variable import Variable

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = IdentityInitializer = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = OrthogonalInitializer = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

_CLASSES: tuple[type[Initializer], ...] = (
    Initializer,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)
_BY_NAME: dict[str, type[Initializer]] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{naming.to_snake_case(cls.__name__): cls for cls in _CLASSES},
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}
serialization.public_module("keras.initializers", lambda: dict(_BY_NAME))


def serialize(initializer: Any) -> Any:
    """Return the record of an initializer.

    Example:
        >>> serialize(GlorotUniform(seed=7))["config"]
        {'seed': 7, 'input_axes': None, 'output_axes': None}
    """
    return serialization.serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the initializer that a record describes."""
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Callable[..., np.ndarray] | None:
    """Return an initializer by name, record, class, or value.

    Args:
        identifier: a name (`"glorot_uniform"`, `"GlorotUniform"`), a record, an
            Initializer or its class, a callable `(shape, dtype=None)`, an array to
            start from, or None.

    Raises:
        ValueError: anything else.

    Example:
        >>> get("he_normal").scale
        2.0
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier if "config" in identifier else {**identifier, "config": {}})
    elif isinstance(identifier, str):
        if identifier not in _BY_NAME and serialization.get_registered_object(identifier) is None:
            raise ValueError(
                f"Could not interpret initializer identifier: {identifier!r}."
                f"{naming.did_you_mean(identifier, _BY_NAME)} "
                f"Known are {', '.join(sorted(name for name in _BY_NAME if name.islower()))}."
            )
        found = deserialize({"class_name": identifier, "config": {}})
    elif isinstance(identifier, (np.ndarray, np.generic, Variable)):
        found = _from_value(np.asarray(identifier))
    else:
        found = identifier
    if not callable(found):
        raise ValueError(
            f"Could not interpret initializer identifier: {identifier!r}. Expected a name, a record, an Initializer, "
            "a callable (shape, dtype=None), or an array."
        )
    return found() if isinstance(found, type) else found


def _from_value(value: np.ndarray) -> Callable[..., np.ndarray]:
    def initialize(shape: Any, dtype: Any = None) -> np.ndarray:
        if tuple(shape) != value.shape:
            raise ValueError(f"Expected `shape` to be {value.shape} for direct tensor as initializer. Received {shape}")
        return value.astype(config.array_dtype(dtype))

    return initialize
