"""`RMSprop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refkeras.ops import optimizers as ops
from refkeras.optimizers.arguments import TF_KERAS_TAIL, arguments
from refkeras.optimizers.base import Optimizer
from refkeras.optimizers.layout import Cell
from refkeras.optimizers.scalars import Hyperparameter, complement, held
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.semantics import Semantics
from refkeras.variable import Variable

__all__ = ["RMSprop"]


def _defaults(rules: Semantics) -> dict[str, Any]:
    return {"epsilon": rules.optimizer_epsilon, "ema_overwrite_frequency": rules.rmsprop_ema_overwrite_frequency}


class RMSprop(Optimizer):
    """Steps of the gradient over its root mean square.

    v = ρ·v + (1 − ρ)·g²; w −= lr·g / √(v + ε). Centered: a = ρ·a + (1 − ρ)·g, and v − a² in place of v in the root.
    With momentum: m = μ·m + lr·g / √(...), w −= m.

    Args:
        learning_rate: lr.
        rho: ρ.
        momentum: μ.
        epsilon: ε.
        centered: take the mean gradient off.
        weight_decay, ..., name: as for `Optimizer`.

    Raises:
        ValueError: as `Optimizer`.

    Source: `keras/src/optimizers/rmsprop.py`, Keras 3.15; Hinton, lecture 6 (2012). Under tf_keras and Keras 2.0, the
    arguments and formulas of those: tf_keras multiplies by 1/√(...), Keras 2.0 divides by √v + ε.

        >>> import numpy as np
        >>> from refkeras import Variable
        >>> w, optimizer = Variable([1.0, 2.0]), RMSprop(learning_rate=0.1)
        >>> optimizer.apply([np.array([0.5, -3.0])], [w])
        >>> w.numpy().round(4)
        array([0.6838, 2.3162], dtype=float32)
    """

    _hyperparameters = ("rho", "momentum", "epsilon", "centered")
    rho = Hyperparameter()
    momentum = Hyperparameter()
    epsilon = Hyperparameter()

    @arguments(
        tf_keras=f"learning_rate rho momentum epsilon centered {TF_KERAS_TAIL}",
        keras_2_0="lr rho epsilon decay",
        defaults=_defaults,
    )
    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any] = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
        )
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._counts = self._rules.steps_counted == "always"
        if not self._rules.rmsprop_iterations_in_variables:
            self._variables.remove(self._iterations)

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots: a velocity for each variable; with momentum, and centered, one more each."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum > 0 else []
        self._average_gradients = self.add_optimizer_variables(variables, "average_gradient") if self.centered else []

    def _kinds_of_slots(self) -> Sequence[Sequence[Variable]]:
        return self._velocities, self._momentums, self._average_gradients

    def _make_constants(self, kind: type) -> tuple[Any, ...]:
        d = complement(self.rho, kind, self._rules.optimizer_scalars)
        scalars = kind(self.rho), d, kind(self.epsilon), kind(self.momentum)
        self._constants[kind] = tuple(held(value) for value in scalars)
        return self._constants[kind]

    def _update(self, cell: Cell, rate: Any, t: int) -> None:
        rho, d, epsilon, mu = self._constants.get(cell.kind) or self._make_constants(cell.kind)
        cell.rate[()] = rate
        v, m, a = cell.slots
        s, r = cell.scratch
        root = self._rules.rmsprop_root
        ops.rmsprop(cell.w, cell.g, v, m, a, cell.rate, rho, d, epsilon, mu, root, s, r)
