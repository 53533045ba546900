"""A clock that tests set, and what is printed while it runs."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from unittest import mock

__all__ = ["Clock", "printed"]


class Clock:
    """Stands in for `time.time`; moves only when told."""

    def __init__(self, now: float = 1e9) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@contextlib.contextmanager
def printed(clock: Clock | None = None) -> Iterator[io.StringIO]:
    """Collect what is printed, with `clock` (one that stands still, by default) as the time."""
    output = io.StringIO()
    with mock.patch.object(time, "time", clock or Clock()), contextlib.redirect_stdout(output):
        yield output
