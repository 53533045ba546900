"""Training step by step, each step from the engine's own state before it: a difference cannot hide in an earlier one.

The runs of `test_training.py` go on freely from the first weights, and their error bars grow with them. Here
weights, slots and counters are loaded from the engine before each step; losses, metrics, new weights and new slots
must lie within the bars of that one step.
"""

from __future__ import annotations

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import BACKEND, ENGINES, numpy, trains
from parity_tests.test_training import CASES, WIDEST, assert_within, widest
from refkeras import precision, tree
from refkeras.precision import BarArray

pytestmark = trains
#: Rows of each step: whole batches, and a partial one.
STEPS = [slice(0, 4), slice(4, 8), slice(8, 11), slice(2, 6)]


def steps(case, k):
    """The model of a case on one Keras, and the arguments of `train_on_batch` for each step."""
    model, x, y, extra = case(k)
    weights = {key: extra[key] for key in ("sample_weight", "class_weight") if key in extra}

    def batch(rows):
        cut = {key: value if key == "class_weight" else value[rows] for key, value in weights.items()}
        xs, ys = (tree.map_structure(lambda a: a[rows], part) for part in (x, y))
        return {"x": xs, "y": ys, **cut}

    return model, [batch(rows) for rows in STEPS]


def slots(optimizer):
    """An optimizer's variables: a method in tf_keras."""
    return optimizer.variables() if callable(optimizer.variables) else optimizer.variables


def load(model, engine):
    """Give refkeras's model the engine's weights, slots and counters."""
    model.set_weights(engine.get_weights())
    model.optimizer.build(model.trainable_variables)
    model.optimizer.set_weights([numpy(v) for v in slots(engine.optimizer)])


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
@pytest.mark.parametrize("name", ENGINES)
def test_each_step_from_the_engines_state(name, case):
    with widest(name) as (ours, theirs):
        engine, batches = steps(case, theirs)
        model, _ = steps(case, ours)
        if BACKEND == "tensorflow":  # a graph of each case takes longer than all its steps; whole runs have graphs
            engine.run_eagerly = model.run_eagerly = True
        engine.optimizer.build(engine.trainable_variables)
        for step, batch in enumerate(batches):
            load(model, engine)
            with precision.bars(model, WIDEST) as barred:
                mine = model.train_on_batch(**batch, return_dict=True)
                weights, state = barred.weights, [v.value for v in model.optimizer.variables]
            real = engine.train_on_batch(**batch, return_dict=True)
            assert_within(mine, real, f"step {step}")
            assert_within(weights, engine.get_weights(), f"weights after step {step}")
            for bar, variable in zip(state, slots(engine.optimizer), strict=True):
                compare = assert_agrees if isinstance(bar, BarArray) else assert_same
                compare(bar, numpy(variable), what=f"{getattr(variable, 'path', variable.name)} after step {step}")


def test_a_wrong_slot_is_noticed():
    """A momentum that is off by a part in a thousand before the step shows after it."""
    name = next(iter(ENGINES))
    case = next(case for case in CASES if case.__name__ == "binary")
    with widest(name) as (ours, theirs):
        engine, (batch, *_) = steps(case, theirs)
        model, _ = steps(case, ours)
        engine.train_on_batch(**batch)
        load(model, engine)
        momentum = model.optimizer.variables[-1]
        assert np.any(numpy(momentum.value) != 0)
        momentum.assign(numpy(momentum.value) * 1.001)
        with precision.bars(model, WIDEST) as barred:
            model.train_on_batch(**batch)
            weights = barred.weights
        engine.train_on_batch(**batch)
        with pytest.raises(AssertionError):
            assert_within(weights, engine.get_weights())
