"""Single cells of W3 beside the peers and the limit: python benchmarks/lstm_cells.py 32x16x1024 256x1024x8

A cell is batch x steps x units, with 32 features. All run in turn in one process on one thread, and the least
processor time of each counts: quick, where the campaign (`python -m benchmarks --only W3`) is thorough.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import time
from importlib.util import find_spec
from typing import Any

from benchmarks.engines import ENGINES
from benchmarks.worker import limit_threads
from benchmarks.workloads import lstm

FEATURES = 32
RUNS = ("refkeras", "products", "keras@tensorflow", "torch")


def main() -> None:
    """Print a line for each cell, forward and with the gradient."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="+", type=lstm.cell, help="batch x steps x units, such as 32x128x256")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    engines = [name for name in RUNS if all(find_spec(needed) for needed in ENGINES[name].needs)]
    for module in ("tensorflow", "torch"):
        if find_spec(module):
            __import__(module)
    limit_threads()
    for B, T, u in arguments.cells:
        for maker in (lstm.forward, lstm.both):
            runs = {name: maker(name, B, T, FEATURES, u) for name in engines}
            least = dict.fromkeys(runs, float("inf"))
            for number in range(arguments.rounds + 1):
                for name, run in runs.items():
                    seconds = _seconds(run)
                    if number:  # the first compiles
                        least[name] = min(least[name], seconds)
            figures = "   ".join(f"{name} {1000 * seconds:9.2f} ms" for name, seconds in least.items())
            print(f"{f'{B}x{T}x{u}':>14} {maker.__name__:8} {figures}", flush=True)


def _seconds(run: Any) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
