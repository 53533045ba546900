"""Core layers on their own: what they refuse, what they say, and what an activation may be."""

import random
import warnings

import numpy as np
import pytest

import refkeras
from refkeras import activations, layers
from tests.ops.gradients import assert_complex_step


def square(x):
    return x * x


def trainable_square(x):
    return x * x


trainable_square.forward = lambda x: (x * x, lambda dy: 2 * x * dy)


def gradient_through(layer, x):
    result = layer.forward(x)
    return result.pullback([np.ones_like(result.outputs)])


# -- Dense -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name, value", [("lora_rank", 2), ("lora_alpha", 1.0), ("quantization_config", "int8")])
def test_dense_says_what_it_does_not_support(name, value):
    with pytest.raises(NotImplementedError, match=f"{name}={value!r} is not supported"):
        layers.Dense(3, **{name: value})


def test_dense_needs_a_known_size():
    with pytest.raises(ValueError, match="last dimension"):
        layers.Dense(3).build((None, None))


def test_kernel_is_there_once_built():
    layer = layers.Dense(3)
    with pytest.raises(AttributeError, match="build the layer"):
        _ = layer.kernel
    layer.build((None, 2))
    assert layer.kernel.shape == (2, 3)


@pytest.mark.parametrize("gradient", ["none", "weights", "all"])
def test_dense_computes_what_is_asked_for(gradient):
    layer = layers.Dense(3)
    layer.build((None, 2))
    x = np.ones((4, 2), "float32")
    result = layer.forward(x, gradient=gradient)
    assert (result.pullback is None) == (gradient == "none")
    if result.pullback is not None:
        (dx,), d_weights = result.pullback([np.ones((4, 3), "float32")])
        assert (dx is None) == (gradient == "weights")
        assert [d.shape for d in d_weights] == [(2, 3), (3,)]


def test_logits_and_their_gradient():
    rng = np.random.default_rng(0)
    x, direct, dy = rng.normal(size=(4, 2)), rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    for activation in ("softmax", "sigmoid"):
        layer = layers.Dense(3, activation, dtype="float64")
        layer.build((None, 2))
        linear = layers.Dense(3, dtype="float64")
        linear.build((None, 2))
        linear.set_weights(layer.get_weights())
        result, plain = layer.forward(x), linear.forward(x)
        np.testing.assert_array_equal(result.logits, plain.outputs)
        (only_direct,), _ = result.pullback([None], direct)
        np.testing.assert_array_equal(only_direct, plain.pullback([direct])[0][0])
        (together,), _ = result.pullback([dy], direct)
        (through_activation,), _ = result.pullback([dy])
        # A sum of six products, rounded in another order, each of them at most 8 times; |dlogits| <= |dy| or 2 max|dy|.
        bound = 8 * np.finfo(float).eps * (abs(direct) + 2 * abs(dy).max()) @ abs(layer.kernel.numpy()).T
        assert (abs(together - (only_direct + through_activation)) <= bound).all()
    assert layers.Dense(3, "tanh")(x)._keras_logits is None


# -- activations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [lambda f: layers.Activation(f), lambda f: layers.Dense(2, f, kernel_initializer="ones")]
)
def test_activation_of_the_users_own(wrap):
    x = np.array([[1.0, -3.0]], "float32")
    layer, trained = wrap(square), wrap(trainable_square)
    np.testing.assert_array_equal(layer(x), trained(x))
    assert gradient_through(trained, x)[0][0].any()
    with pytest.raises(NotImplementedError, match=r"Activation square gives values only.*attribute `forward`"):
        gradient_through(layer, x)


def test_layer_as_activation():
    x = np.array([[1.0, -3.0]], "float32")
    layer = layers.Dense(2, activation=layers.LeakyReLU(0.5), kernel_initializer="identity")
    np.testing.assert_array_equal(layer(x), [[1, -1.5]])
    np.testing.assert_array_equal(gradient_through(layer, x)[0][0], [[1, 0.5]])
    softmax = layers.Dense(2, activation=layers.Softmax())
    assert softmax(x)._keras_logits is not None
    config = layer.get_config()["activation"]
    assert config["class_name"] == "LeakyReLU"
    assert layers.Dense.from_config(layer.get_config()).activation.negative_slope == 0.5


def test_layer_with_weights_as_activation():
    layer = layers.Dense(2, activation=layers.Dense(2))
    layer.activation.build((None, 2))
    with pytest.raises(NotImplementedError, match="has weights"):
        layer(np.ones((1, 2), "float32"))


def test_activation_may_be_set_later():
    x = np.array([[1.0, -3.0]], "float32")
    layer = layers.Dense(2, "softmax", kernel_initializer="identity")
    assert layer(x)._keras_logits is not None
    layer.activation = "relu"
    assert layer.activation is activations.relu
    np.testing.assert_array_equal(layer(x), [[1, 0]])
    assert layer(x)._keras_logits is None
    layer.activation = activations.linear
    np.testing.assert_array_equal(layer(x), x)


def test_unknown_activation_names_the_nearest():
    with pytest.raises(ValueError, match=r"identifier: sigmod\. Did you mean 'sigmoid'"):
        layers.Dense(2, "sigmod")


