"""`EarlyStopping` (`keras/src/callbacks/early_stopping.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.monitor import MonitorCallback
from refkeras.callbacks.warn import warn
from refkeras.utils.io_utils import print_msg

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Stops training when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: the key in the epoch logs.
        min_delta: smallest change that counts as an improvement.
        patience: epochs without improvement after which training stops (never in the first).
        verbose: 1 prints when it stops or restores.
        mode: `"min"`, `"max"` or `"auto"`.
        baseline: an improvement that does not also beat this does not restart the wait.
        restore_best_weights: put the best epoch's weights back at the end, stopped early or not.
        start_from_epoch: epochs to let pass before watching.

    Raises:
        ValueError: (at the first epoch's end, Keras 3) `mode="auto"`, and no compiled metric tells the direction.

    Example:

        >>> stop = EarlyStopping("loss", patience=1)
        >>> stop.set_model(type("Model", (), {"stop_training": False})())
        >>> stop.on_train_begin()
        >>> for epoch, loss in enumerate([1.0, 0.5, 0.75]):
        ...     stop.on_epoch_end(epoch, {"loss": loss})
        >>> stop.model.stop_training, stop.stopped_epoch
        (True, 2)
    """

    @arguments(keras_2_0="monitor min_delta patience verbose mode")
    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.wait = 0
        self.stopped_epoch = 0
        self.restore_best_weights = restore_best_weights
        self.best_weights: list[np.ndarray] | None = None
        self.best_epoch = 0
        self.start_from_epoch = start_from_epoch
        if self._rules.early_stopping_min_delta == "signed":
            self.min_delta = min_delta
        if self._direction_rule() != "metric":
            self._set_monitor_op()

    def _direction_rule(self) -> str:
        return self._rules.early_stopping_direction

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.wait = 0
        if self._rules.patience_counts == "before":
            self.stopped_epoch = 0
        self.best = self._worst()
        self.best_weights = None
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor_op is None:
            # Only now are the model's metrics all made.
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if self._rules.patience_counts == "after":
            self._judge_then_count(epoch, current)
        elif current is not None and epoch >= self.start_from_epoch:
            self._count_then_judge(epoch, current)

    def _count_then_judge(self, epoch: int, current: Any) -> None:
        if self.restore_best_weights and self.best_weights is None:
            self._keep_weights(epoch)
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep_weights(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _judge_then_count(self, epoch: int, current: Any) -> None:
        if current is None:
            raise TypeError(f"EarlyStopping cannot compare {self.monitor!r}: it is not in the logs.")
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        else:
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
            self.wait += 1

    def _keep_weights(self, epoch: int) -> None:
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            if self._rules.callback_messages == "keras-2.0":
                print_msg(f"Epoch {self.stopped_epoch:05d}: early stopping")
            else:
                print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_msg(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: dict[str, Any] | None) -> Any:
        """Return the monitored value, or warn and return None if the logs do not have it."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warn(
                self._rules,
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}",
                f"Early stopping requires {self.monitor} available!",
            )
        return value
