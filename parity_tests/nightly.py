"""Runs the properties with many examples, in instalments: `python -m parity_tests.nightly [--minutes 60]`.

Each property of the parity suite, for each of its parameters, is owed 10,000 examples. That takes longer than a
night, so it goes on where the last night ended: those with the fewest examples first, some hundred of each at a
time, drawn anew each time. What was run on an engine, and what failed, is in `recorded/nightly/ENGINE.json`;
`--report` prints the table of all engines, which a night puts into docs/engines.md. A night ends with status 1 if a
property fails.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from parity_tests.pages import put_table
from refkeras.saving.atomic import write_atomically

GOAL = 10_000
INSTALMENT = 500
#: Bytes after which a night goes on in a new process: TensorFlow keeps about a megabyte of each model it has traced.
MEMORY = 6 * 2**30
#: On JAX a night is spent on compiling, each program for the shapes at hand. Without XLA's optimizer and its newer way
#: to emit code for fused loops, that takes a fifth of the time for an LSTM. `make parity` has XLA as it comes.
XLA_FLAGS = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
RECORDED = Path(__file__).parent / "recorded" / "nightly"


@dataclass
class Tally:
    """What became of one property: examples that held, whether Hypothesis has no others, and how it failed.

    `cost` is in microseconds of the processor for an example, in the last instalment. `example` is what Hypothesis
    tells of a failure, in lines: the arguments, and how to have them drawn again.
    """

    examples: int = 0
    exhausted: bool = False
    failure: str = ""
    cost: int = 0
    example: list[str] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """Return what there is to tell, for JSON."""
        return {name: value for name, value in asdict(self).items() if value}

    def owes(self, goal: int = GOAL) -> bool:
        """Whether examples are still to come; none of what failed or has no others."""
        return not self.exhausted and not self.failure and self.examples < goal

    def time_left(self, goal: int = GOAL) -> float:
        """Seconds of the processor until it has what it is owed, as far as its cost is known."""
        return self.cost * (goal - self.examples) / 10**6 if self.owes(goal) else 0.0


class Record:
    """The tallies of an engine, in a file that is whole at any moment."""

    def __init__(self, path: Path, goal: int = GOAL) -> None:
        self.path, self.goal = path, goal
        stored = json.loads(path.read_text()) if path.exists() else {}
        self.tallies = {test: Tally(**tally) for test, tally in stored.items()}

    def keep(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({test: self.tallies[test].stored() for test in sorted(self.tallies)}, indent=0)
        write_atomically(self.path, lambda file: file.write(text.encode() + b"\n"))


class Campaign:
    """A pytest plugin: keeps the properties only, and runs them in instalments until the time or the memory is over.

    Attributes:
        full: whether it stopped as the process had taken `memory` bytes.
    """

    def __init__(self, record: Record, instalment: int, seconds: float, memory: int = MEMORY) -> None:
        self.record, self.instalment, self.memory = record, instalment, memory
        self.end = time.monotonic() + seconds
        self.full = False
        self.drawn, self.failure, self.example, self.skipped = 0, "", [], False

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        properties = [item for item in items if hasattr(getattr(item, "obj", None), "hypothesis")]
        config.hook.pytest_deselected(items=[item for item in items if item not in properties])
        items[:] = properties
        names = {item.nodeid for item in items}
        known, files = self.record.tallies, {_file(name) for name in names}
        # Of what this night does not run, unless it is gone: a test that is not found in a file that is run whole.
        whole = set() if any("::" in argument for argument in config.args) else files
        elsewhere = {
            test: tally
            for test, tally in known.items()
            if _file(test) not in whole and (config.rootpath / _file(test)).exists()
        }
        # A failure is tried again each night: it may have been mended.
        mine = {name: replace(known.get(name, Tally()), failure="", example=[]) for name in names}
        self.record.tallies = elsewhere | mine

    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed or session.config.option.collectonly:
            return False  # what could not be collected is pytest's to tell
        waiting = list(session.items)
        while time.monotonic() < self.end:
            waiting = [item for item in waiting if self.record.tallies[item.nodeid].owes(self.record.goal)]
            self.full = bool(waiting) and _memory() > self.memory
            if self.full or not waiting:
                break
            item = min(waiting, key=lambda item: self.record.tallies[item.nodeid].examples)
            self.pay(item)
            if self.skipped:
                waiting.remove(item)
        return True

    def pay(self, item: Any) -> None:
        """Run one instalment of a property, and write down what became of it; nothing of one that is skipped."""
        tally, hypothesis = self.record.tallies[item.nodeid], item.obj.hypothesis
        inner, self.drawn, self.failure, self.example, self.skipped = hypothesis.inner_test, 0, "", [], False

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = inner(*args, **kwargs)
            self.drawn += 1  # not what assume() rejects
            return result

        hypothesis.inner_test = counted
        began = time.process_time()
        try:
            item._initrequest()  # the fixtures of an item that ran are gone
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        finally:
            hypothesis.inner_test = inner
        tally.failure, tally.example = self.failure, self.example
        if self.skipped:
            del self.record.tallies[item.nodeid]
        elif not self.failure:
            tally.examples += self.drawn
            tally.cost = int((time.process_time() - began) * 10**6 / max(self.drawn, 1))
            tally.exhausted = self.drawn < self.instalment
        self.record.keep()

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.excinfo is not None:
            self.example = [without_folder(line) for note in _notes(call.excinfo.value) for line in note.splitlines()]

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            told = str(getattr(report.longrepr, "reprcrash", report.longrepr)).strip().splitlines()[0]
            self.failure = without_folder(told)
        self.skipped |= report.skipped


def _notes(error: BaseException) -> Iterator[str]:
    """Yield what was added to an exception, and to those that it is a group of: Hypothesis tells examples there."""
    yield from getattr(error, "__notes__", ())
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _notes(each)


def without_folder(told: str) -> str:
    """Where a test failed, without the folder of this machine."""
    return re.sub(r"^/\S*/(?=(refkeras|parity_tests|site-packages)/)", "", told)


def _memory() -> int:
    """Return the most bytes that this process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _file(test: str) -> str:
    return test.partition("::")[0]


