"""The noise that stands for rounding errors."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkeras.precision.rounding import COPIES, restart, signs

shapes = st.lists(st.lists(st.integers(1, 5), max_size=3).map(tuple), min_size=1, max_size=5)


@given(st.integers(0, 5), shapes)
def test_a_seed_gives_the_same_signs(seed, asked):
    """Whatever was drawn before, of this seed or of another."""

    def drawn():
        restart(seed)
        return [signs(shape).copy() for shape in asked]

    first = drawn()
    restart(seed + 1)
    signs((7,))
    for shape, before, after in zip(asked, first, drawn(), strict=True):
        assert before.shape == (COPIES, *shape)
        assert set(np.unique(before)) <= {-1, 1}
        assert np.array_equal(before, after)
    restart()


def test_seeds_give_other_signs():
    found = []
    for seed in range(3):
        restart(seed)
        found.append(signs((50,)).copy())
    restart()
    assert all(0.4 < np.mean(a == b) < 0.6 for a, b in itertools.pairwise(found))
    assert all(abs(a.mean()) < 0.1 for a in found)  # 4 standard deviations of 1600 signs


def test_signs_are_not_written_to():
    with pytest.raises(ValueError, match="read-only"):
        signs((3,))[...] = 1
