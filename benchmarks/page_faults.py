"""What memory costs that the system gives back page by page: python benchmarks/page_faults.py [256x1024x64 ...]

An LSTM pass (samples x steps x units) with the memory of its arrays used again, and with that turned off.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import sys
import time
from collections.abc import Callable

from benchmarks.workloads import lstm
from refkeras.ops import buffers

SIZES = [(32, 16, 8), (32, 128, 8), (256, 16, 8), (256, 128, 8), (256, 128, 64)]


def _measured(run: Callable[[], object]) -> tuple[float, float]:
    """Return the least processor time of a run in ms, and how many page faults it has."""
    start = time.thread_time()
    for _ in range(3):
        run()
    runs = 20 if time.thread_time() - start < 1 else 5
    before, least = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, float("inf")
    for _ in range(runs):
        start = time.thread_time()
        run()
        least = min(least, time.thread_time() - start)
    return 1e3 * least, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / runs


def main() -> None:
    print("LSTM forward + backward, 32 features      memory used again      from the system each time")
    alone = buffers._ALONE
    for B, T, u in [tuple(map(int, cell.split("x"))) for cell in sys.argv[1:]] or SIZES:
        run = lstm.both("refkeras", B, T, 32, u)
        figures = []
        for buffers._ALONE in (alone, None):
            buffers._kept.clear()
            figures.append("{:8.2f} ms, {:5.0f} faults".format(*_measured(run)))
        buffers._ALONE = alone
        print(f"    B={B:<4} T={T:<4} u={u:<20} {figures[0]}   {figures[1]}")


if __name__ == "__main__":
    main()
