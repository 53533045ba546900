"""Operators of `Variable`: values and dtypes as Keras's, and what is refused."""

from __future__ import annotations

import operator
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, ENGINES, NATIVE_ERRORS, forget_names, keras, numpy, tf
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import precision, semantics

ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
LOGIC = ("and_", "or_", "xor")
ERRORS = (ValueError, *NATIVE_ERRORS)
VALUES = {
    "float": np.float32([[1.5, 2.0], [0.25, 3.0]]),
    "other": np.float32([[1.5, 1.0], [0.5, 2.0]]),
    "number": np.float32(1.75),
    "int": np.int32([[1, 2], [3, 4]]),
    "bool": np.array([[True, False], [False, True]]),
}
NUMBERS = {"float": 1.5, "int": 2}


def made(k, name):
    """PyTorch has no gradients of integers."""
    value = VALUES[name]
    return k.Variable(value, dtype=value.dtype.name, trainable=value.dtype.kind == "f")


def applied(k, function, name, other, reflected):
    """An operator's result on a variable of Keras or of refkeras."""
    variable = made(k, name)
    beside = {
        "variable": lambda: made(k, "other"),
        "list": lambda: VALUES["other"].tolist(),
        "array": lambda: k.ops.convert_to_tensor(VALUES["other"]) if k is keras else VALUES["other"],
        **{kind: lambda value=value: value for kind, value in NUMBERS.items()},
    }[other]()
    pair = (beside, variable) if reflected else (variable, beside)
    return numpy(getattr(operator, function)(*pair))


@examples(300)
@given(
    st.sampled_from([*ARITHMETIC, *COMPARISONS, *LOGIC]),
    st.sampled_from(["float", "number", "int", "bool"]),
    st.sampled_from(["variable", "array", "list", *NUMBERS]),
    st.booleans(),
)
def test_operators(function, name, other, reflected):
    """With a variable, an array or a number on either side; where Keras raises, so does refkeras."""
    assume(not (reflected and other == "array"))  # that operator is the array's
    assume(not (function in ("floordiv", "mod") and reflected and name == "bool"))  # divided by False
    try:
        expected = applied(keras, function, name, other, reflected)
    except ERRORS:
        with pytest.raises(ValueError):
            applied(refkeras, function, name, other, reflected)
        return
    found = applied(refkeras, function, name, other, reflected)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    if found.dtype.kind != "f" or function in ("floordiv", "mod"):  # exact
        np.testing.assert_array_equal(found, expected)
        return
    sides = [precision.exact(VALUES[name]), precision.exact(NUMBERS.get(other, VALUES["other"]))]
    bar = getattr(operator, function)(*(reversed(sides) if reflected else sides))
    assert_agrees(bar, found)
    assert_agrees(bar, expected)


@pytest.mark.parametrize("function", [operator.eq, operator.add])
@pytest.mark.parametrize("other", [None, "a", [1.0, "a"]])
def test_what_is_no_number_is_refused(function, other):
    """Not even == answers, where PyTorch's and NumPy's do: False would be taken for a result."""
    if function is operator.add or BACKEND in ("tensorflow", "jax"):
        with pytest.raises((TypeError, *ERRORS)):
            function(made(keras, "float"), other)
    with pytest.raises(ValueError, match="Expected numbers"):
        function(made(refkeras, "float"), other)


@pytest.mark.parametrize("function", [*ARITHMETIC, *COMPARISONS])
def test_operators_with_error_bars(function):
    """A layer that computes with its variables can be judged, too."""
    layer = refkeras.layers.Dense(2, kernel_initializer="ones")
    layer.build((None, 2))
    plain = getattr(operator, function)(layer.kernel, VALUES["float"])
    with precision.bars(layer):
        try:
            barred = getattr(operator, function)(layer.kernel, VALUES["float"])
        except TypeError as error:
            assert function in ("floordiv", "mod")
            assert "is not known to numbers with error bars" in str(error)
            return
    if function in COMPARISONS:
        np.testing.assert_array_equal(barred, plain)
    else:
        assert_agrees(barred, plain)


@pytest.mark.parametrize("function", [operator.neg, operator.pos, abs, round, partial(round, ndigits=-1)])
@pytest.mark.parametrize("name", ["float", "number", "int"])
def test_of_one_operand(function, name):
    theirs, ours = (numpy(function(made(k, name))) for k in (keras, refkeras))
    np.testing.assert_array_equal(ours, theirs, strict=True)


@shows("variables_have_truth")
@pytest.mark.parametrize("engine", ENGINES)
def test_neither_boolean_nor_key(engine):
    """== compares values, so that a dict cannot do with a variable; whether `if` can is each Keras's own."""
    theirs = (tf if engine == "tf_keras" else keras).Variable
    for make in (theirs, refkeras.Variable):
        one, two = make(np.float32(1.0)), make(np.float32([1.0, 2.0]))
        with semantics.use(engine):
            if semantics.current().variables_have_truth:
                assert bool(one)
                with pytest.raises(ValueError, match="more than one element"):
                    bool(two)
            else:
                with pytest.raises(TypeError, match="boolean"):
                    bool(one)
        with pytest.raises(TypeError, match="unhashable"):
            hash(one)
        with pytest.raises(TypeError, match="has no len"):
            len(two)


