"""What the loss functions compute: the formulas of `ops`, with Keras's arguments, checks and differences.

Each function here takes `(y_true, y_pred, logits, **arguments)`, where `logits` are the
values that a softmax or sigmoid made `y_pred` of, or None. It returns the values of the
samples, the pullback of their gradient, and whether what that returns belongs to the
logits rather than to `y_pred`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.losses.arrays import as_array, check_broadcast
from refkeras.ops import losses as ops
from refkeras.ops.activations import sigmoid
from refkeras.tensor import wrap

Array = Any
Pass = tuple[Array, Callable[[Any], Array], bool]


def _crossentropy_input(
    y_pred: Array, logits: Array | None, from_logits: bool, activation: str, loss: str
) -> tuple[Array, bool, bool]:
    """Return (what to compute from, whether those are logits, whether they came beside `y_pred`)."""
    if y_pred.dtype.kind in "iub":
        kind = InvalidArgumentError if loss == "categorical_crossentropy" else TypeError
        raise kind(f"{loss}: y_pred has dtype {y_pred.dtype}. Expected floats: probabilities or logits.")
    if logits is None or not semantics.current().crossentropy_from_activation:
        return y_pred, from_logits, False
    if from_logits:
        warnings.warn(
            f'"`{loss}` received `from_logits=True`, but the `output` argument was produced by a {activation} '
            "activation and thus does not represent logits. Was this intended?",
            stacklevel=2,
        )
    return logits, True, True


def binary_crossentropy(
    y_true: Any,
    y_pred: Array,
    logits: Array | None = None,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Pass:
    x, is_logits, beside = _crossentropy_input(y_pred, logits, from_logits, "Sigmoid", "binary_crossentropy")
    y_true = as_array(y_true, y_pred.dtype)
    rules = semantics.current()
    if y_true.shape != y_pred.shape:
        if not rules.binary_crossentropy_broadcasts:
            raise _shape_error(y_true, y_pred)
        check_broadcast(y_true, y_pred)
    elif not y_pred.shape and rules.losses_of_numbers == "all":
        values, pullback, beside = binary_crossentropy(
            y_true.reshape(1),
            y_pred.reshape(1),
            None if logits is None else logits.reshape(1),
            from_logits,
            label_smoothing,
            axis,
        )
        return values, lambda d: pullback(d).reshape(()), beside
    elif not y_pred.shape:
        raise InvalidArgumentError("Invalid reduction dimension: y_pred has rank 0, and the mean is over axis -1.")
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    axis = tuple(axis) if isinstance(axis, list) else axis
    if is_logits and rules.binary_crossentropy_of_logits != "clipped":
        form = rules.binary_crossentropy_of_logits
        values, pullback = ops.sigmoid_crossentropy(y_true, x, axis=axis, form=form)
        return values, pullback, beside
    if rules.probabilities_are_checked and not is_logits:
        if np.any(np.isnan(x)):
            raise InvalidArgumentError("binary_crossentropy: y_pred holds NaN. Expected numbers.")
        if not np.all((y_true >= 0) & (y_true <= 1)):
            raise InvalidArgumentError("binary_crossentropy: y_true holds numbers outside of [0, 1]. Expected none.")
    epsilon = config.epsilon()
    inner = epsilon if rules.binary_crossentropy_epsilon == "twice" else 0.0
    p, through_sigmoid = sigmoid(x) if is_logits else (x, None)
    rule = rules.clip_gradient
    values, by_p = ops.binary_crossentropy(y_true, p, epsilon=epsilon, inner_epsilon=inner, axis=axis, rule=rule)
    return values, by_p if through_sigmoid is None else lambda d: through_sigmoid(by_p(d)), beside


def categorical_crossentropy(
    y_true: Any,
    y_pred: Array,
    logits: Array | None = None,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Pass:
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}")
    x, is_logits, beside = _crossentropy_input(y_pred, logits, from_logits, "Softmax", "categorical_crossentropy")
    y_true = as_array(y_true, y_pred.dtype)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            "In loss categorical_crossentropy, expected y_pred.shape to be (batch_size, num_classes) with "
            f"num_classes > 1. Received: y_pred.shape={y_pred.shape}. "
            "Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=2,
        )
    if y_true.shape != y_pred.shape:
        raise _shape_error(y_true, y_pred)
    rules = semantics.current()
    if label_smoothing:
        classes = y_true.shape[-1 if rules.label_smoothing_classes == "last axis" else axis]
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    if is_logits:
        rule = rules.softmax_crossentropy_gradient
        values, pullback = ops.softmax_crossentropy(
            y_true, x, axis=axis, derivative=rule != "softmax - t", by_logarithms=rule == "derivative by logarithms"
        )
    else:
        rule = rules.clip_gradient
        squares = semantics.current().quotient_gradient == "by the square"
        values, pullback = ops.categorical_crossentropy(
            y_true, x, epsilon=config.epsilon(), axis=axis, rule=rule, squares=squares
        )
    return values, pullback, beside


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Array,
    logits: Array | None = None,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Pass:
    rules = semantics.current()
    if ignore_class is not None and not rules.ignore_class_keeps_logits:
        logits = None
    x, is_logits, beside = _crossentropy_input(
        y_pred, logits, from_logits, "Softmax", "sparse_categorical_crossentropy"
    )
    labels = _labels(as_array(y_true), x.shape, axis)
    moved = axis not in (-1, x.ndim - 1)
    if moved:
        x = np.moveaxis(x, axis, -1)
    valid = ignored = None
    if ignore_class is not None:
        ignored = labels == ignore_class
        valid = ~ignored
        labels = np.where(valid, labels, 0)
        # Rows that are ignored may hold NaN, which must reach neither value nor gradient.
        x = np.where(valid[..., None], x, np.zeros_like(x))
    labels, known = _within(labels, x.shape[-1])
    if known is not None:
        valid = known if valid is None else valid & known
    if is_logits:
        by_logarithms = semantics.current().softmax_crossentropy_gradient == "derivative by logarithms"
        values, pullback = ops.sparse_softmax_crossentropy(labels, x, by_logarithms=by_logarithms)
    elif rules.sparse_crossentropy_normalizes == "after clip":
        values, pullback = ops.sparse_categorical_crossentropy(labels, x, epsilon=config.epsilon())
    else:
        one_hot = (labels[..., None] == np.arange(x.shape[-1])).astype(x.dtype)
        values, pullback = ops.categorical_crossentropy(
            one_hot,
            x,
            epsilon=config.epsilon(),
            rule=rules.clip_gradient,
            picks=rules.sparse_crossentropy_picks,
            squares=rules.quotient_gradient == "by the square",
        )
    if valid is None and not moved:
        return values, pullback, beside
    if valid is not None:
        values = np.where(valid, values, np.zeros_like(values))
        if ignore_class is not None:
            values = wrap(values, valid)

    def restored(d: Any) -> Array:
        dx = pullback(d if valid is None else np.where(valid, d, 0.0).astype(x.dtype))
        if ignored is not None:
            dx = np.where(ignored[..., None], np.zeros_like(dx), dx)
        return np.moveaxis(dx, -1, axis) if moved else dx

    return values, restored, beside


def _labels(y_true: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Return the labels in the shape of the values: that of the predictions, without the axis of the classes."""
    rules = semantics.current()
    rank = len(shape)
    if rank == 0:
        raise ValueError("sparse_categorical_crossentropy: y_pred must have rank 1 or more. Received: shape=().")
    if axis not in (-1, rank - 1) and rules.sparse_crossentropy_axis != "any":
        if rules.sparse_crossentropy_axis == "last":
            raise ValueError(f"Only axis=-1 is currently supported. Received: axis={axis}")
        return _labels_of_equal_axes(y_true, shape, axis)
    wanted = shape[: axis % rank] + shape[axis % rank + 1 :]
    if y_true.shape == wanted:
        return y_true
    if rules.sparse_crossentropy_flattens and y_true.ndim != rank - 1 and y_true.size == math.prod(wanted):
        return y_true.reshape(wanted)
    if y_true.ndim == rank and y_true.shape[axis] == 1 and np.squeeze(y_true, axis).shape == wanted:
        return np.squeeze(y_true, axis)
    raise ValueError(
        f"sparse_categorical_crossentropy: y_true has shape {y_true.shape}, y_pred has shape {shape}. "
        f"Expected one class for each prediction: y_true of shape {wanted} or {(*wanted, 1)}."
    )


