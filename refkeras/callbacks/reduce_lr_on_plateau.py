"""`ReduceLROnPlateau` (`keras/src/callbacks/reduce_lr_on_plateau.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.learning_rate import log_rates, optimizers_of, rate_of, set_rate
from refkeras.callbacks.monitor import MonitorCallback
from refkeras.callbacks.warn import warn
from refkeras.naming import did_you_mean
from refkeras.utils.io_utils import print_msg

__all__ = ["ReduceLROnPlateau"]

_ARGUMENTS = ("monitor", "factor", "patience", "verbose", "mode", "min_delta", "cooldown", "min_lr")


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` when the monitored value has not improved for `patience` epochs.

    The rate of the epoch, before a reduction, goes into the logs as `learning_rate` (`lr` in tf_keras and Keras 2.0).

    Args:
        monitor: the key in the epoch logs.
        factor: new rate = rate · factor, factor < 1.
        patience: epochs without improvement before a reduction.
        verbose: 1 prints each reduction.
        mode: `"min"`, `"max"` or `"auto"`.
        min_delta: smallest change that counts as an improvement.
        cooldown: epochs to wait after a reduction.
        min_lr: the rate never goes below this.
        **kwargs: tf_keras knows `epsilon`, an older name of `min_delta`; Keras 3 ignores what it does not know,
            and so does refkeras, with a warning.

    Raises:
        ValueError: `factor >= 1`, or (at the first epoch's end, Keras 3) an unknown direction with `mode="auto"`.

    Example:

        >>> from types import SimpleNamespace
        >>> reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1)
        >>> reduce.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5), metrics=[]))
        >>> reduce.on_train_begin()
        >>> for epoch in range(2):
        ...     reduce.on_epoch_end(epoch, {"loss": 1.0})
        <BLANKLINE>
        Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.
    """

    @arguments(
        keras_2_0="monitor factor patience verbose mode epsilon cooldown min_lr",
        open_in="keras-3 tf_keras",
    )
    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}")
        self._take_others(kwargs, min_delta)
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0
        if self._direction_rule() != "metric":
            self._set_monitor_op()
            self.best = self._worst()

    def _take_others(self, kwargs: dict[str, Any], min_delta: float) -> None:
        self._signed_delta = min_delta
        if "epsilon" in kwargs and self._rules.callback_arguments != "keras-3":
            self._signed_delta = kwargs.pop("epsilon")
            if self._rules.callback_arguments == "tf_keras":
                warn(self._rules, "`epsilon` argument is deprecated and will be removed, use `min_delta` instead.")
        for name in kwargs:
            hint = did_you_mean("min_delta" if name == "epsilon" else name, _ARGUMENTS)
            warn(self._rules, f"ReduceLROnPlateau ignores the unknown argument {name!r}, as Keras does.{hint}")

    def _unknown_mode(self, mode: Any) -> tuple[str, str]:
        if self._rules.callback_messages == "keras-3":
            return super()._unknown_mode(mode)
        return (
            f"Learning rate reduction mode {mode} is unknown, fallback to auto mode.",
            f"Learning Rate Plateau Reducing mode {mode} is unknown, fallback to auto mode.",
        )

    def _direction_rule(self) -> str:
        return self._rules.plateau_direction

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        if self._rules.plateau_min_delta == "on value" or reference is None or self.monitor_op is None:
            return super()._is_improvement(value, reference)
        delta = self._signed_delta
        return bool(self.monitor_op(value, reference - delta if self._lower_is_better else reference + delta))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.best = self._worst()
        self.cooldown_counter = 0
        self.wait = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor_op is None:
            # Only now are the model's metrics all made.
            self._set_monitor_op()
        logs = {} if logs is None else logs
        log_rates(self._rules, self.model, logs)
        current = logs.get(self.monitor)
        if current is None:
            end = "." if self._rules.callback_messages == "keras-3" else ""
            warn(
                self._rules,
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}{end}",
                f"Learning Rate Plateau Reducing requires {self.monitor} available!",
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            counts_after = self._rules.patience_counts == "after"
            self.wait += not counts_after
            if self.wait >= self.patience:
                reduced = [self._reduce(epoch, *item) for item in optimizers_of(self.model)]
                if any(reduced):
                    self.cooldown_counter = self.cooldown
                    self.wait = 0
            self.wait += counts_after

    def _reduce(self, epoch: int, optimizer: Any, name: str) -> bool:
        rate = rate_of(self._rules, optimizer)
        rate = float(rate) if self._rules.plateau_rate == "float64" else np.float32(rate)
        if self._rules.plateau_min_rate == "float32":
            floor: Any = np.float32(self.min_lr)
        else:
            floor = self.min_lr + self.min_lr * 1e-4
        if not rate > floor:
            return False
        new_rate = max(rate * self.factor, self.min_lr)
        set_rate(optimizer, new_rate)
        if self.verbose > 0:
            if self._rules.callback_messages == "keras-2.0":
                print_msg(f"\nEpoch {epoch:05d}: reducing learning rate to {new_rate}.")
            else:
                which = f" {name}" if name else ""
                print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing{which} learning rate to {new_rate}.")
        return True

    def in_cooldown(self) -> bool:
        """Whether a reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0
