"""Which tests passed on each engine, and in each mode: `python -m parity_tests.matrix` prints docs/engines.md's table.

As a pytest plugin (`-p parity_tests.matrix`, as in `make parity`) it writes down what became of a run of the whole
suite, in `recorded/matrix/ENGINE[-MODE].json`, and puts the table on that page. A run of some files replaces what was
written of them; one of single tests is not written down.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity_tests.pages import put_table
from refkeras.saving.atomic import write_atomically

RECORDED = Path(__file__).parent / "recorded" / "matrix"
#: File of a record → head of its column; the order of the table. Others (of a GPU) come last, by their names.
COLUMNS = {
    "keras@tensorflow": "TensorFlow",
    "keras@tensorflow-eager": "TensorFlow, eager",
    "keras@tensorflow-graph": "graph",
    "keras@tensorflow-jit": "jit",
    "keras@jax": "JAX",
    "keras@torch": "PyTorch",
    "keras@numpy": "NumPy",
}
STATUS = ("passed", "failed", "skipped")


def name_of_run(environ: Any = os.environ) -> str:
    """The file of this session's record: the engine, then what is not usual about it."""
    mode, device = environ.get("REFKERAS_MODE", "auto"), environ.get("REFKERAS_DEVICE", "cpu")
    engine = environ.get("REFKERAS_ENGINE", f"keras@{environ.get('KERAS_BACKEND', 'tensorflow')}")
    return "-".join([engine, *([mode] if mode != "auto" else []), *([device] if device != "cpu" else [])])


@dataclass
class Results:
    """A pytest plugin: counts what became of each file's tests, and keeps it if the session was not cut short."""

    path: Path
    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def pytest_runtest_logreport(self, report: Any) -> None:
        # A test passes in its call; it fails or is skipped there, or before or after it.
        if report.when == "call" or not report.passed:
            file = Path(report.nodeid.partition("::")[0]).stem.removeprefix("test_")
            self.counts[file][report.outcome] += 1

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        option, asked = session.config.option, session.config.args
        chosen = option.keyword or option.markexpr or any("::" in argument for argument in asked)
        if exitstatus in (0, 1) and self.counts and not chosen:  # 1: some failed, all ran
            self.keep(whole=not any(argument.endswith(".py") for argument in asked))
            if self.path.parent == RECORDED:
                put_table(table())

    def keep(self, whole: bool) -> None:
        files = {} if whole or not self.path.exists() else json.loads(self.path.read_text())
        files |= {file: {s: self.counts[file][s] for s in STATUS if self.counts[file][s]} for file in self.counts}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = "{\n" + ",\n".join(f"{json.dumps(f)}: {json.dumps(files[f])}" for f in sorted(files)) + "\n}\n"
        write_atomically(self.path, lambda file: file.write(text.encode()))


def pytest_configure(config: Any) -> None:
    """Workers leave it to the session that started them, which hears of all tests."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Results(RECORDED / f"{name_of_run()}.json"))


def table(folder: Path = RECORDED) -> str:
    """How many tests of each file passed on each engine, how many failed, and their sums; – where none ran."""
    records = {path.stem: path for path in sorted(folder.glob("*.json"))}
    columns = {
        COLUMNS.get(name, name): json.loads(records[name].read_text())
        for name in [*COLUMNS, *(name for name in records if name not in COLUMNS)]
        if name in records
    }
    rows = [f"| file | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for file in sorted({file for column in columns.values() for file in column}):
        rows.append(f"| {file} | {' | '.join(_cell(column.get(file, {})) for column in columns.values())} |")
    sums = [Counter[str]() for _ in columns]
    for total, column in zip(sums, columns.values(), strict=True):
        for counts in column.values():
            total.update(counts)
    return "\n".join([*rows, f"| **all** | {' | '.join(map(_cell, sums))} |"])


def _cell(counts: Any) -> str:
    failed = f", {counts['failed']:,} failed" if counts.get("failed") else ""
    return f"{counts.get('passed', 0):,}{failed}" if counts.get("passed") or failed else "–"


if __name__ == "__main__":
    print(table())
