"""The variables of an optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from refkeras import naming
from refkeras.semantics import Semantics
from refkeras.variable import Variable

__all__ = ["Slots"]


class Slots:
    """The part of `Optimizer` that makes, lists, saves and loads its variables."""

    name: str
    built: bool
    #: tf_keras's names of slots, where they are not Keras 3's.
    _short_names: ClassVar[dict[str, str]] = {}
    _rules: Semantics
    _variables: list[Variable]

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's variables: iterations, learning rate (Keras 3, unless scheduled), slots."""
        return self._variables[:]

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that the optimizer tracks.

        Args:
            shape: its shape.
            initializer: `"zeros"`, another initializer's name, an initializer, or an array.
            dtype: defaults to `floatx()`.
            aggregation, layout: for distributed training in Keras; without meaning here.
            name: its name; the path is `optimizer_name/name`.
        """
        if isinstance(initializer, str) and initializer == "zeros":
            initializer = np.zeros
        elif isinstance(initializer, (str, dict)):
            from refkeras import initializers

            initializer = initializers.get(initializer)
        name = name or naming.auto_name("variable")
        path = f"{self.name}/{name}"
        variable = Variable(initializer, shape=tuple(shape), dtype=dtype, trainable=False, name=name, path=path)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Make a slot: a variable of another one's shape and dtype, named after it."""
        name = name or "var"
        path = reference_variable.path.removesuffix(":0")
        if self._rules.slot_names == "variable_slot":
            full = f"{path.replace('/', '_')}_{name}"
        else:
            full = f"{self.name}/{self._short_names.get(name, name)}/{path}:0"
        slot = self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name=full)
        if self._rules.slot_names != "variable_slot":
            slot.path = slot.name
        return slot

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Make one kind of slot, or several, for each variable.

        Args:
            trainable_variables: the variables.
            name: a name, or a list of names.
            initializer: one, or a list of as many as there are names.

        Returns:
            A list of slots; for a list of names, a tuple of lists. As in Keras, several kinds are made variable by
            variable: `variables` then lists them in turns.

        Raises:
            ValueError: the numbers of names and initializers differ.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(names) != len(starts):
            raise ValueError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name={name!r}, initializer={initializer!r}"
            )
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        kinds = list(zip(made, names, starts, strict=True))
        pairs = [(kind, variable) for variable in trainable_variables for kind in kinds]
        if self._rules.slot_order == "by slot":
            pairs = [(kind, variable) for kind in kinds for variable in trainable_variables]
        for (slots, slot, start), variable in pairs:
            slots.append(self.add_variable_from_reference(variable, slot, start))
        return made[0] if isinstance(name, str) else made

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Set all variables, in the order of `variables`.

        Raises:
            ValueError: the optimizer is not built, or an array has another shape or is missing.
        """
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. Please call "
                "`optimizer.build(trainable_variables)` to create the optimizer weights before calling `set_weights()`."
            )
        weights, variables = list(weights), self.variables
        if len(weights) != len(variables):
            raise ValueError(f"The optimizer has {len(variables)} variables; {len(weights)} weights were given.")
        for variable, weight in zip(variables, weights, strict=True):
            if variable.shape != np.shape(weight):
                raise ValueError(
                    f"Optimizer variable {variable.path} has shape {variable.shape} not compatible with provided "
                    f"weight shape {np.shape(weight)}."
                )
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Write every variable into `store` under its number."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read every variable back from `store`; warn and leave them if their number differs."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(variables)} variables "
                f"whereas the saved optimizer has {len(store.keys())} variables.",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(i)]))
