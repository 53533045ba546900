"""`clone_model`: what is made anew, what is shared, and by whose functions."""

import numpy as np
import pytest

import refkeras as keras
from refkeras.models import clone_model


def shared():
    """A model with a layer that is called twice, an inner stack and an inner graph."""
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    twice = keras.layers.Dense(5, activation="tanh", name="twice")
    stack = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="in_stack")], name="stack")
    x = keras.Input((5,))
    graph = keras.Model(x, keras.layers.Dense(3, name="in_graph")(x), name="graph")
    both = keras.layers.Add(name="both")([stack(twice(a)), graph(twice(b))])
    return keras.Model({"a": a, "b": b}, {"sum": keras.layers.Dense(2, name="last")(both)}, name="whole")


def inputs(rng):
    return {key: rng.normal(size=(6, 4)).astype("float32") for key in "ab"}


def test_a_clone_computes_the_same_with_the_same_weights_and_shares_none():
    model, x = shared(), inputs(np.random.default_rng(3))
    model.compile("adam", "mse")
    clone = clone_model(model)
    assert [v.shape for v in clone.weights] == [v.shape for v in model.weights] and len(clone.weights) == 8
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
    assert clone.compiled and clone.optimizer is not model.optimizer and clone.optimizer.iterations.numpy() == 0
    before = model.predict(x, verbose=0)["sum"]
    assert not np.array_equal(clone.predict(x, verbose=0)["sum"], before)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(x, verbose=0)["sum"], before)
    clone.fit(x, {"sum": np.ones((6, 2))}, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0)["sum"], before)


def test_clone_function_changes_layers_of_inner_models_too():
    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 7} if layer.name.startswith("in_") else config)

    clone = clone_model(shared(), clone_function=wider, recursive=True)
    assert clone.get_layer("last").kernel.shape == (7, 2)
    whole = clone_model(shared(), clone_function=wider)
    assert whole.get_layer("last").kernel.shape == (3, 2)  # the inner models were cloned as a whole


def test_inner_models_are_made_as_a_whole_or_layer_by_layer():
    model = shared()
    for recursive in (False, True):
        asked = []

        def same(layer, asked=asked):
            asked.append(layer.name)
            return type(layer).from_config(layer.get_config())

        clone = clone_model(model, clone_function=same, recursive=recursive)
        inner = ["in_stack", "in_graph"] if recursive else ["stack", "graph"]
        assert asked == ["twice", *inner, "both", "last"]
        assert [type(layer) for layer in clone.layers] == [type(layer) for layer in model.layers]
        assert clone.get_layer("stack") is not model.get_layer("stack")


def test_layers_are_shared_where_the_function_returns_them():
    model, x = shared(), inputs(np.random.default_rng(3))
    clone = clone_model(model, clone_function=lambda layer: layer)
    assert [id(v) for v in clone.weights] == [id(v) for v in model.weights]
    np.testing.assert_array_equal(clone.predict(x, verbose=0)["sum"], model.predict(x, verbose=0)["sum"])


def test_call_function_inserts_layers():
    model, seen = shared(), []

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        made = layer(*args, **kwargs)
        return keras.layers.LeakyReLU(negative_slope=2.0)(made) if layer.name == "last" else made

    clone = clone_model(model, clone_function=lambda layer: layer, call_function=call)
    assert sorted(seen) == ["both", "graph", "last", "stack", "twice", "twice"]
    x = inputs(np.random.default_rng(3))
    plain = model.predict(x, verbose=0)["sum"]
    np.testing.assert_array_equal(clone.predict(x, verbose=0)["sum"], np.where(plain < 0, plain * np.float32(2), plain))


def test_input_tensors():
    model = shared()
    given = {"a": keras.Input((4,), name="a", batch_size=6), "b": keras.Input((4,), name="b", batch_size=6)}
    clone = clone_model(model, input_tensors=given)
    assert clone.inputs == [given["a"], given["b"]] and clone.outputs[0].shape == (6, 2)
    stack = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])
    for tensors in (given["a"], [given["a"]]):
        assert clone_model(stack, tensors).inputs[0].shape == (6, 4)


class Own(keras.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense = units, keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_model_of_another_class_is_made_from_its_record():
    model = Own(3, name="own")
    model.compile("sgd", "mse")
    clone = clone_model(model)
    assert type(clone) is Own and (clone.units, clone.name, clone.compiled) == (3, "own", True)
    assert clone.dense is not model.dense


@pytest.mark.parametrize(
    ("of", "arguments", "error", "message"),
    [
        ("graph", {"input_tensors": 3}, ValueError, "All entries in `input_tensors` must be KerasTensors"),
        ("graph", {"input_tensors": [None]}, ValueError, "All entries in `input_tensors` must be KerasTensors"),
        ("stack", {"input_tensors": 3}, ValueError, "must be a KerasTensor. Received invalid value: input_tensors=3"),
        ("stack", {"input_tensors": [1, 2]}, ValueError, "must contain a single tensor"),
        ("stack", {"call_function": print}, ValueError, "not supported with Sequential models"),
        ("own", {"clone_function": print}, ValueError, "only supported for Sequential models or Functional"),
        ("own", {"input_tensors": 3}, ValueError, "only supported for Sequential models or Functional"),
        ("own", {"call_function": print}, ValueError, "only supported for Functional models"),
        ("graph", {"recursiv": True}, ValueError, r"Unexpected keyword argument\(s\): \('recursiv',\)"),
        ("graph", {"clone_function": 3}, TypeError, "clone_function=3 is not callable"),
        ("stack", {"call_function": 3}, TypeError, "call_function=3 is not callable"),
        ("nothing", {}, ValueError, "Expected `model` argument to be a Model. Received: model=None"),
    ],
)
def test_what_cannot_be_done(of, arguments, error, message):
    stack = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = {"graph": shared(), "stack": stack, "own": Own(2), "nothing": None}[of]
    with pytest.raises(error, match=message):
        clone_model(model, **arguments)


def test_input_tensors_have_the_structure_of_the_models():
    x = keras.Input((4,))
    with pytest.raises(ValueError, match=r"must have the same structure as model\.input"):
        clone_model(shared(), input_tensors=[x, x])
