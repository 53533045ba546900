"""Error bars hold, and are narrow: small parts of `make soundness` and `make sharpness`.

Operations, layers, losses, optimizers and whole training runs with error bars beside the engines of this
process; and errors that are put into the engine's numbers, which must be noticed.
"""

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import ENGINES, KERAS_3, keras, numpy, tensor, tensorflow_only
from parity_tests.soundness import __main__ as campaign
from parity_tests.soundness import cases
from parity_tests.soundness.sharpness import injected, lstm
from parity_tests.soundness.worker import run
from refkeras import precision, semantics


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_everything_is_explained(engine):
    """One repetition of every case; on Keras 3 whole training runs of 20 epochs too."""
    _, alarms = run(engine, share=0.0, seed=5, trainings=engine == KERAS_3)
    assert not alarms, "\n".join(alarms)


@pytest.mark.parametrize(("steps", "units"), [(30, 12), (4, 40)])
def test_lstm_bars_hold_and_are_narrow(steps, units):
    bar, value = lstm(steps, units, 4)
    assert_agrees(bar, value)
    assert np.median(precision.compare(bar, value).sigmas) > 0.1
    assert injected(bar, value, 8)
    assert not injected(bar, value, 0)


def both(build):
    rng = np.random.default_rng(3)
    ours, theirs = cases.build_both(keras, build, rng, 1.5)
    return ours, theirs, rng.normal(size=(20, *ours.input_shape[1:])).astype("float32")


def test_swapped_gates_are_noticed():
    ours, theirs, x = both(lambda K: K.Sequential([K.Input((3, 4)), K.layers.LSTM(5)]))
    i, f, c, o = np.split(theirs.get_weights()[0], 4, axis=1)
    theirs.set_weights([np.concatenate([f, i, c, o], 1), *theirs.get_weights()[1:]])
    assert precision.compare(precision.evaluate(ours, x), numpy(theirs(tensor(x)))).largest > 1e4


def test_an_error_of_a_hundred_thousandth_in_softmax_is_noticed():
    ours, theirs, x = both(lambda K: K.Sequential([K.Input((6,)), K.layers.Dense(5, activation="softmax")]))
    bar, value = precision.evaluate(ours, x), numpy(theirs(tensor(x)))
    assert_agrees(bar, value)
    assert not precision.compare(bar, value * np.float32(1 + 1e-5)).agrees


def test_tf32_products_are_no_float32_products():
    ours, _, x = both(lambda K: K.Sequential([K.Input((30,)), K.layers.Dense(20)]))
    kernel, bias = ours.get_weights()
    short = [precision.machine("bfloat16").round(a.astype(float) * 8) / 8 for a in (x, kernel)]  # 8 bits, of 11
    value = (short[0] @ short[1] + bias).astype("float32")
    assert not precision.compare(precision.evaluate(ours, x), value).agrees
    fewer = precision.evaluate(ours, x, machine=precision.Machine("short", "float32", 2**-24, 2**-24, 2**-8, 2**-126))
    assert precision.compare(fewer, value).agrees


@tensorflow_only("one backend is enough to see an optimizer's epsilon")
def test_epsilon_inside_the_root_is_noticed():
    ours, _, x = both(lambda K: K.Sequential([K.Input((6,)), K.layers.Dense(5)]))
    y = np.zeros((20, 5), "float32")
    ours.compile(refkeras.optimizers.RMSprop(0.01, epsilon=1e-3), "mse")
    inside, outside = semantics.get("keras-3@tensorflow"), semantics.get("keras-2.0")
    assert (inside.rmsprop_root, outside.rmsprop_root) == ("divide", "epsilon outside")
    start = ours.get_weights()
    run = precision.train(ours, x, y, epochs=1, batch_size=20)
    other = refkeras.Sequential([refkeras.Input((6,)), refkeras.layers.Dense(5)])
    other.set_weights(start)
    with semantics.use("keras-2.0"):
        other.compile(refkeras.optimizers.RMSprop(0.01, epsilon=1e-3), "mse")
    other.fit(x, y, epochs=1, batch_size=20, verbose=0)
    assert not all(precision.compare(a, b).agrees for a, b in zip(run.weights, other.get_weights(), strict=True))


def test_accuracy_is_exact_where_no_bar_reaches_the_edge():
    build = lambda K: K.Sequential([K.Input((6,)), K.layers.Dense(5, activation="softmax")])  # noqa: E731
    ours, theirs, x = both(build)
    y = np.eye(5, dtype="float32")[np.arange(20) % 5]
    for model in (ours, theirs):
        model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["accuracy"])
    with semantics.use(KERAS_3), precision.bars(ours) as found:
        logs = ours.evaluate(x, y, verbose=0, return_dict=True)
    theirs_logs = theirs.evaluate(x, y, verbose=0, return_dict=True)
    assert found.edges.decisions >= 20
    assert found.edges.near == 0
    assert float(np.float32(logs["accuracy"].value)) == theirs_logs["accuracy"]
    assert_agrees(logs["loss"], np.float32(theirs_logs["loss"]))


def test_the_campaign_can_fail(monkeypatch, capsys):
    """For an alarm, and for too few numbers; `make soundness` ends with that status."""
    result = {"keras-3@jax": {"sigmas": {"tanh": [0.1] * 10, "* hard_silu": [0.3]}, "alarms": []}}
    monkeypatch.setattr(campaign, "collect", lambda backend: result)
    assert campaign.main(["keras@jax"]) == 1
    monkeypatch.setattr(campaign, "ENOUGH", 10)
    assert campaign.main(["keras@jax"]) == 0
    assert "10 numbers were compared, at least 10 on each engine.\nEverything is explained." in capsys.readouterr().out
    result["keras-3@jax"]["alarms"].append("tanh: 9.0 sigma")
    assert campaign.main(["keras@jax"]) == 1
    assert "UNEXPLAINED tanh: 9.0 sigma" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="No such engine: theano"):
        campaign.main(["theano"])
