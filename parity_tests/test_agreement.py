"""The assertion helper itself can fail."""

import numpy as np
import pytest

from parity_tests.agreement import WithBars, assert_agrees, assert_same, exactly
from refkeras import losses
from refkeras.precision import exact


def test_accepts_what_roundings_explain():
    assert_agrees(np.float32(1.0), np.nextafter(np.float32(1), np.float32(2)), roundings=1)
    assert_agrees([np.nan, np.inf], [np.nan, np.inf], roundings=0)


@pytest.mark.parametrize(
    ("ours", "engine"),
    [
        (1.0, 1.0 + 3 * 2.0**-24),
        ([1.0, 2.0], [1.0, 2.1]),
        (np.nan, 0.0),
        (np.inf, -np.inf),
        ([1.0], [[1.0]]),
        (0.0, 1e-30),
    ],
)
def test_refuses_what_they_do_not(ours, engine):
    with pytest.raises(AssertionError):
        assert_agrees(ours, engine, roundings=1)


def test_error_bars_accept_what_rounding_explains():
    third = exact([1.0, np.nan, np.inf]) / 3.0
    assert_agrees(third, np.float32([1 / 3, np.nan, np.inf]))
    assert_agrees(exact([2.0, 4.0]), np.float32([2.0, 4.0]))


@pytest.mark.parametrize(
    "engine",
    [
        np.float32([1 / 3 * (1 + 9e-7), 2 / 3]),  # 15 half units in the last place
        np.float32([1 / 3, np.nan]),
        np.float32([1 / 3, np.inf]),
        np.float32([[1 / 3, 2 / 3]]),
        np.float64([1 / 3, 2 / 3]),
    ],
)
def test_error_bars_refuse_what_it_does_not(engine):
    with pytest.raises(AssertionError):
        assert_agrees(exact([1.0, 2.0]) / 3.0, engine)


def test_exact_values_must_be_equal():
    with pytest.raises(AssertionError, match="inf sigma"):
        assert_agrees(exact([1.0, 2.0]), np.float32([1.0, np.nextafter(np.float32(2), np.float32(3))]))


def test_one_or_the_other_is_needed():
    with pytest.raises(TypeError, match="roundings"):
        assert_agrees(1.0, 1.0)


@pytest.mark.parametrize(
    "engine", [np.float32([1.0, np.nextafter(np.float32(2), np.float32(3))]), np.float64([1.0, 2.0]), np.float32([1.0])]
)
def test_the_same_is_the_same(engine):
    assert_same(np.float32([1.0, np.nan]), np.float32([1.0, np.nan]))
    with pytest.raises(AssertionError):
        assert_same(np.float32([1.0, 2.0]), engine)


def test_a_module_computes_with_bars():
    """Functions and objects alike, on arrays and on what is made of them; whole numbers stay as they are."""
    t, p, barred = np.float32([[1.0, 3.0]]), np.float32([[0.0, 0.5]]), WithBars(losses)
    for value in (barred.mean_squared_error(t, p / 3), barred.MeanSquaredError()(t, p / 3)):
        assert value.sigma > 0
        assert_agrees(value.reshape(()), np.float32((1 + (3 - 1 / 6) ** 2) / 2))
    whole, number = exactly((np.array([1, 2]), np.array([0.5])), "float64")
    assert type(whole) is np.ndarray
    assert number.machine.name == "float64"
