"""Reading, setting and logging the learning rate of a model's optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config
from refkeras.semantics import Semantics

__all__ = ["log_rates", "optimizers_of", "rate_of", "set_rate"]


def optimizers_of(model: Any) -> list[tuple[Any, str]]:
    """Return `[(optimizer, "")]`, or each of a composite optimizer's with its name."""
    optimizer = model.optimizer
    if hasattr(optimizer, "optimizers"):
        return [(part, part.name) for part in optimizer.optimizers]
    return [(optimizer, "")]


def rate_of(rules: Semantics, optimizer: Any) -> Any:
    """Return the current rate: a Python float in Keras 3, a NumPy number of the rate's dtype before."""
    rate = optimizer.learning_rate
    if rules.rate_log_key == "learning_rate":
        return float(rate)
    return np.asarray(rate, dtype=config.floatx())[()]


def set_rate(optimizer: Any, rate: Any) -> None:
    """Set the rate.

    Raises:
        TypeError: (from the optimizer, Keras 3) its rate is a schedule.
    """
    optimizer.learning_rate = rate


def log_rates(rules: Semantics, model: Any, logs: dict[str, Any]) -> None:
    """Put the rate into the logs, as `learning_rate` or `lr`."""
    for optimizer, name in optimizers_of(model):
        logs[f"{rules.rate_log_key}_{name}" if name else rules.rate_log_key] = rate_of(rules, optimizer)
