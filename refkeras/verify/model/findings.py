"""What came out of laying an engine's numbers beside refkeras's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkeras.precision import ALARM
from refkeras.verify.model.data import Data
from refkeras.verify.model.graph import Call
from refkeras.verify.model.loading import Missing

__all__ = ["ALARM", "COMPILED", "EDGES", "WHOLE", "Element", "Finding", "ModelOutcome", "Outcome", "find"]

WHOLE = "the model"
"""The place of what belongs to no layer."""

COMPILED = "compiled training"
"""The stage of the training as a whole, from the file's weights on."""

EDGES = (0.0, *(2.0**e for e in range(-6, 11)), math.inf)
"""Edges of the histogram's bins, in sigma."""

_AROUND = 3
"""How many neighbours of an element are shown on either side."""


@dataclass(frozen=True)
class Element:
    """One number on both sides: where it stands, the engine's value, refkeras's value, its bar, and the deviation."""

    index: tuple[int, ...]
    engine: float
    value: float
    sigma: float
    sigmas: float


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One tensor of one engine, judged.

    Attributes:
        stage: `"weights"`, `"layer"`, `"end to end"`, `"training"` or `"compiled training"`.
        place: the layer's path, or what else the tensor belongs to.
        call: which call of the layer, or which training step, from 0.
        quantity: what of it: `"output"`, `"gradient of kernel"`, ...
        shape: the tensor's shape.
        deviation: the largest difference.
        sigmas, ulps: the largest deviation in standard deviations of a correct evaluation's rounding error, and in
            units of last place.
        median: the median of the deviations, in sigma.
        beyond: how many elements are beyond the alarm.
        first: the first element beyond the alarm, or else the farthest one.
        around: it and its neighbours along the last axis (and, in a sequence, at the steps before and after).
        histogram: how many elements lie in each bin of `EDGES`.
        by_step: in a sequence, the largest deviation of every time step, in sigma.
        note: what else there is to say.
    """

    stage: str
    place: str
    quantity: str
    call: int = 0
    shape: tuple[int, ...] = ()
    deviation: float = 0.0
    sigmas: float = 0.0
    ulps: float = 0.0
    median: float = 0.0
    beyond: int = 0
    first: Element | None = None
    around: tuple[Element, ...] = ()
    histogram: tuple[int, ...] = ()
    by_step: tuple[float, ...] = ()
    note: str = ""

    @property
    def agrees(self) -> bool:
        return self.beyond == 0

    @property
    def step(self) -> int | None:
        """The first time step that leaves its bar, from 0; None if none does, or there are none."""
        return next((t for t, worst in enumerate(self.by_step) if not worst <= ALARM), None)


@dataclass(frozen=True)
class Outcome:
    """What came of one engine.

    Attributes:
        engine: its name.
        versions: what ran.
        findings: everything that was judged, in the order in which a mistake spreads.
        calls: the graph, in the order in which the engine ran it.
        untrained: why there was no training, where it was asked for.
    """

    engine: str
    versions: dict[str, str]
    findings: list[Finding]
    calls: list[Call]
    untrained: str = ""

    @property
    def agrees(self) -> bool:
        return all(finding.agrees for finding in self.findings)

    @property
    def culprit(self) -> Finding | None:
        """The first finding that disagrees."""
        return next((finding for finding in self.findings if not finding.agrees), None)


@dataclass(frozen=True)
class ModelOutcome:
    """What `refkeras verify MODEL` found."""

    file: str
    precision: str
    data: Data
    seed: int
    missing: list[Missing]
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return all(outcome.agrees for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether the whole model was judged."""
        return not self.missing


def find(
    value: np.ndarray,
    sigma: np.ndarray,
    engine: np.ndarray,
    sigmas: np.ndarray,
    ulps: np.ndarray,
    *,
    time_axis: int | None = None,
    **where: Any,
) -> Finding:
    """Make the finding of one tensor.

    Args:
        value, sigma: refkeras's value and its bar.
        engine: the engine's value.
        sigmas, ulps: how far apart they are; NaN counts as infinitely far.
        time_axis: the axis of time, in a sequence.
        where: `stage`, `place`, `call` and `quantity`.
    """
    engine = np.asarray(engine)
    far = np.where(np.isnan(sigmas), np.inf, sigmas)
    if far.size == 0:
        return Finding(shape=engine.shape, **where)
    bad = far > ALARM
    index = _first(bad if bad.any() else far == far.max(), time_axis)

    def element(index: tuple[int, ...]) -> Element:
        return Element(index, *(float(a[index]) for a in (engine, value, sigma, far)))

    with np.errstate(invalid="ignore"):
        apart = np.abs(engine.astype("float64") - value)
    return Finding(
        shape=engine.shape,
        deviation=_largest(apart),
        sigmas=_largest(far),
        ulps=_largest(ulps),
        median=float(np.median(far)),
        beyond=int(bad.sum()),
        first=element(index),
        around=tuple(element(i) for i in _around(index, engine.shape, time_axis)),
        histogram=tuple(int(n) for n in _histogram(far)),
        by_step=_by_step(far, time_axis),
        **where,
    )


def _first(marked: np.ndarray, time_axis: int | None) -> tuple[int, ...]:
    """Return the index of the first marked element; in a sequence, of the earliest."""
    if marked.ndim == 0:
        return ()
    ahead = 0 if time_axis is None else time_axis
    earliest = np.moveaxis(marked, ahead, 0)
    at = [int(i) for i in np.unravel_index(int(earliest.argmax()), earliest.shape)]
    at.insert(ahead, at.pop(0))
    return tuple(at)


def _largest(array: np.ndarray) -> float:
    return math.inf if np.isnan(array).any() else float(array.max(initial=0))


def _histogram(far: np.ndarray) -> np.ndarray:
    # np.histogram leaves out infinity.
    return np.bincount(np.searchsorted(EDGES[1:-1], far.ravel(), side="right"), minlength=len(EDGES) - 1)


def _by_step(far: np.ndarray, time_axis: int | None) -> tuple[float, ...]:
    if time_axis is None:
        return ()
    steps = np.moveaxis(far, time_axis, 0)
    return tuple(float(step.max(initial=0)) for step in steps)


def _around(index: tuple[int, ...], shape: Sequence[int], time_axis: int | None) -> list[tuple[int, ...]]:
    """Return the element's index and those beside it, in order."""
    if not index:
        return [index]
    found = {index}
    for axis in {len(shape) - 1, *(() if time_axis is None else (time_axis,))}:
        for moved in range(max(0, index[axis] - _AROUND), min(shape[axis], index[axis] + _AROUND + 1)):
            found.add((*index[:axis], moved, *index[axis + 1 :]))
    return sorted(found)
