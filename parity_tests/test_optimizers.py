"""Optimizer steps beside real Keras: bit for bit, weights, slots and counters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.agreement import assert_agrees
from parity_tests.engines import DTYPES, ENGINES, both_kerases, keras, numpy, tensorflow_only, tf
from parity_tests.optimizer_runs import (
    OF_STEPS,
    Run,
    apply,
    assert_same,
    assert_same_state,
    both_floatx,
    make_keras_3,
    make_ours,
    make_tf_keras,
    runs,
    with_bars,
)
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import Variable, semantics
from refkeras.precision import BarArray, exact

bit_for_bit = tensorflow_only("equality bit for bit with TensorFlow; test_optimizer_steps.py has other backends'")


@shows(*OF_STEPS)
@bit_for_bit
@pytest.mark.parametrize("kind", ["SGD", "RMSprop", "Adam", "AdamW"])
@examples(20)
@given(data=st.data())
def test_steps_are_keras_3s(kind, data):
    run = data.draw(runs(kinds=(kind,)))
    with both_floatx(run.floatx):
        ours, weights = make_ours(run)
        engine, engine_weights = make_keras_3(run)
        for step, gradients in enumerate(run.gradients()):
            ours.apply(gradients, weights)
            apply(engine, gradients, engine_weights)
            assert_same_state(ours, weights, engine, engine_weights, f"step {step} of {run}")
            assert_same(ours.learning_rate, np.asarray(engine.learning_rate), "learning_rate")
            assert_same(ours.iterations, np.asarray(engine.iterations), "iterations")
        ours.finalize_variable_values(weights)
        engine.finalize_variable_values(engine_weights)
        assert_same_state(ours, weights, engine, engine_weights, f"the end of {run}")


@shows(*OF_STEPS)
@both_kerases
@given(run=runs(kinds=("SGD", "Adam", "AdamW"), keras_3=False))
def test_steps_are_tf_keras_s(run):
    with both_floatx(run.floatx), semantics.use("tf_keras"):
        ours, weights = make_ours(run)
        engine, engine_weights = make_tf_keras(run)
        for step, gradients in enumerate(run.gradients()):
            ours.apply(gradients, weights)
            apply(engine, gradients, engine_weights)
            assert_same_state(ours, weights, engine, engine_weights, f"step {step} of {run}")
            assert_same(ours.learning_rate, numpy(engine.learning_rate), "learning_rate")
        ours.finalize_variable_values(weights)
        engine.finalize_variable_values(engine_weights)
        assert_same_state(ours, weights, engine, engine_weights, f"the end of {run}")


@shows("rmsprop_root")
@both_kerases
@given(run=runs(kinds=("RMSprop",), keras_3=False))
def test_rmsprop_is_tf_keras_s(run):
    """tf_keras multiplies by TensorFlow's rsqrt, which is up to 3.1 units off: step by step from its own state."""
    with both_floatx(run.floatx), semantics.use("tf_keras"):
        ours, weights = make_ours(run)
        barred, barred_weights = make_ours(run)
        engine, engine_weights = make_tf_keras(run)
        ours.build(weights)
        barred.build(barred_weights)
        with_bars(barred_weights)
        engine.build(engine_weights)
        for step, gradients in enumerate(run.gradients()):
            if step:
                for optimizer in (ours, barred):
                    optimizer.set_weights([numpy(v) for v in engine.variables])
            for w, bar, e in zip(weights, barred_weights, engine_weights, strict=True):
                w.assign(numpy(e))
                bar.assign(numpy(e))
            ours.apply(gradients, weights)
            barred.apply([exact(g, g.dtype.name) for g in gradients], barred_weights)
            apply(engine, gradients, engine_weights)
            assert_same(ours.iterations, numpy(engine.iterations), "iterations")
            sides = [[*weights, *ours.variables[1:]], [*barred_weights, *barred.variables[1:]]]
            for w, bar, e in zip(*sides, [*engine_weights, *engine.variables[1:]], strict=True):
                what = f"step {step}, {w.path} of {run}"
                if not _rounds(w):
                    assert_same(w.value, numpy(e), what)
                elif isinstance(bar.value, BarArray):
                    assert_agrees(bar.value, w.value, what=f"{what} on plain arrays")
                    assert_agrees(bar.value, numpy(e), what=what)
                else:
                    assert_same(w.value, numpy(e), what)


