"""`SGD`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refkeras.ops import optimizers as ops
from refkeras.optimizers.arguments import TF_KERAS_TAIL, arguments
from refkeras.optimizers.base import Optimizer
from refkeras.optimizers.checks import check_momentum
from refkeras.optimizers.layout import Cell
from refkeras.optimizers.scalars import Hyperparameter, cast, held
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.variable import Variable

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent, with momentum.

    w −= lr·g; with momentum: m = μ·m − lr·g, w += m, or with Nesterov's look-ahead w += μ·m − lr·g

    Args:
        learning_rate: lr.
        momentum: μ, a float in [0, 1].
        nesterov: take the look-ahead step.
        weight_decay, ..., name: as for `Optimizer`.

    Raises:
        ValueError: as `Optimizer`; a momentum of another type or out of range.

    Source: `keras/src/optimizers/sgd.py`, Keras 3.15. Under tf_keras and Keras 2.0, the arguments of those.

        >>> import numpy as np
        >>> from refkeras import Variable
        >>> w, optimizer = Variable([1.0, 2.0]), SGD(learning_rate=0.1, momentum=0.9)
        >>> for _ in range(2):
        ...     optimizer.apply([np.array([1.0, -1.0])], [w])
        >>> w.numpy().round(4)
        array([0.71, 2.29], dtype=float32)
    """

    _hyperparameters = ("momentum", "nesterov")
    _short_names = {"momentum": "m"}  # noqa: RUF012
    momentum = Hyperparameter()

    @arguments(
        tf_keras=f"learning_rate momentum nesterov {TF_KERAS_TAIL}",
        keras_2_0="lr momentum decay nesterov",
    )
    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any] = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        check_momentum(momentum, self._rules)
        self.momentum = momentum
        self.nesterov = nesterov
        self._counts = self._rules.steps_counted == "always"

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots: a momentum for each variable, if there is momentum."""
        if self.built:
            return
        super().build(variables)
        kept = self.momentum != 0 or self._rules.sgd_momentum_slot == "always"
        self.momentums = self.add_optimizer_variables(variables, "momentum") if kept else []

    def _kinds_of_slots(self) -> Sequence[Sequence[Variable]]:
        return (self.momentums,)

    def _make_constants(self, kind: type) -> tuple[Any, ...]:
        self._constants[kind] = (held(cast(self.momentum, kind, self._rules.optimizer_scalars)),)
        return self._constants[kind]

    def _update(self, cell: Cell, rate: Any, t: int) -> None:
        cell.rate[()] = rate
        (m,) = cell.slots
        s, r = cell.scratch
        if m is None:
            ops.sgd(cell.w, cell.g, cell.rate, s)
        else:
            (mu,) = self._constants.get(cell.kind) or self._make_constants(cell.kind)
            ops.momentum(cell.w, cell.g, m, cell.rate, mu, self.nesterov, s, r)