def test_results_do_not_change_with_the_variable():
    variable = refkeras.Variable(np.float32([1.0, 2.0]))
    seen = variable[...], +variable, variable[:1], variable.numpy()
    variable.assign([5.0, 6.0])
    assert [float(value[0]) for value in seen] == [1.0] * 4
    assert isinstance((variable * 2.0).numpy(), np.ndarray)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere numpy() gives an array, or there is none")
def test_one_value_is_a_scalar():
    assert {type(k.Variable(np.float32(2.0)).numpy()) for k in (keras, refkeras)} == {np.float32}
    assert {type((k.Variable(np.float32(2.0)) * 3.0).numpy()) for k in (keras, refkeras)} == {np.float32}


# -- how a variable is made ----------------------------------------------------------------------------

STARTS = {
    "number": lambda k: 2.5,
    "integer": lambda k: 7,
    "large integer": lambda k: 2**31,
    "boolean": lambda k: True,
    "list": lambda k: [1.5, 2.0],
    "list of integers": lambda k: [[1, 2]],
    "empty list": lambda k: [],
    "array": lambda k: np.float32([1.5, 2.0]),
    "variable": lambda k: k.Variable(np.float32([1.5, 2.0]), name="first"),
    "name": lambda k: "ones",
    "name of none": lambda k: "twos",
    "initializer": lambda k: k.initializers.Constant(2.0),
    "function": lambda k: lambda shape, dtype: np.full(shape, 3, dtype),
}
SHAPES = [None, (), (2,), [3], (2, 3), (0,), 3, (None,), (2.0,), (-1,), ("a",), (np.int64(2),)]


def of_outcome(make):
    """The type of what Keras raises by name, or what the variable is."""
    try:
        v = make()
    except (TypeError, ValueError) as error:
        return type(error)
    except (OverflowError, *NATIVE_ERRORS):
        return "refused by the backend"
    value = np.asarray(v.numpy() if BACKEND == "tensorflow" or not hasattr(v, "_convert_to_tensor") else numpy(v))
    kinds = v.trainable, v.aggregation, v.synchronization
    return tuple(v.shape), str(v.dtype), v.name, v.path, *kinds, value.tolist()


@examples(200)
@given(
    start=st.sampled_from(sorted(STARTS)),
    shape=st.sampled_from(SHAPES),
    dtype=st.sampled_from([None, "float32", "int32", "bool", "f4"]),
    trainable=st.sampled_from([True, False, 0, "yes"]),
    autocast=st.booleans(),
    aggregation=st.sampled_from(["none", None, "mean", "sum", "only_first_replica", "max"]),
    synchronization=st.sampled_from(["auto", None, "none", "on_read", "on_write", "never"]),
    name=st.sampled_from([None, "", "a", "a/b", 5]),
)
def test_made(start, shape, dtype, trainable, autocast, aggregation, synchronization, name):
    """Of any start: what it is, or which error it is; a shape counts where a function makes the value."""
    integer = (dtype is None and "integer" in start) or start == "boolean" or dtype in ("int32", "bool")
    assume(not (BACKEND == "torch" and integer and trainable))  # it has no gradients of integers
    assume(not (start == "large integer" and BACKEND != "tensorflow"))  # 32 bits do not hold it
    outcomes = []
    for k in (keras, refkeras):
        forget_names(k)
        arguments = {"dtype": dtype, "trainable": trainable, "autocast": autocast, "name": name}
        arguments |= {"aggregation": aggregation, "synchronization": synchronization}
        if BACKEND == "torch":
            arguments["trainable"] = bool(trainable)
        outcomes.append(of_outcome(lambda k=k, given=arguments: k.Variable(STARTS[start](k), shape, **given)))
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("attribute", ["regularizer", "constraint", "name", "value", "shape", "dtype", "trainable"])
@pytest.mark.parametrize("value", [None, 3, abs, "l2", 0])
def test_what_may_be_set(attribute, value):
    def outcome(k):
        v = k.Variable(np.float32([1.5, 2.0]))
        try:
            setattr(v, attribute, bool(value) if attribute == "trainable" else value)
        except (ValueError, AttributeError) as error:
            return type(error)
        return getattr(v, attribute)

    assert outcome(refkeras) == outcome(keras)


@examples(100)
@given(
    start=st.sampled_from([np.float32([1.5, -2.0]), np.int32([3, -4]), np.float32(0.25)]),
    how=st.sampled_from(["assign", "assign_add", "assign_sub"]),
    value=st.sampled_from([1, 0.75, -0.5, True, [1, 2], [0.5, 1.75], [[1.0, 2.0]], [1.0, 2.0, 3.0], "x", None]),
)
def test_assigned(start, how, value):
    """The value, what is returned, and what is refused; a sum is taken before it is cast to a variable of integers."""
    assume(not (value is None and BACKEND == "numpy"))  # NaN there
    results = []
    for k in (keras, refkeras):
        v = k.Variable(start, trainable=start.dtype.kind == "f")
        try:
            returned = getattr(v, how)(value)
        except (TypeError, ValueError, *NATIVE_ERRORS):
            results.append(("refused", numpy(v).tolist()))
            continue
        results.append((numpy(returned).tolist(), keras.backend.standardize_dtype(returned.dtype), numpy(v).tolist()))
    assert results[1] == results[0]


def test_what_assign_returns_stays():
    variable = refkeras.Variable(np.float32([1.0, 2.0]))
    returned = variable.assign([3.0, 4.0])
    variable.assign_add(1.0)
    np.testing.assert_array_equal(returned, [3.0, 4.0])
