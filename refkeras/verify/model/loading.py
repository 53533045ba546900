"""A model file, or as much of it as refkeras has layers for.

refkeras's loader decides what is read. Where all it refuses are layers that
refkeras does not have, the layers that it has are made one by one: each will
be fed with the engine's own input, so none needs the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refkeras.saving import load_model
from refkeras.saving.archive import CONFIG, METADATA, WEIGHTS, is_archive, read_archive
from refkeras.saving.dialects import generation_of, translate
from refkeras.saving.errors import ModelFileError, UnknownObjectError
from refkeras.saving.guard import guarded
from refkeras.saving.hdf5 import read_hdf5
from refkeras.saving.json_text import parse_json
from refkeras.saving.legacy_config import modern_model_config
from refkeras.saving.limits import allow

__all__ = ["InputOf", "Loaded", "Missing", "configuration", "leaves", "load"]


@dataclass(frozen=True)
class Missing:
    """A layer of the file that refkeras does not have.

    Attributes:
        path: its name; of a layer of a model in the model, `inner/layer`.
        place: where it stands, in words.
        class_name: its class.
        why: what the loader said.
    """

    path: str
    place: str
    class_name: str
    why: str


@dataclass(frozen=True)
class InputOf:
    """An input of the model: its name, its shape with None where the file leaves it open, and its dtype."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Loaded:
    """What there is of a model.

    Attributes:
        model: the model with its weights; None where a layer is missing.
        layers: path → layer, in the file's order; a model's inside by `inner/layer`.
        missing: the layers that refkeras does not have.
        inputs: what the model takes.
        outputs: what its outputs are called: the layers that they come from.
    """

    model: Any
    layers: dict[str, Any]
    missing: list[Missing] = field(default_factory=list)
    inputs: list[InputOf] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def load(path: str | os.PathLike[str], compile: bool = False) -> Loaded:
    """Read a model file under the semantics in force.

    Args:
        path: a `.keras` file, or a legacy `.h5` file.
        compile: compile the model as it was; then a missing layer is an error.

    Raises:
        ValueError: the file is damaged or asks for what is refused; or a missing layer is of a kind that an engine
            would run code for.
    """
    try:
        model = load_model(path, compile=compile)
    except UnknownObjectError:
        if compile:
            raise
        return _in_parts(path)
    inputs = [InputOf(t._keras_history.operation.name, tuple(t.shape), t.dtype) for t in model.inputs]
    outputs = [t._keras_history.operation.name for t in model.outputs]
    return Loaded(model, dict(leaves(model)), inputs=inputs, outputs=outputs)


def leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(path, layer)` of all layers but inputs, those of models inside included."""
    from refkeras.layers import InputLayer
    from refkeras.models import Model

    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if isinstance(layer, Model):
            yield from leaves(layer, f"{path}/")
        elif not isinstance(layer, InputLayer):
            yield path, layer


def _in_parts(path: str | os.PathLike[str]) -> Loaded:
    with guarded(path):
        config, size = configuration(path)
        _check_for_engines(config)
        found = Loaded(None, {})
        with allow(size):
            _take_apart(config, "", found)
            found.inputs.extend(_inputs(config))
    if not found.missing:
        raise ModelFileError(f"{os.fspath(path)} cannot be loaded, though refkeras has each of its layers.")
    return found


def configuration(path: str | os.PathLike[str]) -> tuple[dict[str, Any], int]:
    """Return the model's record in the terms of the semantics in force, and how many bytes of weights there are."""
    if is_archive(path):
        with Path(path).open("rb") as file:
            members = read_archive(file, names=(CONFIG, WEIGHTS), optional=(METADATA,))
        config = parse_json(members[CONFIG], CONFIG)
        version = parse_json(members[METADATA], METADATA).get("keras_version") if METADATA in members else None
        return translate(config, generation_of(version, config)), len(members[WEIGHTS])
    data = Path(path).read_bytes()
    root = read_hdf5(data)
    text = root.attrs.get("model_config")
    config = parse_json(text if isinstance(text, str) else "", "model_config")
    generation = generation_of(root.attrs.get("keras_version"), config)
    return translate(modern_model_config(config), generation), len(data)


def _check_for_engines(record: Any) -> None:
    """Refuse what an engine would run code for or import by name, wherever in the configuration it stands."""
    if isinstance(record, list):
        for item in record:
            _check_for_engines(item)
    if not isinstance(record, dict):
        return
    module, name = record.get("module"), record.get("class_name")
    if isinstance(name, str) and ("lambda" in name.lower() or record.get("registered_name") == "Lambda"):
        raise ModelFileError(f"It holds code (a record of class {name!r}), which no engine is asked to run.")
    root = module.partition(".")[0] if isinstance(module, str) else None
    if module is not None and root not in ("keras", "tf_keras", "builtins"):
        raise UnknownObjectError(
            f"Class {name!r} comes from {module!r}, which is not Keras: an engine would import it by name, and none is "
            "asked to."
        )
    for value in record.values():
        _check_for_engines(value)


def _take_apart(record: dict[str, Any], prefix: str, found: Loaded) -> None:
    """Make every layer of a recorded model that can be made; note the others."""
    from refkeras.layers import InputLayer
    from refkeras.models.rebuilding import layer_from_record
    from refkeras.models.recorded_masks import RecordedMasks

    inner = record["config"]
    for number, item in enumerate(inner["layers"], 1):
        if not isinstance(item, dict) or not isinstance(item.get("config"), dict):
            raise ModelFileError(f"Damaged record: layer {number} of model {inner.get('name')!r}.")
        name = str(item.get("name") or item["config"].get("name"))
        path = f"{prefix}{name}"
        if _is_model(item):
            _take_apart(item, f"{path}/", found)
            continue
        try:
            if RecordedMasks().add(item):
                continue  # the mask of a layer, which travels with the values
            layer = layer_from_record(item)
        except UnknownObjectError as error:
            place = f"layer {number} of model {inner.get('name')!r}"
            found.missing.append(Missing(path, place, str(item.get("class_name")), str(error)))
            continue
        if not isinstance(layer, InputLayer):
            found.layers[path] = layer


def _is_model(record: dict[str, Any]) -> bool:
    return record.get("class_name") in ("Functional", "Model", "Sequential") and isinstance(
        record["config"].get("layers"), list
    )


def _inputs(record: dict[str, Any]) -> list[InputOf]:
    from refkeras.layers import InputLayer
    from refkeras.models.rebuilding import layer_from_record

    config = record["config"]
    made = {}
    for item in config["layers"]:
        if item["class_name"] == "InputLayer":
            layer = layer_from_record(item)
            assert isinstance(layer, InputLayer)
            made[layer.name] = InputOf(layer.name, tuple(layer.batch_shape), layer.dtype)
    if "input_layers" not in config:
        if made:
            return list(made.values())[:1]
        shape = config.get("build_input_shape")
        if not shape:
            raise ModelFileError(f"Model {config.get('name')!r} was saved before it was built: its input is unknown.")
        return [InputOf("input", tuple(shape), "float32")]
    return [made[name] for name in _names(config["input_layers"]) if name in made]


def _names(given: Any) -> list[str]:
    if isinstance(given, dict):
        return [name for value in given.values() for name in _names(value)]
    if isinstance(given, list) and given and isinstance(given[0], str):
        return [given[0]]
    return [name for item in given for name in _names(item)] if isinstance(given, list) else []
