"""What a training loop draws its batches from: the common part of array and stream feeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from refkeras import semantics, tree
from refkeras.utils.io_utils import log_warning

__all__ = ["Arrays", "Batch", "Feed"]

#: Flat lists of inputs, targets and sample weights (None where there are none), and how many rows they have.
Arrays = tuple[list[Any], "list[Any] | None", "list[Any] | None", int]
#: A step's number, and its arrays.
Batch = tuple[int, list[Any], "list[Any] | None", "list[Any] | None", int]


class Feed:
    """Batches, epoch by epoch.

        for epoch in feed.epochs():
            for step, xs, ys, ws, size in feed.batches():
                ...

    The arrays are views of the data or of a buffer that the next epoch
    overwrites: they are to be read only.

    Attributes:
        num_batches: batches in an epoch, as far as known.
        num_samples, batch_size: None for streams.
        fixed_batch_size: the batch size, if every batch is known to have it.
        validation_size: rows of the last batch taken, if batches for validation are as large (Keras 2.0's streams).
        x_structure, y_structure, w_structure: positions in the flat lists `xs`, `ys`, `ws`; None if absent or unknown.
    """

    #: What a model that is built for the first batch is told: see `Model._input_binder`.
    method = "fit"
    #: Called where a stream has no batch left for the step that asks for one.
    on_empty: Callable[[], None] | None = None

    num_batches: int | None = None
    num_samples: int | None = None
    batch_size: int | None = None
    fixed_batch_size: int | None = None
    validation_size: int | None = None
    x_structure: Any = None
    y_structure: Any = None
    w_structure: Any = None

    def __init__(self, initial_epoch: int, epochs: int, at_once: int = 1) -> None:
        #: Batches of one execution, where an epoch with `steps` is of whole executions, or 1.
        self.at_once = at_once if semantics.current().executions_are_whole else 1
        self.initial_epoch = initial_epoch
        self.epoch_count = epochs
        self.exhausted = False

    @property
    def is_known(self) -> bool:
        """Whether the structures are known; else they will be with the first batch."""
        return True

    @property
    def may_run_out(self) -> bool:
        """Whether it is not known how many batches there are."""
        return False

    def epochs(self) -> Iterator[int]:
        """Go back to the first batch; return the numbers of the epochs, fewer where lack of data ends it."""
        self.restart()
        return self._epochs()

    def _epochs(self) -> Iterator[int]:
        for epoch in range(self.initial_epoch, self.epoch_count):
            if self.exhausted:
                return
            yield epoch
            self.leave_epoch()

    def batches(self) -> Iterator[Batch]:
        """Yield `(step, xs, ys, ws, rows)` for the batches of one epoch."""
        raise NotImplementedError

    def peek(self, kept: int = 0) -> Arrays | None:
        """Take a first batch, as Keras does on some backends to build a model from it, and start again.

        Or take as many as `kept`, and go on with those that follow. Returns `(xs, ys, ws, rows)`, of arrays in any
        order; None where there is no batch.
        """
        raise NotImplementedError

    def restart(self) -> None:
        """Go back to the first batch, before the first epoch."""
        self.exhausted = False

    def leave_epoch(self) -> None:
        """Called when an epoch, its validation included, is over."""

    @property
    def is_last(self) -> bool:
        """Whether it is known before the next batch is asked for that there is none in this epoch."""
        return False

    def pack(self, structure: Any, leaves: Sequence[Any] | None) -> Any:
        """Return flat arrays in their structure; None stays None."""
        return None if structure is None or leaves is None else tree.pack_as(structure, list(leaves))

    def _whole(self, steps: int) -> int:
        """Return the batches of so many steps, which begin a last execution."""
        return -(-steps // self.at_once) * self.at_once

    def run_out(self) -> None:
        """Say that there is less data than `steps_per_epoch` asks for."""
        rules = semantics.current()
        if rules.out_of_data == "shorter epochs":
            warnings.warn(
                "Your input ran out of data; interrupting training. Make sure that your dataset or generator can "
                "generate at least `steps_per_epoch * epochs` batches. You may need to use the `.repeat()` function "
                "when building your dataset.",
                stacklevel=3,
            )
            return
        self.exhausted = True
        wanted = (self.epoch_count - self.initial_epoch) * (self.num_batches or 0)
        log_warning(
            "Your input ran out of data; interrupting training. Make sure that your dataset or generator can generate "
            f"at least `steps_per_epoch * epochs` batches (in this case, {wanted} batches). You may need to use the "
            "repeat() function when building your dataset."
        )