def _rounds(w: Variable) -> bool:
    return "velocity" not in w.path and "average_gradient" not in w.path


CLIPS = st.sampled_from(["clipnorm", "global_clipnorm"])
SEEDS = st.integers(0, 10**6)
SPECIAL = st.sampled_from([None, "zero", "nan", "inf"])


@shows("clipnorm_over")
@given(
    st.sampled_from(list(ENGINES)),
    CLIPS,
    st.floats(1e-3, 100.0),
    SPECIAL,
    st.integers(0, 10**6),
    st.sampled_from(DTYPES),
)
def test_norms_are_clipped(engine_name, clip, bound, special, seed, dtype):
    """One step of SGD at rate 1 from weights of zero shows the clipped gradient."""
    run = Run("SGD", {"learning_rate": 1.0, clip: bound}, [(3,), (2, 5), (17,)], [dtype] * 3, 1, seed)
    (gradients,) = run.gradients()
    if special == "zero":
        gradients = [np.zeros_like(g) for g in gradients]
    elif special:
        gradients[1][1, 2] = float(special)
    with semantics.use(engine_name):
        ours, weights = make_ours(run)
        barred, barred_weights = make_ours(run)
        with_bars(barred_weights)
        engine, engine_weights = (make_tf_keras if engine_name == "tf_keras" else make_keras_3)(run)
        for w in (*weights, *barred_weights, *engine_weights):
            w.assign(np.zeros(w.shape, dtype))
        with np.errstate(invalid="ignore", over="ignore"):
            ours.apply(gradients, weights)
            barred.apply([exact(g, dtype) for g in gradients], barred_weights)
        apply(engine, gradients, engine_weights)
    for w, bar, e in zip(weights, barred_weights, engine_weights, strict=True):
        assert_agrees(bar.value, w.value, what=f"{w.path}, {special}, on plain arrays")
        assert_agrees(bar.value, numpy(e), what=f"{w.path}, {special}")


@tensorflow_only("traces a tf.function")
def test_a_long_run_and_a_graph():
    """200 steps of Adam, in a tf.function: float32 powers of beta as TensorFlow rounds them, up to t = 200."""
    run = Run("Adam", {"learning_rate": 0.01}, [(4, 3), (5,)], ["float32"] * 2, 200, 7)
    ours, weights = make_ours(run)
    engine, engine_weights = make_keras_3(run)
    engine.build(engine_weights)
    step = tf.function(lambda *gradients: engine.apply(list(gradients), engine_weights))
    for gradients in run.gradients():
        ours.apply(gradients, weights)
        step(*gradients)
    assert_same_state(ours, weights, engine, engine_weights, "after 200 steps")


@bit_for_bit
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", ["SGD", "RMSprop", "Adam", "AdamW"])
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_some_variables_without_gradient(name, kind):
    """Skipped variables, alone or in a subset, with decay, averages and (Keras 3) accumulation."""
    arguments = {"learning_rate": 0.02, "weight_decay": 0.1, "use_ema": True, "ema_overwrite_frequency": 4}
    if name != "tf_keras":
        arguments["gradient_accumulation_steps"] = 2
    # Vectors of less than 8, where TensorFlow's rsqrt is exact.
    run = Run(kind, arguments, [(3,), (2, 2), (5,)], ["float32"] * 3, 12, 5)
    rng = np.random.default_rng(3)
    with semantics.use(name):
        ours, weights = make_ours(run)
        engine, engine_weights = (make_tf_keras if name == "tf_keras" else make_keras_3)(run)
        ours.build(weights)
        engine.build(engine_weights)
        for step, gradients in enumerate(run.gradients()):
            chosen = sorted(rng.choice(3, size=rng.integers(1, 4), replace=False))
            if step % 2:
                chosen, gradients = [0, 1, 2], [g if i in chosen else None for i, g in enumerate(gradients)]
            given_gradients = [gradients[i] for i in chosen]
            ours.apply(given_gradients, [weights[i] for i in chosen])
            apply(engine, given_gradients, [engine_weights[i] for i in chosen])
            assert_same_state(ours, weights, engine, engine_weights, f"step {step}")


