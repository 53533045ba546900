"""LSTM and LSTMCell beside Keras 3 and tf_keras: every option, masks, states, dropout, gradients."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees, assert_same
from parity_tests.engines import (
    BACKEND,
    DTYPES,
    ENGINES,
    FLOAT64,
    KERAS_3,
    both_kerases,
    keras,
    numpy,
    tensor,
    tf_keras,
)
from parity_tests.layer_sides import array, make_both, outcome, run_engine, run_ours
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import precision, semantics
from refkeras.ops.vanishing import Lift

BOTH = sorted(ENGINES)
DTYPE = DTYPES[-1]
FLAGS = ("return_sequences", "return_state", "go_backwards", "unroll", "zero_output_for_mask", "use_bias")
ACTIVATIONS = [("tanh", "sigmoid"), ("tanh", "sigmoid"), ("relu", "hard_sigmoid"), ("elu", "tanh"), (None, "softmax")]


def random_weights(random, shapes, dtype):
    weights = [random.normal(size=shape).astype(dtype) for shape in shapes]
    weights[1] /= np.abs(weights[1]).sum(axis=0)
    return weights


def random_mask(random, B, T, pattern):
    mask = random.random((B, T)) < 0.6
    if pattern == "first":
        mask[:, 0] = False
    elif pattern == "last":
        mask[:, -1] = False
    elif pattern == "rows":
        mask[0] = False
    elif pattern == "padded":
        mask = np.arange(T) < random.integers(0, T + 1, (B, 1))
    return mask


@st.composite
def calls(draw):
    B, T, F, u = (draw(st.integers(1, top), label=name) for name, top in zip("BTFu", (4, 5, 4, 4), strict=True))
    flags = {name: draw(st.booleans(), label=name) for name in FLAGS}
    activation, recurrent_activation = draw(st.sampled_from(ACTIVATIONS))
    flags |= {"activation": activation, "recurrent_activation": recurrent_activation}
    pattern = draw(st.sampled_from(["none", "random", "first", "last", "rows", "padded"]), label="mask")
    return (B, T, F, u), flags, pattern, draw(st.booleans(), label="initial_state"), draw(st.integers(0, 2**32))


def compare(engine, sizes, flags, pattern, with_states, seed, dtype="float64"):
    if not FLOAT64:  # in float32 the bound below says something for a step or two
        sizes, dtype = (sizes[0], min(sizes[1], 2), *sizes[2:]), "float32"
    B, T, F, u = sizes
    random = np.random.default_rng(seed)
    ours, theirs = make_both(engine, lambda layers: layers.LSTM(u, dtype=dtype, **flags))
    x = random.normal(size=(B, T, F)).astype(dtype)
    states = [random.normal(size=(B, u)).astype(dtype) for _ in range(2)] if with_states else None
    mask = None if pattern == "none" else random_mask(random, B, T, pattern)
    sequence = (B, T, u) if flags["return_sequences"] else (B, u)
    shapes = [sequence, (B, u), (B, u)] if flags["return_state"] else [sequence]
    d_outputs = [random.normal(size=shape).astype(dtype) for shape in shapes]
    with semantics.use(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # softmax over one unit
        theirs.build(x.shape)
        ours.build(x.shape)
        theirs.set_weights(random_weights(random, [w.shape for w in theirs.get_weights()], dtype))
        ours.set_weights(theirs.get_weights())
        given_states = {} if states is None else {"initial_state": states}
        a = run_ours(ours, x, d_outputs, mask_argument=mask, bars=dtype, **given_states)
        kwargs = {} if states is None else {"initial_state": states, "wanted": ["initial_state"]}
        b = run_engine(theirs, x, d_outputs, mask_argument=mask, **kwargs)
    found, expected = [*a.outputs, *a.d_inputs, *a.d_weights], [*b.outputs, *b.d_inputs, *b.d_weights]
    names = (
        ["y", "h", "c"][: len(shapes)]
        + ["dx", "dh0", "dc0"][: len(a.d_inputs)]
        + ["dW", "dU", "db"][: len(a.d_weights)]
    )
    for name, mine, real in zip(names, found, expected, strict=True):
        if real is None:  # nothing depends on it: every step is masked
            real = np.zeros(mine.shape, mine.dtype)
        assert_agrees(mine, real, what=name)


def assume_engine_runs(engine, call):
    """tf_keras stumbles over the shape of a last output that it zeroes unrolled, PyTorch over a mask backwards."""
    flags, pattern = call[1:3]
    backwards = flags["unroll"] and flags["go_backwards"] and pattern != "none"
    assume(not (backwards and semantics.get(engine).unrolled_backwards_mask_fails))
    zeroed = flags["unroll"] and flags["zero_output_for_mask"] and pattern != "none"
    assume(not (engine == "tf_keras" and zeroed and not flags["return_sequences"]))


@given(st.sampled_from(BOTH), calls())
@examples(40)
def test_values_and_gradients(engine, call):
    assume_engine_runs(engine, call)
    compare(engine, *call)


@given(st.sampled_from(BOTH), calls())
@examples(8)
def test_float32(engine, call):
    assume_engine_runs(engine, call)
    compare(engine, *call, dtype="float32")


@pytest.mark.parametrize("engine", BOTH)
def test_order_of_gradients_where_a_step_is_masked(engine):
    """The gradients of an output, of its repetition and of the state cancel: what is left tells how they are added."""
    flags = {"return_sequences": True, "return_state": True}
    for seed in range(20):
        random = np.random.default_rng(seed)
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(3, **flags))
        x, (a, b) = random.normal(size=(1, 2, 2)).astype("float32"), random.normal(size=(2, 3)).astype("float32")
        dy = np.stack([a, b])[None]
        dh, dc = -(a + b)[None] * np.float32(1.01), np.zeros((1, 3), "float32")
        with semantics.use(engine):
            theirs.build(x.shape)
            ours.build(x.shape)
            theirs.set_weights(random_weights(random, [w.shape for w in theirs.get_weights()], "float32"))
            ours.set_weights(theirs.get_weights())
            run = {"mask_argument": np.array([[True, False]])}
            bars = run_ours(ours, x, [dy, dh, dc], bars="float32", **run)
            real = run_engine(theirs, x, [dy, dh, dc], **run)
        for bar, other in zip([*bars.d_inputs, *bars.d_weights], [*real.d_inputs, *real.d_weights], strict=True):
            assert_agrees(bar, other)


@pytest.mark.parametrize("engine", BOTH)
def test_a_gradient_that_vanishes(engine):
    """Of the last of 150 outputs, on plain arrays and with bars: the first step's is some 1e-30."""
    random = np.random.default_rng(7)
    B, T, F, u = 2, 150, 3, 4
    ours, theirs = make_both(engine, lambda layers: layers.LSTM(u, dtype=DTYPE))
    x, dy = random.normal(size=(B, T, F)).astype(DTYPE), random.normal(size=(B, u)).astype(DTYPE)
    with semantics.use(engine):
        theirs.build(x.shape)
        ours.build(x.shape)
        theirs.set_weights([0.3 * w for w in random_weights(random, [w.shape for w in theirs.get_weights()], DTYPE)])
        ours.set_weights(theirs.get_weights())
        bars = run_ours(ours, x, [dy], bars=DTYPE)
        plain_arrays = run_ours(ours, x, [dy])
        real = run_engine(theirs, x, [dy])
    for bar, *others in zip(*([*side.d_inputs, *side.d_weights] for side in (bars, plain_arrays, real)), strict=True):
        for other in others:
            assert_agrees(bar, other)
    assert 0 < np.abs(plain_arrays.d_inputs[0][:, 0]).max() < Lift.LEAST**2  # it was lifted


