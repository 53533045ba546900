"""Legacy `.h5` files: of Keras 3, tf_keras and Keras 2.0."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

from refkeras import semantics
from refkeras.saving import legacy_weights
from refkeras.saving.atomic import write_atomically
from refkeras.saving.dialects import generation_of, translate
from refkeras.saving.errors import ModelFileError
from refkeras.saving.guard import guarded
from refkeras.saving.hdf5 import Group, read_hdf5
from refkeras.saving.json_text import parse_json
from refkeras.saving.legacy_config import (
    compile_arguments,
    legacy_model_config,
    legacy_training_config,
    modern_model_config,
)
from refkeras.saving.legacy_metrics import without_prefixes
from refkeras.saving.limits import allow
from refkeras.saving.weights_file import need_h5py
from refkeras.utils.io_utils import log_warning

__all__ = ["load_legacy_file", "load_legacy_weights", "save_legacy_file", "save_legacy_weights"]


def save_legacy_file(model: Any, path: str | os.PathLike[str], include_optimizer: bool = True) -> None:
    """Write a model as a legacy `.h5` file, whole or not at all.

    Raises:
        ImportError: h5py is not installed.
        NotImplementedError: a model that is neither functional nor sequential.
    """
    from refkeras.models import Functional, Sequential

    rules = semantics.current()
    if rules.files != "keras-3" and not isinstance(model, (Functional, Sequential)):
        raise NotImplementedError(
            "Saving the model to HDF5 format requires the model to be a Functional model or a Sequential model. It "
            "does not work for subclassed models, because such models are defined via the body of a Python method, "
            "which isn't safely serializable. Save it as .keras, or use `save_weights`."
        )
    attributes = {"keras_version": rules.keras_version, "backend": "tensorflow"}
    attributes["model_config"] = json.dumps(legacy_model_config(model), default=_plain)
    if model.optimizer is not None and include_optimizer and model.compiled:
        attributes["training_config"] = json.dumps(legacy_training_config(model), default=_plain)
    buffer = io.BytesIO()
    with need_h5py().File(buffer, "w") as file:
        for name, text in attributes.items():
            file.attrs[name] = text.encode() if name.endswith("config") else text
        legacy_weights.write_weights(file.create_group("model_weights"), model)
        if include_optimizer and model.optimizer is not None:
            legacy_weights.write_optimizer_weights(file, model.optimizer)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if callable(value):
        return value.__name__
    raise TypeError(f"Unable to serialize {value!r} to JSON: it is of type {type(value)}.")


def save_legacy_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights alone, as tf_keras and Keras 2 do, whole or not at all."""
    buffer = io.BytesIO()
    with need_h5py().File(buffer, "w") as file:
        legacy_weights.write_weights(file, model)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def load_legacy_file(
    path: str | os.PathLike[str], custom_objects: dict[str, Any] | None = None, compile: bool = True
) -> Any:
    """Make the model that a legacy `.h5` file holds; arguments and errors as in `load_keras_file`."""
    custom_objects = custom_objects or {}
    data = Path(path).read_bytes()
    with guarded(path), allow(len(data)):
        root = read_hdf5(data)
        text = root.attrs.get("model_config")
        if not isinstance(text, str):
            raise ModelFileError("No model config found in the file: it may hold weights alone, see `load_weights`.")
        config = parse_json(text, "model_config")
        generation = generation_of(root.attrs.get("keras_version"), config)
        model = _model(translate(modern_model_config(config), generation), custom_objects)
        legacy_weights.load_weights(root.group("model_weights"), model)
        if compile:
            _compile(model, root, generation, custom_objects)
    return model


def _model(config: dict[str, Any], custom_objects: dict[str, Any]) -> Any:
    from refkeras.models import Model
    from refkeras.models.rebuilding import layer_from_record

    model = layer_from_record(config, custom_objects)
    if not isinstance(model, Model):
        raise ModelFileError(f"The file does not hold a model, but {type(model)}.")
    return model


def _compile(model: Any, root: Group, generation: int, custom_objects: dict[str, Any]) -> None:
    text = root.attrs.get("training_config")
    if text is None:
        log_warning(
            "No training configuration found in the save file, so the model was *not* compiled. Compile it manually."
        )
        return
    config = translate(parse_json(text, "training_config"), generation)
    if generation == 2:
        config = without_prefixes(config, getattr(model, "output_names", None) or [])
    model.compile(**compile_arguments(config, custom_objects))
    values = legacy_weights.optimizer_weights(root)
    if values is None or not model.built:
        return
    model.optimizer.build(model.trainable_variables)
    try:
        model.optimizer.set_weights(values)
    except ValueError as error:
        log_warning(
            "Error in loading the saved optimizer state. As a result, your model is starting with a freshly "
            f"initialized optimizer. {error}"
        )


def load_legacy_weights(
    model: Any, path: str | os.PathLike[str], *, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    """Give a model the weights of a legacy `.h5` file, whether it holds a model or weights alone.

    Raises:
        ValueError: the file is damaged, or does not fit the model.
    """
    data = Path(path).read_bytes()
    with guarded(path):
        group = read_hdf5(data)
        if not any(name.startswith("layer_names") for name in group.attrs) and "model_weights" in group:
            group = group.group("model_weights")
        load = legacy_weights.load_weights_by_name if by_name else legacy_weights.load_weights
        load(group, model, skip_mismatch)
