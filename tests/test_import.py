"""`import refkeras` brings NumPy and nothing else."""

import subprocess
import sys

import pytest

ALLOWED = {"refkeras", "numpy", "org"}  # pickle asks for Jython's org.python, which is not there


def imported(statement):
    """Return the top-level packages that a statement imports, as `-X importtime` lists them."""
    command = [sys.executable, "-I", "-X", "importtime", "-c", statement]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in names[1:]}


def foreign(statement):
    """Return what a statement imports beside the standard library, what starts with Python, NumPy and refkeras."""
    return imported(statement) - imported("pass") - set(sys.stdlib_module_names) - ALLOWED


@pytest.mark.parametrize(
    "statement",
    [
        "import refkeras",
        "import refkeras; refkeras.Model, refkeras.layers, refkeras.optimizers, refkeras.losses, refkeras.metrics, "
        "refkeras.callbacks, refkeras.utils, refkeras.saving, refkeras.datasets.iris.load_data()",
        "import refkeras.cli, refkeras.run",
    ],
)
def test_nothing_but_numpy(statement):
    assert foreign(statement) == set()


def test_a_foreign_package_would_be_seen():
    assert "pytest" in foreign("import refkeras, pytest")


def test_no_slow_part_of_the_standard_library():
    slow = {"asyncio", "multiprocessing", "unittest", "email", "http", "socket", "ssl", "xml", "sqlite3", "concurrent"}
    assert (imported("import refkeras") - imported("import numpy")) & slow == set()
