"""Derivations of the numbers of a run, built from its records."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.explain.batches import BatchView, derive_measure
from refkeras.explain.derivation import Derivation, Inputs, derive, given, shown
from refkeras.explain.parts import derive_parts
from refkeras.explain.records import BatchRecord, EpochRecord, PhaseRecord, RunRecord
from refkeras.explain.scores import derive_r2
from refkeras.naming import did_you_mean

__all__ = ["EpochView", "explain", "keys_of"]

RATES = ("learning_rate", "lr")
NORM = "gradient_norm"


def keys_of(run: RunRecord) -> list[str]:
    """Return what can be explained: the keys of the logs, the learning rate, the norm of the gradient."""
    keys = dict.fromkeys(key for epoch in (*run.history, *run.evaluations) for key in epoch.logs)
    batches = [batch for epoch in run.history if epoch.train for batch in epoch.train.batches]
    if any(batch.rate is not None for batch in batches):
        keys.setdefault("learning_rate")
    if any(batch.norms for batch in batches):
        keys.setdefault(NORM)
    return list(keys)


def explain(
    run: RunRecord, key: str, epoch: int | None = None, batch: int | None = None, evaluation: int | None = None
) -> Derivation:
    """Return where a number comes from; arguments as in `Ledger.explain`."""
    if evaluation is not None and epoch is not None:
        raise ValueError(f"epoch={epoch} and evaluation={evaluation} cannot both be given.")
    if evaluation is not None or not run.history:
        record = _chosen(run.evaluations, "evaluation", evaluation)
        return EpochView(run, record, evaluated=True).explain(key, batch)
    return EpochView(run, _chosen(run.finished, "epoch", epoch)).explain(key, batch)


def _chosen(records: list[EpochRecord], what: str, number: int | None) -> EpochRecord:
    if not records:
        raise ValueError(f"The ledger has no {what} yet: pass it to fit or evaluate as a callback.")
    if number is None:
        return records[-1]
    for record in records:
        if record.number == number:
            return record
    first, last = records[0].number, records[-1].number
    known = f"{first} to {last}" if last > first else str(first)
    raise ValueError(f"There is no {what} {number}; there are {known} (counted from 1, as the log prints them).")


class EpochView:
    """One epoch of a run, or one evaluation.

    Args:
        run: the run.
        record: the epoch.
        evaluated: whether it is a call of `evaluate`, whose keys have no prefix.
    """

    def __init__(self, run: RunRecord, record: EpochRecord, evaluated: bool = False) -> None:
        self.run, self.record, self.evaluated = run, record, evaluated
        self.when = f"evaluation {record.number}" if evaluated else f"epoch {record.number}"
        self._views: dict[tuple[int, int], BatchView] = {}
        self._found: dict[str, Derivation] = {}

    def explain(self, key: str, batch: int | None = None) -> Derivation:
        """Return where the value of a key comes from.

        Raises:
            ValueError: an unknown key or batch.
        """
        run, logs = self.run, self.record.logs
        phase, base = self.phase_of(key)
        special = base in RATES or base == NORM
        if key not in logs and not (special and key in keys_of(run)):
            known = list(dict.fromkeys([*logs, *(k for k in keys_of(run) if k in RATES or k == NORM)]))
            raise ValueError(f"{self.when} has no {key!r}.{did_you_mean(key, known)} There are: {', '.join(known)}.")
        if batch is not None:
            return self.of_batch(key, base, phase, batch)
        if base == NORM:
            return self.last_batch().gradient_norm()
        if base in RATES:
            return self.rate(key)
        return self.of_epoch(key)

    def phase_of(self, key: str) -> tuple[PhaseRecord | None, str]:
        """Return the batches that a key is about, and the key without `val_`."""
        if self.evaluated:
            return self.record.validation, key
        if key.startswith("val_"):
            return self.record.validation, key.removeprefix("val_")
        return self.record.train, key

    def kind_of(self, base: str) -> tuple[str, int]:
        """Return whether a key is the `"loss"`, a `"term"`, a `"measure"` or `"other"`, and its number."""
        if base == "loss":
            return "loss", 0
        groups: tuple[tuple[str, list[Any]], ...] = ("term", self.run.terms or []), ("measure", self.run.measures or [])
        for kind, infos in groups:
            for i, info in enumerate(infos):
                if info.key == base:
                    return kind, i
        return "other", 0

    def view(self, phase: PhaseRecord, number: int) -> BatchView:
        """Return a batch, counted from 0."""
        if (id(phase), number) not in self._views:
            what = "evaluation" if self.evaluated else "validation" if phase is self.record.validation else "training"
            batch = phase.batches[number]
            view = BatchView(self.run, batch, f"batch {number + 1} ({batch.size} rows)", what)
            self._views[id(phase), number] = view
        return self._views[id(phase), number]

    # -- one batch -------------------------------------------------------------------

    def of_batch(self, key: str, base: str, phase: PhaseRecord | None, number: int) -> Derivation:
        """Return where a batch's own value comes from."""
        count = 0 if phase is None else len(phase.batches)
        if phase is None or not 1 <= number <= count:
            gone = (
                f" {phase.dropped_batches} were dropped to stay within max_bytes."
                if phase and phase.dropped_batches
                else ""
            )
            raise ValueError(f"{self.when} has {count} batches of {key!r}, counted from 1; {number} is none.{gone}")
        view = self.view(phase, number - 1)
        kind, i = self.kind_of(base)
        if base == NORM:
            return view.gradient_norm()
        if base in RATES:
            return view.rate()
        if kind == "loss":
            return view.loss()
        if kind == "term":
            return view.term(i)
        if kind == "measure":
            return view.measure_mean(i)
        raise ValueError(f"{key!r} is logged by a callback, once an epoch: it has no batches.")

    def last_batch(self) -> BatchView:
        phase = self.record.train
        if phase is None or not phase.batches:
            raise ValueError(f"The batches of {self.when} were dropped to stay within max_bytes.")
        return self.view(phase, len(phase.batches) - 1)

    def rate(self, key: str) -> Derivation:
        logged = self.record.logs.get(key)
        phase = self.record.train
        if phase is None or not phase.batches or phase.batches[-1].rate is None:
            assert logged is not None
            return given(f"{key} of {self.when}", logged, ["Logged by a callback."])
        last = self.last_batch().rate()
        if logged is None or logged == float(last.value):
            return last
        note = "Logged by a callback at the end of the epoch; the last update was made with another rate."
        found = given(f"{key} of {self.when}", logged, [note])
        found.also.append(last)
        return found

    # -- a whole epoch ---------------------------------------------------------------

    def of_epoch(self, key: str) -> Derivation:
        """Return where a logged value comes from."""
        if key not in self._found:
            self._found[key] = self._of_epoch(key)
        return self._found[key]

    def _of_epoch(self, key: str) -> Derivation:
        name = f"{key} of {self.when}"
        phase, base = self.phase_of(key)
        logged = self.record.logs[key]
        kind, i = self.kind_of(base)
        if kind == "other" or phase is None:
            return given(name, logged, ["It is not of the losses and means that can be taken apart: as it was logged."])
        if phase.dropped_batches or not phase.batches:
            return given(name, logged, ["As it was logged: the batches were dropped to stay within max_bytes."])
        try:
            found = self.mean_of(name, phase, kind, i)
        except NotKeptError as error:
            return given(name, logged, [f"As it was logged: {error}"])
        if float(found.value) != logged and not (np.isnan(found.value) and np.isnan(logged)):
            found.notes.append(
                f"The log says {shown(logged)}: it was changed after it was computed, by a callback or by evaluating "
                "the model within the epoch."
            )
        if kind == "loss":
            found.also += derive_parts(self, key, phase, found)
        return found

    def mean_of(self, name: str, phase: PhaseRecord, kind: str, i: int, by_rows: bool | None = None) -> Derivation:
        """Return the mean over the batches, as the engine takes it.

        Args:
            name: what it is called.
            phase: the batches.
            kind, i: what of them: see `kind_of`.
            by_rows: whether batches weigh by their rows; by default, as in the run.
        """
        running = self.run.running or phase is self.record.validation
        if not running:
            return self.mean_of_logs(name, phase, kind, i)
        if kind == "measure":
            return self.mean_of_measure(name, phase, range(len(phase.batches)), i)
        views = [self.view(phase, b) for b in range(len(phase.batches))]
        if by_rows is None:
            by_rows = kind == "loss" or self.run.parts_by_rows
        weights = [batch.size if by_rows else 1 for batch in phase.batches]

        def make(b: int) -> Derivation:
            return views[b].loss() if kind == "loss" else views[b].term(i)

        values = np.array([_value_of(batch, kind, i) for batch in phase.batches], self.run.dtype)
        counted = "each batch counts by its rows" if by_rows else "each batch counts once, whatever its rows"
        return derive(
            name, "running_mean", Inputs(values, make), self.run.dtype, weights=weights, notes=[f"Here {counted}."]
        )

    def mean_of_measure(self, name: str, phase: PhaseRecord, numbers: range, i: int) -> Derivation:
        """Return what a metric came to over batches."""
        info = self.run.measures[i]  # type: ignore[index]
        if info.kind == "other":
            raise NotKeptError(f"the metric {info.key!r} is not a mean of a function's values.")
        if info.kind == "r2":
            return derive_r2(name, info, i, [self.view(phase, b) for b in numbers])
        measured = [phase.batches[b].measures[i] for b in numbers]
        return derive_measure(name, info, measured, lambda b: self.view(phase, numbers[b]).measure_total(i))

    def mean_of_logs(self, name: str, phase: PhaseRecord, kind: str, i: int) -> Derivation:
        """Return the mean that Keras 2.0's `BaseLogger` takes of the batches' own logs, in double precision."""
        sizes = [batch.size for batch in phase.batches]

        def log_of(b: int) -> Derivation:
            view = self.view(phase, b)
            label = f"what {view.name} logged"
            if kind == "measure":
                return self.mean_of_measure(label, phase, range(b, b + 1), i)
            own = view.loss() if kind == "loss" else view.term(i)
            return derive(label, "running_mean", [own], self.run.dtype, weights=[sizes[b]])

        logs = [log_of(b) for b in range(len(sizes))]
        note = "Here each batch logged its own value, and BaseLogger averaged them by rows, in double precision."
        return derive(name, "running_mean", logs, "float64", weights=sizes, notes=[note])


class NotKeptError(Exception):
    """What a derivation needs was not kept."""


def _value_of(batch: BatchRecord, kind: str, i: int) -> Any:
    if kind == "loss":
        if batch.total is None:
            raise NotKeptError("there is no loss, or one that is not reduced to a number.")
        return batch.total
    term = batch.terms[i] if i < len(batch.terms) else None
    if term is None or np.ndim(term.value):
        raise NotKeptError("this loss is not reduced to a number.")
    return term.value
