"""Graphs: order of layers and weights, names, paths, shapes and configuration equal Keras's."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import ENGINES, forget_names, keras
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import precision, semantics


def branching(k, units=(3, 5)):
    a = k.Input((4,), name="a")
    b = k.Input((2,), name="b")
    shared = k.layers.Dense(units[0], activation="tanh")
    left, right = shared(a), k.layers.Dense(units[0])(b)
    merged = k.layers.Concatenate()([left, right])
    again = k.layers.Add()([left, right])
    out = k.layers.Dense(units[1], activation="softmax", name="head")(merged)
    return k.Model([a, b], [out, k.layers.Dense(1, name="side")(again)])


def recurrent(k):
    x = k.Input((6, 3))
    sequence, h, c = k.layers.LSTM(4, return_sequences=True, return_state=True)(x)
    y = k.layers.LSTM(5)(sequence)
    z = k.layers.Dropout(0.5)(k.layers.Concatenate()([y, h, c]))
    return k.Model(inputs=x, outputs=[k.layers.Dense(2)(z), c])


def stacked(k):
    model = k.Sequential(name="stack")
    model.add(k.Input((5, 3)))
    model.add(k.layers.Masking(mask_value=-1.0))
    model.add(k.layers.LSTM(4, return_sequences=True))
    model.add(k.layers.Dense(3, activation="relu"))
    model.add(k.layers.Flatten())
    model.add(k.layers.Reshape((3, 5)))
    model.add(k.layers.LeakyReLU())
    model.add(k.layers.Softmax())
    return model


def nested(k):
    inner = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="sigmoid"), k.layers.Dense(2)])
    x = k.Input((3,))
    y = k.Input((3,))
    merged = k.layers.Concatenate()([inner(x), inner(y)])
    return k.Model({"x": x, "y": y} if k is None else [x, y], k.layers.Dense(1)(merged))


def depth_order(k):
    """A layer that is created late and lies near the inputs, and one used at two depths."""
    x = k.Input((3,))
    late = k.layers.Dense(3, name="late")
    early = k.layers.Dense(3, name="early")
    h = early(late(x))
    return k.Model(x, [late(h), k.layers.Dense(2, name="last")(h), early(x)])


MODELS = [branching, recurrent, stacked, nested, depth_order]


def make(k, build):
    forget_names(k)
    random.seed(1)
    k.utils.set_random_seed(1)
    return build(k)


@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("name", ENGINES)
def test_structure(build, name):
    engine = ENGINES[name]
    with semantics.use(name):
        ours, theirs = make(refkeras, build), make(engine, build)
        assert ours.name == theirs.name
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
        assert ours.count_params() == theirs.count_params()
        assert ours.output_shape == theirs.output_shape
        assert ours.input_shape == theirs.input_shape
        if hasattr(theirs, "output_names") and hasattr(ours, "output_names"):
            assert ours.output_names == theirs.output_names
        if engine is keras:
            assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
            assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]


@pytest.mark.parametrize("build", MODELS)
def test_config(build):
    ours, theirs = make(refkeras, build), make(keras, build)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    assert json.loads(json.dumps(ours.get_config())) == plain(ours.get_config())


@pytest.mark.parametrize("build", MODELS)
def test_config_round_trip_and_exchange(build):
    ours = make(refkeras, build)
    again = type(ours).from_config(ours.get_config())
    assert plain(again.get_config()) == plain(ours.get_config())
    theirs = make(keras, build)
    from_theirs = type(ours).from_config(json.loads(json.dumps(plain(theirs.get_config()))))
    assert [layer.name for layer in from_theirs.layers] == [layer.name for layer in theirs.layers]
    assert type(theirs).from_config(plain(ours.get_config())).count_params() == ours.count_params()


def plain(value):
    """As JSON would have it: tuples are lists. Keras says where a class is defined; refkeras has only public places."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


@given(widths=st.lists(st.integers(1, 4), min_size=2, max_size=6), data=st.data())
def test_random_graphs(widths, data):
    """Any graph of Dense, Add and Concatenate layers has Keras's layer order, and computes Keras's values."""
    plan = []
    for width in widths:
        sources = data.draw(st.lists(st.integers(0, len(plan)), min_size=1, max_size=3, unique=True))
        plan.append((width, sources))
    outputs = sorted(data.draw(st.sets(st.integers(1, len(plan)), min_size=1, max_size=3)))
    seed = data.draw(st.integers(0, 2**20))

    def build(k):
        tensors = [k.Input((3,))]
        for width, sources in plan:
            chosen = [tensors[i] for i in sources]
            joined = chosen[0] if len(chosen) == 1 else k.layers.Concatenate()(chosen)
            tensors.append(k.layers.Dense(width, activation="tanh")(joined))
        return k.Model(tensors[0], [tensors[i] for i in outputs])

    ours, theirs = make(refkeras, build), make(keras, build)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=w.shape).astype("float32") for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x = rng.normal(size=(4, 3)).astype("float32")
    bars, mine, real = precision.evaluate(ours, x), ours(x), theirs(x)
    for bar, own, other in zip(*map(listed, (bars, mine, real)), strict=True):
        assert_agrees(bar, own, what="on plain arrays")
        assert_agrees(bar, other)


def listed(outputs):
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


