"""`refkeras verify MODEL` on real engines: a mistake is found where it is made, and nothing else is blamed.

What needs no training is asked of the NumPy backend where it can be had, as it starts fastest;
`make sabotage` makes every mistake on every backend that is installed.
"""

from importlib.util import find_spec

import pytest

import refkeras
from parity_tests.engines import keras, tensorflow_only
from parity_tests.sabotage import python_with, save_model
from refkeras.verify.model.command import verify_model
from refkeras.verify.model.main import engine_named

pytestmark = tensorflow_only("starts processes of its own")
#: Keras's NumPy backend imports JAX and SciPy.
QUICK = "keras@numpy" if find_spec("jax") and find_spec("scipy") else "keras@tensorflow"
LSTMS, DENSE = {"first_lstm", "second_lstm"}, {"hidden", "answer"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("sabotage")
    save_model(made / "model.keras")
    return made


def verified(folder, mistakes, engine="keras@tensorflow", **options):
    """Verify the model on an engine with each mistake; return mistake → outcome."""
    engines = [engine_named(engine, python_with(mistake, folder)) for mistake in mistakes]
    outcome = verify_model(folder / "model.keras", engines, samples=16, **options)
    return dict(zip(mistakes, outcome.outcomes, strict=True))


@pytest.fixture(scope="module")
def trained(folder):
    return verified(folder, ["", "epsilon"], train=1)


@pytest.fixture(scope="module")
def run(folder):
    return verified(folder, ["gate", "tf32", "softmax"], QUICK)


def blamed(outcome):
    """Return the layers that disagree when they are run by themselves."""
    return {finding.place for finding in outcome.findings if finding.stage == "layer" and not finding.agrees}


def check_without_mistake(outcome, train=True):
    assert outcome.agrees, outcome.culprit
    stages = {finding.stage for finding in outcome.findings}
    assert stages == {"layer", "end to end", *(("training", "compiled training") if train else ())}
    assert {f.place for f in outcome.findings if f.stage == "layer"} == LSTMS | DENSE
    # A bar is of no use if it is far too wide.
    assert all(f.median > 0.1 for f in outcome.findings if f.stage == "layer" and f.quantity == "output")


def check_epsilon(outcome):
    assert not blamed(outcome)
    bad = [finding for finding in outcome.findings if finding.stage != "compiled training" and not finding.agrees]
    assert {finding.stage for finding in bad} == {"training"}
    # Losses, gradients and slots agree: it is the update of the weights, of every one.
    assert {finding.quantity for finding in bad} == {f"update of {w}" for w in ("kernel", "recurrent_kernel", "bias")}
    assert {finding.place for finding in bad} == LSTMS | DENSE
    assert outcome.culprit.place == "first_lstm"


def test_a_keras_without_mistake_passes(trained):
    check_without_mistake(trained[""])


def test_a_swapped_gate(run):
    outcome = run["gate"]
    assert blamed(outcome) == LSTMS
    assert (outcome.culprit.place, outcome.culprit.step) == ("first_lstm", 0)


def test_epsilon_inside_the_root(trained):
    check_epsilon(trained["epsilon"])


def test_tf32_products_judged_as_float32(run):
    assert blamed(run["tf32"]) == LSTMS | DENSE
    assert run["tf32"].culprit.place == "first_lstm"


def test_tf32_products_judged_as_tf32(folder):
    (outcome,) = verified(folder, ["tf32"], QUICK, precision="tf32").values()
    assert outcome.agrees, outcome.culprit


def test_a_hundred_thousandth_in_softmax(run):
    assert blamed(run["softmax"]) == {"answer"}
    assert run["softmax"].culprit.place == "answer"


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_other_backends(folder, backend):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: `make replay` installs it")
    found = verified(folder, ["", "epsilon"], f"keras@{backend}", train=1)
    check_without_mistake(found[""])
    check_epsilon(found["epsilon"])


def test_a_layer_that_refkeras_does_not_have(tmp_path):
    assert not hasattr(refkeras.layers, "EinsumDense")
    layers = keras.layers
    inputs = keras.Input((5, 3), name="x")
    before = layers.Dense(4, activation="tanh", name="before")(inputs)
    unknown = layers.EinsumDense("abc,cd->abd", (None, 6), name="unknown")(before)
    outputs = layers.Dense(2, name="behind")(layers.LSTM(3, name="lstm")(unknown))
    keras.Model(inputs, outputs, name="whole").save(tmp_path / "model.keras")
    outcome = verify_model(tmp_path / "model.keras", [engine_named(QUICK)], samples=4)
    assert outcome.agrees and not outcome.complete
    (missing,) = outcome.missing
    assert (missing.path, missing.class_name, missing.place) == ("unknown", "EinsumDense", "layer 3 of model 'whole'")
    (found,) = outcome.outcomes
    assert [f.place for f in found.findings if f.quantity == "output"] == ["before", "lstm", "behind"]
    assert [call.kind for call in found.calls] == ["Dense", "EinsumDense", "LSTM", "Dense"]
