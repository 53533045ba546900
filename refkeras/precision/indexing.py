"""Indices of numbers with error bars: which give views, and what a key may hold."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_view", "is_basic", "plain_key"]


def is_basic(key: Any) -> bool:
    """Whether a key is made of numbers and slices alone, so that NumPy gives a view for it."""
    items = key if isinstance(key, tuple) else (key,)
    return all(
        item is None or item is Ellipsis or (isinstance(item, (int, slice, np.integer)) and not isinstance(item, bool))
        for item in items
    )


def as_view(array: np.ndarray, key: Any) -> np.ndarray:
    """Index by a basic key so that a single number comes out as a view too."""
    key = key if isinstance(key, tuple) else (key,)
    return array[key if Ellipsis in key else (*key, Ellipsis)]


def plain_key(key: Any) -> Any:
    """Return a key with its arrays as plain ones.

    Raises:
        TypeError: an array in it has error bars.
    """
    if isinstance(key, tuple):
        return tuple(plain_key(item) for item in key)
    if hasattr(key, "deviations"):
        raise TypeError("Numbers with error bars cannot be indices.")
    return key.view(np.ndarray) if isinstance(key, np.ndarray) else key
