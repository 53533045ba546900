"""The assertion helper itself can fail."""

import numpy as np
import pytest

from parity_tests.agreement import WithBars, assert_agrees, assert_differs, assert_printed, assert_same, exactly
from refkeras import losses
from refkeras.precision import exact


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
        np.float32([1 / 3, -2 / 3]),
        np.float32([0.0, 2 / 3]),
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


def test_printed_digits_are_those_of_a_number_within_its_bar():
    third = exact(1.0) / 3.0  # 8 sigma are 0.98e-7
    for text in ("0.3333", "0.333333", "0.3333333", "0.33333343"):
        assert_printed(third, text)
    for text in ("0.3334", "0.333334", "0.3333335", "0.33333344", "0.4"):
        with pytest.raises(AssertionError, match="sigma away"):
            assert_printed(third, text)
    assert_printed(exact(2.5), "2.5000")


def test_error_bars_are_needed():
    with pytest.raises(TypeError, match="ndarray has no error bars"):
        assert_agrees(np.ones(1), np.ones(1))
    with pytest.raises(TypeError, match="received ndarray"):
        assert_differs(np.ones(1), np.zeros(1))


def test_another_formula_differs_by_more_than_rounding():
    third = exact([1.0, 2.0]) / 3.0
    assert_differs(third, np.float32([1 / 3, 0.666667]))
    assert_differs(exact([1.0]), np.float32([np.nextafter(np.float32(1), np.float32(2))]))
    for engine in (np.float32([1 / 3, 2 / 3]), np.float32([1 / 3, np.nextafter(np.float32(2 / 3), np.float32(1))])):
        with pytest.raises(AssertionError, match="rounding explains"):
            assert_differs(third, engine)


@pytest.mark.parametrize(
    "engine", [np.float32([1.0, np.nextafter(np.float32(2), np.float32(3))]), np.float64([1.0, 2.0]), np.float32([1.0])]
)
def test_the_same_is_the_same(engine):
    assert_same(np.float32([1.0, np.nan]), np.float32([1.0, np.nan]))
    with pytest.raises(AssertionError):
        assert_same(np.float32([1.0, 2.0]), engine)


def test_numbers_and_arrays_of_floats_become_exact():
    """A scalar without bars would be rounded without a trace."""
    third, whole, given = exactly([np.float32(1 / 3), np.int32(2), {"x": np.ones(2, "float32")}])
    assert isinstance(whole, np.int32)
    for number in (third, given["x"]):
        assert np.all(number.sigma == 0)
    assert (third / 5.0).sigma > 0


def test_a_module_computes_with_bars():
    """Functions and objects alike, on arrays and on what is made of them; whole numbers stay as they are."""
    t, p, barred = np.float32([[1.0, 3.0]]), np.float32([[0.0, 0.5]]), WithBars(losses)
    for value in (barred.mean_squared_error(t, p / 3), barred.MeanSquaredError()(t, p / 3)):
        assert value.sigma > 0
        assert_agrees(value.reshape(()), np.float32((1 + (3 - 1 / 6) ** 2) / 2))
    whole, number = exactly((np.array([1, 2]), np.array([0.5])), "float64")
    assert type(whole) is np.ndarray
    assert number.machine.name == "float64"
