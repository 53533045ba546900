"""Activations beside Keras 3 and tf_keras: values, gradients, special values, names."""

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.agreement import assert_agrees, assert_differs, exactly
from parity_tests.engines import (
    BACKEND,
    DTYPES,
    ENGINES,
    FLOAT64,
    KERAS_3,
    NOT_COMPARED,
    NoGradient,
    both_kerases,
    differs,
    double,
    keras,
    numpy,
    tensor,
    value_and_gradients,
)
from parity_tests.shows import shows
from parity_tests.soundness.names import as_computed
from refkeras import activations, semantics
from refkeras.precision import exact

GRID = [
    -100.0,
    -50.0,
    -20.0,
    -6.0,
    -3.0,
    -2.5,
    -1.0,
    -0.5,
    -1e-3,
    -1e-8,
    0.0,
    1e-8,
    1e-3,
    0.5,
    1.0,
    2.5,
    3.0,
    6.0,
    20.0,
    80.0,
]
#: What a backend makes of values that have no right answer, or of a kink; the numbers are not compared.
OTHER_POINTS = {
    ("jax", "celu gradient"): [np.nan],
    ("jax", "elu gradient"): [np.nan],
    ("jax", "selu gradient"): [np.nan],
    ("jax", "hard_silu gradient"): [-np.inf, np.inf, np.nan],
    ("jax", "hard_tanh gradient"): [np.nan],
    ("jax", "softsign gradient"): [-np.inf, np.inf],
    ("jax", "sparse_sigmoid gradient"): [np.nan],
    ("torch", "gelu"): [np.inf],
    ("torch", "celu gradient"): [np.nan],
    ("torch", "hard_silu gradient"): [-np.inf, np.inf, np.nan],
    ("torch", "hard_tanh gradient"): [np.nan],
    ("torch", "softsign gradient"): [-np.inf, np.inf],
}


def engine_value_and_gradient(function, x, dy):
    derived = value_and_gradients(function, [x], d_values=None if dy is None else [dy])
    return derived.values[0], derived.gradients[0]


def compare(name, function, x, *, arguments=None, dy=None):
    """Compare value and gradient of refkeras's activation `name`, with error bars, with the engine's `function`."""
    arguments = arguments or {}
    x = np.asarray(x)
    machine = x.dtype.name
    forward = activations.forward_of(activations.get(name))
    with np.errstate(all="ignore"):
        y, pullback = forward(exact(x, machine), **arguments)
        dy = np.ones(y.shape, x.dtype) if dy is None else dy
        dx = pullback(exact(dy, machine))
    engine_y, engine_dx = engine_value_and_gradient(lambda v: function(v, **arguments), x, dy)
    defaults = inspect.signature(function).parameters
    given = {key: value for key, value in arguments.items() if value != defaults[key].default}
    y = as_computed(BACKEND, name, y, exact(x, machine), exact(dy, machine), **given)
    dx = as_computed(BACKEND, f"{name} gradient", dx, exact(x, machine), exact(dy, machine), **given)
    check(name, y, engine_y, x)
    check(f"{name} gradient", dx, engine_dx, x)


def check(what, ours, engine, x):
    """Compare with error bars."""
    if (BACKEND, what) in OTHER_POINTS and not isinstance(engine, NoGradient):
        kept = ~(np.isin(x, OTHER_POINTS[BACKEND, what]) | (np.isnan(x) & np.isnan(OTHER_POINTS[BACKEND, what]).any()))
        NOT_COMPARED["activations of NaN, infinities and kinks, and their gradients (docs/findings.md)"] += np.sum(
            ~kept
        )
        ours, engine = ours[kept], engine[kept]
    assert_agrees(ours, engine, what=what)


