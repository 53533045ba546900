"""`.keras` files: a model's configuration, weights and optimizer state in one archive."""

from __future__ import annotations

import datetime
import json
import os
import warnings
from typing import Any

from refkeras import semantics
from refkeras.saving import sharing
from refkeras.saving.archive import CONFIG, METADATA, WEIGHTS, read_archive, write_archive
from refkeras.saving.atomic import write_atomically
from refkeras.saving.dialects import generation_of, translate
from refkeras.saving.errors import ModelFileError
from refkeras.saving.guard import guarded
from refkeras.saving.json_text import parse_json
from refkeras.saving.limits import allow
from refkeras.saving.serialization import deserialize_keras_object, serialize_keras_object
from refkeras.saving.weights_file import load_state, need_h5py, state_bytes

__all__ = ["load_keras_file", "save_keras_file", "weights_of_keras_file"]


def save_keras_file(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a `.keras` file, whole or not at all.

    Raises:
        ImportError: h5py is not installed.
        NotImplementedError: a layer of your own has no `get_config`.
    """
    need_h5py()
    if not model.built:
        warnings.warn(
            "You are saving a model that has not yet been built. It might not contain any weights yet. Consider "
            "building the model first by calling it on some data.",
            stacklevel=4,
        )
    with sharing.object_sharing():
        config = json.dumps(serialize_keras_object(model)).encode()
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": semantics.current().keras_version, "date_saved": now}).encode()
    weights = state_bytes(model)
    write_atomically(path, lambda file: write_archive(file, metadata, config, weights))


def load_keras_file(
    path: str | os.PathLike[str], custom_objects: dict[str, Any] | None = None, compile: bool = True
) -> Any:
    """Make the model that a `.keras` file holds.

    Args:
        path: the file, of either Keras generation.
        custom_objects: classes and functions that the model uses, by name.
        compile: compile it as it was, with its optimizer's state.

    Raises:
        ValueError: the file is damaged, asks for what is refused, or does not hold a model.
    """
    from refkeras.models import Model

    with guarded(path):
        with open(path, "rb") as file:  # noqa: PTH123 - a path of any kind
            members = read_archive(file, names=(CONFIG, WEIGHTS), optional=(METADATA,))
        config = parse_json(members[CONFIG], CONFIG)
        version = parse_json(members[METADATA], METADATA).get("keras_version") if METADATA in members else None
        if not compile:
            config["compile_config"] = None
        with allow(len(members[WEIGHTS])), sharing.object_sharing():
            model = deserialize_keras_object(translate(config, generation_of(version, config)), custom_objects)
        if not isinstance(model, Model):
            raise ModelFileError(f"It does not hold a model, but {type(model)}.")
        load_state(model, members[WEIGHTS])
    return model


def weights_of_keras_file(path: str | os.PathLike[str]) -> bytes:
    """Return the weights file inside a `.keras` file."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path of any kind
        return read_archive(file, names=(WEIGHTS,))[WEIGHTS]
