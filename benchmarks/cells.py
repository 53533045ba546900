"""What there is to measure: one cell is one workload at one size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from benchmarks.workloads.kernels import KERNELS

__all__ = ["CAMPAIGNS", "Cell", "cells"]

FEATURES = 32
BYTES_LIMIT = 8 * 2**30
OVERHEAD, ARITHMETIC = "overhead", "arithmetic"


@dataclass(frozen=True)
class Cell:
    """One workload at one size.

    Attributes:
        workload: `"W1"` to `"W6"`.
        label: its line in the table.
        maker: the function of `benchmarks.workloads` that makes it ready.
        arguments: its size.
        engines: who runs it, refkeras first.
        bound: `"overhead"` where the number of calls decides, `"arithmetic"` where the numbers do.
    """

    workload: str
    label: str
    maker: str
    arguments: dict[str, Any]
    engines: tuple[str, ...]
    bound: str
    tags: dict[str, Any] = field(default_factory=dict)


_KERAS = ("keras@tensorflow", "keras@tensorflow jit", "keras@jax", "keras@torch", "tf_keras")
#: What is measured: everything; what an hour allows; a few minutes' worth.
CAMPAIGNS = ("full", "standard", "quick")


def cells(campaign: str) -> Iterator[Cell]:
    """Yield the cells of a campaign."""
    epochs = {"full": 200, "standard": 200, "quick": 10}[campaign]
    quick = campaign == "quick"
    yield Cell(
        "W1",
        f"Iris fit, {epochs} epochs of 24 steps",
        "fit.iris",
        {"epochs": epochs},
        ("refkeras", *_KERAS),
        OVERHEAD,
        {"steps": 24 * epochs},
    )
    epochs //= 2
    yield Cell(
        "W2",
        f"two-output LSTM fit, {epochs} epochs of 4 steps",
        "fit.two_outputs",
        {"epochs": epochs},
        ("refkeras", *_KERAS),
        OVERHEAD,
        {"steps": 4 * epochs},
    )
    yield from _lstm(campaign)
    yield from _kernels(quick)
    for name, maker in (("model.predict(x)", "fit.predict"), ("model(x)", "fit.call")):
        yield Cell("W5", f"{name}, one sample", maker, {}, ("refkeras", *_KERAS), OVERHEAD)


def _lstm(campaign: str) -> Iterator[Cell]:
    batches, steps, units = (1, 32, 256), (16, 128, 1024), (8, 64, 256, 1024)
    most = {"full": float("inf"), "standard": 60e9, "quick": 2e9}[campaign]
    for u, T, B in product(units, steps, batches):
        flops = 2 * B * T * 4 * u * (u + FEATURES)
        kept = 4 * B * (T + 1) * (7 * u + FEATURES + 1) * 1.25  # what refkeras keeps, and what Keras does above it
        if kept > BYTES_LIMIT or flops > most:
            continue
        for maker, passes in (("forward", 1), ("both", 3)):
            yield Cell(
                "W3",
                f"LSTM B={B} T={T} u={u} {'forward' if passes == 1 else 'forward + backward'}",
                f"lstm.{maker}",
                {"batch": B, "steps": T, "features": FEATURES, "units": u},
                ("refkeras", "products", "keras@tensorflow", "keras@tensorflow jit", "keras@jax", "torch")
                if campaign == "full"
                else ("refkeras", "products", "keras@tensorflow", "torch"),
                ARITHMETIC if u >= 128 else OVERHEAD,
                {"flops": flops * passes},
            )


def _kernels(quick: bool) -> Iterator[Cell]:
    sizes = (10, 10_000) if quick else (10, 1_000, 100_000, 10_000_000)
    for kernel, elements, maker in product(KERNELS, sizes, ("forward", "backward")):
        yield Cell(
            "W4",
            f"{kernel}, {elements:,} elements, {maker}",
            f"kernels.{maker}",
            {"kernel": kernel, "elements": elements},
            ("refkeras", "tensorflow"),
            ARITHMETIC if elements > 10_000 else OVERHEAD,
            {"elements": elements},
        )
