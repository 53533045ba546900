"""Five small variables, and gradients for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import Variable

SHAPES = [(4, 3), (3,), (), (3, 2), (1, 2)]


def model(dtypes: tuple[str, ...] = ("float32",) * 5) -> list[Variable]:
    rng = np.random.default_rng(0)
    names = ("kernel", "bias", "scale", "kernel", "bias")
    return [
        Variable(rng.normal(size=shape).astype(dtype), name=name)
        for shape, dtype, name in zip(SHAPES, dtypes, names, strict=True)
    ]


def gradients(step: int, dtype: str = "float32") -> list[np.ndarray]:
    rng = np.random.default_rng(step + 1)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def states(optimizer: Any, variables: list[Variable]) -> list[np.ndarray]:
    return [v.numpy() for v in (*variables, *optimizer.variables)]


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
