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

EPOCHS, STEPS, VALIDATION_STEPS = 50, 24, 6
PARTS = {
    "forward": (Program, "run"),
    "loss and its gradient": (Bound, "value_and_gradients"),
    "backward": (Program, "_pull_chain"),
    "update": (Optimizer, "apply"),
    "running loss": (Compiled, "track"),
    "accuracy": (Bound, "update"),
}


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        result = function(*args, **kwargs)
        seconds.append(time.thread_time() - start)
        return result

    return timed


def iris() -> None:
    """Print what an epoch is made of (medians of processor time), and how many Python functions a step calls."""
    run = fit.iris("refkeras", EPOCHS)
    run()
    epoch = statistics.median(_seconds(run) for _ in range(9)) / EPOCHS * 1e6
    calls = _python_calls(run) / EPOCHS / STEPS
    print(f"Iris: an epoch of {STEPS} training and {VALIDATION_STEPS} validation steps, 5 rows each: {epoch:.0f} µs,")
    print(f"that is {epoch / STEPS:.0f} µs a training step, and {calls:.0f} Python calls")

    seconds: dict[str, list[float]] = defaultdict(list)
    kept = {name: getattr(owner, method) for name, (owner, method) in PARTS.items()}
    trainer, tester = Steps._trainer, Steps.tester
    try:
        Steps._trainer = lambda self, *a: _timed(trainer(self, *a), seconds["train"])  # type: ignore[method-assign]
        Steps.tester = lambda self, *a: _timed(tester(self, *a), seconds["test"])  # type: ignore[method-assign]
        fit.iris("refkeras", EPOCHS)()
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, _timed(kept[name], seconds[name]))
        fit.iris("refkeras", EPOCHS)()
    finally:
        Steps._trainer, Steps.tester = trainer, tester  # type: ignore[method-assign]
        for name, (owner, method) in PARTS.items():
            setattr(owner, method, kept[name])
    typical = {name: statistics.median(times) * 1e6 for name, times in seconds.items()}
    typical |= {
        name: statistics.median(seconds[name][: EPOCHS * n]) * 1e6
        for name, n in (("train", STEPS), ("test", VALIDATION_STEPS))
    }
    print(f"    a training step          {typical['train']:6.1f} µs, of which")
    for name in PARTS:
        print(f"        {name:24} {typical[name]:6.1f} µs")
    alone = _iris_calls_alone()
    alone()
    least = min(_seconds(lambda: [alone() for _ in range(24)]) for _ in range(50)) / 24 * 1e6
    print(f"        its NumPy calls alone    {least:6.1f} µs, at the least")
    print(f"    a validation step        {typical['test']:6.1f} µs")
    rest = epoch - STEPS * typical["train"] - VALIDATION_STEPS * typical["test"]
    print(f"    the rest of an epoch     {rest:6.1f} µs: rows gathered, callbacks, logs")


def _iris_calls_alone() -> Callable[[], object]:
    """The NumPy calls that such a training step cannot do without, on arrays of its shapes, and nothing else."""
    random = np.random.default_rng(0)
    x, h, z, dz, dh = (random.random((5, n), "float32") for n in (4, 8, 3, 3, 8))
    w1, b1, w2, b2 = (random.random(shape, "float32") for shape in ((4, 8), 8, (8, 3), 3))
    w, g, m, v, s, r = random.random((6, 67), "float32")
    t, row, total = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]], np.ones((5, 1), "float32"), np.zeros((), "float32")
    places = [g[a:b].reshape(shape) for a, b, shape in ((0, 32, (4, 8)), (32, 40, 8), (40, 64, (8, 3)), (64, 67, 3))]
    rate, d, largest = np.full((), 1e-3, "float32"), 0.2, np.ones(5, "float32")

    def run() -> None:
        np.dot(x, w1).__iadd__(b1)  # forward
        np.maximum(h, 0)
        np.dot(h, w2).__iadd__(b2)
        e = np.exp(z - np.maximum.reduce(z, -1, keepdims=True))
        p = e / np.add.reduce(e, -1, keepdims=True)
        losses = np.add.reduce(t * (np.log(row) - z), -1)  # loss
        value = np.add.reduce(losses, axis=None) / np.float32(5)
        (p - t) * d
        np.dot(dz, w2.T) * (h > 0)  # backward
        gradients = np.dot(x.T, dh), np.add.reduce(dh, 0), np.dot(h.T, dz), np.add.reduce(dz, 0)
        for place, gradient in zip(places, gradients, strict=True):  # update
            place[...] = gradient
        for average, target in ((m, g), (v, np.square(g, out=s))):
            np.subtract(target, average, out=s)
            np.multiply(s, rate, out=s)
            np.add(average, s, out=average)
        np.add(np.sqrt(v, out=s), rate, out=s)
        np.divide(np.multiply(m, rate, out=r), s, out=r)
        np.subtract(w, r, out=w)
        for a in (t, p):  # accuracy
            np.maximum.reduce(a, -1)
            np.count_nonzero(largest >= rate)
        right = (t.argmax(-1) == p.argmax(-1)).astype("float32")
        total[()] = total[()] + np.add.reduce(right, axis=None)
        total[()] = total[()] + value

    return run


def _seconds(run: Callable[[], object]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


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
