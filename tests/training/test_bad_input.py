"""Wrong calls are refused before any weight has moved, in words that name the argument."""

import numpy as np
import pytest

import refkeras

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(8) % 3]


def model(loss="categorical_crossentropy", **options):
    built = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3, activation="softmax")])
    built.compile("adam", loss, **options)
    return built


CASES = {
    "misspelt loss": (lambda: model("categorial_crossentropy"), {}, ValueError, "categorical_crossentropy"),
    "misspelt metric": (lambda: model(metrics=["acuracy"]), {}, ValueError, "accuracy"),
    "wrong feature size": (model, {"x": X[:, :3]}, ValueError, "shape"),
    "wrong rank": (model, {"x": X[:, :, None, None]}, ValueError, "shape"),
    "wrong number of rows": (model, {"y": Y[:5]}, ValueError, "5"),
    "wrong number of classes": (model, {"y": Y[:, :2]}, ValueError, "shape"),
    "too many targets": (model, {"y": [Y, Y]}, ValueError, ""),
    "object array": (model, {"x": X.astype(object)}, ValueError, "object"),
    "strings": (model, {"x": X.astype(str)}, ValueError, ""),
    "list of lists": (model, {"x": X.tolist()}, ValueError, ""),
    "no targets": (model, {"y": None}, ValueError, ""),
    "split leaves nothing to train": (model, {"validation_split": 0.99}, ValueError, "validation_split"),
    "split leaves nothing to validate": (model, {"validation_split": -0.01}, ValueError, "validation_split"),
    "negative batch size": (model, {"batch_size": -1}, ValueError, "batch_size"),
    "wrong sample_weight length": (model, {"sample_weight": np.ones(3)}, ValueError, "3"),
    "both kinds of weights": (
        model,
        {"sample_weight": np.ones(8), "class_weight": {0: 1.0}},
        ValueError,
        "class_weight",
    ),
    "unknown argument": (model, {"epoch": 3}, TypeError, "epoch"),
    "not a callback": (model, {"callbacks": ["stop"]}, (AttributeError, TypeError), "stop"),
    "no loss": (lambda: model(None), {}, ValueError, "loss"),
}


@pytest.mark.parametrize("case", CASES)
def test_fit_refuses(case):
    make, arguments, error, words = CASES[case]
    m = make()
    before = m.get_weights()
    with pytest.raises(error) as caught:
        m.fit(**({"x": X, "y": Y, "verbose": 0} | arguments))
    assert words in str(caught.value)
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: model().compile("adamm", "mse"), ValueError, "adam"),
        (lambda: model().compile("adam", "mse", metric=["mae"]), TypeError, "metric"),
        (lambda: refkeras.layers.Dense(0), ValueError, "units"),
        (lambda: refkeras.layers.Dense(-2), ValueError, "units"),
        (lambda: refkeras.layers.LSTM(0), ValueError, "units"),
        (lambda: refkeras.layers.Dense(2, activation="rellu"), ValueError, "relu"),
        (lambda: refkeras.layers.Dense(2, kernel_initializer="glorot"), ValueError, "glorot"),
        (lambda: refkeras.layers.Dense(2, activaton="relu"), ValueError, "activation"),
        (
            lambda: refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(1)]).fit(X, X),
            ValueError,
            "compile",
        ),
        (lambda: refkeras.Input(), ValueError, "shape"),
        (lambda: refkeras.Input((-3,)), ValueError, "Negative"),
        (lambda: refkeras.Input(3), ValueError, "shape"),
        (lambda: refkeras.layers.Dropout(1.5), ValueError, "1.5"),
        (lambda: refkeras.semantics.use("keras-4"), ValueError, "keras-3@tensorflow"),
        (lambda: refkeras.config.set_floatx("float16"), ValueError, "float32"),
        (lambda: refkeras.layer, AttributeError, "layers"),
    ],
)
def test_construction_refuses(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_nan_input_gives_nan_as_in_keras():
    x = X.copy()
    x[0, 0] = np.nan
    history = model().fit(x, Y, verbose=0)
    assert np.isnan(history.history["loss"][0])
