"""`Tensor`: what an eager layer call returns, an ndarray that remembers its mask and its logits.

Keras hangs `_keras_mask` and `_keras_logits` on backend tensors; a plain
ndarray cannot carry them. `Tensor` is used only where values cross the public
interface; inside, masks and logits travel beside plain arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config

__all__ = ["Tensor", "as_array", "is_tensor", "number_of", "unwrap", "wrap"]


class Tensor(np.ndarray):
    """An ndarray with `numpy()`, and optionally a Keras mask and the logits it was made from."""

    _keras_mask: np.ndarray | None
    _keras_logits: np.ndarray | None

    def __array_finalize__(self, parent: Any) -> None:
        # Any operation on a tensor gives a new value, which has neither mask nor logits.
        self._keras_mask = None
        self._keras_logits = None

    def numpy(self) -> Any:
        """Return the values as a plain ndarray, one value as NumPy's scalar, as TensorFlow's tensors do.

        >>> wrap(np.array(0.5, "float32")).numpy(), wrap(np.ones(2)).numpy()
        (np.float32(0.5), array([1., 1.]))
        """
        return np.array(self, subok=False)[()]

    @property
    def array(self) -> np.ndarray:
        """The same memory as a plain ndarray."""
        return self.view(np.ndarray)


def wrap(array: np.ndarray, mask: np.ndarray | None = None, logits: np.ndarray | None = None) -> Tensor:
    """Return `array` as a Tensor that carries `mask` and `logits`."""
    tensor = array.view(Tensor)
    tensor._keras_mask = mask
    tensor._keras_logits = logits
    return tensor


def unwrap(value: Any) -> tuple[Any, np.ndarray | None, np.ndarray | None]:
    """Return `(array, mask, logits)`; the last two are None for anything but a Tensor."""
    if type(value) is Tensor:
        return value.view(np.ndarray), value._keras_mask, value._keras_logits
    if type(value) is np.ndarray:
        return value, None, None
    if hasattr(value, "_keras_logits"):  # an array of another type that can carry both
        return value, value._keras_mask, value._keras_logits
    return value, None, None


def is_tensor(value: Any) -> bool:
    """Whether a value came through `wrap`: Keras asks some arguments whether they are tensors or plain arrays."""
    return type(value) is Tensor or getattr(value, "_is_tensor", False)


def as_array(value: Any, dtype: Any = None) -> Any:
    """Return `value` as an array of `dtype`, itself where it is one.

    Without `dtype`, arrays keep theirs and Python floats get `floatx()`, as in TensorFlow.
    """
    kind = type(value)
    if kind is np.ndarray:
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    if kind is Tensor:
        value = value.view(np.ndarray)
    elif not hasattr(value, "__array_ufunc__"):
        own_dtype = hasattr(value, "dtype")
        value = np.asarray(value)
        if dtype is None and not own_dtype and value.dtype == np.float64:
            dtype = config.floatx()
    return value if dtype is None or value.dtype == dtype else value.astype(dtype)


def number_of(array: Any) -> Any:
    """Return what makes numbers that go with those of an array: the scalar type of its dtype.

    An array type that keeps something beside its values (`refkeras.precision.BarArray`: error bars) may have an
    attribute `number`, which makes them of its own kind, so that what they take part in is followed as well.

        >>> number_of(np.ones(3, "float32"))(0.1)
        np.float32(0.1)
    """
    return getattr(array, "number", array.dtype.type)
