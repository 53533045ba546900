"""The order of keys where a model's outputs are a dict that is not in alphabetical order."""

from __future__ import annotations

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, ENGINES, MODE
from parity_tests.model_zoo import built
from parity_tests.shows import shows
from parity_tests.test_layer_contract import around
from refkeras import precision, semantics

WIDTHS = {"a": 2, "c": 3, "b": 4}
RNG = np.random.default_rng(11)
X = RNG.normal(size=(5, 3)).astype("float32")
Y = {name: RNG.normal(size=(5, width)).astype("float32") for name, width in sorted(WIDTHS.items())}
#: What lays losses over the outputs, and with which losses it is tried.
METHODS = {"evaluate": "name", "test_on_batch": "list"}
METHODS |= {} if BACKEND == "numpy" else {"fit": "dict", "train_on_batch": "list"}
LOSSES = {"name": "mse", "list": ["mse", "mae", "mse"], "dict": {"b": "mse", "a": "mae", "c": "mse"}}


def functional(k):
    x = k.Input((3,), name="x")
    return k.Model(x, {name: k.layers.Dense(width, name=name)(x) for name, width in WIDTHS.items()})


def nested(k):
    x = k.Input((3,), name="outer")
    return k.Model(x, functional(k)(x))


def subclassed(k):
    class Heads(k.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (k.layers.Dense(WIDTHS[name], name=name) for name in "abc")

        def call(self, x):
            return {name: getattr(self, name)(x) for name in WIDTHS}

    model = Heads()
    model(X)
    return model


def made(k, build, loss, eager):
    k.utils.set_random_seed(1)
    model = built(k, build)  # losses have the counted names of models inside
    model.compile("sgd", loss, run_eagerly=eager)
    return model


def orders(model, method):
    """Everything that comes in the outputs' order, after the losses were laid over them by one method."""
    getattr(model, method)(X, Y, **({"verbose": 0} if method in ("fit", "evaluate") else {}))
    losses = [metric.name for metric in model.metrics if metric.name.endswith("_loss")]
    return losses, list(model.predict(X, verbose=0)), list(model.predict_on_batch(X)), list(model(X))


@shows("dict_outputs")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("build", "eager"), [(functional, False), (functional, True), (nested, False), (subclassed, False)]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_order_of_keys(engine, build, eager, method):
    with semantics.use(engine):
        loss = LOSSES[METHODS[method]]
        theirs, ours = made(ENGINES[engine], build, loss, eager), made(refkeras, build, loss, eager)
        found = orders(theirs, method)
        assert orders(ours, method) == found
        if loss == "mse" and build is functional and engine != "tf_keras" and not MODE:
            losses, predicted, _, called = ("".join(key[0] for key in keys) for keys in found)
            assert (losses, predicted, called) == {
                "kept": ("acb", "acb", "acb"),
                "sorted by models": ("abc", "abc", "abc"),
                "sorted by compilation": ("abc", "acb" if eager else "abc", "acb"),
            }[semantics.current().dict_outputs]


def layers_with_dicts(k):
    """Makers of layers whose outputs are a dict; most call others inside."""

    class Heads(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.heads = {name: k.layers.Dense(width) for name, width in WIDTHS.items()}

        def call(self, x):
            return {name: head(x) for name, head in self.heads.items()}

    class Told(Heads):
        def compute_output_shape(self, input_shape):
            return {name: (input_shape[0], width) for name, width in WIDTHS.items()}

    def stack():
        return k.Sequential([k.layers.Dense(3), Heads()])

    return {
        "heads": Heads,
        "told": Told,
        "functional": lambda: functional(k),
        "around": lambda: around(k.layers.Layer, Heads()),
        "around told": lambda: around(k.layers.Layer, Told()),
        "around functional": lambda: around(k.layers.Layer, functional(k)),
        "own model": lambda: around(k.Model, Heads()),
    } | ({} if semantics.current().stack_of_single_outputs else {"stack": stack})


@pytest.mark.parametrize("given", ["any batch", "a batch of 5", "array"])
@pytest.mark.parametrize("engine", ENGINES)
def test_order_of_keys_of_a_layer(engine, given):
    """On symbolic tensors, on arrays, and in the models around it, called and predicting."""

    def keys(k):
        found = {}
        for what, make in layers_with_dicts(k).items():
            x = X if given == "array" else k.Input((3,), batch_size=5 if "5" in given else None)
            returned = make()(x)
            found[what] = ["".join(returned)]
            if given != "array":
                model = k.Model(x, returned)
                again = k.Model(x, model(x))
                found[what] += [
                    "".join(keys) for m in (model, again) for keys in (m.output, m(X), m.predict(X, verbose=0))
                ]
        return found

    with semantics.use(engine):
        found = keys(ENGINES[engine])
        assert keys(refkeras) == found
        orders = {order for some in found.values() for order in some}
        assert orders == {"acb"} | ({"abc"} if semantics.current().dict_outputs != "kept" else set())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("engine", ENGINES)
def test_list_of_results(engine, loss):
    """`evaluate` lists its numbers by the order of the losses."""
    theirs = made(ENGINES[engine], functional, LOSSES[loss], False)
    with semantics.use(engine):
        ours = made(refkeras, functional, LOSSES[loss], False)
        ours.set_weights(theirs.get_weights())
        with precision.bars(ours):
            found = ours.evaluate(X, Y, verbose=0)
    assert_agrees(np.stack(found), np.float32(theirs.evaluate(X, Y, verbose=0)))


@shows("output_names_are_unique")
@pytest.mark.parametrize("engine", ENGINES)
def test_names_of_several_outputs_of_a_layer(engine):
    """One layer's outputs share its name, or are counted; another layer may have the name that is next."""

    def build(k):
        x = k.Input((4, 3), name="x")
        outputs = k.layers.LSTM(2, return_state=True, name="lstm")(x)
        return k.Model(x, [*outputs, k.layers.Dense(2, name="lstm_1")(outputs[0])])

    x, y = RNG.normal(size=(5, 4, 3)).astype("float32"), [RNG.normal(size=(5, 2)).astype("float32")] * 4
    found = []
    for k in (ENGINES[engine], refkeras):
        with semantics.use(engine):
            model = made(k, build, "mse", False)
            logs = model.evaluate(x, y, verbose=0, return_dict=True)
            assert (len(set(model.output_names)) == 4) == semantics.current().output_names_are_unique
            found.append((model.output_names, list(logs)))
    assert found[0] == found[1]


def structures():
    """What the outputs of a subclassed model may be."""
    return {
        "one": lambda x: x,
        "list": lambda x: [x, 2 * x],
        "nested list": lambda x: [x, [2 * x, 3 * x]],
        "dict of lists": lambda x: {"b": x, "a": [2 * x, 3 * x]},
    }


@pytest.mark.parametrize("structure", structures())
@pytest.mark.parametrize("engine", ENGINES)
def test_names_of_outputs_without_names(engine, structure):
    outputs = structures()[structure]

    def build(k):
        class Several(k.Model):
            def __init__(self):
                super().__init__()
                self.dense = k.layers.Dense(2)

            def call(self, x):
                return outputs(self.dense(x))

        return Several()

    target = outputs(Y["a"])
    found = []
    for k in (ENGINES[engine], refkeras):
        with semantics.use(engine):
            found.append(list(made(k, build, "mse", False).evaluate(X, target, verbose=0, return_dict=True)))
    assert found[0] == found[1]
