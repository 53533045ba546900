"""The optimizers of Keras 2.0.4 on Theano, whose doings `fixtures/keras_2_0_optimizers.py` wrote down."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees, exactly
from parity_tests.engines import tensorflow_only
from parity_tests.optimizer_runs import with_bars
from parity_tests.shows import shows
from refkeras import Variable, config, optimizers, semantics
from refkeras.precision import BarArray

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

FACTS = json.loads((pathlib.Path(__file__).parent / "fixtures" / "keras_2_0_optimizers.json").read_text())
CALLS = {
    "unknown argument": lambda: optimizers.Adam(foo=1),
    "learning_rate=": lambda: optimizers.Adam(learning_rate=0.1),
    "callable": lambda: optimizers.Adam(lr=lambda: 0.1),
    "momentum above 1": lambda: optimizers.SGD(momentum=2.0).get_config()["momentum"],
    "integer rate": lambda: optimizers.SGD(lr=1).get_config()["lr"],
    "positional Adam": lambda: optimizers.Adam(0.1, 0.2, 0.3, 0.4, 0.5).get_config(),
    "positional RMSprop": lambda: optimizers.RMSprop(0.1, 0.2, 0.3, 0.4).get_config(),
    "positional SGD": lambda: optimizers.SGD(0.1, 0.2, 0.3, True).get_config(),
    "clips in config": lambda: optimizers.SGD(clipnorm=1.5, clipvalue=0.5).get_config(),
    "lower case": lambda: [optimizers.__getattr__(name).__name__ for name in ("sgd", "rmsprop", "adam")],
    "get None": lambda: optimizers.get(None),
    "get ADAM": lambda: type(optimizers.get("ADAM")).__name__,
    "get adamw": lambda: optimizers.get("adamw"),
    "AdamW": lambda: optimizers.AdamW(),
    "lr": lambda: float(optimizers.Adam(lr=0.25).lr),
}


@pytest.fixture(autouse=True)
def keras_2_0():
    with semantics.use("keras-2.0"):
        yield


@pytest.fixture
def floatx(run):
    with config.floatx_is(run["floatx"]):
        yield


def _name(run: dict) -> str:
    return f"{run['kind']}-{run['arguments']}-{run['floatx']}"


@shows("steps_counted", "rmsprop_iterations_in_variables", "slot_order", "sgd_momentum_slot", "optimizer_epsilon")
@pytest.mark.parametrize("run", FACTS["runs"], ids=_name)
def test_state(run, floatx):
    """`variables` are the engine's, in its order, and count as it counts."""
    optimizer = getattr(optimizers, run["kind"])(**run["arguments"])
    weights = [Variable(np.array(w, run["floatx"])) for w in run["states"][0]["weights"]]
    for gradients, state in zip(run["gradients"], run["states"][1:], strict=True):
        optimizer.apply([np.array(g, run["floatx"]) for g in gradients], weights)
        assert int(optimizer.iterations) == state["iterations"]
        assert [v.shape for v in optimizer.variables] == [np.shape(s) for s in state["slots"]]
    assert optimizer.get_config() == run["config"]
    assert type(optimizer).from_config(run["config"]).get_config() == run["config"]


def _replay(run: dict, bars: bool = False):
    """Make each step from the engine's own state before it; yield each variable, and what it should hold."""
    dtype = run["floatx"]
    optimizer = getattr(optimizers, run["kind"])(**run["arguments"])
    weights = [Variable(np.array(w, dtype)) for w in run["states"][0]["weights"]]
    if bars:
        with_bars(weights)
    optimizer.build(weights)
    for step, gradients in enumerate(run["gradients"]):
        before, after = run["states"][step], run["states"][step + 1]
        for variable, value in zip(weights, before["weights"], strict=True):
            variable.assign(np.array(value, dtype))
        slots = zip(before["slots"], optimizer.variables, strict=True)
        optimizer.set_weights([np.array(slot, variable.dtype) for slot, variable in slots])
        optimizer.iterations.assign(int(before["iterations"]))
        given = [np.array(g, dtype) for g in gradients]
        optimizer.apply(exactly(given, dtype) if bars else given, weights)
        end = [np.array(x, dtype) for x in (*after["weights"], *after["slots"])]
        yield list(zip([*weights, *optimizer.variables], end, strict=True))


@shows("optimizer_scalars", "rmsprop_root", "clipnorm_over", "clip_arguments")
@pytest.mark.parametrize("run", FACTS["runs"], ids=_name)
def test_steps(run, floatx):
    """Each step, from the engine's own state before it, ends where the engine's did, to rounding."""
    for barred, plain in zip(_replay(run, bars=True), _replay(run), strict=True):
        for (bar, new), (own, _) in zip(barred, plain, strict=True):
            if isinstance(bar.value, BarArray):
                assert_agrees(bar.value, own.value, what=f"{bar.path} on plain arrays")
                assert_agrees(bar.value, new, what=bar.path)
            else:
                assert own.value == new, bar.path  # the count of steps


@shows("adam_moments")
@pytest.mark.parametrize("run", [run for run in FACTS["runs"] if run["floatx"] == "float64"], ids=_name)
def test_averages_in_float64(run, floatx):
    """In float64, where Theano rounds as written, RMSprop's and Adam's averages are the same bit for bit."""
    for variables in _replay(run):
        for variable, new in variables[len(run["states"][0]["weights"]) :]:
            np.testing.assert_array_equal(variable.value, new)


@shows(
    "optimizer_arguments",
    "optimizer_lr_argument",
    "optimizer_decay_argument",
    "optimizer_unknown_argument",
    "optimizer_number_checks",
    "callable_learning_rate",
    "optimizer_may_be_none",
    "optimizer_lr_alias",
    "lower_case_optimizers",
)
@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    """Constructors and `get` return, or raise, what they did."""
    expected = FACTS["calls"][name]
    if "raises" in expected:
        with pytest.raises(Exception) as caught:
            CALLS[name]()
        assert type(caught.value).__name__ == expected["raises"]
    else:
        assert CALLS[name]() == expected["returns"]