def _labels_of_equal_axes(y_true: Array, shape: tuple[int, ...], axis: int) -> Array:
    """The same where the engine checks the shape for classes on the last axis, and goes on with those on another."""
    for place in (axis, -1):
        if y_true.ndim == len(shape) and y_true.shape[place] == 1:
            y_true = np.squeeze(y_true, place)
    told = f"sparse_categorical_crossentropy: with axis={axis}, y_true has shape {y_true.shape}, y_pred {shape}."
    if y_true.shape != shape[:-1]:
        raise ValueError(f"{told} This engine expects {shape[:-1]}, the classes on the last axis.")
    wanted = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    if y_true.shape != wanted:
        _within(y_true, shape[axis])
        raise ValueError(f"{told} This engine takes classes on that axis if there are as many as on the last one.")
    return y_true


def _within(labels: Array, classes: int) -> tuple[Array, Array | None]:
    """Return the labels as integers, truncated toward zero; and which of them are classes, if those that are not pass.

    A label that passes counts for no class, and stands as 0.
    """
    labels = as_array(labels, np.int64)
    # Seen as unsigned, a negative label is larger than any other.
    if not labels.size or labels.view(np.uint64).max() < classes:
        return labels, None
    rule = semantics.current().sparse_label_out_of_range
    known = (labels >= 0) & (labels < classes)
    wrong = labels[~known] if rule != "negative is zero" else labels[labels >= classes]
    if wrong.size and rule != "zero":
        raise (InvalidArgumentError if rule == "error" else IndexError)(
            f"Received a label value of {wrong[0]} which is outside the valid range of [0, {classes}). "
            "y_true holds the number of a class for each sample."
        )
    return np.where(known, labels, 0), known


def _shape_error(y_true: Array, y_pred: Array) -> ValueError:
    return ValueError(
        "Arguments `y_true` and `y_pred` must have the same shape. "
        f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}."
    )
