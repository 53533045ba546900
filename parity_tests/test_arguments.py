"""Every public argument is given by a test: what `make arguments` saw, held against what there is now."""

from __future__ import annotations

import subprocess
import sys

import pytest

from parity_tests.arguments.__main__ import read_record, report, summed
from parity_tests.arguments.catalogue import EXEMPT, arguments
from parity_tests.arguments.watch import merge
from parity_tests.engines import tensorflow_only
from parity_tests.mutants.mutant import ROOT

pytestmark = tensorflow_only("which arguments there are is one question, whatever the backend")
AGAIN = "`make arguments` looks again"


def missing(record, names):
    """The arguments that no test gives."""
    return [name for name in names if name not in record and name not in EXEMPT]


def test_every_public_argument_is_given_by_a_test():
    names = arguments()
    assert len(names) > 600
    assert not missing(read_record(), names), f"given by no test, as far as was seen; {AGAIN}"
    stale = [name for name in (*read_record(), *EXEMPT) if name not in names]
    assert not stale, f"no public argument; {AGAIN}"
    assert all(EXEMPT.values())


def test_an_argument_that_no_test_gives_is_missed():
    assert missing(read_record(), ["layers.Dense(units)", "layers.Dense(colour)"]) == ["layers.Dense(colour)"]


def test_the_tests_on_record_exist():
    texts = {}
    for name, (count, test) in read_record().items():
        file, _, function = test.partition("::")
        path = ROOT / "parity_tests" / file
        texts.setdefault(file, path.read_text() if path.exists() else "")
        assert count > 0
        assert f"def {function.rpartition('::')[2]}(" in texts[file], f"{name}: there is no {test}; {AGAIN}"


def test_processes_are_merged():
    seen = {"f(a)": {"t": {"1"}}}
    merge(seen, {"f(a)": {"t": ["1", "2"], "u": ["3"]}, "f(b)": {"u": ["4"]}})
    assert seen == {"f(a)": {"t": {"1", "2"}, "u": {"3"}}, "f(b)": {"u": {"4"}}}
    assert summed(seen["f(a)"]) == (3, "t")
    assert report({"f(a)": (3, "t")}, ["f(a)", "f(b)"]) == "f: a 3, b 0"


PROGRAM = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import types
import numpy as np
from parity_tests.arguments import watch

watch.install()
import refkeras

test = types.ModuleType("parity_tests.test_it")
exec('''
import numpy as np
import refkeras
from refkeras import activations, layers, losses
layers.Dense(3, "relu", use_bias=True, name="d")
layers.Dense(units=4)
activations.elu(np.ones(2), 0.5)
activations.forward_of(activations.get("celu"))(np.ones(2), alpha=0.25)
losses.Huber(delta=2.0)(np.ones((1, 2)), np.zeros((1, 2)))
model = refkeras.Sequential([refkeras.Input((2,)), layers.Dense(1)])
model.compile("sgd", loss="mse")
assert activations.get("elu") is activations.elu
''', test.__dict__)
refkeras.layers.LSTM(5, dropout=0.5)  # not by a test
for name, tests in sorted(watch.seen.items()):
    (values,) = tests.values()
    print(name, len(values))
"""


@pytest.mark.filterwarnings("ignore")
def test_the_watch_sees_what_tests_give_and_nothing_else():
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    seen = dict(line.rsplit(" ", 1) for line in run.stdout.splitlines())
    assert seen["layers.Dense(units)"] == "3"
    assert seen["layers.Dense(activation)"] == seen["layers.Layer(name)"] == seen["losses.Huber(delta)"] == "1"
    assert seen["activations.elu(alpha)"] == seen["activations.celu(alpha)"] == "1"
    assert seen["models.Model.compile(loss)"] == seen["losses.Loss.__call__(y_true)"] == "1"
    assert "layers.Dense(use_bias)" not in seen  # True is the default
    assert not any("LSTM" in name for name in seen)
