"""`forward` and `step`: every intermediate is what the layers compute, and the model stays as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refkeras as keras
from refkeras import explain, semantics

UNITS, STEPS, FEATURES, ROWS = 4, 6, 3, 5


def states(model):
    """Everything that a step changes, copied."""
    found = [*model.variables, *(v for layer in model.layers for v in getattr(layer, "states", None) or ())]
    found += model.optimizer.variables if model.optimizer else []
    return [v.numpy() for v in found]


def make_model(lstm=None, stateful=False):
    given = keras.Input(batch_shape=(ROWS, STEPS, FEATURES), name="given")
    x = keras.layers.Masking(name="masking")(given)
    layer = keras.layers.LSTM(UNITS, return_state=True, stateful=stateful, name="lstm", **(lstm or {}))
    y, _, c = layer(x)
    y = keras.layers.Dropout(0.4, name="dropout")(y)
    answer = keras.layers.Dense(2, activation="softmax", kernel_regularizer="l2", name="answer")(y)
    model = keras.Model(given, [answer, c])
    model.compile("adam", ["categorical_crossentropy", "mse"], loss_weights=[0.4, 0.6])
    return model


def make_data(seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, STEPS, FEATURES)).astype("float32")
    x[1, 4:] = 0
    return x, [np.eye(2, dtype="float32")[rng.integers(2, size=ROWS)], rng.normal(size=(ROWS, UNITS)).astype("float32")]


@pytest.mark.parametrize("name", sorted(semantics.PRESETS))
@pytest.mark.parametrize("stateful", [False, True])
def test_a_step_is_what_train_on_batch_then_does(name, stateful):
    with semantics.use(name):
        keras.utils.set_random_seed(7)
        model = make_model({"dropout": 0.3, "recurrent_dropout": 0.2, "unroll": True}, stateful)
        x, y = make_data()
        for _ in range(2):
            before = states(model)
            explain.forward(model, x, training=True)
            found = explain.step(model, x, y)
            after = states(model)
            assert len(before) == len(after) and all((a == b).all() for a, b in zip(before, after, strict=True))
            logs = model.train_on_batch(x, y, return_dict=True)
            assert float(found.loss.value) == logs["loss"]
            assert found.loss.verify() > 2 * ROWS * UNITS
            for change, variable in zip(found.weights, model.trainable_variables, strict=True):
                np.testing.assert_array_equal(change.after, variable.value)
            for change, variable in zip(found.slots, model.optimizer.variables, strict=True):
                np.testing.assert_array_equal(change.after, variable.value)
            last = found.forward["lstm.h"][:, -1]
            np.testing.assert_array_equal(last, found.forward["lstm[0]"])


@settings(deadline=None, max_examples=25)
@given(
    st.booleans(), st.booleans(), st.sampled_from(["tanh", "relu"]), st.sampled_from(["sigmoid", "hard_sigmoid"]),
    st.booleans(), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_the_gates_are_those_of_the_layer(sequences, backwards, activation, recurrent, bias, masked, seed):
    keras.utils.set_random_seed(seed)
    layer = keras.layers.LSTM(
        UNITS, activation=activation, recurrent_activation=recurrent, use_bias=bias, go_backwards=backwards,
        return_sequences=sequences, return_state=True, name="lstm", bias_initializer="random_normal",
    )  # fmt: skip
    given_x = keras.Input((STEPS, FEATURES), name="given")
    x = keras.layers.Masking(name="masking")(given_x) if masked else given_x
    model = keras.Model(given_x, layer(x))
    rows, _ = make_data(seed)
    found = explain.forward(model, rows)
    y, h, c = model.predict_on_batch(rows)
    np.testing.assert_array_equal(found["lstm.h"][:, -1], h)
    np.testing.assert_array_equal(found["lstm.c"][:, -1], c)
    np.testing.assert_array_equal(found["lstm[0]"], y)
    if not masked:
        np.testing.assert_array_equal(found["lstm.h"] if sequences else found["lstm.h"][:, -1], y)
        check_recurrence(found, layer, rows[:, ::-1] if backwards else rows)


def check_recurrence(found, layer, x):
    """Compute the gates once more, in double precision, from the states that were found."""
    kernel, recurrent = (w.value.astype("float64") for w in (layer.cell.kernel, layer.cell.recurrent_kernel))
    bias = 0 if layer.cell.bias is None else layer.cell.bias.value
    before = np.pad(found["lstm.h"], ((0, 0), (1, 0), (0, 0)))[:, :-1].astype("float64")
    c = np.pad(found["lstm.c"], ((0, 0), (1, 0), (0, 0)))[:, :-1].astype("float64")
    z = x.astype("float64") @ kernel + before @ recurrent + bias
    size = np.abs(x) @ np.abs(kernel) + np.abs(before) @ np.abs(recurrent) + np.abs(bias) + 1
    # One rounding for each product and sum, and a few for the activation, whose slope is at most 1.
    allowed = (FEATURES + UNITS + 8) * 2.0**-24 * size
    gates = {"i": 0, "f": 1, "g": 2, "o": 3}
    for name, k in gates.items():
        activate = layer.activation if name == "g" else layer.recurrent_activation
        columns = slice(k * UNITS, (k + 1) * UNITS)
        expected = np.asarray(activate(z[..., columns]))
        assert (np.abs(found[f"lstm.{name}"] - expected) <= allowed[..., columns]).all(), name
    g = {name: found[f"lstm.{name}"].astype("float64") for name in "ifgo"}
    expected = g["f"] * c + g["i"] * g["g"]
    assert (np.abs(found["lstm.c"] - expected) <= 2.0**-22 * (np.abs(g["f"] * c) + np.abs(g["i"] * g["g"]))).all()
    expected = g["o"] * np.asarray(layer.activation(found["lstm.c"].astype("float64")))
    assert (np.abs(found["lstm.h"] - expected) <= 2.0**-21 * np.abs(expected) + 1e-45).all()


def test_swapped_gates_would_be_seen():
    model = make_model()
    x, _ = make_data()
    x[1, 4:] = 1
    found = explain.forward(model, x)
    layer = model.get_layer("lstm")
    check_recurrence(found, layer, x)
    swapped = {**found, "lstm.i": found["lstm.f"], "lstm.f": found["lstm.i"]}
    with pytest.raises(AssertionError):
        check_recurrence(swapped, layer, x)


def test_names_of_shared_and_nested_layers():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="relu", name="deep")], name="inner")
    shared = keras.layers.Dense(3, name="shared")
    given_x = keras.Input((3,), name="given")
    model = keras.Model(given_x, shared(inner(shared(given_x))))
    found = explain.forward(model, np.eye(3, dtype="float32"))
    assert list(found) == ["given", "shared", "deep.z", "deep", "inner", "shared@2"]
    np.testing.assert_array_equal(found["deep"], np.maximum(found["deep.z"], 0))
    np.testing.assert_array_equal(found["shared@2"], model.predict_on_batch(np.eye(3, dtype="float32")))
    with pytest.raises(KeyError, match=r"'sharde'; there are given, shared, deep\.z"):
        found["sharde"]


def test_tables_show_shapes_and_numbers():
    model = make_model()
    found = explain.step(model, *make_data())
    text = str(found)
    for part in ("lstm.i", "(5, 6, 4)", "answer/kernel", "gradients", "/iteration", "loss of the batch = "):
        assert part in text, part
    assert "lstm.f" in found._repr_html_()
    iteration = next(change for change in found.slots if change.path.endswith("/iteration"))
    assert (int(iteration.before), int(iteration.after)) == (0, 1)
    assert found.forward.to_dict()["answer"] == found.forward["answer"].tolist()


def test_a_step_needs_a_compiled_model_and_data_that_fit():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"You must call `compile\(\)` before calling `explain\.step\(\)`"):
        explain.step(model, np.ones((2, 3)), np.ones((2, 2)))
    model.compile("sgd", "mse")
    before = states(model)
    with pytest.raises(ValueError, match="expected axis -1"):
        explain.step(model, np.ones((2, 4)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="cannot be specified at the same time"):
        explain.step(model, np.ones((2, 3)), np.ones((2, 2)), [1, 2], {0: 1})
    assert all((a == b).all() for a, b in zip(before, states(model), strict=True))
    assert "forward" not in vars(model.layers[-1])
