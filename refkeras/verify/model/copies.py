"""A model file in another precision: the same model and weights, its layers of another dtype."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refkeras.saving.archive import CONFIG, METADATA, WEIGHTS, is_archive, read_archive, write_archive
from refkeras.saving.atomic import write_atomically
from refkeras.saving.guard import guarded
from refkeras.saving.json_text import parse_json
from refkeras.verify.model.loading import configuration

__all__ = ["Copies", "dtype_of", "in_precision"]

_FLOATS = ("bfloat16", "float16", "float32", "float64")


@dataclass(frozen=True)
class Copies:
    """The file that engines load, and the one that refkeras loads, which computes in float32 or float64."""

    engines: Path
    reference: Path


def dtype_of(precision: str) -> str:
    """Return the dtype of a model in a precision: its name, but for TF32, which is a way to multiply float32."""
    return "float32" if precision == "tf32" else precision


def in_precision(file: Path, precision: str | None, folder: Path) -> tuple[Copies, str]:
    """Return the file, or copies of it in `folder`, for a precision; None is the file's own.

    Raises:
        ValueError: the file is damaged, of mixed precision, or a `.h5` file of another dtype.
        OSError: it cannot be read.
    """
    with guarded(file):
        config, _ = configuration(file)
        found = set(_dtypes(config))
    mixed = found - set(_FLOATS)
    if mixed:
        raise ValueError(f"{file} has layers of dtype {sorted(mixed)[0]!r}: mixed precision cannot be judged.")
    if precision is None:
        precision = "float64" if found == {"float64"} else "float32"
    dtype = dtype_of(precision)
    if found <= {dtype}:
        return Copies(file, file), precision
    return Copies(*(_copy(file, d, folder) for d in (dtype, "float64" if dtype == "float64" else "float32"))), precision


def _dtypes(record: Any) -> Iterator[str]:
    """Yield the float dtypes, and other policies, that a configuration names."""
    if isinstance(record, list):
        for item in record:
            yield from _dtypes(item)
    if not isinstance(record, dict):
        return
    for key, value in record.items():
        name = _policy_name(value) if key == "dtype" else None
        if name is None:
            yield from _dtypes(value)
        elif name in _FLOATS or "_" in name:
            yield name


def _policy_name(value: Any) -> str | None:
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("name")
    return value if isinstance(value, str) else None


def _changed(record: Any, dtype: str) -> Any:
    """Return a configuration with another dtype, and with initializers that every engine has in any dtype.

    What they draw is overwritten by the file's weights, but TensorFlow has no
    QR decomposition in bfloat16, say.
    """
    if isinstance(record, list):
        return [_changed(item, dtype) for item in record]
    if not isinstance(record, dict):
        return record
    found = {}
    for key, value in record.items():
        if key == "dtype" and _policy_name(value) in _FLOATS:
            found[key] = dtype if isinstance(value, str) else {**value, "config": {**value["config"], "name": dtype}}
        elif key.endswith("_initializer") and isinstance(value, dict):
            found[key] = {**value, "class_name": "Zeros", "config": {}}
        else:
            found[key] = _changed(value, dtype)
    return found


def _copy(file: Path, dtype: str, folder: Path) -> Path:
    if not is_archive(file):
        raise ValueError(f"{file} is of another dtype than {dtype}. Only a .keras file can be asked in {dtype}.")
    copy = folder / f"{dtype}.keras"
    if not copy.exists():
        with guarded(file), file.open("rb") as opened:
            members = read_archive(opened, names=(CONFIG, WEIGHTS), optional=(METADATA,))
            config = json.dumps(_changed(parse_json(members[CONFIG], CONFIG), dtype)).encode()
        write_atomically(
            copy,
            lambda to: write_archive(to, members.get(METADATA, b"{}"), config, members[WEIGHTS]),  # type: ignore[arg-type]
        )
    return copy
