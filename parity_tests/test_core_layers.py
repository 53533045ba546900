"""Dense, activation, dropout, masking, reshaping and merging layers beside Keras 3 and tf_keras."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import BACKEND, DEVICE, DTYPES, ENGINES, KERAS_3, keras, numpy, tensor
from parity_tests.layer_sides import array, make_both, outcome, plain, run_engine, run_ours
from parity_tests.shows import shows
from refkeras import semantics

BOTH = sorted(ENGINES)


def values_like(random, shape, dtype="float32"):
    return random.normal(size=shape).astype(dtype)


# -- Dense -----------------------------------------------------------------------------------


@given(st.data())
def test_dense(data):
    engine = data.draw(st.sampled_from(BOTH))
    features, units, *batch = data.draw(st.lists(st.integers(1, 5), min_size=3, max_size=5))
    activation = data.draw(st.sampled_from([None, "relu", "tanh", "sigmoid", "softmax", "hard_sigmoid", "elu"]))
    use_bias = data.draw(st.booleans())
    dtype = data.draw(st.sampled_from(DTYPES))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ours, theirs = make_both(engine, lambda layers: layers.Dense(units, activation, use_bias=use_bias, dtype=dtype))
    x = values_like(random, (*batch, features), dtype)
    dy = values_like(random, (*batch, units), dtype)
    with semantics.use(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # softmax over one unit
        theirs.build(x.shape)
        ours.build(x.shape)
        theirs.set_weights([values_like(random, w.shape, dtype) for w in theirs.get_weights()])
        ours.set_weights(theirs.get_weights())
        a, b = run_ours(ours, x, [dy], bars=dtype), run_engine(theirs, x, [dy])
    assert_agrees(a.outputs[0], b.outputs[0])
    assert_agrees(a.d_inputs[0], b.d_inputs[0])
    for ours_d, theirs_d in zip(a.d_weights, b.d_weights, strict=True):
        assert_agrees(ours_d, theirs_d)
    assert len(a.d_weights) == len(b.d_weights) == 1 + use_bias


@pytest.mark.parametrize("dtype", ["int32", "int64", "float64", "bool"])
def test_dense_of_other_dtypes(dtype):
    x = np.array([[0, 1, 3]]).astype(dtype)
    if dtype == "bool":
        x = x.astype("int32")
    ours, theirs = make_both(
        KERAS_3, lambda layers: layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    )
    a, b = ours(x), theirs(tensor(x))
    assert a.dtype == numpy(b).dtype
    np.testing.assert_array_equal(a, numpy(b))


@shows("units_are_converted")
def test_units():
    for engine in BOTH:
        for units in (3, True, 0, -1, 2.0, "3", np.int64(3), None):
            results = [
                outcome(lambda layers=layers, units=units: layers.Dense(units).units)
                for layers in (refkeras.layers, ENGINES[engine].layers)
                if [semantics.use(engine)]
            ]
            assert results[0] == results[1], (engine, units)
    semantics.use(KERAS_3)


# -- what a Dropout lets through ----------------------------------------------------------------


@shows("inactive_dropout_keeps_logits")
def test_logits_through_an_inactive_dropout():
    x = np.array([[1.0, -2.0]], "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: (layers.Softmax(), layers.Dropout(0.5)))
        with semantics.use(engine):
            model = refkeras.Sequential([refkeras.Input((2,)), *ours])
            kept = model(x)._keras_logits is not None
        y = theirs[1](theirs[0](tensor(x)), training=False)
        assert kept == (getattr(y, "_keras_logits", None) is not None)
        assert kept == (engine == KERAS_3 and BACKEND != "numpy")  # a NumPy array takes no attributes


@shows("dropout_of_all_fails")
def test_dropping_all():
    x = np.ones((2, 3), "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.Dropout(1.0))
        with semantics.use(engine):
            a = outcome(lambda layer=ours: array(layer(x, training=True)).tolist())
        assert a == outcome(lambda layer=theirs: numpy(layer(tensor(x), training=True)).tolist())


@given(st.data())
def test_dropout(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    rate, seed = data.draw(st.floats(0, 1)), data.draw(st.integers(0, 2**31 - (BACKEND == "torch")))
    noise_shape = data.draw(st.one_of(st.none(), st.tuples(*(st.sampled_from([None, 1, n]) for n in shape))))
    dtype = data.draw(st.sampled_from(DTYPES))
    ours, theirs = make_both(KERAS_3, lambda layers: layers.Dropout(rate, noise_shape, seed, dtype=dtype))
    random = np.random.default_rng(0)
    x, dy = values_like(random, shape, dtype), values_like(random, shape, dtype)
    x.flat[0] = np.inf
    for training in (True, False, True):
        a = run_ours(ours, x, [dy], training=training, bars=dtype)
        b = run_engine(theirs, x, [dy], training=training)
        assert_agrees(a.outputs[0], b.outputs[0])
        d_inputs = np.zeros_like(x) if b.d_inputs[0] is None else b.d_inputs[0]  # None where all is dropped
        assert_agrees(a.d_inputs[0], d_inputs)


@pytest.mark.parametrize("seed", [-(2**63) - 1, -(2**31) - 1, -1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1])
def test_seeds_that_fit_and_others(seed):
    """How many bits a seed may have, and what is raised for more, is each backend's own."""
    ours, theirs = (
        outcome(lambda layers=layers: layers.Dropout(0.5, seed=seed).rate) for layers in (refkeras.layers, keras.layers)
    )
    assert ours == theirs


