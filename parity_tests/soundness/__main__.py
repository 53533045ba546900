"""Compare error bars with every CPU engine: `make soundness`.

    python -m parity_tests.soundness [ENGINE ...]

Engines are keras@tensorflow (with tf_keras in the same process), keras@jax, keras@torch and keras@numpy; by
default those that are installed. Prints, for each operation and each whole model, how deviations are
distributed over sigma, and whatever lies beyond 8 sigma; then each engine as a whole. Exits with 1 if anything
does, or if an engine had fewer than 100,000 numbers to compare.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from parity_tests.soundness.names import OTHER_FORMULAS

ENOUGH = 100_000
BACKENDS = ("tensorflow", "jax", "torch", "numpy")


def collect(backend: str) -> dict:
    """Run the worker on a backend in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-W", "ignore", "-m", "parity_tests.soundness.worker", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"keras@{backend} failed:\n{done.stderr[-4000:]}")
        return json.loads(file.read_text())


def figures(sigmas: list[float] | np.ndarray) -> str:
    s = np.asarray(sigmas)
    return f"{s.size:9d}{np.median(s):10.2f}{np.quantile(s, 0.999):10.2f}{s.max():12.4g}"


def heading(title: str) -> str:
    return f"\n{title:<50}{'numbers':>9}{'median':>10}{'99.9 %':>10}{'largest':>12}  (deviation / sigma)"


def report(backend: str, result: dict) -> tuple[dict[str, np.ndarray], bool]:
    """Print the distributions of a process's engines; return all deviations of each, and whether all is explained."""
    sound, whole = True, {}
    for engine, found in result.items():
        plain = {what: s for what, s in found["sigmas"].items() if not what.startswith("* ")}
        whole[engine] = np.concatenate(list(plain.values()))
        print(heading(engine))
        for what, sigmas in sorted(found["sigmas"].items(), key=lambda item: item[0].removeprefix("* ").lower()):
            print(f"  {what:<48}{figures(sigmas)}")
        print(f"  {'all, without *':<48}{figures(whole[engine])}")
        for what in found["sigmas"]:
            if what.startswith("* "):
                print(f"  {what}: another formula: {OTHER_FORMULAS[backend, what[2:]].words}")
        for line in found["alarms"]:
            print(f"  UNEXPLAINED {line}")
        sound = sound and not found["alarms"]
    return whole, sound


def main(engines: list[str]) -> int:
    chosen = [engine.removeprefix("keras@") for engine in engines] or [
        name for name in BACKENDS if importlib.util.find_spec(name) is not None
    ]
    unknown = set(chosen) - set(BACKENDS)
    if unknown:
        raise SystemExit(f"No such engine: {', '.join(sorted(unknown))}. Expected keras@ and one of {BACKENDS}.")
    reports = [report(backend, collect(backend)) for backend in chosen]
    print(heading("Each engine as a whole, without *"))
    sizes = []
    for engine, sigmas in ((engine, sigmas) for whole, _ in reports for engine, sigmas in whole.items()):
        print(f"{engine:<50}{figures(sigmas)}")
        sizes.append(sigmas.size)
    print(f"\n{sum(sizes):,} numbers were compared, at least {min(sizes):,} on each engine.")
    explained = all(sound for _, sound in reports)
    print("Everything is explained." if explained else "Not everything is explained.")
    return 0 if explained and min(sizes) >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
