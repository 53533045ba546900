"""Matrix products of a few columns, taken some rows at a time.

OpenBLAS begins a product by copying both matrices into the order in which it will read them. In a product with few
columns, such as the gates of an LSTM step for a batch of 32, that copy takes about as long as the multiplications.
Where there is AVX-512, OpenBLAS has a second way for small products, of at most 10⁶ multiplications, which copies
nothing. Cut into rows for it, a product takes a third to nine tenths of the time (`python benchmarks/block_rows.py`).

Each element of the result is the same sum; only the order of its additions is another, as it is between processors.

Source: `interface/gemm.c` and `kernel/x86_64/sgemm_small_kernel_permit_skylakex.c` of OpenBLAS 0.3.31.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np

__all__ = ["blocks", "rows_at_once"]

#: The most multiplications of one product that OpenBLAS takes the second way.
SMALL = 100**3
#: With more columns, or blocks of fewer rows, the product is no faster, or slower, on one processor or another.
MOST_COLUMNS, FEWEST_ROWS = 32, 32
#: A matrix of so many numbers comes from beyond a core's cache each time: not to copy it then pays for fewer rows, too.
LARGE, FEWEST_ROWS_OF_LARGE = 2**21, 8


@functools.cache
def _has_small_kernel() -> bool:
    """Whether NumPy comes with OpenBLAS, on a processor with AVX-512, and computes on one thread.

    With more threads, OpenBLAS shares out a whole product, but not a small one.
    """
    config: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]
    library = config.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    processor = config.get("SIMD Extensions", {}).get("found", [])
    wide = any(name.startswith("AVX512") or name == "X86_V4" for name in processor)
    return "openblas" in library and wide and _threads() == 1


def _threads() -> int:
    """How many threads OpenBLAS takes when it is loaded: what the environment says, or the number of processors."""
    for name in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):
        if (text := os.environ.get(name, "")).strip().isdecimal() and int(text):
            return int(text)
    return os.cpu_count() or 1


def rows_at_once(rows: int, n: int, columns: int, like: Any) -> int | None:
    """How many rows of a matrix (rows, n) to multiply with (n, columns) at once, or None if all of them.

    Args:
        rows, n, columns: sizes.
        like: an array of the matrix's type.

    Example:

        >>> rows_at_once(3, 4, 5, np.ones(1, np.float32))  # small enough as it is
    """
    most = SMALL // max(n * columns, 1)
    fewest = FEWEST_ROWS_OF_LARGE if rows * n >= LARGE else FEWEST_ROWS
    if not fewest <= most < rows or not 2 <= columns <= MOST_COLUMNS:
        return None
    if type(like) is not np.ndarray or like.dtype != np.float32 or not _has_small_kernel():
        return None
    return next((size for size in range(most, max(most // 2, fewest - 1), -1) if rows % size == 0), None)


def blocks(matrix: Any, columns: int) -> Any:
    """The matrix (rows, n) as blocks (k, rows / k, n) for products with (n, columns), or None if it is best whole.

    `np.matmul(blocks, s, out=z.reshape(k, rows // k, columns))` is then the product of the matrix with s.
    """
    rows, n = matrix.shape
    size = rows_at_once(rows, n, columns, matrix)
    return matrix.reshape(-1, size, n) if size and matrix.flags.c_contiguous else None
