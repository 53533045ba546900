"""Taking turns: engines in processes of their own, one run each, round after round."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.cells import Cell
from benchmarks.engines import ENGINES, environment

__all__ = ["Engines", "Measured", "first_results", "memory"]

ROOT = Path(__file__).parent.parent
#: A run that is timed lasts at least so long: shorter ones are repeated.
LEAST = 0.01


@dataclass
class Measured:
    """The seconds of each engine, one figure a round; `failed` says why an engine has none."""

    cell: Cell
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def median(self, engine: str) -> float:
        return statistics.median(self.seconds[engine])

    def ratios(self, engine: str) -> list[float]:
        """How many times as long as refkeras the engine took, round by round."""
        return [a / b for a, b in zip(self.seconds[engine], self.seconds["refkeras"], strict=True)]

    def ratio(self, engine: str) -> float:
        return statistics.median(self.ratios(engine))


class _Process:
    """One engine's process."""

    def __init__(self, engine: str, threads: str) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `end`
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", engine, threads],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(ENGINES[engine], threads),
            text=True,
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(json.dumps(command), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        self.errors.seek(0)
        return {"error": f"the process ended: {self.errors.read()[-2000:]}"}

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.errors.close()


class Engines:
    """Processes that stay for a whole campaign. Use as a context manager."""

    def __init__(self, threads: str, least_rounds: int = 3, most_rounds: int = 15, budget: float = 10.0) -> None:
        self.threads, self.least, self.most, self.budget = threads, least_rounds, most_rounds, budget
        self._processes: dict[str, _Process] = {}
        self.versions: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Engines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.end()

    def measure(self, cell: Cell) -> Measured:
        """Run a cell on its engines in turn, as many rounds as the budget allows."""
        found, ready = Measured(cell), {}
        for engine in cell.engines:
            missing = [name for name in ENGINES[engine].needs if find_spec(name) is None]
            if missing:
                found.failed[engine] = f"{', '.join(missing)} is not installed"
                continue
            answer = self._process(engine).ask(prepare=cell.maker, arguments=cell.arguments)
            if "error" in answer:
                found.failed[engine] = answer["error"].strip().splitlines()[-1][:200]
                self._processes.pop(engine).end()
            else:
                ready[engine] = answer["ready"]
                found.seconds[engine] = []
        counts = {engine: max(1, math.ceil(LEAST / max(seconds, 1e-9))) for engine, seconds in ready.items()}
        round_time = sum(max(seconds, LEAST) for seconds in ready.values())
        rounds = int(min(max(self.budget / round_time, self.least), self.most)) if ready else 0
        for _ in range(rounds):
            for engine, count in counts.items():
                found.seconds[engine].append(self._process(engine).ask(repeat=count)["seconds"])
        for engine in ready:
            if engine not in self.versions:
                self.versions[engine] = self._process(engine).ask(versions=True)
        return found

    def _process(self, engine: str) -> _Process:
        if engine not in self._processes:
            self._processes[engine] = _Process(engine, self.threads)
        return self._processes[engine]


_FIRST = """
import numpy as np, {module} as keras
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
model.predict(np.zeros((1, 4), "float32"), verbose=0)
"""
_STARTS = {
    "import numpy": ("refkeras", "import numpy"),
    "import refkeras": ("refkeras", "import numpy, refkeras"),
    "first result, refkeras": ("refkeras", _FIRST.format(module="refkeras")),
    "first result, keras@tensorflow": ("keras@tensorflow", _FIRST.format(module="keras")),
    "first result, keras@jax": ("keras@jax", _FIRST.format(module="keras")),
    "first result, keras@torch": ("keras@torch", _FIRST.format(module="keras")),
    "first result, tf_keras": ("tf_keras", _FIRST.format(module="tf_keras")),
}


def first_results(threads: str, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of whole processes, from start to exit, one figure a round."""
    seconds: dict[str, list[float]] = {}
    for number in range(-1, rounds):  # the first, uncounted, writes bytecode and warms the disk
        for name, (engine, code) in _STARTS.items():
            if any(find_spec(module) is None for module in ENGINES[engine].needs):
                continue
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=environment(ENGINES[engine], threads),
                stderr=subprocess.DEVNULL,
                check=True,
            )
            if number >= 0:
                seconds.setdefault(name, []).append(time.perf_counter() - start)
    return seconds


def memory(*arguments: object) -> dict[str, float]:
    """Return what `benchmarks.workloads.memory` measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.workloads.memory", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(ENGINES["refkeras"], "one"), stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}")
    return json.loads(done.stdout)
