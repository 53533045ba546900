"""Every op runs on arrays that have only NumPy's protocols, and gives the same numbers."""

import numpy as np
import pytest

from refkeras.ops import lstm as lstm_module
from refkeras.ops import merging, shaping, softmax
from refkeras.ops.dense import dense
from tests.ops.duck import Duck, dress, strip
from tests.ops.test_activations import ELEMENTWISE, OVER_AXIS


def test_a_duck_is_no_ndarray():
    with pytest.raises(TypeError, match="converted"):
        np.asarray(Duck(np.ones(2)))


def assert_same(op, arguments, gradients):
    """Run `op` and its pullback on plain arrays and on Ducks."""
    y, pullback = op(*arguments)
    duck_y, duck_pullback = op(*dress(arguments))
    plain, dressed = [y, pullback(*gradients)], [duck_y, duck_pullback(*dress(gradients))]
    check_equal(plain, dressed)


def check_equal(plain, dressed):
    if isinstance(plain, (list, tuple)):
        for a, b in zip(plain, dressed, strict=True):
            check_equal(a, b)
    elif plain is None:
        assert dressed is None
    else:
        assert isinstance(dressed, Duck)
        np.testing.assert_array_equal(strip(dressed), plain)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *OVER_AXIS])
def test_activations(name):
    function, *_, options = ELEMENTWISE[name] if name in ELEMENTWISE else OVER_AXIS[name]
    x = np.random.default_rng(0).normal(size=(4, 3, 6)) * 3
    dy = np.random.default_rng(1).normal(
        size=softmax.glu(x, options.get("axis", 2))[0].shape if "glu" in name else x.shape
    )
    assert_same(lambda v: function(v, **options), [x], [dy])


def random_arrays(*shapes):
    generator = np.random.default_rng(2)
    return [generator.normal(size=shape) for shape in shapes]


def test_dense():
    x, kernel, bias, dy = random_arrays((2, 3, 4), (4, 5), (5,), (2, 3, 5))
    assert_same(dense, [x, kernel, bias], [dy])


def test_shaping():
    x, a, b, dy = random_arrays((2, 6), (2, 1), (2, 6), (2, 6))
    assert_same(lambda v: shaping.reshape(v, (3, 4)), [x], [x.reshape(3, 4)])
    assert_same(lambda v: shaping.transpose(v, (1, 0)), [x], [x.T])
    assert_same(lambda v: shaping.repeat(v, 3), [x], [np.repeat(x[:, None], 3, 1)])
    assert_same(lambda *v: merging.add(v), [x, a, b], [dy])
    assert_same(lambda *v: merging.concatenate(v), [x, a], [np.ones((2, 7))])
    assert_same(lambda v: shaping.dropout(v, x > 0, 2.0), [x], [dy])
    assert_same(lambda v: shaping.keep_where(v, x > 0), [x], [dy])
    assert_same(lambda v: shaping.scale(v, 3.0), [x], [dy])


@pytest.mark.parametrize("gatewise", [False, True])
@pytest.mark.parametrize("cell", ["default", "any"])
@pytest.mark.parametrize("keep", [False, True])
def test_lstm(gatewise, cell, keep):
    B, T, F, u = 3, 4, 2, 5
    arguments = random_arrays((B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,), (B, u), (B, u))
    options = {"mask": np.random.default_rng(3).random((B, T)) < 0.7, "return_sequences": True, "pullback": keep}
    if cell == "any":
        options |= {"activation": ELEMENTWISE["softsign"][0], "recurrent_activation": softmax.softmax}

    def op(*arrays):
        dropped = {}
        if gatewise:
            factors = random_arrays(*[(B, F)] * 4, *[(B, u)] * 4)
            factors = dress(factors) if isinstance(arrays[0], Duck) else factors
            dropped = {"input_dropout": factors[:4], "recurrent_dropout": factors[4:]}
        value, pullback = lstm_module.lstm(*arrays, **options, **dropped)
        return value, pullback if keep else lambda *_: None

    assert_same(op, arguments, random_arrays((B, T, u), (B, u), (B, u)))
