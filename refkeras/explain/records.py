"""What a ledger keeps of a run: plain data, which goes to a JSON file and back without a changed bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from refkeras.explain.derivation import plain

__all__ = [
    "BatchRecord",
    "EpochRecord",
    "MeasureBatch",
    "MeasureInfo",
    "PhaseRecord",
    "RunRecord",
    "Samples",
    "TermBatch",
    "TermInfo",
    "Trace",
]

Array = Any


@dataclass
class Samples:
    """What one loss or metric read of one batch, sample by sample.

    Attributes:
        form: how a value is computed from them (see `samples`).
        targets: what it compared with, of the shape of `inputs` or that without its last axis (classes).
        inputs: what its formula starts from: logits or predictions.
        outputs: the model's output, where `inputs` are not it.
        params: the form's parameters.
        logits: what a softmax or sigmoid made the inputs of, where it is known.
        smoothing, share: label smoothing: a target t counts as t (1 − smoothing) + share.
        ignored: the class that counts as 0.
    """

    form: str
    targets: Array
    inputs: Array
    outputs: Array | None = None
    params: dict[str, Any] = field(default_factory=dict)
    logits: Array | None = None
    smoothing: float = 0.0
    share: float = 0.0
    ignored: int | None = None


@dataclass
class TermBatch:
    """One loss in one batch.

    Attributes:
        value: what the batch's values were reduced to.
        values: one for each sample (or step of a sample), before weights; None if they are not kept.
        weights: what they were multiplied by, of the same shape; None for 1.
        sample_weight, mask: what the weights were made of.
        divisor: what the sum was divided by: 1 where it was not, 0 where that gives 0, None where nothing counted.
        samples: what they were computed from, if kept.
    """

    value: Any
    values: Array | None = None
    weights: Array | None = None
    sample_weight: Array | None = None
    mask: Array | None = None
    divisor: float | None = None
    samples: Samples | None = None


@dataclass
class MeasureBatch:
    """One metric in one batch.

    Attributes:
        total, count: what the batch adds to the metric's total and count; None if it is no mean.
        values: what the metric's function gave, before weights; None if not kept.
        weights: the weights of the values; None for 1.
        samples: what they were computed from, if kept.
        steps: what becomes of the values of a sample that has several: they are `"counted"` each by itself,
            `"averaged"` and then weighted, or `"weighted"` and then averaged.
        sums: what the batch adds to the sums that a metric of another kind keeps, by their names.
        reduced: how a loss that is the metric's function came to its one number.
    """

    total: Any = None
    count: float = 0.0
    values: Array | None = None
    weights: Array | None = None
    samples: Samples | None = None
    steps: str = "counted"
    sums: dict[str, Array] = field(default_factory=dict)
    reduced: TermBatch | None = None

    @property
    def parts(self) -> list[TermBatch | MeasureBatch]:
        return [self] if self.reduced is None else [self, self.reduced]


@dataclass
class BatchRecord:
    """One batch.

    Attributes:
        size: its rows.
        total: its loss, penalties included; None without one.
        terms, measures: in the order of `RunRecord.terms` and `.measures`; a term that was not computed is None.
        penalties: `[name, value, parts]` for each, the parts being `[name, factor, value]`.
        step: updates made before it; None outside training.
        rate: the learning rate of its update; None outside training.
        norms: the norms of the gradients, in the order of `RunRecord.variables`; None for one that got none.
        rows: numbers by which the rows can be found again in other epochs.
    """

    size: int
    total: Any
    terms: list[TermBatch | None]
    measures: list[MeasureBatch]
    penalties: list[list[Any]] = field(default_factory=list)
    step: int | None = None
    rate: Any = None
    norms: list[Any] | None = None
    rows: list[int] | None = None

    @property
    def parts(self) -> list[TermBatch | MeasureBatch]:
        """What is kept of its losses and metrics."""
        found: list[TermBatch | MeasureBatch] = [term for term in self.terms if term is not None]
        return found + [part for measure in self.measures for part in measure.parts]


@dataclass
class PhaseRecord:
    """The training or the validation of one epoch.

    Attributes:
        batches: its batches; those that were dropped are not among them.
        dropped_batches: how many of the last batches are not kept.
        dropped_samples: how many of the batches have lost what was kept of their samples.
    """

    batches: list[BatchRecord] = field(default_factory=list)
    dropped_batches: int = 0
    dropped_samples: int = 0


@dataclass
class Trace:
    """What the gates of one LSTM were for some samples after an epoch: arrays (samples, T, units) by name."""

    layer: str
    values: dict[str, Array]


@dataclass
class EpochRecord:
    """One epoch.

    Attributes:
        number: counted from 1, as the log prints it.
        logs: what it logged, in order.
        seconds: how long it took.
        steps: the batches of its training.
        train, validation: its batches; None where there was none.
        traces: gates of LSTMs.
    """

    number: int
    logs: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    steps: int = 0
    train: PhaseRecord | None = None
    validation: PhaseRecord | None = None
    traces: list[Trace] = field(default_factory=list)


@dataclass
class TermInfo:
    """One loss of the run.

    Attributes:
        key: what its own value is logged under; None where it is not.
        output: the name of its output.
        loss: the name of the loss.
        factor: its weight in the total; None for a plain sum.
        reduction: how it becomes one number.
    """

    key: str | None
    output: str
    loss: str
    factor: float | None
    reduction: str | None


@dataclass
class MeasureInfo:
    """One metric of the run.

    Attributes:
        key, output: what it is logged under, and the name of its output.
        kind: `"mean"` of values, `"root"` of their mean, `"sum"` of them, `"r2"`, or `"other"`.
        weighted: whether it counts sample weights.
        params: its own arguments, where they matter.
    """

    key: str
    output: str
    kind: str
    weighted: bool
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class RunRecord:
    """A run.

    Attributes:
        model: the model's name.
        semantics: the Keras that it was.
        dtype: what losses and means are kept in.
        running: whether logs are running means over the epoch; if not, `BaseLogger` averages batches.
        parts_by_rows: whether the means of the outputs' losses weigh batches by their rows.
        progress: the dialect of the progress line.
        epochs: how many were asked for.
        terms, measures: the losses and metrics; None before the first batch.
        variables: the paths of the weights that are trained.
        optimizer: its name.
        schedule: the record of its learning-rate schedule, if it has one.
        max_bytes: the bound on what is kept.
        history: the epochs.
        evaluations: what `evaluate` computed outside `fit`, each as an epoch with validation alone.
        watched: which rows the traces are of, in words.
    """

    model: str = ""
    semantics: str = ""
    dtype: str = "float32"
    running: bool = True
    parts_by_rows: bool = False
    progress: str = "keras-3"
    epochs: int = 0
    terms: list[TermInfo] | None = None
    measures: list[MeasureInfo] | None = None
    variables: list[str] = field(default_factory=list)
    optimizer: str = ""
    schedule: dict[str, Any] | None = None
    max_bytes: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    evaluations: list[EpochRecord] = field(default_factory=list)
    watched: str = ""

    @property
    def finished(self) -> list[EpochRecord]:
        """The epochs that were logged; one that was interrupted, or goes on, is not among them."""
        return [epoch for epoch in self.history if epoch.logs]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return _plain(self)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> RunRecord:
        """Return the run that `to_dict` described.

        Raises:
            ValueError: something is missing or is not what it should be.
        """
        try:
            return _restored(cls, found)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"This is no record of a run: {error}") from None


_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        Samples,
        TermBatch,
        MeasureBatch,
        BatchRecord,
        PhaseRecord,
        Trace,
        EpochRecord,
        TermInfo,
        MeasureInfo,
        RunRecord,
    )
}
# Which fields hold records: the class of the field, or of each of its items.
_INSIDE = {
    "samples": Samples,
    "reduced": TermBatch,
    "terms": {"BatchRecord": TermBatch, "RunRecord": TermInfo},
    "measures": {"BatchRecord": MeasureBatch, "RunRecord": MeasureInfo},
    "batches": BatchRecord,
    "train": PhaseRecord,
    "validation": PhaseRecord,
    "traces": Trace,
    "history": EpochRecord,
    "evaluations": EpochRecord,
}


def _plain(value: Any) -> Any:
    if type(value).__name__ in _CLASSES:
        items = ((item.name, getattr(value, item.name)) for item in fields(value))
        return {name: _plain(found) for name, found in items if found is not None}  # what is left out is None
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.floating):
        return {"value": plain(value), "dtype": value.dtype.name}
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, dict):
        return {str(key): _plain(found) for key, found in value.items()}
    return [_plain(found) for found in value] if isinstance(value, (list, tuple)) else value


def _array(array: Array) -> dict[str, Any]:
    """An array's numbers in the order of its memory, which sums depend on."""
    order = _memory_order(array)
    flat = array.transpose(order).ravel()
    if flat.dtype.kind == "f":
        finite = np.isfinite(flat).all()
        numbers = [float(str(v)) for v in flat] if flat.dtype == np.float32 else flat.tolist()
        data = numbers if finite else [plain(v) for v in flat]
    else:
        data = flat.tolist()
    found = {"shape": list(array.shape), "dtype": array.dtype.name, "data": data}
    return found if order == list(range(array.ndim)) else {**found, "order": order}


