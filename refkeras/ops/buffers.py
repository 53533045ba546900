"""Uninitialized arrays whose memory is used again.

The memory of an array that is freed often goes back to the system, and comes back page by page, each of them cleared
first: for some megabytes that takes as long as an LSTM pass over them (docs/performance.md). So the
memory of arrays of middling size is kept, and given out again once no array refers to it.
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
# Only where a count of references tells that there is none.
_counts = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def buffer(like: Any, *shape: int) -> Any:
    """An uninitialized array of this shape, in C order (`empty_like` would copy the order of `like`'s axes).

    Example:

        >>> a = buffer(np.zeros(1), 300, 200)
        >>> place = a.ctypes.data
        >>> del a
        >>> buffer(np.zeros(1), 200, 300).ctypes.data == place
        True
    """
    if type(like) is np.ndarray and _counts:
        size = math.prod(shape) * like.itemsize
        if SMALLEST <= size <= LARGEST:
            return _memory(size).view(like.dtype).reshape(shape)
    return np.empty_like(like, shape=shape, order="C")


def _memory(size: int) -> np.ndarray:
    """Return `size` bytes that no other array refers to."""
    with _lock:
        for place in range(len(_kept)):
            memory = _kept[place]
            # Referred to by the list, by this name and by the call: by no view.
            if memory.size == size and sys.getrefcount(memory) == 3:
                _kept.append(_kept.pop(place))
                return memory
        memory = np.empty(size, np.uint8)
        _kept.append(memory)
        excess = sum(m.size for m in _kept) - KEPT
        while excess > 0:  # those unused for longest go first; what views need stays alive by itself
            excess -= _kept.pop(0).size
        return memory
