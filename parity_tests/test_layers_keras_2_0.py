"""Layers and activations beside what Keras 2.0.4 gave (`keras_2_0_layers.json`)."""

import json

import numpy as np
import pytest

from parity_tests import keras_2_0_layers as recorded
from parity_tests.agreement import assert_agrees
from parity_tests.engines import tensorflow_only
from parity_tests.shows import shows
from refkeras import activations, layers, precision, semantics
from refkeras.precision import exact

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

RECORD = json.loads(recorded.RECORD.read_text())
UNITS = 5


@shows("lstm_recurrent_activation")
@pytest.mark.parametrize("name", RECORD["lstm"])
def test_lstm(name):
    options = recorded.LSTMS[name.partition(",")[0]]
    with semantics.use("keras-2.0"):
        layer = layers.LSTM(UNITS, dtype="float64", **options)
        mask = layers.Masking(dtype="float64").compute_mask(recorded.X) if "masked" in name else None
        layer.build(recorded.X.shape)
        layer.set_weights(recorded.WEIGHTS)
        bar = precision.evaluate(layer, recorded.X, "float64", mask=mask)
        found = layer(recorded.X, mask=mask)
    assert_agrees(bar, np.asarray(found), what="on plain arrays")
    assert_agrees(bar, np.array(RECORD["lstm"][name]))
    other = layers.LSTM(UNITS, **options)
    assert (other.recurrent_activation is layer.recurrent_activation) == ("recurrent_activation" in options)


@pytest.mark.parametrize("name", RECORD["activations"])
def test_activation(name):
    with semantics.use("keras-2.0"):
        found = activations.get(name)(recorded.VALUES)
        bar, _ = activations.forward_of(activations.get(name))(exact(recorded.VALUES, "float64"))
    assert_agrees(bar, np.asarray(found), what="on plain arrays")
    assert_agrees(bar, np.array(RECORD["activations"][name]))


@shows("activation_lookup")
def test_unknown_activations():
    with semantics.use("keras-2.0"):
        for identifier, error in RECORD["unknown"].items():
            with pytest.raises((ValueError, TypeError)) as caught:
                activations.get(3 if identifier == "3" else identifier)
            assert caught.type.__name__ == error