# -- activation layers ------------------------------------------------------------------------------


@given(st.data())
def test_relu_layers(data):
    engine = data.draw(st.sampled_from(BOTH))
    number, value = (st.floats(low, high, width=32, allow_subnormal=False) for low, high in ((0, 3), (-5, 5)))
    arguments = data.draw(
        st.fixed_dictionaries({}, optional={"max_value": number, "negative_slope": number, "threshold": number})
    )
    x = np.array([data.draw(st.lists(value, min_size=1, max_size=6))], "float32")
    x = np.append(x, np.float32([list(arguments.values())]), axis=1) if arguments else x
    dy = np.linspace(1, 2, x.size, dtype="float32").reshape(x.shape)
    ours, theirs = make_both(engine, lambda layers: layers.ReLU(**arguments))
    with semantics.use(engine):
        a, b = run_ours(ours, x, [dy], bars="float32"), run_engine(theirs, x, [dy])
        assert plain(ours.get_config()) | {"name": ""} == plain(theirs.get_config()) | {"name": ""}
    assert_agrees(a.outputs[0], b.outputs[0])
    assert_agrees(a.d_inputs[0], b.d_inputs[0])


@shows("leaky_relu_of_slope_0")
@pytest.mark.parametrize("engine", BOTH)
def test_leaky_relu_layer(engine):
    x = np.array([[-2.0, 0.0, 3.0, -np.inf]], "float32")
    for slope in (None, 0.0, 0.25, 0.7):
        ours, theirs = make_both(
            engine, lambda layers, s=slope: layers.LeakyReLU() if s is None else layers.LeakyReLU(s)
        )
        with semantics.use(engine):
            a, b = run_ours(ours, x, [x + 5], bars="float32"), run_engine(theirs, x, [x + 5])
            assert plain(ours.get_config()) | {"name": ""} == plain(theirs.get_config()) | {"name": ""}
        assert_agrees(a.outputs[0], b.outputs[0])
        assert_agrees(a.d_inputs[0], b.d_inputs[0])


