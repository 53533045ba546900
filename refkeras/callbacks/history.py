"""`History`: what fit returns (`keras/src/callbacks/history.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.callbacks.callback import Callback

__all__ = ["History"]


class History(Callback):
    """Records the epoch logs.

    Attributes:
        history: `{name: [value of each recorded epoch]}`.
        epoch: the numbers of the recorded epochs, from 0.

    Example:

        >>> history = History()
        >>> history.set_model(type("Model", (), {})())
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self._restarts = semantics.current().history_restarts

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch: list[int] = []
        if self._restarts:
            self.history = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)
        # Set again at every epoch, so that a callback that fits another model cannot leave a stale one behind.
        self.model.history = self
