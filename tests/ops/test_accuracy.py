"""`argmax` as TensorFlow takes it."""

import numpy as np
import pytest

from refkeras.ops.accuracy import argmax

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ([1.0, 3.0, 3.0], 1),
        ([NAN, 3.0, 2.0], 1),
        ([3.0, NAN, 4.0], 2),
        ([NAN, NAN], 0),
        ([NAN, -INF], 0),
        ([-INF, NAN, -5.0], 2),
        ([-2.0, -1.0], 1),
        ([-0.0, 0.0], 1),
        ([0.0, -0.0], 0),
        ([-1.0, -0.0], 1),
        ([1e-40, 2e-40], 0),
        ([-1e-40, 0.0], 1),
        ([7], 0),
    ],
)
def test_rows(row, place):
    assert argmax(np.array(row, "float32")) == place
    assert argmax(np.array([row, row[::-1], row], "float32"))[[0, 2]].tolist() == [place, place]


def test_zeros_of_both_signs_are_equal_in_tf_keras():
    assert argmax(np.array([-0.0, 0.0]), order_zeros=False) == 0


def test_integers_and_shapes():
    assert argmax(np.array([[3, 5], [5, 3]])).tolist() == [1, 0]
    assert argmax(np.array([[False, True]])).tolist() == [1]
    assert argmax(np.zeros((0, 3))).shape == (0,)
    assert argmax(np.ones((2, 3, 4))).shape == (2, 3)
    with pytest.raises(ValueError, match="last axis"):
        argmax(np.array(1.0))
