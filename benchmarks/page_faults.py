"""What memory costs that the system gives back page by page: python benchmarks/page_faults.py [256x1024x64 ...]

An LSTM pass (samples x steps x units) with the memory of its arrays used again, and with that turned off:
processor time in ms, the system's mean part of it, and page faults a pass. With --pause 3, the passes are three
seconds apart, in which a virtual machine may give the memory that is free back to the machine around it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import resource
import statistics
import time
from collections.abc import Callable

from benchmarks.workloads import lstm
from refkeras.ops import buffers

SIZES = [(32, 16, 8), (32, 128, 8), (256, 16, 8), (256, 128, 8), (256, 128, 64)]


def _measured(run: Callable[[], object], pause: float) -> str:
    """Say how much processor time a run takes, least and median, the system's part of it, and its page faults."""
    start = time.thread_time()
    for _ in range(3):
        run()
    runs = 20 if time.thread_time() - start < 1 else 5
    times, before = [], resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(runs):
        time.sleep(pause)
        start = time.thread_time()
        run()
        times.append(1e3 * (time.thread_time() - start))
    after = resource.getrusage(resource.RUSAGE_SELF)
    system, faults = (1e3 * (after.ru_stime - before.ru_stime) / runs, (after.ru_minflt - before.ru_minflt) / runs)
    return f"{min(times):8.2f} {statistics.median(times):8.2f} {system:8.2f}   {faults:6.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", type=lstm.cell, help="batch x steps x units, such as 32x128x256")
    parser.add_argument("--pause", type=float, default=0, help="seconds between two passes")
    arguments = parser.parse_args()
    print("LSTM forward + backward,    memory used again                        from the system each time")
    print("32 features            least   median   system   faults        least   median   system   faults")
    alone = buffers._ALONE
    for B, T, u in arguments.cells or SIZES:
        run = lstm.both("refkeras", B, T, 32, u)
        figures = []
        for buffers._ALONE in (alone, None):
            buffers._kept.clear()
            figures.append(_measured(run, arguments.pause))
        buffers._ALONE = alone
        print(f"{f'{B}x{T}x{u}':18}  {figures[0]}     {figures[1]}", flush=True)


if __name__ == "__main__":
    main()
