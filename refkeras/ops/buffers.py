"""Uninitialized arrays whose memory is used again.

The memory of an array that is freed often goes back to the system, and comes back page by page, each of them cleared
first: for some megabytes that takes as long as an LSTM pass over them (`python benchmarks/page_faults.py`). So
the memory of arrays of middling size is kept, and given out again once no array refers to it.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

__all__ = ["buffer"]

#: What is smaller is quick to get; what is larger comes in pages of 2 MiB, which are quick to get too.
SMALLEST, LARGEST = 2**18, 2**24
#: How many bytes to keep in all.
KEPT = 2**26

_kept: list[np.ndarray] = []
_lock = threading.Lock()


def _references(place: int) -> int:
    """How many references there are to what is kept at a place: those of this call, and one for each view."""
    return sys.getrefcount(_kept[place])


def _count_of_none() -> int | None:
    """`_references` of memory that no array refers to; None where the count does not tell."""
    if sys.implementation.name != "cpython" or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    _kept.append(np.empty(1, np.uint8))
    try:
        alone = _references(0)
        view = _kept[0].view(np.int8).reshape(1, 1)
        return alone if _references(0) == alone + len(view) else None
    finally:
        _kept.clear()


# It depends on the release of Python.
_ALONE = _count_of_none()


def buffer(like: Any, *shape: int) -> Any:
    """An uninitialized array of this shape, in C order (`empty_like` would copy the order of `like`'s axes).

    Example:

        >>> a = buffer(np.zeros(1), 300, 200)
        >>> place = a.ctypes.data
        >>> del a
        >>> buffer(np.zeros(1), 200, 300).ctypes.data == place
        True
    """
    if type(like) is np.ndarray and _ALONE is not None:
        size = math.prod(shape) * like.itemsize
        if SMALLEST <= size <= LARGEST:
            return _memory(size).view(like.dtype).reshape(shape)
    return np.empty_like(like, shape=shape, order="C")


def _memory(size: int) -> np.ndarray:
    """Return `size` bytes that no other array refers to."""
    with _lock:
        for place in range(len(_kept)):
            if _kept[place].size == size and _references(place) == _ALONE:
                _kept.append(_kept.pop(place))
                return _kept[-1]
        memory = np.empty(size, np.uint8)
        _kept.append(memory)
        excess = sum(m.size for m in _kept) - KEPT
        while excess > 0:  # those unused for longest go first; what views need stays alive by itself
            excess -= _kept.pop(0).size
        return memory
