"""The progress line, character by character, as Keras 3, tf_keras and Keras 2.0 print it.

`Progbar(...)` makes the bar of the semantics in force: `Keras3Progbar`
(`keras/src/utils/progbar.py`, Keras 3.15), `TfKerasProgbar`
(`tf_keras/src/utils/generic_utils.py`, 2.21) or `Keras20Progbar`
(`keras/utils/generic_utils.py`, 2.0.4).
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

from refkeras import semantics
from refkeras.utils.io_utils import print_msg
from refkeras.utils.progress_format import (
    arrow,
    averages,
    count,
    eta,
    mean_of_quotient,
    mean_of_sum,
    per_unit,
    quotient,
)

__all__ = ["Keras3Progbar", "Keras20Progbar", "Progbar", "TfKerasProgbar"]

Values = Iterable[tuple[str, Any]]


class Progbar:
    """Displays a progress bar.

    Args:
        target: total number of steps expected, None if unknown.
        width: width of the bar on screen.
        verbose: 0 (silent), 1 (a line that is redrawn) or 2 (one line at the end).
        interval: shortest time between two redraws, in seconds.
        stateful_metrics: names whose last value is shown; all others are averaged over time.
        stateless_metrics: (Keras 3) the other way round: names that are averaged, all others are not.
        unit_name: what is counted, `"step"` or `"sample"`.

    Raises:
        ValueError: both `stateful_metrics` and `stateless_metrics` are given.

    Example:

        >>> bar = Progbar(target=2, verbose=2)
        >>> bar.update(2, [("loss", 0.25)])
        2/2 - 0s - ...s/step - loss: 0.2500
    """

    target: Any
    width: int
    verbose: Any
    interval: float
    _last_update: float
    _seen_so_far: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Progbar:
        return object.__new__(_DIALECTS[semantics.current().progress_line] if cls is Progbar else cls)

    def _set_up(self, target: Any, width: int, verbose: Any, interval: float) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self._dynamic_display = (
            (hasattr(sys.stdout, "isatty") and sys.stdout.isatty())
            or "ipykernel" in sys.modules
            or "posix" in sys.modules
            or "PYCHARM_HOSTED" in os.environ
        )
        self._seen_so_far = 0
        # name: [sum of value * steps, steps], in order of first appearance
        self._values: dict[str, list[Any]] = {}
        self._start = time.time()
        self._last_update = 0.0
        self._previous_width = 0

    def update(self, current: int, values: Values | None = None, finalize: bool | None = None) -> None:
        """Advance to step `current` and redraw if `interval` has passed.

        Args:
            current: steps done.
            values: `(name, value of the last step)` pairs.
            finalize: whether this is the last update; by default, whether `current >= target`.
        """
        raise NotImplementedError

    def add(self, n: int, values: Values | None = None) -> None:
        """Advance by `n` steps."""
        self.update(self._seen_so_far + n, values)

    def is_resting(self) -> bool:
        """Whether an update now would draw nothing, `interval` not having passed."""
        return time.time() - self._last_update < self.interval

    def _rewind(self) -> str:
        return "\b" * self._previous_width + "\r" if self._dynamic_display else "\n"


class _StepProgbar(Progbar):
    """What Keras 3 and tf_keras share: time per step, and its format."""

    unit_name: str
    _time_after_first_step: float | None

    def _set_up_steps(self, unit_name: str) -> None:
        self.unit_name = unit_name
        self._time_after_first_step = None

    def _is_last(self, current: int, finalize: bool | None) -> bool:
        if finalize is None:
            return self.target is not None and current >= self.target
        return finalize

    def _average_in(self, name: str, value: Any, current: int) -> None:
        steps = max(current - self._seen_so_far, 1)
        if name in self._values:
            self._values[name][0] += value * steps
            self._values[name][1] += steps
        else:
            self._values[name] = [value * steps, steps]

    def _time_per_step(self, current: int, now: float) -> float:
        """Seconds per step; the first step, which is not typical, is left out once there are more."""
        if not current:
            return 0
        if self._time_after_first_step is not None and current > 1:
            seconds = (now - self._time_after_first_step) / (current - 1)
        else:
            seconds = (now - self._start) / current
        if current == 1:
            self._time_after_first_step = now
        return seconds


class Keras3Progbar(_StepProgbar):
    """`2/3 ━━━━━━━━━━━━━━━━━━━━ 0s 5ms/step - loss: 0.2500`, with ANSI colours."""

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: Any = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Only one of `stateful_metrics` or `stateless_metrics` can be provided: the first averages all other "
                f"metrics, the second no other. Received stateful_metrics={stateful_metrics!r} and "
                f"stateless_metrics={stateless_metrics!r}."
            )
        self._set_up(target, width, verbose, interval)
        self._set_up_steps(unit_name)
        self.stateful_metrics = set(stateful_metrics or ()) if stateless_metrics is None else None
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)

    def update(self, current: int, values: Values | None = None, finalize: bool | None = None) -> None:
        finalize = self._is_last(current, finalize)
        for name, value in values or ():
            if not self._is_averaged(name) or finalize:
                self._values[name] = [value, 1]
            else:
                self._average_in(name, value, current)
        self._seen_so_far = current
        now = time.time()
        seconds = self._time_per_step(current, now)
        if self.verbose == 1:
            if now - self._last_update < self.interval and not finalize:
                return
            self._draw(current, now, seconds, finalize)
        elif self.verbose == 2 and finalize and self.target is not None and self.target > 0:
            line = f"{count(current, self.target)} - {now - self._start:.0f}s -{per_unit(seconds, self.unit_name)}"
            print_msg(line + averages(self._values, mean_of_sum, signed=True))
        self._last_update = now

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return self.stateful_metrics is None or name not in self.stateful_metrics

    def _draw(self, current: int, now: float, seconds: float, finalize: bool) -> None:
        if self.target is not None and self.target > 0:
            done = int(self.width * (float(current) / self.target))
            green = f"\x1b[32m{'━' * done}\x1b[0m" if done > 0 else ""
            bar = f"\x1b[1m{count(current, self.target)}\x1b[0m {green}\x1b[37m{'━' * (self.width - done)}\x1b[0m"
            invisible = 26 if done > 0 else 17
            remaining = seconds * (self.target - current)
            timing = f"{now - self._start:.0f}s" if finalize else eta(remaining)
        else:
            bar = f"{int(current):7d}/Unknown"
            invisible = 0
            timing = f"{now - self._start:.0f}s"
        line = f"{bar} \x1b[1m{timing}\x1b[0m{per_unit(seconds, self.unit_name)}{averages(self._values, mean_of_sum)}"
        width = len(line) - invisible - 8
        padding = " " * (self._previous_width - width)
        print_msg(self._rewind() + line + padding + ("\n" if finalize else ""), line_break=False)
        self._previous_width = width


class TfKerasProgbar(_StepProgbar):
    """`2/3 [===================>..........] - ETA: 0s - loss: 0.2500`."""

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: Any = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self._set_up(target, width, verbose, interval)
        self._set_up_steps(unit_name)
        self.stateful_metrics = set(stateful_metrics or ())
        self._time_at_epoch_start = self._start
        self._time_at_epoch_end: float | None = None

    def update(self, current: int, values: Values | None = None, finalize: bool | None = None) -> None:
        finalize = self._is_last(current, finalize)
        for name, value in values or ():
            if name in self.stateful_metrics:
                self._values[name] = [value, 1]
            else:
                self._average_in(name, value, current)
        self._seen_so_far = current
        now = time.time()
        if current == self.target:
            self._time_at_epoch_end = now
        if self.verbose == 1:
            if now - self._last_update < self.interval and not finalize:
                return
            self._draw(current, now, finalize)
        elif self.verbose == 2 and finalize:
            self._print_epoch(current, now)
        self._last_update = now

    def _draw(self, current: int, now: float, finalize: bool) -> None:
        if self.target is None:
            bar = f"{int(current):7d}/Unknown"
        else:
            bar = f"{count(current, self.target)} [{arrow(current, self.target, self.width)}]"
        seconds = self._time_per_step(current, now)
        if self.target is None or finalize:
            timing = f" - {now - self._start:.0f}s{per_unit(seconds, self.unit_name)}"
        else:
            timing = f" - ETA: {eta(seconds * (self.target - current))}"
        line = bar + timing + averages(self._values, mean_of_quotient)
        padding = " " * (self._previous_width - len(line))
        print_msg(self._rewind() + line + padding + ("\n" if finalize else ""), line_break=False)
        self._previous_width = len(line)

    def _print_epoch(self, current: int, now: float) -> None:
        line = f"{count(current, self.target)} - {now - self._start:.0f}s" + averages(
            self._values, mean_of_quotient, signed=True
        )
        if self._time_at_epoch_end:
            epoch = self._time_at_epoch_end - self._time_at_epoch_start
            self._time_at_epoch_start = now
            self._time_at_epoch_end = None
            line += f" -{per_unit(epoch, 'epoch')} -{per_unit(epoch / self.target, self.unit_name)}\n"
        print_msg(line, line_break=False)

    def _update_stateful_metrics(self, names: Iterable[str]) -> None:
        self.stateful_metrics = self.stateful_metrics.union(names)


class Keras20Progbar(Progbar):
    """`1213/1213 [==============================] - 0s - loss: 0.1760     `, averaged over what is counted."""

    def __init__(self, target: int, width: int = 30, verbose: Any = 1, interval: float = 0.05) -> None:
        self._set_up(target, width, verbose, interval)

    def update(  # type: ignore[override]
        self, current: int, values: Values | None = None, force: bool = False
    ) -> None:
        """Advance to `current` and redraw if `interval` has passed, or in any case with `force`."""
        for name, value in values or ():
            weight = current - self._seen_so_far
            if name in self._values:
                self._values[name][0] += value * weight
                self._values[name][1] += weight
            else:
                self._values[name] = [value * weight, weight]
        self._seen_so_far = current
        now = time.time()
        if self.verbose == 1:
            if not force and (now - self._last_update) < self.interval:
                return
            self._draw(current, now)
        if self.verbose == 2 and current >= self.target:
            print_msg(f"{int(now - self._start)}s" + averages(self._values, quotient, signed=True))
        self._last_update = now

    def _draw(self, current: int, now: float) -> None:
        digits = math.floor(math.log10(self.target)) + 1
        seconds = (now - self._start) / current if current else 0
        if current < self.target:
            timing = f" - ETA: {int(seconds * (self.target - current))}s"
        else:
            timing = f" - {int(now - self._start)}s"
        bar = f"{current:{digits}d}/{self.target:{digits}d} [{arrow(current, self.target, self.width)}]"
        line = bar + timing + averages(self._values, quotient)
        padding = " " * (self._previous_width - len(line))
        end = "\n" if current >= self.target else ""
        print_msg("\b" * self._previous_width + "\r" + line + padding + end, line_break=False)
        self._previous_width = len(line)


_DIALECTS: dict[str, type[Progbar]] = {
    "keras-3": Keras3Progbar,
    "tf_keras": TfKerasProgbar,
    "keras-2.0": Keras20Progbar,
}
