"""`to_categorical` and `normalize` (`keras/src/utils/numerical_utils.py`, Keras 3.15)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics

__all__ = ["normalize", "to_categorical"]


_MISSING: Any = object()


def to_categorical(x: Any = _MISSING, /, num_classes: int | None = None, dtype: Any = None, **named: Any) -> np.ndarray:
    """One-hot: `y[..., k] = 1 if x[...] == k else 0`.

    Args:
        x: class numbers from 0, any shape; a last axis of size 1 is dropped. (Named `y` in tf_keras and Keras 2.0.)
        num_classes: defaults to max(x) + 1.
        dtype: (tf_keras, `"float32"`) dtype of the result; Keras 3 and 2.0 give float64.

    Returns:
        np.ndarray: shape (*x.shape, num_classes); (x.size, num_classes) in Keras 2.0.

    Raises:
        IndexError: a class is not below `num_classes`.
        TypeError: an argument that the Keras in force does not have.

    Example:

        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    rules = semantics.current()
    if dtype is not None:
        named["dtype"] = dtype
    for name in named:
        if name not in rules.to_categorical_arguments:
            takes = ", ".join(rules.to_categorical_arguments)
            raise TypeError(f"to_categorical() got an unexpected keyword argument {name!r}. It takes: {takes}.")
    x = named.get(rules.to_categorical_arguments[0], x)
    if x is _MISSING:
        raise TypeError(f"to_categorical() missing the argument {rules.to_categorical_arguments[0]!r}.")
    x = np.array(x, dtype="int64")
    shape = x.shape[:-1] if x.ndim > 1 and x.shape[-1] == 1 else x.shape
    if rules.to_categorical_shape == "flat":
        shape = (x.size,)
    x = x.reshape(-1)
    if not num_classes:
        num_classes = int(np.max(x)) + 1
    default = "float32" if "dtype" in rules.to_categorical_arguments else "float64"
    y = np.zeros((x.size, num_classes), dtype=dtype or default)
    y[np.arange(x.size), x] = 1
    return y.reshape(*shape, num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """`x / ‖x‖` along `axis`; where the norm is 0, x itself.

    Keras 3 takes `axis=0` for the axis to divide along as -1: norms are those
    of axis 0, and they divide along the last axis.

    Args:
        x: array.
        axis: the axis that the norm runs over.
        order: order of the norm (2 is Euclidean).

    Raises:
        ValueError: (Keras 3, `axis=0`) shapes that such a division cannot broadcast.

    Example:

        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    if semantics.current().normalize_axis_0 == "-1":
        axis = axis or -1
    return x / np.expand_dims(norm, axis)
