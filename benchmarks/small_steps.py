"""Where the time of a small step goes: python benchmarks/small_steps.py

A training step on the irises (5 rows, 8 units) by its parts, and a step of an LSTM with one sample
beside the NumPy calls that it cannot do without.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.workloads import fit, lstm
from refkeras.models.program import Program
from refkeras.optimizers.base import Optimizer
from refkeras.training.bound import Bound
from refkeras.training.compiled import Compiled
from refkeras.training.steps import Steps

EPOCHS, STEPS = 50, 24
PARTS = {
    "forward": (Program, "run"),
    "loss and its gradient": (Bound, "value_and_gradients"),
    "backward": (Program, "_pull_back"),
    "update": (Optimizer, "apply"),
    "running loss": (Compiled, "track"),
    "accuracy": (Bound, "update"),
}


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **kwargs)
        seconds.append(time.perf_counter() - start)
        return result

    return timed


def iris() -> None:
    """Print the parts of a training step, their lower quartiles, and how many Python functions it calls."""
    run = fit.iris("refkeras", EPOCHS)
    run()
    whole = min(_seconds(run) for _ in range(5)) / EPOCHS / STEPS
    calls = _python_calls(run) / EPOCHS / STEPS
    print(f"Iris: {whole * 1e6:.0f} µs a step of 5 rows, its share of validation included; {calls:.0f} Python calls")

    seconds: dict[str, list[float]] = defaultdict(list)
    kept = {name: getattr(owner, method) for name, (owner, method) in PARTS.items()}
    trainer = Steps._trainer
    try:
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, _timed(kept[name], seconds[name]))
        Steps._trainer = lambda self, *a: _timed(trainer(self, *a), seconds["step"])  # type: ignore[method-assign]
        fit.iris("refkeras", EPOCHS)()
    finally:
        Steps._trainer = trainer  # type: ignore[method-assign]
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, kept[name])
    typical = {name: statistics.quantiles(times, n=4)[0] * 1e6 for name, times in seconds.items()}
    for name in PARTS:
        print(f"    {name:24} {typical[name]:6.1f} µs")
    rest = typical["step"] - sum(typical[name] for name in PARTS)
    print(f"    {'rest of the step':24} {rest:6.1f} µs")


def _seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _python_calls(run: Callable[[], object]) -> int:
    count = 0

    def profile(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def _calls_alone(u: int, F: int, T: int) -> Callable[[], object]:
    """The NumPy calls of T forward steps of one sample, on buffers of the same shapes, and nothing else."""
    R = np.zeros((4 * u, u + F + 1), "float32")
    s, z, products = (np.zeros((n, 1), "float32") for n in (u + F + 1, 5 * u, 2 * u))
    oif, g, i_f, g_c, o, c = z[: 3 * u], z[3 * u : 4 * u], z[u : 3 * u], z[3 * u :], z[:u], z[4 * u :]
    ig, fc, tanh_c, h, one = products[:u], products[u:], np.zeros((u, 1), "float32"), s[:u], np.ones((), "float32")
    gates = z[: 4 * u]

    def run() -> None:
        for _ in range(T):
            np.matmul(R, s, out=gates)
            np.exp(oif, out=oif)
            np.add(oif, one, out=oif)
            np.divide(one, oif, out=oif)
            np.tanh(g, out=g)
            np.multiply(i_f, g_c, out=products)
            np.add(ig, fc, out=c)
            np.tanh(c, out=tanh_c)
            np.multiply(o, tanh_c, out=h)

    return run


def recurrence() -> None:
    """Print a forward step of one sample: all of it, its NumPy calls alone, and PyTorch's where that is installed."""
    T, F = 1024, 32
    for u in (8, 64):
        runs = {"refkeras": lstm.forward("refkeras", 1, T, F, u), "its NumPy calls alone": _calls_alone(u, F, T)}
        if find_spec("torch") is not None:
            import torch

            torch.set_num_threads(1)
            runs["torch.nn.LSTM"] = lstm.forward("torch", 1, T, F, u)
        print(f"LSTM, one sample, {u} units: a forward step")
        for name, run in runs.items():
            run()
            print(f"    {name:24} {min(_seconds(run) for _ in range(15)) / T * 1e6:6.2f} µs")


if __name__ == "__main__":
    iris()
    recurrence()
