"""compile and fit of Keras 2.0.4 on Theano, whose doings `fixtures/keras_2_0_compile.py` wrote down."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.fixtures import keras_2_0_compile
from parity_tests.shows import shows
from refkeras import precision, semantics

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

RECORD = json.loads((Path(__file__).parent / "fixtures" / "keras_2_0_compile.json").read_text())


def ours(name: str) -> tuple[dict, dict]:
    """Return what is recorded of Keras, of refkeras; and the history with error bars."""
    histories: dict = {}

    def made(inputs, outputs):
        model = refkeras.Model(inputs, outputs)
        fit = model.fit

        def fit_with_bars(*args, **kwargs):
            with precision.bars(model):
                history = fit(*args, **kwargs)
            histories.update(history.history)
            history.history = {key: [np.float32(value.value) for value in values] for key, values in histories.items()}
            return history

        model.fit = fit_with_bars
        return model

    with semantics.use("keras-2.0"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sgd = refkeras.optimizers.SGD(lr=0.0)
        case = keras_2_0_compile.CASES[name]
        return keras_2_0_compile.run(case, refkeras.layers, made, refkeras.Input, sgd), histories


@pytest.mark.parametrize("name", RECORD)
def test_same_as_recorded(name):
    (mine, histories), real = ours(name), RECORD[name]
    assert (mine.get("error"), mine.get("in")) == (real.get("error"), real.get("in"))
    if "history" in real:
        assert [key for key, _ in mine["history"]] == [key for key, _ in real["history"]]
        for key, value in real["history"]:
            # The averages over the batches are NumPy's in Keras 2.0, of float32 numbers.
            assert_agrees(histories[key][0], np.float32(value), what=f"{name}: {key}")


@shows("resolved_at_compile", "accuracy_from_loss", "duplicate_metrics", "metric_names", "crossentropy_by_shape")
def test_what_the_record_shows():
    assert RECORD["list of one"] == {"error": "ValueError", "in": "compile"}
    assert [key for key, _ in RECORD["names"]["history"]][-2:] == ["mean_absolute_error_1", "mean_absolute_error_2"]
    assert RECORD["ce"]["error"] == RECORD["ce metric"]["error"] == "ValueError"
    # The same softmax outputs and one-hot targets: binary accuracy counts numbers, categorical accuracy rows.
    assert RECORD["binary accuracy"]["history"][1][1] != RECORD["accuracy of mse"]["history"][1][1]


@shows("class_weight_missing", "class_and_sample_weights")
def test_weights_in_the_record():
    assert RECORD["missing class"] == {"error": "KeyError", "in": "fit"}
    assert RECORD["both weights"]["history"] == RECORD["sample weights"]["history"][:1]
