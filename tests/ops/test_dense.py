"""A dense product is the product, whether its memory is new or used again."""

import numpy as np
import pytest

from refkeras.ops.dense import dense


@pytest.mark.parametrize("kinds", [("f", "f"), ("d", "d"), ("f", "d"), ("d", "f")], ids="".join)
@pytest.mark.parametrize("rows", [3, 1500])
def test_small_and_large_products(rows, kinds):
    """Twice, for the memory of the first is then there; the first result must keep its own."""
    random = np.random.default_rng(rows)
    shapes = (rows, 70), (70, 90), (90,)
    for _ in range(2):
        x, kernel, bias = (random.integers(-3, 4, shape).astype(kinds[k > 0]) for k, shape in enumerate(shapes))
        y, pullback = dense(x, kernel, bias)
        dx, d_kernel, d_bias = pullback(y)
        for found, expected in (
            (y, x @ kernel + bias),
            (dx, (x @ kernel + bias) @ kernel.T),
            (d_kernel, x.T @ (x @ kernel + bias)),
        ):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)  # whole numbers of at most 1500 · 3 · 633: no rounding
        np.testing.assert_array_equal(d_bias, y.sum(0))
        kept = y.copy()
        dense(x + 1, kernel, bias)
        np.testing.assert_array_equal(y, kept)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="not aligned"):
        dense(np.ones((1500, 70), "f"), np.ones((71, 90), "f"))
