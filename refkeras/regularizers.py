"""Penalties on weights, with their gradients (`keras.regularizers`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import config, naming, semantics
from refkeras.ops.reducing import slope_of_abs
from refkeras.saving import serialization
from refkeras.tensor import as_array
from refkeras.variable import Variable

__all__ = ["L1", "L1L2", "L2", "Regularizer", "deserialize", "get", "gradient", "l1", "l1_l2", "l2", "serialize"]


class Regularizer:
    """Base class: a callable that gives a weight its penalty.

    A subclass that is to be trained with also defines `gradient(x)`, the
    derivative of the penalty, an array of x's shape.

    Source: `keras/src/regularizers/regularizers.py`, Keras 3.15.

    Example:
        >>> import numpy as np
        >>> class Cubic(Regularizer):
        ...     def __call__(self, x):
        ...         return np.sum(np.abs(x) ** 3)
        ...     def gradient(self, x):
        ...         return 3 * x * np.abs(x)
        >>> Cubic()(np.array([1.0, -2.0])).item()
        9.0
    """

    def __call__(self, x: Any) -> Any:
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{self} does not implement get_config()")


class L1L2(Regularizer):
    """Absolute values and squares.

    R = l1 Σ|x| + l2 Σx², ∂R/∂x = l1 sign(x) + 2 l2 x.

    Args:
        l1, l2: factors, at least 0; None is 0.

    Raises:
        ValueError: a factor that is no number, not finite, or negative.

    Example:
        >>> import numpy as np
        >>> L1L2(l1=0.5, l2=0.25)(np.array([1.0, -2.0], np.float32)).item()
        2.75
        >>> L1L2(l1=0.5, l2=0.25).gradient(np.array([1.0, -2.0], np.float32))
        array([ 1. , -1.5], dtype=float32)
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _checked(0.0 if l1 is None else l1, "l1")
        self.l2 = _checked(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        value = _value(x)
        penalty = value.dtype.type(0)
        if self.l1 != 0.0:
            penalty = penalty + _factor(self.l1, value) * np.sum(np.abs(value))
        if self.l2 != 0.0:
            penalty = penalty + _factor(self.l2, value) * np.sum(np.square(value))
        return penalty

    def gradient(self, x: Any) -> Any:
        """Return ∂R/∂x, of x's shape and dtype; 0 where l1 meets x = 0 (on JAX: l1)."""
        value = _value(x)
        slope = np.zeros_like(value)
        if self.l1 != 0.0:
            slope = slope + _factor(self.l1, value) * _slope_of_abs(value)
        if self.l2 != 0.0:
            slope = slope + _factor(self.l2, value) * (value + value)
        return slope

    def get_config(self) -> dict[str, Any]:
        return {"l1": _recorded(self.l1), "l2": _recorded(self.l2)}


class L1(Regularizer):
    """Absolute values: R = l1 Σ|x|, ∂R/∂x = l1 sign(x).

    The factor is held in `floatx()`, as Keras holds it, and reads so in the config.

    Example:
        >>> import numpy as np
        >>> L1(0.5)(np.array([1.0, -2.0], np.float32)).item()
        1.5
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = np.dtype(config.floatx()).type(_checked(0.01 if l1 is None else l1, "l1"))

    def __call__(self, x: Any) -> Any:
        value = _value(x)
        return _factor(self.l1, value) * np.sum(np.abs(value))

    def gradient(self, x: Any) -> Any:
        """Return ∂R/∂x, of x's shape and dtype; 0 where x is 0 (on JAX: l1)."""
        value = _value(x)
        return _factor(self.l1, value) * _slope_of_abs(value)

    def get_config(self) -> dict[str, Any]:
        return {"l1": float(self.l1)}


class L2(Regularizer):
    """Squares: R = l2 Σx², ∂R/∂x = 2 l2 x.

    Example:
        >>> import numpy as np
        >>> L2(0.25).gradient(np.array([1.0, -2.0], np.float32))
        array([ 0.5, -1. ], dtype=float32)
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _checked(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        value = _value(x)
        return _factor(self.l2, value) * np.sum(np.square(value))

    def gradient(self, x: Any) -> Any:
        """Return ∂R/∂x, of x's shape and dtype."""
        value = _value(x)
        return _factor(self.l2, value) * (value + value)

    def get_config(self) -> dict[str, Any]:
        return {"l2": _recorded(self.l2)}


def l1_l2(l1: float | None = None, l2: float | None = None) -> L1L2:
    """Return L1L2(l1, l2); factors not given are 0 in Keras 3 and 0.01 in tf_keras.

    Example:
        >>> l1_l2(l2=0.5).get_config()
        {'l1': 0.0, 'l2': 0.5}
    """
    default = semantics.current().l1_l2_default
    return L1L2(default if l1 is None else l1, default if l2 is None else l2)


l1 = L1
l2 = L2

_CLASSES: tuple[type[Regularizer], ...] = (Regularizer, L1, L2, L1L2)
_BY_NAME: dict[str, Any] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{naming.to_snake_case(cls.__name__): cls for cls in _CLASSES},
}
serialization.public_module("keras.regularizers", lambda: dict(_BY_NAME))


def gradient(regularizer: Any, x: Any) -> Any:
    """Return the gradient of a penalty with respect to the weight x.

    Raises:
        NotImplementedError: the regularizer defines none.

    Example:
        >>> import numpy as np
        >>> gradient(lambda x: np.sum(x), np.ones(2))
        Traceback (most recent call last):
        NotImplementedError: <function <lambda> at ...> has no gradient: ...
    """
    own = getattr(regularizer, "gradient", None)
    if own is None:
        raise NotImplementedError(
            f"{regularizer} has no gradient: training with it needs a method (or attribute) `gradient(x)` that returns "
            "the derivative of the penalty, of x's shape."
        )
    return own(x)


def serialize(regularizer: Any) -> Any:
    """Return the record of a regularizer."""
    return serialization.serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the regularizer that a record describes."""
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Any:
    """Return a regularizer by name, record or class; callables and None as they are.

    Raises:
        ValueError: anything else.

    Example:
        >>> get("l2").get_config()
        {'l2': 0.01}
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _BY_NAME.get(identifier) or serialization.get_registered_object(identifier)
        if identifier == "l1_l2" and semantics.current().l1_l2_is_a_name:
            found = l1_l2
    else:
        found = identifier
    if not callable(found):
        raise ValueError(
            f"Could not interpret regularizer identifier: {identifier!r}.{naming.did_you_mean(identifier, _BY_NAME)} "
            "Expected 'l1', 'l2', 'L1L2', a record, a Regularizer, or a callable of one weight."
        )
    return found() if isinstance(found, type) or found is l1_l2 else found


def _factor(number: float, value: Any) -> Any:
    """Return a factor in the dtype of `value`; Keras 3 on TensorFlow takes Python numbers by way of float32."""
    rounded = np.float32(number) if semantics.current().regularizer_factors == "float32" else number
    return value.dtype.type(rounded)


def _slope_of_abs(value: Any) -> Any:
    return slope_of_abs(value, semantics.current().abs_gradient)


def _recorded(factor: float) -> float:
    """Return a factor as a config tells it: tf_keras and Keras 2.0 hold all of them in `floatx()`."""
    return factor if semantics.current().files == "keras-3" else float(np.dtype(config.floatx()).type(factor))


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else as_array(x)


def _checked(value: Any, name: str) -> float:
    if not isinstance(value, (float, int)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"Invalid value for argument {name}: expected a non-negative float. Received: {name}={value}")
    return float(value)
