"""How layers and models are called: what has no name, and what `training=None` and `mask=None` come to."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, mask_of, numpy, tensor
from parity_tests.layer_sides import outcomes
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import tree

X, Y = np.ones((4, 3), "float32"), np.full((4, 16), 3.0, "float32")
VALUES = [None, True, False]
#: Of `training`: the arguments that a layer is called with beside its input, by name or not, or what the call has.
SAID = [{}, "handed on", *({"training": value} for value in VALUES), *((value,) for value in VALUES)]
LEVELS = ["layer", "layer without training", "layer with **kwargs", "functional", "sequential"]
LOOPS = ["evaluate", "predict", "test_on_batch", *(["fit", "train_on_batch"] if BACKEND != "numpy" else [])]
USES = [*LOOPS, "call", *(f"call {value}" for value in VALUES), *(f"call, no name, {value}" for value in VALUES)]


def called(layer, x, said, training=None):
    if said == "handed on":
        return layer(x, training=training)
    return layer(x, **said) if isinstance(said, dict) else layer(x, *said)


def around(k, level, inner, said):
    """What calls a layer so: a layer of one's own, or a model."""
    if level == "sequential":
        return k.Sequential([k.Input((16,)), inner])
    if level == "functional":
        x = k.Input((16,))
        return k.Model(x, called(inner, x, {} if said == "handed on" else said))

    class Around(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def compute_output_shape(self, input_shape):
            return input_shape

    def with_training(self, x, training=None):
        return called(self.inner, x, said, training)

    def without(self, x):
        return called(self.inner, x, said)

    def with_anything(self, x, **kwargs):
        return called(self.inner, x, said, kwargs.get("training"))

    calls = {"layer": with_training, "layer without training": without, "layer with **kwargs": with_anything}
    Around.call = calls[level]
    return Around()


def drops(k, levels, top, use):
    """Whether a Dropout inside acts; each of sixteen units of four rows may be dropped."""
    layer = k.layers.Dropout(0.5, seed=7)
    for level, said in levels:
        layer = around(k, level, layer, said)
    x = k.Input((3,))
    hidden = k.layers.Dense(16, kernel_initializer="ones")(x)
    model = k.Model(x, called(layer, hidden, {} if top == "handed on" else top))
    if use.startswith("call"):
        value = {"None": None, "True": True, "False": False}.get(use.split()[-1])
        arguments = () if "no name" not in use else (value,)
        named = {} if use == "call" or arguments else {"training": value}
        return bool((numpy(model(X, *arguments, **named)) != 3).any())
    model.compile(k.optimizers.SGD(0.0) if BACKEND != "numpy" else None, "mse")
    if use == "predict":
        return bool((model.predict(X, verbose=0) != 3).any())
    if use == "fit":
        return model.fit(X, Y, verbose=0).history["loss"] != [0.0]
    return bool(np.ravel(getattr(model, use)(X, Y, **({"verbose": 0} if use == "evaluate" else {})))[0] != 0)


def alike(engine, *what):
    ours, theirs = outcomes(engine, lambda k, given: drops(k, *what))
    if BACKEND != "tensorflow" and isinstance(theirs, type):  # there loops say of any error that they cannot build
        assert ours in (ValueError, TypeError)
    else:
        assert ours == theirs
    return ours


def in_graph(engine, said):
    """In a graph of Keras 3's, a None that has no name is given its name as well where the graph is run."""
    return {"training": None} if engine == KERAS_3 and said == (None,) else said


@shows("none_for_training", "explicit_training_wins", "positional_arguments", "fills_in_arguments")
@given(
    engine=st.sampled_from(sorted(ENGINES)),
    levels=st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(SAID)), max_size=3),
    top=st.sampled_from(SAID),
    use=st.sampled_from(USES),
)
@examples(40)
def test_who_says_whether_to_train(engine, levels, top, use):
    levels = [(level, in_graph(engine, said) if level == "functional" else said) for level, said in levels]
    alike(engine, levels, in_graph(engine, top), use)


@shows("none_for_training")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("said", [{"training": None}, {"training": False}, {"training": True}, {}])
def test_what_a_layer_inside_is_told(said, engine):
    """`self.base(x, training=False)` holds in fit, as in evaluate."""
    for use in LOOPS:
        acts = alike(engine, [("layer", said)], {}, use)
        if isinstance(said.get("training"), bool):
            assert acts == said["training"]


