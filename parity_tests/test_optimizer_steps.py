"""Optimizers on every backend of Keras 3: each step from the engine's own state, and runs from the same start.

What the numbers may differ by is what their error bars say; `test_optimizers.py` has TensorFlow's bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, KERAS_3, keras, numpy
from parity_tests.optimizer_runs import (
    OF_STEPS,
    Run,
    apply,
    assert_same,
    both_floatx,
    make_keras_3,
    make_ours,
    runs,
    with_bars,
)
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import semantics
from refkeras.precision import BarArray, exact

#: Of the schedules that `runs` draws, all rates are the same numbers everywhere; but NumPy's power of arrays, which its
#: backend takes, is not its power of numbers.
INEXACT = ["ExponentialDecay"] if BACKEND == "numpy" else []
RULES = semantics.get(KERAS_3)
KINDS = ["SGD", "RMSprop", "Adam", "AdamW"]


def _schedule(run: Run) -> str | None:
    rate = run.arguments["learning_rate"]
    return rate[0] if isinstance(rate, tuple) else None


def some(kind: str) -> st.SearchStrategy[Run]:
    return runs(kinds=(kind,)).filter(lambda run: _schedule(run) not in INEXACT)


class Sides:
    """refkeras's optimizer and weights, with error bars, and the engine's."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ours, self.weights = make_ours(run)
        self.engine, self.engine_weights = make_keras_3(run)
        with_bars(self.weights)
        self.ours.build(self.weights)
        self.engine.build(self.engine_weights)

    def pairs(self) -> list[tuple[Any, Any]]:
        theirs = [*self.engine_weights, *self.engine.variables]
        return list(zip([*self.weights, *self.ours.variables], theirs, strict=True))

    def load(self) -> None:
        """Give ours the engine's state."""
        for ours, theirs in self.pairs():
            ours.assign(numpy(theirs))

    def apply(self, gradients: list[Any], chosen: Sequence[int] | None = None) -> None:
        """One step by the gradients of these of the variables, None for none; of all without."""
        chosen = range(len(gradients)) if chosen is None else chosen
        with np.errstate(all="ignore"):
            given = [None if g is None else exact(g, g.dtype.name) for g in gradients]
            self.ours.apply(given, [self.weights[i] for i in chosen])
        apply(self.engine, gradients, [self.engine_weights[i] for i in chosen])

    def compare(self, what: str) -> None:
        for ours, theirs in self.pairs():
            told = f"{what} of {self.run}, {ours.path}"
            if isinstance(ours.value, BarArray):
                assert_agrees(ours.value, numpy(theirs), what=told)
            else:
                assert_same(ours.value, numpy(theirs), told)
        assert_same(self.ours.learning_rate, numpy(self.engine.learning_rate), f"{what}, learning_rate")
        assert_same(self.ours.iterations, numpy(self.engine.iterations), f"{what}, iterations")


def stepped(run: Run, loads: str) -> Sides:
    """Step both sides through a run and compare them each time; the engine's state is loaded at first, or each step."""
    sides = Sides(run)
    for step, gradients in enumerate(run.gradients()):
        if loads == "each step" or step == 0:
            sides.load()
        sides.apply(gradients)
        sides.compare(f"step {step}")
    return sides


@shows(*OF_STEPS)
@pytest.mark.parametrize("kind", KINDS)
@examples(20)
@given(data=st.data())
def test_steps_from_the_engines_state(kind, data):
    run = data.draw(some(kind))
    with both_floatx(run.floatx), semantics.use(KERAS_3):
        stepped(run, "each step")


#: Steps that may all round alike: a weight that hardly moves is shrunk, and averaged, by the same product and sum each
#: time. 2 N roundings by ½ ulp at most are off by N ulp together, and by √(2 N / 12) if they are independent, as the
#: bars take them to be (docs/error-bars.md). That is √(6 N) = 6 sigma, and 8 of a sigma that is 25 % too small, as that
#: of 32 signs may be.
ALIKE = 6


