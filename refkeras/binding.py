"""Binding of arguments where each Keras has its own names, in its own order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from refkeras.naming import did_you_mean

__all__ = ["by_name", "unexpected"]


def by_name(label: str, names: Sequence[str], args: Sequence[Any], kwargs: Iterable[str]) -> dict[str, Any]:
    """The positional arguments by their names; `label` is what was called, and `kwargs` the names given by keyword.

    >>> by_name("f", ("x", "y"), (1,), ["y"])
    {'x': 1}

    Raises:
        TypeError: more than there are names, or one that is given by keyword, too.
    """
    if len(args) > len(names):
        known = f"{len(names)} positional arguments ({', '.join(names)})"
        raise TypeError(f"{label}() takes at most {known} but {len(args)} were given.")
    given = dict(zip(names, args, strict=False))
    for name in kwargs:
        if name in given:
            raise TypeError(f"{label}() got multiple values for argument {name!r}.")
    return given


def unexpected(label: str, name: str, names: Sequence[str]) -> TypeError:
    """The error for a keyword that is none of the names."""
    return TypeError(
        f"{label}() got an unexpected keyword argument {name!r}.{did_you_mean(name, names)} "
        f"It takes: {', '.join(names) or 'none'}."
    )