OUTER = {
    "nothing": None,
    "layer without training": lambda self, x: self.inner(x),
    "layer with **kwargs": lambda self, x, **kwargs: self.inner(x),
    "None": lambda self, x, training=None: self.inner(x),
    "True": lambda self, x, training=True: self.inner(x),
    "False": lambda self, x, training=False: self.inner(x),
    "handed on": lambda self, x, training=True: self.inner(x, training=training),
    "functional": None,
    "sequential": None,
}


@shows("none_for_training", "training_reaches")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("default", [None, True, False])
@pytest.mark.parametrize("outer", OUTER)
def test_which_training_a_layer_gets(outer, default, engine):
    """By itself, or inside a layer or a model: what is said, what the call around goes by, or its own default."""

    def run(k, given):
        seen = []

        class Own(k.layers.Layer):
            def compute_output_shape(self, input_shape):
                return input_shape

        def call(self, x, training=default):
            seen.append(training)
            return x

        own = type("Inner", (Own,), {"call": call})()
        x = k.Input((3,))
        if outer in ("functional", "sequential"):
            layer = k.Model(x, own(x)) if outer == "functional" else k.Sequential([x, own])
        elif outer == "nothing":
            layer = own
        else:
            layer = type("Outer", (Own,), {"call": OUTER[outer]})()
            layer.inner = own
        seen.clear()
        layer(given(X), **said)
        return seen[-1]

    for said in {}, {"training": None}, {"training": True}, {"training": False}:
        ours, theirs = outcomes(engine, run)
        assert ours == theirs, said


