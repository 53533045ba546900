"""Comparison says no where it should."""

import numpy as np
import pytest

from refkeras import precision
from refkeras.precision import compare, exact


def test_equal_and_a_little_off():
    x = exact([1.0, 2.0, 5.0]) / 3.0
    found = compare(x, x.value.astype("float32"))
    assert found.agrees and found.largest < 2
    assert found.sigmas.shape == found.ulps.shape == (3,)
    off = compare(x, np.float32([1 / 3, 2 / 3 * (1 + 1e-5), 5 / 3]))
    assert not off.agrees and off.worst == (1,)
    assert off.ulps[1] == pytest.approx(1e-5 * (2 / 3) / 2.0**-24, rel=0.02)


def test_what_is_exact_must_be_equal():
    x = exact([1.0, 3.0])
    assert compare(x, [1.0, 3.0]).largest == 0
    found = compare(x, [1.0, np.nextafter(np.float32(3), np.float32(4))])
    assert found.largest == np.inf and found.worst == (1,) and found.ulps[1] == 1


@pytest.mark.parametrize(
    ("value", "engine", "agrees"),
    [
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (np.inf, -np.inf, False),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (1.0, np.inf, False),
        (1e-42, 0.0, True),  # flushed to zero
        (0.0, 1e-30, False),
    ],
)
def test_special_values(value, engine, agrees):
    assert compare(exact(np.array([value])), [engine]).agrees is agrees


def test_what_may_be_flushed():
    """float32 may lose what is below its smallest normal number; float16 keeps it, to its last step of 2⁻²⁴."""
    tiny = exact([2.0**-127 + 2.0**-120, 2.0**-127]) / 3.0
    assert compare(tiny, [2.0**-120 / 3, 0.0]).agrees
    # 2⁻¹⁴, float16's smallest normal number, is two steps of its grid at 0.05, and eleven sigma.
    short = exact([0.05, 2.0**-15], "float16") / 3.0
    for engine, worst in (([0.05 / 3 + 2.0**-14, 2.0**-15 / 3], (0,)), ([0.05 / 3, 0.0], (1,))):
        found = compare(short, engine)
        assert not found.agrees and found.worst == worst
    assert compare(short, np.float16([0.05 / 3, 2.0**-15 / 3])).agrees


def test_overflow_of_the_machine():
    x = exact([3e38]) * 4.0
    assert compare(x, [np.inf]).agrees
    assert not compare(x, [3e38]).agrees


def test_guaranteed_bound():
    x = exact([1.0], guaranteed=True) / 3.0
    assert compare(x, [1 / 3]).beyond_bound.tolist() == [False]
    assert compare(x, [1 / 3 + 4 * x.bound[0]]).beyond_bound.tolist() == [True]


def test_refusals():
    with pytest.raises(ValueError, match="shape"):
        compare(exact([1.0]), 1.0)
    with pytest.raises(TypeError, match="ndarray"):
        compare(np.ones(1), np.ones(1))
    assert compare(exact(np.zeros((0, 2))), np.zeros((0, 2))).worst is None


def test_decisions_near_an_edge_are_counted():
    x = exact([1.0, 2.0, 3.0]) / 3.0
    with precision.counting() as edges:
        assert (x > 1.0).tolist() == [False, False, False]
    assert (edges.decisions, edges.near) == (3, 1)


def test_where_a_number_is_cut_off_is_a_decision():
    with precision.counting() as edges:
        whole = np.floor(exact([2.0, 5.0, 7.0]) / 3.0)
    assert whole.value.tolist() == [0.0, 1.0, 2.0]
    assert not whole.sigma.any()
    assert (edges.decisions, edges.near) == (3, 0)
    assert np.ceil(exact([2.0, 5.0, 7.0]) / 3.0).value.tolist() == [1.0, 2.0, 3.0]
    with precision.counting() as edges:
        np.floor(exact([1.0]) / 3.0 * 3.0)
        np.ceil(exact([1.0]) / 3.0 * 3.0)
        assert np.round(exact([1.5, 1.0]) / 3.0 * 1.0).value.tolist() == [0.0, 0.0]
    assert (edges.decisions, edges.near) == (4, 3)
    with pytest.raises(TypeError, match="decimals"):
        np.round(exact([1.0]), 2)
