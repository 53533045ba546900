"""Optimizers (`keras.optimizers`)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.naming import did_you_mean
from refkeras.optimizers import schedules
from refkeras.optimizers.adam import Adam
from refkeras.optimizers.adamw import AdamW
from refkeras.optimizers.arguments import exists
from refkeras.optimizers.base import Optimizer
from refkeras.optimizers.rmsprop import RMSprop
from refkeras.optimizers.sgd import SGD
from refkeras.saving import serialization

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "deserialize", "get", "schedules", "serialize"]

_CLASSES: tuple[type[Optimizer], ...] = (SGD, RMSprop, Adam, AdamW)
_BY_LOWER_NAME = {cls.__name__.lower(): cls for cls in _CLASSES}
# In Keras 2.0, `optimizers.adam` is the class: the modules of that name must not stand before `__getattr__`.
for _name in _BY_LOWER_NAME:
    globals().pop(_name, None)
serialization.public_module("keras.optimizers", lambda: {cls.__name__: cls for cls in (*_CLASSES, Optimizer)})


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return the record of an optimizer.

    >>> serialize(SGD(momentum=0.5))["config"]["momentum"]
    0.5
    """
    return serialization.serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Optimizer:
    """Return the optimizer that a record describes; built-in names in any case.

    Raises:
        KeyError: the record has no `class_name`.
        TypeError: an unknown class.
    """
    if "class_name" not in config:
        raise KeyError(f"An optimizer's record needs a 'class_name'; received {config!r}.")
    name = config["class_name"]
    known = _BY_LOWER_NAME.get(name.lower()) if isinstance(name, str) else None
    record = {"config": {}, **config, **({"class_name": known.__name__} if known else {})}
    objects = {cls.__name__: cls for cls in _CLASSES}
    return serialization.deserialize_keras_object(record, custom_objects=custom_objects, module_objects=objects)


def get(identifier: Any) -> Optimizer | None:
    """Return an optimizer by name or record; an optimizer, or (Keras 3) None, as it is.

    Raises:
        ValueError: anything else.

    >>> get("rmsprop").rho
    0.9
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if identifier is None and semantics.current().optimizer_may_be_none:
        return None
    if isinstance(identifier, dict):
        found = deserialize(identifier)
        if isinstance(found, Optimizer):
            return found
    if isinstance(identifier, str):
        custom = serialization.get_registered_object(identifier)
        cls = _BY_LOWER_NAME.get(identifier.lower()) if custom is None else custom
        if isinstance(cls, type) and issubclass(cls, Optimizer) and exists(cls):
            return cls()
    known = [name for name, cls in _BY_LOWER_NAME.items() if exists(cls)]
    hint = did_you_mean(identifier.lower(), known) if isinstance(identifier, str) else ""
    raise ValueError(
        f"Could not interpret optimizer identifier: {identifier!r}.{hint} "
        f"Expected one of {', '.join(map(repr, known))}, an Optimizer, or a record of one."
    )


def __getattr__(name: str) -> Any:
    cls = _BY_LOWER_NAME.get(name)
    if cls is not None and semantics.current().lower_case_optimizers and exists(cls):
        return cls
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{did_you_mean(name, __all__)}")
