"""Modules that are imported when a name of theirs is first used, so that `import refkeras` takes no time."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["attach"]


def attach(
    package: str, submodules: Iterable[str], names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package (PEP 562).

    Args:
        package: its name.
        submodules: modules in it that are attributes of it.
        names: `{name: module that defines it}`.

    The functions raise AttributeError, with the nearest name, for names that are in neither.
    """
    modules = frozenset(submodules)
    known = sorted(modules | names.keys())

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in names:
            return getattr(importlib.import_module(names[name]), name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        from refkeras.naming import did_you_mean

        raise AttributeError(f"module {package!r} has no attribute {name!r}.{did_you_mean(name, known)}")

    return __getattr__, lambda: known
