"""How long the draws take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from parity_tests.replay.report import Campaign, Row
from refkeras import random

__all__ = ["rows"]


def rows(campaign: Campaign) -> Iterator[Row]:
    """Time a million uniforms beside NumPy's own Philox, and an order of 100,000 rows."""
    generator = np.random.Generator(np.random.Philox(7))
    draw, numpy_draw = _best(
        lambda: random.uniform((1_000_000,), seed=7), lambda: generator.random(1_000_000, dtype=np.float32)
    )
    yield Row(
        "here",
        "a million uniforms",
        1,
        f"{draw * 1e3:.1f} ms, NumPy's Philox {numpy_draw * 1e3:.1f} ms",
        "at most 5 times NumPy's",
        draw <= 5 * numpy_draw,
    )
    random.set_random_seed(7)
    (order,) = _best(lambda: random.fit_order(100_000, 32).epoch())
    yield Row("here", "order of 100,000 rows", 1, f"{order * 1e3:.1f} ms", "under 50 ms", order < 0.05)


def _best(*functions: Callable[[], object]) -> list[float]:
    """Return each function's best time of 15, the functions taking turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(15):
        for function, taken in zip(functions, times, strict=True):
            start = time.process_time()  # other processes may be running
            function()
            taken.append(time.process_time() - start)
    return [min(taken) for taken in times]
