"""Layers that are made frozen."""

import numpy as np
import pytest

import refkeras
from refkeras import layers, semantics


@pytest.mark.parametrize("kind", ["keras-3@tensorflow", "tf_keras", "keras-2.0"])
def test_a_layer_made_frozen_stays_as_it_is(kind):
    """Also when another layer is frozen meanwhile."""
    with semantics.use(kind):
        frozen, other = layers.Dense(6, trainable=False), layers.Dense(1)
        model = refkeras.Sequential([refkeras.Input((3,)), frozen, layers.Dense(2)])
        model.compile("sgd", "mse")
        assert len(model.trainable_variables) == 2
        before, after = frozen.get_weights(), model.layers[1].get_weights()
        x, y = np.ones((8, 3)), np.ones((8, 2))
        for _ in range(2):
            model.fit(x, y, verbose=0)
            other.trainable = not other.trainable
        for old, now in zip(before, frozen.get_weights(), strict=True):
            np.testing.assert_array_equal(old, now)
        assert any((old != now).any() for old, now in zip(after, model.layers[1].get_weights(), strict=True))


def test_it_can_be_thawed():
    frozen = layers.Dense(6, trainable=False)
    model = refkeras.Sequential([refkeras.Input((3,)), frozen])
    frozen.trainable = True
    model.compile("sgd", "mse")
    before = frozen.get_weights()[0]
    model.fit(np.ones((8, 3)), np.ones((8, 6)), verbose=0)
    assert (frozen.get_weights()[0] != before).any()
