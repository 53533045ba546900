"""The wrappers by themselves: what they take, what they refuse, what a clone and a pickle keep."""

import contextlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import refkeras
from refkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer
from tests.wrappers.models import seeded

QUIET = {"verbose": 0}


@pytest.fixture(autouse=True)
def silent(capsys):
    """Predict shows its progress, in the wrappers as in Keras."""
    return


def labelled(rows=24):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, 4))
    return X, np.array(["ash", "elm", "oak"])[np.argmax(X[:, :3], axis=1)]


def softmax_model():
    model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


def test_a_fit_leaves_the_given_model_alone():
    X, y = labelled()
    model = softmax_model()
    before = model.get_weights()
    fitted = SKLearnClassifier(model).fit(X, y, epochs=3, **QUIET)
    for mine, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, old)
    assert fitted.model_ is not model
    assert len(fitted.history_.history["loss"]) == 3
    assert fitted.epoch_ == [0, 1, 2]


def test_predictions_are_the_classes_of_the_largest_outputs():
    X, y = labelled()
    fitted = SKLearnClassifier(seeded).fit(X, y, epochs=5, **QUIET)
    assert fitted.classes_.tolist() == ["ash", "elm", "oak"]
    largest = np.argmax(fitted.decision_function(X), axis=1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[largest])
    assert len(set(largest)) > 1


def test_arguments_of_fit_stay_in_fit_kwargs_as_in_keras():
    X, y = labelled()
    fitted = SKLearnClassifier(seeded, fit_kwargs={"epochs": 2, **QUIET}).fit(X, y, epochs=4)
    assert fitted.fit_kwargs["epochs"] == len(fitted.history_.history["loss"]) == 4


def test_a_clone_has_no_fit_kwargs_and_says_so():
    estimator = SKLearnClassifier(seeded, model_kwargs={"units": 3}, fit_kwargs={"epochs": 2})
    with pytest.warns(UserWarning, match="without its fit_kwargs"):
        copy = clone(estimator)
    assert copy.get_params() == {**estimator.get_params(), "fit_kwargs": None}


def test_warm_start_says_that_it_has_no_effect():
    X, y = labelled()
    with pytest.warns(UserWarning, match="warm_start=True has no effect"):
        SKLearnClassifier(seeded, warm_start=True).fit(X, y, **QUIET)


def not_compiled(X, y):
    return refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3)])


@pytest.mark.parametrize(
    ("model", "target", "error", "message"),
    [
        (not_compiled, None, RuntimeError, "needs to be compiled, and have a loss and an optimizer"),
        (seeded, np.zeros(24), ValueError, "only one class is present"),
        (seeded, np.linspace(0, 1, 24), ValueError, "Target type: continuous"),
    ],
)
def test_refusals(model, target, error, message):
    X, y = labelled()
    with pytest.raises(error, match=message):
        SKLearnClassifier(model).fit(X, y if target is None else target, **QUIET)


def test_not_fitted():
    X, _ = labelled()
    for ask in (SKLearnClassifier(seeded).predict, SKLearnTransformer(seeded).transform):
        with pytest.raises(NotFittedError):
            ask(X)


def test_metadata_requests():
    estimator = SKLearnClassifier(seeded)
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        estimator.set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        asked = estimator.set_fit_request(sample_weight=True)._metadata_request
    assert asked.score.requests == {"sample_weight": True}


def test_a_regressor_answers_in_the_form_of_its_target():
    X, _ = labelled()
    model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert SKLearnRegressor(model).fit(X, X[:, 1], **QUIET).predict(X).shape == (24,)


def test_a_transformer_in_a_pipeline():
    X, _ = labelled()
    model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(2)])
    model.compile("sgd", "mse")
    step = SKLearnTransformer(model, fit_kwargs=dict(QUIET))
    pipe = make_pipeline(step, StandardScaler()).fit(X, X[:, 0])
    assert pipe.transform(X).shape == (24, 2)


def test_a_pickle_predicts_the_same():
    X, y = labelled()
    fitted = SKLearnClassifier(seeded).fit(X, y, epochs=3, **QUIET)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.decision_function(X), fitted.decision_function(X))


def test_a_pickle_from_other_semantics_warns():
    estimator = SKLearnClassifier(seeded)
    with refkeras.semantics.use("tf_keras"):
        data = pickle.dumps(estimator)
    with pytest.warns(UserWarning, match="REFKERAS_SEMANTICS"):
        pickle.loads(data)


def test_without_scikit_learn_the_error_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None\nfrom refkeras.wrappers import SKLearnClassifier"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "requires `scikit-learn`" in done.stderr
    assert "pip install scikit-learn" in done.stderr


def test_a_script_of_keras_finds_them():
    code = (
        "import refkeras.run; refkeras.run.install()\nfrom keras.wrappers import SKLearnClassifier\n"
        "print(SKLearnClassifier.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("refkeras."), done.stderr


def test_unknown_names_have_a_suggestion():
    with contextlib.suppress(ImportError), pytest.raises(AttributeError, match="Did you mean 'SKLearnClassifier'"):
        refkeras.wrappers.SKLearnClasifier  # noqa: B018
