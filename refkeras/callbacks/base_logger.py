"""`BaseLogger`: epoch means from batch values (`keras/callbacks.py`, Keras 2.0.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from refkeras.callbacks.callback import Callback

__all__ = ["BaseLogger"]


class BaseLogger(Callback):
    """Averages batch values over an epoch, weighted by batch size, and puts the means into the epoch's logs.

        mean[k] = Σ_b value_b[k] · size_b / Σ_b size_b

    Keras 2.0 adds one to every fit; it reads `logs["size"]` of each batch and
    `params["metrics"]`, the names it reports.

    Args:
        stateful_metrics: names whose last value is reported instead.

    Example:

        >>> logger, logs = BaseLogger(), {}
        >>> logger.set_params({"metrics": ["loss"]})
        >>> logger.on_epoch_begin(0)
        >>> logger.on_batch_end(0, {"size": 3, "loss": 1.0})
        >>> logger.on_batch_end(1, {"size": 1, "loss": 5.0})
        >>> logger.on_epoch_end(0, logs)
        >>> logs
        {'loss': 2.0}
    """

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen = 0
        self.totals: dict[str, Any] = {}

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size * logs.get("num_steps", 1)
        for key, value in logs.items():
            if key in self.stateful_metrics:
                self.totals[key] = value
            elif key in self.totals:
                self.totals[key] += value * size
            else:
                self.totals[key] = value * size

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is None or self.params is None:
            return
        for key in self.params["metrics"]:
            if key in self.totals:
                logs[key] = self.totals[key] if key in self.stateful_metrics else self.totals[key] / self.seen
