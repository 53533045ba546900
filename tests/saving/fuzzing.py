"""What must hold for any damaged file: it loads, or ends in a clear ValueError, soon."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import refkeras
from tests.saving.files import keras_file, model

__all__ = ["Outcome", "check", "load", "write"]

SECONDS = 5.0
EXTENSIONS = {"archive": ".keras", "member": ".keras", "config": ".keras", "legacy": ".h5", "weights": ".weights.h5"}


class Outcome(NamedTuple):
    """What came of a file."""

    #: "loaded" or "refused".
    what: str
    seconds: float
    #: What the refusal says, but for the file's name.
    message: str


def write(kind: str, content: Any, folder: Path) -> Path:
    """Write a damaged file, as `mutations.files` draws it."""
    path = folder / f"fuzz{EXTENSIONS[kind]}"
    if kind == "config":
        return keras_file(path, content)
    if kind == "member":
        return keras_file(path, weights=content)
    path.write_bytes(content)
    return path


def load(path: Path) -> Any:
    """Load a file as its name says."""
    if path.name.endswith(".weights.h5"):
        return model().load_weights(path)
    return refkeras.models.load_model(path)


def check(path: Path) -> Outcome:
    """Load a damaged file; return what came of it.

    Raises:
        AssertionError: it took too long, or the error does not say what is wrong.
        Exception: anything that is not a ValueError.
    """
    begun = time.process_time()
    what, message = "loaded", ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load(path)
        except ValueError as error:
            what, message = "refused", str(error)
    seconds = time.process_time() - begun
    assert seconds < SECONDS, f"{path} took {seconds:.1f} s"
    assert what == "loaded" or (str(path) in message and 20 < len(message) < 2500), message
    return Outcome(what, seconds, message.replace(str(path), ""))
