"""Regularizers beside Keras's: values, gradients, names, records, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import DTYPES, KERAS_3, both_kerases, keras, tensor, tf_keras, value_and_gradients
from parity_tests.shows import shows
from refkeras import regularizers, semantics
from refkeras.precision import exact

# An engine flushes subnormal numbers to zero, of numbers to one that has another sign.
factors = st.floats(0, 3, width=32, allow_subnormal=False)
NUMBERS = st.floats(-4, 4, width=32, allow_subnormal=False)


@given(
    w=arrays.arrays(np.float32, st.tuples(st.integers(1, 7), st.integers(1, 9)), elements=NUMBERS),
    l1=factors,
    l2=factors,
    dtype=st.sampled_from(DTYPES),
)
def test_values_and_gradients(w, l1, l2, dtype):
    w = w.astype(dtype)
    for name, arguments in (("L1", {"l1": l1}), ("L2", {"l2": l2}), ("L1L2", {"l1": l1, "l2": l2})):
        own, real = getattr(regularizers, name)(**arguments), getattr(keras.regularizers, name)(**arguments)
        derived = value_and_gradients(real, [w])
        value, slope = derived.values[0], derived.gradients[0]
        bar = exact(w, dtype)
        for expected in (own(w), value):
            assert_agrees(exact(own(bar), dtype), expected, what=name)  # a plain 0 without factors
        assert_same(own(tensor(w)), own(w), "of a tensor")
        if dtype == "float32":
            assert_same(own(w.tolist()), own(w), "of a list")
        for expected in (own.gradient(w), np.zeros_like(w) if slope is None else slope):
            assert_agrees(own.gradient(bar), expected, what=f"gradient of {name}")


@pytest.mark.parametrize("name", ["l1", "l2", "L1", "L2", "L1L2", "l1l2", "l1_l2", "Regularizer", "foo", "", 1, ["l1"]])
def test_names_resolve_alike(name):
    outcomes = []
    for module in (keras.regularizers, regularizers):
        try:
            found = module.get(name)
            outcomes.append((type(found).__name__, None if "izer" in str(name) else found.get_config()))
        except ValueError:
            outcomes.append("ValueError")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name, arguments", [("L1", {"l1": 0.3}), ("L2", {"l2": 0.3}), ("L1L2", {"l1": 1, "l2": None})])
def test_records_alike(name, arguments):
    real, own = getattr(keras.regularizers, name)(**arguments), getattr(regularizers, name)(**arguments)
    assert regularizers.serialize(own) == keras.regularizers.serialize(real)
    assert regularizers.deserialize(keras.regularizers.serialize(real)).get_config() == real.get_config()


@pytest.mark.parametrize("value", [-1, -0.5, "x", np.inf, np.nan, np.float32(0.1), 0, 2, True])
def test_factors_are_checked_alike(value):
    for name in ("L1", "L2"):
        outcomes = []
        for module in (keras.regularizers, regularizers):
            try:
                outcomes.append(getattr(module, name)(value).get_config())
            except ValueError:
                outcomes.append("ValueError")
        assert outcomes[0] == outcomes[1]


@both_kerases
@shows("l1_l2_default", "l1_l2_is_a_name")
def test_l1_l2():
    with semantics.use(KERAS_3):
        assert regularizers.l1_l2().get_config() == keras.regularizers.l1_l2().get_config() == {"l1": 0.0, "l2": 0.0}
        for module in (keras.regularizers, regularizers):
            with pytest.raises(ValueError):
                module.get("l1_l2")
    with semantics.use("tf_keras"):
        real, own = tf_keras.regularizers, regularizers
        assert own.l1_l2().get_config()["l1"] == own.get("l1_l2").get_config()["l2"] == float(np.float32(0.01))
        for made in (real.l1_l2(), real.get("l1_l2")):
            assert all(value == np.float32(0.01) for value in made.get_config().values())
