"""Short ways to reduce rows, and rows done in blocks: bit for bit what NumPy gives for all of them at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.ops import losses, rows, softmax


def _numbers(shape, dtype, seed, special=()):
    random = np.random.default_rng(seed)
    x = random.normal(size=shape) * 10.0 ** random.integers(-6, 6, size=shape)
    for value in special:
        x.reshape(-1)[random.integers(x.size, size=3)] = value
    return x.astype(dtype)


def _same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    np.testing.assert_array_equal(a, b)


@given(
    st.integers(1, rows.WIDEST_MAXIMUM + 1),
    st.sampled_from([(rows.FEWEST - 1,), (rows.FEWEST,), (5, 601), (2, 3, 509)]),
    st.sampled_from(["float32", "float64"]),
    st.sets(st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-42])),
    st.booleans(),
    st.integers(0, 99),
)
def test_sums_and_maxima_are_numpys(width, leading, dtype, special, keepdims, seed):
    x = _numbers((*leading, width), dtype, seed, special)
    with np.errstate(all="ignore"):
        _same(rows.sum_along(x, -1, keepdims), np.add.reduce(x, -1, keepdims=keepdims))
        _same(rows.maximum_along(x, -1, keepdims), np.maximum.reduce(x, -1, keepdims=keepdims))


@pytest.mark.parametrize("width", [3, 9, 40])
def test_the_short_way_is_taken_and_in_several_blocks(width, monkeypatch):
    monkeypatch.setattr(rows, "_BLOCK", 1000)
    taken = []
    by_blocks = rows._by_blocks
    monkeypatch.setattr(rows, "_by_blocks", lambda *a: taken.append(a[0]) or by_blocks(*a))
    x = _numbers((rows.FEWEST, width), "float32", 0)
    _same(rows.maximum_along(x, -1), np.maximum.reduce(x, -1))
    _same(rows.sum_along(x, -1), np.add.reduce(x, -1))
    assert len(taken) == (2 if width <= rows.WIDEST_SUM else 1)


@pytest.mark.parametrize("make", [lambda x: x.T, lambda x: x[:, ::2], lambda x: x.astype("float16"), lambda x: x > 0])
def test_other_arrays_are_left_to_numpy(make):
    x = make(_numbers((rows.FEWEST, 10), "float32", 0))
    _same(rows.maximum_along(x, -1), np.maximum.reduce(x, -1))
    with np.errstate(over="ignore"):
        _same(rows.sum_along(x, -1), np.add.reduce(x, -1))


@pytest.mark.parametrize("shape", [(101, 7), (5, 29, 7)])
@pytest.mark.parametrize(
    "kernel", ["mean_squared_error", "mean_absolute_error", "sigmoid_crossentropy", "softmax_crossentropy", "softmax"]
)
def test_rows_in_blocks_give_what_all_rows_give(kernel, shape, monkeypatch):
    random = np.random.default_rng(0)
    t, z = (random.normal(size=shape).astype("float32") for _ in range(2))
    function = softmax.softmax if kernel == "softmax" else getattr(losses, kernel)
    arguments = (z,) if kernel == "softmax" else (t, z)
    value, pullback = function(*arguments)
    d = random.normal(size=value.shape).astype("float32")
    gradient, by_a_number = pullback(d), None if kernel == "softmax" else pullback(0.7)
    cuts = []
    monkeypatch.setattr(rows, "LARGE", 0)
    monkeypatch.setattr(rows, "_BLOCK", 100)
    counted = rows.buffer
    monkeypatch.setattr(rows, "buffer", lambda *a, **k: cuts.append(a) or counted(*a, **k))
    blocked, blocked_pullback = function(*arguments)
    _same(blocked, value)
    forward = len(cuts)
    _same(blocked_pullback(d), gradient)
    if kernel != "softmax":
        _same(blocked_pullback(0.7), by_a_number)
    assert len(cuts) > forward or kernel.endswith("crossentropy")  # whose gradients are not cut
    assert cuts or kernel == "softmax_crossentropy"  # which is not cut


@pytest.mark.parametrize("cut", [True, False])
def test_only_what_has_the_same_rows_is_cut(cut, monkeypatch):
    monkeypatch.setattr(rows, "LARGE", 0)
    monkeypatch.setattr(rows, "_BLOCK", 2)
    x = _numbers((6, 2), "float32", 0)
    lengths = []

    def product(a, b):
        lengths.append(len(a))
        return a * b

    others = (x, x[:, :1].copy(), 2.0) if cut else (x[:1], x[0], x.T.copy().T, np.float32(2.0))
    for other in others:
        _same(rows.by_rows(product, -1, x, other), x * other)
    assert lengths == ([1] * 6 if cut else [6]) * len(others)
