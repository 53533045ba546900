"""Layers of one's own, drawn: any calls of other layers inside, two deep, in every kind of model, with masks."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import ENGINES, KEEPS_PENALTIES, trains
from parity_tests.profiles import examples
from parity_tests.test_training import WIDEST, assert_same_form, assert_within, widest
from refkeras import precision, semantics

pytestmark = trains
STEPS, FEATURES = 4, 3
ONE, TWO = ("dense", "lstm", "masking", "dropout", "softmax", "relu"), ("Add", "Multiply", "Maximum", "Average")


@st.composite
def plans(draw, inputs):
    """What a layer's call does: each step takes one or two of the tensors that there are."""
    plan = []
    for number in range(inputs, inputs + draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([*ONE, *TWO]))
        sources = draw(st.lists(st.integers(0, number - 1), min_size=1 + (kind in TWO), max_size=1 + (kind in TWO)))
        plan.append((kind, sources))
    return plan


def layer_for(k, kind, number):
    """The layer of a step, which keeps the shape of its input."""
    return {
        "dense": lambda: k.layers.Dense(
            FEATURES, activation="tanh", activity_regularizer="l2" if number % 2 and KEEPS_PENALTIES else None
        ),
        "lstm": lambda: k.layers.LSTM(FEATURES, return_sequences=True),
        "masking": lambda: k.layers.Masking(float(number % 2)),
        # tf_keras draws by the number of operations that TensorFlow has made, which is no layer's to know.
        "dropout": lambda: k.layers.Dropout(0.0 if semantics.current().name == "tf_keras" else 0.5, seed=number),
        "softmax": lambda: k.layers.Activation("softmax"),
        "relu": lambda: k.layers.ReLU(negative_slope=0.1),
    }.get(kind, lambda: getattr(k.layers, kind)())()


def own_layer(k, plan, inner, told, supports):
    """A layer that does what the plan says, and hands its first steps' result to another, if there is an `inner`."""

    class Own(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = supports
            self.steps = [layer_for(k, kind, number) for number, (kind, _) in enumerate(plan)]
            self.inner = None if inner is None else own_layer(k, inner, None, told, supports)()

        def call(self, x, y=None):
            tensors = [x] if y is None else [x, y]
            for step, (_, sources) in zip(self.steps, plan, strict=True):
                chosen = [tensors[i] for i in sources]
                tensors.append(step(chosen if len(chosen) > 1 else chosen[0]))
            return tensors[-1] if self.inner is None else self.inner(tensors[-1])

    if told:
        Own.compute_output_shape = lambda self, x_shape, y_shape=None: x_shape
    return Own


def made(k, drawn):
    """The model, compiled."""
    own = own_layer(k, drawn["plan"], drawn["inner"], drawn["told"], drawn["supports"])
    if drawn["kind"] == "functional":
        inputs = [k.Input((STEPS, FEATURES), name=f"in_{i}") for i in range(drawn["inputs"])]
        given = [k.layers.Masking()(x) if drawn["masked"] else x for x in inputs]
        model = k.Model(inputs, k.layers.Dense(FEATURES, activation=drawn["end"])(own()(*given)))
    else:
        masks = [k.layers.Masking()] if drawn["masked"] else []
        layers = [*masks, own(), k.layers.Dense(FEATURES, activation=drawn["end"])]
        model = k.Sequential([k.Input((STEPS, FEATURES)), *layers])
        if drawn["kind"] == "subclass":
            model = subclassed(k, layers)
    model.compile(k.optimizers.SGD(0.1), drawn["loss"], metrics=["accuracy"])
    return model


def subclassed(k, layers):
    class Stack(k.Model):
        def __init__(self):
            super().__init__()
            self.parts = layers

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    return Stack()


def run(k, drawn, x, y, weights=None, bars=False):
    """What the entry points return, the weights after a step, and those before."""
    model = drawn["make"](k, drawn)
    model.predict_on_batch(x)  # what is inside is built when it is called
    if weights is None:
        random = np.random.default_rng(drawn["seed"])
        weights = [random.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    found = {}
    with precision.bars(model, WIDEST) if bars else contextlib.nullcontext() as barred:
        found["test"] = model.test_on_batch(x, y)
        found["train"] = model.train_on_batch(x, y, return_dict=True)
        found["evaluate"] = model.evaluate(x, y, batch_size=2, verbose=0)
        found["predict"] = model.predict_on_batch(x)
        found["weights"] = barred.weights if bars else model.get_weights()
    return found, weights


def sequences(random, count):
    """Batches of sequences, some steps of which are masked: by zeros, and by ones in the second."""
    x = [random.normal(size=(3, STEPS, FEATURES)) for _ in range(count)]
    for array, value in zip(x, (0.0, 1.0), strict=False):
        array[0, 2:], array[1, 1], array[2, :1] = 0, value, 0
    return x if count > 1 else x[0]


def assert_runs_alike(ours, drawn, x, y, wanted, weights):
    """From the engine's weights; what the engine's run returned is within refkeras's error bars."""
    assert refkeras is ours
    got, _ = run(ours, drawn, x, y, weights)
    bars, _ = run(ours, drawn, x, y, weights, bars=True)
    assert_same_form(got, wanted)
    assert_within(bars, wanted)
    assert_within(bars, got)


@examples(8)
@given(data=st.data())
def test_any_layer_of_one_s_own(data):
    name = data.draw(st.sampled_from(sorted(ENGINES)))
    inputs = data.draw(st.sampled_from([1, 1, 2]))
    drawn = {
        "inputs": inputs,
        "plan": data.draw(plans(inputs)),
        "inner": data.draw(st.one_of(st.none(), plans(1))),
        "told": data.draw(st.booleans()),
        "supports": data.draw(st.booleans()),
        "masked": data.draw(st.booleans()),
        "kind": data.draw(st.sampled_from(["functional", "sequential", "subclass"] if inputs == 1 else ["functional"])),
        "make": made,
        "end": data.draw(st.sampled_from([None, "softmax"])),
        "seed": data.draw(st.integers(0, 2**20)),
    }
    drawn["loss"] = "categorical_crossentropy" if drawn["end"] else "mse"
    random = np.random.default_rng(drawn["seed"])
    x = sequences(random, inputs)
    y = np.eye(FEATURES)[random.integers(0, FEATURES, (3, STEPS))]
    with widest(name) as (ours, theirs), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_runs_alike(ours, drawn, x, y, *run(theirs, drawn, x, y))
