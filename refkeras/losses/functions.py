"""Loss functions: one value per sample (`keras.losses`)."""

from __future__ import annotations

from typing import Any

from refkeras.losses import elementwise, passes
from refkeras.losses.differentiable import differentiable, evaluate
from refkeras.tensor import Tensor

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "mean_absolute_error",
    "mean_squared_error",
    "sparse_categorical_crossentropy",
]


@differentiable(elementwise.mean_squared_error)
def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((y_true − y_pred)²) over the last axis.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> mean_squared_error([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]).tolist()
    [0.5, 0.5]
    """
    return evaluate(elementwise.mean_squared_error, y_true, y_pred)


@differentiable(elementwise.mean_absolute_error)
def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(|y_true − y_pred|) over the last axis.

    Args:
        y_true: targets (..., n), cast to the dtype of `y_pred`.
        y_pred: predictions (..., n).

    Returns:
        One value per sample, shape (...).

    Raises:
        InvalidArgumentError: the shapes do not broadcast.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> mean_absolute_error([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]]).tolist()
    [0.5, 1.5]
    """
    return evaluate(elementwise.mean_absolute_error, y_true, y_pred)


@differentiable(passes.binary_crossentropy)
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1
) -> Tensor:
    """mean(−y_true ln p − (1 − y_true) ln(1 − p)) over `axis`, p being `y_pred` clipped to [ε, 1 − ε].

    Where `y_pred` comes straight from a sigmoid or a softmax, it is computed from the
    logits, without the clip. Keras does not ask which of the two it was: the values that
    a softmax was given count as logits of sigmoids here.

    Args:
        y_true: targets in [0, 1], of the shape of `y_pred`.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` are logits.
        label_smoothing: s; the targets become y (1 − s) + s / 2.
        axis: the axis (or axes) that the mean is taken over.

    Returns:
        One value per sample.

    Raises:
        ValueError: `y_true` and `y_pred` differ in shape.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`, `keras/src/backend/tensorflow/nn.py`.

    >>> binary_crossentropy([[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]).round(4).tolist()
    [0.916..., 0.713...]
    """
    return evaluate(
        passes.binary_crossentropy, y_true, y_pred, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
    )


@differentiable(passes.categorical_crossentropy)
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """−Σ_j y_true_j ln p_j over `axis`, p being `y_pred` / Σ_j `y_pred`_j, clipped to [ε, 1 − ε].

    Where `y_pred` comes straight from a softmax or a sigmoid, it is computed from the
    logits, without the clip. Keras does not ask which of the two it was.

    Args:
        y_true: targets, most often one-hot, of the shape of `y_pred`.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` are logits.
        label_smoothing: s; the targets become y (1 − s) + s / (number of classes).
        axis: the axis of the classes.

    Returns:
        One value per sample.

    Raises:
        ValueError: `y_true` and `y_pred` differ in shape, or `axis` is a bool.
        InvalidArgumentError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`, `keras/src/backend/tensorflow/nn.py`.

    >>> categorical_crossentropy([[0.0, 1.0, 0.0]], [[0.05, 0.8, 0.15]]).round(4).tolist()
    [0.223...]
    """
    return evaluate(
        passes.categorical_crossentropy,
        y_true,
        y_pred,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


@differentiable(passes.sparse_categorical_crossentropy)
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """−ln p_k for the class k in `y_true`, p being `y_pred` clipped to [ε, 1 − ε], then divided by its sum.

    Where `y_pred` comes straight from a softmax or a sigmoid, it is computed from the
    logits, without the clip.

    Args:
        y_true: classes (...) or (..., 1), integers, or floats that are truncated.
        y_pred: probabilities or logits (..., n).
        from_logits: whether `y_pred` are logits.
        ignore_class: a class whose samples count 0 and are masked out.
        axis: the axis of the classes; the last one only, but in tf_keras.

    Returns:
        One value per sample, shape (...), with a mask where `ignore_class` is given.

    Raises:
        ValueError: the shapes do not fit, or `axis` is not the last.
        InvalidArgumentError: a class is outside 0 ≤ k < n.
        TypeError: `y_pred` holds integers.

    Source: Keras 3.15, `keras/src/losses/losses.py`, `keras/src/backend/tensorflow/nn.py`.

    >>> sparse_categorical_crossentropy([1, 2], [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]).round(4).tolist()
    [0.0513..., 2.302...]
    """
    return evaluate(
        passes.sparse_categorical_crossentropy,
        y_true,
        y_pred,
        from_logits=from_logits,
        ignore_class=ignore_class,
        axis=axis,
    )
