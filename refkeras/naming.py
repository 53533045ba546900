"""Automatic names: `dense`, `dense_1`, ... (`keras.src.utils.naming`)."""

from __future__ import annotations

import difflib
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from refkeras import semantics

__all__ = ["auto_name", "did_you_mean", "reset", "to_snake_case", "uncounted", "unique"]

_used: Counter[str] = Counter()
_counting = threading.Lock()


def to_snake_case(name: str) -> str:
    """`LSTMCell` → `lstm_cell`, `ReLU` → `re_lu`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(base: str) -> str:
    """Return `base` the first time, then `base_1`, `base_2`, ...

    Only automatic names are counted: an explicit name never advances the
    counter, so that an automatic name may meet an explicit one, as in Keras.
    """
    with _counting:
        count = _used[base]
        _used[base] += 1
    return f"{base}_{count}" if count else base


@contextmanager
def uncounted() -> Iterator[None]:
    """Give the names that are made inside the block again afterwards."""
    with _counting:
        before = _used.copy()
    try:
        yield
    finally:
        with _counting:
            _used.clear()
            _used.update(before)


def layer_name(class_name: str) -> str:
    """Return the automatic name of a layer of this class."""
    name = to_snake_case(class_name)
    if name.startswith("_") and semantics.current().private_name_prefix:
        name = "private" + name
    return auto_name(name)


def unique(names: Iterable[str]) -> list[str]:
    """Count the names that occurred before.

    >>> unique(["lstm", "lstm", "lstm_1", "lstm"])
    ['lstm', 'lstm_1', 'lstm_1_1', 'lstm_2']
    """
    found: list[str] = []
    seen: Counter[str] = Counter()
    for name in names:
        proposal = name
        while proposal in found:
            seen[name] += 1
            proposal = f"{name}_{seen[name]}"
        found.append(proposal)
    return found


def check_name(name: object, class_name: str) -> str:
    """Return `name` if the engine in force takes it for a layer's name.

    Raises:
        ValueError: it is no string, or has a slash in it.
        TypeError: it is no string (tf_keras).
    """
    allow_slash = semantics.current().slash_in_layer_name
    if isinstance(name, str) and (allow_slash or "/" not in name):
        return name
    message = f"Argument `name` of {class_name} must be a string and cannot contain character `/`. Received: {name!r}"
    raise (TypeError if allow_slash else ValueError)(message)


def reset() -> None:
    """Start all counters again."""
    _used.clear()


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the nearest known name, or an empty string."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
