"""The numbers behind the page's small charts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from refkeras.verify.model.findings import ALARM, EDGES, Finding

__all__ = ["Bar", "Chart", "histogram", "steps"]

WIDTH, HEIGHT = 360, 84


@dataclass(frozen=True)
class Bar:
    """A bar, what it stands for, and whether that is beyond the alarm."""

    x: float
    width: float
    height: float
    text: str
    beyond: bool


@dataclass(frozen=True)
class Chart:
    """Bars on a common floor, a line where the alarm is (across or along), and labels below."""

    bars: list[Bar]
    alarm_x: float | None
    alarm_y: float | None
    labels: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT


def histogram(finding: Finding) -> Chart:
    """Return how many elements deviate by how much; heights are logarithmic, so that one element shows."""
    counts = finding.histogram
    pitch = WIDTH / len(counts)
    tallest = math.log1p(max(counts, default=1))
    bars = []
    for i, count in enumerate(counts):
        if count:
            low, high = EDGES[i], EDGES[i + 1]
            text = f"{count} of {sum(counts)} elements between {_edge(low)} and {_edge(high)} sigma"
            bars.append(Bar(i * pitch + 1, pitch - 2, HEIGHT * math.log1p(count) / tallest, text, low >= ALARM))
    marked = [
        (i * pitch, _edge(edge)) for i, edge in enumerate(EDGES) if edge in (0.0, 2.0**-3, 1.0, 8.0, 64.0, 1024.0)
    ]
    return Chart(bars, EDGES.index(ALARM) * pitch, None, marked)


def steps(finding: Finding) -> Chart:
    """Return the largest deviation of every time step; heights are logarithmic from 1/8 sigma on."""
    values = finding.by_step
    largest = max((v for v in values if math.isfinite(v)), default=0.0)
    top = math.log2(max(2 * ALARM, min(largest, 2.0**60)) * 8)

    def height(value: float) -> float:
        return HEIGHT * min(1.0, max(0.01, math.log2(max(value, 2.0**-3) * 8) / top))

    pitch = WIDTH / max(1, len(values))
    gap = min(2.0, pitch / 4)
    bars = [
        Bar(t * pitch, pitch - gap, height(v), f"time step {t + 1}: {v:.3g} sigma", not v <= ALARM)
        for t, v in enumerate(values)
    ]
    shown = sorted({0, len(values) // 2, len(values) - 1})
    return Chart(bars, None, HEIGHT - height(ALARM), [((t + 0.5) * pitch, str(t + 1)) for t in shown])


def _edge(value: float) -> str:
    return "∞" if math.isinf(value) else f"1/{round(1 / value)}" if 0 < value < 1 else f"{value:g}"