@pytest.mark.parametrize("kind", KINDS)
@examples(20)
@given(data=st.data())
def test_runs_from_the_same_start(kind, data):
    run = data.draw(some(kind))
    run = replace(run, steps=min(run.steps, ALIKE))
    with both_floatx(run.floatx), semantics.use(KERAS_3):
        sides = stepped(run, "at first")
        sides.ours.finalize_variable_values(sides.weights)
        sides.engine.finalize_variable_values(sides.engine_weights)
        sides.compare("the end")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("accumulated", [None, 2])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_some_variables_without_gradient(kind, accumulated):
    """Skipped variables, alone or in a subset, with decay, averages and accumulation."""
    arguments = {"learning_rate": 0.02, "weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 4}
    arguments["gradient_accumulation_steps"] = accumulated
    run, rng = Run(kind, arguments, [(3,), (2, 9), (5,)], ["float32"] * 3, 12, 5), np.random.default_rng(3)
    sides = Sides(run)
    for step, gradients in enumerate(run.gradients()):
        chosen = sorted(rng.choice(3, size=rng.integers(1, 4), replace=False))
        sides.load()
        if step % 2:
            sides.apply([g if i in chosen else None for i, g in enumerate(gradients)])
        else:
            sides.apply([gradients[i] for i in chosen], chosen)
        sides.compare(f"step {step}")


@shows("accumulators_reset")
def test_an_update_of_some_variables_resets_accumulators():
    run = Run("SGD", {"learning_rate": 0.5, "gradient_accumulation_steps": 2}, [(1,), (1,)], ["float32"] * 2, 1, 0)
    sides = Sides(run)
    one = np.ones(1, "float32")
    sides.apply([one, one])
    sides.apply([one], [0])
    sides.compare("an update of the first")
    first, second = sides.engine.variables[-2:]
    assert numpy(first).tolist() == [0.0]
    assert (numpy(second).tolist() == [1.0]) == (RULES.accumulators_reset == "given") == (BACKEND == "jax")


@shows("weight_decay_by")
def test_decay_of_a_weight_whose_decay_overflows():
    """2 · 3e38 is no float32, and (1 − 2 · 0.1) · 3e38 is."""
    sides = Sides(Run("SGD", {"learning_rate": 0.1, "weight_decay": 2.0}, [(1,)], ["float32"], 1, 0))
    plain, (weight,) = make_ours(sides.run)
    for w in weight, *sides.engine_weights:
        w.assign(np.full(1, 3e38, "float32"))
    with np.errstate(over="ignore"):
        plain.apply([np.zeros(1, "float32")], [weight])
    apply(sides.engine, [np.zeros(1, "float32")], sides.engine_weights)
    real = numpy(sides.engine_weights[0])
    assert_same(weight.value, real, "weight")
    assert np.isfinite(real).all() == (RULES.weight_decay_by == "factor") == (BACKEND == "torch")


def test_decay_that_rounds_alike_in_each_step():
    """A factor of 1 − 52.4 · 2⁻²⁴ is 1 − 52 · 2⁻²⁴ in float32, by the same error in every step."""
    run = Run("SGD", {"learning_rate": 1e-4, "weight_decay": 0.03125}, [(9, 7)], ["float32"], 20, 0)
    stepped(run, "at first")


@shows("rmsprop_root")
@pytest.mark.parametrize("slope", [1.0, 3.0, -0.01])
def test_a_centered_root_of_a_gradient_that_stays(slope):
    """Its variance is 0, of which epsilon alone is left, unless it was lost beside the square of the gradient."""
    arguments = {"learning_rate": 0.5, "rho": 0.0, "centered": True, "epsilon": 1e-7}
    sides = Sides(Run("RMSprop", arguments, [(1,)], ["float32"], 1, 0))
    sides.load()
    sides.apply([np.full(1, slope, "float32")])
    sides.compare("the step")
    moved = abs(numpy(sides.engine_weights[0]) - sides.run.values()[0])[0]
    first = RULES.rmsprop_root == "epsilon first"
    # Where epsilon is lost, the bar is so wide that it agrees with much.
    assert (sides.weights[0].value.sigma[0] > 1) == (first and abs(slope) >= 1)
    assert first == (BACKEND == "torch")
    assert np.isfinite(moved) == (not first or abs(slope) < 2)
    if slope == 1.0:
        assert (moved < 1500) == first  # 0.5 / √2⁻²³, or 0.5 / √10⁻⁷


@pytest.mark.parametrize("kind", KINDS)
def test_constraints_come_last(kind):
    """Weights that are not negative: after the update, and after an overwrite by the average."""
    arguments = {"learning_rate": 0.3, "use_ema": True, "ema_overwrite_frequency": 2}
    run = Run(kind, arguments, [(6,)], ["float32"], 5, 2)
    sides = Sides(run)
    sides.weights[0].constraint = refkeras.constraints.NonNeg()
    sides.engine_weights[0].constraint = keras.constraints.NonNeg()
    for step, gradients in enumerate(run.gradients()):
        sides.load()
        sides.apply(gradients)
        sides.compare(f"step {step}")
    assert (numpy(sides.engine_weights[0]) == 0).any()


def test_the_comparison_can_fail():
    """For a weight, a slot and the count of steps."""
    run = Run("Adam", {"learning_rate": 0.3}, [(6,)], ["float32"], 1, 2)
    for changed in range(3):
        sides = Sides(run)
        sides.load()
        sides.apply(next(run.gradients()))
        sides.compare("the step")
        theirs = [sides.engine_weights[0], sides.engine.variables[-1], sides.engine.iterations][changed]
        theirs.assign(numpy(theirs) * 2)
        with pytest.raises(AssertionError):
            sides.compare("the step")
