"""`ProgbarLogger`: the callback that prints the progress line (`keras/src/callbacks/progbar_logger.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.callbacks.callback import Callback
from refkeras.utils.io_utils import print_msg

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Prints `Epoch 1/20` and the progress line; validation inside fit is silent.

    Keras 3's takes no argument. tf_keras's and Keras 2.0's take

    Args:
        count_mode: `"samples"` (default) or `"steps"`: what the line counts.
        stateful_metrics: (tf_keras) names whose last value is shown instead of a mean; the model's metrics always are.

    Raises:
        TypeError: an argument that the Keras in force does not have.
        ValueError: an unknown `count_mode`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> ProgbarLogger:
        if cls is not ProgbarLogger:
            return object.__new__(cls)
        from refkeras.callbacks.progbar_loggers import DIALECTS

        return object.__new__(DIALECTS[semantics.current().progress_line])

    def __init__(self) -> None:
        super().__init__()
        self.verbose: Any = 1
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Any = None
        self._called_in_fit = False
        self._use_steps = True

    def _ignores(self, hook: str) -> bool:
        if hook.startswith("on_test") and self._called_in_fit:
            return True
        # The steps are counted only to learn a target that nobody told.
        return self.verbose != 1 and self.target is not None

    def rests(self, batch: int) -> bool:
        """Count a batch, and say whether its logs will not be looked at, no redraw being due."""
        if not self._use_steps:
            return False
        self.seen = batch + 1
        bar = self.progbar
        if self.verbose != 1:
            return True
        if batch == 0 or bar is None or not bar.is_resting():
            return False
        bar._seen_so_far = batch + 1
        return True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._called_in_fit = True

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._called_in_fit:
            self._start_line()

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start_line()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start_line()
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._advance(batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._called_in_fit:
            self._advance(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._advance(batch, None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._finish(logs)

    def _start_line(self) -> None:
        self.seen = 0
        self.progbar = None
        self._need_line()

    def _need_line(self) -> None:
        raise NotImplementedError

    def _advance(self, batch: int, logs: dict[str, Any] | None) -> None:
        self._need_line()
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self.target is None:
            self.target = self.seen
            self.progbar.target = self.target
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)
