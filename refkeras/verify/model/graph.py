"""The calls of a model's layers as a graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Call", "trace_calls"]


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        place: the layer's path.
        kind: its class.
        call: which of its calls, from 0.
        sources: the numbers of the calls that its inputs come from; -1 - i for input i of the model.
    """

    place: str
    kind: str
    call: int
    sources: tuple[int, ...]


def trace_calls(calls: list[dict[str, Any]], arrays: dict[str, np.ndarray], inputs: list[np.ndarray]) -> list[Call]:
    """Find which call feeds which, by the arrays that went in and came out."""
    made = {_key(array): -1 - i for i, array in enumerate(inputs)}
    counts: dict[str, int] = {}
    found = []
    for number, entry in enumerate(calls):
        place = entry["layer"]
        counts[place] = counts.get(place, -1) + 1
        ins = [_key(arrays[name]) for part in ("args", "kwargs") for name in _names(entry[part])]
        sources = dict.fromkeys(made[key] for key in ins if key in made)
        found.append(Call(place, entry["class"], counts[place], tuple(sources)))
        for name in _names(entry["outputs"]):
            made[_key(arrays[name])] = number
    return found


def _names(structure: Any) -> Iterator[str]:
    if isinstance(structure, dict):
        if set(structure) == {"array"}:
            yield structure["array"]
            return
        structure = list(structure.values())
    if isinstance(structure, list):
        for item in structure:
            yield from _names(item)


def _key(array: np.ndarray) -> tuple[Any, ...]:
    return array.shape, array.dtype.name, hash(array.tobytes())
