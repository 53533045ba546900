"""`BarArray`: numbers with error bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from refkeras.precision.indexing import as_view, is_basic, plain_key
from refkeras.precision.machine import Machine
from refkeras.precision.machine import machine as machine_of
from refkeras.precision.rounding import COPIES, spread
from refkeras.precision.store import Store, aligned, copied

__all__ = ["BarArray", "deviations_of", "exact", "parts_of"]


class BarArray(NDArrayOperatorsMixin):
    """An array of float64 values with, beside each, how far a correct program's rounding may have led from it.

    A rounding error is a random number of known size, and a result's error is to first order a sum of such
    numbers, each times a derivative (affine arithmetic). The sums are not kept term by term: each rounding
    error is given random signs, one in each of `COPIES` copies, and the copies are summed and multiplied as
    the formula's derivative says. So an error that reaches a result by two ways meets itself there, with the
    right sign: x·x has twice the relative error of x, e/Σe has none where one e is all of Σe, and what a
    training step adds to a weight knows of the weight's own error. `sigma` is the root mean square over the
    copies.

    It takes part in NumPy by dispatch (`__array_ufunc__`, `__array_function__`), views share memory with
    what they are views of, and it refuses to become an ndarray. `exact` makes one.

    Attributes:
        value: float64 ndarray.
        machine: the `Machine` whose rounding errors these are.

        >>> x = exact([1.0, 3.0]) / 3.0
        >>> x.value, x.sigma > 0
        (array([0.33333333, 1.        ]), array([ True,  True]))
    """

    __slots__ = ("_is_tensor", "_keras_logits", "_keras_mask", "_store", "machine", "value")
    __array_priority__ = 100

    def __init__(self, value: np.ndarray, store: Store, machine: Machine) -> None:
        self.value, self._store, self.machine = value, store, machine
        self._keras_mask = self._keras_logits = None
        self._is_tensor = False

    @classmethod
    def made(cls, value: Any, deviations: np.ndarray | None, bounds: np.ndarray | None, machine: Machine) -> BarArray:
        """Return a new array of these numbers; memory is taken over where it is contiguous."""
        value = np.asarray(value, np.float64)
        if not (value.flags.c_contiguous and value.flags.writeable):
            value = value.copy(order="C")
        if deviations is not None:
            deviations = np.ascontiguousarray(deviations).reshape(-1)
        if bounds is not None:
            bounds = np.array(np.broadcast_to(bounds, value.shape), order="C").reshape(-1)
        return cls(value, Store(value, deviations, bounds), machine)

    # -- what it holds ---------------------------------------------------------------

    @property
    def deviations(self) -> np.ndarray | None:
        """The error in each copy, (COPIES, *shape), a view; None where all values are exact."""
        block = self._store.deviations
        return None if block is None else self._store.look(block, self.value, COPIES)

    @property
    def sigma(self) -> np.ndarray:
        """The standard deviation of the rounding error of each value."""
        deviations = self.deviations
        if deviations is None:
            return np.zeros(self.shape)
        return spread(deviations)

    @property
    def bound(self) -> np.ndarray | None:
        """The guaranteed worst case of the rounding error of each value; None where it was not asked for."""
        block = self._store.bounds
        return None if block is None else self._store.look(block, self.value)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: np.dtype(self.machine.dtype))
    T = property(lambda self: self._of(self.value.T))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def number(self) -> Any:
        """What makes numbers of this array's kind from plain ones: `number(0.1)` is 0.1 as the machine holds it."""
        return _Number(self.machine, self._store.bounds is not None)

    # -- views ------------------------------------------------------------------------

    def _of(self, view: np.ndarray) -> BarArray:
        return BarArray(view, self._store, self.machine)

    def _rearranged(self, arrange: Any) -> BarArray:
        """Apply to value, deviations and bounds a function that may copy them: `arrange(array, leading axes)`."""
        value = arrange(self.value, 0)
        if np.may_share_memory(value, self._store.values):
            return self._of(value)
        deviations, bound = self.deviations, self.bound
        return BarArray.made(
            value,
            None if deviations is None else arrange(deviations, 1),
            None if bound is None else arrange(bound, 0),
            self.machine,
        )

    def __getitem__(self, key: Any) -> BarArray:
        if is_basic(key):
            return self._of(as_view(self.value, key))
        key = plain_key(key)
        return self._rearranged(lambda a, lead: a[key] if not lead else np.stack([copy[key] for copy in a]))

    def __setitem__(self, key: Any, value: Any) -> None:
        number, deviations, bound = parts_of(value, self.machine)
        if is_basic(key):
            self[key].fill(number, deviations, bound)
            return
        key = plain_key(key)
        store = self._store
        self.value[key] = number
        if deviations is not None:
            store.follow()
        own = self.deviations
        if own is not None:
            if deviations is not None:
                deviations = aligned(deviations, self.value[key].ndim)
            for i, copy in enumerate(own):
                copy[key] = 0 if deviations is None else deviations[i]
        if store.bounds is not None:
            self.bound[key] = 0 if bound is None else bound  # type: ignore[index]

    def fill(self, value: np.ndarray, deviations: np.ndarray | None, bound: Any) -> BarArray:
        """Write values, deviations and bounds (None: zeros), each broadcast to the shape, and return the array."""
        self.value[...] = value
        store = self._store
        if deviations is not None:
            store.follow()
        if store.deviations is not None:
            self.deviations[...] = 0.0 if deviations is None else aligned(deviations, self.ndim)  # type: ignore[index]
        if store.bounds is not None:
            self.bound[...] = 0.0 if bound is None else bound  # type: ignore[index]
        return self

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self.value)))

    def __len__(self) -> int:
        return len(self.value)

    def reshape(self, *shape: Any) -> BarArray:
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        # A size of -1 means the same beside the copies' axis.
        target = self.value.reshape(shape).shape
        return self._rearranged(lambda a, lead: a.reshape((*a.shape[:lead], *target)))

    def transpose(self, *axes: Any) -> BarArray:
        return self._of(self.value.transpose(*axes))

    def copy(self, order: str = "C") -> BarArray:
        deviations, bound = self.deviations, self.bound
        return BarArray.made(self.value.copy(order="C"), copied(deviations), copied(bound), self.machine)

    def astype(self, dtype: Any, copy: bool = True, **_: Any) -> Any:
        """Return an array of its own dtype as it is; integers and booleans are made of the values.

        Raises:
            TypeError: another dtype of floats, for which there is another machine.
        """
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self.copy() if copy else self
        if dtype.kind == "f":
            raise TypeError(
                f"An array with the error bars of {self.machine.name} cannot become {dtype}. Evaluate it with the "
                f"machine of that precision, or set the layer's dtype to {self.dtype}."
            )
        return self.value.astype(dtype)

    def view(self, kind: Any = None) -> BarArray:
        """Return another array of the same memory; `kind` may be ndarray or a subclass of it, which it stands for."""
        if kind is not None and not (isinstance(kind, type) and issubclass(kind, np.ndarray)):
            raise TypeError(f"An array with error bars has no view of type {kind!r}.")
        view = self._of(self.value)
        view._is_tensor = kind is not None and kind is not np.ndarray
        return view

    @property
    def array(self) -> BarArray:
        return self

    def numpy(self) -> BarArray:
        return self.copy()

    def item(self) -> BarArray:
        if self.size != 1:
            raise ValueError(f"item() needs an array of size 1, and this has shape {self.shape}.")
        return self.reshape(())

    def any(self, *args: Any, **kwargs: Any) -> Any:
        return self.value.any(*args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        return self.value.all(*args, **kwargs)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self.__array_ufunc__(np.add, "reduce", self, axis=axis, keepdims=keepdims)

    # -- NumPy -------------------------------------------------------------------------

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError(
            "An array with error bars does not become a plain array by itself: the bars would be lost. "
            "Take `.value` for the values, `.sigma` for the standard deviations."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from refkeras.precision.ufuncs import apply

        with np.errstate(all="ignore"):
            return apply(self.machine, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from refkeras.precision.functions import FUNCTIONS

        if function not in FUNCTIONS:
            raise TypeError(f"numpy.{function.__name__} is not known to arrays with error bars.")
        return FUNCTIONS[function](*args, **kwargs)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        raise TypeError("A number with an error bar does not become a float by itself: take `.value`.")

    __int__ = __index__ = __complex__ = __float__

    def __repr__(self) -> str:
        return f"BarArray({self.machine.name}, value={self.value!r}, sigma={self.sigma!r})"


def exact(array: Any, machine: str | Machine = "float32", guaranteed: bool = False) -> BarArray:
    """Return an array whose values the engine holds exactly: each is rounded to what the machine stores.

    Args:
        array: numbers of any shape; a BarArray of the same machine is returned as it is.
        machine: name of a machine, or a `Machine`.
        guaranteed: whether the worst case is followed too.

    Raises:
        ValueError: an unknown machine.
        TypeError: complex numbers, strings, or an array with another machine's bars.

        >>> float(exact(0.1).value)
        0.10000000149011612
    """
    found = machine_of(machine)
    if isinstance(array, BarArray):
        if array.machine != found:
            raise TypeError(f"The array has the error bars of {array.machine.name}, not of {found.name}.")
        return array
    plain = np.asarray(array)
    if plain.dtype.kind not in "biuf" and plain.dtype.name != "bfloat16":
        raise TypeError(f"An array of dtype {plain.dtype} cannot have error bars; expected real numbers.")
    value = found.round(np.array(plain, np.float64, order="C"))
    return BarArray.made(value, None, np.zeros(value.shape) if guaranteed else None, found)


@dataclass(frozen=True, slots=True)
class _Number:
    """Makes exact numbers; equal for equal machines, so that it can be a key."""

    machine: Machine
    guaranteed: bool

    def __call__(self, value: Any) -> BarArray:
        return exact(value, self.machine, self.guaranteed)


def parts_of(value: Any, machine: Machine) -> tuple[Any, np.ndarray | None, np.ndarray | None]:
    """Return the value, deviations and bounds of an operand; what has no bars is held exactly by the machine.

    Raises:
        TypeError: an operand with another machine's bars.
    """
    if isinstance(value, BarArray):
        if value.machine is not machine and value.machine != machine:
            raise TypeError(f"Arrays with the error bars of {machine.name} and {value.machine.name} do not mix.")
        return value.value, value.deviations, value.bound
    plain = np.asarray(value)
    if plain.dtype.kind == "f":
        return machine.round(plain.astype(np.float64)), None, None
    return plain.view(np.ndarray), None, None


def deviations_of(array: BarArray) -> np.ndarray:
    """The deviations, zeros where all is exact."""
    found = array.deviations
    return np.zeros((COPIES, *array.shape)) if found is None else found
