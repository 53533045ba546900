"""What it saves to take a product some rows at a time: python benchmarks/block_rows.py

The two products of an LSTM step, (4u, n) · (n, B) and (u, 4u) · (4u, B), whole and in the blocks that
`refkeras/ops/block_rows.py` chooses, in turn, on one thread: medians, and the median of the ratios.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from typing import Any

import numpy as np

from refkeras.ops.block_rows import blocks

UNITS, BATCHES, FEATURES = (64, 256, 1024), (8, 32, 128, 256), 32


def _seconds(a: Any, b: Any, out: Any) -> float:
    start = time.perf_counter()
    np.matmul(a, b, out=out)
    return time.perf_counter() - start


def main() -> None:
    random = np.random.default_rng(0)
    print("units  batch  product       rows of a block      whole     blocks   whole / blocks")
    for u in UNITS:
        n = u + FEATURES + 1
        for B in BATCHES:
            for name, (rows, inner) in {"gates": (4 * u, n), "gradient of h": (u, 4 * u)}.items():
                matrix, columns = (random.standard_normal(s, "float32") for s in ((rows, inner), (inner, B)))
                cut = blocks(matrix, B)
                if cut is None:
                    print(f"{u:5} {B:6}  {name:13} {'':>15}       as it is")
                    continue
                z = np.empty((rows, B), "float32")
                z_cut = z.reshape(*cut.shape[:2], B)
                repeats = int(np.clip(2e9 / (matrix.size * B), 9, 99))
                pairs = [(_seconds(matrix, columns, z), _seconds(cut, columns, z_cut)) for _ in range(repeats)]
                whole, parts = (1e6 * statistics.median(times) for times in zip(*pairs, strict=True))
                ratio = statistics.median(w / p for w, p in pairs)
                print(f"{u:5} {B:6}  {name:13} {cut.shape[1]:15} {whole:7.0f} µs {parts:7.0f} µs {ratio:16.2f}")


if __name__ == "__main__":
    main()
