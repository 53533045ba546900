"""Batches that a user's generator or `PyDataset` makes.

`keras/src/trainers/epoch_iterator.py` and `data_adapters/` (Keras 3.15);
`tf_keras/src/engine/data_adapter.py`.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from refkeras import random as draws
from refkeras import semantics, tree
from refkeras.training.arrays import to_floatx
from refkeras.training.feeds import Arrays, Batch, Feed
from refkeras.training.matching import describe, number
from refkeras.training.prefetching import Enqueuer
from refkeras.training.sample_weights import with_class_weights
from refkeras.utils.packing import unpack_x_y_sample_weight

__all__ = ["GeneratorSource", "SequenceSource", "StreamFeed", "require_integer"]


class GeneratorSource:
    """A Python generator of batches; it is used up once.

    Keras 3 looks at two batches in advance, and a pass that starts over
    begins with those two again.

    Raises:
        ValueError: it yields nothing, or something else than tuples (Keras 3).
        StopIteration: it yields nothing (tf_keras).
    """

    length: int | None = None

    def __init__(self, generator: Iterator[Any]) -> None:
        self.replays = semantics.current().generator_restarts == "first two batches"
        if self.replays:
            self.peeked = list(itertools.islice(generator, 2))
            if not self.peeked:
                raise ValueError(
                    "When passing a Python generator to a Keras model, the generator must yield at least one batch. "
                    "Received an empty generator."
                )
            if not isinstance(self.peeked[0], tuple):
                raise ValueError(
                    "When passing a Python generator to a Keras model, the generator must return a tuple, either "
                    "(input,) or (inputs, targets) or (inputs, targets, sample_weights). "
                    f"Received: {type(self.peeked[0]).__name__}."
                )
        else:
            self.peeked = [next(generator)]
        self.generator = generator
        self._stream: Iterator[Any] | None = None

    def open(self) -> Iterator[Any]:
        """Start a pass."""
        if self.replays:
            return itertools.chain(self.peeked, self.generator)
        if self._stream is None:
            self._stream = itertools.chain(self.peeked, self.generator)
        return self._stream

    def begin_epoch(self) -> None:
        """A generator has no hooks."""

    end_epoch = begin_epoch


class SequenceSource:
    """A `PyDataset`, or what looks like one.

    Args:
        sequence: has `__getitem__`, and `num_batches` or `__len__`.
        shuffle: take the batches in a new order each pass, by Python's `random.shuffle` as in Keras.

    Raises:
        TypeError: `workers` or `max_queue_size` is no integer.
        ValueError: it is empty.
    """

    def __init__(self, sequence: Any, shuffle: bool) -> None:
        self.sequence = sequence
        self.shuffle = bool(shuffle)
        self.length: int | None = sequence.num_batches if hasattr(sequence, "num_batches") else len(sequence)
        if self.length == 0:
            raise ValueError("The PyDataset has length 0: its `__len__` must return the number of batches.")
        looks = semantics.current().batches_looked_at
        self.peeked = [sequence[i] for i in range(looks if self.length is None else min(looks, self.length))]
        self._hooks = semantics.current().sequence_hooks
        self._in_epoch = False
        workers, processes = getattr(sequence, "workers", 1), getattr(sequence, "use_multiprocessing", False)
        self._enqueuer: Enqueuer | None = None
        require_integer("workers", workers)
        if workers > 1 or (workers > 0 and processes):
            queue_size = getattr(sequence, "max_queue_size", 10)
            require_integer("max_queue_size", queue_size)
            self._enqueuer = Enqueuer(sequence, self.length, workers, processes, queue_size, self.shuffle)

    def open(self) -> Iterator[Any]:
        """Start a pass; its order is drawn when its first batch is taken."""
        return self._one_by_one() if self._enqueuer is None else self._enqueuer.batches()

    def _one_by_one(self) -> Iterator[Any]:
        order: Any = itertools.count() if self.length is None else range(self.length)
        if self.shuffle and self.length is not None:
            order = list(order)
            random.shuffle(order)
        for index in order:
            yield self.sequence[index]

    def begin_epoch(self) -> None:
        """Start the workers, and tell the sequence.

        Raises:
            ValueError: the epoch before has not ended.
        """
        if self._hooks != "begin and end":
            return
        if self._in_epoch:
            raise ValueError("`on_epoch_begin` was called twice without `on_epoch_end` having been called.")
        self._in_epoch = True
        if self._enqueuer is not None:
            self._enqueuer.start()
        if hasattr(self.sequence, "on_epoch_begin"):
            self.sequence.on_epoch_begin()

    def end_epoch(self) -> None:
        """Stop the workers, and tell the sequence."""
        if self._enqueuer is not None:
            self._enqueuer.stop()
        if hasattr(self.sequence, "on_epoch_end"):
            self.sequence.on_epoch_end()
        self._in_epoch = False


class StreamFeed(Feed):
    """Batches of a generator or sequence.

    Args:
        source: where they come from.
        steps: batches in an epoch; without it, one pass.
        class_weight: `{class: weight}`.
        epochs, initial_epoch: the epochs to come.
        resets: whether the data is told of an epoch's end before the first begins.
        at_once: batches of one execution.

    Raises:
        ValueError: a batch is not `(x,)`, `(x, y)` or `(x, y, sample_weight)` of arrays; or (tf_keras) there are
            several batches in an execution, and it is not known how many there are in all.
    """

    def __init__(
        self,
        source: GeneratorSource | SequenceSource,
        *,
        steps: int | None = None,
        class_weight: dict[int, float] | None = None,
        epochs: int = 1,
        initial_epoch: int = 0,
        resets: bool = True,
        at_once: int = 1,
    ) -> None:
        super().__init__(initial_epoch, epochs, at_once)
        self.source = source
        self._resets = resets
        self.steps = steps or None
        self.class_weight = class_weight
        self.num_batches = self.steps or source.length
        if at_once > 1 and self.num_batches is None and not semantics.current().executions_are_whole:
            raise ValueError(
                f"Could not infer the size of the data. With steps_per_execution={at_once}, above 1, you must specify "
                "the number of steps to run."
            )
        self._sizes_validation = semantics.current().generator_methods == "own"
        self._keeps_going = semantics.current().out_of_data == "shorter epochs"
        self._stream: Iterator[Any] | None = None
        self._seen = 0
        self._structures: list[Any] = []
        for item in source.peeked:
            self._arrays(item)

    @property
    def may_run_out(self) -> bool:
        return self.source.length is None

    @property
    def is_known(self) -> bool:
        return bool(self._structures)

    def peek(self, kept: int = 0) -> Arrays | None:
        self.source.begin_epoch()
        self._open()
        batches = list(itertools.islice(self._stream, kept or 1))  # type: ignore[arg-type]
        self._seen = len(batches)
        first = self._arrays(batches[0]) if batches else None
        if not kept and not self._resets:  # else the restart does it
            self._stream, self._seen = None, 0
            self.source.end_epoch()
        return first

    def restart(self) -> None:
        super().restart()
        if self._keeps_going and self._resets:
            self._stream, self._seen = None, 0
            self.source.end_epoch()

    @property
    def is_last(self) -> bool:
        length = self.source.length
        return self._keeps_going and bool(length) and self._seen >= length  # type: ignore[operator]

    def _open(self) -> None:
        draws.stream_starts()
        self._stream, self._seen = self.source.open(), 0

    def _next(self, stream: Any) -> Any:
        """Return a step's batch, or None where there is none left."""
        batch = next(stream, None)
        if batch is None and self.on_empty is not None:
            self.on_empty()
        return batch

    def leave_epoch(self) -> None:
        if not self._keeps_going:
            self.source.end_epoch()

    def batches(self) -> Iterator[Batch]:
        self.source.begin_epoch()
        yield from self._continued() if self._keeps_going else self._planned()

    def _continued(self) -> Iterator[Batch]:
        """Keras 3: with steps, an epoch goes on where the last one stopped, and is short where a pass ends."""
        wanted, length = self._whole(self.steps) if self.steps else self.source.length, self.source.length
        if self._stream is None or self.steps is None:
            self._open()
        stream = self._stream
        for step in itertools.count() if wanted is None else range(wanted):
            if length and self._seen >= length:
                if step % self.at_once == 0:
                    self.run_out()
                break
            batch = self._next(stream)
            if batch is None:
                self.run_out()
                self._stream = None
                break
            self._seen += 1
            yield step, *self._arrays(batch)  # type: ignore[misc]
        if length and self._seen >= length:
            self._open()
        self.source.end_epoch()

    def _planned(self) -> Iterator[Batch]:
        """tf_keras: an epoch has the planned number of batches, and data that ends before it ends training."""
        stream = self.source.open()
        for step in itertools.count() if self.num_batches is None else range(self.num_batches):
            batch = self._next(stream)
            if batch is None:
                if self.num_batches is None:
                    self.num_batches = step
                else:
                    self.run_out()
                break
            yield step, *self._arrays(batch)  # type: ignore[misc]

    def _arrays(self, batch: Any) -> Arrays:
        """Return one batch as flat lists of arrays, and its number of rows."""
        x, y, weight = unpack_x_y_sample_weight(batch if isinstance(batch, (list, tuple)) else (batch,))
        if self.class_weight:
            if weight is not None and semantics.current().class_and_sample_weights == "multiplied":
                raise ValueError(
                    "class_weight and sample_weight together need batches of one known size in tf_keras, which those "
                    "of a generator or a Sequence are not."
                )
            weight = with_class_weights(y, self.class_weight, weight)
        parts = [None if part is None else tree.map_structure(_as_batch, part) for part in (x, y, weight)]
        if not self._structures:
            self._structures = [None if part is None else number(part) for part in parts]
            self.x_structure, self.y_structure, self.w_structure = self._structures
        for name, part, structure in zip(("x", "y", "sample_weight"), parts, self._structures, strict=True):
            if (part is None) is not (structure is None) or not tree.same_structure(structure, part):
                raise TypeError(
                    f"The {name} of a batch is {describe(part)}, but that of the first batch was "
                    f"{describe(structure)}: all batches must have the same structure."
                )
        xs, ys, ws = (None if part is None else tree.flatten(part) for part in parts)
        if xs is None:
            raise ValueError("The x of a batch is None.")
        rows = next(len(a) for a in xs if a is not None)
        if self._sizes_validation:
            self.validation_size = rows
        return xs, ys, ws, rows


def require_integer(name: str, value: Any) -> None:
    """Raise a TypeError that names a setting which is no integer."""
    if not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}={value!r} must be an integer.")


def _as_batch(value: Any) -> Any:
    if value is None:
        return None
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if not array.ndim:
        raise ValueError(
            "When passing a dataset to a Keras model, the arrays must be at least rank 1. "
            f"Received: {value!r} of rank 0."
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Invalid dtype: {array.dtype.name}. Batches must be numbers.")
    return to_floatx(array if type(array) is np.ndarray else array.view(np.ndarray))
