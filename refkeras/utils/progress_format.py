"""The pieces of a progress line: counts, bars, times and averages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["arrow", "averages", "count", "eta", "mean_of_quotient", "mean_of_sum", "per_unit", "quotient"]

Mean = Callable[[Any, float], Any]


def count(current: int, target: int) -> str:
    """`" 7/38"`: steps done, as wide as the target."""
    return f"{int(current):{int(math.log10(target)) + 1}d}/{int(target)}"


def arrow(current: int, target: int, width: int) -> str:
    """`"===>......"`, and all `=` when done."""
    done = int(width * (float(current) / target))
    head = ">" if current < target else "="
    return ("=" * (done - 1) + head if done > 0 else "") + "." * (width - done)


def eta(seconds: float) -> str:
    """`"12s"`, `"3:05"` from a minute on, `"1:03:05"` from an hour on."""
    if seconds > 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    if seconds > 60:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds)}s"


def per_unit(seconds: float, unit: str) -> str:
    """`" 5ms/step"`."""
    if seconds >= 1 or seconds == 0:
        return f" {seconds:.0f}s/{unit}"
    if seconds >= 1e-3:
        return f" {seconds * 1000.0:.0f}ms/{unit}"
    return f" {seconds * 1000000.0:.0f}us/{unit}"


def averages(values: dict[str, list[Any]], mean: Mean, signed: bool = False) -> str:
    """`" - loss: 0.2500 - ..."` from `{name: [sum, weight]}`.

    Numbers up to 1e-3 in size get an exponent; where `signed`, so does every negative number.
    """
    text = ""
    for name, (total, weight) in values.items():
        number = mean(total, weight)
        fixed = (number if signed else abs(number)) > 1e-3
        text += f" - {name}: {number:.4f}" if fixed else f" - {name}: {number:.4e}"
    return text


def mean_of_sum(total: Any, weight: float) -> Any:
    """Keras 3's: the mean of the sum's elements, divided."""
    return (total if isinstance(total, float) else np.mean(total)) / max(1, weight)


def mean_of_quotient(total: Any, weight: float) -> Any:
    """tf_keras's: the mean of the quotient's elements, which turns -0.0 into 0.0."""
    return np.mean(total / max(1, weight))


def quotient(total: Any, weight: float) -> Any:
    """Keras 2.0's."""
    return total / max(1, weight)
