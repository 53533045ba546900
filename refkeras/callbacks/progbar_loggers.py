"""The progress callback of each Keras."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from refkeras.callbacks.progbar_logger import ProgbarLogger
from refkeras.utils.io_utils import print_msg
from refkeras.utils.progbar import Keras3Progbar, Keras20Progbar, TfKerasProgbar

__all__ = ["DIALECTS"]


class Keras3ProgbarLogger(ProgbarLogger):
    """Counts steps and shows the last value of everything."""

    def __init__(self) -> None:
        super().__init__()

    def set_params(self, params: dict[str, Any]) -> None:
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.epochs = params["epochs"]
        self.target = params["steps"]

    def _need_line(self) -> None:
        if self.progbar is None:
            self.progbar = Keras3Progbar(target=self.target, verbose=self.verbose, stateless_metrics=())


class TfKerasProgbarLogger(ProgbarLogger):
    """Shows the last value of the model's metrics, and means of what callbacks add to the logs."""

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        self._use_steps = _counts_steps(count_mode)
        self.stateful_metrics = set(stateful_metrics or ())
        self._steps = 0

    def set_params(self, params: dict[str, Any]) -> None:
        self.verbose = params["verbose"]
        self.epochs = params["epochs"]
        self.target = params.get("steps" if self._use_steps else "samples")

    def _need_line(self) -> None:
        if self.model is not None:
            # The model's metrics are known in full only after its first batch.
            self.stateful_metrics |= {metric.name for metric in self.model.metrics}
        if self.progbar is None:
            self.progbar = TfKerasProgbar(
                target=self.target,
                verbose=self.verbose,
                stateful_metrics=self.stateful_metrics,
                unit_name="step" if self._use_steps else "sample",
            )
        self.progbar._update_stateful_metrics(self.stateful_metrics)

    def _advance(self, batch: int, logs: dict[str, Any] | None) -> None:
        if self._use_steps:
            super()._advance(batch, logs)
            return
        self._steps = batch + 1
        logs = dict(logs or {})
        self._need_line()
        self.seen += logs.pop("num_steps", 1) * logs.pop("size", 0)
        logs.pop("batch", None)
        if self.verbose == 1:
            self.progbar.update(self.seen, logs.items(), finalize=False)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self.target is None and not self._use_steps:
            # tf_keras asks the model's step counter, and multiplies by a size that its logs do not have.
            self.seen = self._steps * (logs or {}).get("size", 1)
        super()._finish(logs)


class Keras20ProgbarLogger(ProgbarLogger):
    """Counts samples, and averages what each batch reports (`keras/callbacks.py`, Keras 2.0.4).

    The lines of evaluate and predict show no metrics, and are not completed when
    the last redraw falls within `interval`: they look so in Keras 2.0.
    """

    def __init__(self, count_mode: str = "samples") -> None:
        super().__init__()
        self._use_steps = _counts_steps(count_mode)
        self.log_values: list[tuple[str, Any]] = []

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        self.verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.epochs = params["epochs"]
        # fit on arrays tells the samples, fit on a generator only the steps.
        self._use_steps = self._use_steps or params.get("samples") is None
        self.target = params["steps"] if self._use_steps else params["samples"]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.verbose:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")
        self._start_line()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.target is None or self.seen < self.target:
            self.log_values = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._count(logs)
        self._remember(logs)
        # The last batch is left to on_epoch_end.
        if self.verbose and self.progbar is not None and self.seen < self.progbar.target:
            self.progbar.update(self.seen, self.log_values)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._remember(logs)
        if self.verbose and self.progbar is not None:
            self.progbar.update(self.seen, self.log_values, force=True)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._called_in_fit:
            self.on_predict_batch_end(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._count(logs)
        if self.verbose == 1 and self.progbar is not None:
            self.progbar.update(self.seen)

    def _ignores(self, hook: str) -> bool:
        if hook.startswith("on_train"):
            return not self.verbose
        return self.verbose != 1 or (hook.startswith("on_test") and self._called_in_fit)

    def _need_line(self) -> None:
        if self.progbar is None and self.target is not None:
            self.progbar = Keras20Progbar(target=self.target, verbose=self.verbose)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        """Keras 2.0 writes nothing at the end of evaluate and predict."""

    def _count(self, logs: dict[str, Any] | None) -> None:
        self.seen += 1 if self._use_steps else (logs or {}).get("size", 0)

    def _remember(self, logs: dict[str, Any] | None) -> None:
        logs = logs or {}
        names = (self.params or {}).get("metrics") or ()
        self.log_values.extend((name, logs[name]) for name in names if name in logs)


def _counts_steps(count_mode: str) -> bool:
    if count_mode not in ("samples", "steps"):
        raise ValueError(f"Unknown `count_mode`: {count_mode}. Expected values are ['samples', 'steps'].")
    return count_mode == "steps"


DIALECTS: dict[str, type[ProgbarLogger]] = {
    "keras-3": Keras3ProgbarLogger,
    "tf_keras": TfKerasProgbarLogger,
    "keras-2.0": Keras20ProgbarLogger,
}
