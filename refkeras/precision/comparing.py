"""Whether what an engine computed lies within its error bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras.precision.array import BarArray
from refkeras.precision.edges import ALARM, unknown
from refkeras.precision.rounding import power_below

__all__ = ["ALARM", "Comparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """How far an engine's numbers are from where they should be.

    Attributes:
        sigmas: |engine − value| / σ for every element: 0 where they are equal, ∞ where nothing explains the
            difference (an exact value that is another, a NaN or an infinity on one side only).
        ulps: the difference in units in the last place of the value.
        worst: the index of the largest of `sigmas`; None for empty arrays.
        largest: that largest one; 0 for empty arrays.
        beyond_bound: where the difference exceeds the guaranteed bound; None where none was asked for.
    """

    sigmas: np.ndarray
    ulps: np.ndarray
    worst: tuple[int, ...] | None
    largest: float
    beyond_bound: np.ndarray | None

    @property
    def agrees(self) -> bool:
        """Whether no difference is beyond the alarm, 8 sigma, nor beyond a guaranteed bound."""
        return self.largest <= ALARM and (self.beyond_bound is None or not self.beyond_bound.any())


def compare(bar: BarArray, engine_value: Any) -> Comparison:
    """Compare an engine's numbers with numbers that have error bars.

    Where σ is 0 the engine must have the value itself, as the machine stores it. What is stored lies on the
    machine's grid, so that σ counts for no less than an even spread over one step of it, wherever the value
    is not exact or not on the grid. Numbers below the smallest normal one may have been flushed to zero, but for
    machines that keep them.
    NaN agrees with NaN, an infinity with itself, and either with a number of which nothing can be said, as what it
    was divided by may be 0. The reference is computed in float64, so that with the machine float64 it has such errors
    itself: σ counts √2 times, and the bound twice.

    Args:
        bar: what should have come out.
        engine_value: what came out: numbers of the same shape.

    Raises:
        ValueError: another shape.
        TypeError: `bar` has no error bars.

        >>> from refkeras import precision
        >>> third = precision.exact(1.0) / 3.0
        >>> precision.compare(third, np.float32(1 / 3)).largest < 1
        True
        >>> precision.compare(third, np.float32(0.33334)).largest > 100
        True
    """
    if not isinstance(bar, BarArray):
        raise TypeError(f"Expected an array with error bars, received {type(bar).__name__}; see precision.exact.")
    found = np.asarray(engine_value, np.float64)
    if found.shape != bar.shape:
        raise ValueError(f"The engine's array has shape {found.shape}, the reference {bar.shape}.")
    machine, value = bar.machine, bar.value
    with np.errstate(all="ignore"):
        stored = machine.round(value)
        ulp = 2 * machine.storage * np.maximum(power_below(value), machine.smallest)
        sigma = own = bar.sigma
        if machine.storage == 2.0**-53:
            sigma = sigma * np.sqrt(2.0)  # the reference's own rounding errors are as large
        grid = (sigma > 0) | (stored != value)
        sigma = np.where(grid, np.maximum(sigma, ulp / np.sqrt(12)), 0.0)
        away = np.abs(found - value)
        # A part of the value may have been flushed, however large the value.
        least = machine.subnormal or machine.smallest
        flushed = away <= least
        same = (found == stored) | (np.isnan(found) & np.isnan(value)) | flushed
        sigmas = np.where(same & (away == 0), 0.0, away / sigma)
        # A value that overflows the machine's range has no bar any more.
        sigmas = np.where(np.isfinite(stored) & np.isfinite(found), sigmas, np.where(same, 0.0, np.inf))
        sigmas = np.where(same & ~np.isfinite(sigmas), 0.0, sigmas)
        sure = np.isfinite(found) & np.isfinite(value) & np.isfinite(own)
        sigmas = np.where(unknown(value, own) & ~sure, 0.0, sigmas)
        sigmas = np.where(flushed, 0.0, sigmas)
        ulps = np.where(same & (away == 0), 0.0, away / ulp)
        ulps = np.where(np.isfinite(ulps), ulps, np.where(same, 0.0, np.inf))
        beyond = None
        if bar.bound is not None:
            twice = 2 if machine.storage == 2.0**-53 else 1
            beyond = np.where(
                np.isfinite(stored) & np.isfinite(found), away > twice * bar.bound + least, ~same & ~np.isinf(bar.bound)
            )
    if sigmas.size == 0:
        return Comparison(sigmas, ulps, None, 0.0, beyond)
    worst = tuple(int(i) for i in np.unravel_index(np.argmax(sigmas), sigmas.shape))
    return Comparison(sigmas, ulps, worst, float(sigmas[worst]), beyond)
