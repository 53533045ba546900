"""Metrics by name, and as records; and which accuracy is meant by that name."""

from __future__ import annotations

from typing import Any, Literal

from refkeras import losses, naming, semantics
from refkeras.metrics import accuracy, margins, probabilistic, r2_score, reduction, regression, top_k
from refkeras.metrics.metric import Metric
from refkeras.saving import serialization

__all__ = ["FUNCTIONS", "deserialize", "get", "resolve_accuracy", "serialize"]

Shape = tuple[int | None, ...]

_FAMILIES = (reduction, regression, accuracy, top_k, probabilistic, margins, r2_score)
_PUBLIC = {name: getattr(family, name) for family in _FAMILIES for name in family.__all__}
CLASSES: dict[str, Any] = {"Metric": Metric} | {
    name: found for name, found in _PUBLIC.items() if isinstance(found, type)
}
FUNCTIONS: dict[str, Any] = {
    **losses.names.FUNCTIONS,
    **{name: found for name, found in _PUBLIC.items() if not isinstance(found, type)},
    "binary_matches": accuracy.binary_matches,
}
MEMBERS: dict[str, Any] = {**CLASSES, **FUNCTIONS}
_SHORT_CLASSES: dict[str, Any] = {
    "bce": probabilistic.BinaryCrossentropy,
    "mae": regression.MeanAbsoluteError,
    "mape": regression.MeanAbsolutePercentageError,
    "mse": regression.MeanSquaredError,
    "msle": regression.MeanSquaredLogarithmicError,
}
_OBJECT_NAMES: dict[str, Any] = {
    **CLASSES,
    **{naming.to_snake_case(name): cls for name, cls in CLASSES.items()},
    **{key: cls for short, cls in _SHORT_CLASSES.items() for key in (short, short.upper())},
}
# tf_keras knows fewer functions as metrics than as losses, and some by older names.
_NO_METRICS = ("huber", "kl_divergence", "binary_matches")
_FUNCTION_NAMES: dict[str, Any] = {
    **{name: member for name, member in MEMBERS.items() if name not in _NO_METRICS},
    **{key: losses.names.SHORT[key] for short in _SHORT_CLASSES for key in (short, short.upper())},
    **dict.fromkeys(("acc", "ACC"), accuracy.accuracy),
    "cosine_proximity": regression.cosine_similarity,
    "kullback_leibler_divergence": losses.kl_divergence,
    "logcosh": losses.log_cosh,
}
del _FUNCTION_NAMES["bce"], _FUNCTION_NAMES["BCE"]


def serialize(metric: Any) -> Any:
    """Return a metric function or `Metric` as a JSON-ready record."""
    return serialization.serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the metric that a record or name describes."""
    return serialization.deserialize_keras_object(config, custom_objects, {**_OBJECT_NAMES, **FUNCTIONS})


def get(identifier: Any) -> Any:
    """Return the metric that `identifier` means.

    Args:
        identifier: a name such as `"mse"`, `"mean_squared_error"` or `"MeanSquaredError"`, a record, a
            function, a `Metric`, a class of metrics, or None.

    Returns:
        A `Metric`, or what else was given that can be called, or None. Under tf_keras a
        name in snake case gives a function.

    Raises:
        ValueError: no metric has that name, or `identifier` is nothing that could be one.

    Source: Keras 3.15, `keras/src/metrics/__init__.py`.

    >>> get("mse")
    <MeanSquaredError name=mean_squared_error>
    """
    if identifier is None:
        return None
    rules = semantics.current()
    names = _OBJECT_NAMES if rules.metric_names_make == "objects" else _FUNCTION_NAMES
    found = identifier
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = names.get(identifier)
        if found is None and rules.names_find_custom_objects:
            found = serialization.get_registered_object(identifier)
    if isinstance(found, type):
        return found()
    if callable(found):
        return found
    hint = naming.did_you_mean(identifier, names) if isinstance(identifier, str) else ""
    raise ValueError(
        f"Could not interpret metric identifier: {identifier!r}.{hint} "
        f"Expected a function, a Metric, or one of {', '.join(sorted(names))}."
    )


def resolve_accuracy(
    y_true_shape: Shape, y_pred_shape: Shape
) -> Literal["binary", "sparse_categorical", "categorical"]:
    """Return what the names 'accuracy' and 'acc' (and 'crossentropy' and 'ce') mean for these shapes.

    `binary` if the last axis of the predictions is 1; else `sparse_categorical` if the
    targets have a lower rank, or 1 as their last axis; else `categorical`.

    Source: `is_binary_or_sparse_categorical`, Keras 3.15, `keras/src/trainers/compile_utils.py`.

    >>> resolve_accuracy((32, 1), (32, 10)), resolve_accuracy((32,), (32, 1)), resolve_accuracy((32, 4), (32, 4))
    ('sparse_categorical', 'binary', 'categorical')
    """
    if y_pred_shape[-1] == 1:
        return "binary"
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return "sparse_categorical"
    return "categorical"
