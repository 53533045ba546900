"""Marks tests that show a semantics field on the real engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])

SHOWN: dict[str, list[str]] = {}


def shows(*fields: str) -> Callable[[Test], Test]:
    """Decorator: this test shows the values of these `Semantics` fields on the real engines."""

    def decorate(test: Test) -> Test:
        for name in fields:
            SHOWN.setdefault(name, []).append(f"{test.__module__}.{test.__name__}")
        return test

    return decorate
