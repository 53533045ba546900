"""What Keras 3 draws on JAX, PyTorch and NumPy: each asked once, in a process of its own."""

from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.replay import ours
from parity_tests.replay.cases import draw_cases
from parity_tests.replay.draws import difference, units_apart
from parity_tests.replay.engine import ask
from parity_tests.shows import shows

pytestmark = tensorflow_only("asks each engine in a process of its own")

COUNTS = {
    # JAX compiles each operation for each shape: the whole campaign is `python -m parity_tests.replay`.
    "jax": {"seeds": 2, "uniform weights": 2, "functions": 4, "dropout": 2, "order": 4, "normal weights": 2},
    "torch": {
        "seeds": 2,
        "uniform weights": 10,
        "functions": 30,
        "dropout": 10,
        "lstm": 6,
        "order": 8,
        "masks in fit": 1,
        "normal weights": 10,
        "orthogonal weights": 4,
    },
    "numpy": {
        "seeds": 2,
        "uniform weights": 10,
        "functions": 15,
        "dropout": 8,
        "lstm": 4,
        "normal weights": 10,
        "orthogonal weights": 4,
    },
}
#: Keras's NumPy backend imports JAX and SciPy.
NEEDS = {"jax": ["jax"], "torch": ["torch"], "numpy": ["jax", "scipy"]}


@cache
def answers(engine):
    cases = draw_cases(engine, COUNTS[engine], 3)
    return list(zip(cases, ask(engine, cases), strict=True))


@shows("rng", "seeds_drawn_at")
@pytest.mark.parametrize("engine, kind", [(engine, kind) for engine, kinds in COUNTS.items() for kind in kinds])
def test_draws(engine, kind):
    missing = [module for module in NEEDS[engine] if find_spec(module) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}, which Keras needs for {engine}, not installed")
    for case, real in answers(engine):
        if case["kind"] != kind:
            continue
        own = ours.values(case)
        if kind == "orthogonal weights":
            assert_agrees(ours.orthogonal(case), real[0], what=str(case))
        elif kind == "normal weights" and (engine == "jax" or case["dtype"] == "float64"):
            assert np.all(units_apart(real[0], own[0], abs(case["config"].get("mean", 0.0))) <= 4), case
        else:
            why = difference(real, own)
            assert why is None, f"{why} in {case}"
