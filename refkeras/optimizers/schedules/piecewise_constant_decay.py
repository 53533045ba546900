"""`PiecewiseConstantDecay`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refkeras.optimizers.schedules.learning_rate_schedule import Schedule, cast
from refkeras.variable import Variable

__all__ = ["PiecewiseConstantDecay"]


class PiecewiseConstantDecay(Schedule):
    """values[i] for boundaries[i−1] < step ≤ boundaries[i].

    Args:
        boundaries: rising step numbers; cast to the type of the step, so that 2.7 is 2 for an optimizer.
        values: one rate more than there are boundaries.
        name: kept for Keras.

    Raises:
        ValueError: the lengths do not match.
        IndexError: (at the first step) no boundaries.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15.

        >>> schedule = PiecewiseConstantDecay([3, 5], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (0, 3, 4, 5, 6)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str | None = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. "
                f"Received: boundaries={boundaries} of length {len(boundaries)}, and values={values} "
                f"of length {len(values)}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def evaluate(self, step: Any) -> Any:
        if not self.boundaries:
            raise IndexError("PiecewiseConstantDecay needs at least one boundary.")
        x = step.value if type(step) is Variable else step
        x = np.float32(x) if type(x) is float else np.asarray(x)[()]
        boundaries = [x.dtype.type(boundary) for boundary in self.boundaries]
        first = getattr(self.values[0], "dtype", np.dtype("float32"))
        values = [cast(value, first.type) for value in self.values]
        # A sum, as in Keras: with boundaries that do not rise, several terms are not zero.
        rate = (x <= boundaries[0]) * values[0] + (x > boundaries[-1]) * values[-1]
        for low, high, value in zip(boundaries[:-1], boundaries[1:], values[1:-1], strict=True):
            rate += ((x > low) & (x <= high)) * value
        return rate

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
