"""Hyperparameters as the scalars that an engine computes with."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Hyperparameter", "cast", "check_number", "complement", "held", "through_float32"]


def through_float32(value: Any, kind: type) -> Any:
    """Return `value` as a scalar of `kind`; a Python float is rounded to float32 on its way.

    That is what `tf.cast` does with it: 0.9 becomes float64(float32(0.9)). Source: TensorFlow 2.21, `tf.cast`.

        >>> float(through_float32(0.5, np.float64)), float(through_float32(0.9, np.float64))
        (0.5, 0.8999999761581421)
    """
    return kind(np.float32(value)) if type(value) is float else kind(value)


def cast(value: Any, kind: type, rounding: str) -> Any:
    """Return `value` as a scalar of `kind`; `rounding` is the semantics field `optimizer_scalars`."""
    return through_float32(value, kind) if rounding == "through float32" else kind(value)


def complement(value: Any, kind: type, rounding: str) -> Any:
    """Return 1 − `value` in `kind`: of the Python numbers, or where `rounding` is `"direct"`, of the rounded ones."""
    return 1 - kind(value) if rounding == "direct" else kind(1 - value)


def check_number(value: Any, owner: str, name: str) -> None:
    """Check that a hyperparameter is one number.

    Raises:
        ValueError: it is None, a function, or several numbers.
        TypeError: it is a string.
    """
    if isinstance(value, (int, float, np.number)):
        return
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{owner}: {name}={value!r}; expected a number.")
    if getattr(value, "shape", None) != ():
        raise ValueError(f"{owner}: {name}={value!r}; expected a number.")


def held(value: Any) -> np.ndarray:
    """Return a scalar as a 0-d array, which ufuncs take much faster."""
    return np.copy(value)


class Hyperparameter:
    """An attribute that an optimizer's constants depend on: setting it has them made again."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, optimizer: Any, owner: type) -> Any:
        return self if optimizer is None else optimizer.__dict__[self._name]

    def __set__(self, optimizer: Any, value: Any) -> None:
        check_number(value, type(optimizer).__name__, self._name)
        optimizer.__dict__[self._name] = value
        optimizer._constants = {}
