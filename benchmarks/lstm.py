"""LSTM: refkeras beside Keras on TensorFlow (graph mode) and torch.nn.LSTM, one thread each.

    python benchmarks/lstm.py [--repeats 15] [--shape B,T,F,u ...] [--default-threads]

For each shape, the pass (forward alone, and forward + backward to the weights
and the input) runs on every engine in turn, interleaved; the table gives the
median time of refkeras, the median ratio of the others to it (above 1: refkeras
is faster), and the share of refkeras's time that its matrix products alone take.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import threadpoolctl

from refkeras.ops.lstm import lstm

SHAPES = [(32, 128, 16, 64), (32, 128, 64, 256), (1, 128, 16, 64), (8, 15, 5, 7), (256, 128, 64, 64)]

Pass = Callable[[], object]


def refkeras_passes(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Pass, Pass]:
    def both() -> object:
        _, pullback = lstm(x, *weights)
        return pullback(dy)

    return lambda: lstm(x, *weights, pullback=False), both


def product_passes(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Pass, Pass]:
    """The matrix products of the passes and nothing else, units-major, in the same BLAS."""
    (B, T, F), u = x.shape, dy.shape[1]
    U, W = np.ascontiguousarray(weights[1].T), weights[0]
    h, z, dh = np.ones((u, B), x.dtype), np.empty((4 * u, B), x.dtype), np.empty((u, B), x.dtype)
    flat, dz, hs = x.reshape(B * T, F), np.ones((B * T, 4 * u), x.dtype), np.ones((B * T, u), x.dtype)

    def forward() -> object:
        flat @ W
        for _ in range(T):
            np.matmul(U, h, out=z)

    def both() -> object:
        forward()
        for _ in range(T):
            np.matmul(weights[1], z, out=dh)
        return dz @ W.T, flat.T @ dz, hs.T @ dz

    return forward, both


def keras_passes(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Pass, Pass]:
    import keras
    import tensorflow as tf

    layer = keras.layers.LSTM(dy.shape[1])
    layer.build(x.shape)
    layer.set_weights(weights)
    tx, tdy = tf.constant(x), tf.constant(dy)
    variables = [v.value for v in layer.trainable_variables]
    forward = tf.function(lambda a: layer(a))

    @tf.function
    def both(a: object) -> object:
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = layer(a)
        return tape.gradient(y, [a, *variables], output_gradients=tdy)

    return lambda: forward(tx).numpy(), lambda: [g.numpy() for g in both(tx)]


def torch_passes(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Pass, Pass]:
    import torch

    module = torch.nn.LSTM(x.shape[2], dy.shape[1], batch_first=True)
    tx, tdy = torch.tensor(x, requires_grad=True), torch.tensor(dy)

    def forward() -> object:
        with torch.no_grad():
            return module(tx)[0]

    def both() -> object:
        module.zero_grad()
        tx.grad = None
        module(tx)[0][:, -1].backward(tdy)
        return tx.grad

    return forward, both


def interleaved(passes: dict[str, Pass], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each repeat of each pass, taken in turn after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for run in passes.values():
        run()
        run()
    for _ in range(repeats):
        for name, run in passes.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def compare(shape: tuple[int, ...], repeats: int) -> None:
    B, T, F, u = shape
    random = np.random.default_rng(0)
    sizes = (B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,), (B, u)
    x, *weights, dy = (random.uniform(-0.3, 0.3, size).astype("float32") for size in sizes)
    makers = {"refkeras": refkeras_passes, "products": product_passes, "keras": keras_passes, "torch": torch_passes}
    made = {name: make(x, weights, dy) for name, make in makers.items()}
    for which, label in enumerate(("forward", "forward + backward")):
        seconds = interleaved({name: passes[which] for name, passes in made.items()}, repeats)
        own = statistics.median(seconds["refkeras"])
        ratios = {
            name: statistics.median(a / b for a, b in zip(seconds[name], seconds["refkeras"], strict=True))
            for name in ("keras", "torch", "products")
        }
        print(
            f"{shape!s:20} {label:18} {own * 1e3:9.3f} ms   keras {ratios['keras']:5.2f}   "
            f"torch {ratios['torch']:5.2f}   products {ratios['products']:5.0%}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--shape", action="append", type=lambda s: tuple(int(n) for n in s.split(",")))
    parser.add_argument("--default-threads", action="store_true")
    arguments = parser.parse_args()
    if not arguments.default_threads:
        import tensorflow as tf
        import torch

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        torch.set_num_threads(1)
        threadpoolctl.threadpool_limits(1)
    import keras
    import tensorflow as tf
    import torch

    blas = [pool for pool in threadpoolctl.threadpool_info() if "numpy" in pool["filepath"]]
    kernel = blas[0].get("architecture") if blas else "?"
    print(
        f"numpy {np.__version__} (BLAS kernels: {kernel}), keras {keras.__version__} on tensorflow {tf.__version__}, "
        f"torch {torch.__version__}; {'default' if arguments.default_threads else 'one'} thread(s)"
    )
    print("batch, steps, features, units   pass   median   times as long as refkeras   share of the products alone")
    for shape in arguments.shape or SHAPES:
        compare(shape, arguments.repeats)


if __name__ == "__main__":
    main()
