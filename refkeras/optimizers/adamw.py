"""`AdamW`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras.optimizers.adam import Adam
from refkeras.optimizers.arguments import TF_KERAS_TAIL, arguments
from refkeras.optimizers.base import Optimizer
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam after a decay of the weights, w −= w·weight_decay·lr.

    Args:
        learning_rate: lr.
        weight_decay: a float; None is refused.
        beta_1, ..., name: as for `Adam`.

    Raises:
        ValueError: as `Adam`; no weight decay.
        AttributeError: under Keras 2.0, which has no AdamW.

    Source: `keras/src/optimizers/adamw.py`, Keras 3.15; Loshchilov & Hutter, ICLR 2019.

        >>> import numpy as np
        >>> from refkeras import Variable
        >>> w, optimizer = Variable([1.0, 2.0]), AdamW(learning_rate=0.1, weight_decay=0.5)
        >>> optimizer.apply([np.array([0.5, -3.0])], [w])
        >>> w.numpy().round(4)
        array([0.85, 2.  ], dtype=float32)
    """

    @arguments(
        tf_keras="learning_rate weight_decay beta_1 beta_2 epsilon amsgrad " + TF_KERAS_TAIL.split(" ", 1)[1],
        keras_2_0="",
    )
    def __init__(
        self,
        learning_rate: float | LearningRateSchedule | Callable[[], Any] = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")
        # Not Adam's constructor, which takes its arguments by the names of the Keras in force.
        Optimizer.__init__(
            self,
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
