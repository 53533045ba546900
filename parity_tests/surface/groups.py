"""Names that are not there, and one reason for several of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Group"]


@dataclass(frozen=True)
class Group:
    """Names that are not there for one reason; `kinds` of objects, all if there are none."""

    reason: str
    names: str
    kinds: tuple[str, ...] = ()

    def has(self, kind: str, name: str) -> bool:
        return name in self.names.split() and (not self.kinds or kind in self.kinds)
