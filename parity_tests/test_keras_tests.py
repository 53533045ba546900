"""Keras's own tests become on refkeras what is recorded of them, and the page says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.keras_tests import page, rewriting

REPOSITORY = Path(__file__).parents[1]
pytestmark = pytest.mark.tensorflow_only(reason="runs Keras's tests in a process of their own")


def ran(*arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "REFKERAS_"))}
    command = [sys.executable, "-W", "ignore", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)


@pytest.mark.timeout(400)
def test_what_is_recorded_is_so():
    """A test that passed must pass; one that passes now belongs on the page (`make keras-tests`)."""
    found = ran("-m", "parity_tests.keras_tests", "--check")
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]


def test_the_page_is_current():
    recorded = json.loads(page.RECORDED.read_text())
    assert page.PAGE.read_text() == page.page(recorded)
    assert sum(why == "passed" for why in recorded.values()) > 700


def test_a_mistake_is_noticed():
    """Of a constraint that does nothing."""
    run = "from parity_tests.keras_tests.__main__ import run; import refkeras"
    mistake = "refkeras.constraints.NonNeg.__call__ = lambda self, w: w"
    show = "print('FOUND', sum(why != 'passed' for why in run(('constraints/constraints_test.py',)).values()), '.')"
    printed = ran("-c", "; ".join([run, show, mistake, show])).stdout
    without, with_it = map(int, re.findall(r"FOUND (\d+) \.", printed))
    assert with_it > without


def test_imports_are_replaced():
    lines = "import numpy as np", "import keras", "import keras.src.ops as o", "from keras.src.losses import loss as l"
    source = "\n".join([*lines, "import jax.numpy as jnp"])
    scope = {}
    taken = []
    text = rewriting.rewritten(source).replace(rewriting.HEADER, "")
    exec(text, {"__stand_in__": lambda *names: taken.append(names) or names}, scope)
    assert taken == [("keras",), ("keras.src.ops",), ("keras.src.losses", "loss"), ("jax.numpy",)]
    assert scope["l"] == ("keras.src.losses", "loss")
    assert scope["np"].__name__ == "numpy"
