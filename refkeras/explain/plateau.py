"""The plateau of accuracy: samples whose loss falls while another class stays ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras.explain.records import EpochRecord, PhaseRecord, RunRecord, Samples

__all__ = ["Course", "find_courses"]

_CLASSES = {
    "crossentropy_of_logits",
    "crossentropy_of_probabilities",
    "minus_log_softmax",
    "minus_log_share",
    "minus_log_clipped_share",
}


@dataclass
class Course:
    """One sample over the epochs.

    Attributes:
        row: its number in the data it was first met in, counted from 1.
        phase: `"validation"` or `"training"`.
        output: the name of the output.
        target: its class.
        epochs: the numbers of the epochs that its values are kept of.
        losses: its loss, −ln p.
        probabilities: the model's output for it, (epochs, classes).
        right: whether its class was ahead.
        batches, places: where its loss is found in each epoch, both counted from 0.
        first, last: the stretch (positions in `epochs`) in which its class stayed behind.
    """

    row: int
    phase: str
    output: str
    target: int
    epochs: list[int]
    losses: list[float]
    probabilities: Any
    right: list[bool]
    batches: list[int]
    places: list[int]
    first: int
    last: int

    @property
    def fall(self) -> float:
        """How far its loss fell while its class stayed behind."""
        return self.losses[self.first] - self.losses[self.last]


def find_courses(run: RunRecord, count: int = 5) -> list[Course]:
    """Return the samples whose loss fell furthest while their class stayed behind, the furthest first.

    Of validation rows, where there are some, else of training rows; none for a model that does not classify, or
    where the samples were dropped.
    """
    for phase in ("validation", "training"):
        for term in range(len(run.terms or ())):
            found = [course for course in _courses(run, phase, term) if course.fall > 0]
            if found:
                return sorted(found, key=lambda course: -course.fall)[:count]
    return []


def _courses(run: RunRecord, phase: str, term: int) -> list[Course]:
    seen: dict[int, list[tuple[Any, ...]]] = {}
    for epoch in run.finished:
        for entry in _samples_of(epoch, phase, term):
            seen.setdefault(entry[0], []).append(entry[1:])
    info = (run.terms or [])[term]
    return [course for row, entries in seen.items() if (course := _course(row, phase, info.output, entries))]


def _samples_of(epoch: EpochRecord, phase: str, term: int) -> list[tuple[Any, ...]]:
    """Return `(row, epoch, loss, p, target, batch, place)` of each sample."""
    record: PhaseRecord | None = epoch.validation if phase == "validation" else epoch.train
    found = []
    for b, batch in enumerate(record.batches if record else ()):
        part = batch.terms[term] if term < len(batch.terms) else None
        if part is None or part.samples is None or part.values is None or part.samples.form not in _CLASSES:
            continue
        samples: Samples = part.samples
        if part.values.ndim != 1 or batch.rows is None:
            continue
        p = samples.inputs if samples.outputs is None else samples.outputs
        targets = samples.targets.argmax(-1) if samples.targets.ndim > 1 else samples.targets
        for i, row in enumerate(batch.rows):
            found.append((row, epoch.number, float(part.values[i]), p[i], int(targets[i]), b, i))
    return found


def _course(row: int, phase: str, output: str, entries: list[tuple[Any, ...]]) -> Course | None:
    epochs, losses, p, targets, batches, places = zip(*entries, strict=True)
    if len(set(epochs)) < len(epochs) or len(set(targets)) > 1 or len(epochs) < 2:
        return None  # rows that are alike, or met twice
    right = [int(np.argmax(v)) == targets[0] for v in p]
    first, last = _longest(right, losses)
    if last <= first:
        return None
    return Course(
        row + 1, phase, output, targets[0], list(epochs), list(losses), np.array(p), right, list(batches),
        list(places), first, last,
    )  # fmt: skip


def _longest(right: list[bool], losses: Any) -> tuple[int, int]:
    """Return the stretch of wrong epochs over which the loss falls furthest."""
    best, start = (0, 0), None
    for i, is_right in enumerate([*right, True]):
        if is_right:
            if start is not None and losses[start] - losses[i - 1] > losses[best[0]] - losses[best[1]]:
                best = start, i - 1
            start = None
        elif start is None:
            start = i
    return best
