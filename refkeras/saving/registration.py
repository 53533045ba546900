"""Which classes and functions a record may name: refkeras's own, and those the user registered or passed."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "members_of",
    "public_module",
    "register_keras_serializable",
]

_registered: dict[str, Any] = {}
_registered_names: dict[Any, str] = {}


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.open: list[dict[str, Any]] = []


_scopes = _Scopes()
_modules: dict[str, Callable[[], dict[str, Any]]] = {}
_FAMILIES = {
    "keras": "models",
    "keras.models": "models",
    "keras.activations": "activations",
    "keras.constraints": "constraints",
    "keras.initializers": "initializers",
    "keras.layers": "layers",
    "keras.losses": "losses",
    "keras.metrics": "metrics",
    "keras.optimizers": "optimizers",
    "keras.optimizers.schedules": "optimizers.schedules",
    "keras.random": "random",
    "keras.regularizers": "regularizers",
    # Not among Keras's public names: where it keeps Functional (2.12; 2.13 to 2.15; tf_keras; 3), and a loss.
    "keras.engine.functional": "models",
    "keras.src.engine.functional": "models",
    "tf_keras.src.engine.functional": "models",
    "keras.src.models.functional": "models",
    "keras.src.losses.losses": "losses",
    # Where Keras keeps the optimizers of its PyTorch backend, as files that were saved there say.
    "keras.src.backend.torch.optimizers.torch_adam": "optimizers",
    "keras.src.backend.torch.optimizers.torch_adamw": "optimizers",
    "keras.src.backend.torch.optimizers.torch_rmsprop": "optimizers",
    "keras.src.backend.torch.optimizers.torch_sgd": "optimizers",
}


def public_module(name: str, members: Callable[[], dict[str, Any]]) -> None:
    """Make the classes of one Keras module (`keras.layers`, ...) known; `members` is asked when first needed."""
    _modules[name] = members


def members_of(module: Any) -> dict[str, Any]:
    """Return what refkeras has of a Keras module, by name; nothing for any other module.

    Example:

        >>> members_of("keras.layers")["Dense"].__name__, members_of("os")
        ('Dense', {})
    """
    if not isinstance(module, str) or module not in _FAMILIES:
        return {}
    # The name that is imported is one of the table above, not the file's.
    importlib.import_module(f"refkeras.{_FAMILIES[module]}")
    return _modules[f"keras.{_FAMILIES[module]}"]()


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Decorator: register a class or function under `package>name`, as `keras.saving` does."""

    def decorate(target: Any) -> Any:
        if isinstance(target, type) and not hasattr(target, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        key = f"{package}>{name or target.__name__}"
        _registered[key] = target
        _registered_names[target] = key
        return target

    return decorate


def get_registered_name(obj: Any) -> str:
    """Return the name that a class or function was registered under, or its own."""
    return _registered_names.get(obj, getattr(obj, "__name__", str(obj)))


def get_custom_objects() -> dict[str, Any]:
    """Return the registered objects by name: the dict itself, to which entries may be added."""
    return _registered


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: dict[str, Any] | None = None
) -> Any:
    """Return the object of a name, or None: open scopes are asked first, then what is registered, then the others."""
    for names in (*reversed(_scopes.open), _registered, custom_objects or {}, module_objects or {}):
        if name in names:
            return names[name]
    return None


@contextmanager
def custom_object_scope(custom_objects: dict[str, Any]) -> Iterator[None]:
    """Make `custom_objects` known to every `deserialize` and `get` inside the block."""
    _scopes.open.append(custom_objects)
    try:
        yield
    finally:
        _scopes.open.pop()


CustomObjectScope = custom_object_scope
