"""The configurations in legacy `.h5` files: records without modules, and `training_config`.

Source: `keras/src/legacy/saving/saving_utils.py`, Keras 3.15;
`tf_keras/src/saving/legacy/saving_utils.py`, 2.21.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.saving.errors import ModelFileError
from refkeras.saving.legacy_metrics import function_name, metrics_by_output
from refkeras.saving.registration import get_registered_name, get_registered_object
from refkeras.saving.serialization import serialize_keras_object

__all__ = [
    "compile_arguments",
    "legacy_model_config",
    "legacy_training_config",
    "modern_model_config",
]


# -- writing -----------------------------------------------------------------------------


def legacy_model_config(model: Any) -> dict[str, Any]:
    """Return `{"class_name", "config"}` of a model, in which layers are recorded likewise.

    Raises:
        ValueError: (Keras 3) weights would come in another order than Keras expects.
    """
    _check_order(model)
    return {"class_name": get_registered_name(type(model)), "config": _without_modules(model.get_config())}


def _check_order(model: Any) -> None:
    from refkeras.models import Functional
    from refkeras.models.graph import operations_without_masks

    for layer in model._flatten_layers():
        if not isinstance(layer, Functional):
            continue
        if operations_without_masks(layer._inputs, layer._outputs) != layer._operations:
            raise ValueError(
                f"Model {layer.name!r} cannot be saved as .h5: its masks decide the order of its layers, which Keras "
                "reads from a .h5 file in another order. Save it as .keras."
            )


def _without_modules(config: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(config.get("layers"), list):
        return config
    # Keras 3 cannot read back the operations that it records for masks; without them, they are made anew.
    masks = {record["name"] for record in config["layers"] if _is_operation(record)}
    layers = [_legacy_layer(record, masks) for record in config["layers"] if not _is_operation(record)]
    return {**config, "layers": layers}


def _is_operation(record: dict[str, Any]) -> bool:
    return str(record["module"]).startswith("keras.src.ops.")


def _legacy_layer(record: dict[str, Any], masks: set[str]) -> dict[str, Any]:
    names = ("class_name", "config", "name", "inbound_nodes")
    kept: dict[str, Any] = {key: record[key] for key in names if key in record}
    if record.get("registered_name"):  # of a class of the user's own
        kept["class_name"] = record["registered_name"]
    for call in kept.get("inbound_nodes", ()):
        mask = call["kwargs"].get("mask") if isinstance(call, dict) and "kwargs" in call else None
        if mask is not None and mask["config"]["keras_history"][0] in masks:
            call["kwargs"]["mask"] = None
    return {**kept, "config": _without_modules(record["config"])}


def legacy_training_config(model: Any) -> dict[str, Any]:
    """Return the arguments of `compile`, with the optimizer as `optimizer_config`."""
    arguments = {key: _legacy_argument(value) for key, value in model._compile_arguments.items() if key != "optimizer"}
    if semantics.current().files == "keras-3":
        arguments["loss"] = _full_names(arguments["loss"])
    else:
        names = ("loss", "metrics", "weighted_metrics", "loss_weights")
        arguments = {name: arguments[name] for name in names}
        if len(getattr(model, "output_names", None) or []) > 1 and semantics.current().files == "tf_keras":
            for name in ("metrics", "weighted_metrics"):
                arguments[name] = metrics_by_output(model, model._compile_arguments[name])
        if semantics.current().files == "keras-2.0":
            del arguments["weighted_metrics"]
            arguments["sample_weight_mode"] = None
    name = get_registered_name(type(model.optimizer))
    if semantics.current().files == "tf_keras" and name == type(model.optimizer).__name__:
        name = f"Custom>{name}"
    config = serialize_keras_object(model.optimizer.get_config())
    return {**arguments, "optimizer_config": {"class_name": name, "config": config}}


def _full_names(loss: Any) -> Any:
    """Return a loss in which "mse" is "mean_squared_error": Keras 3 cannot read the short names back."""
    from refkeras import losses

    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _full_names(item) for key, item in loss.items()}
    if isinstance(loss, list):
        return [_full_names(item) for item in loss]
    if not isinstance(loss, str) or get_registered_object(loss) is not None:  # a function of the user's own
        return loss
    return getattr(losses.get(loss), "__name__", loss)


def _legacy_argument(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _legacy_argument(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legacy_argument(item) for item in value]
    if hasattr(value, "get_config"):
        config = serialize_keras_object(value.get_config())
        if semantics.current().files != "keras-3":
            config = {key: function_name(item) for key, item in config.items()}
        return {"class_name": get_registered_name(type(value)), "config": config}
    return get_registered_name(value) if callable(value) else value


# -- reading -----------------------------------------------------------------------------


def modern_model_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a legacy model record in the form that `from_config` of today takes.

    Raises:
        ValueError: it is no record of a model.
    """
    if not isinstance(config, dict) or "config" not in config or not isinstance(config.get("class_name"), str):
        raise ModelFileError(
            "The provided configuration is not a valid Keras configuration. Expected a dictionary containing a "
            f"'config' key. Received: config={str(config)[:200]}"
        )
    name, inner = config["class_name"], config["config"]
    if name == "Sequential" and isinstance(inner, list):  # Keras 2.0 and 2.1
        inner = {"name": None, "layers": inner}
    if name == "Model" and get_registered_object("Model") is None:
        name = "Functional"
    if isinstance(inner, dict) and isinstance(inner.get("layers"), list):
        inner = {**inner, "layers": [_modern_layer(record) for record in inner["layers"]]}
    return {**config, "class_name": name, "config": inner}


def _modern_layer(record: Any) -> Any:
    if isinstance(record, dict) and record.get("class_name") in ("Sequential", "Model", "Functional"):
        return modern_model_config(record)
    return record


def compile_arguments(config: dict[str, Any], custom_objects: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for `compile` that a `training_config` describes.

    Raises:
        ValueError: it is damaged, or names what is not known.
    """
    from refkeras import losses, metrics, optimizers

    record = config["optimizer_config"]
    name = record["class_name"]
    if isinstance(name, str) and name.startswith("Custom>") and get_registered_object(name, custom_objects) is None:
        record = {**record, "class_name": name.removeprefix("Custom>")}

    def each(argument: str, deserialize: Callable[..., Any]) -> Any:
        return _each(config.get(argument), lambda item: _object(item, deserialize, custom_objects))

    found = {
        "optimizer": optimizers.deserialize(record, custom_objects),
        "loss": each("loss", losses.deserialize),
        "metrics": each("metrics", metrics.deserialize),
        "loss_weights": config.get("loss_weights"),
    }
    if config.get("weighted_metrics") is not None:
        found["weighted_metrics"] = each("weighted_metrics", metrics.deserialize)
    return found


def _each(config: Any, make: Callable[[Any], Any]) -> Any:
    if config is None:
        return None
    if isinstance(config, str) or (isinstance(config, dict) and "class_name" in config):
        return make(config)
    if isinstance(config, dict):
        return {key: _each(value, make) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_each(item, make) for item in config]
    raise ModelFileError(
        "Saved configuration not understood. Configuration should be a dictionary, string, tuple or list. "
        f"Received: config={config}."
    )


def _object(item: Any, deserialize: Callable[..., Any], custom_objects: dict[str, Any]) -> Any:
    if isinstance(item, str):
        # `compile` knows built-in names itself, and which accuracy 'accuracy' is.
        return get_registered_object(item, custom_objects) or item
    return deserialize(item, custom_objects)
