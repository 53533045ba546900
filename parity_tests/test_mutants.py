"""The mutants: a few of each kind are run here, all of them by `make mutants`."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys

import pytest

from parity_tests.engines import KERAS_3, tensorflow_only
from parity_tests.mutants import fields
from parity_tests.mutants.__main__ import CATALOGUE, main
from parity_tests.mutants.mutant import ROOT, Mutant, mutated
from refkeras import semantics

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


def test_another_value_of_a_field_is_in_force_and_not_expected():
    own = semantics.get(KERAS_3).test_on_batch_resets
    with fields.in_force(KERAS_3, "test_on_batch_resets", not own) as times:
        assert semantics.get(KERAS_3).test_on_batch_resets is own
        with semantics.use(KERAS_3) as rules:
            assert rules.test_on_batch_resets is not own
        assert times == [1]
        with semantics.use("keras-2.0"):
            assert times == [1]
    with semantics.use(KERAS_3) as rules:
        assert rules.test_on_batch_resets is own


def test_why_a_value_makes_no_difference():
    for start, field, values, reason in fields.WITHOUT_EFFECT:
        known = next(item for item in dataclasses.fields(semantics.Semantics) if item.name == field).metadata["values"]
        assert {*values} <= {*known}
        presets = [name for name in semantics.PRESETS if name.startswith(start)]
        assert presets
        assert fields.why_not(presets[0], field, (values or known)[0]) == reason
    assert not fields.why_not(KERAS_3, "test_on_batch_resets", False)


LOOKED_AT = """
import sys
from parity_tests.mutants import fields
fields.WITHOUT_EFFECT = ()
sys.exit(fields.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("chosen", "status"), [(["steps_per_execution_allowed"], 0), (["duplicate_metrics"], 1)])
@tensorflow_only("one engine is enough to try the program")
def test_fields_that_are_noticed_and_that_are_not(chosen, status):
    """Whether the metrics' names are numbered is not asked of Keras 3 in this way, and nothing can notice it."""
    command = [sys.executable, "-c", LOOKED_AT, *chosen]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290)
    assert run.returncode == status, run.stderr
    assert re.search(rf"^caught +\d+ s  tf_keras: {chosen[0]}=.*  test_", run.stdout, re.MULTILINE)
    assert bool(re.search(r"^survived +\d+ s  keras-3@tensorflow: ", run.stdout, re.MULTILINE)) == bool(status)
