"""Good files, and files made of their parts."""

from __future__ import annotations

import copy
import functools
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import refkeras


def model(masking: str = "masking") -> Any:
    """A compiled model with a layer of most kinds, one of which has a name of your own."""
    x = refkeras.Input((4, 3), name="x")
    y = refkeras.layers.LSTM(3, return_sequences=True, name="memory")(refkeras.layers.Masking(name=masking)(x))
    y = refkeras.layers.Flatten(name="flatten")(y)
    y = refkeras.layers.Dense(2, activation="relu", kernel_regularizer="l2", name="dense")(y)
    inner = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(2, name="inner_dense")], name="inner")
    out = refkeras.layers.Dense(1, name="out")(refkeras.layers.Dropout(0.1, name="dropout")(inner(y)))
    made = refkeras.Model(x, out, name="good")
    rate = refkeras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    made.compile(refkeras.optimizers.Adam(rate), "mse", metrics=["mae"])
    made.optimizer.build(made.trainable_variables)
    return made


@functools.cache
def _members() -> dict[str, bytes]:
    buffer = Path(_folder(), "good.keras")
    model().save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@functools.cache
def _folder() -> str:
    import tempfile

    return tempfile.mkdtemp()


def good_config() -> dict[str, Any]:
    return json.loads(_members()["config.json"])


def good_weights() -> bytes:
    return _members()["model.weights.h5"]


@functools.cache
def good_legacy(masking: str = "masking") -> bytes:
    path = Path(_folder(), "good.h5")
    model(masking).save(path)
    return path.read_bytes()


def good_dense() -> bytes:
    """A legacy file whose layers are listed in a fractal heap, because one has a name outside ASCII."""
    return good_legacy("層")


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Write a ZIP file."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def keras_file(path: Path, config: Any = None, weights: bytes | None = None, **others: bytes) -> Path:
    """Write a `.keras` file of a configuration (or its text) and weights; the good ones by default."""
    text = config if isinstance(config, (str, bytes)) else json.dumps(good_config() if config is None else config)
    members = {"metadata.json": b"{}", "config.json": text if isinstance(text, bytes) else text.encode()}
    members["model.weights.h5"] = good_weights() if weights is None else weights
    return archive(path, {**members, **others})


def layer(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the record of a layer of the good model."""
    return next(record for record in config["config"]["layers"] if record["name"] == name)


def with_changes(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return the good configuration after `change(config)`."""
    config = copy.deepcopy(good_config())
    change(config)
    return config


def hdf5(write: Callable[[Any], None], start: bytes | None = None, **options: Any) -> bytes:
    """Return an HDF5 file: that of `start`, if given, after `write(file)`."""
    buffer = io.BytesIO(start or b"")
    with h5py.File(buffer, "r+" if start else "w", **options) as file:
        write(file)
    return buffer.getvalue()


def replace_dataset(path: str, make: Callable[[Any, str], Any]) -> bytes:
    """Return the good weights with one dataset made anew by `make(group, name)`."""

    def write(file: Any) -> None:
        group, _, name = path.rpartition("/")
        del file[path]
        make(file[group or "/"], name)

    return hdf5(write, good_weights())


KERNEL = "layers/dense/vars/0"
KERNEL_SHAPE = (12, 2)
KERNEL_VALUES = np.arange(24, dtype="float32").reshape(KERNEL_SHAPE)
