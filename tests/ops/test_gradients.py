"""The gradient checker itself can fail."""

import numpy as np
import pytest

from tests.ops.gradients import assert_complex_step, assert_pullback

X = np.array([[0.3, -0.7, 1.1]])
DY = np.array([[1.0, 2.0, -0.5]])


def cube(x):
    return [x**3]


def test_accepts_the_gradient():
    assert_pullback(cube, [X], [DY], [DY * 3 * X**2], roundings=3)
    assert_complex_step(cube, [X], [DY], [DY * 3 * X**2], roundings=6)


@pytest.mark.parametrize("mistake", [1 + 1e-9, np.array([[1, 1, 1 + 1e-9]]), -1])
def test_refuses_a_wrong_factor(mistake):
    with pytest.raises(AssertionError, match="along a direction"):
        assert_pullback(cube, [X], [DY], [mistake * DY * 3 * X**2], roundings=3)
    with pytest.raises(AssertionError, match="along a direction"):
        assert_complex_step(cube, [X], [DY], [mistake * DY * 3 * X**2], roundings=6)


def test_refuses_swapped_entries():
    with pytest.raises(AssertionError, match="along a direction"):
        assert_pullback(cube, [X], [DY], [(DY * 3 * X**2)[:, ::-1]], roundings=3)


def test_refuses_another_shape():
    with pytest.raises(AssertionError, match="shape"):
        assert_pullback(cube, [X], [DY], [(DY * 3 * X**2)[0]], roundings=3)
