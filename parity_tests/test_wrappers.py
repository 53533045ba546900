"""keras.wrappers and refkeras.wrappers: the same grid from the same seed, and the same refusals."""

import contextlib
import io
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import trains
from refkeras import precision

pytestmark = trains

SIDES = pytest.mark.parametrize("side", [keras, refkeras], ids=["keras", "refkeras"])


def model_function(side, X, y, units, rate):
    side.utils.set_random_seed(11)
    first = side.layers.Dense(units, activation="tanh")
    model = side.Sequential([side.Input((X.shape[1],)), first, side.layers.Dense(y.shape[1], activation="softmax")])
    model.compile(side.optimizers.RMSprop(rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


def with_keras(X, y, units=4, rate=0.01):
    return model_function(keras, X, y, units, rate)


def with_refkeras(X, y, units=4, rate=0.01):
    return model_function(refkeras, X, y, units, rate)


MODELS = {keras: with_keras, refkeras: with_refkeras}


def data():
    rows, names = refkeras.datasets.iris.load_data()
    return rows, names


def test_the_same_grid_from_the_same_seed():
    rows, names = data()
    grid = {
        "model_kwargs": [{"units": 2, "rate": 0.003}, {"units": 9, "rate": 0.02}],
        "fit_kwargs": [{"epochs": 3, "batch_size": 16, "verbose": 0}],
    }
    found = {}
    for side, model in MODELS.items():
        with contextlib.redirect_stdout(io.StringIO()):
            search = GridSearchCV(
                side.wrappers.SKLearnClassifier(model), grid, cv=KFold(2, shuffle=True, random_state=1)
            )
            found[side] = search.fit(rows, names)
    theirs, ours = found[keras], found[refkeras]
    # A row whose two largest probabilities are within rounding of each other could fall either way; none is.
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert len(set(ours.cv_results_["mean_test_score"])) == 2
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(ours.predict(rows), theirs.predict(rows))
    assert_same_fit(ours, theirs, rows, names)


def assert_same_fit(ours, theirs, rows, names):
    """The wrapper adds nothing to a fit: its history is that of the model itself, within whose bars Keras's lies."""
    targets = np.eye(3)[np.unique(names, return_inverse=True)[1]]
    making, fitting = (ours.best_params_[key] for key in ("model_kwargs", "fit_kwargs"))
    direct = with_refkeras(rows, targets, **making).fit(rows, targets, **fitting)
    assert ours.best_estimator_.history_.history == direct.history
    fitting = {key: value for key, value in fitting.items() if key != "verbose"}
    run = precision.train(with_refkeras(rows, targets, **making), rows, targets, **fitting)
    real = theirs.best_estimator_.history_.history
    assert set(run.history) == set(real)
    for key, bars in run.history.items():
        assert_agrees(np.stack(bars), np.float32(real[key]), what=key)


@SIDES
def test_what_a_clone_keeps(side):
    estimator = side.wrappers.SKLearnClassifier(MODELS[side], model_kwargs={"units": 3}, fit_kwargs={"epochs": 2})
    with contextlib.nullcontext() if side is keras else pytest.warns(UserWarning, match="without its fit_kwargs"):
        copy = clone(estimator)
    assert copy.get_params() == {**estimator.get_params(), "fit_kwargs": None}


@SIDES
def test_arguments_of_fit_stay(side):
    rows, names = data()
    estimator = side.wrappers.SKLearnClassifier(MODELS[side], fit_kwargs={"epochs": 2, "verbose": 0})
    estimator.fit(rows[::5], names[::5], epochs=1)
    assert estimator.fit_kwargs == {"epochs": 1, "verbose": 0}


@SIDES
@pytest.mark.parametrize(
    ("target", "error"), [(np.zeros(150), ValueError), (np.linspace(0, 1, 150), ValueError), (None, RuntimeError)]
)
def test_refusals(side, target, error):
    rows, names = data()
    bare = side.Sequential([side.Input((4,)), side.layers.Dense(3)])
    model, y = (bare, names) if target is None else (MODELS[side], target)
    with pytest.raises(error):
        side.wrappers.SKLearnClassifier(model).fit(rows, y)


@SIDES
def test_a_pickled_model_keeps_weights_and_optimizer_and_no_history(side):
    rows, names = data()
    model = MODELS[side](rows, np.eye(3)[np.unique(names, return_inverse=True)[1]])
    model.fit(rows, np.eye(3)[np.unique(names, return_inverse=True)[1]], epochs=2, batch_size=50, verbose=0)
    twin = pickle.loads(pickle.dumps(model))
    assert int(twin.optimizer.iterations) == 6
    assert twin.compiled
    assert twin.name == model.name
    assert getattr(twin, "history", None) is None
    for mine, other in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(twin.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


def test_a_clone_of_a_model_is_compiled_and_draws_the_same():
    rows, _ = data()
    clones = []
    for side, model in MODELS.items():
        made = model(rows, np.eye(3))
        side.utils.set_random_seed(5)
        clones.append(side.models.clone_model(made))
    theirs, ours = clones
    assert ours.compiled == theirs.compiled
    assert float(ours.optimizer.learning_rate) == float(np.asarray(theirs.optimizer.learning_rate))
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
