"""One script for the callbacks of refkeras and of real Kerases: a fit without a model, and all that can be seen of it.

A run is plain data (so that runs of Keras 2.0.4 can be recorded):

    {"callbacks": [[class name, keyword arguments], ...], "metrics": [[name, direction or None], ...],
     "rate": float, "verbose": int, "sizes": [samples of each batch],
     "epochs": [{"batches": [logs, ...], "end": logs}, ...]}
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.clock import printed

__all__ = ["Engine", "FakeModel", "play", "refkeras_engine"]


class Metric:
    def __init__(self, name: str, direction: str | None) -> None:
        self.name = name
        if direction is not None:
            self._direction = direction


class Group:
    def __init__(self, metrics: list[Metric]) -> None:
        self.name = "compile_metrics"
        self.metrics = metrics


class Optimizer:
    """An optimizer as callbacks see it: a learning rate held in float32."""

    def __init__(self, rate: float) -> None:
        self._rate = np.float32(rate)

    @property
    def learning_rate(self) -> np.float32:
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate = np.float32(value)

    lr = learning_rate


class FakeModel:
    """A model whose weights say how many batches it has seen, and that remembers what is asked of it."""

    def __init__(self, optimizer: Any, metrics: list[Any]) -> None:
        self.optimizer = optimizer
        self.metrics = metrics
        self.stop_training = False
        self.batches = 0
        self.calls: list[Any] = []

    def get_weights(self) -> list[Any]:
        return [np.array(self.batches)]

    def set_weights(self, weights: list[Any]) -> None:
        self.calls.append(["set_weights", int(weights[0])])

    def save(self, filepath: Any, overwrite: bool = True, options: Any = None) -> None:
        self.calls.append(["save", str(filepath), Path(filepath).parent.is_dir()])

    def save_weights(self, filepath: Any, overwrite: bool = True, options: Any = None) -> None:
        self.calls.append(["save_weights", str(filepath), Path(filepath).parent.is_dir()])


class Engine:
    """What differs between engines in how a fit is set up."""

    logger = "refkeras"
    passes_sizes = False

    def __init__(self, callbacks: Any) -> None:
        self.callbacks = callbacks

    def optimizer(self, rate: float) -> Any:
        return Optimizer(rate)

    def metrics(self, metrics: list[Metric]) -> list[Any]:
        return [Metric("loss", None), Group(metrics)]

    def model(self, rate: float, metrics: list[Any]) -> FakeModel:
        return FakeModel(self.optimizer(rate), self.metrics([Metric(*metric) for metric in metrics]))

    def rate(self, model: FakeModel) -> float:
        return float(model.optimizer.learning_rate)

    def hooks(self, callbacks: list[Any], model: FakeModel, run: dict[str, Any]) -> Any:
        params: dict[str, Any] = {"verbose": run["verbose"], "epochs": len(run["epochs"]), "steps": len(run["sizes"])}
        if self.passes_sizes:
            params |= {
                "samples": sum(run["sizes"]),
                "metrics": run["reported"],
                "validation_samples": run["validation"],
            }
        hooks = self.callbacks.CallbackList(
            callbacks, add_history=True, add_progbar=run["verbose"] != 0, model=model, **params
        )
        hooks._async_train = False
        return hooks


def refkeras_engine(keras_2_0: bool = False) -> Engine:
    """refkeras, under the semantics in force."""
    from refkeras import callbacks

    engine = Engine(callbacks)
    engine.passes_sizes = keras_2_0
    return engine


def play(engine: Engine, run: dict[str, Any]) -> dict[str, Any]:
    """Return all that can be seen of the run: prints, warnings, history, rates, calls on the model, files."""
    seen: dict[str, Any] = {"error": None, "rates": []}
    with _folder() as folder, printed() as output, _complaints(engine.logger) as complaints:
        try:
            _fit(engine, run, seen)
        except Exception as error:
            # A user sees the type and, from Keras, its own words; refkeras's say more.
            seen["error"] = type(error).__name__
        seen["files"] = {
            str(path.relative_to(folder)): path.read_bytes().decode() if path.is_file() else None
            for path in sorted(folder.rglob("*"))
        }
    seen["printed"] = output.getvalue()
    # A constructor that refuses may have warned before, or not.
    seen["complaints"] = sorted(complaints) if "calls" in seen else []
    return {key: _plain(value) for key, value in seen.items()}


def _fit(engine: Engine, run: dict[str, Any], seen: dict[str, Any]) -> None:
    model = engine.model(run["rate"], run["metrics"])
    callbacks = [_make(engine.callbacks, *spec) for spec in run["callbacks"]]
    seen["calls"] = model.calls
    hooks = engine.hooks(callbacks, model, run)
    try:
        _epochs(engine, run, hooks, model, seen)
    finally:
        history = getattr(model, "history", None)
        seen["history"] = None if history is None else history.history
        seen["stopped"] = model.stop_training
        seen["state"] = [
            {name: getattr(callback, name, None) for name in ("wait", "best", "stopped_epoch", "cooldown_counter")}
            for callback in callbacks
        ]
        for callback in callbacks:
            getattr(getattr(callback, "csv_file", None), "close", lambda: None)()


def _epochs(engine: Engine, run: dict[str, Any], hooks: Any, model: FakeModel, seen: dict[str, Any]) -> None:
    begin = getattr(hooks, "on_train_batch_begin", None) or hooks.on_batch_begin
    end = getattr(hooks, "on_train_batch_end", None) or hooks.on_batch_end
    sizes = run["sizes"]
    hooks.on_train_begin()
    for epoch, content in enumerate(run["epochs"]):
        hooks.on_epoch_begin(epoch)
        for step, logs in enumerate(content["batches"]):
            logs = {"batch": step, "size": sizes[step]} | logs if engine.passes_sizes else dict(logs)
            begin(step, {"batch": step, "size": sizes[step]} if engine.passes_sizes else None)
            model.batches += 1
            end(step, logs)
            if model.stop_training and not engine.passes_sizes:
                break
        hooks.on_epoch_end(epoch, dict(content["end"]))
        seen["rates"].append(engine.rate(model))
        if model.stop_training:
            break
    hooks.on_train_end()


def _make(callbacks: Any, name: str, arguments: dict[str, Any]) -> Any:
    if name == "LearningRateScheduler":
        arguments = dict(arguments)
        arguments["schedule"] = SCHEDULES[arguments["schedule"]]
    return getattr(callbacks, name)(**arguments)


SCHEDULES: dict[str, Callable[..., Any]] = {
    "halve": lambda epoch, rate: rate / 2,
    "by epoch": lambda epoch: 0.5 / (epoch + 1),
    "float32": lambda epoch: np.float32(0.3),
    "integer": lambda epoch: 1,
    "keep": lambda epoch, rate: rate,
}


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        Path("old.csv").write_text("kept")
        Path("empty.csv").write_text("")
        yield Path(name)


@contextlib.contextmanager
def _complaints(logger: str) -> Iterator[list[list[str]]]:
    """Collect warnings and what is logged as warning, as `[category, text]`."""
    found: list[list[str]] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(["log", record.getMessage()])

    log, collect = logging.getLogger(logger), Collect(logging.WARNING)
    level, propagates, handlers = log.level, log.propagate, log.handlers
    log.handlers, log.propagate = [collect], False
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield found
        found.extend([item.category.__name__, str(item.message)] for item in caught)
    finally:
        log.handlers, log.propagate = handlers, propagates
        log.setLevel(level)


def _plain(value: Any) -> Any:
    """JSON-ready: numbers by their repr, so that NaN equals NaN and 0.1 is told from float32(0.1)."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.floating, float)):
        return f"{'float32 ' if getattr(value, 'dtype', None) == np.float32 else ''}{float(value)!r}"
    if isinstance(value, np.ndarray):
        return _plain(value[()]) if value.ndim == 0 else _plain(value.tolist())
    return value if isinstance(value, (str, int, bool, type(None))) else repr(value)
