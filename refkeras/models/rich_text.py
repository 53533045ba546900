"""Styled text, wrapped, cut and coloured as the package rich does it, without the package.

Keras 3 prints summaries with rich (`rich.text`, `rich._wrap`, rich 15).
"""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

__all__ = ["PLAIN", "Console", "Line", "Style", "Text", "align", "cell_width", "styled", "wrap"]


class Style(NamedTuple):
    """Bold or not, and a colour of the 256-colour palette or None."""

    bold: bool = False
    color: int | None = None

    def over(self, base: Style) -> Style:
        """This style on a background of `base`."""
        return Style(self.bold or base.bold, base.color if self.color is None else self.color)


PLAIN = Style()
# A text is a list of characters with their styles, a line a list of pieces with theirs.
Text = list[tuple[str, Style]]
Line = list[tuple[str, Style]]
_WORD = re.compile(r"\s*\S+\s*")
# The colours that summaries use, in the palette of 16.
_OF_16 = {45: 14, 34: 2, 33: 12, 9: 9}


def styled(text: object, bold: bool = False, color: int | None = None) -> Text:
    """Return `text` in one style."""
    style = Style(bold, color)
    return [(character, style) for character in str(text)]


def cell_width(text: Iterable[tuple[str, Style]]) -> int:
    """Columns that a text takes: two for wide East Asian characters, none for combining ones."""
    return sum(_width(character) for character, _ in text)


def _width(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: Text, width: int, fold: bool) -> list[Text]:
    """Break a text at its spaces into lines of `width` columns; longer words are folded, or else end in `…`."""
    breaks = _breaks(text, width, fold)
    lines = [text[start:stop] for start, stop in zip([0, *breaks], [*breaks, len(text)], strict=True)]
    return [_cut(_without_end_spaces(line, width), width, fold) for line in lines]


def _breaks(text: Text, width: int, fold: bool) -> list[int]:
    plain = "".join(character for character, _ in text)
    breaks: list[int] = []
    used = 0
    for match in _WORD.finditer(plain):
        start, stop = match.span()
        word = text[start:stop]
        length = cell_width(text[start : start + len(match[0].rstrip())])
        if width - used >= length:
            used += cell_width(word)
        elif length > width:
            pieces = _folded(word, width) if fold else [word]
            for piece in pieces:
                if start:
                    breaks.append(start)
                start += len(piece)
            used = cell_width(pieces[-1])
        elif used and start:
            breaks.append(start)
            used = cell_width(word)
    return breaks


def _folded(word: Text, width: int) -> list[Text]:
    pieces: list[Text] = [[]]
    used = 0
    for item in word:
        columns = _width(item[0])
        if pieces[-1] and used + columns > width:
            pieces.append([])
            used = 0
        pieces[-1].append(item)
        used += columns
    return pieces


def _without_end_spaces(line: Text, width: int) -> Text:
    """Drop spaces at the end that reach beyond `width`."""
    while len(line) > width and line and line[-1][0].isspace():
        line = line[:-1]
    return line


def _cut(line: Text, width: int, fold: bool) -> Text:
    if cell_width(line) <= width:
        return line
    kept = _first_columns(line, width if fold else width - 1)
    return kept if fold else [*kept, ("…", line[len(kept)][1])]


def _first_columns(line: Text, width: int) -> Text:
    used = 0
    for index, (character, _) in enumerate(line):
        used += _width(character)
        if used > width:
            return line[:index]
    return line


def align(line: Text, width: int, how: str) -> Text:
    """Fill a line up to `width` columns with spaces, `"left"`, `"right"` or `"center"`."""
    if how != "left":
        while line and line[-1][0].isspace():
            line = line[:-1]
    missing = width - cell_width(line)
    before = {"left": 0, "right": missing, "center": missing // 2}[how]
    return styled(" " * before) + line + styled(" " * (missing - before))


class Console:
    """Where lines are printed: how wide it is and which colours it takes.

    Args:
        colors: whether a terminal gets colours; if not, the result is plain.
    """

    def __init__(self, colors: bool = True) -> None:
        self.palette = _palette() if colors else None
        self.has_colors = not os.environ.get("NO_COLOR")
        self.width = _width_of_terminal(dumb=colors and _is_terminal() and _is_dumb())
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.ascii_only = not encoding.lower().startswith("utf")
        self._parts: list[str] = []

    def print(self, text: Text) -> None:
        """Print a text, folded at the console's width."""
        for line in wrap(text, self.width, fold=True):
            self.print_line([("".join(c for c, _ in group), style) for style, group in groupby(line, lambda c: c[1])])

    def print_line(self, line: Line) -> None:
        """Print pieces of text; what does not fit into the console's width is cut off."""
        room = self.width
        for piece, style in line:
            kept = _first_columns(styled(piece), room)
            room -= cell_width(kept)
            self._parts.append(self._ansi("".join(character for character, _ in kept), style))
        self._parts.append("\n")

    def text(self) -> str:
        """Everything that was printed."""
        return "".join(self._parts)

    def _ansi(self, text: str, style: Style) -> str:
        codes = ["1"] if style.bold else []
        if style.color is not None and self.has_colors:
            number = style.color if self.palette == 256 and style.color > 15 else _OF_16[style.color]
            codes.append(f"38;5;{number}" if number > 15 else str(30 + number if number < 8 else 82 + number))
        if self.palette is None or not codes or not text:
            return text
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"


def _is_terminal() -> bool:
    compatible = os.environ.get("TTY_COMPATIBLE", "")
    if compatible in ("0", "1"):
        return compatible == "1"
    force = os.environ.get("FORCE_COLOR")
    if force is not None:
        return force != ""
    try:
        return bool(sys.stdout.isatty())
    except (AttributeError, ValueError):
        return False


def _is_dumb() -> bool:
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def _palette() -> int | None:
    """Colours of the terminal, 16 or 256; None for what is no terminal."""
    if not _is_terminal() or _is_dumb():
        return None
    if os.environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return 256
    kind = os.environ.get("TERM", "").strip().lower().rpartition("-")[2]
    return 256 if kind in ("kitty", "256color") else 16


def _width_of_terminal(dumb: bool) -> int:
    columns, lines = os.environ.get("COLUMNS", ""), os.environ.get("LINES", "")
    if dumb and not (columns.isdigit() and lines.isdigit()):  # rich believes a size that is given whole
        return 80
    if columns.isdigit():
        return int(columns) or 80
    for descriptor in range(3):
        try:
            return os.get_terminal_size(descriptor).columns or 80
        except OSError:
            continue
    return 80


def flattened(parts: Iterable[Any]) -> Text:
    """Join texts."""
    return [item for part in parts for item in part]
