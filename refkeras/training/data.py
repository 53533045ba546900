"""From what a user passes to `fit`, `evaluate` and `predict` to batches."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from refkeras import config, semantics, tree
from refkeras.training.array_feed import ArrayFeed, row_count
from refkeras.training.arrays import RowSource, as_array, describe_type, is_array_like
from refkeras.training.feeds import Feed
from refkeras.training.matching import is_nested, number
from refkeras.training.py_dataset import PyDataset
from refkeras.training.sample_weights import class_weights_of, spread, with_class_weights
from refkeras.training.stream_feed import GeneratorSource, SequenceSource, StreamFeed, require_integer
from refkeras.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight

__all__ = [
    "PyDataset",
    "Sequence",
    "class_weights_of",
    "make_feed",
    "pack_x_y_sample_weight",
    "single_batch",
    "split_validation",
    "unpack_x_y_sample_weight",
]

Sequence = PyDataset


def make_feed(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
    epochs: int = 1,
    initial_epoch: int = 0,
    loop: str = "fit",
    at_once: int = 1,
) -> Feed:
    """Return the feed for the data.

    Args:
        x: arrays, or a list, tuple or dict of them; or a generator or `PyDataset` of batches.
        y, sample_weight: for arrays; a stream has them in its batches.
        batch_size, steps, shuffle, class_weight, epochs, initial_epoch: as `fit` takes them.
        loop: "fit", "evaluate" or "predict".
        at_once: batches of one execution (`steps_per_execution`).

    Raises:
        ValueError: data of other types, numbers of rows that differ, arguments that a stream has no use for.

    >>> feed = make_feed(np.arange(6.0).reshape(3, 2), np.arange(3), batch_size=2, epochs=2)
    >>> [(step, ys[0].tolist(), size) for step, xs, ys, ws, size in feed.batches()]
    [(0, [0, 1], 2), (1, [2], 1)]
    """
    rules = semantics.current()
    if rules.fit_counts_checked:
        _check_counts(batch_size=batch_size, steps_per_epoch=steps, epochs=epochs, initial_epoch=initial_epoch)
    if rules.batch_size_is_int and batch_size and type(batch_size) is not int:
        raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size!r}.")
    for name, count in (("batch_size", batch_size), ("steps_per_epoch", steps)):
        if count is not None:
            require_integer(name, count)
    steps = config.limited(steps or None, config.max_steps_per_epoch(), "steps_per_epoch", stacklevel=4) or steps
    if rules.plain_lists_are_data and _is_list_of_numbers(x) and (y is None or _is_list_of_numbers(y)):
        x, y, sample_weight = (None if part is None else np.asarray(part) for part in (x, y, sample_weight))
    if _all_arrays((x, y, sample_weight)):
        return _array_feed(
            x, y, sample_weight, batch_size, steps, shuffle, class_weight, epochs, initial_epoch, at_once
        )
    if _all_arrays((x, y)) and rules.sample_weight_list == "AttributeError":
        raise AttributeError(_unrecognized(x, y, sample_weight))
    source = _source(x, y, sample_weight, shuffle, class_weight)
    if class_weight is not None and not class_weight and rules.class_weight_missing == "error":
        class_weight = None
    return StreamFeed(
        source,
        steps=steps,
        class_weight=class_weight,
        epochs=epochs,
        initial_epoch=initial_epoch,
        resets=loop in rules.data_is_reset,
        at_once=at_once,
    )


def _check_counts(*, batch_size: Any, steps_per_epoch: Any, epochs: Any, initial_epoch: Any) -> None:
    """Refuse counts that tf_keras refuses before it looks at the data."""
    if batch_size is not None and batch_size <= 0:
        raise ValueError(f"Expected batch_size to be positive. Received is {batch_size}.")
    if steps_per_epoch is not None and steps_per_epoch <= 0:
        raise ValueError(f"steps_per_epoch must be positive or None. Received {steps_per_epoch}. See `Model.fit`.")
    if initial_epoch < 0:
        raise ValueError(f"Expected initial_epoch to be non-negative. Received is {initial_epoch}.")
    if epochs <= 0:
        raise ValueError(f"Expected epochs to be positive. Received is {epochs}.")


def _is_list_of_numbers(value: Any) -> bool:
    if isinstance(value, (list, tuple)) and value:
        return _is_list_of_numbers(value[0])
    return isinstance(value, (float, int, str, bytes, bytearray))


def _all_arrays(data: Any) -> bool:
    return all(leaf is None or is_array_like(leaf) for leaf in tree.flatten(data))


def _array_feed(
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool | str,
    class_weight: dict[int, float] | None,
    epochs: int,
    initial_epoch: int,
    at_once: int,
) -> ArrayFeed:
    rules = semantics.current()
    if x is None and (y is not None or sample_weight is not None):
        error = TypeError if rules.missing_x == "TypeError" else ValueError
        raise error("x is None: the model's inputs are missing.")
    x, y, sample_weight = _as_arrays(x, y, sample_weight)
    if class_weight is not None and (class_weight or rules.class_weight_missing != "error"):
        if sample_weight is not None and rules.class_and_sample_weights == "multiplied":
            rows = row_count(x, y, sample_weight)
            size = batch_size or (math.ceil(rows / steps) if steps else 32)
            if rows % size:
                raise ValueError(
                    "class_weight and sample_weight together need batches of one size in tf_keras: "
                    f"{rows} samples leave a last batch of {rows % size} with batch_size={size}."
                )
        row_count(x, y, sample_weight)
        sample_weight = with_class_weights(y, class_weight, sample_weight)
    sample_weight = None if y is None else spread(y, sample_weight)
    feed = ArrayFeed(
        x,
        y,
        sample_weight,
        batch_size=batch_size,
        steps=steps,
        shuffle=shuffle,
        epochs=epochs,
        initial_epoch=initial_epoch,
        at_once=at_once,
    )
    if not feed.num_samples and rules.fit_counts_checked:
        raise ValueError("Expected input data to be non-empty.")
    return feed


def _as_arrays(*data: Any) -> list[Any]:
    names = ("x", "y", "sample_weight")
    return [
        None
        if part is None
        else tree.map_structure(lambda a, name=name: None if a is None else as_array(a, name), part)
        for name, part in zip(names, data, strict=True)
    ]


# -- streams ----------------------------------------------------------------------------------------


def _source(
    x: Any, y: Any, sample_weight: Any, shuffle: bool | str, class_weight: dict[int, float] | None
) -> GeneratorSource | SequenceSource:
    import types

    rules = semantics.current()
    strict = rules.generator_restarts == "first two batches"
    sequence = not isinstance(x, type) and hasattr(x, "__getitem__") and hasattr(x, "on_epoch_end")
    generator = isinstance(x, types.GeneratorType) or (not strict and hasattr(x, "__next__") and hasattr(x, "__iter__"))
    if not (sequence or generator):
        raise ValueError(_unrecognized(x, y, sample_weight))
    kind = "PyDataset" if sequence else "generator"
    for name, meaning, value in (("y", "targets", y), ("sample_weights", "sample weights", sample_weight)):
        if value is not None:
            raise ValueError(
                f"When providing `x` as a {kind}, `{name}` should not be passed. "
                f"Instead, the {meaning} should be included as part of the {kind}."
            )
    if sequence:
        if getattr(x, "num_batches", 0) is None and shuffle:
            _warn_no_shuffle("an infinite PyDataset. The PyDataset is expected to already be shuffled.", strict)
        return SequenceSource(x, bool(shuffle))
    if strict and class_weight is not None:
        raise ValueError(
            "Argument `class_weight` is not supported for Python generator inputs. "
            f"Received: class_weight={class_weight}"
        )
    if shuffle:
        _warn_no_shuffle("a generator. The generator is expected to yield already-shuffled data.", strict)
    return GeneratorSource(x)


def _warn_no_shuffle(what: str, strict: bool) -> None:
    if strict:
        warnings.warn(
            f"`shuffle=True` was passed, but will be ignored since the data `x` was provided as {what}", stacklevel=4
        )


def _unrecognized(x: Any, y: Any, sample_weight: Any) -> str:
    for name, part in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        wrong = [leaf for leaf in tree.flatten(part) if leaf is not None and not is_array_like(leaf)]
        if wrong:
            return (
                f"Unrecognized data type: {name} is {describe_type(part)}, with {type(wrong[0]).__name__} inside. "
                f"Expected a NumPy array, a list, tuple or dict of arrays, or for x a generator or PyDataset; "
                f"np.array({name}) makes an array of a list of numbers."
                if is_nested(part)
                else f"Unrecognized data type: {name}={wrong[0]!r} (of type {type(part)}). Expected a NumPy array."
            )
    raise AssertionError


# -- the forms of data ---------------------------------------------------------------------------------


def split_validation(
    x: Any, y: Any, sample_weight: Any, validation_split: float
) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """Return the first ⌊n·(1 − validation_split)⌋ rows and the others, as views.

    Raises:
        ValueError: data without rows to split (lists of numbers, generators), or nothing on one side.

    >>> (x, _, _), (x_val, _, _) = split_validation(np.arange(10), None, None, 0.3)
    >>> len(x), len(x_val)
    (7, 3)
    """
    leaves = tree.flatten((x, y, sample_weight))
    wrong = sorted({type(leaf).__name__ for leaf in leaves if leaf is not None and not is_array_like(leaf)})
    if wrong:
        raise ValueError(
            "Argument `validation_split` is only supported for tensors or NumPy arrays. "
            f"Found incompatible type in the input: {', '.join(wrong)}."
        )
    if all(leaf is None for leaf in leaves):
        return (x, y, sample_weight), (x, y, sample_weight)
    x, y, sample_weight = _as_arrays(x, y, sample_weight)
    rows = next(leaf.shape[0] for leaf in tree.flatten((x, y, sample_weight)) if leaf is not None)
    split_at = math.floor(rows * (1.0 - validation_split))
    if split_at in (0, rows):
        raise ValueError(
            f"Training data contains {rows} samples, which is not sufficient to split it into a validation and "
            f"training set as specified by `validation_split={validation_split}`. Either provide more data, or a "
            "different value for the `validation_split` argument."
        )

    def part(start: int, stop: int) -> tuple[Any, Any, Any]:
        cut = tree.map_structure(lambda a: None if a is None else a[start:stop], (x, y, sample_weight))
        return tuple(cut)  # type: ignore[return-value]

    return part(0, split_at), part(split_at, rows)


def single_batch(
    x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None
) -> tuple[list[Any], list[Any] | None, list[Any] | None, int, tuple[Any, Any, Any]]:
    """Return one batch for `train_on_batch` and its kin.

    Returns:
        Flat lists of arrays for x, y and sample_weight (None where absent), the number of rows, and the structures.

    Raises:
        ValueError: not arrays, or numbers of rows that differ; both `class_weight` and `sample_weight` (Keras 3).
    """
    if not _all_arrays((x, y, sample_weight)):
        raise ValueError(_unrecognized(x, y, sample_weight))
    x, y, sample_weight = _as_arrays(x, y, sample_weight)
    rows = row_count(x, y, sample_weight)
    if class_weight is not None and (class_weight or semantics.current().class_weight_missing != "error"):
        sample_weight = with_class_weights(y, class_weight, sample_weight)
    flat = [
        None if part is None else [None if a is None else RowSource(a).take(slice(None)) for a in tree.flatten(part)]
        for part in (x, y, sample_weight)
    ]
    return flat[0], flat[1], flat[2], rows, (number(x), number(y), number(sample_weight))  # type: ignore[return-value]