def _memory_order(array: Array) -> list[int]:
    return sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))


def _restored(cls: Any, found: Any) -> Any:
    known = {item.name for item in fields(cls)}
    unknown = set(found) - known
    if unknown:
        raise KeyError(f"{cls.__name__} has no field {sorted(unknown)[0]!r}")
    values = {}
    for name, value in found.items():
        inside = _INSIDE.get(name)
        inside = inside.get(cls.__name__) if isinstance(inside, dict) else inside
        if inside is None:
            values[name] = _value(value)
        elif isinstance(value, list):
            values[name] = [None if item is None else _restored(inside, item) for item in value]
        else:
            values[name] = _restored(inside, value)
    if cls is EpochRecord:
        values["logs"] = {key: float(number) for key, number in values.get("logs", {}).items()}
    # Fields that are None are left out of the file.
    return cls(**{**dict.fromkeys(_required(cls)), **values})


def _required(cls: Any) -> Iterable[str]:
    from dataclasses import MISSING

    return [item.name for item in fields(cls) if item.default is MISSING and item.default_factory is MISSING]


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"value", "dtype"}:
            return np.dtype(value["dtype"]).type(value["value"])
        if {"shape", "dtype", "data"} <= value.keys():
            order = value.get("order", list(range(len(value["shape"]))))
            flat = np.array(value["data"], value["dtype"])
            return flat.reshape([value["shape"][axis] for axis in order]).transpose(np.argsort(order))
        return {key: _value(found) for key, found in value.items()}
    return [_value(found) for found in value] if isinstance(value, list) else value
