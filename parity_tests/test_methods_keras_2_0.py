"""fit_generator, predict_classes and their like, of Keras 2.0.4 on Theano: what `fixtures/keras_2_0_methods.py` saw."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.fixtures import keras_2_0_methods
from parity_tests.shows import shows
from refkeras import precision, semantics
from refkeras.precision.array import BarArray

RECORD = json.loads((Path(__file__).parent / "fixtures" / "keras_2_0_methods.json").read_text())
recorded = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")


def assert_like(mine, real, where=""):
    """Assert that a result with error bars is that of Keras, as `keras_2_0_methods.plain` wrote it down."""
    if isinstance(real, dict):
        assert mine.dtype.name == real["dtype"] and list(mine.shape) == real["shape"], where
        real = np.array(real["values"], real["dtype"]).reshape(real["shape"])
        if isinstance(mine, BarArray):
            assert_agrees(mine, real, what=where)
        else:
            np.testing.assert_array_equal(mine, real)
    elif isinstance(mine, BarArray):
        # The averages over the batches are NumPy's in Keras 2.0, of float32 numbers.
        assert_agrees(mine, np.float32(real), what=where)
    elif isinstance(real, list):
        assert isinstance(mine, (list, tuple)) and len(mine) == len(real), f"{where}: {mine}"
        for index, (a, b) in enumerate(zip(mine, real, strict=True)):
            assert_like(a, b, f"{where}[{index}]")
    else:
        assert mine == real, where


def with_bars(monkeypatch):
    """Models carry error bars from when they are compiled."""
    made = refkeras.Model.compile
    kept = contextlib.ExitStack()

    def compile_(self, *args, **kwargs):
        made(self, *args, **kwargs)
        kept.enter_context(precision.bars(self))

    monkeypatch.setattr(refkeras.Model, "compile", compile_)
    return kept


@recorded
@shows("generator_methods", "class_predictions")
@pytest.mark.parametrize("name", RECORD)
def test_same_as_recorded(name, monkeypatch):
    real = RECORD[name]
    with semantics.use("keras-2.0"):
        mine = keras_2_0_methods.run(refkeras, name)
        assert mine.get("error") == real.get("error")
        assert mine["warned"] == real["warned"]
        assert mine["printed"] == real["printed"]
        if "error" in real or "line" in name:  # what has error bars cannot be formatted
            return
        if "classes" in name:
            assert mine["result"] == real["result"]
            return
        with with_bars(monkeypatch):
            found = keras_2_0_methods.run(refkeras, name, kept=lambda result: result)
    assert_like(found["result"], real["result"])


@recorded
def test_the_comparison_can_fail(monkeypatch):
    with semantics.use("keras-2.0"), with_bars(monkeypatch):
        found = keras_2_0_methods.run(refkeras, "evaluate", kept=lambda result: result)["result"]
    real = RECORD["evaluate"]["result"]
    with pytest.raises(AssertionError):
        assert_like(found, real[::-1])
    with pytest.raises(AssertionError):
        assert_like(found, real[:1])
    with pytest.raises(AssertionError):
        assert_like(found, [real[0] * (1 + 1e-5), real[1]])
