"""Sums and maxima of short rows, NumPy's and those of `ops/rows.py`: python benchmarks/row_reductions.py"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from refkeras.ops.rows import maximum_along, sum_along

ROWS = 100_000


def main() -> None:
    """Print nanoseconds a row, the least of some runs."""
    print(f"{ROWS:,} rows in float32: ns a row          NumPy  refkeras")
    for width in (3, 10, 12, 32, 48, 64):
        x = np.random.default_rng(0).normal(size=(ROWS, width)).astype("float32")
        print(
            f"    sum of {width:2} numbers        {_ns(lambda x=x: np.add.reduce(x, -1)):14.1f}"
            f"{_ns(lambda x=x: sum_along(x, -1)):10.1f}"
        )
        print(
            f"    maximum of {width:2} numbers    {_ns(lambda x=x: np.maximum.reduce(x, -1)):14.1f}"
            f"{_ns(lambda x=x: maximum_along(x, -1)):10.1f}"
        )


def _ns(run: Callable[[], object]) -> float:
    times = []
    for _ in range(20):
        start = time.thread_time_ns()
        run()
        times.append(time.thread_time_ns() - start)
    return min(times) / ROWS


if __name__ == "__main__":
    main()
