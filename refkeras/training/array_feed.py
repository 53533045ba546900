"""Batches of arrays (`keras/src/trainers/data_adapters/array_data_adapter.py`, Keras 3.15)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from refkeras import random, semantics, tree
from refkeras.training.arrays import RowSource
from refkeras.training.feeds import Arrays, Batch, Feed
from refkeras.training.matching import number

__all__ = ["ArrayFeed", "row_count"]

# Beyond this many batches, keeping a view for each costs more than making it anew.
KEPT_VIEWS = 4096


def row_count(x: Any, y: Any, sample_weight: Any) -> int:
    """Return how many rows the arrays have.

    Raises:
        ValueError: not all the same number.
        KeyError: there are no arrays.
    """
    counts = {a.shape[0] for a in tree.flatten((x, y, sample_weight)) if a is not None}
    if len(counts) > 1:
        sizes = [
            f"'{name}' sizes: {', '.join(str(a.shape[0]) for a in tree.flatten(part) if a is not None)}"
            for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight))
            if part is not None
        ]
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            f"{'; '.join(sizes)}."
        )
    if not counts:
        raise KeyError("There is no data: x, y and sample_weight are all None.")
    return counts.pop()


class ArrayFeed(Feed):
    """Batches of arrays.

    Args:
        x, y, sample_weight: structures of arrays of as many rows; None where there is none.
        batch_size: rows in a batch; without it, `ceil(rows / steps)`, or 32.
        steps: batches in an epoch; without it, one pass.
        shuffle: True, False or `"batch"`.
        epochs, initial_epoch: the epochs to come.

    Raises:
        ValueError: numbers of rows differ, or a negative `batch_size`.
        TypeError: `batch_size` or `steps` is no integer.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        epochs: int = 1,
        initial_epoch: int = 0,
        at_once: int = 1,
    ) -> None:
        super().__init__(initial_epoch, epochs, at_once)
        self.num_samples: int = row_count(x, y, sample_weight)
        if not batch_size:
            batch_size = math.ceil(self.num_samples / steps) if steps else 32
        if batch_size < 0:
            raise ValueError(f"batch_size={batch_size} is negative; expected a positive integer.")
        self.batch_size: int = batch_size
        self.steps = steps or None
        self.num_batches = self.steps or math.ceil(self.num_samples / batch_size)
        self.x_structure, self.y_structure, self.w_structure = number(x), number(y), number(sample_weight)
        self._parts = [None if part is None else tree.flatten(part) for part in (x, y, sample_weight)]
        self._sources = [
            None if part is None else [None if a is None else RowSource(a) for a in part] for part in self._parts
        ]
        self._resident = all(s.resident for part in self._sources if part for s in part if s is not None)
        if isinstance(shuffle, str):
            lowered = shuffle.lower() if semantics.current().shuffle_case == "ignored" else shuffle
            shuffle = "batch" if lowered == "batch" else True
        self._orders = random.fit_order(
            self.num_samples,
            batch_size,
            shuffle=shuffle,
            steps_per_epoch=None if self.steps is None else self._whole(self.steps),
            epochs=epochs - initial_epoch,
        )
        self.fixed_batch_size = self._orders.fixed_batch_size
        self._started = False
        self._gathered: np.ndarray | None = None
        self._views: list[Batch] = []
        self._views_of: tuple[Any, Any] | None = None

    def peek(self, kept: int = 0) -> Arrays | None:
        self._orders.peek(kept)
        rows = min(self.batch_size, self.num_samples)
        if not rows:
            return None
        _, *batch = next(self._taken(None, [(0, rows)]))
        return tuple(batch)  # type: ignore[return-value]

    def restart(self) -> None:
        super().restart()
        if self._started:
            self._orders.reset()
        self._started = True

    def batches(self) -> Iterator[Batch]:
        rows = self._orders.epoch()
        if self._resident:
            if len(rows.bounds) > KEPT_VIEWS:
                yield from self._make_views(rows.indices, rows.bounds)
            else:
                yield from self._kept_views(rows.indices, rows.bounds)
        else:
            yield from self._taken(rows.indices, rows.bounds)
        self._orders.end_epoch()
        begun = self._whole(len(rows.bounds))
        if (rows.ran_out and begun < self._whole(self.num_batches or 0)) or not rows.bounds:
            self.run_out()

    # -- small arrays: one gather per epoch, and views of it -----------------------------------------

    def _kept_views(self, indices: np.ndarray | None, bounds: list[tuple[int, int]]) -> list[Batch]:
        key = (None if indices is None else len(indices), bounds)
        if self._views_of != key:
            self._views = list(self._make_views(indices, bounds))
            self._views_of = (key[0], list(bounds))
        elif indices is not None:
            self._arrange(indices)
        return self._views

    def _make_views(self, indices: np.ndarray | None, bounds: list[tuple[int, int]]) -> Iterator[Batch]:
        xs, ys, ws = self._arrange(indices)
        for step, (start, stop) in enumerate(bounds):
            yield step, _slices(xs, start, stop), _slices(ys, start, stop), _slices(ws, start, stop), stop - start

    def _arrange(self, indices: np.ndarray | None) -> list[Any]:
        """Return the arrays with their rows in order; equal orders are laid out once."""
        if indices is None:
            return [part and [s and s.values for s in part] for part in self._sources]
        same = indices is self._gathered or (self._gathered is not None and np.array_equal(indices, self._gathered))
        if not same:
            for part in self._sources:
                for source in part or ():
                    if source is not None:
                        source.gather(indices)
            self._gathered = indices
        return [part and [s and s.buffer for s in part] for part in self._sources]

    # -- large arrays and files: rows are copied for one batch ------------------------------------

    def _taken(self, indices: np.ndarray | None, bounds: list[tuple[int, int]]) -> Iterator[Batch]:
        for step, (start, stop) in enumerate(bounds):
            batch = slice(start, stop) if indices is None else indices[start:stop]
            xs, ys, ws = (part and [s and s.take(batch) for s in part] for part in self._sources)
            yield step, xs, ys, ws, stop - start  # type: ignore[misc]


def _slices(arrays: list[Any] | None, start: int, stop: int) -> Any:
    return arrays and [None if a is None else a[start:stop] for a in arrays]
