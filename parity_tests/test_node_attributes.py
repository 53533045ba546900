"""What layers tell of their calls on symbolic tensors, on each engine, and on Keras 2.0.4 as it was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import refkeras
from parity_tests.engines import ENGINES, tensorflow_only
from parity_tests.fixtures import keras_2_0_nodes
from parity_tests.shows import shows
from refkeras import semantics

RECORD = json.loads((Path(__file__).parent / "fixtures" / "keras_2_0_nodes.json").read_text())


def differences(mine, real):
    return {
        (layer, what): (mine[layer][what], answer)
        for layer, answers in real.items()
        for what, answer in answers.items()
        if mine[layer][what] != answer
    }


@shows("node_attributes")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
def test_same_as_the_engine(engine):
    with semantics.use(engine):
        mine = keras_2_0_nodes.run(refkeras)
    assert differences(mine, keras_2_0_nodes.run(ENGINES[engine])) == {}


@shows("node_attributes")
@pytest.mark.filterwarnings("ignore")
@tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")
def test_same_as_recorded():
    with semantics.use("keras-2.0"):
        mine = keras_2_0_nodes.run(refkeras)
    assert differences(mine, RECORD) == {}


def test_the_comparison_can_fail():
    found = differences(RECORD, {**RECORD, "once": RECORD["twice"]})
    assert found[("once", "output_shape")] == ("shape (None, 5)", "shape (None, 6)")
