"""Runs the mutants: `python -m parity_tests.mutants [part of a name ...]`.

TensorFlow is imported once; each mutant then gets a process of its own, forked from
there before TensorFlow starts to compute, with a copy of refkeras that has the mistake.
The package as it is goes first: the tests must be silent on it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_tests.mutants import mathematics, numbers, running
from parity_tests.mutants.mutant import ROOT, Mutant, mutated

CATALOGUE: tuple[Mutant, ...] = (*mathematics.MUTANTS, *running.MUTANTS, *numbers.MUTANTS)
LIMIT = 300  # seconds a mutant may take
PROCESSES = max(1, min(4, os.cpu_count() or 1))
CAUGHT, SURVIVED, BROKEN = "caught", "survived", "broken"


@dataclass
class Outcome:
    """How one mutant fared: what became of it, the test that noticed it (or what went wrong), and how long it took."""

    mutant: Mutant | None
    verdict: str
    by: str
    seconds: float = 0.0


class _FirstFailure:
    """A pytest plugin that remembers the first test that failed."""

    def __init__(self) -> None:
        self.test = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.test:
            self.test = f"{report.nodeid} (not collected)"


def preload() -> None:
    """Import what every process needs and nothing of refkeras."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    os.environ |= {"HYPOTHESIS_PROFILE": "mutants"}
    import hypothesis
    import keras
    import pytest
    import tensorflow
    import tf_keras

    assert all((hypothesis, keras, pytest, tensorflow, tf_keras))
    assert "refkeras" not in sys.modules


def _child(folder: Path, tests: Sequence[str]) -> int:
    """Run the tests on the refkeras in `folder`; the status is pytest's, and `folder/by` says which test failed."""
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import pytest

    import refkeras

    assert Path(refkeras.__file__).is_relative_to(folder)
    first = _FirstFailure()
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line", "-W", "ignore"]
    status = pytest.main([*options, *(f"parity_tests/{test}" for test in tests)], plugins=[first])
    (folder / "by").write_text(first.test)
    return int(status)


def run(mutants: Sequence[Mutant | None], processes: int = PROCESSES) -> Iterator[Outcome]:
    """Run mutants side by side; None is the package as it is, which runs the tests of all."""
    waiting = list(mutants)
    every = tuple(dict.fromkeys(test for m in mutants if m is not None for test in m.tests))
    alive: dict[int, tuple[Mutant | None, Any, float]] = {}
    while waiting or alive:
        while waiting and len(alive) < processes:
            mutant = waiting.pop(0)
            place = tempfile.TemporaryDirectory(prefix="mutant-")
            mutated(mutant, Path(place.name))
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                status = 99
                try:
                    status = _child(Path(place.name), every if mutant is None else mutant.tests)
                finally:
                    os._exit(status)
            alive[pid] = mutant, place, time.monotonic()
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid in alive:
            mutant, place, start = alive.pop(pid)
            outcome = _outcome(mutant, Path(place.name), os.waitstatus_to_exitcode(status))
            outcome.seconds = time.monotonic() - start
            yield outcome
            place.cleanup()
            continue
        for other, (mutant, _, start) in alive.items():
            if mutant is not None and time.monotonic() - start > LIMIT:
                os.kill(other, signal.SIGKILL)
        time.sleep(0.05)


def _outcome(mutant: Mutant | None, folder: Path, status: int) -> Outcome:
    by = (folder / "by").read_text() if (folder / "by").exists() else ""
    if status == 0:
        return Outcome(mutant, SURVIVED, "")
    # 1: tests failed; 2: -x stopped at what could not be collected.
    if (status == 1 and by) or (status == 2 and mutant is not None and by):
        return Outcome(mutant, CAUGHT, by.removeprefix("parity_tests/"))
    tail = (folder / "log").read_text()[-2000:] if (folder / "log").exists() else ""
    return Outcome(mutant, BROKEN, f"status {status}: {tail}")


def main(parts: Sequence[str]) -> int:
    """Run the mutants whose names hold one of `parts` (all without any), and print the table."""
    chosen = [m for m in CATALOGUE if not parts or any(part in m.name for part in parts)]
    if not chosen:
        print(f"No mutant's name holds any of {list(parts)}.")
        return 2
    for mutant in chosen:
        mutant.text()  # a text that is not there once is told before anything runs
    preload()
    start = time.monotonic()
    counts = dict.fromkeys((CAUGHT, SURVIVED, BROKEN), 0)
    silent = True
    for outcome in run([None, *chosen]):
        if outcome.mutant is None:
            silent = outcome.verdict == SURVIVED
            said = "silent" if silent else "NOT SILENT"
            print(f"{said:9} {outcome.seconds:4.0f} s  the package as it is  {outcome.by}", flush=True)
            continue
        counts[outcome.verdict] += 1
        mutant = outcome.mutant
        took = f"{outcome.seconds:4.0f} s"
        print(f"{outcome.verdict:9} {took}  {mutant.file}: {mutant.name}  {outcome.by}", flush=True)
    numerical = sum(m.numerical for m in chosen)
    print(
        f"{counts[CAUGHT]} of {len(chosen)} mutants caught ({numerical} of them numerical), {counts[SURVIVED]} "
        f"survived, {counts[BROKEN]} broken; the package as it is: {'silent' if silent else 'not silent'}; "
        f"{time.monotonic() - start:.0f} s"
    )
    return 0 if counts[CAUGHT] == len(chosen) and silent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
