"""scikit-learn's own checks of estimators."""

import unittest

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from refkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer
from tests.wrappers.models import dense

# A subset of what Keras itself expects to fail (keras/src/wrappers/sklearn_test.py).
EXPECTED_TO_FAIL = {
    "SKLearnClassifier": {
        "check_classifiers_one_label_sample_weights": "a weight of 0 takes no row out of the list of classes",
        "check_classifiers_classes": "the clones train for one epoch, which is too short to predict every class",
        "check_classifiers_train": "decision_function returns whatever the model ends in, probabilities or logits",
    },
    "SKLearnRegressor": {},
    "SKLearnTransformer": {},
}


ESTIMATORS = [
    SKLearnClassifier(dense, model_kwargs={"loss": "categorical_crossentropy", "layers": [20, 20, 20]}),
    SKLearnRegressor(dense, model_kwargs={"loss": "mse", "out": None}),
    SKLearnTransformer(dense, model_kwargs={"loss": "mse", "out": None}),
]


def name(value):
    """A name that is the same in every process (scikit-learn's own shows where `dense` lies in memory)."""
    if isinstance(value, tuple(map(type, ESTIMATORS))):
        return type(value).__name__
    given = ", ".join(f"{key}={item}" for key, item in value.keywords.items())
    return f"{value.func.__name__}({given})" if given else value.func.__name__


@pytest.mark.filterwarnings("ignore:scikit-learn clones")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pair
        for estimator in ESTIMATORS
        for pair in estimator_checks_generator(
            estimator, expected_failed_checks=EXPECTED_TO_FAIL[type(estimator).__name__], mark="xfail"
        )
    ],
    ids=name,
)
def test_check(estimator, check):
    try:
        check(estimator)
    except unittest.SkipTest as reason:
        pytest.skip(str(reason))
