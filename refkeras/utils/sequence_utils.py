"""`pad_sequences` (`keras/src/utils/sequence_utils.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics

__all__ = ["pad_sequences"]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Make sequences equally long: short ones are filled up, long ones are cut.

    Args:
        sequences: a list of n sequences of numbers, or of arrays of one shape, each of a length of its own.
        maxlen: length of the result; that of the longest sequence by default.
        dtype: of the result.
        padding: `"pre"` fills up in front, `"post"` behind.
        truncating: `"pre"` cuts in front, `"post"` behind.
        value: what fills up, as it becomes in `dtype`.

    Returns:
        np.ndarray: shape (n, maxlen, ...).

    Raises:
        ValueError: not a list of sequences, no sequence and no `maxlen`, steps of other shapes, a text for `value`
            with numbers for `dtype`, another `padding` or `truncating`.

    Example:

        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)
    """
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be iterable, and have a length. Received: sequences={sequences!r}")
    for sequence in sequences:
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {sequence}")
    filled = [(i, sequence) for i, sequence in enumerate(sequences) if len(sequence)]
    step_shape = np.asarray(filled[0][1]).shape[1:] if filled else ()
    if maxlen is None:
        if not len(sequences):
            raise ValueError("`sequences` is empty: without one, `maxlen` must be given.")
        maxlen = max(map(len, sequences))
    text = np.issubdtype(dtype, np.str_) or (
        np.issubdtype(dtype, np.bytes_) and semantics.current().bytes_padded_with_text
    )
    if isinstance(value, str) and dtype is not object and not text:
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\n"
            "You should set `dtype=object` for variable length strings."
        )
    result = np.full((len(sequences), maxlen, *step_shape), value, dtype)
    for i, sequence in filled:
        if truncating not in ("pre", "post"):
            raise ValueError(f'Truncating type "{truncating}" not understood. Expected "pre" or "post".')
        kept = np.asarray(sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen], dtype)
        if kept.shape[1:] != step_shape:
            raise ValueError(
                f"Shape of sample {kept.shape[1:]} of sequence at position {i} is different from expected shape "
                f"{step_shape}"
            )
        if padding not in ("pre", "post"):
            raise ValueError(f'Padding type "{padding}" not understood. Expected "pre" or "post".')
        place = slice(-len(kept), None) if padding == "pre" else slice(len(kept))
        result[i, place] = kept
    return result
