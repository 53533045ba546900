"""Layers and activations beside what Keras 2.0.4 gave (`keras_2_0_layers.json`)."""

import json

import numpy as np
import pytest

from parity_tests import keras_2_0_layers as recorded
from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.shows import shows
from refkeras import activations, layers, semantics

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

RECORD = json.loads(recorded.RECORD.read_text())
STEPS, FEATURES, UNITS = 4, 2, 5


@shows("lstm_recurrent_activation")
@pytest.mark.parametrize("name", RECORD["lstm"])
def test_lstm(name):
    options = recorded.LSTMS[name.partition(",")[0]]
    with semantics.use("keras-2.0"):
        layer = layers.LSTM(UNITS, dtype="float64", **options)
        x = layers.Masking(dtype="float64")(recorded.X) if "masked" in name else recorded.X
        layer.build(recorded.X.shape)
        layer.set_weights(recorded.WEIGHTS)
        found = layer(x)
    # As in test_lstm: a step rounds sums of F + u + 1 products and twelve values more, passed on at most fourfold.
    scale = np.abs(recorded.WEIGHTS[1]).sum(axis=0).max()
    roundings = (FEATURES + UNITS + 12) * 4**STEPS
    assert_agrees(found, RECORD["lstm"][name], roundings=roundings, scale=scale, dtype="float64")
    other = layers.LSTM(UNITS, **options)
    assert (other.recurrent_activation is layer.recurrent_activation) == ("recurrent_activation" in options)


@pytest.mark.parametrize("name", RECORD["activations"])
def test_activation(name):
    with semantics.use("keras-2.0"):
        found = activations.get(name)(recorded.VALUES)
    assert_agrees(
        found, RECORD["activations"][name], roundings=8, scale=np.maximum(1, np.abs(recorded.VALUES)), dtype="float64"
    )


@shows("activation_lookup")
def test_unknown_activations():
    with semantics.use("keras-2.0"):
        for identifier, error in RECORD["unknown"].items():
            with pytest.raises((ValueError, TypeError)) as caught:
                activations.get(3 if identifier == "3" else identifier)
            assert caught.type.__name__ == error
