"""What optimizers refuse when they are made."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.optimizers.scalars import check_number
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.semantics import Semantics

__all__ = ["check_arguments", "check_learning_rate", "check_momentum"]


def check_arguments(optimizer: Any, name: Any, rules: Semantics) -> None:
    """Check what `Optimizer.__init__` was given.

    Raises:
        ValueError or TypeError: as the engine.
    """
    if name is not None and (not isinstance(name, str) or "/" in name):
        raise ValueError(f"Argument `name` must be a string and cannot contain character `/`. Received: name={name!r}")
    for key in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"):
        if getattr(optimizer, key) is not None:
            check_number(getattr(optimizer, key), type(optimizer).__name__, key)
    steps = optimizer.gradient_accumulation_steps
    if steps and not (steps >= 2 and steps == math.floor(steps)):
        raise ValueError(
            f"`gradient_accumulation_steps` must be an integer >= 2. Received: gradient_accumulation_steps={steps!r}"
        )
    if optimizer.use_ema:
        if not 0 <= optimizer.ema_momentum <= 1:
            raise ValueError(
                f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={optimizer.ema_momentum!r}"
            )
        every = optimizer.ema_overwrite_frequency
        if every and (not isinstance(every, int) or every < 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. "
                f"Received: ema_overwrite_frequency={every!r}"
            )
    clips = {key: getattr(optimizer, key) for key in ("clipnorm", "clipvalue", "global_clipnorm")}
    exclusive = {
        "one": tuple(clips),
        "first": ("clipnorm", "global_clipnorm"),
        "all": (),
    }[rules.clip_arguments]
    if sum(clips[key] is not None for key in exclusive) > 1:
        given = ", ".join(f"{key}={clips[key]!r}" for key in exclusive)
        *some, last = (f"`{key}`" for key in exclusive)
        raise ValueError(f"Only one of {', '.join(some)} and {last} can be set. Received: {given}")


def check_learning_rate(learning_rate: Any, cls: str, rules: Semantics) -> Any:
    """Return the learning rate to keep: a schedule, a callable or a number.

    Raises:
        ValueError or TypeError: as the engine.
    """
    if isinstance(learning_rate, LearningRateSchedule) and rules.callable_learning_rate != "refused":
        return learning_rate
    if callable(learning_rate):
        if rules.callable_learning_rate == "refused":
            raise TypeError(f"{cls}: the learning rate is {learning_rate!r}; {rules.name} takes a number.")
        return learning_rate if rules.callable_learning_rate == "each step" else learning_rate()
    if isinstance(learning_rate, float):
        return learning_rate
    if rules.optimizer_number_checks == "floats":
        raise ValueError(
            "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or a callable (that "
            "takes no arguments and returns the learning rate). "
            f"Received instead: learning_rate={learning_rate!r}"
        )
    if learning_rate is None:
        raise ValueError(f"{cls}: learning_rate=None; expected a number or a LearningRateSchedule.")
    if isinstance(learning_rate, (str, bytes)) or np.ndim(learning_rate) != 0:
        raise TypeError(f"{cls}: learning_rate={learning_rate!r}; expected a number or a LearningRateSchedule.")
    return learning_rate


def check_momentum(momentum: Any, rules: Semantics) -> None:
    """Check SGD's `momentum`.

    Raises:
        ValueError: as the engine.
    """
    checked = {"floats": float, "numbers": (int, float), "none": ()}[rules.optimizer_number_checks]
    if rules.optimizer_number_checks == "floats" and not isinstance(momentum, float):
        raise ValueError(f"`momentum` must be a float between [0, 1]. Received: momentum={momentum!r}")
    if isinstance(momentum, checked) and not 0 <= momentum <= 1:  # type: ignore[arg-type]
        raise ValueError(f"`momentum` must be between [0, 1]. Received: momentum={momentum!r}")
