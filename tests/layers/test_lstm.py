"""The LSTM layer on its own: arguments, states and what it refuses."""

import numpy as np
import pytest

import refkeras
from refkeras import layers
from refkeras.errors import InvalidArgumentError

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


def test_unrolled_or_not_the_numbers_are_the_same():
    one, two = layers.LSTM(5), layers.LSTM(5, unroll=True)
    one.build(X.shape)
    two.build(X.shape)
    two.set_weights(one.get_weights())
    np.testing.assert_array_equal(one(X), two(X))


def test_implementations_agree():
    one, two = layers.LSTM(5, implementation=1), layers.LSTM(5, implementation=2)
    one.build(X.shape)
    two.build(X.shape)
    two.set_weights(one.get_weights())
    np.testing.assert_array_equal(one(X), two(X))
    assert layers.LSTM(5, recurrent_dropout=0.1).implementation == 1


def test_backwards_is_forwards_on_the_reversed_sequence():
    forwards, backwards = (layers.LSTM(5, return_sequences=True, go_backwards=back) for back in (False, True))
    forwards.build(X.shape)
    backwards.build(X.shape)
    backwards.set_weights(forwards.get_weights())
    np.testing.assert_array_equal(backwards(X), forwards(X[:, ::-1]))


def test_last_output_state_and_sequence_belong_together():
    layer = layers.LSTM(5, return_sequences=True, return_state=True)
    y, h, _ = layer(X)
    np.testing.assert_array_equal(y[:, -1], h)


def test_stateful_continues_where_it_ended():
    whole, parts = layers.LSTM(5), layers.LSTM(5, stateful=True)
    whole.build(X.shape)
    parts.build((2, 1, 4))
    parts.set_weights(whole.get_weights())
    for t in range(3):
        last = parts(X[:, t : t + 1])
    np.testing.assert_allclose(last, whole(X), rtol=0, atol=1e-6)
    parts.reset_state()
    assert not any(state.numpy().any() for state in parts.states)
    assert [v.name for v in parts.states] == ["rnn_state", "rnn_state"]
    assert len(parts.weights) == 3


def test_state_is_not_moved_by_a_failing_call():
    layer = layers.LSTM(5, stateful=True)
    layer(X)
    before = [state.numpy() for state in layer.states]
    with pytest.raises(ValueError, match="Expected batch size: 2"):
        layer(X[:1])
    with pytest.raises(InvalidArgumentError, match="must have shape"):
        layer(X, mask=np.ones((2, 9), bool))
    for state, old in zip(layer.states, before, strict=True):
        np.testing.assert_array_equal(state.numpy(), old)


@pytest.mark.parametrize("states", [[np.ones((2, 6)), np.ones((2, 6))], [np.ones((3, 5)), np.ones((3, 5))]])
def test_initial_states_of_the_wrong_shape(states):
    with pytest.raises(InvalidArgumentError, match=r"initial_state h .* must have shape \(2, 5\)"):
        layers.LSTM(5)(X, initial_state=states)


def test_use_cudnn():
    for choice in ("auto", False):
        layers.LSTM(5, use_cudnn=choice)(X)
    layer = layers.LSTM(5, use_cudnn=True)  # no complaint before it runs
    with pytest.raises(ValueError, match="use_cudnn='auto'"):
        layer(X)
    with pytest.raises(ValueError, match="Expected one of"):
        layers.LSTM(5, use_cudnn="maybe")


def test_unknown_argument_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'return_sequences'"):
        layers.LSTM(5, return_sequence=True)


def test_sequence_that_is_empty():
    with pytest.raises(InvalidArgumentError, match="at least one sample and one step"):
        layers.LSTM(5)(X[:, :0])


def test_trains_through_states_and_masks():
    inputs = refkeras.Input((3, 4))
    y, h, c = layers.LSTM(5, return_sequences=True, return_state=True)(layers.Masking()(inputs))
    z = layers.LSTM(2)(y, initial_state=[layers.Dense(2)(h), layers.Dense(2)(c)])
    model = refkeras.Model(inputs, z)
    model.compile(refkeras.optimizers.Adam(0.05), "mse")
    x = X.copy()
    x[0, 0] = 0
    y_true = np.array([[0.3, -0.2], [0.1, 0.4]], "float32")
    history = model.fit(x, y_true, epochs=60, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] / 20


def test_float64_throughout():
    layer = layers.LSTM(5, dtype="float64", return_state=True, stateful=True)
    outputs = layer(X.astype("float64"))
    assert {a.dtype for a in (*outputs, *(s.numpy() for s in layer.states))} == {np.dtype("float64")}
