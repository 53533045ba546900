"""`Adam`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.ops import optimizers as ops
from refkeras.optimizers.arguments import TF_KERAS_TAIL, arguments
from refkeras.optimizers.base import Optimizer
from refkeras.optimizers.layout import Cell
from refkeras.optimizers.scalars import Hyperparameter, cast, complement, held
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.variable import Variable

__all__ = ["Adam"]


class Adam(Optimizer):
    """Adam: steps of mean gradient over root mean square of the gradient.

    m += (g − m)(1 − β₁); v += (g² − v)(1 − β₂); w −= α·m / (√v + ε), α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)

    Args:
        learning_rate: lr.
        beta_1, beta_2: β₁, β₂.
        epsilon: ε.
        amsgrad: put the largest v so far in place of v.
        weight_decay, ..., name: as for `Optimizer`.

    Raises:
        ValueError: as `Optimizer`.

    Source: `keras/src/optimizers/adam.py`, Keras 3.15; Kingma & Ba, ICLR 2015. Under tf_keras and Keras 2.0, the
    arguments and rounding of those.

        >>> from refkeras import Variable
        >>> w, optimizer = Variable([1.0, 2.0]), Adam(learning_rate=0.1)
        >>> optimizer.apply([np.array([0.5, -3.0])], [w])
        >>> w.numpy().round(4)
        array([0.9, 2.1], dtype=float32)
    """

    _hyperparameters = ("beta_1", "beta_2", "epsilon", "amsgrad")
    _short_names = {"momentum": "m", "velocity": "v", "velocity_hat": "vhat"}  # noqa: RUF012
    beta_1 = Hyperparameter()
    beta_2 = Hyperparameter()
    epsilon = Hyperparameter()
    #: tf_keras only: ε is scaled by √(1 − β₂ᵗ).
    adaptive_epsilon = False

    @arguments(
        tf_keras=f"learning_rate beta_1 beta_2 epsilon adaptive_epsilon amsgrad {TF_KERAS_TAIL}",
        keras_2_0="lr beta_1 beta_2 epsilon decay",
        defaults=lambda rules: {"epsilon": rules.optimizer_epsilon},
    )
    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any] = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self._set_moments(beta_1, beta_2, epsilon, amsgrad)

    def _set_moments(self, beta_1: float, beta_2: float, epsilon: float, amsgrad: bool) -> None:
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._moving_average = {"difference": ops.lerp, "sum": ops.blend}[self._rules.adam_moments]

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the slots: momentum m and velocity v of each variable; with AMSGrad, the largest velocity."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._velocity_hats = self.add_optimizer_variables(variables, "velocity_hat") if self.amsgrad else []

    def _kinds_of_slots(self) -> Sequence[Sequence[Variable]]:
        return self._momentums, self._velocities, self._velocity_hats

    def _make_constants(self, kind: type) -> tuple[Any, ...]:
        rounding = self._rules.optimizer_scalars
        beta_1, beta_2 = cast(self.beta_1, kind, rounding), cast(self.beta_2, kind, rounding)
        d_1, d_2 = complement(self.beta_1, kind, rounding), complement(self.beta_2, kind, rounding)
        held_ones = [held(value) for value in (beta_1, d_1, beta_2, d_2, kind(self.epsilon))]
        self._constants[kind] = beta_1, beta_2, *held_ones
        return self._constants[kind]

    def _update(self, cell: Cell, rate: Any, t: int) -> None:
        kind = cell.kind
        beta_1, beta_2, b_1, d_1, b_2, d_2, epsilon = self._constants.get(kind) or self._make_constants(kind)
        step = kind(t)
        cell.rate[()] = ops.adam_rate(rate, beta_1, beta_2, step)
        if self.adaptive_epsilon:
            epsilon = held(epsilon[()] * np.sqrt(1 - beta_2**step))
        m, v, v_hat = cell.slots
        s, r = cell.scratch
        ops.adam(cell.w, cell.g, m, v, v_hat, cell.rate, b_1, d_1, b_2, d_2, epsilon, self._moving_average, s, r)
