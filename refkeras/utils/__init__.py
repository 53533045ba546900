"""Utilities (`keras.utils`)."""

from refkeras.lazy import attach as _attach

_HOMES = {
    "refkeras.utils.io_utils": (
        "disable_interactive_logging",
        "enable_interactive_logging",
        "is_interactive_logging_enabled",
    ),
    "refkeras.utils.model_visualization": ("model_to_dot", "plot_model"),
    "refkeras.utils.numerical": ("normalize", "to_categorical"),
    "refkeras.utils.packing": ("pack_x_y_sample_weight", "unpack_x_y_sample_weight"),
    "refkeras.utils.progbar": ("Progbar",),
    "refkeras.config": ("standardize_dtype",),
    "refkeras.random": ("set_random_seed",),
    "refkeras.saving": (
        "CustomObjectScope",
        "custom_object_scope",
        "deserialize_keras_object",
        "get_custom_objects",
        "get_registered_name",
        "get_registered_object",
        "register_keras_serializable",
        "serialize_keras_object",
    ),
    "refkeras.backend": ("clear_session", "is_keras_tensor"),
    "refkeras.utils.sequence_utils": ("pad_sequences",),
    "refkeras.training.data": ("PyDataset", "Sequence"),
}
_NAMES = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_NAMES)

__getattr__, __dir__ = _attach(__name__, (), _NAMES)
