"""Arrays with error bars: memory, views, and what they refuse."""

import numpy as np
import pytest

from refkeras import precision
from refkeras.precision import BarArray, exact, rounding


def rounded(*shape, seed=0):
    """Numbers that have bars."""
    return exact(np.random.default_rng(seed).normal(size=shape)) / 3.0


def test_is_no_ndarray_and_no_float():
    x = rounded(2)
    for turn in (np.asarray, np.array, lambda x: float(x[0]), lambda x: int(x[0]), lambda x: [1, 2][x[0]]):
        with pytest.raises(TypeError):
            turn(x)
    plain = np.zeros(2)
    for write in (
        lambda: np.add(x, 1.0, out=plain),
        lambda: np.copyto(plain, x),
        lambda: plain.__setitem__(slice(None), x),
        lambda: plain.__iadd__(x),
    ):
        with pytest.raises(TypeError):
            write()
    with pytest.raises(TypeError, match="not known"):
        np.linalg.norm(x)
    with pytest.raises(TypeError, match="not known"):
        np.arctan2(x, x)
    with pytest.raises(TypeError, match="float64"):
        x.astype("float64")
    with pytest.raises(TypeError, match="do not mix"):
        x + exact(1.0, "float64")


def test_exact_rounds_and_refuses():
    assert exact(0.1).value == np.float32(0.1)
    assert exact(0.1, "bfloat16").value == 0.10009765625
    assert exact(0.1, "float16").value == np.float16(0.1)
    assert exact(0.1, "float64").value == 0.1
    with pytest.raises(ValueError, match=r"machine='fp8' is unknown.*bfloat16"):
        exact(1.0, "fp8")
    with pytest.raises(TypeError, match="complex"):
        exact(1j)


def test_constants_are_those_of_the_engine():
    x = exact([1.0, 2.0]) * 0.1
    np.testing.assert_array_equal(x.value, np.float64(np.float32(0.1)) * np.array([1.0, 2.0]))


VIEWS = {
    "index": lambda a: a[1],
    "number": lambda a: a[1, 2, 3],
    "slices": lambda a: a[:, 1:, ::-2],
    "new axis": lambda a: a[:, None, 0],
    "transpose": lambda a: a.transpose(2, 0, 1),
    "T": lambda a: a.T,
    "reshape": lambda a: a.reshape(2, -1),
    "slice of transpose": lambda a: a.T[1:, :, 0].T,
    "expand": lambda a: np.expand_dims(a, 1),
    "move": lambda a: np.moveaxis(a, 0, -1),
    "split": lambda a: np.split(a, 2, axis=2)[1],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_values_and_bars(name):
    x = exact(np.zeros((2, 3, 4)), guaranteed=True)
    view = VIEWS[name](x)
    written = exact(np.random.default_rng(1).normal(size=view.shape), guaranteed=True) / 3.0
    view[...] = written  # the array was exact when the view was made
    again = VIEWS[name](x)
    np.testing.assert_array_equal(again.value, VIEWS[name](x.value))
    np.testing.assert_array_equal(again.sigma, written.sigma)
    np.testing.assert_array_equal(again.bound, written.bound)
    assert np.count_nonzero(x.sigma) == np.count_nonzero(written.sigma) > 0


@pytest.mark.parametrize(
    "key", [np.array([1, 0, 1]), np.array([True, False]), (slice(None), np.array([2, 0])), (0, slice(None), [1, 3])]
)
def test_fancy_indices(key):
    x = rounded(2, 3, 4)
    picked = x[key]
    np.testing.assert_array_equal(picked.value, x.value[key])
    np.testing.assert_array_equal(picked.sigma, x.sigma[key])
    y = exact(np.zeros((2, 3, 4)))
    y[key] = picked
    np.testing.assert_array_equal(y[key].sigma, picked.sigma)


def test_in_place_and_out():
    x, y = rounded(3, 4), rounded(4, seed=1)
    separate = x + y
    buffer = np.empty_like(x, shape=(2, 3, 4))
    assert isinstance(buffer, BarArray)
    np.add(x, y, out=buffer[1])
    np.testing.assert_array_equal(buffer[1].value, separate.value)
    np.testing.assert_allclose(buffer[1].sigma, separate.sigma, rtol=0.7)  # other signs, of as large an error
    assert not buffer[0].sigma.any()
    x += y
    np.testing.assert_array_equal(x.value, separate.value)
    x[...] = 1.0
    assert not x.sigma.any()


def test_guarantee_is_only_there_where_asked():
    assert exact(1.0).bound is None
    assert (exact(1.0, guaranteed=True) / 3.0).bound > 0


def test_doc_names_are_there():
    assert set(precision.__all__) <= set(dir(precision))


@pytest.mark.parametrize("size", [1e-290, 1e-197, 1e-160, 1e-140, 1e-100])
def test_bars_of_very_small_numbers(size):
    """The squares of their errors are no numbers that float64 has."""
    bar, one = exact([size], "float64") / 7.0, exact([1.0], "float64") / 7.0
    assert 0.2 < (bar.sigma / bar.value / (one.sigma / one.value))[0] < 5
    assert precision.compare(bar, bar.value * (1 + 2.0**-52)).agrees
    assert not precision.compare(bar, bar.value * (1 + 100 * 2.0**-52)).agrees


@pytest.mark.parametrize("power", [-900, -600, 600, 900])
def test_bars_are_to_scale(power):
    """To the last digit: in products, sums, beside the end of the root's range, and where a number is cut off."""

    def sigmas(scale):
        rounding.restart(3)
        terms = exact(np.array([[3.0, 5.1, -6.2], [1.3, 0.0, 2.9]]) * scale, "float64")
        sums = [terms.sum(), terms.sum(axis=1), np.cumsum(terms, axis=1), terms @ (terms.T / scale)]
        x = exact(np.array([3.0, 5.0, 6.0]) * scale, "float64") / 7.0
        less = x - x.value * (1 - 2.0**-50)  # some errors wide
        bars = [*sums, x * 3.0, x.sum(), less, np.maximum(x, x.value)]
        return [bar.sigma for bar in bars], np.sqrt(less).sigma

    ours, root = sigmas(1.0)
    # The formula at the head of refkeras/precision/sums.py; a product's own rounding is one of its inner product's.
    t = np.array([[3.0, 5.1, -6.2], [1.3, 0.0, 2.9]])
    unit, product = (2.0**-53) ** 2 / 3 * 3 / (8 * np.log(2)), t[0] * t[1]
    expected = [
        unit * 5 * ((t**2).sum() / 2 + t.sum() ** 2 / 3),
        unit * 2 * ((t**2).sum(axis=1) / 2 + t.sum(axis=1) ** 2 / 3),
        unit * np.arange(3) * (np.cumsum(t**2, axis=1) / 2 + np.cumsum(t, axis=1) ** 2 / 3),
        unit * (1 * ((product**2).sum() / 2 + product.sum() ** 2 / 3) + (product**2).sum() / 2),
    ]
    found = [*ours[:3], ours[3][0, 1]]
    for sigma, variance in zip(found, expected, strict=True):
        np.testing.assert_allclose(sigma, np.sqrt(variance), rtol=2.0**-45)  # tens of roundings
    scaled, scaled_root = sigmas(2.0**power)
    for one, other in zip([*ours, root], [*scaled, scaled_root * 2.0 ** (-power / 2)], strict=True):
        assert (one > 0).any()
        assert np.array_equal(one, other if one is root else np.ldexp(other, -power))