OVER_AXES = ("glu", "log_softmax", "softmax", "sparsemax")
ELEMENTWISE = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu"),
    *("log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign"),
    *("sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink"),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, dtype):
    function = getattr(keras.activations, name)
    random = np.random.default_rng(0).normal(size=40) * 4
    compare(name, function, np.array([*GRID, *random], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_by_tanh(dtype):
    """In float64 the constant 0.044715 is still float32's: 1 part in 3e7, which numbers of the size of 1 show."""
    x = np.array([*GRID, *np.random.default_rng(0).normal(size=40) * 2], dtype)
    compare("gelu", keras.activations.gelu, x, arguments={"approximate": True})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_special_values(name, dtype):
    """NaN, infinities and kinks: the engine's very class of value."""
    x = np.array([-np.inf, np.inf, np.nan, -6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0], dtype)
    compare(name, getattr(keras.activations, name), x)


@given(st.data())
def test_arguments(data):
    number = st.floats(0.0625, 3.0, width=32)
    # TensorFlow takes subnormal numbers for zeros.
    numbers = st.lists(st.floats(-5, 5, width=32, allow_subnormal=False), min_size=1, max_size=8)
    x = np.array(data.draw(numbers), data.draw(st.sampled_from(DTYPES)))
    name, arguments = data.draw(
        st.one_of(
            st.tuples(
                st.just("relu"),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "negative_slope": number,
                        "max_value": st.one_of(st.sampled_from([6, 6.0, 0.0, -1.0]), number),
                        "threshold": st.one_of(number, st.floats(-2, -0.0625)),
                    },
                ),
            ),
            st.tuples(st.just("leaky_relu"), st.fixed_dictionaries({"negative_slope": number})),
            st.tuples(st.sampled_from(["elu", "celu"]), st.fixed_dictionaries({"alpha": number})),
            st.tuples(st.sampled_from(["soft_shrink", "hard_shrink"]), st.fixed_dictionaries({"threshold": number})),
            st.tuples(st.just("squareplus"), st.fixed_dictionaries({"b": number})),
            st.tuples(st.just("gelu"), st.fixed_dictionaries({"approximate": st.booleans()})),
            st.tuples(st.just("threshold"), st.fixed_dictionaries({"threshold": number, "default_value": number})),
        )
    )
    if arguments.get("threshold") is not None and name == "relu":
        x = np.append(x, x.dtype.type(arguments["threshold"]))  # a tie
    compare_with = getattr(keras.activations, name)
    compare(name, compare_with, x, arguments=arguments)


@pytest.mark.parametrize("alpha", [0.3, 1.7])
@pytest.mark.parametrize("name", ["elu", "celu"])
def test_alpha(name, alpha):
    x = np.linspace(-3, 3, 13, dtype="float32")
    compare(name, getattr(keras.activations, name), x, arguments={"alpha": alpha})


