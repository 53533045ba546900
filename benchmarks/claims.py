"""The targets, each beside what was measured."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace

from benchmarks.measuring import Measured

__all__ = ["Claim", "claims", "exponents"]


@dataclass(frozen=True)
class Claim:
    """A target.

    Attributes:
        what: what is claimed.
        found: what was measured.
        target: the least (or most, if `at_most`) it should be.
    """

    what: str
    found: float
    target: float
    unit: str = "×"
    at_most: bool = False

    @property
    def holds(self) -> bool:
        return self.found <= self.target if self.at_most else self.found >= self.target

    def line(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{self.what:88} {self.found:9.2f}{self.unit}   {sign} {self.target:g}{self.unit}   " + (
            "ok" if self.holds else "MISSED"
        )


def claims(
    cells: list[Measured], starts: dict[str, list[float]], memory: dict[str, dict[str, float]], share: float = 1.0
) -> list[Claim]:
    """Return every target that the figures can be held against.

    Args:
        cells: W1 to W5.
        starts: W6.
        memory: W7 and W8.
        share: what part of each target is asked for.
    """
    found: list[Claim] = []

    def ratio(prefix: str, engine: str, target: float) -> None:
        for cell in cells:
            if cell.cell.maker == prefix and engine in cell.seconds:
                found.append(Claim(f"{cell.cell.workload} {cell.cell.label}: {engine}", cell.ratio(engine), target))

    ratio("fit.iris", "keras@tensorflow", 40)
    ratio("fit.iris", "tf_keras", 20)
    ratio("fit.two_outputs", "keras@tensorflow", 5)
    ratio("fit.predict", "keras@tensorflow", 100)
    ratio("fit.call", "keras@tensorflow", 3)
    found += _lstm([cell for cell in cells if cell.cell.workload == "W3"])
    found += _kernels([cell for cell in cells if cell.cell.workload == "W4"])
    found += _process(starts, memory)
    return [replace(c, target=c.target / share if c.at_most else c.target * share) for c in found]


def _lstm(cells: list[Measured]) -> list[Claim]:
    found = []
    against = [cell for cell in cells if "keras@tensorflow" in cell.seconds]
    if against:
        ratios = [cell.ratio("keras@tensorflow") for cell in against]
        slowest = against[ratios.index(min(ratios))].cell.label
        found.append(Claim(f"W3 slowest cell beside keras@tensorflow ({slowest})", min(ratios), 1))
        found.append(Claim(f"W3 geometric mean of {len(ratios)} cells: keras@tensorflow", _mean(ratios), 2.5))
    against = [cell for cell in cells if "torch" in cell.seconds]
    if against:
        ratios = [cell.ratio("torch") for cell in against]
        found.append(Claim(f"W3 geometric mean of {len(ratios)} cells: torch.nn.LSTM", _mean(ratios), 1))
    near = [
        cell
        for cell in cells
        if cell.cell.maker == "lstm.both"
        and cell.cell.arguments["units"] >= 256
        and cell.cell.arguments["batch"] >= 32
        and "products" in cell.seconds
    ]
    if near:
        times = [1 / cell.ratio("products") for cell in near]
        worst = near[times.index(max(times))].cell.label
        found.append(Claim(f"W3 time over its matrix products alone, worst ({worst})", max(times), 1.5, at_most=True))
    return found


def _kernels(cells: list[Measured]) -> list[Claim]:
    found = []
    for large, target in ((False, 1.0), (True, 0.8)):
        some = [c for c in cells if (c.cell.tags["elements"] > 10_000) == large and "tensorflow" in c.seconds]
        if some:
            ratios = [cell.ratio("tensorflow") for cell in some]
            slowest = some[ratios.index(min(ratios))].cell.label
            size = "above" if large else "up to"
            found.append(Claim(f"W4 slowest {size} 10,000 elements beside TensorFlow ({slowest})", min(ratios), target))
    return found


def _process(starts: dict[str, list[float]], memory: dict[str, dict[str, float]]) -> list[Claim]:
    found = []
    if "first result, keras@tensorflow" in starts:
        ours, theirs = starts["first result, refkeras"], starts["first result, keras@tensorflow"]
        times = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        found.append(Claim("W6 first result of a whole process: keras@tensorflow", times, 20))
    if starts:
        added = statistics.median(b - a for a, b in zip(starts["import numpy"], starts["import refkeras"], strict=True))
        found.append(Claim("W6 import refkeras, beyond NumPy's", 1e3 * added, 40, " ms", at_most=True))
    for name, measured in memory.items():
        if "kept" in measured:
            times = measured["peak"] / measured["kept"]
            found.append(Claim(f"W7 {name}: peak over what must be kept", times, 1.3, at_most=True))
        else:
            grown = measured["grown"] / 1e6
            found.append(Claim(f"W8 {name}: resident memory grows by", grown, 200, " MB", at_most=True))
    return found


def exponents(cells: list[Measured], engine: str) -> dict[str, float]:
    """Fit time ∝ batch^a · steps^b · units^c over the LSTM's arithmetic-bound cells, by least squares of logarithms."""
    import numpy as np

    some = [c for c in cells if c.cell.workload == "W3" and c.cell.maker == "lstm.both" and engine in c.seconds]
    some = [c for c in some if c.cell.arguments["units"] >= 64 and c.cell.arguments["batch"] > 1]
    names = ("batch", "steps", "units")
    if len(some) < 8:
        return {}
    rows = [[1.0, *(math.log(c.cell.arguments[name]) for name in names)] for c in some]
    solution, *_ = np.linalg.lstsq(np.array(rows), np.log([c.median(engine) for c in some]), rcond=None)
    return dict(zip(names, (float(value) for value in solution[1:]), strict=True))


def _mean(ratios: list[float]) -> float:
    return statistics.geometric_mean(ratios)
