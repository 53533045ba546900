"""Models trained at once, each in a thread of its own, come out as those trained one after another."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import refkeras
from refkeras import layers

pytestmark = pytest.mark.filterwarnings("ignore:.*trainable")


def train(seed):
    """Build and train one model; thaw and freeze a layer, so that what is traced matters."""
    glorot = refkeras.initializers.GlorotUniform
    fixed = layers.Dense(6, kernel_initializer=glorot(seed), trainable=bool(seed % 2))
    out = layers.Dense(2, kernel_initializer=glorot(seed + 1))
    model = refkeras.Sequential([refkeras.Input((3,)), fixed, layers.Dropout(0.3, seed=seed), out])
    model.compile("sgd", "mse")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    losses = []
    for _ in range(15):
        losses += model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history["loss"]
        fixed.trainable = not fixed.trainable
    return losses, model.get_weights()


def test_side_by_side_as_one_by_one():
    seeds = range(1, 9)
    expected = [train(seed) for seed in seeds]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(train, seeds))
    for (losses, weights), (own_losses, own_weights) in zip(found, expected, strict=True):
        assert losses == own_losses
        for one, other in zip(weights, own_weights, strict=True):
            np.testing.assert_array_equal(one, other)
