"""`TerminateOnNaN` (`keras/src/callbacks/terminate_on_nan.py`, Keras 3.15)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.callback import Callback
from refkeras.utils.io_utils import print_msg

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Stops training after a batch whose loss is NaN or infinite.

    Args:
        raise_error: (Keras 3) raise instead of stopping; `on_train_end` is then not called.

    Raises:
        RuntimeError: (in fit) such a loss, with `raise_error`.

    Example:

        >>> stop = TerminateOnNaN()
        >>> stop.set_model(type("Model", (), {})())
        >>> stop.on_batch_end(3, {"loss": float("nan")})
        Batch 3: Invalid loss, terminating training
        >>> stop.model.stop_training
        True
    """

    @arguments(tf_keras="")
    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or (math.isfinite(loss) if type(loss) is float else bool(np.isfinite(loss))):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
