"""What gradients cost that vanish: python benchmarks/vanishing.py [256x512x64 ...]

A product of ordinary numbers and one of subnormal numbers, of the same sizes; then the gradient of an LSTM pass
(samples x steps x units) for its last output, which vanishes on the way, held up by powers of two and left to vanish;
and, where it is installed, PyTorch's, which takes subnormal numbers for zeros if it is told to. Medians, and the median
of the ratios.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from benchmarks.workloads import lstm
from refkeras.ops import vanishing

SIZES = [(32, 128, 64), (32, 512, 64), (256, 512, 64), (32, 1024, 256)]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _compare(name: str, one: Callable[[], object], other: Callable[[], object], rounds: int) -> None:
    one(), other()
    pairs = [(_seconds(one), _seconds(other)) for _ in range(rounds)]
    first, second = (1e3 * statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{name:34} {first:9.2f} ms {second:9.2f} ms {ratio:8.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*", type=lstm.cell, help="batch x steps x units, such as 32x128x256")
    arguments = parser.parse_args()
    print("                                     ordinary     subnormal    times as long")
    weights, ordinary = np.ones((64, 256), np.float32), np.ones((256, 256), np.float32)
    subnormal = np.full_like(ordinary, 1e-40)
    _compare("product of 64 x 256 and 256 x 256", lambda: weights @ ordinary, lambda: weights @ subnormal, 9)
    print("\n                                      held up   left to vanish times as long")
    least = vanishing.Lift.LEAST
    for B, T, u in arguments.cells or SIZES:
        run = lstm.both("refkeras", B, T, 32, u)

        def left(run: Callable[[], object] = run) -> None:
            vanishing.Lift.LEAST = 0.0
            try:
                run()
            finally:
                vanishing.Lift.LEAST = least

        _compare(f"LSTM {B}x{T}x{u} forward + backward", run, left, 5)
    if find_spec("torch"):
        pytorch(arguments.cells or SIZES)


def pytorch(cells: list[tuple[int, int, int]]) -> None:
    """Print the same passes of `torch.nn.LSTM`, one thread."""
    import torch

    torch.set_num_threads(1)
    print("\nPyTorch                             taken for 0     as it comes times as long")
    for B, T, u in cells:
        run = lstm.both("torch", B, T, 32, u)

        def told(flush: bool, run: Callable[[], object] = run) -> None:
            torch.set_flush_denormal(flush)
            run()

        _compare(f"LSTM {B}x{T}x{u} forward + backward", lambda: told(True), lambda: told(False), 5)


if __name__ == "__main__":
    main()
