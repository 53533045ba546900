"""`CSVLogger` (`keras/src/callbacks/csv_logger.py`, Keras 3.15)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from refkeras.callbacks.callback import Callback
from refkeras.semantics import current

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the epoch logs to a CSV file: `epoch` and the first epoch's keys in alphabetical order.

    Args:
        filename: path of the file.
        separator: what separates columns, one character.
        append: keep what the file holds, and write no header if it holds something.

    Raises:
        KeyError: (Keras 2.0, in fit) an epoch without one of the columns.

    Example:

        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "log.csv")
        ...     logger = CSVLogger(path, separator=";")
        ...     logger.on_train_begin()
        ...     logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
        ...     logger.on_train_end()
        ...     path.read_text()
        'epoch;loss;val_loss\\n0;0.5;0.25\\n'
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self._rules = current()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.writer: Any = None
        self.keys: list[str] | None = None
        self.append_header = True
        self.csv_file: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        path = Path(self.filename)
        if self.append and path.exists():
            with path.open() as file:
                self.append_header = not file.readline()
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = path.open("a" if self.append else "w")
        self.writer = None
        if not self._rules.csv_columns_kept:
            self.keys = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if self._rules.csv_validation_columns and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        if self.writer is None:
            self.writer = _writer(self.csv_file, ["epoch", *self.keys], self.sep)
            if self.append_header:
                self.writer.writeheader()
        filled = self._rules.csv_validation_columns
        row = {key: _cell(logs.get(key, "NA") if filled else logs[key]) for key in self.keys}
        self.writer.writerow({"epoch": epoch, **row})
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.writer = None


def _writer(file: Any, columns: list[str], separator: str) -> Any:
    import csv

    return csv.DictWriter(file, fieldnames=columns, dialect=csv.excel, delimiter=separator)


def _cell(value: Any) -> Any:
    scalar = isinstance(value, str) or (isinstance(value, np.ndarray) and value.ndim == 0)
    if isinstance(value, Iterable) and not scalar:
        return f'"[{", ".join(map(str, value))}]"'
    return value
