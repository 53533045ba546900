"""`ModelCheckpoint` (`keras/src/callbacks/model_checkpoint.py`, Keras 3.15)."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from refkeras.callbacks.arguments import arguments
from refkeras.callbacks.checkpoint_files import newest_match
from refkeras.callbacks.monitor import MonitorCallback
from refkeras.callbacks.warn import warn
from refkeras.utils.io_utils import print_msg

__all__ = ["ModelCheckpoint"]

_COMMON = "filepath monitor verbose save_best_only save_weights_only mode"


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, at the end of epochs or every so many batches.

    Args:
        filepath: path; `{epoch}` (from 1), `{batch}` and the keys of the logs are filled in by `str.format`.
            Keras 3 asks for `.keras` or `.h5`, and `.weights.h5` for weights.
        monitor: the key in the logs that says which model is best.
        verbose: 1 prints what is saved and why.
        save_best_only: save only when the monitored value has improved.
        save_weights_only: `model.save_weights` instead of `model.save`.
        mode: `"min"`, `"max"` or `"auto"`.
        save_freq: `"epoch"`, or a number of batches.
        initial_value_threshold: value to improve on at first.
        options: (tf_keras) only None.
        period: (tf_keras, Keras 2.0) number of epochs between checkpoints.
        load_weights_on_restart: (tf_keras) load the newest checkpoint when fit starts.
        **kwargs: tf_keras ignores what it does not know, and so does refkeras, with a warning.

    Raises:
        ValueError: the file's extension, `save_freq`, or (at the first epoch's end, Keras 3) an unknown
            direction with `mode="auto"`, also where it is not needed.
        KeyError: a field of `filepath` that is not in the logs.
        TypeError: an argument that the Keras in force does not have.

    Example:

        >>> class Model:
        ...     metrics = []
        ...     def save(self, filepath, overwrite=True):
        ...         print("saved", filepath)
        >>> checkpoint = ModelCheckpoint("m-{epoch:02d}-{loss:.1f}.keras")
        >>> checkpoint.set_model(Model())
        >>> checkpoint.on_epoch_end(0, {"loss": 0.5})
        saved m-01-0.5.keras
    """

    @arguments(
        tf_keras=f"{_COMMON} save_freq options initial_value_threshold period load_weights_on_restart",
        keras_2_0=f"{_COMMON} period",
        open_in="tf_keras",
    )
    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        *,
        options: None = None,
        period: int | None = None,
        load_weights_on_restart: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.verbose = verbose
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.epochs_since_last_save = 0
        self.period = 1 if period is None else period
        self.load_weights_on_restart = bool(load_weights_on_restart)
        self._current_epoch = 0
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen: int | None = None
        if options is not None:
            raise TypeError(f"options={options!r} is not supported: refkeras writes .keras and .h5 files. Pass None.")
        if self._rules.callback_arguments == "tf_keras":
            self._deprecate(period, load_weights_on_restart, kwargs)
        self._check()
        if self._direction_rule() != "metric":
            self._set_monitor_op()
            self.best = self._worst() if self.best is None else self.best

    def _deprecate(self, period: int | None, load_weights_on_restart: bool | None, unknown: dict[str, Any]) -> None:
        for name in unknown:
            warn(self._rules, f"ModelCheckpoint ignores the unknown argument {name!r}, as tf_keras does.")
        if load_weights_on_restart is not None:
            warn(
                self._rules,
                "`load_weights_on_restart` argument is deprecated. Please use `model.load_weights()` for loading "
                "weights before the start of `model.fit()`.",
            )
        if period is not None:
            warn(
                self._rules,
                "`period` argument is deprecated. Please use `save_freq` to specify the frequency in number of "
                "batches seen.",
            )

    def _check(self) -> None:
        if self.save_freq != "epoch" and not isinstance(self.save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {self.save_freq}. Expected save_freq are 'epoch' or integer values"
            )
        if self._rules.checkpoint_names == "free":
            return
        if self.save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                "When using `save_weights_only=True` in `ModelCheckpoint`, the filepath provided must end in "
                f"`.weights.h5` (Keras weights format). Received: filepath={self.filepath}"
            )
        if not self.save_weights_only and not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                "The filepath provided must end in `.keras` (Keras model format) or `.h5`. "
                f"Received: filepath={self.filepath}"
            )

    def _direction_rule(self) -> str:
        return self._rules.checkpoint_direction

    def _ignores(self, hook: str) -> bool:
        return self.save_freq == "epoch"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self.load_weights_on_restart:
            return
        path = newest_match(self.filepath)
        if path is not None:
            try:
                self.model.load_weights(path)
            except (OSError, ValueError) as error:
                raise ValueError(f"Error loading file from {path}. Reason: {error}") from error

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._should_save_on_batch(batch):
            self._save_model(self._current_epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.monitor_op is None:
            # Only now are the model's metrics all made.
            self._set_monitor_op()
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self._save_model(epoch, None, logs or {})

    def _should_save_on_batch(self, batch: int) -> bool:
        if self.save_freq == "epoch":
            return False
        if self._last_batch_seen is None or batch <= self._last_batch_seen:
            self._batches_seen_since_last_saving += batch + 1
        else:
            self._batches_seen_since_last_saving += batch - self._last_batch_seen
        self._last_batch_seen = batch
        if self._batches_seen_since_last_saving >= int(self.save_freq):
            self._batches_seen_since_last_saving = 0
            return True
        return False

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        self.epochs_since_last_save = 0
        path = self._get_file_path(epoch, batch, logs)
        folder = Path(path).parent
        when = self._rules.checkpoint_folder
        if when == "always":
            folder.mkdir(parents=True, exist_ok=True)
        if not self._should_save_model(epoch, logs, path):
            return
        if when == "when saving":
            folder.mkdir(parents=True, exist_ok=True)
        try:
            (self.model.save_weights if self.save_weights_only else self.model.save)(path, overwrite=True)
        except OSError as error:
            if isinstance(error, IsADirectoryError) or (error.args and "is a directory" in str(error.args[0]).lower()):
                raise OSError(
                    "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing "
                    f"directory: {path}"
                ) from error
            raise
        if self.verbose > 0 and self._rules.callback_messages == "keras-3":
            print_msg(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _get_file_path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        fields = {"epoch": epoch + self._rules.checkpoint_first_epoch}
        if batch is not None and "batch" not in logs:
            fields["batch"] = batch + 1
        try:
            return self.filepath.format(**fields, **logs)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. '
                f"Available: {', '.join([*fields, *logs])}."
            ) from None

    def _should_save_model(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
            return True
        current = logs.get(self.monitor)
        if current is None:
            skips = self._rules.checkpoint_missing == "skip"
            warn(self._rules, f"Can save best model only with {self.monitor} available{', skipping' * skips}.")
            return not skips
        if isinstance(current, np.ndarray) and current.ndim > 0:
            warnings.warn(
                f"Can save best model only when `monitor` is a scalar value. Received: {current}. "
                "Falling back to `save_best_only=False`.",
                stacklevel=4,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            ends = "" if self._rules.callback_messages == "keras-2.0" else f" from {best}"
            self._tell(epoch, f"{self.monitor} did not improve{ends}")
            return False
        self._tell(epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _tell(self, epoch: int, what: str) -> None:
        if self.verbose > 0:
            old = self._rules.callback_messages == "keras-2.0"
            print_msg(f"Epoch {epoch:05d}: {what}" if old else f"\nEpoch {epoch + 1}: {what}")