@given(st.data())
def test_over_axes(data):
    shape = tuple(data.draw(st.lists(st.integers(2, 5), min_size=1, max_size=3)))
    # On NumPy sparsemax of float32 is float64.
    name = data.draw(st.sampled_from(["softmax", "log_softmax", "glu", *(["sparsemax"] if BACKEND != "numpy" else [])]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    if name == "glu":
        shape = tuple(2 * n if k == axis % len(shape) else n for k, n in enumerate(shape))
    if name in ("softmax", "log_softmax") and data.draw(st.booleans()):
        axis = data.draw(st.sampled_from([None, tuple(range(len(shape)))])) if name == "softmax" else None
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    x = (random.normal(size=shape) * data.draw(st.sampled_from([0.1, 1.0, 30.0]))).astype(
        data.draw(st.sampled_from(DTYPES))
    )
    half = list(shape)
    if name == "glu":
        half[axis] //= 2
    dy = random.normal(size=half if name == "glu" else shape).astype(x.dtype)
    compare(name, lambda v, axis: getattr(keras.activations, name)(v, axis=axis), x, arguments={"axis": axis}, dy=dy)


@pytest.mark.parametrize("score", [-86.5, -86.7, -87.1, -87.3, -87.4, -100.0, -104.0])
def test_smallest_probabilities(score):
    """TensorFlow's are 0 below 2⁻¹²⁵, twice float32's smallest normal number, and others' smaller ones."""
    x = np.array([[0.0, score, score / 3], [score, 0.5, 0.0]], "float32")
    compare("softmax", keras.activations.softmax, x, dy=np.array([[1.0, 2.0, -3.0], [-0.5, 1.5, 1.0]], "float32"))


@pytest.mark.skipif(not FLOAT64, reason="shown in float64, which Keras rounds to float32 on this backend")
@pytest.mark.parametrize(
    "row", [[np.inf, 1, 2], [np.nan, 1, 2], [-np.inf] * 3, [-np.inf, 1, 2], [1e30, -1e30, 5], [200, 0, -200]]
)
def test_softmax_of_special_rows(row):
    # float32 rows go through oneDNN, which spreads NaN unevenly over a row; float64 rows show TensorFlow's own rule.
    dtype = DTYPES[-1]
    x = np.array([row], dtype)
    with np.errstate(all="ignore"):
        for name in ("softmax", "log_softmax"):
            ours = activations.forward_of(activations.get(name))(exact(x, dtype))[0]
            assert_agrees(ours, getattr(keras.activations, name)(tensor(x)))


@differs("numpy", reason="NumPy's arrays take no attributes: nothing remembers its logits or its mask")
def test_public_functions_return_values_and_logits():
    x = np.array([[1.0, -2.0, 0.5]], "float32")
    for name in ("softmax", "sigmoid"):
        ours, theirs = getattr(activations, name)(x), getattr(keras.activations, name)(tensor(x))
        np.testing.assert_array_equal(ours._keras_logits, numpy(theirs._keras_logits))
    assert activations.relu(x)._keras_logits is None
    assert activations.relu([1.0, -2.0]).dtype == np.float32
    assert activations.relu(np.array([1, -2])).dtype == np.int64


# -- where engines differ ----------------------------------------------------------------


def sides():
    return ENGINES.items()


@both_kerases
@shows("hard_sigmoid")
def test_hard_sigmoid_of_each_engine():
    x = np.array([-4, -3, -2.75, -2.5, -1, 0, 0.3, 2.5, 2.75, 3, 4, np.nan, np.inf, -np.inf], "float32")
    bars = []
    for name, engine in sides():
        with semantics.use(name):
            compare("hard_sigmoid", engine.activations.hard_sigmoid, x)
            bars.append(activations.hard_sigmoid.forward(exact(x))[0])
    for bar, (_, other) in zip(bars, reversed(sides()), strict=True):
        assert_differs(bar, other.activations.hard_sigmoid(tensor(x)))


@both_kerases
@shows("relu_constants")
def test_constants_of_relu_in_float64():
    x = np.array([0.1, float(np.float32(0.1)), 0.2, 5.0])
    values = []
    for name, engine in sides():
        with semantics.use(name):
            for arguments in ({"threshold": 0.1}, {"max_value": 0.1}):
                compare("relu", engine.activations.relu, x, arguments=arguments)
            values.append(numpy(activations.relu(x, threshold=0.1)))
    assert values[0][1] == 0 and values[1][1] != 0


@shows("leaky_relu_by")
def test_leaky_relu_with_a_slope_above_1():
    x = np.array([[-1.0, 0.0, 2.0]], "float32")
    for name in ("leaky_relu", "relu"):
        compare(name, getattr(keras.activations, name), x, arguments={"negative_slope": 3.0})
    larger = numpy(activations.leaky_relu(x, 3.0)).tolist() == [[-1.0, 0.0, 6.0]]
    assert larger == (semantics.current().leaky_relu_by == "maximum") == (BACKEND == "numpy")


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend has no float64")
@shows("leaky_relu_slope")
def test_slope_of_leaky_relu_in_float64():
    x = np.array([-100.0])
    mine = numpy(activations.leaky_relu(x, 0.2))
    with double():
        for both in (activations.relu(x, 0.2), keras.activations.leaky_relu(tensor(x), 0.2)):
            np.testing.assert_array_equal(mine, numpy(both))
    rule = semantics.current().leaky_relu_slope
    assert (mine[0] == -20) == (rule == "exact") == (BACKEND != "tensorflow")


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend has no float64")
@shows("gelu_constants")
@pytest.mark.parametrize("approximate", [False, True])
def test_constants_of_gelu_in_float64(approximate):
    """Rounded to float32, 1/√2 and 0.044715 move gelu by 1e-9; float64 itself would move it by 1e-16."""
    x = np.array([0.4, 1.3])
    with double():
        real = numpy(keras.activations.gelu(tensor(x), approximate=approximate))
    rounded = semantics.current().gelu_constants == "float32"
    assert rounded == (BACKEND == "tensorflow")
    for name, held in (("keras-3@tensorflow", rounded), ("keras-3@torch", not rounded)):
        with semantics.use(name):
            bars, _ = activations.gelu.forward(exactly(x, "float64"), approximate)
        for bar, value in zip(bars, real, strict=True):
            (assert_agrees if held else assert_differs)(bar, value)


NO_GRADIENTS = pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend computes no gradients")


@NO_GRADIENTS
@shows("celu_slope_at_0", "selu_slope_at_0", "hard_tanh_slope_at_1", "leaky_relu_slope_at_0")
def test_slopes_at_kinks():
    seen, rules = [], semantics.current()
    for name, x in (("celu", 0.0), ("selu", 0.0), ("hard_tanh", 1.0), ("hard_tanh", -1.0), ("leaky_relu", 0.0)):
        function, x = getattr(keras.activations, name), np.array([x], "float32")
        compare(name, function, x)
        seen.append(float(engine_value_and_gradient(function, x, None)[1][0]))
    assert seen[0] == rules.celu_slope_at_0 == (2 if BACKEND == "tensorflow" else 1)
    assert (seen[1] > 1.5) == (rules.selu_slope_at_0 == "left") == (BACKEND != "tensorflow")
    assert seen[2] == seen[3] == rules.hard_tanh_slope_at_1 == (BACKEND != "torch")
    assert (seen[4] == 1) == (rules.leaky_relu_slope_at_0 == "positive") == (BACKEND == "jax")


@NO_GRADIENTS
@pytest.mark.usefixtures("each_keras")
@shows("relu_gradient")
@pytest.mark.parametrize("name", ["relu", "relu6"])
def test_relu_and_gradients_that_are_nan(name):
    """Where relu is flat, a NaN that comes from a loss goes on to the weights, or does not."""
    if not hasattr(keras.activations, name):
        pytest.skip(f"tf_keras has no activation {name}")
    function, x = getattr(keras.activations, name), np.array([-1.0, 0.0, 2.0, np.nan], "float32")
    dy = np.array([np.nan, np.nan, np.nan, 5.0], "float32")
    compare(name, function, x, dy=dy)
    flat, _, above, of_nan = engine_value_and_gradient(function, x, dy)[1].tolist()
    rule = semantics.current().relu_gradient
    assert np.isnan(above)
    assert np.isnan(flat) == (rule == "product") == (BACKEND == "tensorflow")
    assert (of_nan == 5) == (rule == "zero unless above") == (BACKEND == "torch")


@shows("shrunk_nan")
@pytest.mark.parametrize("name", ["hard_shrink", "soft_shrink"])
def test_shrinking_nan(name):
    x = np.array([np.nan, 0.5, -0.5], "float32")
    compare(name, getattr(keras.activations, name), x)
    real = numpy(getattr(keras.activations, name)(tensor(x)))
    assert np.isnan(real[0]) == (semantics.current().shrunk_nan == "nan") == (BACKEND == "torch")


@shows("relu_threshold")
def test_relu_threshold_with_special_values():
    x = np.array([-np.inf, np.nan, 3.0, 1.0], "float32")
    values = []
    for name, engine in sides():
        with semantics.use(name), np.errstate(all="ignore"):
            compare("relu", engine.activations.relu, x, arguments={"threshold": 2.0})
            values.append(numpy(activations.relu(x, threshold=2.0)))
    np.testing.assert_array_equal(values, [[0, 0, 3, 0], [np.nan, np.nan, 3, 0]][: len(values)])


@shows("softmax_of_rank_1")
def test_softmax_of_a_vector():
    x = np.array([1.0, 2.0], "float32")
    for name, engine in sides():
        with semantics.use(name):
            try:
                theirs = numpy(engine.activations.softmax(tensor(x)))
            except ValueError:
                assert name == "tf_keras"
                with pytest.raises(ValueError, match="1D"):
                    activations.softmax(x)
            else:
                assert_agrees(activations.forward_of(activations.softmax)(exact(x))[0], theirs)


@shows("softmax_warns_of_size_1")
def test_softmax_over_one_value():
    x = np.ones((3, 1), "float32")
    for name, engine in sides():
        with semantics.use(name):
            warned = []
            for softmax in (activations.softmax, engine.activations.softmax):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    softmax(tensor(x) if softmax is not activations.softmax else x)
                warned.append([w.category for w in caught])
            assert warned[0] == warned[1] == ([UserWarning] if name == KERAS_3 else [])


@shows("activation_lookup")
def test_names():
    candidates = [
        *activations.__all__,
        "swish",
        "Relu",
        "RELU",
        "ReLU",
        "LeakyReLU",
        "Softmax",
        "foo",
        "",
        3,
        [],
        object(),
    ]
    own = {"get", "serialize", "deserialize", "forward_of", "keeps_logits"}
    for name, engine in sides():
        with semantics.use(name):
            for identifier in candidates:
                if isinstance(identifier, str) and identifier in own:
                    continue
                assert outcome(activations, identifier) == outcome(engine.activations, identifier), (name, identifier)


def outcome(module, identifier):
    """What `get` makes of an identifier, as `serialize` writes it, or the exception's type."""
    try:
        found = module.serialize(module.get(identifier))
    except Exception as error:
        return (
            "Error" if isinstance(error, (ValueError, TypeError)) and not isinstance(identifier, str) else type(error)
        )
    return found if isinstance(found, str) else found["class_name"]


def test_wrong_kinds_of_identifier():
    for name, engine in sides():
        with semantics.use(name):
            for identifier in (3, [], object()):
                raised = []
                for module in (activations, engine.activations):
                    with pytest.raises((ValueError, TypeError)) as caught:
                        module.get(identifier)
                    raised.append(caught.type)
                assert raised[0] is raised[1]


def test_every_function_is_compared():
    public = {name for name in keras.activations.__dict__ if not name.startswith("_")} - {
        "get",
        "serialize",
        "deserialize",
    }
    assert public <= set(activations.__all__)
    assert set(activations._KERAS_3) <= {*ELEMENTWISE, *OVER_AXES, "linear", "threshold", "swish", "hard_swish"}
