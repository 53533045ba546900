"""Ctrl-C during `fit`: never in the middle of an update."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """Holds Ctrl-C back while `critical` is set.

    An update touches every weight in place. A KeyboardInterrupt between two of
    its operations would leave a model that is half a step ahead, so the signal
    waits until the step is whole. Only the main thread gets signals; elsewhere,
    or when somebody else handles SIGINT, nothing is changed.
    """

    def __init__(self) -> None:
        self.critical = False
        self.pending = False
        self._installed = False

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> Any:
        if not self.critical:
            raise KeyboardInterrupt
        self.pending = True

    def release(self) -> None:
        """End the critical part; raise the KeyboardInterrupt that came meanwhile."""
        self.critical = False
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt
