"""Batches of a `PyDataset` made ahead of time, in order, by threads or processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["ahead"]

_dataset: Any = None


def _adopt(dataset: Any) -> None:
    global _dataset
    _dataset = dataset


def _item(index: int) -> Any:
    return _dataset[index]


def ahead(dataset: Any, order: Iterable[int], workers: int, processes: bool, queue_size: int) -> Iterator[Any]:
    """Yield `dataset[i]` for i in `order`, up to `queue_size` of them made before they are asked for.

    Args:
        workers: how many make them.
        processes: whether those are processes, each with its own copy of `dataset`, rather than threads.
    """
    from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

    if processes:
        pool: Executor = ProcessPoolExecutor(workers, initializer=_adopt, initargs=(dataset,))
        make: Any = _item
    else:
        pool, make = ThreadPoolExecutor(workers), dataset.__getitem__
    with pool:
        waiting: deque[Any] = deque()
        try:
            for index in order:
                waiting.append(pool.submit(make, index))
                if len(waiting) > queue_size:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
