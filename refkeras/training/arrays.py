"""What counts as an array of data, and how its rows are taken.

Data of any size is left where it is: rows are copied for one batch, or one
epoch if they are few, and cast then (`keras/src/trainers/data_adapters/array_slicing.py`).
"""

from __future__ import annotations

import math
import mmap
import warnings
from typing import Any

import numpy as np

from refkeras import config
from refkeras.training.matching import is_nested

__all__ = ["RowSource", "as_array", "describe_type", "is_array_like", "to_floatx"]

RESIDENT_BYTES = 64 * 2**20
#: How much of a mapped file is read before its pages are given back.
MAPPED_BYTES = 64 * 2**20
#: What Linux maps around a byte that is touched (`fault_around_bytes`).
NEIGHBOURHOOD = 64 * 2**10
_REAL = "biuf"


def is_array_like(value: Any) -> bool:
    """Whether Keras takes `value` as an array of rows: an ndarray, pandas, SciPy sparse or a tensor (`__array__`)."""
    return isinstance(value, np.ndarray) or hasattr(value, "__array__") or _is_sparse(value)


def _is_sparse(value: Any) -> bool:
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocsr")


def as_array(value: Any, name: str) -> Any:
    """Return array-like data as an array of rows, without copying an ndarray.

    A pandas Series becomes one column; a SciPy matrix stays sparse.

    Raises:
        ValueError: objects, strings or dates.
        IndexError: a single number.
    """
    module = type(value).__module__
    if _is_sparse(value):
        value = value.tocsr()
    elif module.startswith("pandas"):
        value = value.to_numpy()[:, None] if value.ndim == 1 else value.to_numpy()
    elif not isinstance(value, np.ndarray) and not module.startswith("refkeras.precision"):
        value = np.asarray(value)
    if not value.shape:
        raise IndexError(f"{name} is a single value, {value!r}; expected an array with one row per sample.")
    if value.dtype.kind == "c":
        warnings.warn(f"{name} is complex; its imaginary part is discarded, as in TensorFlow.", stacklevel=2)
        return value.real
    if value.dtype.kind not in _REAL and value.dtype.name != "bfloat16":
        raise ValueError(
            f"Invalid dtype: {value.dtype.name}. {name} must be numbers (floats, integers or booleans); "
            f"convert it first, such as {name}.astype('float32')."
        )
    return value


def to_floatx(array: Any) -> Any:
    """Return floats as floatx; integers and booleans stay."""
    kind = array.dtype.kind
    if (kind != "f" and kind in _REAL) or array.dtype == config.floatx():
        return array
    return array.astype(config.floatx())


class RowSource:
    """The rows of one array, taken by batch.

    Attributes:
        resident: whether the whole array may be copied: it is small, and no file behind it.
        values: the array (cast to floatx where resident).
        buffer: the rows as they were last gathered.
    """

    __slots__ = ("_mapped", "_read", "buffer", "resident", "values")

    def __init__(self, array: Any) -> None:
        sparse = not hasattr(array, "nbytes") or _is_sparse(array)
        self.resident = not sparse and not isinstance(array, np.memmap) and array.nbytes <= RESIDENT_BYTES
        self.values = to_floatx(_plain(array)) if self.resident else array
        self.buffer: Any = None
        self._mapped = _shared_mapping(array)
        self._read = 0

    def gather(self, indices: np.ndarray) -> Any:
        """Return `values[indices]` in a buffer that the next call overwrites; for resident arrays."""
        values = self.values
        if self.buffer is None or len(self.buffer) != len(indices):
            self.buffer = np.empty_like(values, shape=(len(indices), *values.shape[1:]))
        # "clip" lets NumPy write straight into `out`; the indices are in range.
        return np.take(values, indices, axis=0, out=self.buffer, mode="clip")

    def take(self, batch: slice | np.ndarray) -> Any:
        """Return the rows of one batch as a plain array in floatx."""
        rows = self.values[batch] if self._mapped is None else self._from_file(batch)
        return to_floatx(rows.toarray() if _is_sparse(rows) else _plain(rows))

    def _from_file(self, batch: slice | np.ndarray) -> Any:
        """Return rows of a mapped file; pages that were read are given back, or they would stay this process's own.

        A row that is asked for alone brings its neighbourhood with it, so scattered rows are taken few at a time.
        """
        values = self.values
        if isinstance(batch, slice):
            rows = values[batch]
            self._let_go(rows.nbytes)
            return rows
        size = values.dtype.itemsize * math.prod(values.shape[1:])
        few = max(1, MAPPED_BYTES // max(size, NEIGHBOURHOOD))
        rows = np.empty((len(batch), *values.shape[1:]), values.dtype)
        for start in range(0, len(batch), few):
            part = batch[start : start + few]
            self._let_go(len(part) * max(size, NEIGHBOURHOOD))
            rows[start : start + few] = values[part]
        return rows

    def _let_go(self, coming: int) -> None:
        """Give back the pages that have been read before, if they and the coming bytes are too many."""
        self._read += coming
        if self._read > MAPPED_BYTES:
            self._mapped.madvise(mmap.MADV_DONTNEED)
            self._read = coming


def _shared_mapping(array: Any) -> Any:
    """Return the mapping behind a memmap whose pages come back from the file as they were; None if they may not.

    Pages of a private mapping (mode "c") hold what was written to the array and nowhere else.
    """
    if not isinstance(array, np.memmap) or array.mode not in ("r", "r+", "w+") or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def _plain(array: Any) -> Any:
    """Return subclasses of ndarray (memmap, Tensor) as plain ndarrays of the same memory."""
    return array.view(np.ndarray) if isinstance(array, np.ndarray) and type(array) is not np.ndarray else array


def describe_type(value: Any) -> str:
    """Return the type of data for a message, containers with what they hold."""
    if is_nested(value):
        items = value.values() if isinstance(value, dict) else value
        inside = sorted({type(item).__name__ for item in items})
        return f"{type(value).__name__} of {', '.join(inside) or 'nothing'}"
    return type(value).__name__
