"""Draws are tested from known states."""

import pytest

from refkeras import random, semantics
from refkeras.random import warn


@pytest.fixture(autouse=True)
def known_state():
    """Keras 3's semantics, a seed, and no warning given yet; what was before comes back."""
    given = set(warn._given)
    warn._given.clear()
    with semantics.use("keras-3@tensorflow"):
        random.set_random_seed(7)
        yield
    warn._given |= given
