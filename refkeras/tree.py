"""Nested structures of lists, tuples and dicts, walked as Keras walks them (dict keys sorted)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["flatten", "map_structure", "pack_as", "paths", "same_structure", "with_sorted_keys"]


def flatten(structure: Any) -> list[Any]:
    """Return the leaves, depth first; a leaf alone gives a list of one."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in flatten(item)]
    return [structure]


def paths(structure: Any, start: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the keys that lead to each leaf, in the order of `flatten`."""
    if isinstance(structure, dict):
        return [path for key in sorted(structure) for path in paths(structure[key], (*start, key))]
    if isinstance(structure, (list, tuple)):
        return [path for key, item in enumerate(structure) for path in paths(item, (*start, key))]
    return [start]


def pack_as(structure: Any, leaves: list[Any]) -> Any:
    """Put `leaves` into the shape of `structure`.

    Raises:
        ValueError: the numbers of leaves differ.
    """
    expected = len(flatten(structure))
    if expected != len(leaves):
        raise ValueError(f"The structure has {expected} leaves, but {len(leaves)} were given.")
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], leaves) for key in sorted(structure)}
        return {key: packed[key] for key in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_pack(item, leaves) for item in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_pack(item, leaves) for item in structure)
    return next(leaves)


def with_sorted_keys(structure: Any) -> Any:
    """Return the structure with the keys of its dicts in alphabetical order."""
    if isinstance(structure, dict):
        return {key: with_sorted_keys(structure[key]) for key in sorted(structure)}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*map(with_sorted_keys, structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(map(with_sorted_keys, structure))
    return structure


def map_structure(function: Callable[..., Any], structure: Any) -> Any:
    """Apply `function` to every leaf."""
    return pack_as(structure, [function(leaf) for leaf in flatten(structure)])


def same_structure(a: Any, b: Any) -> bool:
    """Whether two structures nest alike (lists and tuples are told apart from dicts, not from each other)."""
    if isinstance(a, dict) or isinstance(b, dict):
        if not (isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys()):
            return False
        return all(same_structure(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        if not (isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b)):
            return False
        return all(same_structure(x, y) for x, y in zip(a, b, strict=True))
    return True