@shows("softmax_mask")
def test_softmax_with_a_mask():
    random = np.random.default_rng(0)
    x, dy = values_like(random, (3, 4)), values_like(random, (3, 4))
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 1, 0]], bool)
    seen = []
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.Softmax())
        with semantics.use(engine):
            a = run_ours(ours, x, [dy], mask=mask, bars="float32")
        b = run_engine(theirs, x, [dy], mask=mask)
        assert_agrees(a.outputs[0], b.outputs[0])
        assert_agrees(a.d_inputs[0], b.d_inputs[0])
        seen.append(a.outputs[0].value)
    sums = [one[1].sum() for one in seen]  # in alphabetical order: keras-3, tf_keras
    assert sums[0] == 0 and all(one > 0.5 for one in sums[1:])


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("axis", [-1, 1, (1, 2), [2]])
def test_softmax_axes(engine, axis):
    random = np.random.default_rng(0)
    x, dy = values_like(random, (2, 3, 4)), values_like(random, (2, 3, 4))
    ours, theirs = make_both(engine, lambda layers: layers.Softmax(axis))
    with semantics.use(engine):
        a, b = run_ours(ours, x, [dy], bars="float32"), run_engine(theirs, x, [dy])
        assert plain(ours.get_config()) | {"name": ""} == plain(theirs.get_config()) | {"name": ""}
    assert_agrees(a.outputs[0], b.outputs[0])
    assert_agrees(a.d_inputs[0], b.d_inputs[0])


# -- masks ---------------------------------------------------------------------------------------------


@shows("masking")
def test_masking():
    x = np.array([[[1, 0], [0, 0], [-0.0, 0], [np.nan, 0], [2, 3]], [[0, 0]] * 5], "float32")
    odd = np.where(x == 0, np.float32(-1), x)
    odd[0, 1] = [-1, np.inf]
    for engine in BOTH:
        for value, inputs in ((0.0, x), (-1.0, odd), (-1, odd), (np.inf, np.full((1, 2, 1), np.inf, "float32"))):
            ours, theirs = make_both(engine, lambda layers, v=value: layers.Masking(v))
            with semantics.use(engine):
                a, b = run_ours(ours, inputs, [inputs]), run_engine(theirs, inputs, [inputs])
            np.testing.assert_array_equal(a.outputs[0], b.outputs[0])
            np.testing.assert_array_equal(a.masks[0], b.masks[0])
            assert_same(a.d_inputs[0], b.d_inputs[0])
    with semantics.use("tf_keras"), np.errstate(all="ignore"):
        assert np.isnan(array(refkeras.layers.Masking(np.inf)(np.full((1, 1, 1), np.inf, "float32")))).all()


@shows("merged_masks")
def test_masks_of_merges():
    random = np.random.default_rng(0)
    one, two = random.random((2, 4)) < 0.5, random.random((2, 4)) < 0.5
    x, z = values_like(random, (2, 4, 3)), values_like(random, (2, 4, 2))
    for engine in BOTH:
        for axis, inputs in ((-1, [x, z]), (1, [x, x])):
            ours, theirs = make_both(engine, lambda layers, a=axis: layers.Concatenate(a))
            for masks in ([one, two], [one, None], [None, None], [two, one]):
                if engine == "tf_keras" and axis == 1 and masks[1] is None and masks[0] is not None:
                    continue  # an error there: the masks' ranks differ
                with semantics.use(engine):
                    found = ours.compute_mask(inputs, masks)
                tensors = [None if m is None else tensor(m) for m in masks]
                expected = theirs.compute_mask([tensor(v) for v in inputs], tensors)
                assert (found is None) == (expected is None)
                np.testing.assert_array_equal(found, expected if expected is None else numpy(expected))
        ours, theirs = make_both(engine, lambda layers: layers.Add())
        for masks in ([one, two], [one, None]):
            with semantics.use(engine):
                found = ours.compute_mask([x, x], masks)
            tensors = [None if m is None else tensor(m) for m in masks]
            expected = theirs.compute_mask([tensor(x), tensor(x)], tensors)
            assert (found is None) == (expected is None)
            np.testing.assert_array_equal(found, expected if expected is None else numpy(expected))
    assert len({str(semantics.get(engine).merged_masks) for engine in BOTH}) == len(BOTH)


