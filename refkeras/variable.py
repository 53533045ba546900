"""`Variable`: a named array that layers, metrics and optimizers keep state in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, naming, semantics
from refkeras.tensor import wrap

__all__ = ["Variable"]


class Variable:
    """A named, mutable array.

    `value` is the array itself; it is updated in place, so that an optimizer
    may lay many variables out in one vector and hand each a view of it.

    Operators, `==` among them, work on the values and return a `Tensor`, which does not change with the variable; so a
    variable is no key of a dict. Integers beside floats take their dtype.

        >>> w = Variable(np.array([1.0, 2.0], "float32"), name="w")
        >>> (2.0 * w == w + 1.0).numpy()
        array([ True, False])

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
            value = initializer(tuple(shape), dtype=config.array_dtype(dtype))
        else:
            value = initializer
            if dtype is None and not hasattr(value, "dtype"):
                dtype = config.floatx() if np.asarray(value).dtype.kind == "f" else None
        array = np.array(value, dtype=None if dtype is None else config.array_dtype(dtype))
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

    def numpy(self) -> Any:
        """Return a copy of the value, one value as NumPy's scalar."""
        return self._value.copy()[()]

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
        return _tensor(self._value[index].copy())

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __bool__(self) -> bool:
        if semantics.current().variables_have_truth:
            return bool(self._value)
        raise TypeError(
            f"Variable {self.path!r} cannot be used as a boolean: it may have many values. Expected a comparison, or "
            "bool(variable.numpy()) of one value."
        )

    def __neg__(self) -> Any:
        return _tensor(-self._value)

    def __pos__(self) -> Any:
        return _tensor(self._value.copy())

    def __abs__(self) -> Any:
        return _tensor(abs(self._value))

    def __invert__(self) -> Any:
        return _tensor(~self._value)

    def __round__(self, ndigits: int | None = None) -> Any:
        return _tensor(np.round(self._value, ndigits or 0))

    __hash__ = None  # type: ignore[assignment]  # == compares values, as in Keras


def _tensor(value: Any) -> Any:
    """What an operator returns: no view of a variable, which may change."""
    return wrap(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else value


def _plain(operand: Any) -> Any:
    """One side of an operator without Variable around it; a list as the array that Keras makes of it."""
    if isinstance(operand, Variable):
        return operand.value
    if isinstance(operand, (list, tuple)):
        array = np.asarray(operand)
        return array.astype({"f": config.floatx(), "i": "int32"}.get(array.dtype.kind, array.dtype))
    return operand


def _dtype_of(operand: Any) -> np.dtype:
    """The dtype of one side of an operator.

    Raises:
        ValueError: it has no numbers.
    """
    dtype = np.dtype(operand.dtype) if hasattr(operand, "dtype") else np.asarray(operand).dtype
    if dtype.kind not in "biuf":
        raise ValueError(f"A variable was combined with {operand!r}. Expected numbers, an array of them, a Variable.")
    return dtype


def _operands(a: Any, b: Any) -> list[Any]:
    """Both sides of an operator, with Keras's dtypes.

    Integers beside floats take their dtype, and `floatx` beside a Python float; booleans beside a Python integer int32.
    """
    sides = [_plain(x) for x in (a, b)]
    dtypes = [_dtype_of(x) for x in sides]
    for i, other in enumerate(reversed(dtypes)):
        if dtypes[i].kind in "iub" and hasattr(sides[i], "dtype"):
            if other.kind == "f":
                sides[i] = sides[i].astype(config.floatx() if isinstance(sides[1 - i], float) else other)
            elif dtypes[i].kind == "b" and type(sides[1 - i]) is int:
                sides[i] = sides[i].astype("int32")
    return sides


def _binary(function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: Variable, other: Any) -> Any:
        return _tensor(function(*_operands(self, other)))

    def reflected(self: Variable, other: Any) -> Any:
        return _tensor(function(*_operands(other, self)))

    return forward, reflected


def _divide(a: Any, b: Any) -> Any:
    """a / b, in `floatx` if both are whole numbers, as in Keras."""
    if all(_dtype_of(x).kind in "iub" for x in (a, b)):
        a, b = (np.asarray(x, config.floatx()) for x in (a, b))
    return np.true_divide(a, b)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "mod", "pow", "matmul")},
    "truediv": _divide,
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
}
for _name, _function in _OPERATORS.items():
    _forward, _reflected = _binary(_function)
    setattr(Variable, f"__{_name}__", _forward)
    setattr(Variable, f"__r{_name}__", _reflected)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Variable, f"__{_name}__", _binary(getattr(operator, _name))[0])
