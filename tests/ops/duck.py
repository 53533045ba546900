"""An array that has NumPy's protocols and nothing else: it refuses to become an ndarray."""

from __future__ import annotations

from typing import Any

import numpy as np


class Duck(np.lib.mixins.NDArrayOperatorsMixin):
    """Wraps an ndarray; every operation gives Ducks."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("a Duck was converted to an ndarray")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if out is not None:
            kwargs["out"] = strip(out)
        result = getattr(ufunc, method)(*strip(inputs), **kwargs)
        return out[0] if out is not None else dress(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dress(function(*strip(args), **strip(kwargs)))

    def __getitem__(self, key: Any) -> Any:
        return dress(self.array[strip(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.array[strip(key)] = strip(value)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Any:
        return (dress(item) for item in self.array)

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    T = property(lambda self: Duck(self.array.T))

    def reshape(self, *shape: Any) -> Duck:
        return Duck(self.array.reshape(*shape))

    def transpose(self, *axes: Any) -> Duck:
        return Duck(self.array.transpose(*axes))

    def copy(self) -> Duck:
        return Duck(self.array.copy())


def strip(value: Any) -> Any:
    """Ducks in a structure as ndarrays."""
    if isinstance(value, Duck):
        return value.array
    if isinstance(value, (tuple, list)):
        return type(value)(strip(item) for item in value)
    if isinstance(value, dict):
        return {key: strip(item) for key, item in value.items()}
    return value


def dress(value: Any) -> Any:
    """Float arrays in a structure as Ducks."""
    if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f":
        return Duck(np.asarray(value))
    if isinstance(value, (tuple, list)):
        return type(value)(dress(item) for item in value)
    return value
