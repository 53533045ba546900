"""Losses by name, and as records."""

from __future__ import annotations

from typing import Any

from refkeras import naming, semantics
from refkeras.losses import classes, functions
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.saving import serialization

__all__ = ["deserialize", "get", "serialize"]

MEMBERS: dict[str, Any] = {
    **{name: getattr(functions, name) for name in functions.__all__},
    **{name: getattr(classes, name) for name in classes.__all__},
    "Loss": Loss,
    "LossFunctionWrapper": LossFunctionWrapper,
}
_NAMES: dict[str, Any] = {
    **MEMBERS,
    "mse": functions.mean_squared_error,
    "MSE": functions.mean_squared_error,
    "mae": functions.mean_absolute_error,
    "MAE": functions.mean_absolute_error,
    "bce": functions.binary_crossentropy,
    "BCE": functions.binary_crossentropy,
}


def serialize(loss: Any) -> Any:
    """Return a loss function or `Loss` as a JSON-ready record."""
    return serialization.serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the loss that a record or name describes."""
    return serialization.deserialize_keras_object(name, custom_objects, _NAMES)


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
    found = identifier
    if isinstance(identifier, dict):
        found = deserialize(identifier)
    elif isinstance(identifier, str):
        found = _NAMES.get(identifier)
        if found is None and semantics.current().names_find_custom_objects:
            found = serialization.get_registered_object(identifier)
    if isinstance(found, type):
        return found()
    if callable(found):
        return found
    hint = naming.did_you_mean(identifier, _NAMES) if isinstance(identifier, str) else ""
    raise ValueError(
        f"Could not interpret loss identifier: {identifier!r}.{hint} "
        f"Expected a function, a Loss, or one of {', '.join(sorted(_NAMES))}."
    )