def test_masks_of_outputs():
    mask = np.array([[True, False, True]])
    for sequences in (False, True):
        for states in (False, True):
            ours, theirs = make_both(
                KERAS_3, lambda layers, q=sequences, s=states: layers.LSTM(2, return_sequences=q, return_state=s)
            )
            for given_mask in (mask, None):
                found, expected = ours.compute_mask(None, given_mask), theirs.compute_mask(None, given_mask)
                assert str(found) == str(expected)


# -- states -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", BOTH)
def test_stateful(engine):
    random = np.random.default_rng(0)
    ours, theirs = make_both(engine, lambda layers: layers.LSTM(3, stateful=True, return_state=True, dtype=DTYPE))
    x = random.normal(size=(2, 3, 4)).astype(DTYPE)
    with semantics.use(engine):
        theirs.build((2, 3, 4))
        ours.build((2, 3, 4))
        ours.set_weights(theirs.get_weights())
        assert len(ours.weights) == len(theirs.get_weights()) == 3
        with precision.bars(ours, DTYPE):
            for call in range(4):
                if call == 2:
                    ours.reset_states()
                    theirs.reset_states()
                a = run_ours(ours, x, training=bool(call % 2), bars=DTYPE)
                b = run_engine(theirs, x, training=bool(call % 2))
                for mine, real in zip(a.outputs, b.outputs, strict=True):
                    assert_agrees(mine, real)
                for mine, real in zip(ours.states, theirs.states, strict=True):
                    assert_agrees(mine.value, numpy(real))
        results = [
            outcome(lambda: ours(x[:1])),
            outcome(lambda: theirs(tensor(x[:1]))),
        ]
        assert results[0] is results[1] is ValueError


