"""Weights files (`.weights.h5`, and `model.weights.h5` in a `.keras` archive)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from refkeras import semantics
from refkeras.saving.atomic import write_atomically
from refkeras.saving.errors import ModelFileError
from refkeras.saving.hdf5 import Group, read_hdf5
from refkeras.saving.saveables import Walk, saveables

__all__ = [
    "array_of",
    "load_own",
    "load_state",
    "need_h5py",
    "save_own",
    "save_state",
    "save_weights_file",
    "state_bytes",
]


def need_h5py() -> Any:
    """Return the module h5py.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise ImportError(
            "Saving needs the package h5py, which is not installed: pip install 'refkeras[io]'. (Loading does not "
            "need it.)"
        ) from None
    return h5py


# -- writing ---------------------------------------------------------------------------


def state_bytes(model: Any, skip: Any = ()) -> memoryview:
    """Return the weights file of a model: weights, optimizer state and (tf_keras) metric state, but for `skip`."""
    buffer = io.BytesIO()
    save_state(model, buffer, skip)
    return buffer.getbuffer()


def save_weights_file(model: Any, path: str, skip: Any = ()) -> None:
    """Write a `.weights.h5` file, whole or not at all."""
    data = state_bytes(model, skip)
    write_atomically(path, lambda file: file.write(data))


def save_state(model: Any, file: BinaryIO, skip: Any = ()) -> None:
    """Write the weights file of a model, but for the objects in `skip`, into an open file."""
    modern = semantics.current().files == "keras-3"
    with need_h5py().File(file, "w") as h5:
        for path, obj in saveables(model, skip):
            store: dict[str, Any] = {}
            save_own(obj, store)
            name = getattr(obj, "name", None)
            if not modern or isinstance(name, str) or store:
                group = h5.create_group(f"{path}/vars" if path else "vars")
                if modern and isinstance(name, str):
                    group.attrs["name"] = name
                for key, value in store.items():
                    group[key] = array_of(value)


def save_own(obj: Any, store: dict[str, Any]) -> None:
    """Put the arrays of one object, without those inside it, into `store`."""
    if hasattr(obj, "save_own_variables"):
        obj.save_own_variables(store)
    else:  # a metric
        store.update({str(i): variable.value for i, variable in enumerate(obj.variables)})


def array_of(value: Any) -> np.ndarray:
    """Return what a store holds as an array.

    Raises:
        ValueError: it holds no numbers.
    """
    array = np.asarray(getattr(value, "value", value))
    if array.dtype.kind not in "biuf":
        raise ValueError(f"save_own_variables() put values of dtype {array.dtype} into the store; expected numbers.")
    return array


# -- reading ---------------------------------------------------------------------------

_OF_LAYERS = re.compile(r"layers/([^/]+?)(?:_(\d+))?(?=/|$)")


class _Store(Mapping[str, np.ndarray]):
    """The arrays of one group, read when they are asked for."""

    def __init__(self, group: Group | None) -> None:
        self._group = group

    def __getitem__(self, key: str) -> np.ndarray:
        if self._group is None:
            raise KeyError(key)
        dataset = self._group.dataset(key)
        if dataset.attrs.get("dtype") == "bfloat16":
            raise ModelFileError(f"{dataset.name!r} is of dtype bfloat16, which refkeras does not have.")
        return dataset.read()

    def __iter__(self) -> Iterator[str]:
        return iter([] if self._group is None else self._group.keys())

    def __len__(self) -> int:
        return 0 if self._group is None else len(self._group)


def _store_at(root: Group, path: str) -> _Store:
    """Return the arrays of the object at a path; none if the file does not know it."""
    found = _group_at(root, path)
    if found is None and "_layer_checkpoint_dependencies" in root:
        found = _group_at(root, _OF_LAYERS.sub(_old_name, path))
    return _Store(found)


def _old_name(match: re.Match[str]) -> str:
    """Return what Keras 2.12 calls `layers/dense_1`: its own list, in which layers with weights count twice."""
    return f"_layer_checkpoint_dependencies/{match[1]}" + (f"_{2 * int(match[2])}" if match[2] else "")


def _group_at(root: Group, path: str) -> Group | None:
    whole = f"{path}/vars" if path else "vars"
    return root.group(whole) if whole in root else None


def load_state(model: Any, data: bytes | memoryview, *, skip_mismatch: bool = False, skip: Any = ()) -> None:
    """Give a model the weights, and the optimizer state, of a weights file.

    Args:
        model: a built model.
        data: the file's bytes.
        skip_mismatch: warn of what does not fit, and leave it as it is.
        skip: objects to leave as they are.

    Raises:
        ValueError: the file is damaged, or does not fit the model.
    """
    root = read_hdf5(data)
    problems: dict[int, tuple[Any, Exception]] = {}
    walk = Walk(skip)
    for path, obj in walk.visit(model, ""):
        store = _store_at(root, path)
        try:
            load_own(obj, store)
        except Exception as error:  # whatever a layer's own method raises; reported below
            problems.setdefault(id(obj), (obj, error))
            walk.once_more(obj)  # the file may know it by another name
        else:
            problems.pop(id(obj), None)
    if not problems:
        return
    failed = list(problems.values())
    first, reason = failed[0]
    message = (
        f"A total of {len(failed)} objects could not be loaded. Example error message for object "
        f"{first}:\n\n{reason}\n\nList of objects that could not be loaded:\n{[obj for obj, _ in failed[:50]]}"
    )
    if not skip_mismatch:
        raise ModelFileError(message) from reason
    warnings.warn(message, stacklevel=4)


def load_own(obj: Any, store: Mapping[str, np.ndarray]) -> None:
    """Give one object the arrays that `save_own` put into a store.

    Raises:
        ValueError: they do not fit.
    """
    if hasattr(obj, "load_own_variables"):
        obj.load_own_variables(store)
        return
    variables = obj.variables
    if len(store) != len(variables):
        raise ValueError(
            f"Layer '{obj.name}' expected {len(variables)} variables, but received {len(store)} variables during "
            f"loading. Expected: {[variable.name for variable in variables]}"
        )
    for i, variable in enumerate(variables):
        variable.assign(store[str(i)])
