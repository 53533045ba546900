"""`Optimizer`: what all optimizers share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from refkeras import naming, semantics
from refkeras.optimizers import schedules
from refkeras.optimizers.arguments import arguments, config_of
from refkeras.optimizers.checks import check_arguments
from refkeras.optimizers.layout import Cell, Layout, Part
from refkeras.optimizers.learning_rate import LearningRate
from refkeras.optimizers.scalars import cast
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.optimizers.slots import Slots
from refkeras.optimizers.step import Step
from refkeras.saving import serialization
from refkeras.variable import Variable

__all__ = ["Optimizer"]


class Optimizer(LearningRate, Slots, Step):
    """Base class of optimizers.

    An optimizer of your own overrides `build` (call `super().build(variables)`, then make slots with
    `add_optimizer_variables`), `update_step` and `get_config`.

    A training loop steps it in one of two ways, with the same result:

    - `apply(gradients, variables)`, as in Keras, with one array (or None) for each variable;
    - or it writes every gradient into the array that `gradient_views(variables)` gave for its variable, and calls
      `apply_flat()`: then nothing is copied. A list given to `apply` may hold such views too.

    Args:
        learning_rate: a float, a `LearningRateSchedule`, or a callable without arguments.
        weight_decay: before each update, w −= w·weight_decay·lr.
        clipnorm: each gradient is scaled down to this norm.
        clipvalue: the elements of each gradient are clipped to ± this value.
        global_clipnorm: all gradients together are scaled down to this norm.
        use_ema: keep a moving average of the weights, which replaces them at the end of `fit`.
        ema_momentum: its momentum.
        ema_overwrite_frequency: replace the weights by it every so many updates as well.
        loss_scale_factor: `scale_loss` multiplies the loss by it, and gradients are divided by it.
        gradient_accumulation_steps: update once in so many steps, by the mean of their gradients.
        name: defaults to `adam`, `adam_1`, ...

    Raises:
        ValueError: an argument that is unknown, of the wrong type, or out of range; two ways to clip.

    Source: `keras/src/optimizers/base_optimizer.py`, Keras 3.15.

        >>> from refkeras import Variable
        >>> from refkeras.optimizers import SGD
        >>> w, optimizer = Variable([1.0, 2.0]), SGD(learning_rate=0.5)
        >>> optimizer.apply([np.array([1.0, -1.0])], [w])
        >>> w.numpy(), int(optimizer.iterations)
        (array([0.5, 2.5], dtype=float32), 1)
    """

    #: The hyperparameters of the rule itself, as `get_config` lists them.
    _hyperparameters: ClassVar[tuple[str, ...]] = ()
    #: By scalar type, what `_update` computes with; emptied when a `Hyperparameter` is set.
    _constants: dict[type, tuple[Any, ...]]

    @arguments()
    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any],
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        rules = self._rules = semantics.current()
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        check_arguments(self, name, rules)
        cls = type(self).__name__
        counted = rules.optimizer_names == "counted"
        self.name = name or (naming.auto_name(naming.to_snake_case(cls)) if counted else cls)
        self._start_counting(learning_rate)
        self.built = False
        self._layout: Layout | None = None
        self._trainable_variables: list[Variable] = []
        self._positions: dict[int, int] = {}
        self._averages: list[Variable] | None = None
        self._accumulators: list[Variable] | None = None
        self._whole = type(self).update_step is Optimizer.update_step

    # -- building ---------------------------------------------------------------

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots for `variables`; a second call does nothing.

        Raises:
            ValueError: a variable is listed twice.
        """
        if self.built:
            return
        variables = list(variables)
        self._positions = {id(variable): i for i, variable in enumerate(variables)}
        if len(self._positions) != len(variables):
            raise ValueError("A variable is listed twice in `optimizer.build(variables)`.")
        self._trainable_variables = variables
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
            if self._rules.ema_start == "weights":
                for average, variable in zip(self._averages, variables, strict=True):
                    average.assign(variable.value)
        if self.gradient_accumulation_steps:
            self._accumulators = self.add_optimizer_variables(variables, "gradient_accumulator")
        self.built = True

    def _kinds_of_slots(self) -> Sequence[Sequence[Variable]]:
        """Return the slots of the rule, in the order in which `_update` takes them; an empty list for none."""
        return ()

    def _laid_out(self) -> Layout:
        if self._layout is None:
            kinds = (self._averages, self._accumulators, *self._kinds_of_slots())
            self._layout = Layout(self._trainable_variables, kinds, bind=self._whole)
        return self._layout

    # -- stepping ---------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable; what an optimizer of your own overrides.

        Args:
            gradient: array of the variable's shape and dtype.
            variable: the variable.
            learning_rate: scalar.
        """
        part = self._laid_out().parts[self._position(variable)]
        part.refresh()
        part.receive(gradient)
        self._update(part, cast(learning_rate, part.kind, "through float32"), self._updates() + 1)

    def _update(self, cell: Cell, rate: Any, t: int) -> None:
        """Update all that lies in `cell`: update number `t` (from 1) at learning rate `rate`."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `update_step(self, gradient, variable, learning_rate)`."
        )

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        """Update the variables by their gradients.

        Args:
            grads: an array of the variable's shape for each, or None where there is none.
            trainable_variables: the variables; by default those the optimizer was built with. Builds it if needed.

        Raises:
            ValueError: no gradient at all, a wrong number or shape, or a variable the optimizer was not built with.
                Nothing has been changed then.
        """
        if len(grads) == 0:
            return
        variables = self._resolved(grads, trainable_variables)
        layout = self._layout or self._laid_out()
        if layout.take(grads, variables):
            self._advance(layout.cells, layout.parts)
        else:
            parts = self._received(grads, variables)
            self._advance(parts, parts)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Update the variables by `(gradient, variable)` pairs; return the number of steps."""
        pairs = list(grads_and_vars)
        if not pairs and not self._rules.apply_gradients_of_nothing:
            raise ValueError("No gradients: expected (gradient, variable) pairs, received none.")
        grads, variables = zip(*pairs, strict=True) if pairs else ((), ())
        self.apply(grads, variables)
        return self._iterations

    def gradient_views(self, variables: Sequence[Variable] | None = None) -> list[np.ndarray]:
        """Return an array for each variable to write its gradient into, for `apply_flat` or `apply`.

        They stay the same from step to step. Their contents are scratch after a step.

        Raises:
            ValueError: the optimizer is not built, or not with these variables.
        """
        if variables is not None:
            self.build(variables)
        layout = self._laid_out()
        chosen = range(len(layout.parts)) if variables is None else [self._position(v) for v in variables]
        return [layout.parts[i].g for i in chosen]

    def apply_flat(self) -> None:
        """Update all variables by the gradients that stand in `gradient_views()`."""
        layout = self._laid_out()
        self._advance(layout.refreshed(), layout.parts)

    def _resolved(self, grads: Sequence[Any], variables: Sequence[Variable] | None) -> Sequence[Variable]:
        if variables is not None:
            variables = variables if isinstance(variables, (list, tuple)) else list(variables)
            if not self.built:
                self.build(variables)
            return variables
        if not self.built:
            raise ValueError(
                "When passing `grads` without `variables`, the optimizer must already be built on a list of variables. "
                "Call `optimizer.build(trainable_variables)` first."
            )
        if len(grads) != len(self._trainable_variables):
            raise ValueError(
                "When passing `grads` as a list of gradient tensors, the gradients must match the variables that the "
                f"optimizer was built with one-to-one. Received a list of {len(grads)} gradients, but the optimizer "
                f"is tracking {len(self._trainable_variables)} trainable variables."
            )
        return self._trainable_variables

    def _position(self, variable: Variable) -> int:
        position = self._positions.get(id(variable))
        if position is None:
            message = (
                f"Unknown variable: {variable}. This optimizer can only be called for the variables it was originally "
                "built with. When working with a new set of variables, you should recreate a new optimizer instance."
            )
            raise KeyError(message) if self._rules.unknown_variable == "KeyError" else ValueError(message)
        return position

    def _received(self, grads: Sequence[Any], variables: Sequence[Variable]) -> list[Part]:
        """Copy in the gradients that there are; return the cells of their variables."""
        if len(grads) != len(variables):
            raise ValueError(f"{len(grads)} gradients were given for {len(variables)} variables.")
        positions = [self._position(variable) for variable in variables]
        if len(set(positions)) != len(positions):
            raise ValueError("A variable is listed twice in `optimizer.apply(grads, variables)`.")
        missing = [variable.path for g, variable in zip(grads, variables, strict=True) if g is None]
        if len(missing) == len(grads):
            raise ValueError("No gradients provided for any variable.")
        parts = self._laid_out().parts
        received = []
        for gradient, position in zip(grads, positions, strict=True):
            if gradient is not None:
                parts[position].refresh()
                parts[position].receive(gradient)
                received.append(parts[position])
        if missing:
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss. "
                "If using `model.compile()`, did you forget to provide a `loss` argument?",
                stacklevel=3,
            )
        return received

    # -- the rest ---------------------------------------------------------------

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Give the variables their final values: those of the moving average, if there is one.

        Raises:
            AttributeError: `use_ema` on an optimizer that is not built.
        """
        if not self.use_ema:
            return
        if self._averages is None:
            raise AttributeError("The optimizer is not built: it has no moving average yet.")
        for variable in var_list:
            variable.value[...] = self._averages[self._position(variable)].value

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times `loss_scale_factor`, for the gradients to be taken of."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def assign(self, variable: Variable, value: Any) -> None:
        """Set a variable (for `update_step` of your own)."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments to make this optimizer again (without its state)."""
        rate = self._learning_rate
        if isinstance(rate, Variable):
            rate = float(rate)
        else:
            rate = serialization.serialize_keras_object(rate)
        config = {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
            **{name: getattr(self, name) for name in self._hyperparameters},
        }
        return config_of(self, self._rules, config)

    def __getstate__(self) -> dict[str, Any]:
        # A copy of a vector and of the variables in it would no longer share memory.
        return {**self.__dict__, "_layout": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._positions = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
        """Make an optimizer from what `get_config` returned."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config = {**config, "learning_rate": schedules.deserialize(rate, custom_objects)}
        return cls(**config)
