"""Uninitialized arrays whose memory is used again.

The memory of an array that is freed often goes back to the system, and comes back page by page, each of them cleared
first: for some megabytes that takes as long as an LSTM pass over them (`python benchmarks/page_faults.py`). A virtual
machine may moreover give what is free for a second or two back to the machine around it, and getting it from there
takes longer still. So the memory of large arrays is kept, and given out again once no array refers to it.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

__all__ = ["buffer", "release"]

#: Bytes of the smallest array whose memory is kept. What is smaller is quick to get.
SMALLEST = 2**18
#: How many bytes to keep in all, if ever so many were in use at once, and how many in any case.
KEPT, KEPT_ALWAYS = 2**30, 2**26

_kept: list[np.ndarray] = []
_most_in_use = 0
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
        if SMALLEST <= size <= KEPT:
            return _memory(size).view(like.dtype).reshape(shape)
    return np.empty_like(like, shape=shape, order="C")


def release() -> None:
    """Give back what is kept."""
    global _most_in_use
    with _lock:
        _kept.clear()
        _most_in_use = 0


def _memory(size: int) -> np.ndarray:
    """Return `size` bytes that no other array refers to."""
    with _lock:
        for place in range(len(_kept)):
            if _kept[place].size == size and _references(place) == _ALONE:
                _kept.append(_kept.pop(place))
                return _kept[-1]
        memory = np.empty(size, np.uint8)
        _kept.append(memory)
        _forget()
        return memory


def _forget() -> None:
    """Keep no more than was in use at once, or `KEPT_ALWAYS`, and in no case more than `KEPT`.

    What is free goes first, and of that what was not used for longest. What arrays refer to lives on without this list.
    """
    global _most_in_use
    sizes = [memory.size for memory in _kept]
    free = [place for place in range(len(_kept)) if _references(place) == _ALONE]
    _most_in_use = max(_most_in_use, sum(sizes) - sum(sizes[place] for place in free))
    excess = sum(sizes) - min(KEPT, max(KEPT_ALWAYS, _most_in_use))
    used = sorted(set(range(len(_kept))) - set(free))
    gone = set()
    for place in free + used:
        if excess <= 0:
            break
        gone.add(place)
        excess -= sizes[place]
    _kept[:] = [memory for place, memory in enumerate(_kept) if place not in gone]
