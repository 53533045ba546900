"""The assertion helper itself can fail."""

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees


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
