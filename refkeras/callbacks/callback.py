"""`Callback`: the hooks that fit, evaluate and predict call (`keras/src/callbacks/callback.py`, Keras 3.15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from refkeras import semantics

__all__ = ["Callback", "is_default"]

Hook = TypeVar("Hook", bound=Callable[..., Any])


def _default(hook: Hook) -> Hook:
    hook._is_default = True  # type: ignore[attr-defined]
    return hook


def is_default(hook: Any) -> bool:
    """Whether a hook is `Callback`'s own, which does nothing."""
    return getattr(hook, "_is_default", False)


class Callback:
    """Base class of callbacks: override the hooks you need.

    `logs` is a dict that all callbacks of one call share; what one adds, later
    ones (History and the progress line among them) see. Batch-end logs hold
    the running means so far, epoch-end logs the epoch's results, validation
    under `val_...`.

    Attributes:
        params: dict of training parameters (`verbose`, `epochs`, `steps`).
        model: the model that is trained.

    Example:

        >>> class Tell(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs)
        >>> Tell().on_epoch_end(0, {"loss": 0.5})
        0 {'loss': 0.5}
    """

    params: dict[str, Any] | None
    validation_data: Any = None

    def __init__(self) -> None:
        self.params = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

    @property
    def model(self) -> Any:
        return self._model

    @model.setter
    def model(self, model: Any) -> None:
        if not semantics.current().callback_model_settable:
            raise AttributeError(
                f"property 'model' of {type(self).__name__!r} object has no setter: call set_model(model) instead."
            )
        self._model = model

    def _ignores(self, hook: str) -> bool:
        """Whether a batch hook that is overridden has nothing to do in this run, and need not be called."""
        return False

    @_default
    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """An older name of `on_train_batch_begin`."""

    @_default
    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """An older name of `on_train_batch_end`."""

    @_default
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called at the start of an epoch (counted from 0)."""

    @_default
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called at the end of an epoch, after its validation."""

    @_default
    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a training batch."""
        self.on_batch_begin(batch, logs=logs)

    @_default
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a training batch."""
        self.on_batch_end(batch, logs=logs)

    @_default
    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of evaluate, or of validation in fit."""

    @_default
    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of evaluate, or of validation in fit."""

    @_default
    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of predict."""

    @_default
    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of predict; logs hold its `outputs`."""

    @_default
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when fit starts."""

    @_default
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when fit ends; logs are the last epoch's."""

    @_default
    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when evaluate, or validation in fit, starts."""

    @_default
    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when evaluate, or validation in fit, ends."""

    @_default
    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when predict starts."""

    @_default
    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when predict ends."""
