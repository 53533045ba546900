"""Run a script on refkeras with each fit inside `precision.bars`, and keep the last numbers of each History.

    python -m refkeras run parity_tests/example_bars.py FILE.npz SCRIPT [OPTIONS]

The script itself sees plain numbers. In the file, `0/loss` has the value that `loss` came to in the first fit, and its
deviations.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

import numpy as np

import refkeras
from refkeras.precision import BarArray, bars, machine
from refkeras.precision.array import deviations_of

__all__ = ["read"]


def read(path: Any) -> list[dict[str, BarArray]]:
    """Return the last numbers of each fit by key, with error bars."""
    fits: list[dict[str, BarArray]] = []
    with np.load(path) as file:
        for name, (value, *deviations) in file.items():
            fit, _, key = name.partition("/")
            while len(fits) <= int(fit):
                fits.append({})
            fits[int(fit)][key] = BarArray.made(value, np.array(deviations), None, machine("float32"))
    return fits


def main(path: str, script: str, *options: str) -> None:
    found: dict[str, np.ndarray] = {}
    plain = refkeras.Model.fit
    fits = iter(range(100))

    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        with bars(self):
            done = plain(self, *args, **kwargs)
        number = next(fits)
        for key, values in done.history.items():
            last = values[-1]
            found[f"{number}/{key}"] = np.append(last.value, deviations_of(last))
            done.history[key] = [float(value.value) for value in values]
        return done

    refkeras.Model.fit = fit
    sys.argv = [script, *options]
    runpy.run_path(script, run_name="__main__")
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
