"""`Variable`: a named array that layers, metrics and optimizers keep state in."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from refkeras import config, naming, semantics, shapes
from refkeras.tensor import wrap

__all__ = ["Variable", "assignments_taken_back", "no_assignments", "tracing"]


class _Traced(threading.local):
    """Whether the thread traces a call, which runs once for all batches.

    Attributes:
        kept: by identity, the variables that were assigned to in a block that takes that back, and what they were.
    """

    on = False
    kept: dict[int, tuple[Variable, np.ndarray]] | None = None


_traced = _Traced()


@contextmanager
def no_assignments() -> Iterator[None]:
    """Refuse assignments to variables inside the block, a call that is traced: they would not be made again."""
    before, _traced.on = _traced.on, True
    try:
        yield
    finally:
        _traced.on = before


@contextmanager
def assignments_taken_back() -> Iterator[None]:
    """Give the variables that are assigned to inside the block, a call on trial, the values back that they had."""
    before, _traced.kept = _traced.kept, {}
    try:
        yield
    finally:
        for variable, value in _traced.kept.values():
            variable._value[...] = value
        _traced.kept = before


def tracing() -> bool:
    """Whether a call is traced around: the engine runs what is inside on arrays."""
    return _traced.on


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
        initializer: initial value (array, number, list, another variable), or what makes it: an initializer, its name,
            or another callable `(shape, dtype=) -> array`.
        shape: of what an initializer makes; not looked at for a value, which has one.
        dtype: defaults to that of the value: int32 for Python's integers, if they fit, and `floatx()` for its floats
            and for what an initializer makes.
        trainable: whether optimizers update it.
        autocast, aggregation, synchronization: of mixed precision and several devices, in Keras; without meaning here.
        name: defaults to `variable`, `variable_1`, ...
        path: where it is in a model; its name by default.
        regularizer: penalty on it that is added to the loss: a callable.
        constraint: projection applied after each update: a callable.

    Raises:
        ValueError: an initializer without a `shape`, a shape that has unknown sizes, or a value of another one; any
            other argument that Keras does not take.

    Source: `keras/src/backend/common/variables.py`, Keras 3.15.
    """

    __slots__ = (
        "_aggregation",
        "_constraint",
        "_name",
        "_regularizer",
        "_synchronization",
        "_trainable",
        "_value",
        "autocast",
        "path",
    )

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        *,
        path: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self._name = name or naming.auto_name("variable")
        if not isinstance(self._name, str) or ("/" in self._name and path is None):
            raise ValueError(
                f"Argument `name` must be a string and cannot contain character `/`. Received: name={name}"
            )
        self._aggregation = _one_of(_AGGREGATIONS, "aggregation", aggregation)
        self._synchronization = _one_of(_SYNCHRONIZATIONS, "synchronization", synchronization)
        self.path = path or self._name
        self.autocast = bool(autocast)
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        if isinstance(initializer, str):
            from refkeras import initializers

            initializer = initializers.get(initializer)
        self._value = self._made(initializer, shape, dtype) if callable(initializer) else _array(initializer, dtype)

    def _made(self, initializer: Callable[..., Any], shape: Any, dtype: Any) -> np.ndarray:
        if shape is None:
            raise ValueError(
                "When creating a Variable from an initializer, the `shape` argument should be specified. "
                f"Received: initializer={initializer} and shape={shape}"
            )
        sizes = shapes.checked(shape)
        if None in sizes:
            raise ValueError(
                "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
                f"Received: shape={sizes} for variable path={self.path!r}"
            )
        dtype = config.array_dtype(dtype)
        array = np.array(initializer(sizes, dtype=dtype), dtype)
        if array.shape != sizes:
            raise ValueError(f"Variable {self.path!r} has shape {sizes}, but its value has shape {array.shape}.")
        return array

    @property
    def name(self) -> str:
        return self._name

    @property
    def aggregation(self) -> str:
        return self._aggregation

    @property
    def synchronization(self) -> str:
        return self._synchronization

    @property
    def trainable(self) -> bool:
        """Whether optimizers update it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def regularizer(self) -> Any:
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = _callable("regularizer", value)

    @property
    def constraint(self) -> Any:
        return self._constraint

    @constraint.setter
    def constraint(self, value: Any) -> None:
        self._constraint = _callable("constraint", value)

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

    def assign(self, value: Any) -> Any:
        """Replace the value; it is cast to the variable's dtype.

        Returns:
            The new value, which stays when the variable changes.

        Raises:
            ValueError: another shape, or no numbers.
            TypeError: inside a `call` that is traced for its gradient; give the layer a `forward`.
        """
        if _traced.on:
            raise TypeError(f"Variable {self.path!r} is assigned to in a call that is traced, and runs once.")
        value = value.value if isinstance(value, Variable) else value
        if not hasattr(value, "shape"):
            value = _array(value, None)
        if value.shape != self.shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in `variable.assign(value)` "
                f"must match. Variable {self.path!r} has shape {self.shape}, the value has shape {value.shape}."
            )
        if _traced.kept is not None:
            _traced.kept.setdefault(id(self), (self, self._value.copy()))
        self._value[...] = value
        return _tensor(self._value.copy())

    def assign_add(self, value: Any) -> Any:
        """Add to the value, as `variable + value` does, and return it."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Any:
        """Subtract from the value, as `variable - value` does, and return it."""
        return self.assign(self - value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and dtype is not None and np.dtype(dtype) != self._value.dtype:
            raise ValueError(f"Variable {self.name!r} cannot be read as {np.dtype(dtype)} without a copy.")
        return np.array(self._value, dtype=dtype, copy=None if copy is False else True)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self._value}>"

    def __getitem__(self, index: Any) -> Any:
        return _tensor(self._value[index].copy())

    def __float__(self) -> float:
        return float(self._one())

    def __int__(self) -> int:
        return int(self._one())

    def _one(self) -> np.ndarray:
        if self._value.ndim:
            raise TypeError(f"Only scalar arrays can be converted to Python scalars. Got: shape={self.shape}")
        return self._value

    def __bool__(self) -> bool:
        if semantics.current().variables_have_truth:
            return bool(self._value)
        raise TypeError(
            f"A Keras Variable cannot be used as a boolean. Variable {self.path!r} may have many values: expected a "
            "comparison, or bool(variable.numpy()) of one value."
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


#: Keras 3's; None is the first.
_AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = ("none", "on_read", "on_write", "auto")


def _one_of(known: tuple[str, ...], argument: str, value: str | None) -> str:
    if value is None:
        return known[0]
    if value not in known:
        expected = ", ".join(map(repr, (None, *known)))
        raise ValueError(f"Invalid value for argument `{argument}`. Expected one of {expected}. Received: {value!r}")
    return value


def _callable(attribute: str, value: Any) -> Any:
    if value is not None and not callable(value):
        raise ValueError(
            f"Invalid value for attribute `{attribute}`. Expected a callable (such as a "
            f"`refkeras.{attribute}s.{attribute.title()}` instance) or `None`. Received: {attribute}={value!r}"
        )
    return value


def _array(value: Any, dtype: Any) -> np.ndarray:
    """A copy of a value; of Python's numbers, in the dtype that Keras makes of them.

    Raises:
        ValueError: no numbers.
    """
    value = value.value if isinstance(value, Variable) else value
    array = np.array(value)
    if array.dtype.kind in "OUSM":
        raise ValueError(f"A Variable cannot hold {value!r}. Expected numbers, an array of them, or an initializer.")
    if dtype is None and not hasattr(value, "dtype"):
        if array.dtype.kind == "f":
            dtype = config.floatx()
        elif array.dtype.kind == "i" and np.array_equal(array, array.astype("int32")):
            dtype = "int32"
    return array if dtype is None else array.astype(config.array_dtype(dtype))


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