@bit_for_bit
@shows("ema_start", "ema_variables")
@pytest.mark.parametrize("name", ENGINES)
def test_moving_averages(name):
    """Keras 3 starts from zero, where the first step sets, and averages all; tf_keras starts from the weights."""
    run = Run("SGD", {"learning_rate": 0.5, "use_ema": True, "ema_momentum": 0.75}, [(2,), (3,)], ["float32"] * 2, 1, 5)
    (gradients,) = run.gradients()
    with semantics.use(name):
        ours, weights = make_ours(run)
        engine, engine_weights = (make_tf_keras if name == "tf_keras" else make_keras_3)(run)
        start = [numpy(w) for w in weights]
        ours.build(weights)
        engine.build(engine_weights)
        assert_same_state(ours, weights, engine, engine_weights, "built")
        for w in (weights[1], engine_weights[1]):  # set by hand, so that its average would move
            w.assign(start[1] + 1)
        apply(engine, [gradients[0]], engine_weights[:1])
        ours.apply([gradients[0]], weights[:1])
        assert_same_state(ours, weights, engine, engine_weights, "a step of one variable")
        weights[0].assign(start[0])
        engine_weights[0].assign(start[0])
        apply(engine, gradients, engine_weights)
        ours.apply(gradients, weights)
        assert_same_state(ours, weights, engine, engine_weights, "a step of both")


@bit_for_bit
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("frequency", [1, 2, 3, 5])
def test_weights_are_overwritten_by_their_average(name, frequency):
    """After every so many updates, counted from one, and in between not."""
    arguments = {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": frequency}
    run = Run("SGD", arguments, [(2,), (3,)], ["float32"] * 2, 7, 3 + frequency)
    with semantics.use(name):
        ours, weights = make_ours(run)
        engine, engine_weights = (make_tf_keras if name == "tf_keras" else make_keras_3)(run)
        for number, gradients in enumerate(run.gradients(), 1):
            ours.apply(gradients, weights)
            apply(engine, gradients, engine_weights)
            assert_same_state(ours, weights, engine, engine_weights, f"update {number}")


@bit_for_bit
@pytest.mark.parametrize("name", ENGINES)
def test_constraints_come_last(name):
    """Non-negative weights: after the update, and after an overwrite by the average."""
    run = Run("SGD", {"learning_rate": 0.3, "use_ema": True}, [(6,)], ["float32"], 5, 2)
    with semantics.use(name):
        ours, weights = make_ours(run)
        engine, engine_weights = (make_tf_keras if name == "tf_keras" else make_keras_3)(run)
        weights[0].constraint = lambda w: np.maximum(w.value, 0)
        if name == "tf_keras":
            engine_weights[0]._constraint = tf.nn.relu
        else:
            engine_weights[0].constraint = keras.constraints.NonNeg()
        for gradients in run.gradients():
            ours.apply(gradients, weights)
            apply(engine, gradients, engine_weights)
            assert_same_state(ours, weights, engine, engine_weights, "constrained")
        assert (weights[0].value == 0).any()


def test_the_comparison_can_fail():
    assert_same(np.float32([1, np.nan, 1e-45]), np.float32([1, np.nan, 0]), "equal")
    for ours, engine in [(1.0, 1.0 + 2**-52), (1.0, np.float32(1)), ([1.0], 1.0), (np.nan, 0.0)]:
        with pytest.raises(AssertionError):
            assert_same(np.array(ours), np.array(engine), "different")
