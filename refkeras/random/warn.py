"""Warnings about draws that cannot be matched: each once per process."""

from __future__ import annotations

import warnings

__all__ = ["not_matched"]

_given: set[str] = set()


def not_matched(what: str, why: str) -> None:
    """Warn, once, that a draw is made but differs from the engine's."""
    if what not in _given:
        _given.add(what)
        warnings.warn(f"{what}: refkeras draws other numbers than the engine. {why}", UserWarning, stacklevel=3)
