"""Whatever goes wrong with a file ends in a ValueError that names the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from refkeras.saving.errors import ModelFileError, UnknownObjectError

__all__ = ["guarded"]

#: Messages may hold a whole configuration; this much of it is shown.
_SHOWN = 1500


@contextmanager
def guarded(path: Any) -> Iterator[None]:
    """Turn any error inside the block into a `ModelFileError`, but those of the file system.

    Raises:
        ValueError: something is wrong with the file.
        OSError: it cannot be read at all.
        TypeError: a class is not known; a ValueError at the same time.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        cause = _root_cause(error)
        kind = UnknownObjectError if isinstance(cause, UnknownObjectError) else ModelFileError
        text = str(cause) or type(cause).__name__
        if isinstance(cause, KeyError):
            text = f"It has no entry {text}."
        elif not isinstance(cause, ValueError):
            text = f"{type(cause).__name__}: {text}"
        if len(text) > _SHOWN:
            text = f"{text[:_SHOWN]} ... ({len(text):,} characters in all)"
        raise kind(f"{os.fspath(path)} cannot be loaded. {text}") from error


def _root_cause(error: BaseException) -> BaseException:
    """Return what a layer's `from_config` wrapped, which says more than the wrapping."""
    while error.__cause__ is not None and "Exception encountered" in str(error):
        error = error.__cause__
    return error
