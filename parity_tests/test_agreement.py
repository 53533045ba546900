"""The assertion helper itself can fail."""

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees
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
