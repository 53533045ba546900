"""`History`: what fit returns (`keras/src/callbacks/history.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.callbacks.callback import Callback
from refkeras.naming import did_you_mean

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

    def plot(self, *keys: str) -> Any:
        """Draw the values by epoch with matplotlib, what is validated beside what is trained; return the figure.

        Args:
            *keys: what to draw, such as `"loss"`, which `"val_loss"` goes with; everything by default.

        Raises:
            ValueError: there is no such key.
            ImportError: matplotlib is not installed.

        Example:

            >>> history = History()
            >>> history.epoch, history.history = [0, 1], {"loss": [2.0, 1.0], "val_loss": [3.0, 2.5]}
            >>> [line.get_label() for line in history.plot("loss").axes[0].lines]
            ['loss', 'val_loss']
        """
        for key in keys:
            if key not in self.history:
                known = list(self.history)
                raise ValueError(f"History has no {key!r}.{did_you_mean(key, known)} There are: {', '.join(known)}.")
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            raise ImportError("History.plot draws with matplotlib: pip install 'refkeras[plot]'") from None
        groups = list(dict.fromkeys(key.removeprefix("val_") for key in keys or self.history))
        figure, axes = plt.subplots(1, max(len(groups), 1), squeeze=False, figsize=(5 * max(len(groups), 1), 4))
        for group, ax in zip(groups, axes[0], strict=False):
            for key in (group, f"val_{group}"):
                values = self.history.get(key, [])
                if values:
                    ax.plot([epoch + 1 for epoch in self.epoch[-len(values) :]], values, label=key)
            ax.set_xlabel("epoch")
            ax.set_ylabel(group)
            ax.legend()
        figure.tight_layout()
        return figure
