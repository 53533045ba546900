"""A table with lines between its rows, laid out as the package rich does it (`rich.table`, rich 15)."""

from __future__ import annotations

from itertools import groupby
from math import ceil

from refkeras.models.rich_text import PLAIN, Console, Line, Style, Text, align, styled, wrap

__all__ = ["Table"]

# left, fill, divider and right of: top, header row, line under the header, row, line under a row, bottom
_HEAVY_HEAD = tuple(tuple(edge) for edge in ("┏━┳┓", "┃ ┃┃", "┡━╇┩", "│ ││", "├─┼┤", "└─┴┘"))
_ASCII = tuple(tuple(edge) for edge in ("+--+", "| ||", "|-+|", "| ||", "|-+|", "+--+"))


class Table:
    """Rows of texts under a bold header.

    Args:
        header: names of the columns.
        alignment: `"left"`, `"right"` or `"center"` for each.
        column_widths: columns of text for each, as far as `width` has room for them.
        width: width of the whole table.
    """

    def __init__(self, header: list[str], alignment: list[str], column_widths: list[int], width: int) -> None:
        self.header = header
        self.alignment = alignment
        self.rows: list[list[Text]] = []
        borders = len(header) + 1
        self.widths = _fitted([column + 2 for column in column_widths], width - borders)

    def add_row(self, cells: list[Text]) -> None:
        self.rows.append(cells)

    def print(self, console: Console) -> None:
        """Print the table."""
        top, head, under_head, row, under_row, bottom = _ASCII if console.ascii_only else _HEAVY_HEAD
        console.print_line(self._rule(top))
        for line in self._row([styled(name) for name in self.header], head, Style(bold=True), "bottom"):
            console.print_line(line)
        console.print_line(self._rule(under_head))
        for index, cells in enumerate(self.rows):
            if index:
                console.print_line(self._rule(under_row))
            for line in self._row(cells, row, PLAIN, "top"):
                console.print_line(line)
        console.print_line(self._rule(bottom))

    def _rule(self, edge: tuple[str, ...]) -> Line:
        left, fill, divider, right = edge
        return [(left + divider.join(fill * width for width in self.widths) + right, PLAIN)]

    def _row(self, cells: list[Text], edge: tuple[str, ...], style: Style, vertical: str) -> list[Line]:
        left, _, divider, right = edge
        blocks = [self._cell(*item, style) for item in zip(cells, self.widths, self.alignment, strict=True)]
        height = max(len(block) for block in blocks)
        lines: list[Line] = []
        for number in range(height):
            line: Line = [(left, PLAIN)]
            for index, (block, width) in enumerate(zip(blocks, self.widths, strict=True)):
                skipped = height - len(block) if vertical == "bottom" else 0
                inside = 0 <= number - skipped < len(block)
                line += block[number - skipped] if inside else [(" " * width, style)]
                line.append((divider if index < len(blocks) - 1 else right, PLAIN))
            lines.append(line)
        return lines

    def _cell(self, text: Text, width: int, alignment: str, style: Style) -> list[Line]:
        """The lines of a cell, with a space on either side; none where there is no room between."""
        if width < 3:
            return []
        lines = []
        for line in wrap(text, width - 2, fold=False):
            whole = align(line, width - 2, alignment)
            pieces = [
                ("".join(character for character, _ in group), key.over(style))
                for key, group in groupby(whole, lambda item: item[1])
            ]
            lines.append([(" ", style), *pieces, (" ", style)])
        return lines or [[(" " * width, style)]]


def _fitted(widths: list[int], room: int) -> list[int]:
    """Take from, or add to, the widths in equal parts until they fill `room`."""
    excess, parts = sum(widths) - room, len(widths)
    if excess > 0:
        fitted = []
        for width in widths:
            taken = min(width, round(excess / parts))
            fitted.append(width - taken)
            excess, parts = excess - taken, parts - 1
        return fitted
    total, fitted = sum(widths), []
    missing = -excess
    for width in widths:
        added = ceil(width * missing / total)
        fitted.append(width + added)
        missing, total = missing - added, total - width
    return fitted
