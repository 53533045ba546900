"""Sample weights in all their forms, and class weights turned into them.

`keras/src/trainers/data_adapters/array_data_adapter.py` and
`data_adapter_utils.py` (Keras 3.15); `tf_keras/src/engine/data_adapter.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, semantics, tree
from refkeras.errors import InvalidArgumentError
from refkeras.training.matching import describe, is_nested

__all__ = ["class_weights_of", "spread", "with_class_weights"]


def spread(y: Any, sample_weight: Any) -> Any:
    """Give sample weights the structure of the targets, as far as the engine insists on it.

    Args:
        y, sample_weight: structures of arrays.

    Raises:
        ValueError: a list of weights that does not fit `y`, or one array of other than one number per row.
    """
    if semantics.current().output_matching == "conform":
        return _filled(y, sample_weight)
    if sample_weight is None or not is_nested(y):
        return sample_weight
    if is_nested(sample_weight):
        if not _fits(y, sample_weight):
            raise ValueError(
                "You should provide one `sample_weight` array per output in `y`. The two structures did not match: "
                f"y is {describe(y)}, sample_weight is {describe(sample_weight)}."
            )
        return sample_weight
    shape = sample_weight.shape
    if len(shape) != 1 and (len(shape) != 2 or shape[1] != 1):
        raise ValueError(
            "For a model with multiple outputs, a single `sample_weight` array must hold one number per sample, "
            f"shape (num_samples,). Received shape {shape}. Pass one array per output for other weights."
        )
    return tree.map_structure(lambda _: sample_weight, y)


def _fits(y: Any, sample_weight: Any) -> bool:
    """Whether two structures are the same, lists and tuples told apart."""
    if not (is_nested(y) and is_nested(sample_weight)):
        return not is_nested(y) and not is_nested(sample_weight)
    if isinstance(y, dict):
        return isinstance(sample_weight, dict) and y.keys() == sample_weight.keys()
    return isinstance(sample_weight, type(y)) and len(y) == len(sample_weight) and all(map(_fits, y, sample_weight))


def _filled(y: Any, sample_weight: Any) -> Any:
    """tf_keras: None in a list of weights is a weight of one per row."""
    if not isinstance(sample_weight, (list, tuple)):
        return sample_weight
    if all(weight is None for weight in sample_weight):
        return None
    targets = tree.flatten(y)
    return tuple(
        np.ones(len(targets[i]), config.floatx()) if weight is None else weight
        for i, weight in enumerate(sample_weight)
    )


def with_class_weights(y: Any, class_weight: dict[int, float], sample_weight: Any) -> Any:
    """Return class weights, multiplied by the sample weights where the engine takes both.

    Raises:
        ValueError: both are given (Keras 3).
    """
    both = semantics.current().class_and_sample_weights
    if sample_weight is not None and both == "sample weights":
        return sample_weight
    weights = class_weights_of(y, class_weight)
    if sample_weight is None:
        return weights
    if both == "refused":
        raise ValueError("You cannot specify `class_weight` and `sample_weight` at the same time.")
    return np.asarray(sample_weight).reshape(sample_weight.shape + (1,) * (weights.ndim - sample_weight.ndim)) * weights


def class_weights_of(y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """Return the weight of each row's class, (B,) in floatx.

    The class of a row is the position of the largest entry if y's last axis
    is longer than 1, and else y itself, rounded half to even.

    Args:
        y: (B,), (B, 1) or (B, C).
        class_weight: `{class: weight}`; Keras 3 weighs other classes with 1, tf_keras knows 0 … n-1 and no other.

    Raises:
        ValueError: several outputs, or (tf_keras) keys other than 0 … n-1.
        InvalidArgumentError: a class without a weight (tf_keras).
        KeyError: the same (Keras 2.0).
        AttributeError: `class_weight` is no dict.

    >>> class_weights_of(np.array([0, 2, 1]), {0: 0.5, 2: 3.0}).tolist()
    [0.5, 3.0, 1.0]
    """
    if is_nested(y):
        raise ValueError("`class_weight` is only supported for Models with a single output.")
    if not isinstance(class_weight, dict):
        raise AttributeError(f"class_weight={class_weight!r} must be a dict {{class: weight}}.")
    if y is None:
        raise IndexError("class_weight needs the targets y, which were not given.")
    missing = semantics.current().class_weight_missing
    strict = missing == "error"
    if strict and sorted(class_weight, key=str) != sorted(range(len(class_weight)), key=str):
        raise ValueError(
            "Expected `class_weight` to be a dict with keys from 0 to one less than the number of classes, "
            f"found {class_weight}."
        )
    classes = _classes(np.asarray(y))
    if not strict and classes.ndim > 1:
        raise TypeError(
            f"class_weight needs one class per sample, y of shape (B,), (B, 1) or (B, classes); y has shape {y.shape}."
        )
    present, inverse = np.unique(classes, return_inverse=True)
    if strict and present.size and not 0 <= present[0] <= present[-1] < len(class_weight):
        wrong = next(int(k) for k in present if not 0 <= k < len(class_weight))
        raise InvalidArgumentError(
            f"y has class {wrong}, but class_weight has the classes 0 to {len(class_weight) - 1} only."
        )
    if missing == "KeyError":
        class_weight = {int(k): class_weight[int(k)] for k in present}
    weights = np.array([class_weight.get(int(k), 1.0) for k in present], config.floatx())
    return weights[inverse].reshape(classes.shape)


def _classes(y: np.ndarray) -> np.ndarray:
    if y.ndim > 1:
        y = np.argmax(y, axis=-1) if y.shape[-1] != 1 else y[..., 0]
    return np.round(y).astype(np.int32)
