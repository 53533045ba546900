"""`LambdaCallback` (`keras/src/callbacks/lambda_callback.py`, Keras 3.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.callback import Callback

__all__ = ["LambdaCallback"]

_OLDER = "on_epoch_begin on_epoch_end on_batch_begin on_batch_end on_train_begin on_train_end"


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin, on_epoch_end: called with `(epoch, logs)`.
        on_train_begin, on_train_end: called with `(logs)`.
        on_train_batch_begin, on_train_batch_end: called with `(batch, logs=logs)`: the second parameter of the
            function must be named `logs` in Keras 3, and need not in tf_keras and Keras 2.0.
        **kwargs: any other hook; other names become attributes.

    In tf_keras and Keras 2.0 the third to sixth argument are `on_batch_begin`,
    `on_batch_end`, `on_train_begin` and `on_train_end`.

    Example:

        >>> tell = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> tell.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    @arguments(tf_keras=_OLDER, open_in="keras-3 tf_keras keras-2.0")
    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        for older in ("on_batch_begin", "on_batch_end"):
            if kwargs.get(older, self) is None:
                del kwargs[older]
        self.__dict__.update(kwargs)
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        self.__dict__.update({name: hook for name, hook in hooks.items() if hook is not None})
