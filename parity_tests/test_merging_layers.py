"""Layers that merge their inputs element by element, and Dot, beside Keras 3 and tf_keras."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import DTYPES, ENGINES, KERAS_3, numpy, tensor
from parity_tests.layer_sides import array, make_both, outcome, plain, run_engine, run_ours
from parity_tests.shows import shows
from parity_tests.test_core_layers import any_taken_for_bias, values_like
from refkeras import precision, semantics

BOTH = sorted(ENGINES)
ELEMENTWISE = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(data=st.data())
def test_elementwise(name, data):
    """Values, masks and gradients, of values that tie, of NaN and infinities, and with steps that some inputs mask."""
    engine = data.draw(st.sampled_from(BOTH))
    count = 2 if name == "Subtract" else data.draw(st.integers(1, 4))
    rank = data.draw(st.integers(2, 4))
    shape = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    broadcast, masked = data.draw(st.booleans()), data.draw(st.booleans())
    shapes = [list(shape) for _ in range(count)]
    for one in shapes if broadcast else ():
        one[1:] = [data.draw(st.sampled_from([1, size])) for size in one[1:]]
        del one[1 : 1 + (0 if masked else data.draw(st.integers(0, rank - 2)))]
    assume(name not in ("Add", "Average") or not any_taken_for_bias(engine, shapes))
    dtype, seed = data.draw(st.sampled_from(DTYPES)), data.draw(st.integers(0, 2**32))
    kind = data.draw(st.sampled_from(["normal", "ties", "odd"]))
    random = np.random.default_rng(seed)
    inputs = [values(random, s, kind, dtype) for s in shapes]
    masks = None
    if masked:
        # tf_keras lays the masks side by side: they have to be of one shape.
        as_one = engine == "tf_keras"
        masks = [random.random(shape[:-1] if as_one else s[:-1]) < 0.6 for s in shapes]
        masks = [mask if data.draw(st.integers(0, 3)) else None for mask in masks]
    ours, theirs = make_both(engine, lambda layers: getattr(layers, name)(dtype=dtype))
    with semantics.use(engine):
        expected = numpy(theirs([tensor(x) for x in inputs]))
        dy = values(random, expected.shape, kind, dtype)
        a = run_ours(ours, inputs, [dy], mask=masks, bars=dtype)
        b = run_engine(theirs, inputs, [dy], mask=masks)
        symbolic = [(None, *s[1:]) for s in shapes]
        assert tuple(ours.compute_output_shape(symbolic)) == tuple(theirs.compute_output_shape(symbolic))
    assert_agrees(a.outputs[0], b.outputs[0])
    assert (a.masks[0] is None) == (b.masks[0] is None)
    if a.masks[0] is not None:
        np.testing.assert_array_equal(a.masks[0], b.masks[0])
    assert len(a.d_inputs) == len(b.d_inputs) == count or not b.d_inputs
    for ours_d, theirs_d in zip(a.d_inputs, b.d_inputs, strict=False):
        assert_agrees(ours_d, theirs_d)


def values(random, shape, kind, dtype):
    """Normal numbers; or of few values, so that they tie; or with NaN and infinities among them."""
    if kind == "normal":
        return values_like(random, shape, dtype)
    few = [-1.5, -0.5, 0.0, 0.25, 2.0] + [np.nan, np.inf, -np.inf] * (kind == "odd")
    return random.choice(few, shape).astype(dtype)


@given(st.data())
def test_dot(data):
    engine, dtype = data.draw(st.sampled_from(BOTH)), data.draw(st.sampled_from(DTYPES))
    batch, size = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 4))
    shapes = [[batch, *(data.draw(st.integers(1, 4)) for _ in range(data.draw(st.integers(1, 3))))] for _ in "ab"]
    # An empty batch of more than three axes is an error in Keras, but for TensorFlow.
    assume(batch or max(map(len, shapes)) < 4)
    axes = [data.draw(st.integers(1, len(shape) - 1)) for shape in shapes]
    for shape, axis in zip(shapes, axes, strict=True):
        shape[axis] = size
    given_axes = data.draw(st.sampled_from([tuple, list]))(
        axis - data.draw(st.sampled_from([0, len(shape)])) for axis, shape in zip(axes, shapes, strict=True)
    )
    if axes[0] == axes[1]:
        given_axes = data.draw(st.sampled_from([given_axes, axes[0]]))
    elif axes[0] - len(shapes[0]) == axes[1] - len(shapes[1]):
        given_axes = data.draw(st.sampled_from([given_axes, axes[0] - len(shapes[0])]))
    normalize = data.draw(st.booleans())
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    # Some vectors are 0, and some so short that the bound of their lengths acts.
    inputs = [
        values_like(random, s, dtype)
        * random.choice([1, 1, 1, 0, 1e-9], [n if i != axis else 1 for i, n in enumerate(s)]).astype(dtype)
        for s, axis in zip(shapes, axes, strict=True)
    ]
    ours, theirs = make_both(engine, lambda layers: layers.Dot(given_axes, normalize=normalize, dtype=dtype))
    with semantics.use(engine):
        expected = numpy(theirs([tensor(x) for x in inputs]))
        dy = values_like(random, expected.shape, dtype)
        a, b = run_ours(ours, inputs, [dy], bars=dtype), run_engine(theirs, inputs, [dy])
        symbolic = [(None, *s[1:]) for s in shapes]
        assert tuple(ours.compute_output_shape(symbolic)) == tuple(theirs.compute_output_shape(symbolic))
    assert_agrees(a.outputs[0], b.outputs[0])
    assert a.masks == b.masks == [None]
    for ours_d, theirs_d in zip(a.d_inputs, b.d_inputs, strict=False):
        assert_agrees(ours_d, theirs_d)


@shows("merges_leave_out_masked")
def test_masked_steps_are_left_out():
    """A gate that is 0 at the padding: multiplied as it is, or taken for 1."""
    gate, x = np.float32([[[0.5], [0.0]]]), np.float32([[[2.0], [3.0]]])
    masks = [np.array([[True, False]]), np.array([[True, True]])]
    found = {}
    for engine in BOTH:
        for name in ("Multiply", "Maximum", "Minimum"):
            ours, theirs = make_both(engine, lambda layers, name=name: getattr(layers, name)())
            with semantics.use(engine):
                a, b = run_ours(ours, [gate, x], mask=masks), run_engine(theirs, [gate, x], mask=masks)
            assert_same(a.outputs[0], b.outputs[0])
            found[engine, name] = a.outputs[0].ravel().tolist()
    for engine in BOTH:
        left_out = semantics.get(engine).merges_leave_out_masked
        assert found[engine, "Multiply"] == ([1.0, 3.0] if left_out else [1.0, 0.0])
        assert found[engine, "Minimum"] == ([0.5, 3.0] if left_out else [0.5, 0.0])
    assert len({semantics.get(engine).merges_leave_out_masked for engine in BOTH}) == len(BOTH)


X, Y, VECTOR, LONGER = (np.ones(shape, "float32") for shape in ((2, 3), (3, 3), (2,), (2, 4)))
CALLS = {
    "Subtract of one": lambda k: k.layers.Subtract()([X]),
    "Subtract of three": lambda k: k.layers.Subtract()([X, X, X]),
    "Subtract of three inputs": lambda k: k.layers.Subtract()([k.Input((3,)) for _ in range(3)]),
    "Average of one": lambda k: k.layers.Average()([X]),
    "Average, no list": lambda k: k.layers.Average()(X),
    "Multiply, other batches": lambda k: k.layers.Multiply()([X, Y]),
    "Multiply, other sizes": lambda k: k.layers.Multiply()([X, LONGER]),
    "Maximum of inputs of other sizes": lambda k: k.layers.Maximum()([k.Input((3,)), k.Input((4,))]),
    "Minimum of vectors": lambda k: k.layers.Minimum()([VECTOR, VECTOR]),
    "Multiply of a vector and more": lambda k: k.layers.Multiply()([X[:, :1], np.ones((2, 4, 3), "float32")]),
    "Dot of three": lambda k: k.layers.Dot(1)([X, X, X]),
    "Dot, no list": lambda k: k.layers.Dot(1)(X),
    "Dot over the batch": lambda k: k.layers.Dot(0)([X, X]),
    "Dot over other batches": lambda k: k.layers.Dot(0)([X, Y]),
    "Dot of other sizes": lambda k: k.layers.Dot(1)([X, LONGER]),
    "Dot of other batches": lambda k: k.layers.Dot(1)([X, Y]),
    "Dot of a vector": lambda k: k.layers.Dot(1)([VECTOR, X]),
    "Dot of vectors over the batch": lambda k: k.layers.Dot(0)([VECTOR, VECTOR]),
    "Dot along no axis": lambda k: k.layers.Dot(3)([X, X]),
    "Dot of unknown sizes": lambda k: k.layers.Dot(1)([k.Input((None, 3)), k.Input((4, 3))]),
    "Dot of a word": lambda k: k.layers.Dot("a"),
    "Dot of a float": lambda k: k.layers.Dot(1.0),
    "Dot of three axes": lambda k: k.layers.Dot((1, 2, 3)),
    "Dot of words": lambda k: k.layers.Dot((1, "a")),
    "the shape of one": lambda k: k.layers.Dot(1).compute_output_shape([(None, 3)]),
    "the shape of no list": lambda k: k.layers.Dot(1).compute_output_shape(3),
}


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("what", CALLS)
def test_odd_calls(engine, what):
    def shape_or_error(k):
        with semantics.use(engine):
            return outcome(lambda: tuple(getattr(CALLS[what](k), "shape", ())))

    assert shape_or_error(refkeras) == shape_or_error(ENGINES[engine])


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("name", [*ELEMENTWISE, "Dot"])
def test_functions_and_configs(engine, name):
    """`multiply(inputs)` is `Multiply()(inputs)`; configurations say what was given, and make the layer again."""
    x, z = values_like(np.random.default_rng(0), (2, 3, 4)), values_like(np.random.default_rng(1), (2, 3, 4))
    options = {"axes": (2, -1), "normalize": True} if name == "Dot" else {}
    for given_options in ({**options, "name": "mine", "dtype": "float64"}, options):
        ours, theirs = make_both(engine, lambda layers, given=given_options: getattr(layers, name)(**given))
        with semantics.use(engine):
            config, expected = plain(ours.get_config()), plain(theirs.get_config())
            assert config | {"name": ""} == expected | {"name": ""}
            assert plain(type(ours).from_config(ours.get_config()).get_config()) == config
    with semantics.use(engine):
        found = getattr(refkeras.layers, name.lower())([x, z], **options)
        real = getattr(ENGINES[engine].layers, name.lower())([tensor(x), tensor(z)], **options)
        assert_same(array(found), array(ours([x, z])))
        assert_same(numpy(real), numpy(theirs([tensor(x), tensor(z)])))
        assert found.shape == real.shape


def test_another_rank_than_the_first():
    """What a layer was built with says whether axes are put in; an input of less rank is broadcast otherwise."""
    x, less = np.ones((3, 3, 2), "float32"), np.float32([[1, 2], [3, 4], [5, 6]])
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.Multiply())
        with semantics.use(engine):
            for inputs in ([x, x], [x, less]):
                a, b = array(ours(inputs)), numpy(theirs([tensor(v) for v in inputs]))
                assert_same(a, b)


@pytest.mark.parametrize("dtypes", [("int32", "float32"), ("float32", "int64"), ("float64", "int32")])
def test_integers_among_floats(dtypes):
    inputs = [np.arange(1, 7).reshape(2, 3).astype(dtype) for dtype in dtypes]
    for name in (*ELEMENTWISE, "Concatenate"):
        ours, theirs = make_both(KERAS_3, lambda layers, name=name: getattr(layers, name)())
        a, b = array(ours(inputs)), numpy(theirs([tensor(x) for x in inputs]))
        assert a.dtype == b.dtype, name
        assert_same(a, b)


def gated(k):
    """Every merge in one model, with masks among them."""
    x, y = k.Input((5, 3), name="x"), k.Input((5, 3), name="y")
    left, right = k.layers.Masking(name="m1")(x), k.layers.Masking(1.0, name="m2")(y)
    gate = k.layers.Multiply(name="gate")(
        [k.layers.Dense(4, "sigmoid", name="d1")(left), k.layers.Dense(4, name="d2")(right)]
    )
    either = k.layers.Maximum(name="either")([gate, k.layers.Dense(4, name="d3")(right)])
    least = k.layers.Minimum(name="least")([either, k.layers.Dense(4, name="d4")(left), gate])
    state = k.layers.LSTM(3, name="memory")(k.layers.Average(name="mean")([least, gate]))
    other = k.layers.LSTM(3, name="other")(k.layers.Subtract(name="less")([either, least]))
    cosine = k.layers.Dot(1, normalize=True, name="cosine")([state, other])
    weights = k.layers.Dot((2, 1), name="attend")([gate, k.layers.RepeatVector(4, name="again")(state)])
    return k.Model([x, y], [cosine, k.layers.Dense(2, name="out")(weights)])


@pytest.mark.parametrize("engine", BOTH)
def test_a_model_of_merges(engine, tmp_path):
    """Its graph, its outputs and its file are Keras's; it is trained in test_training.py."""
    random = np.random.default_rng(3)
    x, y = values_like(random, (6, 5, 3)), values_like(random, (6, 5, 3))
    x[0, 2:], y[1, 3:], y[2, :1], x[2, :1] = 0, 1, 1, 0
    with semantics.use(engine):
        ours, theirs = gated(refkeras), gated(ENGINES[engine])
        weights = [values_like(random, w.shape) for w in theirs.get_weights()]
        ours.set_weights(weights)
        theirs.set_weights(weights)
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        for bar, real in zip(precision.evaluate(ours, [x, y]), theirs([tensor(x), tensor(y)]), strict=True):
            assert_agrees(bar, real)
        ours.save(tmp_path / "m.keras")
        again = ENGINES[engine].models.load_model(tmp_path / "m.keras")
        for a, b in zip(again([tensor(x), tensor(y)]), theirs([tensor(x), tensor(y)]), strict=True):
            assert_same(numpy(a), numpy(b))


@pytest.mark.parametrize("engine", BOTH)
def test_a_merge_of_one_s_own(engine):
    """A subclass whose `call` passes the inputs on, with their masks."""
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    x[0, 1], x[1, 2] = 0, 1
    with semantics.use(engine):
        values = []
        for k, as_tensor in ((refkeras, lambda x: x), (ENGINES[engine], tensor)):

            class Own(k.layers.Multiply):
                def call(self, inputs):
                    return super().call(inputs)

            inputs = [k.layers.Masking()(as_tensor(x)), k.layers.Masking(1.0)(as_tensor(x))]
            one, two = k.Input((5, 3)), k.Input((5, 3))
            model = k.Model([one, two], Own()([k.layers.Masking()(one), k.layers.Masking(1.0)(two)]))
            values.append([numpy(Own()(inputs)), numpy(model([as_tensor(x)] * 2))])
    for ours, theirs in zip(*values, strict=True):
        assert_same(ours, theirs)
