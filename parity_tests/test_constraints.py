"""Constraints beside Keras's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import keras, tensor
from refkeras import constraints
from refkeras.precision import exact

sizes = st.floats(0, 3, width=16)


@given(
    w=arrays.arrays(np.float32, st.tuples(*[st.integers(1, 5)] * 3), elements=st.floats(-4, 4, width=16)),
    axis=st.sampled_from([0, 1, 2, -1, [0, 1], [0, 1, 2]]),
    low=sizes,
    more=sizes,
    rate=st.floats(0, 1, width=16),
)
def test_projections(w, axis, low, more, rate):
    for name, arguments in (
        ("MaxNorm", {"max_value": more, "axis": axis}),
        ("UnitNorm", {"axis": axis}),
        ("MinMaxNorm", {"min_value": low, "max_value": low + more, "rate": rate, "axis": axis}),
        ("NonNeg", {}),
        ("Constraint", {}),
    ):
        real = np.asarray(getattr(keras.constraints, name)(**arguments)(w))
        own = getattr(constraints, name)(**arguments)
        bar = own(exact(w))
        assert_agrees(bar, own(w), what=f"{name} on plain arrays")
        assert_agrees(bar, real, what=name)
        for other in (tensor(w), w.tolist()):
            assert_same(own(other), own(w), f"{name} of a tensor, and of a list")


@pytest.mark.parametrize(
    "name", ["max_norm", "MaxNorm", "non_neg", "unit_norm", "min_max_norm", "maxnorm", "nonneg", "", 3, ["non_neg"]]
)
def test_names_resolve_alike(name):
    outcomes = []
    for module in (keras.constraints, constraints):
        try:
            outcomes.append(module.serialize(module.get(name)))
        except ValueError:
            outcomes.append("ValueError")
    assert outcomes[0] == outcomes[1]


def test_records_alike():
    real = keras.constraints.MinMaxNorm(0.5, 2.0, rate=0.25, axis=1)
    record = keras.constraints.serialize(real)
    assert constraints.serialize(constraints.deserialize(record)) == record
    assert set(constraints.__all__) == {name for name in dir(keras.constraints) if not name.startswith("_")}