def report(folder: Path = RECORDED) -> str:
    """One line for each engine: properties, examples, how many have all that they are owed, what failed, what is left.

    Of the time that is left, those that have failed or have no cost yet are left out.
    """
    lines = ["| engine | properties | examples | the fewest | 10,000, or all there are | failed | core hours left |"]
    lines.append("|---|---|---|---|---|---|---|")
    for path in sorted(folder.glob("*.json")):
        tallies = Record(path).tallies.values()
        fewest = min((tally.examples for tally in tallies if tally.owes()), default=GOAL)
        complete = sum(tally.examples >= GOAL or tally.exhausted for tally in tallies)
        failed = sum(bool(tally.failure) for tally in tallies)
        total = sum(tally.examples for tally in tallies)
        left = sum(tally.time_left() for tally in tallies) / 3600
        numbers = f"{len(tallies)} | {total:,} | {fewest:,} | {complete} | {failed} | {left:.1f}"
        lines.append(f"| {path.stem} | {numbers} |")
    return "\n".join(lines)


def variables(engine: str, instalment: int) -> dict[str, str]:
    """Return the environment variables of a night.

    >>> variables("keras@torch", 500)
    {'HYPOTHESIS_PROFILE': 'nightly', 'REFKERAS_EXAMPLES': '500'}
    """
    found = {"HYPOTHESIS_PROFILE": "nightly", "REFKERAS_EXAMPLES": str(instalment)}
    return found | ({"XLA_FLAGS": os.environ.get("XLA_FLAGS", XLA_FLAGS)} if engine == "keras@jax" else {})


def keep_one_context() -> None:
    """Have JAX write all its programs in one MLIR context, where it makes one for each.

    To make one takes 5 ms, a third of the time that JAX takes for a small program, and what each holds is kept
    with its program: 3.5 GB after a thousand examples of a loss, against 0.9. What is computed is the same.
    """
    from jax._src.interpreters import mlir

    mlir.make_ir_context = functools.cache(mlir.make_ir_context)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="after which no further instalment begins")
    parser.add_argument("--instalment", type=int, default=INSTALMENT, help="examples of a property at a time")
    parser.add_argument("--report", action="store_true", help="print the table of what was run, and run nothing")
    parser.add_argument("paths", nargs="*", default=["parity_tests"], help="test files, all of the suite without")
    options = parser.parse_args(arguments)
    if options.report:
        print(report())
        return 0
    engine = os.environ.setdefault("REFKERAS_ENGINE", f"keras@{os.environ.get('KERAS_BACKEND', 'tensorflow')}")
    os.environ |= variables(engine, options.instalment)
    import pytest

    if engine == "keras@jax":
        keep_one_context()
    record = Record(RECORDED / f"{engine}.json")
    campaign = Campaign(record, options.instalment, 60 * options.minutes)
    flags = ["-p", "no:xdist", "-p", "no:cacheprovider", "-o", "timeout=0", "--tb=short", "-W", "ignore", "--no-header"]
    status = int(pytest.main([*flags, *options.paths], plugins=[campaign]))
    if campaign.full:
        minutes = max(0.0, campaign.end - time.monotonic()) / 60
        again = ["--minutes", f"{minutes:.2f}", "--instalment", str(options.instalment), *options.paths]
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "parity_tests.nightly", *again])
    put_table(report())
    print(report())
    return status


if __name__ == "__main__":
    sys.exit(main())
