"""What the largest kernels of W4 are made of: python benchmarks/kernel_parts.py

Ten million numbers in rows of ten (Dense: of 256), one thread, medians in ms: the NumPy calls of a softmax on as many
rows at a time as stay in a cache, each timed by itself; the matrix products of a dense layer, each beside
TensorFlow's on the same arrays, in turn; and the layer with its results in kept memory and in new.
"""

from __future__ import annotations

import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.kernels import arguments
from refkeras.ops import buffers, dense, softmax
from refkeras.ops.rows import maximum_along, sum_along

ELEMENTS, BLOCK, ROUNDS = 10_000_000, 13_107, 7


def _ms(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)


def softmax_parts() -> None:
    """Print the calls of the value and of the gradient, and both whole."""
    (z,) = arguments("softmax", ELEMENTS)
    dy, result = np.ones_like(z), np.empty_like(z)
    y, pullback = softmax.softmax(z)
    parts: dict[str, list[float]] = defaultdict(list)

    def timed(name: str, f: Callable[..., Any], *inputs: Any, **options: Any) -> Any:
        start = time.perf_counter()
        value = f(*inputs, **options)
        spent[name] += 1e3 * (time.perf_counter() - start)
        return value

    for _ in range(ROUNDS):
        spent: dict[str, float] = defaultdict(float)
        for start in range(0, len(z), BLOCK):
            rows = slice(start, start + BLOCK)
            largest = timed("value: maximum", maximum_along, z[rows], -1, keepdims=True)
            s = timed("value: z − max", np.subtract, z[rows], largest)
            e = timed("value: exp", np.exp, s)
            total = timed("value: sum", sum_along, e, -1, keepdims=True)
            shares = timed("value: e / sum", np.divide, e, total)
            timed("value: stored", np.copyto, result[rows], shares)
            product = timed("gradient: y dy", np.multiply, y[rows], dy[rows])
            total = timed("gradient: sum", sum_along, product, -1, keepdims=True)
            difference = timed("gradient: dy − sum", np.subtract, dy[rows], total)
            dz = timed("gradient: times y", np.multiply, y[rows], difference)
            timed("gradient: stored", np.copyto, result[rows], dz)
        spent["value, whole"] = _ms(lambda: softmax.softmax(z))
        spent["gradient, whole"] = _ms(lambda: pullback(dy))
        for name, milliseconds in spent.items():
            parts[name].append(milliseconds)
    print("softmax")
    for name, times in parts.items():
        print(f"    {name:20} {statistics.median(times):7.1f}")


def dense_products() -> None:
    """Print the three products, NumPy's and TensorFlow's."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    x, kernel, bias = arguments("dense", ELEMENTS)
    out = {"x · kernel": x.copy(), "dy · kernelᵀ": x.copy(), "xᵀ · dy": kernel.copy()}
    ours: dict[str, Callable[[], Any]] = {
        "x · kernel": lambda: np.dot(x, kernel, out=out["x · kernel"]),
        "dy · kernelᵀ": lambda: np.dot(x, kernel.T, out=out["dy · kernelᵀ"]),
        "xᵀ · dy": lambda: np.dot(x.T, x, out=out["xᵀ · dy"]),
    }
    a, b = tf.constant(x), tf.constant(kernel)
    theirs: dict[str, Callable[[], Any]] = {
        "x · kernel": lambda: tf.matmul(a, b).numpy(),
        "dy · kernelᵀ": lambda: tf.matmul(a, b, transpose_b=True).numpy(),
        "xᵀ · dy": lambda: tf.matmul(a, a, transpose_a=True).numpy(),
    }
    print("dense layer             NumPy  TensorFlow")
    for name in ours:
        ours[name](), theirs[name]()
        pairs = [(_ms(ours[name]), _ms(theirs[name])) for _ in range(ROUNDS)]
        one, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"    {name:20} {one:7.1f} {other:7.1f}")

    _, pullback = dense.dense(x, kernel, bias)
    passes: dict[str, Callable[[], Any]] = {
        "value": lambda: dense.dense(x, kernel, bias),
        "gradient": lambda: pullback(x),
    }
    print("in memory               kept       new")
    alone = buffers._ALONE
    for name, run in passes.items():
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for buffers._ALONE, found in zip((alone, None), times, strict=True):
                found.append(_ms(run))
        kept, new = map(statistics.median, times)
        print(f"    {name:20} {kept:7.1f} {new:7.1f}")
    buffers._ALONE = alone


if __name__ == "__main__":
    softmax_parts()
    dense_products()
