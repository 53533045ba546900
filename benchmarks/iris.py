"""Training time on the irises, 200 epochs in batches of 5: refkeras beside Keras 3 on TensorFlow and tf_keras.

Every engine lives in a process of its own, is warmed up first, and trains in
turn while the others wait, so that all meet the same machine.

    python benchmarks/iris.py [--rounds 3] [--epochs 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ENGINES = ("refkeras", "keras", "tf_keras")
BATCH, SPLIT = 5, 0.2


def build(keras):
    """The classifier of examples/iris.py."""
    layers = keras.layers
    model = keras.models.Sequential(
        [layers.Input(shape=(4,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")]
    )
    optimizer = keras.optimizers.Adam(learning_rate=0.0005)
    model.compile(optimizer=optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def serve(name: str) -> None:
    """Be one engine: train for as many epochs as each line of standard input says, answer with the seconds."""
    import numpy as np

    from refkeras.datasets import iris

    keras = importlib.import_module(name)
    keras.utils.set_random_seed(7)
    x, classes = iris.load_data()
    y = np.eye(3, dtype="float32")[classes]
    model = build(keras)
    model.fit(x, y, batch_size=BATCH, epochs=5, validation_split=SPLIT, verbose=0)
    print(keras.__version__, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        history = model.fit(x, y, batch_size=BATCH, epochs=int(line), validation_split=SPLIT, verbose=0)
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "loss": history.history["loss"][-1]}), flush=True)


class Server:
    """One engine's process."""

    def __init__(self, name: str) -> None:
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.version = self._answer()

    def train(self, epochs: int) -> float:
        assert self.process.stdin is not None
        print(epochs, file=self.process.stdin, flush=True)
        return json.loads(self._answer())["seconds"]

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self.process.args))} ended without an answer; run it to see why")
        return line.strip()


def measure(epochs: int, rounds: int) -> dict[str, dict]:
    """Return each engine's version and its seconds, one number a round."""
    servers: dict[str, Server] = {}
    try:
        for name in ENGINES:
            servers[name] = Server(name)
        times: dict[str, list[float]] = {name: [] for name in ENGINES}
        for number in range(rounds):
            for name, server in servers.items():
                times[name].append(server.train(epochs))
            spent = ", ".join(f"{name} {values[-1]:.2f} s" for name, values in times.items())
            print(f"round {number + 1} of {rounds}: {spent}", file=sys.stderr)
    finally:
        for server in servers.values():
            server.process.kill()
            server.process.wait()
    return {name: {"version": servers[name].version, "seconds": times[name]} for name in ENGINES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    found = measure(options.epochs, options.rounds)
    steps = options.epochs * 24
    ours = found["refkeras"]["seconds"]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"Iris, {options.epochs} epochs of 24 steps in batches of {BATCH}, validation_split {SPLIT};")
    print(f"the median of {options.rounds} rounds in which the engines take turns; {machine}")
    for name, values in found.items():
        seconds = statistics.median(values["seconds"])
        line = f"  {name:8} {values['version']:7} {seconds:8.3f} s {seconds / steps * 1e6:8.0f} µs a step"
        ratios = [theirs / mine for theirs, mine in zip(values["seconds"], ours, strict=True)]
        if name != "refkeras":
            spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
            line += f"   refkeras is {statistics.median(ratios):.1f} times as fast ({spread})"
        print(line)
    if options.json:
        options.json.write_text(json.dumps({"epochs": options.epochs, "batch": BATCH, "engines": found}, indent=1))


if __name__ == "__main__":
    main()