@shows("loops_keep_states")
@pytest.mark.parametrize("engine", BOTH)
def test_states_from_batch_to_batch_of_a_loop(engine):
    """On JAX each batch of predict begins with the state that a direct call has left; then it is what it was."""
    x = np.random.default_rng(0).normal(size=(4, 3, 4)).astype("float32")
    with semantics.use(engine):
        ours, theirs = models = [
            k.Sequential([k.Input(batch_shape=(2, 3, 4)), k.layers.LSTM(3, stateful=True)])
            for k in (refkeras, ENGINES[engine])
        ]
        ours.set_weights(theirs.get_weights())
        with precision.bars(ours):
            assert_agrees(ours(precision.exact(x[2:])), numpy(theirs(tensor(x[2:]))))
            predicted = []
            for _ in range(2):
                mine, real = [model.predict(x, batch_size=2, verbose=0) for model in models]
                assert_agrees(mine, numpy(real))
                for state, other in zip(ours.layers[0].states, theirs.layers[0].states, strict=True):
                    assert_agrees(state.value, numpy(other))
                predicted.append(real)
    assert np.array_equal(*predicted) is (engine == "keras-3@jax")


@shows("states_are_given")
@pytest.mark.parametrize("engine", BOTH)
def test_states_are_reset(engine):
    """With states, with what does not fit, where nothing is kept and before there is a batch size; and for a model."""
    h, c = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")

    def tell(owner, method, layer, *given):
        """What was raised, and what the states are then."""
        found = outcome(lambda: getattr(owner, method)(*given))
        states = [numpy(state) for state in getattr(layer, "states", None) or () if state is not None]
        names = [
            "zeros" if not s.any() else "given" if any(np.array_equal(s, x) for x in (h, c)) else "" for s in states
        ]
        told.append((found if isinstance(found, type) else None, names))

    def reset(k, stateful, built, *given):
        layer = k.layers.LSTM(3, stateful=stateful)
        if built:
            k.Sequential([k.Input(batch_shape=(2, None, 4)), layer])(np.ones((2, 3, 4), "float32"))
        for method in ("reset_states", "reset_state"):
            tell(layer, method, layer, *given)

    def reset_model(k):
        """The states of a model inside."""
        inner = k.Sequential([k.Input(batch_shape=(2, None, 4)), k.layers.LSTM(3, stateful=True)])
        model = k.Sequential([k.Input(batch_shape=(2, None, 4)), k.layers.LSTM(4, return_sequences=True), inner])
        model(np.ones((2, 3, 4), "float32"))
        for method in ("reset_states", "reset_state"):
            tell(model, method, inner.layers[-1])

    sides = []
    for k in (refkeras, ENGINES[engine]):
        told: list[tuple] = []
        with semantics.use(engine):
            for stateful in (True, False):
                for built in (True, False):
                    reset(k, stateful, built)
            for given in ([h, c], [c], [h.T, c.T], [h, c, h], [h, c[:1]]):
                reset(k, True, True, given)
            reset_model(k)
        sides.append(told)
    assert sides[0] == sides[1]
    assert {name for _, names in told for name in names} >= (
        {"zeros", "given", ""} if engine == "tf_keras" else {"zeros"}
    )


