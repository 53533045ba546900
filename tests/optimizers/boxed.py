"""An array that is no ndarray: it holds one, and takes part in NumPy by dispatch only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Boxed"]


def _open(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_open(item) for item in value)
    return value.value if isinstance(value, Boxed) else value


def _close(value: Any) -> Any:
    return Boxed(value) if isinstance(value, (np.ndarray, np.generic)) else value


class Boxed(NDArrayOperatorsMixin):
    """Fails wherever NumPy would silently make an ndarray of it."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    size = property(lambda self: self.value.size)
    ndim = property(lambda self: self.value.ndim)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("turned into an ndarray")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is not None:
            kwargs["out"] = _open(out)
        result = getattr(ufunc, method)(*_open(inputs), **kwargs)
        return out[0] if out is not None else _close(result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        out = kwargs.get("out")
        result = function(*_open(args), **{key: _open(value) for key, value in kwargs.items()})
        return out if out is not None else _close(result)

    def __getitem__(self, index: Any) -> Any:
        return _close(self.value[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.value[index] = _open(value)

    def __bool__(self) -> bool:
        return bool(self.value)
