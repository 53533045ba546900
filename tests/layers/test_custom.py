"""Layers, losses and models that users write themselves."""

import numpy as np
import pytest

import refkeras
from refkeras import layers, precision, semantics


class Scale(layers.Layer):
    """y = x * s, trained through its own pullback."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def forward(self, x):
        s = self.scale.value
        return x * s, lambda d_outputs: ([d_outputs[0] * s], [np.sum(d_outputs[0] * x, axis=0)])


class Block(layers.Layer):
    """Nothing but other layers: trained through theirs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(3, activation="tanh")
        self.rest = [layers.Dense(2), Scale()]

    def call(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x


class Opaque(layers.Layer):
    """Arithmetic of its own and no pullback: inference only."""

    def call(self, x):
        return np.tanh(x) * 2


def trained(model, x, y):
    model.compile(refkeras.optimizers.SGD(0.1), "mse")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=20, verbose=0)
    return before, model.evaluate(x, y, verbose=0)


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(16, 4)).astype("float32")
    return x, (x[:, :2] * 0.5).astype("float32")


def test_forward_with_pullback_trains(data):
    x, y = data
    model = refkeras.Sequential([refkeras.Input((4,)), layers.Dense(2), Scale()])
    before, after = trained(model, x, y)
    assert after < before
    assert not np.array_equal(model.layers[1].scale.numpy(), np.ones(2))


@pytest.mark.parametrize("through", ["graph", "subclass"])
def test_call_of_layers_trains(data, through):
    x, y = data
    if through == "graph":
        inputs = refkeras.Input((4,))
        model = refkeras.Model(inputs, Block()(inputs))
    else:

        class Whole(refkeras.Model):
            def __init__(self):
                super().__init__()
                self.block = Block()

            def call(self, x):
                return self.block(x)

        model = Whole()
    before, after = trained(model, x, y)
    assert after < before
    assert [w.path.rpartition("/")[0].split("/")[-1] for w in model.weights][-1].startswith("scale")
    assert len(model.weights) == 5


def test_traced_gradient_equals_the_functional_one(data):
    x, y = data
    inputs = refkeras.Input((4,))
    block = Block()
    traced = refkeras.Model(inputs, block(inputs))
    h = block.first(inputs)
    for layer in block.rest:
        h = layer(h)
    drawn = refkeras.Model(inputs, h)
    pulled = []
    for model in (traced, drawn):
        run, _ = model._run([x], training=True, gradient="all")
        d_inputs, d_weights = run.pullback([y], None)
        pulled.append([d_inputs[0], *(d_weights[id(v)] for v in block.weights)])
    for a, b in zip(*pulled, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_pullback_is_an_error_that_says_what_to_do(data):
    x, y = data
    model = refkeras.Sequential([refkeras.Input((4,)), layers.Dense(2), Opaque()])
    model.compile("sgd", "mse")
    weights = model.get_weights()
    assert model.predict(x, verbose=0).shape == (16, 2)
    assert np.isfinite(model.evaluate(x, y, verbose=0))
    with pytest.raises(NotImplementedError, match=r"define forward\(inputs\)"):
        model.fit(x, y, verbose=0)
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_without_pullback_before_all_weights_needs_none(data):
    x, y = data
    model = refkeras.Sequential([refkeras.Input((4,)), Opaque(), layers.Dense(2)])
    before, after = trained(model, x, y)
    assert after < before


def test_a_subclass_of_a_core_layer_may_override_call(data):
    x, _ = data

    class Doubled(layers.Dense):
        def call(self, x):
            return 2 * super().call(x)

    layer = Doubled(3)
    y = layer(x)
    np.testing.assert_allclose(y, 2 * (x @ layer.kernel.numpy() + layer.bias.numpy()), rtol=1e-6)


def test_frozen_weights_get_no_update(data):
    x, y = data
    model = refkeras.Sequential([refkeras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.compile("adam", "mse")
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_weights) == 2
    frozen, free = model.layers[0].get_weights(), model.layers[1].get_weights()
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(frozen[0], model.layers[0].get_weights()[0])
    assert not np.array_equal(free[0], model.layers[1].get_weights()[0])
    model.layers[0].trainable = True
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(frozen[0], model.layers[0].get_weights()[0])
    model.compile("adam", "mse")
    model.fit(x, y, verbose=0)
    assert not np.array_equal(frozen[0], model.layers[0].get_weights()[0])


def test_forgotten_super_init():
    class Broken(layers.Layer):
        def __init__(self):
            self.dense = layers.Dense(2)

    with pytest.raises(RuntimeError, match="super"):
        Broken()(np.ones((1, 2), "float32"))


def test_own_train_step_is_refused():
    class Own(refkeras.Sequential):
        def train_step(self, data):
            return {}

    with pytest.raises(NotImplementedError, match="train_step"):
        Own([refkeras.Input((4,)), layers.Dense(2)]).compile("sgd", "mse")


def test_symbolic_arithmetic_names_the_layer_to_use():
    x = refkeras.Input((4,))
    with pytest.raises(TypeError, match="Add"):
        x + x
    with pytest.raises(ValueError, match="symbolic"):
        np.tanh(x)


@pytest.mark.parametrize("engine", sorted(semantics.PRESETS))
def test_what_a_call_assigns_counts_from_the_first_batch(engine):
    """To find the shape of its output a layer is run on trial, which is no batch."""

    class Counting(refkeras.layers.Layer):
        def build(self, shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign_add(1.0)
            return x + 0.0

    with semantics.use(engine):
        inner, outer = Counting(), Counting()
        x = refkeras.Input((3,))
        model = refkeras.Model(x, outer(refkeras.Sequential([refkeras.Input((3,)), inner])(x)))
        assert [float(layer.count) for layer in (inner, outer)] == [0, 0]
        model(np.ones((2, 3)))
        assert [float(layer.count) for layer in (inner, outer)] == [1, 1]


@pytest.mark.parametrize("engine", sorted(semantics.PRESETS))
@pytest.mark.parametrize("states", [None, 3, ["one"]])
def test_what_calls_itself_stateful(engine, states):
    """Layers and models of one's own may have attributes of that name, and mean something else by them."""

    class Named(refkeras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.stateful = True
            if states is not None:
                self.states = states

        def call(self, x):
            return x + 0.0

    class Own(refkeras.Model):
        def __init__(self):
            super().__init__()
            self.stateful, self.named = True, Named()

        def call(self, x):
            return self.named(x)

    x = np.ones((2, 3), "float32")
    with semantics.use(engine):
        for model in (refkeras.Sequential([refkeras.Input((3,)), Named()]), Own()):
            model.compile(loss="mse", optimizer="sgd")
            np.testing.assert_array_equal(model.predict(x, verbose=0), x)
            assert model.evaluate(x, x, verbose=0) == 0
            if hasattr(model, "reset_states"):
                model.reset_states()
            with precision.bars(model):
                np.testing.assert_array_equal(model.predict(x, verbose=0).value, x)
