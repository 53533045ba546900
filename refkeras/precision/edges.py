"""Decisions that a rounding error could turn: argmax, thresholds, the corners of relu, clip and max."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras.precision.rounding import spread
from refkeras.precision.store import aligned

__all__ = ["ALARM", "Edges", "count", "counting", "lost", "near", "sigma", "unknown"]

#: Beyond this many standard deviations a difference is no rounding error.
ALARM = 8.0
#: A σ that is larger than this, and within the alarm than the number itself, or float32's largest, came of
#: `rounding.LARGEST`.
_UNKNOWN, _BEYOND = 2.0**64, 2.0**128


@dataclass
class Edges:
    """How many decisions there were, and how many of them lay within the alarm of turning out otherwise."""

    decisions: int = 0
    near: int = 0


_tallies: list[Edges] = []


@contextmanager
def counting() -> Iterator[Edges]:
    """Count the decisions that are made inside the block.

    >>> from refkeras import precision
    >>> with counting() as edges:
    ...     flags = precision.exact([1.0, 3.0]) / 3.0 > 1.0
    >>> edges
    Edges(decisions=2, near=1)
    """
    tally = Edges()
    _tallies.append(tally)
    try:
        yield tally
    finally:
        _tallies.remove(tally)


def count(near_ones: np.ndarray) -> None:
    """Note decisions, and which of them were near."""
    for tally in _tallies:
        tally.decisions += near_ones.size
        tally.near += int(np.count_nonzero(near_ones))


def sigma(x: Any) -> Any:
    """The standard deviation of the error of an operand's values."""
    return 0.0 if x.deviations is None else spread(x.deviations)


def unknown(value: Any, sigma: Any) -> Any:
    """Of which numbers nothing can be said, as what they were divided by may be 0, or are the root of less."""
    with np.errstate(all="ignore"):  # NaN came of several of them
        return ~(sigma < _UNKNOWN) & ~(ALARM * sigma < np.minimum(np.abs(value), _BEYOND))


def lost(x: Any) -> np.ndarray | None:
    """Of which of an operand's numbers nothing can be said, or None where something can be of all."""
    d = x.deviations
    if d is None or not d.size or d.max() < _UNKNOWN:  # nearly always
        return None
    where = np.asarray(unknown(x.value, spread(d)))
    return where if where.any() else None


def near(a: Any, b: Any) -> np.ndarray:
    """Where the difference of two operands is within the alarm of zero."""
    with np.errstate(all="ignore"):
        gap = np.asarray(a.value - b.value)
        if a.deviations is None and b.deviations is None:
            return np.zeros(gap.shape, bool)
        sigma = spread(_difference(a, b, gap.ndim))
        return (np.abs(gap) <= ALARM * sigma) & (sigma > 0)


def _difference(a: Any, b: Any, ndim: int) -> np.ndarray:
    parts = [None if x.deviations is None else aligned(x.deviations, ndim) for x in (a, b)]
    if parts[0] is None:
        return parts[1]  # type: ignore[return-value]
    return parts[0] if parts[1] is None else parts[0] - parts[1]
