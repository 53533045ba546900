"""Learning-rate schedules beside Keras 3 and tf_keras."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests import engines
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, KERAS_3, differs, keras, numpy, tensorflow_only
from parity_tests.optimizer_runs import assert_same
from refkeras import Variable, naming, precision, semantics
from refkeras.optimizers import schedules

ENGINES = {name: engine.optimizers.schedules for name, engine in engines.ENGINES.items()}
RATES = st.floats(1e-4, 1.0)
STEPS = st.integers(1, 50)
COUNTER = semantics.get(KERAS_3).iterations_dtype
COUNTS = st.one_of(STEPS, st.floats(0.5, 50.0))


def kinds(rates: Any) -> dict[str, Any]:
    """Return a strategy of arguments for each schedule whose formula rounds as TensorFlow does."""
    return {
        "ExponentialDecay": st.tuples(rates, COUNTS, st.floats(0.01, 2.0), st.booleans()),
        "InverseTimeDecay": st.tuples(rates, COUNTS, st.just(0.0) | st.floats(1e-9, 2.0), st.booleans()),
        "PolynomialDecay": st.tuples(
            rates, STEPS, st.just(0.0) | st.floats(1e-9, 0.5), st.floats(0.1, 3.0), st.booleans()
        ),
    }


ANY_DTYPE = st.sampled_from([RATES, RATES, RATES.map(np.float32), RATES.map(np.float64)])
each_kind = pytest.mark.parametrize("name", sorted(kinds(RATES)))


@tensorflow_only("equality bit for bit with TensorFlow; test_rates_within_their_error_bars has the others")
@each_kind
@given(st.data(), st.sampled_from(sorted(ENGINES)), st.lists(st.integers(0, 300), min_size=1, max_size=20))
def test_rates_are_the_same(name, data, engine, steps):
    """Bit for bit, in the same dtype, at a counter (as an optimizer calls it) and at plain numbers."""
    arguments = data.draw(kinds(data.draw(ANY_DTYPE))[name])
    with semantics.use(engine):
        ours, theirs = getattr(schedules, name)(*arguments), getattr(ENGINES[engine], name)(*arguments)
        for step in steps:
            a, b = (
                ours(Variable(step, dtype="int64")),
                numpy(theirs(keras.Variable(step, dtype=COUNTER, trainable=False).value)),
            )
            assert_same(a, b, f"{name}{arguments} at {step}")
            assert_same(ours(step), a, f"{name}{arguments} at the number {step}")
            assert_same(ours(step + 0.5), numpy(theirs(step + 0.5)), f"{name}{arguments} at {step} + 0.5")


@differs("tensorflow", reason="compared bit for bit there")
@each_kind
@given(st.data(), st.lists(st.integers(0, 300), min_size=1, max_size=12))
def test_rates_within_their_error_bars(name, data, steps):
    """At the counter of an optimizer and at plain numbers; a floor or ceiling near its step may be another."""
    arguments = data.draw(kinds(RATES)[name])
    ours, theirs = getattr(schedules, name)(*arguments), getattr(ENGINES[KERAS_3], name)(*arguments)
    for step in steps:
        with precision.counting() as edges:
            bar = with_bars(ours, step)
        if edges.near:
            continue
        assert_agrees(bar, ours(step), what=f"{name}{arguments} at {step} on plain numbers")
        for number in step, keras.Variable(step, dtype="int32", trainable=False).value:
            assert_agrees(bar, numpy(theirs(number)), what=f"{name}{arguments} at {number!r}")


@tensorflow_only("compared bit for bit there alone")
def test_powers_round_as_tensorflow_rounds_them():
    """A power in float64, rounded to float32, would differ in a dozen of these."""
    ours, theirs = (m.ExponentialDecay(0.5, 1, 0.99) for m in (schedules, ENGINES[KERAS_3]))
    for step in range(1000):
        assert_same(ours(step), numpy(theirs(step)), f"step {step}")


@given(
    st.sampled_from(sorted(ENGINES)),
    st.lists(st.floats(0, 40, width=16), min_size=1, max_size=4).map(sorted),
    st.lists(RATES, min_size=5, max_size=5),
    st.booleans(),
)
def test_piecewise_rates_are_the_same(engine, boundaries, values, whole):
    """At, between and beyond the boundaries, which an integer counter makes integers."""
    boundaries = sorted({int(b) for b in boundaries}) if whole else sorted(set(boundaries))
    values = values[: len(boundaries) + 1]
    ours = schedules.PiecewiseConstantDecay(boundaries, values)
    theirs = ENGINES[engine].PiecewiseConstantDecay(boundaries, values)
    if len({int(b) for b in boundaries}) < len(boundaries):
        theirs = ENGINES[KERAS_3].PiecewiseConstantDecay(boundaries, values)
    for step in range(0, 42, 3):
        counter = keras.Variable(step, dtype=COUNTER, trainable=False).value
        np.testing.assert_array_equal(ours(Variable(step, dtype="int64")), numpy(theirs(counter)), strict=True)
    for boundary in boundaries:
        counter = keras.Variable(int(boundary), dtype=COUNTER, trainable=False).value
        np.testing.assert_array_equal(ours(Variable(int(boundary), dtype="int64")), numpy(theirs(counter)))
        np.testing.assert_array_equal(ours(float(boundary)), numpy(theirs(float(boundary))))


def with_bars(schedule: Any, step: int) -> precision.BarArray:
    """Evaluate a schedule's formula on numbers with error bars."""
    start = precision.exact(schedule.initial_learning_rate), precision.exact(step), precision.exact
    with mock.patch.object(type(schedule), "_start", lambda *_: start):
        return schedule.evaluate(step)


