"""Models called on arrays."""

import numpy as np
import pytest

import refkeras


@pytest.mark.parametrize("make", ["functional", "sequential"])
def test_an_input_keeps_its_own_dtype(make):
    x = refkeras.Input((3,), dtype="float64")
    layer = refkeras.layers.Dense(2, dtype="float64")
    model = refkeras.Model(x, layer(x)) if make == "functional" else refkeras.Sequential([x, layer])
    data = np.random.default_rng(0).normal(size=(4, 3))
    expected = data @ layer.kernel.numpy() + layer.bias.numpy()
    result = model(data)
    assert result.dtype == np.float64
    # Sums of 4 terms: at most 5 roundings on each side, of what the terms add up to at most.
    bound = 10 * 2.0**-53 * (np.abs(data) @ np.abs(layer.kernel.numpy()) + np.abs(layer.bias.numpy()))
    assert np.all(np.abs(np.asarray(result) - expected) <= bound)
