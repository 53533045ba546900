"""`InverseTimeDecay`."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.optimizers.schedules.learning_rate_schedule import Schedule, cast, positive

__all__ = ["InverseTimeDecay"]


class InverseTimeDecay(Schedule):
    """lr / (1 + r·p), where p = step / decay_steps.

    Args:
        initial_learning_rate: lr, a float.
        decay_steps: steps in which p grows by one.
        decay_rate: r.
        staircase: round p down.
        name: kept for Keras.

    Raises:
        ValueError: `decay_steps` ≤ 0; (at the first step) a rate that is no float.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15.

        >>> round(float(InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)(20)), 6)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = positive(type(self).__name__, "decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def evaluate(self, step: Any) -> Any:
        lr, x, kind = self._start(step)
        p = x / cast(self.decay_steps, kind)
        if self.staircase:
            p = np.floor(p)
        return lr / (1 + cast(self.decay_rate, kind) * p)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }
