"""Configurations as JSON text."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from refkeras.saving.errors import ModelFileError
from refkeras.saving.limits import JSON_BYTES, JSON_CONTAINERS, JSON_DEPTH

__all__ = ["parse_json"]

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_OPENING = frozenset(b"[{")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(text: bytes | str, what: str) -> dict[str, Any]:
    """Return the object that a JSON text describes.

    Args:
        text: the text, in UTF-8 if bytes.
        what: where it stood, for messages.

    Raises:
        ValueError: it is too long, too deep, no JSON, no object, or names a key twice.

    Example:

        >>> parse_json('{"units": 3}', "config.json")
        {'units': 3}
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    if len(raw) > JSON_BYTES:
        raise ModelFileError(f"{what} has {len(raw):,} bytes; at most {JSON_BYTES:,} are read.")
    _check_structure(raw, what)
    try:
        found = json.loads(raw.decode(), object_pairs_hook=lambda pairs: _unique(pairs, what))
    except ModelFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{what} is no valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelFileError(f"{what} should hold one JSON object, but holds {type(found).__name__}.")
    return found


def _check_structure(raw: bytes, what: str) -> None:
    # Python's parser recurses; counting first keeps its stack out of the file's hands, and its memory.
    depth = 0
    brackets = _STRINGS.sub(b"", raw).translate(None, _OTHERS)
    if len(brackets) > 2 * JSON_CONTAINERS:
        raise ModelFileError(f"{what} holds more than {JSON_CONTAINERS:,} lists and dicts.")
    for bracket in brackets:
        depth += 1 if bracket in _OPENING else -1
        if depth > JSON_DEPTH:
            raise ModelFileError(f"{what} is nested more than {JSON_DEPTH} deep.")


def _unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ModelFileError(f"{what} names the key {twice!r} twice in one object.")
    return found
