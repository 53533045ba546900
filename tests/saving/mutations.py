"""Strategies that damage files: bytes, words, and the JSON inside."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.saving.files import good_config, good_dense, good_legacy, good_weights, hdf5

__all__ = ["configs", "damaged"]

#: What sizes, offsets and counts are tempted with.
_WORDS = [0, 1, 7, 8, 96, 2**16 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63, 2**64 - 1]
_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 3, 10**6, 10**18, 1.5, float("nan"), float("inf"), "", "x", "os.system", "../x"),
    *([], [None], [[]], {}, [1, 2, 3], [None, 3], {"class_name": "Dense", "config": {}}, {"module": "os"}),
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
    {"class_name": "__lambda__", "config": {"value": "x"}},
    {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}},
    {"class_name": "__keras_tensor__", "config": {"shape": [3], "dtype": "float32", "keras_history": ["x", 0, 0]}},
]


@st.composite
def damaged(draw: Any, data: bytes) -> bytes:
    """A file with some of its bytes changed."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        end = len(found) - 1 if draw(st.booleans()) else min(len(found), 8000) - 1
        if end < 8:
            break
        at = draw(st.integers(0, end))
        kind = draw(st.sampled_from(["byte", "flip", "word", "own address", "copy", "delete", "cut"]))
        if kind == "byte":
            found[at] = draw(st.sampled_from([0, 1, 2, 127, 128, 254, 255]))
        elif kind == "flip":
            found[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "word":
            at &= ~7
            found[at : at + 8] = draw(st.sampled_from([*_WORDS, len(found), len(found) - 8])).to_bytes(8, "little")
        elif kind == "own address":
            found[at & ~7 : (at & ~7) + 8] = draw(st.integers(0, end)).to_bytes(8, "little")
        elif kind == "copy":
            source, length = draw(st.integers(0, end)), draw(st.sampled_from([8, 16, 64, 512]))
            found[at : at + length] = found[source : source + length]
        elif kind == "delete":
            del found[at : at + draw(st.sampled_from([1, 8, 64, 1000]))]
        elif draw(st.integers(0, 4)) == 0:
            del found[at:]
    return bytes(found)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *_places(item, (*path, key)))]


@st.composite
def configs(draw: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration in which some values are others, missing, or somewhere else."""
    config = copy.deepcopy(config)
    for _ in range(draw(st.integers(1, 4))):
        places = _places(config)
        *outer, key = draw(st.sampled_from(places))
        target = config
        for step in outer:
            target = target[step]
        kind = draw(st.sampled_from(["value", "value", "value", "delete", "move", "twice"]))
        if kind == "delete":
            del target[key]
        elif kind == "move":
            source: Any = config
            for step in draw(st.sampled_from(places)):
                source = source[step]
            target[key] = copy.deepcopy(source)
        elif kind == "twice" and isinstance(target, list):
            target.append(copy.deepcopy(target[key]))
        else:
            target[key] = copy.deepcopy(draw(st.sampled_from(_VALUES)))
        if not config:
            break
    return config


@st.composite
def files(draw: Any) -> tuple[str, Any]:
    """`(kind, content)`: a damaged file, as `write` takes it."""
    kind = draw(st.sampled_from(["archive", "weights", "member", "legacy", "config", "config", "legacy config"]))
    if kind == "archive":
        return kind, draw(damaged(_archive()))
    if kind in ("weights", "member"):
        return kind, draw(damaged(good_weights()))
    if kind == "legacy":
        return kind, draw(damaged(draw(st.sampled_from([good_legacy(), good_dense()]))))
    if kind == "config":
        return kind, draw(configs(good_config()))
    key = draw(st.sampled_from(["model_config", "training_config"]))
    config = _legacy_configs()[key]
    changed = json.dumps(draw(configs(config)))
    return "legacy", hdf5(lambda file: file.attrs.__setitem__(key, changed), good_legacy())


def _legacy_configs() -> dict[str, Any]:
    from refkeras.saving.hdf5 import read_hdf5

    attributes = read_hdf5(good_legacy()).attrs
    return {key: json.loads(attributes[key]) for key in ("model_config", "training_config")}


def _archive() -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    members = {
        "metadata.json": b"{}",
        "config.json": json.dumps(good_config()).encode(),
        "model.weights.h5": good_weights(),
    }
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()
