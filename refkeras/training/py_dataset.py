"""`PyDataset`: batches made one by one (`keras/src/trainers/data_adapters/py_dataset_adapter.py`, Keras 3.15)."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

__all__ = ["PyDataset"]

_DEFAULTS = {"_workers": 1, "_use_multiprocessing": False, "_max_queue_size": 10}


class PyDataset:
    """A sequence of batches.

    Subclass it with `__getitem__(index)`, which returns one batch as `(x,)`,
    `(x, y)` or `(x, y, sample_weight)`, and with `__len__`, the number of
    batches (or `num_batches`; None for a dataset without end).
    `fit`, `evaluate` and `predict` call `on_epoch_begin` and `on_epoch_end`,
    as each engine does (fields `sequence_hooks`, `data_is_reset` and
    `builds_from_batches` of `semantics`).

    Args:
        workers: how many threads or processes make batches ahead of time; 1 thread is none. What they have made when an
            epoch ends comes first in the next one, as in Keras: on JAX and PyTorch that is so in the first epoch, too.
        use_multiprocessing: processes rather than threads; the dataset is then copied into each.
        max_queue_size: how many batches may wait.

    Source: Keras 3.15.

    >>> import numpy as np
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         x = np.arange(3.0)[:, None] + 3 * index
    ...         return x, x**2
    >>> [y.ravel().tolist() for x, y in Squares()]
    [[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    def _setting(self, name: str) -> Any:
        if not hasattr(self, name):
            for missing, value in _DEFAULTS.items():
                self.__dict__.setdefault(missing, value)
            warnings.warn(
                "Your `PyDataset` class should call `super().__init__(**kwargs)` in its constructor. `**kwargs` can "
                "include `workers`, `use_multiprocessing`, `max_queue_size`. Do not pass these arguments to `fit()`, "
                "as they will be ignored.",
                stacklevel=3,
            )
        return getattr(self, name)

    @property
    def workers(self) -> int:
        return self._setting("_workers")

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        return self._setting("_use_multiprocessing")

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        return self._setting("_max_queue_size")

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    def __getitem__(self, index: int) -> Any:
        """Return the batch at `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(self, index)`.")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None if the dataset has no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must define `__len__`, or the property `num_batches` (None if it has no end)."
        )

    def __iter__(self) -> Iterator[Any]:
        try:
            count = self.num_batches
        except NotImplementedError:
            count = None
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called when an epoch begins."""

    def on_epoch_end(self) -> None:
        """Called when an epoch has ended."""
