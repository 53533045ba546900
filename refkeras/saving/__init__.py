"""Saving and loading models, and objects as records (`keras.saving`)."""

from refkeras.lazy import attach as _attach

_HOMES = {
    "refkeras.saving.api": ("load_model", "load_weights", "save_model", "save_weights"),
    "refkeras.saving.serialization": (
        "CustomObjectScope",
        "custom_object_scope",
        "deserialize_keras_object",
        "get_custom_objects",
        "get_registered_name",
        "get_registered_object",
        "register_keras_serializable",
        "serialize_keras_object",
    ),
}
_NAMES = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_NAMES)

__getattr__, __dir__ = _attach(__name__, ("serialization",), _NAMES)
