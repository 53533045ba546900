"""Pieces of the training, evaluation and prediction loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refkeras import semantics, tree

__all__ = ["Structures", "grouped", "is_due", "packed", "rows", "when_known"]


class Structures:
    """The structures of a single batch, as a feed has them."""

    method = "on_batch"
    is_known = True

    def __init__(self, x_structure: Any, y_structure: Any, w_structure: Any, rows: int) -> None:
        self.x_structure, self.y_structure, self.w_structure = x_structure, y_structure, w_structure
        self.fixed_batch_size = rows


def when_known(feed: Any, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
    """Return `make()`, which goes by the structures of a feed's batches; or what makes it when it is first called."""
    if feed.is_known:
        return make()
    made: list[Callable[..., Any]] = []

    def first_made(*arguments: Any) -> Any:
        if not made:
            made.append(make())
        return made[0](*arguments)

    return first_made


def packed(structure: Any, outputs: list[Any]) -> Any:
    """Return the outputs in their structure; a list of one is taken out of it."""
    result = tree.pack_as(structure, outputs)
    return result[0] if isinstance(result, (list, tuple)) and len(result) == 1 else result


def grouped(feed: Any, size: int) -> Iterator[tuple[int, int, list[Any]]]:
    """Yield `(first step, last step, batches)` for every `size` batches of an epoch."""
    if size == 1:
        for batch in feed.batches():
            yield batch[0], batch[0], [batch]
        return
    full = semantics.current().short_execution_ends == "planned"
    group: list[Any] = []
    for batch in feed.batches():
        # Views into a feed's buffer do not outlive the next batch.
        copies = (None if part is None else [np.array(array) for array in part] for part in batch[1:4])
        group.append((batch[0], *copies, batch[4]))
        # A short group, too, is taken before the feed hears that the epoch is over.
        if len(group) == size or feed.is_last:
            yield group[0][0], group[0][0] + size - 1 if full else group[-1][0], group
            group = []
    if group:
        yield group[0][0], group[0][0] + size - 1 if full else group[-1][0], group


def is_due(epoch: int, frequency: Any) -> bool:
    """Whether validation follows this epoch; `frequency` counts epochs from 1.

    Raises:
        ValueError: it is neither an integer nor a list.
        ZeroDivisionError: it is 0.
    """
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    if isinstance(frequency, list):
        return epoch + 1 in frequency
    raise ValueError(
        "Expected `validation_freq` to be a list or int. "
        f"Received: validation_freq={frequency} of the type {type(frequency)}."
    )


def rows(x: Any) -> int | None:
    """Return how many rows the data has, if it tells."""
    first = tree.flatten(x)[0]
    return len(first) if hasattr(first, "__len__") else None
