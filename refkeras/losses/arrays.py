"""Arguments of losses and metrics: conversion to arrays, and ranks made to match."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.errors import InvalidArgumentError
from refkeras.tensor import as_array

__all__ = [
    "as_array",
    "check_broadcast",
    "match_ranks_of_tensors",
    "match_weights",
    "squeeze_or_expand_to_same_rank",
]

Array = Any


def squeeze_or_expand_to_same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    """Give two arrays whose ranks differ by one the same rank, if the larger ends in an axis of 1.

    The smaller one is expanded if it has rank 1; else the larger one is squeezed.

    Source: `squeeze_or_expand_to_same_rank`, Keras 3.15, `keras/src/losses/loss.py`.

    >>> [x.shape for x in squeeze_or_expand_to_same_rank(np.zeros(4), np.zeros((4, 1)))]
    [(4, 1), (4, 1)]
    >>> [x.shape for x in squeeze_or_expand_to_same_rank(np.zeros((4, 3, 1)), np.zeros((4, 3)))]
    [(4, 3), (4, 3)]
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[..., None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[..., None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def match_ranks_of_tensors(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Squeeze the larger of two arrays whose ranks differ by one, if it ends in an axis of 1.

    Source: `squeeze_or_expand_dimensions`, tf_keras 2.21, `tf_keras/src/utils/losses_utils.py`.
    """
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        return y_true, y_pred[..., 0]
    if y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        return y_true[..., 0], y_pred
    return y_true, y_pred


def match_weights(values: Array, weights: Array) -> tuple[Array, Array]:
    """Give values and their weights the ranks that the engine in force gives them.

    Raises:
        InvalidArgumentError: tf_keras would squeeze an axis that is not 1.
    """
    if semantics.current().weight_ranks == "trailing 1":
        return squeeze_or_expand_to_same_rank(values, weights)
    if weights.ndim and weights.ndim == values.ndim + 1:
        if weights.shape[-1] != 1:
            raise InvalidArgumentError(
                f"sample_weight has shape {weights.shape}, and the values have shape {values.shape}: "
                f"the last axis of sample_weight would have to be 1, it is {weights.shape[-1]}."
            )
        return values, weights[..., 0]
    if weights.ndim and values.ndim == weights.ndim + 1:
        return values, weights[..., None]
    return values, weights


def check_broadcast(a: Array, b: Array, names: tuple[str, str] = ("y_true", "y_pred")) -> None:
    """Raise InvalidArgumentError unless two arrays broadcast with each other."""
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise InvalidArgumentError(
            f"Incompatible shapes: {names[0]} has shape {a.shape}, {names[1]} has shape {b.shape}. "
            "Expected equal sizes, or 1, on each axis counted from the last."
        ) from None
