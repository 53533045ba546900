"""`CallbackList`: one call for all callbacks (`keras/src/callbacks/callback_list.py`, Keras 3.15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refkeras import semantics, tree
from refkeras.callbacks.base_logger import BaseLogger
from refkeras.callbacks.callback import Callback, is_default
from refkeras.callbacks.history import History
from refkeras.callbacks.progbar_logger import ProgbarLogger
from refkeras.utils.io_utils import is_interactive_logging_enabled, print_msg

__all__ = ["CallbackList"]

_MODES = ("train", "test", "predict")

Logs = dict[str, Any] | Callable[[], dict[str, Any]] | None


class CallbackList(Callback):
    """Calls the same hook of many callbacks: the user's first, then History, then the progress line.

    Hooks take `logs` as a dict, or as a function without arguments that
    returns it: it is asked only if some callback will look. A batch that
    nobody listens to costs next to nothing.

    Args:
        callbacks: callbacks, in any nesting of lists.
        add_history: add a `History` unless there is one.
        add_progbar: add a `ProgbarLogger` unless there is one.
        model: the model, which is told to every callback.
        **params: told to every callback by `set_params`. Keras 2.0 also reads `samples`, `metrics` and
            `validation_samples` here; the last is announced and not passed on.

    Raises:
        AttributeError: an object that is not a callback.
        TypeError: a callback's class instead of an instance.

    Example:

        >>> from refkeras.callbacks import LambdaCallback
        >>> tell = LambdaCallback(on_train_batch_end=lambda batch, logs: print(batch, logs))
        >>> hooks = CallbackList([tell])
        >>> hooks.on_train_begin()
        >>> hooks.on_train_batch_end(0, {"loss": np.float32(0.5)})
        0 {'loss': 0.5}
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self._rules = semantics.current()
        self.callbacks: list[Any] = tree.flatten(callbacks) if callbacks else []
        for callback in self.callbacks:
            _check(callback)
        self._blocks = 0
        self._history: History | None = None
        self._progbar: Any = None
        self._validation_samples = params.pop("validation_samples", None)
        self._add_default_callbacks(add_history, add_progbar)
        if model is not None:
            self.set_model(model)
        if params:
            if params.get("verbose") == "auto" and self._rules.verbose_auto == "resolved":
                params["verbose"] = 1 if is_interactive_logging_enabled() else 2
            self.set_params(params)
        self._find_batch_hooks(*_MODES)

    def _add_default_callbacks(self, add_history: bool, add_progbar: bool) -> None:
        if self._rules.batch_logs == "batch":
            self.callbacks.insert(0, BaseLogger())
        else:
            for callback in self.callbacks:
                if isinstance(callback, ProgbarLogger):
                    self._progbar = callback
                elif isinstance(callback, History):
                    self._history = callback
        if add_history and self._history is None:
            self._history = History()
            self.callbacks.append(self._history)
        if add_progbar and self._progbar is None:
            # tf_keras's counts samples by default, but not here.
            mode = {"count_mode": "steps"} if self._rules.progress_line == "tf_keras" else {}
            self._progbar = ProgbarLogger(**mode)
            self.callbacks.append(self._progbar)

    def append(self, callback: Any) -> None:
        """Add a callback at the end."""
        _check(callback)
        self.callbacks.append(callback)
        self._find_batch_hooks(*_MODES)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        self._model = model
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    # -- which batch hooks have something to do --------------------------------

    def _find_batch_hooks(self, *modes: str) -> None:
        """Look up the batch hooks once, not at every batch; repeated at every begin, as hooks may be assigned."""
        for mode in modes:
            begin, end = (self._listeners(f"on_{mode}_batch_{moment}") for moment in ("begin", "end"))
            alone = len(end) == 1 and getattr(end[0], "__self__", None) is self._progbar
            rests = getattr(self._progbar, "rests", None) if alone and self._rules.batch_logs == "running" else None
            if mode == "train":
                self._train_begin, self._train_end, self._train_rests = begin, end, rests
            elif mode == "test":
                self._test_begin, self._test_end, self._test_rests = begin, end, rests
            else:
                self._predict_begin, self._predict_end, self._predict_rests = begin, end, rests

    def _listeners(self, name: str) -> list[Callable[..., Any]]:
        listeners = []
        for callback in self.callbacks:
            hook = getattr(callback, name)
            if is_default(hook) and "train" in name:
                older = getattr(callback, name.replace("train_", ""))
                # The default hook forwards by keyword; Keras 2.0 knows only the older hook and calls it directly.
                hook = older if self._rules.batch_logs == "batch" or is_default(older) else hook
                if is_default(older):
                    continue
            elif is_default(hook):
                continue
            ignores = getattr(callback, "_ignores", None)
            if ignores is None or not ignores(name):
                listeners.append(hook)
        return listeners

    def _call(self, hooks: list[Callable[..., Any]], batch: int, logs: Logs) -> None:
        logs = self._processed(logs)
        if self._rules.batch_hook_logs == "keyword":
            for hook in hooks:
                hook(batch, logs=logs)
        else:
            for hook in hooks:
                hook(batch, logs)

    def _processed(self, logs: Logs) -> dict[str, Any]:
        if callable(logs):
            logs = logs()
        if not logs:
            return {}
        if self._rules.hook_logs == "sorted floats":
            return _sorted_floats(logs)
        if self._rules.hook_logs == "python scalars":
            return tree.map_structure(_python_scalar, logs)
        return logs

    def step_watchers(self) -> list[Callable[..., None]]:
        """Return the methods of callbacks that want the `StepRecord` of every step (refkeras's own, `_watch_step`)."""
        return [callback._watch_step for callback in self.callbacks if hasattr(callback, "_watch_step")]

    # -- batches -----------------------------------------------------------------

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._rules.list_batch_hooks == "on_train_batch":
            self.on_train_batch_begin(batch, logs)
        else:
            self._call([callback.on_batch_begin for callback in self.callbacks], batch, logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._rules.list_batch_hooks == "on_train_batch":
            self.on_train_batch_end(batch, logs)
        else:
            self._call([callback.on_batch_end for callback in self.callbacks], batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._train_begin:
            self._call(self._train_begin, batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._train_end or (self._train_rests is not None and self._train_rests(batch)):
            return
        self._call(self._train_end, batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._test_begin:
            self._call(self._test_begin, batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._test_end or (self._test_rests is not None and self._test_rests(batch)):
            return
        self._call(self._test_end, batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        if self._predict_begin:
            self._call(self._predict_begin, batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._predict_end or (self._predict_rests is not None and self._predict_rests(batch)):
            return
        self._call(self._predict_end, batch, logs)

    # -- epochs and runs -----------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        logs = self._processed(logs)
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)
        self._find_batch_hooks("train")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = self._processed(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        samples = (self.params or {}).get("samples")
        if samples is not None and self._validation_samples is not None and self._progbar is not None:
            print_msg(f"Train on {samples} samples, validate on {self._validation_samples} samples")
        self._begin("train", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._end("on_train_end", logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._begin("test", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._end("on_test_end", logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._begin("predict", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._end("on_predict_end", logs)

    def _begin(self, mode: str, logs: Logs) -> None:
        self._blocks += 1
        logs = self._processed(logs)
        for callback in self.callbacks:
            getattr(callback, f"on_{mode}_begin")(logs)
        self._find_batch_hooks(mode)

    def _end(self, name: str, logs: Logs) -> None:
        logs = self._processed(logs)
        for callback in self.callbacks:
            getattr(callback, name)(logs)
        self._blocks -= 1
        if self._blocks < 0 and self._rules.callback_blocks == "checked":
            raise ValueError("`on_xxx_end` called without corresponding `on_xxx_begin`")


def _check(callback: Any) -> None:
    if isinstance(callback, type):
        raise TypeError(
            f"callbacks takes instances of Callback, and {callback.__name__} is a class: pass {callback.__name__}(...)."
        )
    if not hasattr(callback, "set_model") or not hasattr(callback, "on_train_batch_end"):
        raise AttributeError(f"callbacks takes instances of Callback, not {callback!r} ({type(callback).__name__}).")


def _python_scalar(value: Any) -> Any:
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0 else value


def _sorted_floats(logs: dict[str, Any]) -> dict[str, Any]:
    """Values as Python floats where they can be, keys in order, nested dicts opened."""
    result: dict[str, Any] = {}
    for key, value in sorted(logs.items()):
        if isinstance(value, dict):
            result.update(_sorted_floats(value))
        elif isinstance(value, np.ndarray) and value.ndim:
            result[key] = value
        else:
            try:
                result[key] = float(value)
            except (TypeError, ValueError):
                result[key] = value
    return result