@given(
    st.sampled_from(sorted(ENGINES)),
    RATES,
    STEPS,
    st.just(0.0) | st.floats(1e-9, 0.5),
    st.none() | RATES,
    st.integers(1, 9),
)
def test_cosine_decay(engine, rate, steps, alpha, target, warmup):
    """As exact as the cosines."""
    ours, theirs = (
        module.CosineDecay(rate, steps, alpha, warmup_target=target, warmup_steps=warmup)
        for module in (schedules, ENGINES[engine])
    )
    for step in range(0, steps + warmup + 3, 1 + steps // 8):
        bar = with_bars(ours, step)
        assert_agrees(bar, ours(step), what=f"step {step} on plain numbers")
        assert_agrees(bar, numpy(theirs(step)), what=f"step {step}")
    if target is not None and BACKEND == "tensorflow":
        for step in range(warmup):
            np.testing.assert_array_equal(ours(step), numpy(theirs(step)))


@given(
    st.sampled_from(sorted(ENGINES)),
    RATES,
    st.integers(1, 20),
    st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    st.floats(0.1, 1.0),
)
def test_cosine_decay_restarts(engine, rate, steps, t_mul, m_mul):
    """The same away from the restarts; at one, rounding decides which period a step is in."""
    ours, theirs = (
        module.CosineDecayRestarts(rate, steps, t_mul, m_mul, alpha=0.125) for module in (schedules, ENGINES[engine])
    )
    for step in range(0, 8 * steps, 1 + steps // 2):
        with precision.counting() as edges:
            bar = with_bars(ours, step)
        if edges.near:
            continue
        assert_agrees(bar, ours(step), what=f"step {step} on plain numbers")
        assert_agrees(bar, numpy(theirs(step)), what=f"step {step}")


CALLS = {
    "no steps": lambda m: m.ExponentialDecay(0.1, 0, 0.5),
    "negative steps": lambda m: m.CosineDecay(0.1, -1),
    "lengths": lambda m: m.PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
    "no boundary": lambda m: m.PiecewiseConstantDecay([], [0.1])(0),
    "base": lambda m: m.LearningRateSchedule()(0),
    "base config": lambda m: m.LearningRateSchedule().get_config(),
    "falling boundaries": lambda m: [float(m.PiecewiseConstantDecay([5, 3], [1.0, 2.0, 3.0])(i)) for i in range(8)],
    "argument": lambda m: m.InverseTimeDecay(0.1, 10, 0.5, stairs=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_are_keras_3s(name):
    def outcome(module: Any) -> Any:
        try:
            return CALLS[name](module)
        except Exception as error:
            return type(error).__name__

    assert outcome(schedules) == outcome(keras.optimizers.schedules)


def test_configs():
    naming.reset()
    for make in [
        lambda m: m.ExponentialDecay(0.1, 10, 0.5, staircase=True),
        lambda m: m.InverseTimeDecay(0.1, 10, 0.5, name="mine"),
        lambda m: m.PolynomialDecay(0.1, 10, cycle=True),
        lambda m: m.PiecewiseConstantDecay([1, 2], [0.1, 0.2, 0.3]),
        lambda m: m.CosineDecay(0.1, 10, warmup_target=0.5, warmup_steps=3),
        lambda m: m.CosineDecayRestarts(0.1, 10, t_mul=1.5),
    ]:
        record = schedules.serialize(make(schedules))
        assert record == keras.optimizers.schedules.serialize(make(keras.optimizers.schedules))
        assert schedules.serialize(schedules.deserialize(record)) == record
