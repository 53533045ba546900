"""Derivations within one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.explain.derivation import Derivation, Inputs, derive, given
from refkeras.explain.records import BatchRecord, MeasureBatch, MeasureInfo, RunRecord, Samples, TermBatch
from refkeras.explain.samples import derive_value, in_memory_order
from refkeras.explain.scores import derive_r2

__all__ = ["BatchView", "derive_measure"]

_REDUCED = {
    "sum": "The loss has reduction='sum': nothing is divided.",
    "mean_with_sample_weight": "The loss has reduction='mean_with_sample_weight': it is divided by the sum of the "
    "weights.",
}
_AS_GIVEN = "As its function gave it, which is not one that is taken apart, or what it read is not kept."
_GONE = "What it was computed from is not kept."
_IGNORED = "Keras adds 0 for a sample of the ignored class, and counts it all the same."
_ONE_NUMBER = "The metric is a loss, which makes one number of a batch: each batch counts once, whatever its size."


class BatchView:
    """One batch.

    Args:
        run, batch: its records.
        name: what it is called.
        phase: `"training"`, `"validation"` or `"evaluation"`.
    """

    def __init__(self, run: RunRecord, batch: BatchRecord, name: str, phase: str) -> None:
        self.run, self.batch, self.name, self.phase = run, batch, name, phase
        self._found: dict[tuple[str, int], Derivation] = {}

    # -- losses ----------------------------------------------------------------------

    def _once(self, what: str, i: int, make: Callable[[], Derivation]) -> Derivation:
        """Return a derivation that is made when it is first asked for, and then kept."""
        if (what, i) not in self._found:
            self._found[what, i] = make()
        return self._found[what, i]

    def loss(self) -> Derivation:
        """Return where the batch's loss comes from: its outputs' losses, weighted, and the penalties."""
        return self._once("loss", 0, self._loss)

    def _loss(self) -> Derivation:
        name = f"loss of {self.name}"
        batch, infos = self.batch, self.run.terms or []
        if batch.total is None:
            return given(name, np.nan, ["There is no loss, or one that is not reduced to a number."])
        found = [(i, term) for i, term in enumerate(batch.terms) if term is not None and not np.ndim(term.value)]
        factors: list[float | None] = [infos[i].factor for i, _ in found]
        if len(found) == 1 and factors == [None] and not batch.penalties:
            return self._checked(self.term(found[0][0]))
        inputs = [self.term(i) for i, _ in found]
        inputs += [self.penalty(*penalty) for penalty in batch.penalties]
        factors += [None] * len(batch.penalties)
        if len(inputs) > len(batch.penalties) > 0:
            note = ["The last ones are penalties, which are added as they are."]
        else:
            note = []
        if not inputs:
            return given(name, batch.total, [_GONE])
        return self._checked(derive(name, "weighted_sum", inputs, batch.total.dtype, factors=factors, notes=note))

    def _checked(self, found: Derivation) -> Derivation:
        """Give the step's own value where what is kept does not lead to it."""
        total = self.batch.total
        if found.value == total or (np.isnan(found.value) and np.isnan(total)):
            return found
        return given(found.name, total, [f"As the step computed it. What is kept would give {found.shown}."])

    def _term_name(self, i: int) -> str:
        info = (self.run.terms or [])[i]
        if info.key is not None:
            return f"{info.key} of {self.name}"
        alone = info.factor is None and not self.batch.penalties
        return f"{'loss' if alone else info.loss} of {self.name}"

    def penalty(self, name: str, value: Any, parts: list[list[Any]]) -> Derivation:
        """Return where a penalty comes from."""
        if not parts:
            return given(name, value)
        inputs = [given(f"{what} over its weights, before the update", found) for what, _, found in parts]
        factors = [float(str(np.float32(f))) if value.dtype == np.float32 else f for _, f, _ in parts]
        return derive(name, "weighted_sum", inputs, value.dtype, factors=factors)

    def term(self, i: int) -> Derivation:
        """Return where one output's loss comes from: the values of the samples, and their weights."""
        return self._once("term", i, lambda: self._term(i))

    def _term(self, i: int) -> Derivation:
        info, term = (self.run.terms or [])[i], self.batch.terms[i]
        assert term is not None
        notes = [f"{info.loss} of the output {info.output!r}."]
        if term.values is not None and info.reduction in _REDUCED:
            notes.append(_REDUCED[info.reduction])
        return self._reduced(self._term_name(i), term, notes)

    def _reduced(self, name: str, term: TermBatch, notes: list[str], what: str = "loss") -> Derivation:
        """Return where the one number comes from that a loss makes of its values."""
        if term.values is None:
            return given(name, term.value, [*notes, _GONE])
        flat, place = in_memory_order(term.values)
        dtype = flat.dtype

        def value(j: int) -> Derivation:
            return self._value(f"{what} of {self.sample(place(j))}", term.samples, place(j), flat[j])

        if term.weights is None:
            inputs = Inputs(flat, value)
        else:
            weights, _ = in_memory_order(_like(term.weights, term.values))
            inputs = Inputs(flat * weights, lambda j: self._weighted(value(j), term, place(j), weights[j]))
            if term.divisor != flat.size:
                notes.append(f"There are {flat.size} values.")
        if term.divisor is None:
            notes.append("No value counts.")
        return derive(name, "mean", inputs, dtype, divisor=term.divisor, notes=notes)

    def _weighted(self, value: Derivation, term: TermBatch, index: tuple[int, ...], weight: Any) -> Derivation:
        found = self._times(value, self.sample(index), weight)
        found.inputs[1].notes += _weight_notes(term, index)
        return found

    def _value(self, name: str, samples: Samples | None, index: tuple[int, ...], value: Any) -> Derivation:
        if samples is None:
            return given(name, value, [_AS_GIVEN])
        return derive_value(name, samples, index, value.dtype)

    def sample(self, index: tuple[int, ...]) -> str:
        """Return the name of a sample, or of a step of one."""
        rows = self.batch.rows
        name = f"sample {index[0] + 1}" if index else "the batch"
        if index and rows is not None and self.phase != "training" and index[0] < len(rows):
            name += f" ({self.phase} row {rows[index[0]] + 1})"
        return name + "".join(f", step {step + 1}" for step in index[1:])

    # -- metrics ---------------------------------------------------------------------

    def measure_total(self, i: int) -> Derivation:
        """Return where the total that a batch adds to a metric comes from."""
        return self._once("total", i, lambda: self._measure_total(i))

    def _measure_total(self, i: int) -> Derivation:
        info, measured = (self.run.measures or [])[i], self.batch.measures[i]
        name = f"{info.key}, total of {self.name}"
        if measured.values is None:
            return given(name, measured.total, [_GONE])
        if measured.steps != "counted" and measured.values.ndim > 1:
            return self._total(self._of_steps(name, info.key, measured), measured)
        flat, place = in_memory_order(measured.values)

        def value(j: int) -> Derivation:
            if measured.reduced is not None:
                return self._reduced(f"{info.key} of the batch", measured.reduced, [_ONE_NUMBER], info.key)
            label = f"{info.key} of {self.sample(place(j))}"
            return self._value(label, measured.samples, place(j), flat[j])

        if measured.weights is None:
            notes = [_IGNORED] if _ignores(measured.samples) else []
            return self._total(derive(name, "sum", Inputs(flat, value), flat.dtype, notes=notes), measured)
        weights, _ = in_memory_order(_like(measured.weights, measured.values))

        def weighted(j: int) -> Derivation:
            return self._times(value(j), self.sample(place(j)), weights[j])

        return self._total(derive(name, "sum", Inputs(flat * weights, weighted), flat.dtype), measured)

    def _times(self, value: Derivation, sample: str, weight: Any) -> Derivation:
        return derive(f"weighted {value.name}", "product", [value, given(f"weight of {sample}", weight)], value.dtype)

    def _of_steps(self, name: str, key: str, measured: MeasureBatch) -> Derivation:
        """Return a metric's total where each sample has several values, of which the mean counts."""
        values, weights = measured.values, measured.weights
        assert values is not None
        first = measured.steps == "weighted"

        def step(index: tuple[int, ...]) -> Derivation:
            found = self._value(f"{key} of {self.sample(index)}", measured.samples, index, values[index])
            return self._times(found, self.sample(index), weights[index]) if first and weights is not None else found

        def sample(i: int) -> Derivation:
            own = values[i] * weights[i] if first and weights is not None else values[i]
            inputs = Inputs(own.ravel(), lambda j: step((i, *map(int, np.unravel_index(j, own.shape)))))
            found = derive(f"{key} of {self.sample((i,))}", "mean", inputs, values.dtype, divisor=own.size)
            if first or weights is None:
                return found
            return self._times(found, self.sample((i,)), weights[i])

        return derive(name, "sum", [sample(i) for i in range(len(values))], values.dtype)

    def _total(self, found: Derivation, measured: MeasureBatch) -> Derivation:
        if found.value == measured.total or np.isnan(found.value):
            return found
        return given(found.name, measured.total, [_GONE])

    def measure_mean(self, i: int) -> Derivation:
        """Return what a metric is in this batch alone."""
        info, measured = (self.run.measures or [])[i], self.batch.measures[i]
        if info.kind == "other":
            raise ValueError(f"The metric {info.key!r} is not a mean of a function's values: no batch has its own.")
        name = f"{info.key} of {self.name}"
        if info.kind == "r2":
            return derive_r2(name, info, i, [self])
        return derive_measure(name, info, [measured], lambda _: self.measure_total(i))

    # -- the update ------------------------------------------------------------------

    def rate(self) -> Derivation:
        """Return where the learning rate of the batch's update comes from."""
        name = f"learning_rate of {self.name}"
        if self.batch.rate is None:
            raise ValueError("The learning rate is a function of the script's own, which was not called once more.")
        if self.run.schedule is not None and self.batch.step is not None:
            step = given("updates made before", float(self.batch.step))
            found = derive(name, "schedule", [step], self.batch.rate.dtype, config=self.run.schedule)
            if found.value == self.batch.rate:
                return found
        note = f"As it stood in the optimizer {self.run.optimizer!r}; {self.batch.step} updates had been made."
        return given(name, self.batch.rate, [note])

    def gradient_norm(self) -> Derivation:
        """Return the norm of all gradients together."""
        pairs = zip(self.run.variables, self.batch.norms or (), strict=True)
        inputs = [given(f"norm of the gradient of {path}", norm) for path, norm in pairs if norm is not None]
        if not inputs:
            raise ValueError(f"{self.name} of the {self.phase} made no update.")
        note = "Before the optimizer clips anything."
        return derive(f"gradient_norm of {self.name}", "root_sum_squares", inputs, inputs[0].dtype, notes=[note])