@shows("stored_state_wins")
def test_initial_state_of_a_stateful_layer():
    random = np.random.default_rng(0)
    x, h, c = (random.normal(size=shape).astype(DTYPE) for shape in ((2, 3, 4), (2, 3), (2, 3)))
    kept = []
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(3, stateful=True, dtype=DTYPE))
        with semantics.use(engine):
            theirs.build((2, 3, 4))
            ours.build((2, 3, 4))
            ours.set_weights(theirs.get_weights())
            values = []
            with precision.bars(ours, DTYPE):
                for _ in range(2):
                    values.append(run_ours(ours, x, initial_state=[h, c], bars=DTYPE).outputs[0])
                    assert_agrees(values[-1], numpy(theirs(tensor(x), initial_state=[tensor(h), tensor(c)])))
            kept.append(precision.compare(*values[:1], values[1].value).agrees)
    assert kept == [True, False][: len(BOTH)]


@shows("recurrent_outputs")
def test_kind_of_outputs():
    x = np.ones((1, 2, 3), "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(2, return_state=True))
        with semantics.use(engine):
            assert type(ours(x)) is type(theirs(tensor(x))) is (list if engine == "tf_keras" else tuple)


@shows("lists_hold_states")
def test_states_in_a_list():
    x, h, c = np.ones((1, 2, 3), "float32"), np.full((1, 2), 0.5, "float32"), np.full((1, 2), 2, "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(2, kernel_initializer="ones"))
        with semantics.use(engine):
            theirs.build(x.shape)
            ours.build(x.shape)
            ours.set_weights(theirs.get_weights())
            mine = outcome(lambda layer=ours: array(layer([x, h, c])))
            bar = precision.evaluate(ours, x, initial_state=[h, c])
            real = outcome(lambda layer=theirs: numpy(layer([tensor(v) for v in (x, h, c)])))
        if engine == KERAS_3:
            assert mine is real is ValueError
        else:
            assert_agrees(bar, mine, what="on plain arrays")
            assert_agrees(bar, real)


@shows("state_count_error")
def test_wrong_number_of_states():
    x, h = np.ones((1, 2, 3), "float32"), np.ones((1, 2), "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(2))
        with semantics.use(engine):
            mine = outcome(lambda layer=ours: layer(x, initial_state=[h]))
            real = outcome(lambda layer=theirs: layer(tensor(x), initial_state=[tensor(h)]))
        assert mine is real is (ValueError if engine == "tf_keras" else IndexError)


@shows("empty_batch_runs")
def test_batch_of_no_samples():
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(2))
        with semantics.use(engine):
            mine = outcome(lambda layer=ours: layer(np.ones((0, 2, 3), "float32")).shape)
            real = outcome(lambda layer=theirs: tuple(layer(tensor(np.ones((0, 2, 3), "float32"))).shape))
        assert mine == real


# -- dropout ------------------------------------------------------------------------------------------------


@given(st.data())
@examples(10)
def test_dropout(data):
    dropout, recurrent_dropout = (data.draw(st.sampled_from([0.0, 0.3, 0.6, 1.0])) for _ in range(2))
    implementation, seed = data.draw(st.sampled_from([1, 2])), data.draw(st.integers(0, 1000))
    flags = {name: data.draw(st.booleans()) for name in ("go_backwards", "unroll", "return_sequences")}
    B, T, F, u = (3, 3, 4, 2)
    random = np.random.default_rng(seed)

    def make(layers):
        rates = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "implementation": implementation}
        return layers.LSTM(u, seed=seed, use_cudnn=False, dtype=DTYPE, **rates, **flags)

    ours, theirs = make_both(KERAS_3, make)
    x = random.normal(size=(B, T, F)).astype(DTYPE)
    theirs.build(x.shape)
    ours.build(x.shape)
    theirs.set_weights(random_weights(random, [w.shape for w in theirs.get_weights()], DTYPE))
    ours.set_weights(theirs.get_weights())
    dy = random.normal(size=(B, T, u) if flags["return_sequences"] else (B, u)).astype(DTYPE)
    for training in (True, False, True):  # masks are drawn in inference too
        a = run_ours(ours, x, [dy], training=training, bars=DTYPE)
        b = run_engine(theirs, x, [dy], training=training)
        for mine, real in zip(
            (*a.outputs, *a.d_inputs, *a.d_weights), (*b.outputs, *b.d_inputs, *b.d_weights), strict=True
        ):
            assert_agrees(mine, real)
        np.testing.assert_array_equal(numpy(ours.cell.seed_generator.state), numpy(theirs.cell.seed_generator.state))


@both_kerases
@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.4},
        {"dropout": 0.4, "go_backwards": True},
        {"dropout": 0.4, "activation": "relu", "go_backwards": True},
        {"dropout": 0.4, "implementation": 1},
        {"recurrent_dropout": 0.3},
        {"dropout": 0.4, "recurrent_dropout": 0.3, "unroll": True},
    ],
)
def test_dropout_of_tf_keras(options):
    """Masks that are drawn for every step anew, as for one mask that stays; gradients through them."""
    x, dy = np.random.default_rng(0).normal(size=(3, 4, 5)), np.random.default_rng(1).normal(size=(3, 4, 2))
    ours, theirs = make_both(
        "tf_keras", lambda layers: layers.LSTM(2, return_sequences=True, dtype="float64", **options)
    )
    with semantics.use("tf_keras"):
        refkeras.utils.set_random_seed(7)
        ours.build(x.shape)
        ours.set_weights(random_weights(np.random.default_rng(2), [w.shape for w in ours.weights], "float64"))
        mine = [run_ours(ours, x, [dy], training=True, bars="float64") for _ in range(2)]
        tf_keras.utils.set_random_seed(7)
        theirs.build(x.shape)
        theirs.set_weights(ours.get_weights())
        real = [run_engine(theirs, x, [dy], training=True) for _ in range(2)]
    for a, b in zip(mine, real, strict=True):
        for value, expected in zip(
            (*a.outputs, *a.d_inputs, *a.d_weights), (*b.outputs, *b.d_inputs, *b.d_weights), strict=True
        ):
            assert_agrees(value, expected)
    assert not precision.compare(mine[0].outputs[0], mine[1].outputs[0].value).agrees


