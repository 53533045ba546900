"""Projections that keep weights where they should be (`keras.constraints`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, naming
from refkeras.saving import serialization
from refkeras.tensor import as_array
from refkeras.variable import Variable

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]


class Constraint:
    """Base class: a callable that returns the weight w, projected.

    Source: `keras/src/constraints/constraints.py`, Keras 3.15.
    """

    def __call__(self, w: Any) -> Any:
        return _value(w)

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        return cls(**config)


class MaxNorm(Constraint):
    """Shorten vectors that are too long.

    n = √Σw² along `axis`; w · min(n, max_value) / (ε + n), ε = `config.epsilon()`.

    Example:
        >>> import numpy as np
        >>> MaxNorm(1.0)(np.array([[3.0, 0.3], [4.0, 0.4]])).round(6)
        array([[0.6, 0.3],
               [0.8, 0.4]])
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        value = _value(w)
        norms = _norms(value, self.axis)
        return value * (np.clip(norms, 0, self.max_value) / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """max(w, 0).

    Example:
        >>> import numpy as np
        >>> NonNeg()(np.array([-1.0, 2.0]))
        array([0., 2.])
    """

    def __call__(self, w: Any) -> Any:
        return np.maximum(_value(w), 0)


class UnitNorm(Constraint):
    """w / (ε + √Σw²) along `axis`, ε = `config.epsilon()`.

    Example:
        >>> import numpy as np
        >>> UnitNorm()(np.array([[3.0], [4.0]])).round(6)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        value = _value(w)
        return value / (config.epsilon() + _norms(value, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Pull the norms towards an interval.

    n = √Σw² along `axis`; d = rate · clip(n, min_value, max_value) + (1 - rate) n; w · d / (ε + n).

    Example:
        >>> import numpy as np
        >>> MinMaxNorm(0.0, 1.0, rate=0.5)(np.array([[3.0], [4.0]])).round(6)
        array([[1.8],
               [2.4]])
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        value = _value(w)
        norms = _norms(value, self.axis)
        desired = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return value * (desired / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

_CLASSES: tuple[type[Constraint], ...] = (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
_BY_NAME: dict[str, Any] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{naming.to_snake_case(cls.__name__): cls for cls in _CLASSES},
}
serialization.public_module("keras.constraints", lambda: dict(_BY_NAME))


def serialize(constraint: Any) -> Any:
    """Return the record of a constraint."""
    return serialization.serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the constraint that a record describes."""
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Any:
    """Return a constraint by name, record or class; callables and None as they are.

    Raises:
        ValueError: anything else.

    Example:
        >>> get("max_norm").get_config()
        {'max_value': 2, 'axis': 0}
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _BY_NAME.get(identifier) or serialization.get_registered_object(identifier)
    else:
        found = identifier
    if not callable(found):
        raise ValueError(
            f"Could not interpret constraint identifier: {identifier!r}.{naming.did_you_mean(identifier, _BY_NAME)} "
            "Expected 'max_norm', 'non_neg', 'unit_norm', 'min_max_norm', a record, a Constraint, or a callable."
        )
    return found() if isinstance(found, type) else found


def _value(w: Any) -> Any:
    return w.value if isinstance(w, Variable) else as_array(w)


def _norms(w: Any, axis: Any) -> Any:
    axis = tuple(axis) if isinstance(axis, list) else axis
    return np.sqrt(np.sum(np.square(w), axis=axis, keepdims=True))