def derive_measure(
    name: str, info: MeasureInfo, measured: Sequence[MeasureBatch], total: Callable[[int], Derivation]
) -> Derivation:
    """Return what a metric came to over batches, from what each of them adds to it.

    Args:
        name: what it is called.
        info: the metric.
        measured: what it was in the batches.
        total: gives the derivation of a batch's total.
    """
    values = np.array([m.total for m in measured], measured[0].total.dtype)
    if info.kind == "sum":
        return derive(name, "running_sum", Inputs(values, total), values.dtype)
    formula = "root_of_mean" if info.kind == "root" else "total_over_count"
    return derive(name, formula, Inputs(values, total), values.dtype, counts=[m.count for m in measured])


def _like(array: Any, other: Any) -> Any:
    """Return the array laid out in memory as the other is."""
    found = np.empty_like(other)
    found[...] = array
    return found


def _ignores(samples: Samples | None) -> bool:
    return samples is not None and samples.ignored is not None and bool(np.any(samples.targets == samples.ignored))


def _weight_notes(term: TermBatch, index: tuple[int, ...]) -> list[str]:
    if term.mask is None:
        return []
    counts = bool(term.mask[index[: term.mask.ndim]])
    number = int(np.count_nonzero(term.mask))
    how = (
        f"{term.mask.size} places, of which {number} count: each of these weighs {term.mask.size}/{number}"
        if number
        else "none counts"
    )
    note = f"{'Counts' if counts else 'Masked out'} by the mask ({how}, in a mean)."
    if term.sample_weight is None:
        return [note]
    return [note, "Times its sample weight."]