@shows("model_base_name", "input_base_name", "private_name_prefix")
def test_automatic_names():
    for name, engine in ENGINES.items():
        with semantics.use(name):
            found = []
            for k in (refkeras, engine):
                forget_names(k)
                private = type("_Priv", (k.layers.Layer,), {})
                x, y = k.Input((2,)), k.Input((2,))
                model = k.Model([x, y], k.layers.Add()([x, y]))
                found.append(
                    [
                        model.name,
                        k.Model(x, k.layers.ReLU()(x)).name,
                        x._keras_history[0].name,
                        y._keras_history[0].name,
                        private().name,
                        k.Sequential([k.Input((2,)), k.layers.Dense(1)]).name,
                        k.Model(x, k.layers.LSTMCell(2, name="cell") and k.layers.ReLU()(x)).name,
                    ]
                )
            assert found[0] == found[1]


@shows("clones_are_compiled")
@pytest.mark.parametrize("engine", ENGINES)
@examples(10)
@given(
    widths=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    shared=st.booleans(),
    recursive=st.booleans(),
    functions=st.sampled_from([(), ("clone_function",), ("call_function",), ("clone_function", "call_function")]),
    given_inputs=st.booleans(),
    compiled=st.booleans(),
    seed=st.integers(0, 2**20),
)
def test_clone_model(engine, widths, shared, recursive, functions, given_inputs, compiled, seed):
    """Which layers are asked for, in which order, and what the clone is and computes, is what Keras makes of it."""
    new = engine != "tf_keras"  # there only layers are given to functions, and models inside are cloned as layers are

    def build(k):
        a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
        stack = k.Sequential([k.Input((3,)), *(k.layers.Dense(w, activation="tanh") for w in widths)], name="stack")
        x = k.Input((3,))
        graph = k.Model(x, k.layers.Dense(widths[-1])(k.layers.Dense(2, name="first")(x)), name="graph")
        parts = [stack(a), stack(b) if shared else graph(b), graph(a)]
        model = k.Model([a, b], k.layers.Dense(2, name="last")(k.layers.Concatenate()(parts)), name="whole")
        if compiled:
            model.compile("rmsprop", "mse")
        return model

    def clone(k, model):
        asked = []

        def clone_function(layer):
            asked.append(("cloned", layer.name))
            config = layer.get_config()
            return type(layer).from_config({**config, "units": 5} if layer.name == "first" else config)

        def call_function(layer, *args, **kwargs):
            asked.append(("called", layer.name))
            made = layer(*args, **kwargs)
            return k.layers.Activation("relu", name="added")(made) if layer.name == "last" else made

        chosen = {"clone_function": clone_function, "call_function": call_function}
        chosen = {name: chosen[name] for name in functions if new or name == "clone_function"}
        chosen |= {"recursive": recursive} if new else {}
        if given_inputs:
            chosen["input_tensors"] = [k.Input((3,), batch_size=4, name="c"), k.Input((3,), batch_size=4, name="d")]
        return k.models.clone_model(model, **chosen), asked

    found = []
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=(4, 3)).astype("float32") for _ in range(2)]
    for k in (refkeras, ENGINES[engine]):
        with semantics.use(engine):
            made, asked = clone(k, make(k, build))
            rng = np.random.default_rng(seed)
            made.set_weights([rng.normal(size=w.shape).astype("float32") for w in made.get_weights()])
            structure = [made.name, [(type(layer).__name__, layer.name) for layer in made.layers], made.output_shape]
            structure += [[w.path if new else tuple(w.shape) for w in made.weights]]
            structure += [[t.name for t in made.inputs], made.compiled if new else made.optimizer is not None, asked]
            found.append((structure, precision.evaluate(made, x) if k is refkeras else made(x)))
    (ours, bar), (theirs, value) = found
    assert ours == theirs
    assert_agrees(bar, value)


@shows("slash_in_layer_name", "unknown_argument_is_type_error")
@pytest.mark.parametrize(
    "call",
    [
        lambda k: k.layers.Dense(2, name="a/b"),
        lambda k: k.layers.Dense(2, name=3),
        lambda k: k.layers.Dense(2, unit_typo=3),
        lambda k: k.Sequential([k.layers.Dense(2), "dense"]),
        lambda k: k.Model(k.Input((2,)), k.layers.Dense(2)(k.Input((2,)))),
        lambda k: k.Model(k.Input((2,)), 3),
        lambda k: twice_named(k),
        lambda k: branching(k).get_layer("nobody"),
        lambda k: branching(k).get_layer(index=99),
        lambda k: branching(k).get_layer(),
        lambda k: branching(k).set_weights([np.zeros(3)]),
        lambda k: branching(k).set_weights([np.zeros((1, 1))] * 8),
        lambda k: k.layers.Dense(2).count_params(),
        lambda k: k.models.clone_model(branching(k), input_tensors=3),
        lambda k: k.layers.Dense(2)(k.Input((None,))),
    ],
)
def test_errors_are_of_keras_types(call):
    for name, engine in ENGINES.items():
        with semantics.use(name):
            raised = []
            for k in (refkeras, engine):
                try:
                    call(k)
                    raised.append(None)
                except Exception as error:  # the type is what is compared
                    raised.append(type(error))
            assert raised[0] is raised[1], name


def twice_named(k):
    x = k.Input((2,))
    return k.Model(x, k.layers.Dense(2, name="same")(k.layers.Dense(2, name="same")(x)))


@shows("dtype_policy_in_config")
def test_dtype_in_config():
    for name, engine in ENGINES.items():
        with semantics.use(name):
            assert refkeras.layers.Flatten().get_config()["dtype"] == engine.layers.Flatten().get_config()["dtype"]
