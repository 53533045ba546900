"""`LearningRateSchedule`, and what the schedules in this package share."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.optimizers.scalars import through_float32
from refkeras.tensor import Tensor, wrap
from refkeras.variable import Variable

__all__ = ["LearningRateSchedule", "Schedule"]


class LearningRateSchedule:
    """Base class of learning-rate schedules: override `__call__(step)`, and `get_config` to save.

    Source: `keras/src/optimizers/schedules/learning_rate_schedule.py`, Keras 3.15.

        >>> class Halve(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5 ** int(step)
        >>> from refkeras.optimizers import SGD
        >>> round(float(SGD(Halve()).learning_rate), 6)
        0.1
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of step number `step` (a `Variable`, from 0)."""
        raise NotImplementedError(
            f"Learning rate schedule {type(self).__name__!r} must override `__call__(self, step)`."
        )

    def evaluate(self, step: Variable) -> Any:
        """Return what `__call__` returns, as it is cheapest to compute; what optimizers call."""
        return self(step)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        raise NotImplementedError(
            f"Learning rate schedule {type(self).__name__!r} must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """Make a schedule from what `get_config` returned."""
        return cls(**config)


class Schedule(LearningRateSchedule):
    """A schedule given by a formula, computed as TensorFlow computes it: in the dtype of its initial rate.

    That is float32 for a Python float, whatever `floatx()` is.
    """

    initial_learning_rate: Any

    def __call__(self, step: Any) -> Tensor:
        return wrap(np.asarray(self.evaluate(step)))

    def _start(self, step: Any) -> tuple[Any, Any, type]:
        """Return the initial rate, `step`, and their scalar type.

        Raises:
            ValueError: the initial rate is no float: Keras would compute in integers.
        """
        initial = self.initial_learning_rate
        if type(initial) is float:
            kind: type = np.float32
        else:
            dtype = getattr(initial, "dtype", None)
            if dtype is None or np.dtype(dtype).kind != "f":
                raise ValueError(f"{type(self).__name__}(initial_learning_rate={initial!r}): expected a float.")
            kind = np.dtype(dtype).type
        return kind(initial), as_scalar(step, kind), kind


def as_scalar(step: Any, kind: type) -> Any:
    """Return a step number as a scalar of `kind`; of several, an array."""
    if type(step) is Variable:
        step = step.value
    return kind(step) if isinstance(step, (int, float)) else np.asarray(step).astype(kind)[()]


def positive(schedule: str, name: str, value: Any) -> Any:
    """Return `value`.

    Raises:
        ValueError: it is not above 0.
    """
    if value <= 0:
        raise ValueError(f"{schedule}: argument `{name}` must be > 0. Received: {name}={value!r}")
    return value


_PLAIN = (np.ndarray, np.generic, float, int)


def cosine(x: Any, kind: type) -> Any:
    """Return cos(x) rounded to `kind`; NumPy's own float32 cosine is a few units further off."""
    return kind(np.cos(np.float64(x))) if isinstance(x, _PLAIN) else np.cos(x)


def logarithm(x: Any, kind: type) -> Any:
    """Return ln(x) rounded to `kind`."""
    return kind(np.log(np.float64(x))) if isinstance(x, _PLAIN) else np.log(x)


cast = through_float32
