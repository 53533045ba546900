"""`CosineDecay` and `CosineDecayRestarts`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.optimizers.schedules.learning_rate_schedule import Schedule, cast, cosine, logarithm, positive

__all__ = ["CosineDecay", "CosineDecayRestarts"]


class CosineDecay(Schedule):
    """lr·((1 − α)·½(1 + cos πp) + α), where p = min(step, decay_steps) / decay_steps.

    With a `warmup_target`, the rate first rises in a line to it, then falls from it.

    Args:
        initial_learning_rate: lr, a float.
        decay_steps: steps of the decay.
        alpha: α, the final rate as a fraction.
        name: kept for Keras.
        warmup_target: the rate after `warmup_steps`, or None.
        warmup_steps: steps of the rise.

    Raises:
        ValueError: `decay_steps` ≤ 0; (at the first step) a rate that is no float.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15; Loshchilov & Hutter, ICLR 2017.

        >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=2)
        >>> [round(float(schedule(step)), 4) for step in (0, 1, 2, 7, 12)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = positive(type(self).__name__, "decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def evaluate(self, step: Any) -> Any:
        lr, x, kind = self._start(step)
        steps = cast(self.decay_steps, kind)
        if self.warmup_target is None:
            return self._decay(np.minimum(x, steps), steps, lr, kind)
        target, warmup = cast(self.warmup_target, kind), cast(self.warmup_steps, kind)
        x = np.minimum(x, steps + warmup)
        if np.ndim(x):
            fallen = self._decay(np.maximum(x - warmup, 0), steps, target, kind)
            return np.where(x < warmup, (target - lr) * (x / max(warmup, kind(1))) + lr, fallen)
        if x < warmup:
            return (target - lr) * (x / warmup) + lr
        return self._decay(x - warmup, steps, target, kind)

    def _decay(self, x: Any, steps: Any, lr: Any, kind: type) -> Any:
        fall = kind(0.5) * (1 + cosine(kind(math.pi) * (x / steps), kind))
        return lr * (kind(1 - self.alpha) * fall + kind(self.alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(Schedule):
    """`CosineDecay` that starts again, each period `t_mul` times as long and `m_mul` times as high as the last.

    Args:
        initial_learning_rate: a float.
        first_decay_steps: steps of the first period.
        t_mul, m_mul: factors from period to period.
        alpha: the lowest rate as a fraction.
        name: kept for Keras.

    Raises:
        ValueError: `first_decay_steps` ≤ 0; (at the first step) a rate that is no float.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15; Loshchilov & Hutter, ICLR 2017.

        >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=4)
        >>> [round(float(schedule(step)), 4) for step in (0, 2, 4, 8, 12)]
        [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = positive(type(self).__name__, "first_decay_steps", first_decay_steps)
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def evaluate(self, step: Any) -> Any:
        lr, x, kind = self._start(step)
        t_mul, m_mul, alpha = cast(self._t_mul, kind), cast(self._m_mul, kind), cast(self.alpha, kind)
        p = x / cast(self.first_decay_steps, kind)
        if t_mul == 1:
            i = np.floor(p)
            p = p - i
        else:
            i = np.floor(logarithm(1 - p * (1 - t_mul), kind) / logarithm(t_mul, kind))
            begin = (1 - t_mul**i) / (1 - t_mul)
            p = (p - begin) / t_mul**i
        fall = kind(0.5) * m_mul**i * (1 + cosine(kind(math.pi) * p, kind))
        return lr * ((1 - alpha) * fall + alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
