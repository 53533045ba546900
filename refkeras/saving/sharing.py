"""Objects that several records describe: one record each, marked by one number (`shared_object_id`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["note", "object_sharing", "record_of", "remember", "shared_object"]


class Sharing:
    """The objects met so far.

    Attributes:
        kept: what was written, functions included.
    """

    def __init__(self) -> None:
        self.records: dict[int, dict[str, Any]] = {}
        self.numbers: dict[int, int] = {}
        self.objects: dict[int, Any] = {}
        # An id is an object's own only while the object lives.
        self.kept: list[Any] = []


class _Open(threading.local):
    sharing: Sharing | None = None


_open = _Open()


@contextmanager
def object_sharing() -> Iterator[Sharing]:
    """Note, while a model is written or read, which objects occur more than once."""
    outer, _open.sharing = _open.sharing, Sharing()
    try:
        yield _open.sharing
    finally:
        _open.sharing = outer


def note(obj: Any) -> None:
    """Keep a function that was written by its name."""
    if _open.sharing is not None:
        _open.sharing.kept.append(obj)


def record_of(obj: Any, record: dict[str, Any]) -> None:
    """Mark `record` and the first record of the same object, if this is not the first."""
    sharing = _open.sharing
    if sharing is None:
        return
    first = sharing.records.setdefault(id(obj), record)
    sharing.kept.append(obj)
    if first is not record:
        number = sharing.numbers.setdefault(id(obj), len(sharing.numbers) + 1)
        first["shared_object_id"] = record["shared_object_id"] = number


def shared_object(record: dict[str, Any]) -> Any:
    """Return the object already made from a record of the same number, or None."""
    number = record.get("shared_object_id")
    sharing = _open.sharing
    return None if sharing is None or not isinstance(number, int) else sharing.objects.get(number)


def remember(record: dict[str, Any], obj: Any) -> None:
    """Keep an object for further records of the same number."""
    number = record.get("shared_object_id")
    if _open.sharing is not None and isinstance(number, int):
        _open.sharing.objects.setdefault(number, obj)
