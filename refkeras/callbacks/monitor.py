"""`MonitorCallback`: what callbacks that watch one quantity share (`keras/src/callbacks/monitor_callback.py`, 3.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.callbacks.callback import Callback
from refkeras.callbacks.warn import warn

__all__ = ["MonitorCallback", "greater_float32", "less_float32"]

Comparison = Callable[[Any, Any], Any]


class MonitorCallback(Callback):
    """Decides whether a monitored value has improved on a reference.

    With δ = |min_delta|: `min` mode asks `value + δ < reference`, `max` mode `value − δ > reference`.

    Args:
        monitor: the key in the logs.
        mode: `"min"`, `"max"` or `"auto"`, which asks the metric (Keras 3) or the name (tf_keras, Keras 2.0).
        baseline: value to improve on at first.
        min_delta: smallest change that counts.

    Raises:
        ValueError: (at the first epoch's end, Keras 3) `mode="auto"`, and no compiled metric tells the direction.
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: Any = None, min_delta: float = 0
    ) -> None:
        super().__init__()
        self._rules = semantics.current()
        if mode not in ("auto", "min", "max"):
            warn(self._rules, *self._unknown_mode(mode))
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta: Any = abs(min_delta)
        self.monitor_op: Comparison | None = None
        self._lower_is_better = False

    def _unknown_mode(self, mode: Any) -> tuple[str, str]:
        name = type(self).__name__
        shown = f"'{mode}'" if self._rules.callback_messages == "keras-3" else mode
        return (f"{name} mode {shown} is unknown, fallback to auto mode.",) * 2

    def _direction_rule(self) -> str:
        """How mode='auto' finds the direction: a value of the class's semantics field."""
        raise NotImplementedError

    def _set_monitor_op(self) -> None:
        self._lower_is_better = (self._direction() if self.mode == "auto" else self.mode) == "min"
        less, greater = (
            (less_float32, greater_float32) if self._rules.monitor_precision == "float32" else (np.less, np.greater)
        )
        self.monitor_op = less if self._lower_is_better else greater
        if self._lower_is_better:
            self.min_delta = -self.min_delta

    def _worst(self) -> float | None:
        """What the first monitored value is compared with."""
        if self._rules.monitor_first_value == "best":
            return None
        return np.inf if self._lower_is_better else -np.inf

    def _direction(self) -> str:
        rule, name = self._direction_rule(), self.monitor
        if rule == "metric":
            return self._direction_of_metric()
        if rule == "suffix":
            return "max" if name.endswith(("acc", "accuracy", "auc")) else "min"
        if rule == "contains":
            return "max" if "acc" in name or name.startswith("fmeasure") else "min"
        return "max" if "acc" in name else "min"

    def _direction_of_metric(self) -> str:
        name = self.monitor.removeprefix("val_")
        mode = "min" if name == "loss" else None
        known = []
        for group in getattr(self.model, "metrics", ()):
            for metric in getattr(group, "metrics", ()):
                known.append(metric.name)
                if metric.name == name and hasattr(metric, "_direction"):
                    mode = "max" if metric._direction == "up" else "min"
        if mode is None:
            raise ValueError(
                f"{type(self).__name__} callback received monitor={self.monitor}, and no compiled metric of that name "
                f"tells whether it should be maximized or minimized (the compiled metrics are: "
                f"{', '.join(known) or 'none'}). Pass mode='max' or mode='min'."
            )
        return mode

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        if reference is None:
            return True
        if self.monitor_op is None:
            raise TypeError(
                f"{type(self).__name__} compares {self.monitor} before the end of the first epoch, when its direction "
                "is not known yet: Keras 3 cannot do that."
            )
        return bool(self.monitor_op(value - self.min_delta, reference))


def less_float32(a: Any, b: Any) -> Any:
    """`a < b` as TensorFlow compares Python numbers: rounded to float32."""
    return np.less(_as_tensor(a), _as_tensor(b))


def greater_float32(a: Any, b: Any) -> Any:
    """`a > b` as TensorFlow compares Python numbers: rounded to float32."""
    return np.greater(_as_tensor(a), _as_tensor(b))


def _as_tensor(value: Any) -> Any:
    return np.float32(value) if type(value) in (float, int) else value
