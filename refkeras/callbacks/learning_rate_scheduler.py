"""`LearningRateScheduler` (`keras/src/callbacks/learning_rate_scheduler.py`, Keras 3.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.callback import Callback
from refkeras.callbacks.learning_rate import log_rates, optimizers_of, rate_of, set_rate
from refkeras.semantics import current
from refkeras.utils.io_utils import print_msg

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch, and logs it at the end.

    Args:
        schedule: function `(epoch, rate) -> float`, or `(epoch) -> float`; epochs count from 0.
        verbose: 1 prints each rate that is set.

    Raises:
        ValueError: (in fit) the optimizer has no `learning_rate`, or `schedule` returned something but a float.
        TypeError: (in fit, Keras 3) the optimizer's rate is a schedule already.

    Example:

        >>> from types import SimpleNamespace
        >>> scheduler = LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> scheduler.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5)))
        >>> scheduler.on_epoch_begin(0)
        >>> scheduler.model.optimizer.learning_rate
        0.25
    """

    @arguments(keras_2_0="schedule")
    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self._rules = current()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for optimizer, name in optimizers_of(self.model):
            rate = self._scheduled(optimizer, epoch)
            set_rate(optimizer, rate)
            if self.verbose > 0:
                which = f" {name}" if name else ""
                print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting{which} learning rate to {rate}.")

    def _scheduled(self, optimizer: Any, epoch: int) -> Any:
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError(f'Optimizer must have a "{self._rules.rate_log_key}" attribute.')
        if self._rules.scheduler_sees_rate:
            try:
                rate = self.schedule(epoch, float(rate_of(self._rules, optimizer)))
            except TypeError:  # a schedule of the epoch alone
                rate = self.schedule(epoch)
        else:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError(f"The output of the `schedule` function should be a float. Got: {rate!r}")
        return rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._rules.scheduler_sees_rate and logs is not None:
            log_rates(self._rules, self.model, logs)
