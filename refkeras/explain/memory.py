"""Keeping a ledger within its bounds: what is dropped first, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

from refkeras.explain.capture import nbytes
from refkeras.explain.records import EpochRecord, PhaseRecord, RunRecord, TermBatch

__all__ = ["dropped", "make_room", "trace_bytes"]


def make_room(run: RunRecord, current: PhaseRecord, wanted: int) -> int:
    """Drop what is least missed until `wanted` bytes are free; return how many were freed.

    First the samples of epochs between others, those that lie closest together first; then those of the batch that
    was just added; then the batches, in the same order.
    """
    freed = 0
    for has, drop in ((_has_samples, _drop_samples), (_has_batches, _drop_batches)):
        while freed < wanted:
            epoch = _least_missed(run, has)
            if epoch is None:
                break
            freed += drop(epoch)
        if freed < wanted and current.batches:
            freed += _drop_latest(current, drop is _drop_batches)
        if freed >= wanted:
            break
    return freed


def _least_missed(run: RunRecord, has: Callable[[EpochRecord], bool]) -> EpochRecord | None:
    """Return the epoch whose neighbours are closest together; never the first or the last."""
    kept = [epoch for epoch in run.history if has(epoch)]
    inner = [(kept[i + 1].number - kept[i - 1].number, i) for i in range(1, len(kept) - 1)]
    return kept[min(inner)[1]] if inner else None


def _phases(epoch: EpochRecord) -> list[PhaseRecord]:
    return [phase for phase in (epoch.train, epoch.validation) if phase is not None]


def _has_samples(epoch: EpochRecord) -> bool:
    return any(phase.dropped_samples < len(phase.batches) for phase in _phases(epoch))


def _has_batches(epoch: EpochRecord) -> bool:
    return any(phase.batches for phase in _phases(epoch))


def _drop_samples(epoch: EpochRecord) -> int:
    freed = trace_bytes(epoch)
    epoch.traces = []
    for phase in _phases(epoch):
        freed += sum(_without_samples(phase, i) for i in range(len(phase.batches)))
        phase.dropped_samples = len(phase.batches)
    return freed


def _without_samples(phase: PhaseRecord, index: int) -> int:
    batch = phase.batches[index]
    freed = nbytes(batch, samples_only=True)
    for part in batch.parts:
        part.values = part.weights = part.samples = None
        if isinstance(part, TermBatch):
            part.mask = part.sample_weight = None
    return freed


def _drop_batches(epoch: EpochRecord) -> int:
    freed = 0
    for phase in _phases(epoch):
        freed += sum(nbytes(batch) for batch in phase.batches)
        phase.dropped_batches += len(phase.batches)
        phase.batches.clear()
    return freed


def _drop_latest(phase: PhaseRecord, whole: bool) -> int:
    if whole:
        freed = nbytes(phase.batches.pop())
        phase.dropped_batches += 1
        return freed
    phase.dropped_samples += 1
    return _without_samples(phase, -1)


def trace_bytes(epoch: EpochRecord) -> int:
    """Return how many bytes an epoch's gates take."""
    return sum(values.nbytes for trace in epoch.traces for values in trace.values.values())


def dropped(run: RunRecord) -> list[str]:
    """Return what was dropped, one sentence each."""
    found = []
    for epoch in run.history:
        for what, phase in (("training", epoch.train), ("validation", epoch.validation)):
            if phase is None:
                continue
            if phase.dropped_batches:
                found.append(f"Epoch {epoch.number}: {_count(phase.dropped_batches)} of its {what} dropped.")
            if phase.dropped_samples and phase.batches:
                number = min(phase.dropped_samples, len(phase.batches))
                found.append(f"Epoch {epoch.number}: the samples of {_count(number)} of its {what} dropped.")
    return found


def _count(batches: int) -> str:
    return "1 batch" if batches == 1 else f"{batches} batches"
