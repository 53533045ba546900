"""Losses by name, and as records."""

from __future__ import annotations

from typing import Any

from refkeras import naming, semantics
from refkeras.losses import classes, divergences, functions, margins, regression
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.saving import serialization

__all__ = ["deserialize", "get", "serialize"]

MEMBERS: dict[str, Any] = {
    **{
        name: getattr(family, name)
        for family in (functions, classes, regression, margins, divergences)
        for name in family.__all__
    },
    "Loss": Loss,
    "LossFunctionWrapper": LossFunctionWrapper,
}
FUNCTIONS: dict[str, Any] = {name: member for name, member in MEMBERS.items() if not isinstance(member, type)}
# In lower and in upper case.
SHORT: dict[str, Any] = {
    key: member
    for short, member in {
        "bce": functions.binary_crossentropy,
        "kld": divergences.kl_divergence,
        "mae": functions.mean_absolute_error,
        "mape": regression.mean_absolute_percentage_error,
        "mse": functions.mean_squared_error,
        "msle": regression.mean_squared_logarithmic_error,
    }.items()
    for key in (short, short.upper())
}
_NAMES: dict[str, Any] = {**MEMBERS, **SHORT}
# Which tf_keras and Keras 2.0 know besides.
OLD_NAMES: dict[str, dict[str, Any]] = {
    "keras-3": {},
    "tf_keras": {
        "huber_loss": regression.huber,
        "kullback_leibler_divergence": divergences.kl_divergence,
        "logcosh": regression.log_cosh,
    },
    "keras-2.0": {
        "cosine": regression.cosine_similarity,
        "cosine_proximity": regression.cosine_similarity,
        "kullback_leibler_divergence": divergences.kl_divergence,
        "logcosh": regression.log_cosh,
    },
}


def _known() -> dict[str, Any]:
    return {**_NAMES, **OLD_NAMES[semantics.current().old_loss_names]}


def serialize(loss: Any) -> Any:
    """Return a loss function or `Loss` as a JSON-ready record."""
    return serialization.serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the loss that a record or name describes."""
    return serialization.deserialize_keras_object(name, custom_objects, _known())


def get(identifier: Any) -> Any:
    """Return the loss function or `Loss` that `identifier` means.

    Args:
        identifier: a name such as `"mse"`, `"mean_squared_error"` or `"MeanSquaredError"`, a record, a
            function, a `Loss`, a class of losses, or None.

    Returns:
        A function, a `Loss`, or None.

    Raises:
        ValueError: no loss has that name, or `identifier` is nothing that could be one.

    Source: Keras 3.15, `keras/src/losses/__init__.py`.

    >>> get("mse").__name__
    'mean_squared_error'
    """
    if identifier is None:
        return None
    found, known = identifier, _known()
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = known.get(identifier)
        if found is None and semantics.current().names_find_custom_objects:
            found = serialization.get_registered_object(identifier)
    if isinstance(found, type):
        return found()
    if callable(found):
        return found
    hint = naming.did_you_mean(identifier, known) if isinstance(identifier, str) else ""
    raise ValueError(
        f"Could not interpret loss identifier: {identifier!r}.{hint} "
        f"Expected a function, a Loss, or one of {', '.join(sorted(known))}."
    )
