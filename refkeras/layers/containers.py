"""Lists, dicts and sets in attributes of a layer: what is added to them later belongs to the layer, too.

`keras/src/utils/tracking.py`, Keras 3.15. What is taken out again belongs to it no longer, unless it was replaced:
Keras 3 does not see `layers[0] = other`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkeras.layers.tracking import Tracked

__all__ = ["TrackedDict", "TrackedList", "TrackedOrderedDict", "TrackedSet", "is_tracking", "not_tracked", "tracked"]


class _Switch(threading.local):
    """Whether attributes are tracked, in each thread its own."""

    on = True


_switch = _Switch()


@contextmanager
def not_tracked() -> Iterator[None]:
    """Inside the block, what is assigned to an attribute does not come to belong to the layer."""
    before, _switch.on = _switch.on, False
    try:
        yield
    finally:
        _switch.on = before


def is_tracking() -> bool:
    """Whether what is assigned to an attribute comes to belong to the layer."""
    return _switch.on


def tracked(value: Any, owner: Tracked) -> Any:
    """Return `value` with its containers replaced by those of `owner`, which has been given what is in them."""
    if isinstance(value, tuple):
        items = [tracked(item, owner) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    for kind, wrapper in _WRAPPERS.items():
        if isinstance(value, kind):
            return wrapper(value, owner)
    owner._take(value)
    return value


class TrackedList(list[Any]):
    """A list of a layer; without an `owner` a list like any other."""

    def __init__(self, values: Iterable[Any] = (), owner: Tracked | None = None) -> None:
        self._owner = owner
        super().__init__(values if owner is None else [tracked(value, owner) for value in values])

    def append(self, value: Any) -> None:
        _add(self._owner, [value])
        super().append(value)

    def insert(self, index: Any, value: Any) -> None:
        _add(self._owner, [value])
        super().insert(index, value)

    def extend(self, values: Iterable[Any]) -> None:
        owner = self._owner
        super().extend(values if owner is None else [tracked(value, owner) for value in values])

    def remove(self, value: Any) -> None:
        super().remove(value)
        _drop(self._owner, [value])

    def pop(self, index: Any = -1) -> Any:
        value = super().pop(index)
        _drop(self._owner, [value])
        return value

    def clear(self) -> None:
        _drop(self._owner, self)
        super().clear()

    def __delitem__(self, index: Any) -> None:
        gone = self[index]
        super().__delitem__(index)
        _drop(self._owner, gone if isinstance(index, slice) else [gone])

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)  # a copy has no owner


class _TrackedMapping(dict[Any, Any]):
    def __init__(self, values: Any = (), owner: Tracked | None = None) -> None:
        self._owner = owner
        values = dict(values)
        super().__init__(values if owner is None else {key: tracked(value, owner) for key, value in values.items()})

    def __setitem__(self, key: Any, value: Any) -> None:
        _add(self._owner, [value])
        super().__setitem__(key, value)

    def update(self, mapping: Mapping[Any, Any] = {}, **named: Any) -> None:  # type: ignore[override]
        owner, given = self._owner, {**mapping, **named}
        super().update(given if owner is None else {key: tracked(value, owner) for key, value in given.items()})

    def pop(self, key: Any, *default: Any) -> Any:
        known = key in self
        value = super().pop(key, *default)
        if known:
            _drop(self._owner, [value])
        return value

    def popitem(self, *last: bool) -> tuple[Any, Any]:
        key, value = super().popitem(*last)
        _drop(self._owner, [value])
        return key, value

    def clear(self) -> None:
        _drop(self._owner, self.values())
        super().clear()


class TrackedDict(_TrackedMapping):
    """A dict of a layer."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


class TrackedOrderedDict(_TrackedMapping, OrderedDict[Any, Any]):  # type: ignore[misc]
    """An OrderedDict of a layer."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return OrderedDict, (list(self.items()),)


class TrackedSet(set[Any]):
    """A set of a layer."""

    def __init__(self, values: Iterable[Any] = (), owner: Tracked | None = None) -> None:
        self._owner = owner
        super().__init__(values if owner is None else {tracked(value, owner) for value in values})

    def add(self, value: Any) -> None:
        _add(self._owner, [value])
        super().add(value)

    def update(self, *others: Iterable[Any]) -> None:
        for values in others:
            _add(self._owner, values)
            super().update(values)

    def remove(self, value: Any) -> None:
        super().remove(value)
        _drop(self._owner, [value])

    def pop(self) -> Any:
        value = super().pop()
        _drop(self._owner, [value])
        return value

    def clear(self) -> None:
        _drop(self._owner, self)
        super().clear()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return set, (set(self),)


#: The first that fits.
_WRAPPERS: dict[type, Any] = {list: TrackedList, OrderedDict: TrackedOrderedDict, dict: TrackedDict, set: TrackedSet}


def _add(owner: Tracked | None, values: Iterable[Any]) -> None:
    """Give the owner what is in `values`, which the container keeps as they are."""
    if owner is not None:
        for value in values:
            tracked(value, owner)


def _drop(owner: Tracked | None, values: Iterable[Any]) -> None:
    if owner is not None:
        for value in values:
            owner._drop(value)
