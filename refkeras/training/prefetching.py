"""Batches of a `PyDataset` made ahead of time, by threads or processes.

Follows `OrderedEnqueuer` of `keras/src/trainers/data_adapters/py_dataset_adapter.py` (Keras 3.15).
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["Enqueuer"]

_dataset: Any = None


def _adopt(dataset: Any) -> None:
    global _dataset
    _dataset = dataset


def _item(index: int) -> Any:
    return _dataset[index]


class Enqueuer:
    """Has batches made ahead of time, in order, from `start` to `stop`.

    What was made and not taken when it stops is kept, and comes first after the next start, which begins with batch 0
    again: as in Keras, an epoch that follows one which was left early has some batches twice and others never. How
    many are made ahead is up to chance in Keras; here it is the most that it may be, `queue_size` and one that waits
    for its place.

    Args:
        dataset: has `__getitem__`.
        length: its number of batches, or None for one without end, which goes on where it stopped.
        workers: how many make them.
        processes: whether those are processes, each with its own copy of `dataset`, rather than threads.
        queue_size: see above; 0 is as many as there are.
        shuffle: each start draws a new order by Python's `random.shuffle`.
    """

    def __init__(
        self, dataset: Any, length: int | None, workers: int, processes: bool, queue_size: int, shuffle: bool
    ) -> None:
        self._dataset, self._length, self._workers, self._processes = dataset, length, workers, processes
        self._ahead = queue_size + 1 if queue_size > 0 else length or workers
        self._shuffle = shuffle
        self._kept: deque[Any] = deque()
        self._made: deque[Any] = deque()  # futures
        self._indices: Iterator[int] = itertools.count()
        self._pool: Any = None

    def start(self) -> None:
        """Begin with batch 0; nothing where it has begun."""
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

        if self._pool is not None:
            return
        if self._length is not None:
            order = list(range(self._length))
            if self._shuffle:
                random.shuffle(order)
            self._indices = iter(order)
        if self._processes:
            self._pool = ProcessPoolExecutor(self._workers, initializer=_adopt, initargs=(self._dataset,))
        else:
            self._pool = ThreadPoolExecutor(self._workers)
        self._fill()

    def stop(self) -> None:
        """Keep what was made and not taken, and make no more."""
        if self._pool is None:
            return
        try:
            self._kept.extend(self._result(future) for future in self._made)
        finally:
            self._end()

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None
        self._made.clear()

    def _fill(self) -> None:
        make = _item if self._processes else self._dataset.__getitem__
        for index in itertools.islice(self._indices, self._ahead - len(self._made)):
            self._made.append(self._pool.submit(make, index))

    def _result(self, future: Any) -> Any:
        try:
            return future.result()
        except BaseException:
            self._end()
            raise

    def batches(self) -> Iterator[Any]:
        """Yield as many batches as the dataset has, or without end; it goes on after a stop and another start."""
        self.start()
        for count in itertools.count(1):
            if self._kept:
                yield self._kept.popleft()
            elif self._made:
                future = self._made.popleft()
                self._fill()
                yield self._result(future)
            else:
                return
            if count == self._length:
                self.stop()
                return
