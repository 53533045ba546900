"""The learning rate of an optimizer, and the count of its steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config
from refkeras.optimizers.checks import check_learning_rate
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.semantics import Semantics
from refkeras.tensor import wrap
from refkeras.variable import Variable

__all__ = ["LearningRate"]


class LearningRate:
    """The part of `Optimizer` that holds `learning_rate` and `iterations`."""

    name: str
    gradient_accumulation_steps: int | None
    #: Keras 2.0 only: lr / (1 + decay·iterations).
    decay: float = 0.0
    _rules: Semantics
    _variables: list[Variable]

    def _start_counting(self, learning_rate: Any) -> None:
        self._variables = []
        self._iterations = self._scalar(0, "iteration", self._rules.iterations_dtype)
        self._variables.append(self._iterations)
        self._learning_rate: Any = None
        self._last_rate: Variable | None = None
        self._keep_rate(learning_rate)

    def _scalar(self, value: Any, name: str, dtype: str) -> Variable:
        return Variable(value, dtype=dtype, trainable=False, name=name, path=f"{self.name}/{name}")

    def _keep_rate(self, learning_rate: Any) -> None:
        learning_rate = check_learning_rate(learning_rate, type(self).__name__, self._rules)
        if not callable(learning_rate):
            learning_rate = self._scalar(learning_rate, "learning_rate", config.floatx())
            if self._rules.learning_rate_in_variables:
                self._variables.append(learning_rate)
        self._learning_rate = learning_rate
        if self._rules.schedule_rate_reported == "last" and isinstance(learning_rate, LearningRateSchedule):
            value = self._scheduled()
            self._last_rate = self._scalar(value, "current_learning_rate", value.dtype.name)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a `Variable`, or what the schedule or the callable gives now.

        Raises:
            TypeError: (set) to a number, where it is a schedule.
            AttributeError: (set) to a number, where it is a callable.
        """
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._last_rate if self._last_rate is not None else wrap(np.asarray(self._scheduled()))

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        old = self._learning_rate
        scheduled = isinstance(learning_rate, LearningRateSchedule)
        if scheduled or (callable(learning_rate) and self._rules.callable_learning_rate == "each step"):
            self._variables = [variable for variable in self._variables if variable is not old]
            self._keep_rate(learning_rate)
        elif isinstance(old, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor "
                "argument, hence its learning rate is not settable. If you need the learning rate to be settable, "
                "you should instantiate the optimizer with a float `learning_rate` argument."
            )
        elif not isinstance(old, Variable):
            raise AttributeError("The learning rate is a callable; it cannot be set to a number.")
        elif callable(learning_rate):
            raise ValueError(f"{self._rules.name} cannot set the learning rate to a callable: {learning_rate!r}.")
        elif isinstance(learning_rate, str):
            raise self._rules.text_as_number_error(
                f"The learning rate cannot be set to {learning_rate!r}: expected a number."
            )
        else:
            old.assign(learning_rate)

    @property
    def lr(self) -> Any:
        """The learning rate by its old name, which Keras 3 does not know."""
        self._check_alias()
        return self.learning_rate

    @lr.setter
    def lr(self, learning_rate: Any) -> None:
        self._check_alias()
        self.learning_rate = learning_rate

    def _check_alias(self) -> None:
        if not self._rules.optimizer_lr_alias:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'lr'. Did you mean 'learning_rate'?")

    @property
    def iterations(self) -> Any:
        """How many updates there have been."""
        if self.gradient_accumulation_steps:
            return wrap(np.asarray(self._iterations.value // self.gradient_accumulation_steps))
        return self._iterations

    def _scheduled(self) -> Any:
        rate = self._learning_rate
        value = rate.evaluate(self._iterations) if isinstance(rate, LearningRateSchedule) else rate()
        # A plain number becomes float32, as TensorFlow makes it; arrays and NumPy scalars keep their dtype.
        return np.asarray(value)[()] if hasattr(value, "dtype") else np.float32(value)

    def _rate(self) -> Any:
        """Return the learning rate of the coming step, as a NumPy scalar."""
        rate = self._learning_rate
        if type(rate) is not Variable:
            value = self._scheduled()
            if self._last_rate is not None:
                self._last_rate.assign(value)
            return value
        value = rate._value[()]
        if self.decay:
            kind: Any = type(value)
            value = value * (1 / (1 + kind(self.decay) * kind(self._iterations._value)))
        return value
