"""The LSTM against the textbook's, in every combination of its options."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkeras.ops import activations, buffers, rectifiers, softmax
from refkeras.ops import lstm as lstm_module
from refkeras.ops.lstm import lstm
from tests.ops import reference_lstm
from tests.ops.gradients import assert_complex_step

PAIRS = {
    "default": (activations.tanh, activations.sigmoid),
    "any": (activations.silu, softmax.softmax),
    "linear": (activations.linear, activations.linear),
}


@st.composite
def cases(draw):
    """A random LSTM call, float64: arrays, options, pair of activations, steps per stretch."""
    B, T, F, u = (draw(st.integers(1, top), label=name) for name, top in zip("BTFu", (4, 6, 4, 4), strict=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32), label="values"))
    flags = {
        name: draw(st.booleans(), label=name) for name in ("go_backwards", "return_sequences", "zero_output_for_mask")
    }
    mask = draw(st.sampled_from(["none", "random", "first step", "whole rows", "all"]), label="mask")
    if mask != "none":
        flags["mask"] = random.random((B, T)) < 0.6
        if mask == "first step":
            flags["mask"][:, -1 if flags["go_backwards"] else 0] = False
        elif mask == "whole rows":
            flags["mask"][0] = False
        elif mask == "all":
            flags["mask"][:] = True

    if draw(st.booleans(), label="output_mask"):
        flags["output_mask"] = random.random((B, T)) < 0.7

    def dropout(size, kinds):
        kind = draw(st.sampled_from(kinds))
        count, over_time = {"none": (0, False), "one": (1, False), "one, T": (1, True)}.get(
            kind, (4, kind == "four, T")
        )
        shape = (B, T, size) if over_time else (B, size)
        return [np.where(random.random(shape) < 0.7, random.uniform(1, 2, shape), 0) for _ in range(count)] or None

    flags["input_dropout"] = dropout(F, ["none", "one", "one, T", "four", "four, T"])
    flags["recurrent_dropout"] = dropout(u, ["none", "none", "four", "four, T"])
    shapes = [(B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,), (B, u), (B, u)]
    arrays = [random.normal(size=shape) for shape in shapes]
    for n, name in ((3, "bias"), (4, "h0"), (5, "c0")):
        if not draw(st.booleans(), label=name):
            arrays[n] = None
    d_shapes = [(B, T, u) if flags["return_sequences"] else (B, u), (B, u), (B, u)]
    d_outputs = [random.normal(size=shape) if draw(st.booleans()) else None for shape in d_shapes]
    stretch = draw(st.sampled_from([None, 1, 2, 4]), label="stretch")
    return arrays, flags, draw(st.sampled_from(sorted(PAIRS)), label="activations"), d_outputs, stretch


@given(cases())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_values_and_gradients(case):
    arrays, flags, pair, d_outputs, stretch = case
    activation, recurrent_activation = PAIRS[pair]
    together = {"activation": activation, "recurrent_activation": recurrent_activation, **flags}

    def textbook(*values):
        functions = [lambda z, f=f: f(z)[0] for f in (activation, recurrent_activation)]
        return reference_lstm.lstm(*values, *functions, flags)

    with pytest.MonkeyPatch.context() as patch:
        if stretch is not None:
            patch.setattr(lstm_module, "_stretch", lambda T, u, B: min(T, stretch))
        value, pullback = lstm(*arrays, **together)
        gradients = pullback(*d_outputs)
        again = pullback(*d_outputs)
    for found, expected in zip(value, textbook(*arrays), strict=True):
        assert found.shape == expected.shape
        # Each of up to 6 steps rounds sums of up to 9 terms, and carries on what it got, growing with the gates.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1000 * 2.0**-53 * (1 + np.abs(expected).max()))
    for first, second in zip(gradients, again, strict=True):
        assert first is None or np.array_equal(first, second), "a second pull gives something else"
    if arrays[3] is None:
        assert gradients[3] is None
    full = [
        np.zeros(g.shape) if a is None and n > 3 else a for n, (a, g) in enumerate(zip(arrays, gradients, strict=True))
    ]
    assert_complex_step(textbook, full, d_outputs, gradients, roundings=1000)
    value_only, none = lstm(*arrays, **together, pullback=False)
    assert none is None
    for kept, dropped in zip(value, value_only, strict=True):
        np.testing.assert_array_equal(kept, dropped)
    assert lstm(*arrays, **together, input_gradient=False)[1](*d_outputs)[0] is None


@given(cases())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_fused_path_equals_the_plain_one(case):
    arrays, flags, _, d_outputs, _ = case
    fused, pull_fused = lstm(*arrays, **flags)
    plain, pull_plain = lstm(
        *arrays,
        activation=lambda z: activations.tanh(z),
        recurrent_activation=lambda z: activations.sigmoid(z),
        **flags,
    )
    for a, b in zip((*fused, *pull_fused(*d_outputs)), (*plain, *pull_plain(*d_outputs)), strict=True):
        if a is None:
            assert b is None
        else:
            np.testing.assert_allclose(a, b, rtol=0, atol=200 * 2.0**-53 * (1 + np.abs(b).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_dtype_is_kept(dtype, pair):
    random = np.random.default_rng(0)
    arrays = [random.normal(size=s).astype(dtype) for s in [(2, 3, 4), (4, 8), (2, 8), (8,), (2, 2), (2, 2)]]
    activation, recurrent_activation = PAIRS[pair]
    value, pullback = lstm(*arrays, activation=activation, recurrent_activation=recurrent_activation)
    assert all(a.dtype == dtype for a in (*value, *pullback(value[0], value[1], value[2])))


def test_saturated_gates_do_not_warn():
    x = np.full((1, 3, 1), 1e4, "float32")
    kernel = np.array([[-1, 1, 1, -1]], "float32")
    with np.errstate(all="raise", under="ignore"):
        (y, _, c), pullback = lstm(x, kernel, np.zeros((1, 4), "float32"))
        assert y == 0 and c == 0
        assert np.isfinite(pullback(np.ones_like(y))[0]).all()


def test_relu_overflow_is_infinite_as_elsewhere():
    x = np.full((1, 60, 1), 1e4, "float32")
    kernel = np.full((1, 4), 1.0, "float32")
    options = {"activation": rectifiers.relu, "recurrent_activation": activations.linear}
    (y, _, _), _ = lstm(x, kernel, np.ones((1, 4), "float32"), **options)
    assert not np.isfinite(y).any()


def peak(function):
    function()
    buffers._kept.clear()  # memory that is used again is not seen as taken
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sequences", [False, True])
def test_inference_keeps_no_residuals(sequences):
    B, F, u = 4, 3, 32
    kernel, recurrent_kernel = np.zeros((F, 4 * u)), np.zeros((u, 4 * u))
    peaks = {
        T: peak(
            lambda T=T: lstm(np.zeros((B, T, F)), kernel, recurrent_kernel, return_sequences=sequences, pullback=False)
        )
        for T in (50, 450)
    }
    per_step = (peaks[450] - peaks[50]) / 400
    needed = 8 * B * (F + (u if sequences else 0))  # the input made here, and the outputs asked for
    assert per_step <= 1.1 * needed
    trained = peak(lambda: lstm(np.zeros((B, 450, F)), kernel, recurrent_kernel))
    assert trained > 5 * 450 * 8 * B * u, "the measurement does not see the residuals of training"


@given(
    st.integers(16, 40), st.integers(1, 12), st.integers(1, 9), st.integers(0, 2**32), st.sampled_from(["BTF", "TBF"])
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_inputs_are_put_where_they_belong(B, steps, F, seed, order):
    x = np.random.default_rng(seed).normal(size=(B, steps, F))
    if order == "TBF":
        x = np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)
    into = np.full((steps, F, B), np.nan)
    lstm_module._put_inputs(into, x.transpose(1, 2, 0))
    np.testing.assert_array_equal(into, x.transpose(1, 2, 0))


@pytest.mark.parametrize("T", [1, 4, 5, 11])
@pytest.mark.parametrize("F", [3, 700])
def test_many_samples_are_as_each_alone(T, F):
    """Of 700 features and 40 samples four steps are put at once, of 3 all; with one sample none are packed."""
    B, u = 40, 2
    rng = np.random.default_rng(T * F)
    weights = [rng.normal(size=s) / np.sqrt(F) for s in ((F, 4 * u), (u, 4 * u), (4 * u,))]
    x, dy = rng.normal(size=(B, T, F)), rng.normal(size=(B, T, u))
    for flags in ({}, {"go_backwards": True}):
        (y, _, _), pullback = lstm(x, *weights, return_sequences=True, **flags)
        dx, dW, *_ = pullback(dy)
        without = lstm(x, *weights, return_sequences=True, pullback=False, **flags)[0][0]
        np.testing.assert_array_equal(without, y)
        total = np.zeros_like(dW)
        for n in range(B):
            (one, _, _), pull = lstm(x[n : n + 1], *weights, return_sequences=True, **flags)
            d_one, dW_one, *_ = pull(dy[n : n + 1])
            total += dW_one
            # As in test_values_and_gradients, but for sums of 702 terms in each of 11 steps.
            bound = 11 * 1000 * 2.0**-53
            np.testing.assert_allclose(y[n], one[0], rtol=0, atol=bound)
            np.testing.assert_allclose(dx[n], d_one[0], rtol=0, atol=bound * (1 + np.abs(dx).max()))
        np.testing.assert_allclose(dW, total, rtol=0, atol=B * bound * (1 + np.abs(dW).max()))
