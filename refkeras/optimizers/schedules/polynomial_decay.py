"""`PolynomialDecay`."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.optimizers.schedules.learning_rate_schedule import Schedule, cast, positive

__all__ = ["PolynomialDecay"]


class PolynomialDecay(Schedule):
    """(lr − end)·(1 − p)ᵏ + end, where p = min(step, decay_steps) / decay_steps.

    Args:
        initial_learning_rate: lr, a float.
        decay_steps: steps to the end.
        end_learning_rate: end.
        power: k.
        cycle: start again: p = step / D, with D the first multiple of decay_steps from step on.
        name: kept for Keras.

    Raises:
        ValueError: `decay_steps` ≤ 0; (at the first step) a rate that is no float.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15.

        >>> schedule = PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)
        >>> [round(float(schedule(step)), 6) for step in (0, 5, 10, 11)]
        [0.1, 0.05, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = positive(type(self).__name__, "decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def evaluate(self, step: Any) -> Any:
        lr, x, kind = self._start(step)
        end, steps = cast(self.end_learning_rate, kind), cast(self.decay_steps, kind)
        if self.cycle:
            steps = steps * kind(np.where(x == 0, 1, np.ceil(x / self.decay_steps)))
        else:
            x = np.minimum(x, steps)
        return (lr - end) * (1 - x / steps) ** cast(self.power, kind) + end

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }
