"""Objects that several records describe: one record each, marked by one number (`shared_object_id`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["object_sharing", "record_of", "remember", "shared_object"]


class _Sharing:
    def __init__(self) -> None:
        self.records: dict[int, dict[str, Any]] = {}
        self.numbers: dict[int, int] = {}
        self.objects: dict[int, Any] = {}
        # An id is an object's own only while the object lives.
        self.kept: list[Any] = []


_sharing: _Sharing | None = None


@contextmanager
def object_sharing() -> Iterator[None]:
    """Note, while a model is written or read, which objects occur more than once."""
    global _sharing
    outer, _sharing = _sharing, _Sharing()
    try:
        yield
    finally:
        _sharing = outer


def record_of(obj: Any, record: dict[str, Any]) -> None:
    """Mark `record` and the first record of the same object, if this is not the first."""
    if _sharing is None:
        return
    first = _sharing.records.setdefault(id(obj), record)
    _sharing.kept.append(obj)
    if first is not record:
        number = _sharing.numbers.setdefault(id(obj), len(_sharing.numbers) + 1)
        first["shared_object_id"] = record["shared_object_id"] = number


def shared_object(record: dict[str, Any]) -> Any:
    """Return the object already made from a record of the same number, or None."""
    number = record.get("shared_object_id")
    return None if _sharing is None or not isinstance(number, int) else _sharing.objects.get(number)


def remember(record: dict[str, Any], obj: Any) -> None:
    """Keep an object for further records of the same number."""
    number = record.get("shared_object_id")
    if _sharing is not None and isinstance(number, int):
        _sharing.objects.setdefault(number, obj)
