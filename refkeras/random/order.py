"""The order in which `fit` takes the rows of its arrays.

Follows `keras/src/trainers/epoch_iterator.py` and
`data_adapters/array_data_adapter.py` (Keras 3.15): an epoch is a stretch of
the stream of batches; a pass over all rows makes a new order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["FitOrder", "Rows", "swap_shuffle"]


class Rows(NamedTuple):
    """The batches of one epoch.

    Attributes:
        indices: int64 row numbers, or None for rows in their natural order.
        bounds: (start, stop) of each batch, in `indices` or in the data itself.
        ran_out: whether the data ended before `steps_per_epoch` batches.
    """

    indices: np.ndarray | None
    bounds: list[tuple[int, int]]
    ran_out: bool


class FitOrder:
    """The batches that one iterator over `n` rows yields, epoch by epoch.

    Args:
        n: number of rows.
        batch_size: rows in a batch; the last may be smaller.
        shuffle: True, False, or `"batch"` (rows change places within their batch).
        steps_per_epoch: batches in an epoch; None takes one pass.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool | str, steps_per_epoch: int | None) -> None:
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.steps_per_epoch = steps_per_epoch
        self.bounds = [(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
        self._indices: np.ndarray | None = None
        self._in_pass = False
        self._taken = 0

    @property
    def fixed_batch_size(self) -> int | None:
        """The size of every batch, or None where the last is smaller."""
        return None if self.n % self.batch_size else self.batch_size

    def peek(self, kept: int = 0) -> None:
        """Take a first batch, as Keras does to build a model from it, and start again; or go on after so many."""
        self.start_pass()
        self._indices = self._shuffle_batches(self.next_order(), self.bounds[:1])
        self._in_pass, self._taken = kept > 0, kept

    def reset(self) -> None:
        """Begin at the first batch again, as each `evaluate` does with the iterator it was given."""
        self._in_pass = False

    def epoch(self) -> Rows:
        """Return the rows of the next epoch; call it when the epoch begins."""
        if not self._in_pass or self.steps_per_epoch is None:
            self.start_pass()
            self._in_pass, self._taken = True, 0
        if self._taken == 0:
            self._indices = self.next_order()
        wanted = self.steps_per_epoch or len(self.bounds)
        bounds = self.bounds[self._taken : self._taken + wanted]
        self._taken += len(bounds)
        self._indices = self._shuffle_batches(self._indices, bounds)
        return Rows(self._indices, bounds, len(bounds) < wanted)

    def end_epoch(self) -> None:
        """Say that the epoch's last batch was taken; Keras then starts the next pass if this one is used up."""
        if self._taken >= len(self.bounds):
            self.start_pass()
            self._taken = 0

    def _shuffle_batches(self, order: np.ndarray | None, bounds: list[tuple[int, int]]) -> np.ndarray | None:
        """Shuffle the rows of these batches among themselves, where the engine draws that batch by batch."""
        if self.shuffle != "batch" or order is None:
            return order
        order = order.copy()
        for start, stop in bounds:
            drawn = self.permutation(stop - start)
            if drawn is not None:
                order[start:stop] = start + drawn
        return order

    def start_pass(self) -> None:
        """Start an iterator over the data."""

    def next_order(self) -> np.ndarray | None:
        """Return the order of the pass that has started; called for its first batch."""
        return None

    def permutation(self, n: int) -> np.ndarray | None:
        """Return an order of n rows of one batch, or None where `next_order` has shuffled them already."""
        return None


def swap_shuffle(words: np.ndarray, n: int) -> np.ndarray:
    """Shuffle 0 … n-1 by Fisher and Yates, forward: for i < n-1 swap p[i] with p[i + words[i] mod (n-i)].

    Args:
        words: (n - 1,) uint32 or uint64.

    Returns:
        (n,) int64.

    Example:
        >>> import numpy as np
        >>> swap_shuffle(np.array([2, 0, 1], np.uint32), 4)
        array([2, 1, 3, 0])
    """
    order = list(range(n))
    if n > 1:
        steps = np.arange(n, 1, -1, dtype=words.dtype)
        targets = (words[: n - 1] % steps).astype(np.int64) + np.arange(n - 1)
        for i, j in enumerate(targets.tolist()):
            order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)
