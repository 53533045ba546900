"""How far the float32 kernels of each engine are from the truth, in units in the last place.

    python benchmarks/kernel_errors.py

The truth is NumPy's float64, whose own error is below 1e-8 of a float32 ulp. For each function: the root
mean square and the largest error over 200,000 arguments, of each engine that is installed. The allowances in
`refkeras/precision/machine.py` cite these figures.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

COUNT = 200_000
Function = Callable[[Any], Any]
#: name: (float64 function, arguments from, to, spaced by their logarithm)
FUNCTIONS: dict[str, tuple[Function, float, float, bool]] = {
    "exp": (np.exp, -80.0, 80.0, False),
    "exp near 0": (np.exp, -4.0, 4.0, False),
    "expm1": (np.expm1, 1e-6, 10.0, True),
    "log": (np.log, 1e-30, 1e30, True),
    "log near 1": (np.log, 0.5, 2.0, False),
    "log1p": (np.log1p, 1e-6, 1e3, True),
    "tanh": (np.tanh, 1e-4, 12.0, True),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), -30.0, 30.0, False),
    "sqrt": (np.sqrt, 1e-30, 1e30, True),
    "divide": (lambda x: 1 / x, 1e-30, 1e30, True),
    "reciprocal": (np.reciprocal, 1e-30, 1e30, True),
    "sin": (np.sin, -10.0, 10.0, False),
    "cos": (np.cos, -10.0, 10.0, False),
    "erfc": (None, -4.0, 4.0, False),  # type: ignore[dict-item]
    "power": (lambda x: 0.999 ** np.round(x), 1.0, 1e4, True),
}


def arguments(name: str) -> np.ndarray:
    _, low, high, by_logarithm = FUNCTIONS[name]
    at = np.random.default_rng(0).random(COUNT)
    x = low * (high / low) ** at if by_logarithm else low + (high - low) * at
    return (np.round(x) if name == "power" else x).astype(np.float32)


def errors(name: str, value: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Root mean square and maximum of the error, in ulp of the true value."""
    x64 = x.astype(np.float64)
    if name == "erfc":
        from math import erfc

        true = np.array([erfc(v) for v in x64])
    elif name == "power":
        true = np.float64(np.float32(0.999)) ** x64
    else:
        true = FUNCTIONS[name][0](x64)
    ulp = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(true), 2.0**-126))) - 23)
    away = (value.astype(np.float64) - true) / ulp
    away = away[np.isfinite(away) & (np.abs(true) > 2.0**-126)]
    return float(np.sqrt(np.mean(away**2))), float(np.max(np.abs(away)))


def numpy_kernels() -> dict[str, Function]:
    names = ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "reciprocal", "sin", "cos")
    found: dict[str, Function] = {name: getattr(np, name) for name in names}
    return found | {"power": lambda x: np.float32(0.999) ** x, "divide": lambda x: np.float32(1) / x}


def tensorflow_kernels() -> dict[str, Function]:
    import tensorflow as tf

    names = ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "sigmoid", "reciprocal", "sin", "cos", "erfc")
    found = {name: getattr(tf.math, name) for name in names}
    found |= {"divide": lambda x: 1.0 / x, "power": lambda x: tf.pow(np.float32(0.999), x)}
    return {name: (lambda x, f=f: f(tf.constant(x)).numpy()) for name, f in found.items()}


def jax_kernels() -> dict[str, Function]:
    import jax
    import jax.numpy as jnp

    names = ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "reciprocal", "sin", "cos")
    found = {name: getattr(jnp, name) for name in names}
    found |= {"sigmoid": jax.nn.sigmoid, "erfc": jax.scipy.special.erfc}
    found |= {"divide": lambda x: 1.0 / x, "power": lambda x: jnp.float32(0.999) ** x}
    compiled = {name: jax.jit(f) for name, f in found.items()}
    return {name: (lambda x, f=f: np.asarray(f(x))) for name, f in compiled.items()}


def torch_kernels() -> dict[str, Function]:
    import torch

    names = ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "sigmoid", "reciprocal", "sin", "cos")
    found = {name: getattr(torch, name) for name in names}
    found |= {"erfc": torch.special.erfc, "divide": lambda x: 1.0 / x}
    found |= {"power": lambda x: torch.tensor(np.float32(0.999)) ** x}
    return {name: (lambda x, f=f: f(torch.from_numpy(x)).numpy()) for name, f in found.items()}


def main() -> None:
    kernels = {}
    for engine, make in {
        "numpy": numpy_kernels,
        "tensorflow": tensorflow_kernels,
        "jax": jax_kernels,
        "torch": torch_kernels,
    }.items():
        if importlib.util.find_spec(engine) is not None:
            kernels[engine] = make()
    print("float32 kernels: root mean square / largest error in ulp")
    print(f"{'':12}" + "".join(f"{engine:>16}" for engine in kernels))
    for name in FUNCTIONS:
        x = arguments(name)
        cells = []
        for found in kernels.values():
            kernel = found.get(name.split(" ")[0])
            cells.append("" if kernel is None else "{:.2f} / {:.2f}".format(*errors(name, kernel(x), x)))
        print(f"{name:12}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main()