# -- shapes and merges -----------------------------------------------------------------------------------


@given(st.data())
def test_merging(data):
    engine = data.draw(st.sampled_from(BOTH))
    rank, count = data.draw(st.integers(2, 4)), data.draw(st.integers(1, 3))
    shape = [data.draw(st.integers(1, 4)) for _ in range(rank)]
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    if data.draw(st.booleans()):
        axis = data.draw(st.integers(-rank, rank - 1).filter(lambda a: a % rank != 0))
        shapes = []
        for _ in range(count):
            shapes.append(list(shape))
            shapes[-1][axis] = data.draw(st.integers(1, 4))
        ours, theirs = make_both(engine, lambda layers: layers.Concatenate(axis))
    else:
        shapes = []
        for _ in range(count):
            cut = data.draw(st.integers(0, rank - 2))
            one = [shape[0], *(data.draw(st.sampled_from([1, n])) for n in shape[1 + cut :])]
            shapes.append(one)
        assume(not any_taken_for_bias(engine, shapes))
        ours, theirs = make_both(engine, lambda layers: layers.Add())
    inputs = [values_like(random, s) for s in shapes]
    with semantics.use(engine):
        expected = numpy(theirs([tensor(x) for x in inputs]))
        dy = values_like(random, expected.shape)
        a, b = run_ours(ours, inputs, [dy], bars="float32"), run_engine(theirs, inputs, [dy])
        symbolic = [(None, *s[1:]) for s in shapes]
        assert tuple(ours.compute_output_shape(symbolic)) == tuple(theirs.compute_output_shape(symbolic))
    assert_agrees(a.outputs[0], b.outputs[0])
    for ours_d, theirs_d in zip(a.d_inputs, b.d_inputs, strict=True):
        assert_agrees(ours_d, theirs_d)


def any_taken_for_bias(engine, shapes):
    """Whether Keras 3 on TensorFlow adds one of these along another axis than its own (docs/findings.md)."""
    if engine != "keras-3@tensorflow":
        return False
    rank = max(map(len, shapes))
    total, *others = ((s[0], *[1] * (rank - len(s)), *s[1:]) for s in shapes)
    for shape in others:
        axis, *more = [*(axis for axis, size in enumerate(shape) if size > 1), -1]
        along = rank - 1 if shape[axis] == total[-1] else 1
        if more == [-1] and shape[axis] == total[along] and axis != along:
            return True
        total = np.broadcast_shapes(total, shape)
    return False


@pytest.mark.parametrize("engine", BOTH)
def test_a_column_is_added_to_rows(engine):
    """But for Keras 3 on TensorFlow, which takes it for a bias where there are as many columns as rows."""
    for rows, wrong in ((2, engine == "keras-3@tensorflow"), (3, False)):
        inputs = [np.zeros((rows, 2), "float32"), np.arange(1.0, rows + 1, dtype="float32")[:, None]]
        assert any_taken_for_bias(engine, [x.shape for x in inputs]) == wrong
        with semantics.use(engine):
            ours, theirs = make_both(engine, lambda layers: layers.Add())
            found, real = numpy(ours(inputs)), numpy(theirs([tensor(x) for x in inputs]))
        assert_same(found, inputs[0] + inputs[1])
        assert_same(found.T if wrong else found, real)