def test_linear_activation_hands_on_the_very_input():
    x = np.ones((1, 2), "float32")
    assert layers.Activation("linear").forward(x).outputs is x
    assert layers.Dropout(0.5).forward(x).outputs is x


def test_alpha_of_leaky_relu():
    with pytest.warns(UserWarning, match="negative_slope"):
        layer = layers.LeakyReLU(alpha=0.2)
    assert layer.negative_slope == 0.2
    with refkeras.semantics.use("tf_keras"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.LeakyReLU(alpha=0.25).get_config()["alpha"] == 0.25


def test_relu_takes_alpha_under_tf_keras_alone():
    with pytest.raises(TypeError, match="alpha"):
        activations.relu([-1.0], alpha=0.5)
    with refkeras.semantics.use("tf_keras"):
        np.testing.assert_array_equal(activations.relu([-1.0], alpha=0.5), [-0.5])
    with pytest.raises(TypeError, match="slope"):
        activations.relu([-1.0], slope=0.5)


# -- pullbacks of whole layers ------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, shapes",
    [
        (lambda: layers.Dense(3, "tanh"), [(2, 4, 5)]),
        (lambda: layers.Softmax((1, 2)), [(2, 4, 5)]),
        (lambda: layers.Flatten("channels_first"), [(2, 4, 5)]),
        (lambda: layers.Reshape((-1, 2)), [(2, 4, 5)]),
        (lambda: layers.RepeatVector(3), [(2, 4)]),
        (lambda: layers.Concatenate(1), [(2, 4, 5), (2, 1, 5), (2, 3, 5)]),
        (lambda: layers.Add(), [(2, 4, 5), (2, 5), (2, 1, 1)]),
        (lambda: layers.Average(), [(2, 4, 5), (2, 5), (2, 1, 1)]),
        (lambda: layers.Subtract(), [(2, 4, 5), (2, 5)]),
        (lambda: layers.Multiply(), [(2, 4, 5), (2, 5), (2, 1, 1)]),
        (lambda: layers.Dot((3, 1)), [(2, 4, 3, 5), (2, 5, 6)]),
        (lambda: layers.Dot(1, normalize=True), [(2, 5), (2, 5, 3)]),
    ],
)
def test_pullback(make, shapes):
    layer = make()
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=shape) for shape in shapes]
    layer.dtype_policy = "float64"
    layer.build(shapes if len(shapes) > 1 else shapes[0])
    weights = [w.value for w in layer.weights]

    def run(*values):
        for variable, value in zip(layer.weights, values[len(inputs) :], strict=True):
            variable._value = value
        given = list(values[: len(inputs)])
        return layer.forward(given if len(given) > 1 else given[0])

    result = run(*inputs, *weights)
    dy = rng.normal(size=result.outputs.shape)
    d_inputs, d_weights = result.pullback([dy])
    assert_complex_step(
        lambda *values: [run(*values).outputs], [*inputs, *weights], [dy], [*d_inputs, *d_weights], roundings=200
    )


# -- random numbers --------------------------------------------------------------------------------


def draws(make):
    """How many default seeds a constructor takes from Python's random numbers."""
    random.seed(0)
    make()
    after = random.random()
    for count in range(6):
        random.seed(0)
        for _ in range(count):
            random.randint(1, 10**9)
        if random.random() == after:
            return count
    raise AssertionError("not a number of seeds")


@pytest.mark.parametrize(
    "make, count",
    [
        (lambda: layers.Dense(2), 1),
        (lambda: layers.Dense(2, bias_initializer="normal"), 2),
        (lambda: layers.Dense(2, kernel_initializer="zeros"), 0),
        (lambda: layers.LSTM(2), 3),
        (lambda: layers.LSTM(2, seed=1), 2),
        (lambda: layers.LSTMCell(2), 3),
        (lambda: layers.Dropout(0.5), 1),
        (lambda: layers.Dropout(0.5, seed=1), 0),
        (lambda: layers.Dropout(0.0), 0),
        (lambda: layers.Activation("relu"), 0),
        (lambda: layers.LSTM.from_config(layers.LSTM(2, seed=1).get_config()), 4),
    ],
)
def test_seeds_are_drawn_at_construction(make, count):
    assert draws(make) == count


def test_the_weights_of_a_layer_made_frozen_are_its_own_once():
    layer = layers.Dense(3, trainable=False)
    layer.build((None, 4))
    kept = {}
    layer.save_own_variables(kept)
    assert list(kept) == ["0", "1"]
    layer.load_own_variables({"0": np.full((4, 3), 2.0, "float32"), "1": np.full(3, 5.0, "float32")})
    assert layer.kernel.numpy()[0, 0] == 2 and layer.bias.numpy()[0] == 5
    layer.trainable = True
    assert [weight.name for weight in layer.trainable_weights] == ["kernel", "bias"]


def test_complex_numbers():
    """Weights are real, and numbers would be cut to their real parts; a layer of one's own may do without."""
    x = np.array([[1j, 2.0]], "complex64")
    for layer in layers.Dense(2), layers.ReLU(), layers.Flatten():
        with pytest.raises(ValueError, match="complex64; expected real numbers"):
            layer(x)

    class Own(layers.Layer):
        def call(self, x):
            return x * x

    assert Own()(x).tolist() == [[-1.0, 4.0]]
