"""Small tables of arrays: as text, with rich, and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Column", "Table", "summary"]

FEW = 6


class Column(NamedTuple):
    """A column's heading."""

    title: str


class Table:
    """Rows of text, numbers, shapes and arrays.

    >>> print(Table("weights", [Column("name"), Column("values")], [("kernel", np.float32([0.5, 2]))]))
    weights
    name    values
    kernel  0.5 2
    """

    def __init__(self, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
        self.title, self.columns, self.rows = title, list(columns), [list(row) for row in rows]

    def _texts(self) -> list[list[str]]:
        return [[column.title for column in self.columns], *([summary(cell) for cell in row] for row in self.rows)]

    def __str__(self) -> str:
        texts = self._texts()
        widths = [max(len(row[i]) for row in texts) for i in range(len(self.columns))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts
        ]
        return "\n".join([self.title, *lines])

    def __rich__(self) -> Any:
        from rich.table import Table as RichTable
        from rich.text import Text

        heads, *rows = self._texts()
        table = RichTable(title=self.title)
        for head in heads:
            table.add_column(head)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        return table

    def _repr_html_(self) -> str:
        heads, *rows = self._texts()
        head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        return f"<table><caption>{escape(self.title)}</caption><tr>{head}</tr>{body}</table>"


def summary(value: Any) -> str:
    """Return a cell as text: a few numbers as they are, more of them by what they range over.

    >>> summary(np.arange(3.0)), summary(np.linspace(-1, 1, 50)), summary((2, 3)), summary("x")
    ('0 1 2', '−1 to 1, norm 4.165', '(2, 3)', 'x')
    """
    if value is None:
        return ""
    if isinstance(value, (str, tuple, int)):
        return str(value)
    array = np.asarray(value)
    if array.size <= FEW:
        return " ".join(_number(v) for v in array.ravel())
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array)} of {array.size} true"
    norm = float(np.linalg.norm(array.astype(np.float64).ravel()))
    return f"{_number(array.min())} to {_number(array.max())}, norm {_number(norm)}"


def _number(value: Any) -> str:
    return f"{float(value):.4g}".replace("-", "−")
