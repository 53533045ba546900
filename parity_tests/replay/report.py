"""What the campaign found: rows of one table, each a claim that holds or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Campaign", "Row", "table"]


@dataclass(frozen=True)
class Campaign:
    """What is to be measured.

    Attributes:
        engines: the engines to ask.
        share: part of the full number of cases; a claim about their number is judged at 1 only.
        seed: draws the cases.
    """

    engines: tuple[str, ...]
    share: float = 1.0
    seed: int = 1


class Row(NamedTuple):
    """One claim: what was measured on which engine, in how many cases, what came out, what was claimed."""

    engine: str
    what: str
    cases: int
    found: str
    claimed: str
    holds: bool


def table(rows: list[Row]) -> str:
    """Lay the rows out as aligned text.

    Example:
        >>> print(table([Row("jax", "dropout", 60, "60 bit for bit", "all", True)]))
        engine  what     cases  found           claimed
        jax     dropout     60  60 bit for bit  all      ok
    """
    lines = [
        ("engine", "what", "cases", "found", "claimed", ""),
        *((r.engine, r.what, str(r.cases), r.found, r.claimed, "ok" if r.holds else "FAILS") for r in rows),
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(6)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i == 2 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