@shows("fills_in_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("said", [{}, {"training": None}, {"training": True}, {"training": False}])
def test_training_without_a_default(said, engine):
    def run(k, given):
        seen = []

        def call(self, x, training):
            seen.append(bool(training))
            return x

        own = type("Own", (k.layers.Layer,), {"call": call})()
        own(given(X), **said)
        return seen

    ours, theirs = outcomes(engine, run)
    assert ours == theirs


MASK = np.array([[False, True]])
#: A layer that gets a mask: positional arguments, and those by name.
MASKS = [
    *[((), {}), ((), {"mask": None}), ((), {"mask": MASK}), ((), {"mask": None, "training": True})],
    *[((None,), {}), ((MASK,), {}), ((None, True), {}), ((MASK, None), {}), ((MASK, True), {}), ((None, None), {})],
    *[((None,), {"training": True}), ((MASK,), {"training": False}), ((MASK,), {"mask": MASK})],
]


@shows("none_for_mask", "positional_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("supports_masking", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize(("args", "kwargs"), MASKS)
def test_which_mask_a_layer_gets(args, kwargs, masked, supports_masking, engine):
    """With the mask that is given, or that its input carries; and which its output carries."""

    def run(k, given):
        seen = []

        class Own(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.supports_masking = supports_masking

            def call(self, x, mask=None, training=None):
                seen.append((None if mask is None else numpy(mask).tolist(), training))
                return x

        x = np.array([[[1.0, 2.0], [0.0, 0.0]]], "float32")
        told = [given(value) if isinstance(value, np.ndarray) else value for value in args]
        output = Own()(k.layers.Masking()(x) if masked else given(x), *told, **kwargs)
        carried = mask_of(output)
        return seen, None if carried is None else carried.tolist()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = outcomes(engine, run)
    assert ours == theirs


#: Layers of the core, and what they may be given in which order.
POSITIONAL = {
    "Softmax": (lambda k: k.layers.Softmax(), [np.array([[True, False, True]])]),
    "Dropout": (lambda k: k.layers.Dropout(0.5, seed=3), [True]),
    "Dropout, not": (lambda k: k.layers.Dropout(0.5, seed=3), [False]),
    "Dropout, None": (lambda k: k.layers.Dropout(0.5, seed=3), [None]),
    "Sequential": (lambda k: k.Sequential([k.Input((3,)), k.layers.Dropout(0.5, seed=3)]), [True, None]),
    "deferred": (lambda k: k.Sequential([k.layers.Dropout(0.5, seed=3)]), [True]),
    "Model": (lambda k: k.Model(x := k.Input((3,)), k.layers.Dropout(0.5, seed=3)(x)), [True]),
    "Model, None": (lambda k: k.Model(x := k.Input((3,)), k.layers.Dropout(0.5, seed=3)(x)), [None, None]),
    "Model, too many": (lambda k: k.Model(x := k.Input((3,)), k.layers.Dropout(0.5, seed=3)(x)), [None, None, 1]),
    "LSTMCell": (
        lambda k: k.layers.LSTMCell(3, kernel_initializer="zeros"),
        [[np.ones((40, 3), "float32")] * 2, False],
    ),
    "ReLU": (lambda k: k.layers.ReLU(), [None]),
}


@shows("positional_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", POSITIONAL)
def test_arguments_without_names(name, engine):
    """Which are taken, and that they count: which numbers are not what they were, of forty rows."""
    if name == "LSTMCell" and engine == "tf_keras":
        pytest.skip("its cell takes no arrays outside a layer")
    make, arguments = POSITIONAL[name]
    x = np.full((40, 3), [1.0, -2.0, 3.0], "float32")

    def run(k, given):
        told = tree.map_structure(lambda a: given(a) if isinstance(a, np.ndarray) else a, arguments)
        found = [numpy(part) for part in tree.flatten(make(k)(given(x), *told))]
        if "Softmax" in name:  # 0 where it is masked
            return [(part == 0).tolist() for part in found]
        return [(part.shape, bool((part == x).all())) for part in found]

    ours, theirs = outcomes(engine, run)
    assert ours == theirs


ONE_INPUT = {
    "Activation, relu": lambda k: k.layers.Activation("relu"),
    "ReLU": lambda k: k.layers.ReLU(),
    "LeakyReLU": lambda k: k.layers.LeakyReLU(),
    "Softmax": lambda k: k.layers.Softmax(),
    "Dropout": lambda k: k.layers.Dropout(0.5),
    "Reshape": lambda k: k.layers.Reshape((2, 1)),
    "Flatten": lambda k: k.layers.Flatten(),
    "RepeatVector": lambda k: k.layers.RepeatVector(2),
    "Dense": lambda k: k.layers.Dense(1),
}


@shows("packs_numbers")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("value", [[[-3.0, 2.0]], ((1.0, 2.0), (3.0, 4.0)), [[1, 2]]], ids=["floats", "tuples", "ints"])
@pytest.mark.parametrize("name", ONE_INPUT)
def test_lists_of_numbers(name, value, engine):
    """Keras 3 asks for their shape, which they have not; tf_keras makes a tensor of them where an operation does."""

    calls = [lambda layer: layer(value), lambda layer: layer(inputs=value)]
    for call in calls if engine == "tf_keras" else calls[:1]:
        ours, theirs = outcomes(engine, lambda k, given: numpy(call(ONE_INPUT[name](k))).shape)  # noqa: B023
        assert ours == theirs or {ours, theirs} <= {AttributeError, TypeError, ValueError}


@shows("packs_numbers")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("inputs", [3.0, [ROW := np.ones((1, 2), "float32"), 2.0], [2.0, 3.0], {"a": ROW, "b": 3.0}])
def test_numbers_for_tensors(inputs, engine):
    """Numbers beside arrays, and alone, for a layer of one's own that multiplies them."""

    def run(k, given):
        def call(self, x):
            leaves = tree.flatten(x)
            return leaves[0] * leaves[-1]

        return numpy(type("Own", (k.layers.Layer,), {"call": call})()(inputs)).tolist()

    ours, theirs = outcomes(engine, run)
    assert ours == theirs


@shows("fills_in_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("training", [{}, {"training": True}, {"training": False}, {"training": None}])
def test_what_keyword_arguments_get(training, engine):
    def run(k, given):
        seen = []
        call = lambda self, x, **kwargs: seen.append(kwargs) or x  # noqa: E731
        type("Own", (k.layers.Layer,), {"call": call})()(given(X), scale=2.0, **training)
        return seen

    ours, theirs = outcomes(engine, run)
    assert ours == theirs


@shows("positional_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("call", [lambda self: X, lambda self, x: x])
def test_calls_without_inputs(call, engine):
    ours, theirs = outcomes(engine, lambda k, given: type("Own", (k.layers.Layer,), {"call": call})()())
    assert ours is theirs and issubclass(ours, (IndexError, TypeError, ValueError))


@pytest.mark.parametrize("training", [True, False])
def test_call_itself_takes_training_without_its_name(training):
    """As `super().call(x, training)` does in a subclass."""
    for k in (refkeras, ENGINES[KERAS_3]):
        layer = k.layers.Dropout(0.5, seed=3)
        x = np.ones((1, 64), "float32")
        assert (numpy(layer.call(x if k is refkeras else tensor(x), training)) == 0).any() == training
