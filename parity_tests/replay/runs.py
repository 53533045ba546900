"""Whole runs: every value of History within 1e-5 over 10 epochs, from `set_random_seed` alone.

A run that leaves that bound is trained again in float64 on both sides. If the
two agree there to 1e-9, the draws and the formulas are the same and rounding
alone drove the float32 runs apart; the run is named, with its size.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import refkeras
from parity_tests.replay.engine import Values, ask
from parity_tests.replay.ours import SEMANTICS
from parity_tests.replay.report import Campaign, Row
from parity_tests.replay.training import EPOCHS, draw_runs, train
from refkeras import semantics

__all__ = ["COUNTS", "relative_difference", "rows"]

COUNTS = {"tensorflow": 30, "jax": 10, "torch": 10, "tf_keras": 10}
FLOAT32, FLOAT64 = 1e-5, 1e-9


def rows(campaign: Campaign) -> Iterator[Row]:
    """Train the generated models on each engine and here."""
    for engine in campaign.engines:
        if engine not in COUNTS:  # Keras does not train on NumPy
            continue
        cases = draw_runs(engine, max(1, round(COUNTS[engine] * campaign.share)), campaign.seed)
        found = _differences(engine, cases, "float32")
        outside = [i for i, difference in enumerate(found) if difference > FLOAT32]
        again = _differences(engine, [cases[i] for i in outside], "float64") if outside else []
        named = [
            f"run {cases[i]['number']} by rounding {found[i]:.0e}"
            if exact <= FLOAT64
            else f"run {cases[i]['number']} APART {found[i]:.0e} ({exact:.0e} in float64)"
            for i, exact in zip(outside, again, strict=True)
        ]
        inside = [difference for difference in found if difference <= FLOAT32]
        largest = f"{max(inside):.1e}" if inside else "-"
        yield Row(
            engine,
            f"whole runs, {EPOCHS} epochs of History",
            len(cases),
            "; ".join([f"{len(inside)} within {largest}", *named]),
            f"within {FLOAT32:.0e}, or rounding alone",
            all(exact <= FLOAT64 for exact in again),
        )


def _differences(engine: str, cases: list[dict[str, Any]], dtype: str) -> list[float]:
    real = ask(engine, [{**case, "dtype": dtype} for case in cases])
    return [relative_difference(_ours(engine, case, dtype), wanted) for case, wanted in zip(cases, real, strict=True)]


def _ours(engine: str, case: dict[str, Any], dtype: str) -> Values:
    with semantics.use(SEMANTICS[engine]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            refkeras.backend.clear_session()
            refkeras.backend.set_floatx(dtype)
            return train(refkeras, case, dtype)
        finally:
            refkeras.backend.set_floatx("float32")
            refkeras.backend.clear_session()


def relative_difference(ours: Values, theirs: Values) -> float:
    """Return the largest difference, relative to the larger value; infinite if keys or epochs are missing."""
    if [a.shape for a in ours] != [a.shape for a in theirs]:
        return float("inf")
    largest = 0.0
    for a, b in zip(ours, theirs, strict=True):
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(np.float32).tiny)
        largest = max(largest, float(np.max(np.abs(a - b) / size, initial=0.0)))
    return largest
