"""A mistake is found where it is made: what the engine sends back is spoiled, one array at a time."""

import numpy as np
import pytest

from refkeras import config
from refkeras.verify.model.findings import COMPILED
from tests.verify.model.made import saved, verified


@pytest.fixture
def path(tmp_path):
    return saved(tmp_path)


def test_refkeras_agrees_with_itself(path, monkeypatch):
    outcome = verified(path, monkeypatch, train=2)
    assert outcome.agrees and outcome.complete
    (each,) = outcome.outcomes
    assert each.culprit is None
    stages = [finding.stage for finding in each.findings]
    assert list(dict.fromkeys(stages)) == ["layer", "end to end", "training", COMPILED]
    calls = [(f.place, f.call) for f in each.findings if f.quantity == "output" and f.stage == "layer"]
    once = ["masking", "first", "encoder/inner_lstm", "encoder/inner_dense", "second", "joined", "dropout"]
    once += ["value", "classes"]
    assert sorted(calls) == sorted([*((name, 0) for name in once), ("shared", 0), ("shared", 1)])
    assert {f.place for f in each.findings if f.quantity == "output at each step"} == {"encoder/inner_lstm", "second"}
    assert sum(f.quantity.startswith("gradient of") for f in each.findings) == 2 * 17
    assert max(f.median for f in each.findings if f.stage == "layer" and "lstm" in f.place) > 0.05


def spoiled(index, error, *names):
    def spoil(arrays):
        (name,) = (n for n in arrays if all(part in n for part in names)) if len(names) > 1 else names
        array = arrays[name].copy()
        array[index] *= 1 + error
        arrays[name] = array

    return spoil


def call_of(path, monkeypatch, place):
    """Return the number of a layer's first call."""
    (each,) = verified(path, monkeypatch).outcomes
    return next(i for i, call in enumerate(each.calls) if call.place == place)


@pytest.mark.parametrize("place", ["first", "encoder/inner_lstm", "shared", "classes"])
def test_the_layer_is_named(path, monkeypatch, place):
    number = call_of(path, monkeypatch, place)
    outcome = verified(path, monkeypatch, spoiled(slice(None), 1e-4, f"calls/{number}/outputs"))
    (each,) = outcome.outcomes
    assert not outcome.agrees
    assert (each.culprit.stage, each.culprit.place, each.culprit.quantity) == ("layer", place, "output")
    # Each layer gets the engine's own input, so the mistake is not carried on.
    assert {f.place for f in each.findings if not f.agrees} == {place}


def test_the_time_step_is_named(path, monkeypatch):
    number = call_of(path, monkeypatch, "second")
    (each,) = verified(path, monkeypatch, spoiled(np.s_[2:4, 3:], 1e-3, f"calls/{number}/steps")).outcomes
    assert each.culprit.quantity == "output at each step"
    assert each.culprit.step == 3
    assert each.culprit.first.index[:2] == (2, 3)
    number = call_of(path, monkeypatch, "first")
    (each,) = verified(path, monkeypatch, spoiled(np.s_[5, 4, 1], 1e-3, f"calls/{number}/outputs")).outcomes
    assert (each.culprit.step, each.culprit.first.index, each.culprit.beyond) == (4, (5, 4, 1), 1)
    assert {element.index for element in each.culprit.around} >= {(5, 3, 1), (5, 4, 0), (5, 4, 2), (5, 5, 1)}


def test_weights_that_were_read_wrongly_come_first(path, monkeypatch):
    (each,) = verified(path, monkeypatch, spoiled((0, 0), 1e-7, "loaded/shared/0")).outcomes
    assert (each.culprit.stage, each.culprit.place, each.culprit.quantity) == ("weights", "shared", "kernel as read")


def test_a_compiled_model_that_differs(path, monkeypatch):
    (each,) = verified(path, monkeypatch, spoiled((3, 2), 1e-5, "outputs/0")).outcomes
    assert (each.culprit.stage, each.culprit.place) == ("end to end", "classes")


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("eager/1/gradients/0", "gradient of kernel"),
        ("eager/1/weights/0", "update of kernel"),
        ("eager/1/slots/2", "update of momentum of kernel"),
        ("eager/1/slots/3", "update of velocity of kernel"),
    ],
)
def test_a_training_step_is_named(path, monkeypatch, name, quantity):
    (each,) = verified(path, monkeypatch, spoiled((1, 2), 1e-4, name), train=2).outcomes
    found = [f for f in each.findings if not f.agrees and f.quantity == quantity]
    assert [(f.stage, f.place, f.call) for f in found] == [("training", "first", 1)]
    assert each.culprit in found or quantity.startswith("update")


def test_float64_is_judged_as_float64(path, monkeypatch):
    def spoil(arrays):
        name = next(n for n in arrays if n.startswith("outputs/1"))
        assert arrays[name].dtype == "float64"
        arrays[name] = arrays[name].astype("float32")

    assert verified(path, monkeypatch, precision="float64").agrees
    (each,) = verified(path, monkeypatch, spoil, precision="float64").outcomes
    assert (each.culprit.stage, each.culprit.place) == ("end to end", "value")


def test_the_caller_s_dtypes_are_left_alone(path, monkeypatch):
    config.reset_dtype_policy()  # no layer has been made
    assert verified(path, monkeypatch, precision="float64").agrees
    assert (config.floatx(), config.dtype_policy().name) == ("float32", "float32")
    config.set_dtype_policy("float64")
    try:
        assert verified(path, monkeypatch, precision="float32").agrees
        assert (config.floatx(), config.dtype_policy().name) == ("float32", "float64")
    finally:
        config.reset_dtype_policy()
