"""What must hold for any damaged file: it loads, or ends in a ValueError, soon."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import refkeras
from tests.saving.files import keras_file, model

__all__ = ["SECONDS", "check"]

SECONDS = 5.0
EXTENSIONS = {"archive": ".keras", "member": ".keras", "config": ".keras", "legacy": ".h5", "weights": ".weights.h5"}


def check(kind: str, content: Any, folder: Path) -> str:
    """Load a damaged file; return what came of it: "loaded" or "refused".

    Raises:
        AssertionError: it took too long.
        Exception: anything that is not a ValueError.
    """
    path = folder / f"fuzz{EXTENSIONS[kind]}"
    if kind == "config":
        keras_file(path, content)
    elif kind == "member":
        keras_file(path, weights=content)
    else:
        path.write_bytes(content)
    start = time.perf_counter()
    outcome = "loaded"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model().load_weights(path) if kind == "weights" else refkeras.models.load_model(path)
        except ValueError:
            outcome = "refused"
    seconds = time.perf_counter() - start
    assert seconds < SECONDS, f"a damaged file of kind {kind!r} took {seconds:.1f} s"
    return outcome