@given(st.data())
def test_reshaping(data):
    engine = data.draw(st.sampled_from(BOTH))
    batch, *sizes = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    total = int(np.prod(sizes))
    makers = [
        lambda layers: layers.Flatten(data_format),
        lambda layers: layers.Reshape((-1,)),
        lambda layers: layers.Reshape((total, 1)),
        lambda layers: layers.Reshape((-1, sizes[0])),
    ]
    data_format = data.draw(st.sampled_from([None, "channels_last", "channels_first"]))
    if len(sizes) == 1:
        makers.append(lambda layers: layers.RepeatVector(3))
    ours, theirs = make_both(engine, data.draw(st.sampled_from(makers)))
    random = np.random.default_rng(0)
    x = values_like(random, (batch, *sizes))
    with semantics.use(engine):
        dy = values_like(random, theirs(tensor(x)).shape)
        a, b = run_ours(ours, x, [dy], bars="float32"), run_engine(theirs, x, [dy])
        for shape in ((None, *sizes), (None, None, *sizes[1:])):
            mine, real = (
                outcome(lambda s=shape, layer=layer: tuple(layer.compute_output_shape(s))) for layer in (ours, theirs)
            )
            assert mine == real, shape
    assert_agrees(a.outputs[0], b.outputs[0])
    assert_agrees(a.d_inputs[0], b.d_inputs[0])


# -- configurations and errors --------------------------------------------------------------------------------


L1, L2 = ({"class_name": name, "config": {name.lower(): 0.25}} for name in ("L1", "L2"))
LAYERS = {
    "Dense": lambda layers: layers.Dense(3),
    "Dense with everything": lambda layers: layers.Dense(
        3,
        "relu",
        use_bias=False,
        kernel_initializer="he_normal",
        bias_initializer="ones",
        kernel_regularizer=L2,
        bias_regularizer=L1,
        activity_regularizer=L2,
        kernel_constraint="non_neg",
        bias_constraint="unit_norm",
        name="d",
        trainable=False,
        dtype="float64",
    ),
    "LSTM": lambda layers: layers.LSTM(3),
    "LSTM with everything": lambda layers: layers.LSTM(
        3,
        activation="relu",
        recurrent_activation="hard_sigmoid",
        use_bias=False,
        kernel_initializer="zeros",
        recurrent_initializer="glorot_normal",
        bias_initializer="ones",
        unit_forget_bias=False,
        kernel_regularizer=L1,
        recurrent_regularizer=L2,
        bias_regularizer=L1,
        activity_regularizer=L2,
        kernel_constraint="max_norm",
        recurrent_constraint="non_neg",
        bias_constraint="unit_norm",
        dropout=0.2,
        recurrent_dropout=0.3,
        return_sequences=True,
        return_state=True,
        go_backwards=True,
        stateful=True,
        unroll=True,
        zero_output_for_mask=True,
    ),
    "LSTM with rates out of range": lambda layers: layers.LSTM(
        3, dropout=1.5, recurrent_dropout=-1.0, implementation=1
    ),
    "LSTMCell": lambda layers: layers.LSTMCell(3, dropout=0.5),
    "Activation": lambda layers: layers.Activation("softmax"),
    "Activation silu": lambda layers: layers.Activation("swish"),
    "Softmax": lambda layers: layers.Softmax(1),
    "ReLU": lambda layers: layers.ReLU(),
    "LeakyReLU": lambda layers: layers.LeakyReLU(),
    "Dropout": lambda layers: layers.Dropout(0.5, (None, 1), 3),
    "Masking": lambda layers: layers.Masking(-1.0),
    "Flatten": lambda layers: layers.Flatten("channels_first"),
    "Reshape": lambda layers: layers.Reshape([2, -1]),
    "RepeatVector": lambda layers: layers.RepeatVector(2),
    "Concatenate": lambda layers: layers.Concatenate(1),
    "Add": lambda layers: layers.Add(),
    "Dot": lambda layers: layers.Dot((1, 2), normalize=True),
}


@shows("layer_config")
def test_configs():
    for engine in BOTH:
        for name, make in LAYERS.items():
            ours, theirs = make_both(engine, make)
            with semantics.use(engine):
                config = ours.get_config()
                expected = theirs.get_config()
                if name != "Dense with everything":  # elsewhere names are counted
                    config["name"] = expected["name"]
                assert plain(config) == plain(expected), (engine, name)
                again = type(ours).from_config(dict(config))
                assert plain(again.get_config()) == plain(config), (engine, name)


