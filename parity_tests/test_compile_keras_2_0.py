"""compile and fit of Keras 2.0.4 on Theano, whose doings `fixtures/keras_2_0_compile.py` wrote down."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.fixtures import keras_2_0_compile
from parity_tests.shows import shows
from refkeras import semantics

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

RECORD = json.loads((Path(__file__).parent / "fixtures" / "keras_2_0_compile.json").read_text())


def ours(name: str) -> dict:
    with semantics.use("keras-2.0"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sgd = refkeras.optimizers.SGD(lr=0.0)
        return keras_2_0_compile.run(
            keras_2_0_compile.CASES[name], refkeras.layers, refkeras.Model, refkeras.Input, sgd
        )


@pytest.mark.parametrize("name", RECORD)
def test_same_as_recorded(name):
    mine, real = ours(name), RECORD[name]
    assert (mine.get("error"), mine.get("in")) == (real.get("error"), real.get("in"))
    if "history" in real:
        assert [key for key, _ in mine["history"]] == [key for key, _ in real["history"]]
        values = [[value for _, value in side["history"]] for side in (mine, real)]
        # Two layers of three inputs, a mean over at most 40 values, an average over the batches.
        assert_agrees(*values, roundings=60, what=name)


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
