"""`Formula`, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["SHOWN_TERMS", "Formula", "listed", "operand", "shown", "times"]

SHOWN_TERMS = 4


@dataclass(frozen=True)
class Formula:
    """One way to get a number from others.

    Attributes:
        name: its name in files.
        words: what it does, in words.
        symbols: what it does, in symbols.
        compute: `compute(values, **params)` gives the number.
        numbers: `numbers(texts, **params)` writes the symbols with numbers in them, given the inputs as text.
    """

    name: str
    words: str
    symbols: str
    compute: Callable[..., Any]
    numbers: Callable[..., str]


def shown(value: Any, digits: int | None = None) -> str:
    """Return a number as it is shown: 7 significant digits of a float32, 12 of a float64.

    >>> shown(np.float32(0.1)), shown(2.0), shown(float("nan"))
    ('0.1', '2', 'nan')
    """
    digits = digits or (7 if getattr(value, "dtype", None) == np.float32 else 12)
    return f"{float(value):.{digits}g}".replace("-", "−")


def listed(texts: Sequence[str], join: str = " + ") -> str:
    """Return the terms of a sum, or of another list, the middle ones of many as dots."""
    if join == " + ":
        texts = [*texts[:1], *(operand(text) for text in texts[1:])]
    if len(texts) <= SHOWN_TERMS:
        return join.join(texts)
    return join.join([*texts[: SHOWN_TERMS - 1], "…", texts[-1]])


def operand(text: str) -> str:
    """Put a negative number into parentheses."""
    return f"({text})" if text.startswith("−") else text


def times(texts: Sequence[str], factors: Sequence[Any]) -> list[str]:
    return [text if f is None else f"{shown(f)} × {operand(text)}" for text, f in zip(texts, factors, strict=True)]
