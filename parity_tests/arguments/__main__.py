"""Runs the parity tests, sees which public arguments they give, and records it.

    python -m parity_tests.arguments [file ...]

Without files all of them run, two processes at a time; the record is made anew. With files, what they give
is added to it. It ends with status 1 if an argument is given by no test and is not exempt, and with pytest's
own if a test fails: of a test that stopped early, the record would not tell all.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

RECORD = Path(__file__).parent.parent / "recorded" / "arguments.json"
SELDOM = 2


def read_record() -> dict[str, tuple[int, str]]:
    """Return argument → how many distinct values the tests gave it, and the test that gave most."""
    return {name: (count, test) for name, (count, test) in json.loads(RECORD.read_text()).items()}


def summed(tests: dict[str, set[str]]) -> tuple[int, str]:
    """Return how many distinct values an argument was given, and by which test most of them."""
    return len(set().union(*tests.values())), max(tests, key=lambda test: (len(tests[test]), test))


def report(record: dict[str, tuple[int, str]], names: list[str]) -> str:
    """One line for each callable: its arguments, each with the number of values that were seen.

    >>> print(report({"layers.Dense(units)": (7, "test_a.py::test")}, ["layers.Dense(units)", "layers.Dense(name)"]))
    layers.Dense: units 7, name 0
    """
    lines: dict[str, list[str]] = {}
    for name in names:
        key, _, argument = name.rstrip(")").rpartition("(")
        lines.setdefault(key, []).append(f"{argument} {record.get(name, (0, ''))[0]}")
    return "\n".join(f"{key}: {', '.join(counts)}" for key, counts in lines.items())


def main(files: list[str]) -> int:
    """Run, record, report."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")
    import pytest

    from parity_tests.arguments import watch
    from parity_tests.arguments.catalogue import EXEMPT, arguments

    names = arguments()  # before there is a watch in what they are read from
    spread = [] if files else ["-n", "2", "--dist", "loadfile"]
    paths = files or ["parity_tests"]
    status = pytest.main([*spread, "-p", watch.__name__, "-q", "--no-header", "--tb=line", "-W", "ignore", *paths])
    record = read_record() if files and RECORD.exists() else {}
    record |= {name: max(summed(tests), record.get(name, (0, ""))) for name, tests in watch.seen.items()}
    record = {name: record[name] for name in names if name in record}
    RECORD.write_text(json.dumps(record, indent=0) + "\n")
    if not files:
        print(report(record, names))
    seldom = sum(count < SELDOM for count, _ in record.values())
    missing = [name for name in names if name not in record and name not in EXEMPT]
    print(f"\n{len(record)} of {len(names)} arguments are given by a test, {len(EXEMPT)} need not be.")
    print(f"with one value only: {seldom} (of two, like True and False, one is the default)")
    print(f"by no test: {len(missing)}" if files else f"by no test: {', '.join(missing) or 'none'}")
    if status:
        print(f"tests failed or did not run: pytest ended with status {int(status)}")
    return int(status) or int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
