"""Gradients that vanish are what they are without limits of the exponent, and cost no more than others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.ops.lstm import lstm
from refkeras.ops.vanishing import Lift

NORMAL = np.finfo(np.float32).smallest_normal


def _case(T, seed, dtype=np.float32):
    random = np.random.default_rng(seed)
    B, F, u = 3, 2, 4
    arrays = [random.uniform(-0.4, 0.4, size).astype(dtype) for size in ((B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,))]
    return arrays, random.uniform(0.1, 1, (B, u)).astype(dtype)


@given(st.integers(1, 400), st.integers(-40, 60), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_gradient_scaled_by_a_power_of_two_is_the_same_gradient(T, power, masked, seed):
    """To the bit, where both are normal numbers."""
    arrays, dy = _case(T, seed)
    mask = np.random.default_rng(seed).random((3, T)) < 0.8 if masked else None
    _, pullback = lstm(*arrays, mask=mask)
    for one, other in zip(pullback(dy), pullback(np.ldexp(dy, power)), strict=True):
        lost = np.abs(one) * 2.0 ** min(power, 0) < NORMAL
        np.testing.assert_array_equal(np.where(lost, 0, np.ldexp(one, power)), np.where(lost, 0, other))


def test_no_product_sees_subnormal_numbers(monkeypatch):
    """They take a processor up to a hundred times as long."""
    from refkeras.ops import lstm_product

    seen = []
    pull_h = lstm_product.JointProduct.pull_h

    def watched(self, t, dz, dh):
        sizes = np.abs(dz[dz != 0])
        seen.append(sizes.min(initial=1))
        pull_h(self, t, dz, dh)

    monkeypatch.setattr(lstm_product.JointProduct, "pull_h", watched)
    arrays, dy = _case(600, 5)
    _, pullback = lstm(*arrays)
    dx, *_ = pullback(dy)
    assert len(seen) == 600
    assert min(seen) > 1e-25
    assert not dx[:, 0].any()
    assert dx[:, -1].all()
    seen.clear()
    monkeypatch.setattr(Lift, "LEAST", 0.0)
    pullback(dy)
    assert min(seen) < NORMAL


def test_float64_has_further_to_fall():
    arrays, dy = _case(600, 5, np.float64)
    _, pullback = lstm(*arrays)
    assert pullback(dy)[0][:, 0].all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1.0])
def test_what_is_not_small_stays(value):
    state, small = np.float32([value, 1e-30 if value else 0.0]), np.float32([1e-35])
    before, lift = state.copy(), Lift(state)
    lift.raise_()
    np.testing.assert_array_equal(state, before)
    np.testing.assert_array_equal(lift.lower(small), np.float32([1e-35]))


def test_what_has_vanished_stays_so():
    state = np.float32([2.0**-70])
    lift = Lift(state)
    for _ in range(3):
        lift.raise_()
        assert state[0] in (0.0, 0.5)
        state *= np.float32(2.0**-66)
    assert not lift.lower(state).any()
    lift.raise_()
    assert not state.any()
