"""`Metric`, the base class of metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, naming, semantics
from refkeras.older import where
from refkeras.saving.limits import charge_state
from refkeras.variable import Variable

__all__ = ["Metric"]

_ADD_WEIGHT = ("shape", "initializer", "dtype", "name")
_ADD_WEIGHT_NAME_FIRST = ("name", "shape", "aggregation", "synchronization", "initializer", "dtype")


class Metric:
    """A figure that is gathered over batches.

    A subclass makes its state in `__init__` with `add_variable`, changes it in
    `update_state(y_true, y_pred, sample_weight=None)` and computes the figure, a number or
    a dict of numbers, in `result`. Metrics and variables that are assigned to attributes
    are part of the state.

    Args:
        dtype: the dtype of the state; defaults to `floatx()`.
        name: defaults to the class's name in snake case, with a counter.

    Source: Keras 3.15, `keras/src/metrics/metric.py`.

    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.value = self.add_variable((), np.zeros, name="value")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(max(float(self.value), np.max(y_pred)))
    ...     def result(self):
    ...         return self.value
    >>> float(Largest()([1.0, 2.0], [3.0, 5.0]))
    5.0
    """

    _direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or naming.auto_name(naming.to_snake_case(type(self).__name__))
        self._dtype_policy = config.get_policy(dtype or config.floatx())
        self._dtype = np.dtype(self._dtype_policy.compute_dtype)
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []

    @property
    def dtype(self) -> str:
        return self._dtype.name

    @property
    def variables(self) -> list[Variable]:
        """The state: this metric's own variables, then those of the metrics in it."""
        return [*self._variables, *(variable for metric in self._metrics for variable in metric.variables)]

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: str = "sum", name: str | None = None
    ) -> Variable:
        """Make a variable of the state.

        Args:
            shape: a tuple; () for a number.
            initializer: a name such as `"zeros"`, or a callable `(shape, dtype=)`.
            dtype: defaults to `floatx()`.
            aggregation: how Keras adds replicas up; there is one replica here.
            name: the variable's name; its path is `metric/name`.

        Raises:
            RuntimeError: `super().__init__()` has not been called.
            ValueError: no initializer is given.
        """
        self._check_super_called()
        if initializer is None:
            raise ValueError(f"Metric {self.name!r}: variable {name!r} needs an initializer, such as 'zeros'.")
        if not callable(initializer) or isinstance(initializer, type):
            from refkeras import initializers

            initializer = initializers.get(initializer)
        name = name or naming.auto_name("variable")
        path = f"{self.name.replace('/', '>')}/{name}"
        charge_state(tuple(shape), np.dtype(float).itemsize, path)
        variable = Variable(initializer, tuple(shape), dtype or config.floatx(), trainable=False, name=name, path=path)
        self._variables.append(variable)
        return variable

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Make a variable: `add_weight(shape=(), initializer=None, dtype=None, name=None)`.

        Under tf_keras the arguments are `(name, shape, aggregation, synchronization, initializer, dtype)`.
        """
        order = _ADD_WEIGHT_NAME_FIRST if semantics.current().add_weight_name_first else _ADD_WEIGHT
        given = dict(zip(order, args, strict=False))
        wrong = [*(str(arg) for arg in args[len(order) :]), *(set(kwargs) - set(order)), *(set(kwargs) & set(given))]
        if wrong:
            raise TypeError(f"add_weight() does not take {', '.join(wrong)}, or takes it once; it takes {order}.")
        given |= kwargs
        given.pop("synchronization", None)
        shape, initializer = given.pop("shape", None), given.pop("initializer", None)
        return self.add_variable(() if shape is None else shape, initializer, **given)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take another batch in."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`.")

    def result(self) -> Any:
        """Return the figure as it stands."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`.")

    def reset_state(self) -> None:
        """Set every variable to zero."""
        for variable in self.variables:
            variable.value[...] = 0

    @where(lambda rules: rules.metric_reset_states)
    def reset_states(self) -> None:
        """As `reset_state`, which it was called before."""
        self.reset_state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take a batch in, and return the figure."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_metrics" in self.__dict__:
            self._track(value)
        super().__setattr__(name, value)

    def _track(self, value: Any) -> None:
        if isinstance(value, (Metric, Variable)):
            store: list[Any] = self._metrics if isinstance(value, Metric) else self._variables
            if not any(item is value for item in store):
                store.append(value)
        elif isinstance(value, (list, tuple, dict)):
            for item in value.values() if isinstance(value, dict) else value:
                self._track(item)

    def _check_super_called(self) -> None:
        if "_metrics" not in self.__dict__:
            raise RuntimeError("You forgot to call `super().__init__()` in the `__init__()` method. Go add it!")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
