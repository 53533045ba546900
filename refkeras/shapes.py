"""Shapes as they are given: to inputs, variables."""

from __future__ import annotations

from typing import Any

__all__ = ["checked"]


def checked(shape: Any) -> tuple[int | None, ...]:
    """Return a shape as a tuple.

    Raises:
        ValueError: it is no sequence, or has an entry that is neither None nor a non-negative integer.
    """
    if shape is None or isinstance(shape, (int, str)) or not hasattr(shape, "__iter__"):
        raise ValueError(f"Cannot convert '{shape}' to a shape. Expected a tuple of sizes, such as (15, 5).")
    sizes: list[int | None] = []
    for size in shape:
        if size is None:
            sizes.append(None)
        elif isinstance(size, bool) or not hasattr(size, "__index__"):
            raise ValueError(
                f"Cannot convert '{shape}' to a shape. Found invalid entry '{size}' of type '{type(size)}'. Expected "
                "non-negative integers or None."
            )
        elif int(size) < 0:
            raise ValueError(f"Cannot convert '{shape}' to a shape. Negative dimensions are not allowed.")
        else:
            sizes.append(int(size))
    return tuple(sizes)