@shows("gatewise_dropout_fails")
def test_one_mask_per_gate():
    x = np.ones((2, 3, 4), "float32")
    for engine in BOTH:
        ours, theirs = make_both(engine, lambda layers: layers.LSTM(2, dropout=0.5, implementation=1))
        with semantics.use(engine):
            mine = outcome(lambda layer=ours: array(layer(x, training=True)).shape)
            real = outcome(lambda layer=theirs: numpy(layer(tensor(x), training=True)).shape)
            assert mine == real
            assert (mine is ValueError) == (engine == KERAS_3)
            assert outcome(lambda layer=ours: array(layer(x)).shape) == (2, 2)


def test_dropout_with_a_mask_and_states():
    random = np.random.default_rng(0)
    ours, theirs = make_both(
        KERAS_3,
        lambda layers: layers.LSTM(2, dropout=0.4, recurrent_dropout=0.2, seed=3, dtype=DTYPE, return_sequences=True),
    )
    x, *states = (random.normal(size=shape).astype(DTYPE) for shape in ((3, 4, 5), (3, 2), (3, 2)))
    mask = random_mask(random, 3, 4, "random")
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    dy = random.normal(size=(3, 4, 2)).astype(DTYPE)
    a = run_ours(ours, x, [dy], training=True, mask_argument=mask, initial_state=states, bars=DTYPE)
    b = run_engine(theirs, x, [dy], training=True, mask_argument=mask, initial_state=states, wanted=["initial_state"])
    for mine, real in zip(
        (*a.outputs, *a.d_inputs, *a.d_weights), (*b.outputs, *b.d_inputs, *b.d_weights), strict=True
    ):
        assert_agrees(mine, real)


# -- the cell, weights and arguments ----------------------------------------------------------------------------


