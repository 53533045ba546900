"""The mutants: a few of each kind are run here, all of them by `make mutants`."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from parity_tests.engines import tensorflow_only
from parity_tests.mutants.__main__ import CATALOGUE, main
from parity_tests.mutants.mutant import ROOT, Mutant, mutated

HARMLESS = Mutant(
    "harmless",
    "ops/losses.py",
    "        e = p - t\n        return e * e\n",
    "        e = p - t\n        return e * e  # \n",
    (),
)


def test_there_are_enough():
    numerical = sum(mutant.numerical for mutant in CATALOGUE)
    mistakes = len(CATALOGUE) - numerical
    assert mistakes >= 60
    assert numerical >= 20
    counted = f"There are {len(CATALOGUE)}: {mistakes} mistakes, and {numerical} of the numerical kind."
    assert counted in (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8")
    names = [mutant.name for mutant in CATALOGUE]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.name)
def test_each_fits_the_code_and_the_tests_as_they_are(mutant):
    """A change to the package or to the tests must not leave a mutant behind that cannot be run."""
    ast.parse(mutant.text())
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        source = (ROOT / "parity_tests" / file).read_text()
        assert not name or re.search(rf"^def {re.escape(name)}\(", source, re.MULTILINE), test


@pytest.mark.parametrize("old", ["no such text", "import"])
def test_a_text_that_is_not_there_once_is_refused(old):
    mutant = Mutant("stale", "ops/losses.py", old, "", ())
    with pytest.raises(ValueError, match=r"'stale': its old text occurs \d+ times in refkeras/ops/losses.py, not once"):
        mutant.text()


def test_a_mutant_is_a_copy(tmp_path):
    before = (ROOT / "refkeras" / HARMLESS.file).read_text()
    folder = mutated(HARMLESS, tmp_path)
    assert (folder / "refkeras" / HARMLESS.file).read_text() == HARMLESS.text() != before
    assert (ROOT / "refkeras" / HARMLESS.file).read_text() == before
    assert main(["no mutant is called so"]) == 2


SURVIVOR = """
import sys
from parity_tests.mutants import __main__ as program
from parity_tests.test_mutants import HARMLESS
import dataclasses
test = ("test_losses.py::test_empty_batches",)
chosen = [mutant for mutant in program.CATALOGUE if mutant.name in sys.argv[1:]]
program.CATALOGUE = (*chosen, dataclasses.replace(HARMLESS, tests=test))
for name in [name for name in sys.modules if name.startswith("refkeras")]:
    del sys.modules[name]
sys.exit(program.main([]))
"""


@tensorflow_only("the mutants are run against TensorFlow's Keras")
def test_some_are_caught_and_a_change_of_nothing_survives():
    chosen = ["mse + 1e-6", "relu'(0) is 1", "rate from the wrong side"]
    run = subprocess.run(
        [sys.executable, "-c", SURVIVOR, *chosen], cwd=ROOT, capture_output=True, text=True, timeout=290
    )
    assert run.returncode == 1, run.stderr
    assert "3 of 4 mutants caught" in run.stdout
    assert re.search(r"survived +\d+ s  ops/losses.py: harmless", run.stdout)
    assert re.search(r"silent +\d+ s  the package as it is", run.stdout)
