"""`Variable`: a named array that layers, metrics and optimizers keep state in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, naming

__all__ = ["Variable"]


class Variable:
    """A named, mutable array.

    `value` is the array itself; it is updated in place, so that an optimizer
    may lay many variables out in one vector and hand each a view of it.

    Args:
        initializer: initial value (array or scalar), or a callable `(shape, dtype=) -> array`.
        shape: required with a callable.
        dtype: defaults to the array's own dtype, or `floatx()` for a callable or Python number.
        trainable: whether optimizers update it.
        name: defaults to `variable`, `variable_1`, ...

    Raises:
        ValueError: a callable without `shape`, or a value of another shape.
    """

    __slots__ = ("_value", "constraint", "name", "path", "regularizer", "trainable")

    def __init__(
        self,
        initializer: Any,
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        name: str | None = None,
        path: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.name = name or naming.auto_name("variable")
        self.path = path or self.name
        self.trainable = bool(trainable)
        self.regularizer = regularizer
        self.constraint = constraint
        if callable(initializer):
            if shape is None:
                raise ValueError(f"Variable {self.name!r}: shape is required when initializer is a callable.")
            value = initializer(tuple(shape), dtype=config.standardize_dtype(dtype))
        else:
            value = initializer
            if dtype is None and not hasattr(value, "dtype"):
                dtype = config.floatx() if np.asarray(value).dtype.kind == "f" else None
        array = np.array(value, dtype=None if dtype is None else config.standardize_dtype(dtype))
        if shape is not None and array.shape != tuple(shape):
            raise ValueError(f"Variable {self.name!r} has shape {tuple(shape)}, but its value has shape {array.shape}.")
        self._value = array

    @property
    def value(self) -> np.ndarray:
        """The array itself, not a copy."""
        return self._value

    def bind(self, storage: np.ndarray) -> None:
        """Move the value into `storage` (a view of a larger vector) and keep it there."""
        storage[...] = self._value
        self._value = storage

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def dtype(self) -> str:
        return self._value.dtype.name

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    def numpy(self) -> np.ndarray:
        """Return a copy of the value."""
        return self._value.copy()

    def assign(self, value: Any) -> Variable:
        """Replace the value; it is cast to the variable's dtype.

        Raises:
            ValueError: another shape.
        """
        value = value.value if isinstance(value, Variable) else value
        if np.shape(value) != self.shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in `variable.assign(value)` "
                f"must match. Variable {self.path!r} has shape {self.shape}, the value has shape {np.shape(value)}."
            )
        self._value[...] = value
        return self

    def assign_add(self, value: Any) -> Variable:
        return self.assign(self._value + np.asarray(value, self._value.dtype))

    def assign_sub(self, value: Any) -> Variable:
        return self.assign(self._value - np.asarray(value, self._value.dtype))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and dtype is not None and np.dtype(dtype) != self._value.dtype:
            raise ValueError(f"Variable {self.name!r} cannot be read as {np.dtype(dtype)} without a copy.")
        return np.array(self._value, dtype=dtype, copy=None if copy is False else True)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self._value}>"

    def __getitem__(self, index: Any) -> Any:
        return self._value[index]

    def __len__(self) -> int:
        return len(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __neg__(self) -> np.ndarray:
        return -self._value

    def __abs__(self) -> np.ndarray:
        return abs(self._value)


def _binary(function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Variable, other: Any) -> Any:
        return function(self._value, other.value if isinstance(other, Variable) else other)

    def reflected(self: Variable, other: Any) -> Any:
        return function(other, self._value)

    return forward, reflected


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _forward, _reflected = _binary(getattr(operator, _name))
    setattr(Variable, f"__{_name}__", _forward)
    setattr(Variable, f"__r{_name}__", _reflected)
for _name in ("lt", "le", "gt", "ge"):
    setattr(Variable, f"__{_name}__", _binary(getattr(operator, _name))[0])
# Comparison by == stays identity, so that variables can be keys and list members, as in Keras.
