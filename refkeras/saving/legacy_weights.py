"""Weights in legacy `.h5` files: a group for each layer, a dataset for each weight, both by name.

Source: `keras/src/legacy/saving/legacy_h5_format.py`, Keras 3.15;
`tf_keras/src/saving/legacy/hdf5_format.py`, 2.21.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5 import Group

__all__ = ["load_weights", "load_weights_by_name", "optimizer_weights", "write_optimizer_weights", "write_weights"]

#: HDF5 keeps attributes in object headers, which have a limit; longer lists are split.
_HEADER_LIMIT = 64512


# -- writing -----------------------------------------------------------------------------


def write_weights(group: Any, model: Any) -> None:
    """Write the weights of a model's layers into an h5py group."""
    rules = semantics.current()
    names = _names_in_model(model)
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = rules.keras_version.encode()
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        _write_variables(group.create_group(layer.name), _in_legacy_order(layer), names)
    if rules.files != "keras-2.0":
        _write_variables(group.create_group("top_level_model_weights"), _of_the_model_itself(model), names)


def write_optimizer_weights(file: Any, optimizer: Any) -> None:
    """Write an optimizer's variables into an h5py file."""
    if optimizer.variables:
        _write_variables(file.create_group("optimizer_weights"), optimizer.variables, {})


def _names_in_model(model: Any) -> dict[int, str]:
    """Return tf_keras's names of weights, by id: those of graphs around a layer are no part of them."""
    from refkeras.models import Functional, Model, Sequential

    names: dict[int, str] = {}
    if semantics.current().files == "keras-3":
        return names
    graphs = (Functional, Sequential)
    for layer in (layer for outer in model._flatten_layers() if isinstance(outer, graphs) for layer in outer.layers):
        if not isinstance(layer, Model) and layer.path:
            inside = (v for v in layer.weights if v.path.startswith(f"{layer.path}/"))
            names.update({id(v): layer.name + v.path.removeprefix(layer.path) for v in inside})
    return names


def _write_variables(group: Any, variables: list[Any], known: dict[int, str]) -> None:
    colon = "" if semantics.current().files == "keras-3" else ":0"
    names: list[str] = []
    for variable in variables:
        name = known.get(id(variable), variable.path)
        if not name.endswith(":0"):
            name += colon
        # Two models that were made apart may have weights of one name.
        while name in names:
            name += "_"
        names.append(name)
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group.create_dataset(name, data=variable.value)


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    encoded = [name.encode() for name in names]
    parts = 1
    while any(np.asarray(part).nbytes > _HEADER_LIMIT for part in np.array_split(np.asarray(encoded), parts)):
        parts += 1
    if parts == 1:
        group.attrs[attribute] = encoded
        return
    for number, part in enumerate(np.array_split(np.asarray(encoded), parts)):
        group.attrs[f"{attribute}{number}"] = part


def _in_legacy_order(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _of_the_model_itself(model: Any) -> list[Any]:
    return [*model._own_trainable, *model._own_fixed]


# -- reading -----------------------------------------------------------------------------


def _names(group: Group, attribute: str) -> list[str]:
    found = group.attrs.get(attribute)
    if found is None:
        parts: list[Any] = []
        while f"{attribute}{len(parts)}" in group.attrs:
            parts.append(group.attrs[f"{attribute}{len(parts)}"])
        found = [name for part in parts for name in part]
    if isinstance(found, np.ndarray) and found.size == 0:
        return []
    if not isinstance(found, list):
        raise ModelFileError(f"Damaged file: {attribute} of {group.name!r} is no list of names.")
    return found


def _arrays(group: Group) -> list[np.ndarray]:
    return [group.dataset(name).read() for name in _names(group, "weight_names")]


def optimizer_weights(root: Group) -> list[np.ndarray] | None:
    """Return the values of the optimizer's variables, or None if the file has none."""
    return _arrays(root.group("optimizer_weights")) if "optimizer_weights" in root else None


def load_weights(group: Group, model: Any, skip_mismatch: bool = False) -> None:
    """Give a model weights layer by layer, in their order.

    Raises:
        ValueError: the numbers of layers or weights, or a shape, differ.
    """
    layers = [layer for layer in model.layers if _in_legacy_order(layer)]
    names = [name for name in _names(group, "layer_names") if _names(group.group(name), "weight_names")]
    if len(names) != len(layers):
        raise ModelFileError(
            "Layer count mismatch when loading weights from file. "
            f"Model expected {len(layers)} layers, found {len(names)} saved layers."
        )
    for k, (name, layer) in enumerate(zip(names, layers, strict=True)):
        variables, values = _in_legacy_order(layer), _arrays(group.group(name))
        if len(values) != len(variables):
            raise ModelFileError(
                f"Weight count mismatch for layer #{k} (named {layer.name} in the current model, {name} in the save "
                f"file). Layer expects {len(variables)} weight(s). Received {len(values)} saved weight(s)"
            )
        _assign(variables, values, f"layer #{k} (named {layer.name})", skip_mismatch)
    _load_top_level(group, model, skip_mismatch, by_name=False)


def load_weights_by_name(group: Group, model: Any, skip_mismatch: bool = False) -> None:
    """Give the layers weights whose names are in the file; raises as `load_weights` does."""
    layers: dict[str, list[Any]] = {}
    for layer in model.layers:
        layers.setdefault(layer.name, []).append(layer)
    for k, name in enumerate(_names(group, "layer_names")):
        for layer in layers.get(name, []):
            variables, values = _in_legacy_order(layer), _arrays(group.group(name))
            if len(values) != len(variables):
                counts = f"Layer expects {len(variables)} weight(s). Received {len(values)} saved weight(s)"
                if not skip_mismatch:
                    raise ModelFileError(f"Weight count mismatch for layer #{k} (named {layer.name}). {counts}")
                warnings.warn(
                    f"Skipping loading of weights for layer #{k} (named {layer.name}) due to mismatch in number of "
                    f"weights. {counts}",
                    stacklevel=5,
                )
                continue
            _assign(variables, values, f"layer #{k} (named {layer.name})", skip_mismatch)
    _load_top_level(group, model, skip_mismatch, by_name=True)


def _load_top_level(group: Group, model: Any, skip_mismatch: bool, by_name: bool) -> None:
    if "top_level_model_weights" not in group:
        return
    variables = _of_the_model_itself(model)
    values = _arrays(group.group("top_level_model_weights"))
    if len(values) == len(variables):
        _assign(variables, values, "top-level model", skip_mismatch)
        return
    counts = f"Model expects {len(variables)} top-level weight(s). Received {len(values)} saved top-level weight(s)"
    if not (by_name and skip_mismatch):
        raise ModelFileError(f"Weight count mismatch for top-level weights when loading weights from file. {counts}")
    warnings.warn(
        f"Skipping loading top-level weights for model due to mismatch in number of weights. {counts}", stacklevel=5
    )


def _assign(variables: list[Any], values: list[np.ndarray], what: str, skip_mismatch: bool) -> None:
    for variable, value in zip(variables, values, strict=True):
        if variable.shape == value.shape:
            variable.assign(value)
            continue
        differ = f"Weight expects shape {variable.shape}. Received saved weight with shape {value.shape}"
        if not skip_mismatch:
            raise ModelFileError(f"Shape mismatch in {what} for weight {variable.path}. {differ}")
        warnings.warn(
            f"Skipping loading weights for {what} due to mismatch in shape for weight {variable.path}. {differ}",
            stacklevel=5,
        )
