"""What one optimizer step costs on a small model (4 variables, 67 numbers), and on a wider one.

python benchmarks/optimizer_step.py
"""

from __future__ import annotations

import time

import numpy as np

from refkeras import Variable
from refkeras.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

MODELS = {"iris": [(4, 8), (8,), (8, 3), (3,)], "wide": [(256, 1024), (1024,), (1024, 10), (10,)]}


def microseconds(optimizer: Optimizer, shapes: list[tuple[int, ...]], flat: bool, seconds: float = 0.3) -> float:
    """Return the best mean time of a step, by `apply_flat` or by `apply` with a list of gradients."""
    rng = np.random.default_rng(0)
    variables = [Variable(rng.normal(size=shape).astype("float32")) for shape in shapes]
    gradients = [rng.normal(size=shape).astype("float32") for shape in shapes]
    for view, gradient in zip(optimizer.gradient_views(variables), gradients, strict=True):
        view[...] = gradient
    step = optimizer.apply_flat if flat else lambda: optimizer.apply(gradients, variables)
    best, count, end = float("inf"), 100, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(count):
            step()
        best = min(best, (time.perf_counter() - start) / count)
    return best * 1e6


def main() -> None:
    makers = {
        "SGD()": SGD,
        "SGD(momentum=0.9)": lambda: SGD(momentum=0.9),
        "RMSprop()": RMSprop,
        "Adam()": Adam,
        "AdamW()": AdamW,
        "Adam(clipnorm=1.0)": lambda: Adam(clipnorm=1.0),
        "Adam(use_ema=True)": lambda: Adam(use_ema=True),
    }
    print(f"{'µs per step':20}" + "".join(f"{f'{model}, {how}':>16}" for model in MODELS for how in ("apply", "flat")))
    for name, make in makers.items():
        times = [microseconds(make(), shapes, flat) for shapes in MODELS.values() for flat in (False, True)]
        print(f"{name:20}" + "".join(f"{value:16.1f}" for value in times))


if __name__ == "__main__":
    main()
