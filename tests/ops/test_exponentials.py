"""`exponentials` stand until the next small array that cannot be written to, and only where nothing can change it."""

from __future__ import annotations

import numpy as np
import pytest

from refkeras.ops.exponentials import exponentials


def _logits(shape=(5, 3), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _plainly(x, axis):
    s = x - x.max(axis, keepdims=True)
    return s, np.exp(s), np.exp(s).sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [-1, 0, (0, 1), None])
def test_they_are_what_they_are_for_any_axis(axis):
    x = _logits()
    x.flags.writeable = False
    for _ in range(2):
        for found, expected in zip(exponentials(x, axis), _plainly(x, axis), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_they_stand_for_an_array_that_cannot_be_written_to():
    x = _logits()
    x.flags.writeable = False
    assert exponentials(x, -1)[1] is exponentials(x, -1)[1]
    assert exponentials(x, 0)[1] is not exponentials(x, -1)[1]
    assert exponentials(_logits(), -1)[1] is not exponentials(x, -1)[1]


def test_they_are_computed_anew_where_something_may_have_changed():
    x = _logits()
    view = x.view()
    view.flags.writeable = False
    thawed = _logits(seed=1)
    thawed.flags.writeable = False
    exponentials(thawed)
    thawed.flags.writeable = True
    for changed, given in ((x, x), (x, view), (thawed, thawed)):
        exponentials(given)
        changed += np.arange(changed.size, dtype="float32").reshape(changed.shape)
        np.testing.assert_array_equal(exponentials(given)[1], _plainly(given, -1)[1])


def test_of_a_large_array_nothing_is_kept():
    x = _logits((5000, 10))
    x.flags.writeable = False
    assert exponentials(x)[1] is not exponentials(x)[1]
