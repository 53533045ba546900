"""One engine in a process of its own: makes workloads ready, and runs them when it is told to.

    python -m benchmarks.worker ENGINE THREADS

Each line on standard input is a command, each line on standard output its answer:

    {"prepare": "fit.iris", "arguments": {...}}    {"ready": 0.31}   seconds of the second run
    {"repeat": 3}                                  {"seconds": 0.9}  of one of three runs in a row
    {"versions": true}                             {"numpy": "2.4.6", ...}
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
import traceback
from typing import Any

from benchmarks.engines import ENGINES

__all__ = ["main"]


def limit_threads() -> None:
    """Hold libraries that read no environment variable to one thread."""
    if "tensorflow" in sys.modules:
        threading = sys.modules["tensorflow"].config.threading
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def versions() -> dict[str, Any]:
    """Return what is loaded, and how many threads each pool has."""
    import threadpoolctl

    found: dict[str, Any] = {}
    for module, package in (
        ("numpy", "numpy"),
        ("refkeras", "refkeras"),
        ("keras", "keras"),
        ("tf_keras", "tf_keras"),
        ("tensorflow", "tensorflow-cpu"),
        ("jax", "jax"),
        ("torch", "torch"),
    ):
        if module in sys.modules:
            loaded = getattr(sys.modules[module], "__version__", None)
            found[module] = loaded or importlib.metadata.version(package)
    found["pools"] = [
        f"{pool['internal_api']} {pool.get('architecture', '')} × {pool['num_threads']}".replace("  ", " ")
        for pool in threadpoolctl.threadpool_info()
    ]
    return found


class Session:
    """What one process has ready."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.run: Any = None

    def prepare(self, workload: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make a workload ready and run it twice, so that what is compiled or cached has been."""
        module, _, function = workload.partition(".")
        maker = getattr(importlib.import_module(f"benchmarks.workloads.{module}"), function)
        self.run = None
        self.run = maker(self.engine, **arguments)
        self.run()
        return {"ready": self.time(1)}

    def time(self, count: int) -> float:
        """Return the seconds of one of `count` runs in a row."""
        run, start = self.run, time.perf_counter()
        for _ in range(count):
            run()
        return (time.perf_counter() - start) / count

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        if "prepare" in command:
            return self.prepare(command["prepare"], command["arguments"])
        return versions() if "versions" in command else {"seconds": self.time(command["repeat"])}


def main(engine: str, threads: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an engine prints is no answer
    for module in ENGINES[engine].needs:
        importlib.import_module(module)
    if threads == "one":
        limit_threads()
    session = Session(engine)
    for line in sys.stdin:
        try:
            found = session.answer(json.loads(line))
        except Exception:
            found = {"error": traceback.format_exc()}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
