"""Where each call stands in the drawing of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refkeras.verify.model.graph import Call

__all__ = ["Box", "Drawing", "Line", "lay_out"]

WIDTH, HEIGHT = 176, 56
_PITCH_X, _PITCH_Y, _MARGIN = 200, 92, 12
_BEND = 18  # columns of a line that passes rows are narrower, but not so narrow that it touches a box


@dataclass(frozen=True)
class Box:
    """A box of the drawing: the call's number, -1 - i for input i, and its upper left corner."""

    number: int
    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """A line from one box down to another, as an SVG path."""

    source: int
    target: int
    path: str


@dataclass(frozen=True)
class Drawing:
    """Boxes and lines, and the size of the whole."""

    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]


class _Spot:
    """A place in a row: a box, or where a line passes."""

    def __init__(self, row: int, number: int | None) -> None:
        self.row, self.number = row, number
        self.above: list[_Spot] = []
        self.x = 0.0

    @property
    def wanted(self) -> float:
        """Where it would stand if it stood below what feeds it."""
        return sum(spot.x for spot in self.above) / len(self.above) if self.above else self.x

    @property
    def width(self) -> float:
        return _PITCH_X if self.number is not None else 2 * _BEND


def lay_out(calls: Sequence[Call], inputs: int) -> Drawing:
    """Place the calls in rows, each below what feeds it (after Sugiyama, Tagawa and Toda, 1981).

    A line that passes rows keeps a place in each; a row is ordered by the mean
    of the places above, and set as near to it as its boxes allow.
    """
    spots = {-1 - i: _Spot(0, -1 - i) for i in range(inputs)}
    chains: list[tuple[int, int, list[_Spot]]] = []
    for number, call in enumerate(calls):
        sources = [spots[s] for s in call.sources if s in spots]
        spot = spots[number] = _Spot(1 + max((s.row for s in sources), default=0), number)
        for source in sources:
            chain = [source]
            for row in range(source.row + 1, spot.row):
                passing = _Spot(row, None)
                passing.above = [chain[-1]]
                chain.append(passing)
            spot.above.append(chain[-1])
            chains.append((source.number, number, [*chain, spot]))  # type: ignore[arg-type]
    passing_spots = [spot for _, _, chain in chains for spot in chain[1:-1]]
    _set([*spots.values(), *passing_spots])
    left = min((spot.x for spot in (*spots.values(), *passing_spots)), default=0.0) - WIDTH / 2 - _MARGIN
    boxes = [Box(n, s.x - left - WIDTH / 2, _MARGIN + s.row * _PITCH_Y) for n, s in spots.items()]
    lines = [Line(source, target, _path(chain, left)) for source, target, chain in chains]
    right = max((spot.x for spot in (*spots.values(), *passing_spots)), default=0.0) - left + WIDTH / 2 + _MARGIN
    bottom = max((box.y for box in boxes), default=0.0) + HEIGHT + _MARGIN
    return Drawing(right, bottom, boxes, lines)


def _set(spots: list[_Spot]) -> None:
    rows: dict[int, list[_Spot]] = {}
    for spot in spots:
        rows.setdefault(spot.row, []).append(spot)
    for number in sorted(rows):
        row = sorted(rows[number], key=lambda spot: spot.wanted)
        wanted = [spot.wanted for spot in row]
        at = 0.0
        for i, spot in enumerate(row):
            gap = 0.0 if i == 0 else (row[i - 1].width + spot.width) / 2
            at = wanted[i] if i == 0 else max(wanted[i], at + gap)
            spot.x = at
        # Pushed apart to the right only, the row is now off its middle.
        shift = sum(wanted) / len(row) - sum(spot.x for spot in row) / len(row)
        for spot in row:
            spot.x += shift


def _path(chain: list[_Spot], left: float) -> str:
    first = chain[0]
    x, y = first.x - left, _MARGIN + first.row * _PITCH_Y + HEIGHT
    path = f"M{x:.1f} {y:.1f}"
    for spot in chain[1:]:
        to_x, to_y = spot.x - left, _MARGIN + spot.row * _PITCH_Y
        middle = (y + to_y) / 2
        path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        if spot.number is None:
            path += f"v{HEIGHT}"
            to_y += HEIGHT
        x, y = to_x, to_y
    return path
