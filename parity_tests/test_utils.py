"""`to_categorical`, `normalize`, `pad_sequences`, packing: against Keras 3 and tf_keras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import refkeras
from parity_tests.engines import ENGINES, differs, keras, tensorflow_only
from parity_tests.shows import shows
from refkeras import semantics, utils

both = pytest.mark.parametrize("engine", ENGINES)
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)


def outcome(function, *args, **kwargs):
    """The result with its dtype and shape, or the type of the error."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error)
    result = np.asarray(result)
    return result.dtype, result.shape, result.tobytes()


@differs("numpy", reason="one-hot rows are float64 by default, where the other backends' are float32")
@shows("to_categorical_arguments", "to_categorical_shape")
@both
@given(
    x=st.one_of(
        hnp.arrays(np.int64, shapes, elements=st.integers(-3, 5)),
        hnp.arrays(np.float64, shapes, elements=st.floats(0, 5)),
        st.lists(st.integers(0, 4), max_size=4),
    ),
    num_classes=st.sampled_from([None, 0, 3, 6]),
    options=st.sampled_from([{}, {}, {"dtype": "float64"}, {"dtype": "int32"}]),
    name=st.sampled_from([None, "x", "y"]),
)
def test_to_categorical(engine, x, num_classes, options, name):
    args, kwargs = ((x,), options) if name is None else ((), {name: x, **options})
    theirs = outcome(ENGINES[engine].utils.to_categorical, *args, num_classes=num_classes, **kwargs)
    with semantics.use(engine):
        assert outcome(utils.to_categorical, *args, num_classes=num_classes, **kwargs) == theirs


@shows("normalize_axis_0")
@both
@given(
    x=hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-3, 3).map(float)),
    axis=st.integers(-2, 2),
    order=st.sampled_from([1, 2, np.inf]),
)
def test_normalize(engine, x, axis, order):
    theirs = outcome(ENGINES[engine].utils.normalize, x, axis=axis, order=order)
    with semantics.use(engine):
        assert outcome(utils.normalize, x, axis=axis, order=order) == theirs


numbers = st.integers(-5, 9)
lengths = st.integers(0, 4)


@st.composite
def ragged(draw):
    """Sequences of numbers, of vectors of one length (or nearly so), of words; or no sequences at all."""
    kind = draw(st.sampled_from(["numbers", "numbers", "arrays", "vectors", "uneven", "words", "flat"]))
    if kind == "flat":
        return draw(st.sampled_from([[1, 2], 3, None, [[1], 2], np.arange(6).reshape(2, 3), "ab", ()]))
    if kind == "words":
        return draw(st.lists(st.lists(st.sampled_from(["a", "bc", "def"]), max_size=4), max_size=4))
    if kind == "numbers":
        return draw(st.lists(st.lists(numbers, max_size=4), max_size=4))
    if kind == "arrays":
        elements = st.floats(-3, 3, width=32)
        return draw(st.lists(lengths.flatmap(lambda n: hnp.arrays(np.float32, n, elements=elements)), max_size=3))
    width = st.just(2) if kind == "vectors" else st.integers(1, 2)
    steps = st.tuples(lengths, width).flatmap(lambda shape: hnp.arrays(np.int64, shape, elements=numbers))
    return draw(st.lists(steps, max_size=3))


@shows("bytes_padded_with_text")
@both
@given(
    sequences=ragged(),
    maxlen=st.sampled_from([None, None, 0, 1, 2, 3, 6]),
    dtype=st.sampled_from(["int32", "int32", "float32", "float64", object, "<U3", "S2"]),
    padding=st.sampled_from(["pre", "post", "pre", "post", "both"]),
    truncating=st.sampled_from(["pre", "post", "pre", "post", None]),
    value=st.sampled_from([0.0, 0.0, -1, 2.5, "x"]),
)
def test_pad_sequences(engine, sequences, maxlen, dtype, padding, truncating, value):
    def run(pad_sequences):
        try:
            result = pad_sequences(sequences, maxlen, dtype, padding, truncating, value)
        except Exception as error:
            return type(error)
        return result.dtype, result.shape, result.tolist()

    with semantics.use(engine):
        ours = run(utils.pad_sequences)
        assert ours == run(refkeras.preprocessing.sequence.pad_sequences)
    assert ours == run(ENGINES[engine].utils.pad_sequences)


@shows("bytes_padded_with_text")
@both
def test_bytes_padded_with_text(engine):
    asked = [[b"a"], [b"b", b"c"]], None, "S2", "pre", "pre", "x"
    with semantics.use(engine):
        ours = outcome(utils.pad_sequences, *asked)
        assert (ours is ValueError) != semantics.current().bytes_padded_with_text
    assert ours == outcome(ENGINES[engine].utils.pad_sequences, *asked)


def test_a_wrong_padding_is_noticed():
    sequences = [[1, 2, 3], [4]]
    expected = keras.utils.pad_sequences(sequences, 2)
    assert np.array_equal(utils.pad_sequences(sequences, 2), expected)
    for wrong in ({"padding": "post"}, {"truncating": "post"}, {"value": 1}):
        assert not np.array_equal(utils.pad_sequences(sequences, 2, **wrong), expected)


x = np.ones((2, 3))


@pytest.mark.parametrize("data", [x, (x,), [x], (x, 1), [x, 1], (x, 1, 2), (), (1, 2, 3, 4), {"a": x}, None])
def test_unpack(data):
    def run(function):
        try:
            return function(data)
        except ValueError:
            return ValueError

    assert str(run(utils.unpack_x_y_sample_weight)) == str(run(keras.utils.unpack_x_y_sample_weight))


@pytest.mark.parametrize("data", [(1,), ([1],), ((1, 2),), ({"a": 1},), (1, 2), (1, 2, 3), (1, None, 3), (None, None)])
def test_pack(data):
    assert utils.pack_x_y_sample_weight(*data) == keras.utils.pack_x_y_sample_weight(*data)


def test_interactive_logging(capsys, caplog):
    assert utils.is_interactive_logging_enabled()
    utils.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", logger="refkeras"):
            utils.Progbar(2).update(2)
        assert not utils.is_interactive_logging_enabled()
        assert capsys.readouterr().out == ""
        assert "2/2" in caplog.text
    finally:
        utils.enable_interactive_logging()


@tensorflow_only("elsewhere tensors have no numpy(), or one of their own")
@pytest.mark.parametrize("engine", ENGINES)
def test_one_value_is_a_scalar_of_numpy(engine):
    """`loss.numpy()` can be a key, or be formatted, as np.float32; several values are an array."""

    def types(k):
        metric = k.metrics.Mean()
        metric.update_state(np.float32([1.0, 2.0]))
        loss = k.losses.MeanSquaredError()(np.ones((2, 1), "float32"), np.zeros((2, 1), "float32"))
        losses = k.losses.mean_squared_error(np.ones((2, 1), "float32"), np.zeros((2, 1), "float32"))
        return [type(value.numpy()) for value in (metric.result(), loss, losses)]

    with semantics.use(engine):
        assert types(refkeras) == types(ENGINES[engine]) == [np.float32, np.float32, np.ndarray]