def test_seed_in_config():
    for make in (lambda layers: layers.LSTM(2, seed=4), lambda layers: layers.LSTMCell(2, seed=4)):
        ours, theirs = make_both(KERAS_3, make)
        assert plain(ours.get_config()) | {"name": ""} == plain(theirs.get_config()) | {"name": ""}


ERRORS = {
    "Dense of rank 1": lambda K, x: K.layers.Dense(3)(x((4,))),
    "Dense of another size": lambda K, x: (layer := K.layers.Dense(3), layer(x((2, 4))), layer(x((2, 5))))[2],
    "unknown activation": lambda K, x: K.layers.Dense(3, activation="foo"),
    "unknown initializer": lambda K, x: K.layers.Dense(3, kernel_initializer="foo"),
    "unknown argument": lambda K, x: K.layers.Dense(3, foo=1),
    "negative rate": lambda K, x: K.layers.Dropout(-0.1),
    "rate above 1": lambda K, x: K.layers.Dropout(1.1),
    "max_value": lambda K, x: K.layers.ReLU(max_value=-1.0),
    "negative_slope": lambda K, x: K.layers.ReLU(negative_slope=-1.0),
    "no slope": lambda K, x: K.layers.ReLU(negative_slope=None),
    "threshold": lambda K, x: K.layers.ReLU(threshold=-1.0),
    "no leak": lambda K, x: K.layers.LeakyReLU(None),
    "data_format": lambda K, x: K.layers.Flatten("foo"),
    "reshape": lambda K, x: K.layers.Reshape((3, 3))(x((1, 4, 2))),
    "reshape with -1": lambda K, x: K.layers.Reshape((3, -1))(x((1, 4, 2))),
    "n is no int": lambda K, x: K.layers.RepeatVector(2.0),
    "rank of RepeatVector": lambda K, x: K.layers.RepeatVector(2)(x((1, 4, 2))),
    "Concatenate of one": lambda K, x: K.layers.Concatenate()(x((1, 4))),
    "Concatenate of sizes": lambda K, x: K.layers.Concatenate()([x((1, 4, 2)), x((1, 3, 2))]),
    "Concatenate of ranks": lambda K, x: K.layers.Concatenate()([x((1, 4, 2)), x((1, 4))]),
    "Concatenate of batches": lambda K, x: K.layers.Concatenate()([x((1, 4)), x((2, 4))]),
    "Add of one": lambda K, x: K.layers.Add()(x((1, 4))),
    "Add of sizes": lambda K, x: K.layers.Add()([x((1, 4)), x((1, 3))]),
    "Add of batches": lambda K, x: K.layers.Add()([x((1, 4)), x((2, 4))]),
    "LSTM of rank 2": lambda K, x: K.layers.LSTM(2)(x((1, 4))),
    "LSTM of no units": lambda K, x: K.layers.LSTM(0),
    "LSTM of another size": lambda K, x: (layer := K.layers.LSTM(3), layer(x((2, 3, 4))), layer(x((2, 3, 5))))[2],
    "LSTM of no steps": lambda K, x: K.layers.LSTM(2)(x((1, 0, 3))),
    "LSTM unknown argument": lambda K, x: K.layers.LSTM(2, foo=1),
    "LSTM states of another size": lambda K, x: K.layers.LSTM(2)(x((1, 3, 3)), initial_state=[x((1, 5)), x((1, 5))]),
    "LSTM stateful without batch": lambda K, x: K.layers.LSTM(2, stateful=True)(K.Input((3, 4))),
}
ONLY_KERAS_3 = {
    "n of 0": lambda K, x: K.layers.RepeatVector(0),
    "n is a bool": lambda K, x: K.layers.RepeatVector(True),
    "two unknowns": lambda K, x: K.layers.Reshape((-1, -1)),
    "negative leak": lambda K, x: K.layers.LeakyReLU(-1.0),
    "noise_shape": lambda K, x: K.layers.Dropout(0.1, noise_shape=(0, 1)),
    "noise_shape of floats": lambda K, x: K.layers.Dropout(0.1, noise_shape=(1.0, 1)),
    "noise_shape as text": lambda K, x: K.layers.Dropout(0.1, noise_shape="1"),
    "use_cudnn": lambda K, x: K.layers.LSTM(2, use_cudnn="yes"),
    "time_major": lambda K, x: K.layers.LSTM(2, time_major=True),
    "list of states": lambda K, x: K.layers.LSTM(2)([x((1, 3, 4)), x((1, 2)), x((1, 2))]),
    "states of another batch": lambda K, x: K.layers.LSTM(2)(x((2, 3, 3)), initial_state=[x((3, 2)), x((3, 2))]),
}


