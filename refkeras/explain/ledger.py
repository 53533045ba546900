"""`Ledger`: a callback that keeps what the numbers of a run were made of."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from refkeras import config, semantics, tree
from refkeras.callbacks.callback import Callback
from refkeras.explain import capture, memory
from refkeras.explain.derivation import Derivation, plain
from refkeras.explain.records import (
    BatchRecord,
    EpochRecord,
    MeasureInfo,
    PhaseRecord,
    RunRecord,
    TermInfo,
    Trace,
)
from refkeras.optimizers.schedules import LearningRateSchedule
from refkeras.training.steps import StepRecord
from refkeras.variable import Variable

__all__ = ["Ledger"]


class Ledger(Callback):
    """Keeps what a run logged and what that was made of, so that `explain` can take any number apart.

    It changes no number of the run. Of every batch it keeps the size, the losses and weights of the samples, the
    hits of the metrics, the penalties, the learning rate and the norms of the gradients, and what each sample's loss
    was computed from.

    Args:
        max_bytes: about how much memory to take. When that is reached, epochs between others lose what was kept of
            their samples (the first and the latest keep it longest), then of their batches; `dropped` says which.
        samples: whether to keep what the samples' losses were computed from at all.
        traces: of how many rows to keep the gates of LSTMs, after every epoch.

    Attributes:
        run: the records, a `records.RunRecord`.

    Raises:
        ValueError: `max_bytes` or `traces` is negative.

    >>> import numpy as np, refkeras as keras
    >>> keras.utils.set_random_seed(7)
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y, ledger = np.eye(3, dtype="float32"), np.ones((3, 1), "float32"), Ledger()
    >>> history = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[ledger])
    >>> loss = ledger.explain("loss", epoch=2)
    >>> float(loss.value) == history.history["loss"][1], len(loss.inputs), loss.verify()
    (True, 2, 15)
    """

    def __init__(self, *, max_bytes: int = 256 * 2**20, samples: bool = True, traces: int = 3) -> None:
        super().__init__()
        if max_bytes < 0 or traces < 0:
            raise ValueError(f"max_bytes={max_bytes} and traces={traces} must not be negative.")
        self.max_bytes, self.samples, self.traces = max_bytes, samples, traces
        self.run = RunRecord(max_bytes=max_bytes)
        self._start_again()

    def _start_again(self) -> None:
        self._bytes = 0
        self._fitting = False
        self._epoch: EpochRecord | None = None
        self._phase: PhaseRecord | None = None
        self._logs: dict[str, Any] | None = None
        self._rows: dict[bytes, int] = {}
        self._watched: Any = None
        self._began = 0.0
        self._ready = False

    # -- recording -------------------------------------------------------------------

    def _header(self) -> RunRecord:
        rules, model = semantics.current(), self.model
        compiled, optimizer = model._compiled, model.optimizer
        rate = getattr(optimizer, "_learning_rate", None)
        schedule = None
        if isinstance(rate, LearningRateSchedule):
            from refkeras.optimizers import schedules

            schedule = schedules.serialize(rate)
        return RunRecord(
            model=model.name,
            semantics=rules.name,
            dtype=compiled.loss_tracker.dtype if compiled is not None else config.floatx(),
            running=rules.batch_logs == "running",
            parts_by_rows=rules.part_losses_count == "rows" or model.run_eagerly,
            progress=rules.progress_line,
            epochs=(self.params or {}).get("epochs") or 0,
            optimizer=getattr(optimizer, "name", type(optimizer).__name__),
            schedule=schedule,
            max_bytes=self.max_bytes,
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start_again()
        self._fitting = True
        self.run = self._header()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._close()
        self._phase = PhaseRecord()
        self._epoch = EpochRecord(epoch + 1, train=self._phase)
        self.run.history.append(self._epoch)
        self._began = time.perf_counter()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._phase = PhaseRecord()
        if self._fitting and self._epoch is not None:
            self._epoch.validation = self._phase
            return
        if not self.run.model:
            self.run = self._header()
        self._epoch = EpochRecord(len(self.run.evaluations) + 1, validation=self._phase)
        self.run.evaluations.append(self._epoch)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._fitting and self._epoch is not None:
            self._epoch.logs = _numbers(logs or {})
            self._epoch = self._phase = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # Callbacks after this one may add to the logs: they are read when the epoch is closed.
        self._logs = logs
        assert self._epoch is not None
        self._epoch.seconds = round(time.perf_counter() - self._began, 6)
        self._trace(self._epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._close()
        self._fitting = False
        self._epoch = self._phase = None

    def _close(self) -> None:
        if self._epoch is not None and self._logs is not None:
            self._epoch.logs = _numbers(self._logs)
        self._logs = None

    def _watch_step(self, record: StepRecord) -> None:
        if self._phase is None or self._epoch is None:
            return
        if record.training:
            self._epoch.steps += 1
        if self._phase.dropped_batches:
            self._phase.dropped_batches += 1
            return
        if not self._ready:
            self._describe(record)
        batch = capture.batch_record(record, keep_samples=self.samples)
        batch.rows = self._numbered(record)
        if record.training:
            self._add_update(batch, record)
        self._bytes += capture.nbytes(batch)
        self._phase.batches.append(batch)
        if self._bytes > self.max_bytes:
            self._bytes -= memory.make_room(self.run, self._phase, self._bytes - self.max_bytes)

    def _describe(self, record: StepRecord) -> None:
        """Note the losses and metrics, once the first batch has shown them."""
        self._ready = True
        compiled, bound = self.model._compiled, record.bound
        names = _output_names(self.model, len(record.preds))
        factors = {step.index: step.factor for step in bound.steps}
        self.run.terms = [
            TermInfo(
                None if term.name is None else f"{term.name}_loss",
                names[term.output],
                getattr(term.loss, "name", type(term.loss).__name__),
                None if factors.get(i) is None else plain(factors[i]),
                getattr(term.loss, "reduction", None),
            )
            for i, term in enumerate(compiled.compile_loss.terms)
        ]
        entries = [step.entry for step in bound.metrics]
        self.run.measures = [
            MeasureInfo(
                entry.key,
                names[entry.output],
                capture.kind_of(entry.metric),
                entry.weighted,
                capture.arguments_of(entry.metric),
            )
            for entry in entries
        ]
        if self.traces and self._has_lstm():
            # A model of a fixed batch size, as a stateful one has, takes no other.
            fixed = any(tensor.shape[0] is not None for tensor in getattr(self.model, "inputs", None) or ())
            rows = record.size if fixed else self.traces
            self._watched = tree.map_structure(lambda x: np.array(x[:rows]), record.inputs)
            self.run.watched = f"the first {min(self.traces, record.size)} rows of the first training batch"

    def _numbered(self, record: StepRecord) -> list[int]:
        """Number the rows: those of a validation as they come, those of training as they are first met."""
        assert self._phase is not None
        if not record.training:
            start = sum(batch.size for batch in self._phase.batches)
            return list(range(start, start + record.size))
        columns = [np.ascontiguousarray(x) for x in record.xs]
        keys = [b"".join(column[i].tobytes() for column in columns) for i in range(record.size)]
        return [self._rows.setdefault(key, len(self._rows)) for key in keys]

    def _add_update(self, batch: BatchRecord, record: StepRecord) -> None:
        optimizer = self.model.optimizer
        iterations = getattr(optimizer, "iterations", None)
        batch.step = None if iterations is None else int(np.asarray(iterations))
        rate = getattr(optimizer, "_learning_rate", None)
        if type(rate) is Variable:
            batch.rate = np.asarray(optimizer._rate())[()]
        elif isinstance(rate, LearningRateSchedule):
            batch.rate = np.asarray(optimizer._scheduled())[()]
        # A callable of the user's own is not called once more: it may count its calls.
        self.run.variables = [variable.path for variable in record.variables]
        batch.norms = [None if g is None else _norm(g) for g in record.gradients]

    # -- gates -----------------------------------------------------------------------

    def _has_lstm(self) -> bool:
        from refkeras.layers import LSTM

        return any(isinstance(layer, LSTM) for layer in self.model._flatten_layers())

    def _trace(self, epoch: EpochRecord) -> None:
        if self._watched is None:
            return
        from refkeras.explain.passes import lstm_traces

        epoch.traces = [Trace(name, values) for name, values in lstm_traces(self.model, self._watched, self.traces)]
        self._bytes += memory.trace_bytes(epoch)

    # -- what was kept ---------------------------------------------------------------

    @property
    def dropped(self) -> list[str]:
        """What was dropped to stay within `max_bytes`, one sentence each; empty if nothing was."""
        return memory.dropped(self.run)

    @property
    def keys(self) -> list[str]:
        """What `explain` can explain."""
        from refkeras.explain.building import keys_of

        return keys_of(self.run)

    @property
    def epochs(self) -> list[int]:
        """The numbers of the epochs that were logged, counted from 1."""
        return [epoch.number for epoch in self.run.finished]

    def explain(
        self, key: str = "loss", epoch: int | None = None, batch: int | None = None, *, evaluation: int | None = None
    ) -> Derivation:
        """Return where a number of the run comes from.

        Args:
            key: a key of the log (`"val_loss"`), `"learning_rate"` or `"gradient_norm"`.
            epoch: counted from 1, as the log prints it; the last one by default.
            batch: counted from 1: the value of that batch alone, instead of the epoch's.
            evaluation: counted from 1: a call of `evaluate`, instead of an epoch of `fit`.

        Raises:
            ValueError: there is no such key, epoch, batch or evaluation; the message names those that there are.
        """
        from refkeras.explain.building import explain

        return explain(self.run, key, epoch, batch, evaluation)

    def log(self) -> str:
        """Return the log of the run as its Keras prints it; times are the ledger's own."""
        from refkeras.explain.log import log_text

        return log_text(self.run)

    def plot_plateau(self, ax: Any = None, *, sample: int | None = None) -> Any:
        """Draw the sample whose loss falls furthest while its class stays wrong (see `plots.plot_plateau`)."""
        from refkeras.explain.plots import plot_plateau

        return plot_plateau(self.run, ax, sample=sample)

    # -- files -----------------------------------------------------------------------

    @classmethod
    def of(cls, run: RunRecord) -> Ledger:
        """Return the ledger that holds these records."""
        ledger = cls(max_bytes=run.max_bytes)
        ledger.run = run
        return ledger

    def save(self, path: str | Path) -> None:
        """Write it to a JSON file, which `explain.load` reads."""
        from refkeras.explain.files import save

        save([self], path)


def _numbers(logs: dict[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in logs.items() if np.ndim(value) == 0 and _is_number(value)}


def _output_names(model: Any, count: int) -> list[str]:
    names = getattr(model, "output_names", None)
    if names is None:
        names = [model.layers[-1].name] if count == 1 and model.layers else [f"output_{i + 1}" for i in range(count)]
    return list(names)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or hasattr(value, "__float__")


def _norm(gradient: Any) -> Any:
    flat = np.ravel(gradient)
    return np.sqrt(np.add.reduce(flat * flat))
