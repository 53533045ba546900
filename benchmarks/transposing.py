"""What laying out a transposed matrix anew saves in the product of an LSTM step, and what it costs.

For R (n, 4u) and s (n, B): the product of a laid-out copy of Rᵀ with s (in blocks of rows,
where that is faster), beside the product of the view Rᵀ with s, in turn, one thread; and after how many steps the copy
has paid for itself. `refkeras/ops/lstm_product.py` goes by it.

    python benchmarks/transposing.py
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time

import numpy as np
import threadpoolctl

from refkeras.ops.block_rows import blocks
from refkeras.ops.lstm_product import transposed

UNITS, BATCHES, FEATURES = (64, 256, 1024), (1, 2, 8, 32, 128, 256), 33


def seconds(function: object, *arguments: object, **options: object) -> float:
    start = time.perf_counter()
    function(*arguments, **options)  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    random = np.random.default_rng(0)
    print("units  batch   copy · s    view · s   view / copy   laying out   pays after")
    for u in UNITS:
        R = random.standard_normal((u + FEATURES, 4 * u), "float32")
        K, layout = transposed(R), statistics.median(seconds(transposed, R) for _ in range(9))
        for B in BATCHES:
            s, z = random.standard_normal((len(R), B), "float32"), np.empty((4 * u, B), "float32")
            cut = blocks(K, B)
            copied, room = (K, z) if cut is None else (cut, z.reshape(*cut.shape[:2], B))
            repeats = int(np.clip(1.5e9 / (R.size * B), 7, 99))
            pairs = [
                (seconds(np.matmul, copied, s, out=room), seconds(np.matmul, R.T, s, out=z)) for _ in range(repeats)
            ]
            copy, view = (statistics.median(column) for column in zip(*pairs, strict=True))
            pays = f"{layout / (view - copy):7.0f} steps" if view > copy else "      never"
            times = f"{copy * 1e6:8.1f} µs {view * 1e6:8.1f} µs {view / copy:13.2f} {layout * 1e6:9.1f} µs"
            print(f"{u:5} {B:6} {times}  {pays}")


if __name__ == "__main__":
    with threadpoolctl.threadpool_limits(1):
        main()