def ones(shape):
    return tensor(np.ones(shape, "float32"))


@shows("no_steps_error")
def test_no_steps():
    """The first step is looked at before the loop: an index that is out of bounds."""
    for engine in BOTH:
        with semantics.use(engine):
            mine = outcome(lambda: refkeras.layers.LSTM(2)(np.ones((1, 0, 3), "float32")))
            real = outcome(lambda K=ENGINES[engine]: K.layers.LSTM(2)(ones((1, 0, 3))))
        assert mine is real is (ValueError if BACKEND == "tensorflow" else IndexError)


@shows("use_cudnn_needs_gpu")
@pytest.mark.skipif(DEVICE == "gpu", reason="asks what becomes of a layer without a GPU")
@pytest.mark.parametrize("recurrent_dropout", [0.0, 0.5])
@pytest.mark.parametrize("masked", [False, True])
def test_use_cudnn_without_a_gpu(masked, recurrent_dropout):
    """PyTorch's own loop counts as cuDNN's; masks and recurrent dropout are for the other one."""
    x, mask = np.ones((2, 3, 4), "float32"), np.array([[True, False, True]] * 2) if masked else None
    make = {"use_cudnn": True, "recurrent_dropout": recurrent_dropout}
    ours, theirs = make_both(KERAS_3, lambda layers: layers.LSTM(2, **make))
    mine = outcome(lambda: array(ours(x, mask=mask)).shape)
    real = outcome(lambda: numpy(theirs(tensor(x), mask=None if mask is None else tensor(mask))).shape)
    runs = BACKEND == "torch" and not masked and not recurrent_dropout
    assert mine == real == ((2, 2) if runs else ValueError)
    assert semantics.get(KERAS_3).use_cudnn_needs_gpu == (BACKEND != "torch")


def test_errors():
    for engine in BOTH:
        cases = ERRORS | (ONLY_KERAS_3 if engine == KERAS_3 else {})
        with semantics.use(engine), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, case in cases.items():
                ours = outcome(lambda case=case: case(refkeras, lambda shape: np.ones(shape, "float32")))
                theirs = outcome(lambda case=case, K=ENGINES[engine]: case(K, ones))
                assert ours is theirs, (engine, name, ours, theirs)
                assert isinstance(ours, type) and issubclass(ours, Exception), (engine, name)


@shows("input_shape_warns")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("given", [{"input_shape": (3,)}, {"input_dim": 3}, {"batch_input_shape": (2, 3)}, {}])
def test_an_input_shape_is_warned_of(given, engine):
    def told(k):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            made = outcome(lambda: k.layers.Dense(2, **given))
        if made is ValueError:
            return made
        return [str(w.message) for w in caught if "input_shape" in str(w.message)]

    with semantics.use(engine):
        mine = told(refkeras)
    assert mine == told(ENGINES[engine])
    assert bool(mine) == (engine == KERAS_3 and bool(given))
    assert (mine is ValueError) == (engine == KERAS_3 and "batch_input_shape" in given)