@given(st.data())
@examples(15)
def test_cell(data):
    dropout, recurrent_dropout = (data.draw(st.sampled_from([0.0, 0.5])) for _ in range(2))
    activation, recurrent_activation = data.draw(st.sampled_from(ACTIVATIONS[1:]))
    use_bias, training = data.draw(st.booleans()), data.draw(st.booleans())
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    B, F, u = 3, 4, 2

    def make(layers):
        rates = {"dropout": dropout, "recurrent_dropout": recurrent_dropout, "seed": 5}
        return layers.LSTMCell(u, activation, recurrent_activation, use_bias=use_bias, dtype=DTYPE, **rates)

    ours, theirs = make_both(KERAS_3, make)
    x, *states = (random.normal(size=shape).astype(DTYPE) for shape in ((B, F), (B, u), (B, u)))
    theirs.build((B, F))
    ours.build((B, F))
    theirs.set_weights(random_weights(random, [w.shape for w in theirs.get_weights()], DTYPE))
    ours.set_weights(theirs.get_weights())
    d_outputs = [random.normal(size=(B, u)).astype(DTYPE) for _ in range(3)]
    # The same masks again, as they are kept over the steps; on JAX they belong to the program that drew them.
    for _ in range(1 if BACKEND == "jax" and training else 2):
        a = run_ours(ours, x, d_outputs, training=training, states=states, bars=DTYPE)
        b = run_engine(theirs, x, d_outputs, training=training, states=states, wanted=["states"])
        for mine, real in zip(
            (*a.outputs, *a.d_inputs, *a.d_weights), (*b.outputs, *b.d_inputs, *b.d_weights), strict=True
        ):
            assert_agrees(mine, real)


def test_names_paths_and_initial_weights():
    def make(layers):
        return layers.LSTM(
            3,
            name="memory",
            bias_initializer=(refkeras if layers is refkeras.layers else keras).initializers.Constant(0.5),
        )

    ours, theirs = make_both(KERAS_3, make)
    ours.build((None, 4, 5))
    theirs.build((None, 4, 5))
    for mine, real in zip(ours.weights, theirs.weights, strict=True):
        assert (mine.name, mine.path, mine.shape, mine.dtype) == (real.name, real.path, tuple(real.shape), real.dtype)
    np.testing.assert_array_equal(ours.get_weights()[2], theirs.get_weights()[2])
    without, engine_without = make_both(KERAS_3, lambda layers: layers.LSTM(3, use_bias=False))
    without.build((None, 4, 5))
    engine_without.build((None, 4, 5))
    assert [w.shape for w in without.weights] == [tuple(w.shape) for w in engine_without.weights]
    assert len(ours.cell.weights) == 3
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_symbolic_shapes(states, sequences):
    ours, theirs = make_both(KERAS_3, lambda layers: layers.LSTM(3, return_sequences=sequences, return_state=states))
    for shape in ((None, None, 5), (2, 4, 5), (None, 4, 5)):
        assert ours.compute_output_shape(shape) == theirs.compute_output_shape(shape)


def test_integer_input_is_cast():
    ours, theirs = make_both(
        KERAS_3, lambda layers: layers.LSTM(2, kernel_initializer="ones", recurrent_initializer="ones")
    )
    x = np.array([[[1, 2], [0, 1]]])
    a, b = ours(x), theirs(tensor(x))
    assert a.dtype == numpy(b).dtype == np.float32
    assert_agrees(precision.evaluate(ours, x.astype("float32")), numpy(b))
    assert_same(a, run_ours(ours, x.astype("float32")).outputs[0])


def test_whole_models_agree_in_graph_mode():
    """Masking, two LSTMs, states handed on: predict of a compiled model, traced by the engine."""

    def make(layers, engine):
        x = engine.Input((5, 3))
        y, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(layers.Masking()(x))
        z = layers.LSTM(2, go_backwards=True)(y, initial_state=[layers.Dense(2)(h), layers.Dense(2)(c)])
        return engine.Model(x, [z, y])

    ours, theirs = make(refkeras.layers, refkeras), make(keras.layers, keras)
    ours.set_weights(theirs.get_weights())
    x = np.random.default_rng(0).normal(size=(6, 5, 3)).astype("float32")
    x[1, 3:] = x[2, :2] = x[3] = 0
    outputs = zip(precision.evaluate(ours, x), ours.predict(x, verbose=0), theirs.predict(x, verbose=0), strict=True)
    for bar, mine, real in outputs:
        assert_agrees(bar, mine, what="on plain arrays")
        assert_agrees(bar, real)
