"""What happens to a model one after the other, drawn: fits, single batches, freezing, compiling, new layers, copies.

Each thing that happens is the same on refkeras and on Keras. Before it refkeras's weights, slots and metrics are set to
the engine's; what it returns, and the weights after it, must lie within the error bars of this one.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import BACKEND, ENGINES, numpy, trains
from parity_tests.profiles import examples
from parity_tests.shows import shows
from parity_tests.test_training import WIDEST, assert_same_form, assert_within, widest
from parity_tests.test_training_steps import slots
from refkeras import precision

pytestmark = trains
ROWS, STEPS, FEATURES, CLASSES = 7, 4, 3, 2
#: What sees sequences. One whose state stays needs batches of one size: all rows.
SEQUENCES = ("recurrent", "masked", "stateful")
#: Keras 3's gradients on PyTorch cannot do without the state that a layer has overwritten (docs/findings.md).
TRAINS_WITH_STATE = BACKEND != "torch"
COMPUTES = {"train_on_batch", "test_on_batch", "predict_on_batch", "call", "fit", "evaluate", "predict"}

rows = st.sampled_from([slice(0, 7), slice(2, 5), slice(6, 7)])
flags = st.booleans()
EVENTS = {
    "train_on_batch": {"rows": rows, "weighted": flags, "return_dict": flags},
    "test_on_batch": {"rows": rows, "weighted": flags, "return_dict": flags},
    "predict_on_batch": {"rows": rows},
    "call": {"rows": rows, "training": st.sampled_from([None, True, False])},
    "fit": {
        "epochs": st.integers(1, 2),
        "batch_size": st.sampled_from([2, 7]),
        "validation": st.sampled_from([None, "split", "data"]),
        "weighted": flags,
        "steps": st.sampled_from([None, None, 1]),
    },
    "evaluate": {"batch_size": st.sampled_from([3, 7]), "weighted": flags, "return_dict": flags},
    "predict": {"batch_size": st.sampled_from([3, 7])},
    "compile": {
        "optimizer": st.sampled_from(["sgd", "momentum", "adam", "rmsprop", "same"]),
        "loss": st.sampled_from(["mse", "mae"]),
        "metrics": st.sampled_from([None, ["mae"], ["mse", "mae"]]),
        "weighted_metrics": st.sampled_from([None, ["mse"]]),
        "run_eagerly": flags,
    },
    "freeze": {"layer": st.integers(0, 2), "value": flags},
    "freeze all": {"value": flags},
    "rate": {"value": st.sampled_from([0.25, 0.0])},
    "reset metrics": {},
    "reset states": {},
    "scale": {"layer": st.integers(0, 2)},
    "weights through a file": {},
    "names": {},
    "state": {},
    "add": {},
    "pop": {},
    "copy": {},
    "model through a file": {},
}


@st.composite
def events(draw):
    """One thing that happens: its name and its arguments."""
    name = draw(st.sampled_from(sorted(EVENTS)))
    return name, draw(st.fixed_dictionaries(EVENTS[name]))


def layers_of(k):
    return [
        k.layers.Dense(4, activation="tanh", kernel_regularizer=k.regularizers.L2(0.01), name="first"),
        k.layers.Dense(CLASSES, activity_regularizer=k.regularizers.L2(0.02), name="second"),
    ]


def made(k, kind):
    """The model, which is not compiled."""
    first, second = layers_of(k)
    if kind in SEQUENCES:
        begin = k.Input(batch_shape=(ROWS if kind == "stateful" else None, None, FEATURES))
        masking = [k.layers.Masking(name="masking")] if kind == "masked" else []
        first = k.layers.LSTM(3, stateful=kind == "stateful", recurrent_regularizer="l2", name="lstm")
        return k.Sequential([begin, *masking, first, second])
    if kind == "functional":
        x = k.Input((FEATURES,), name="x")
        return k.Model(x, second(first(x)))
    if kind == "two outputs":
        x = k.Input((FEATURES,), name="x")
        middle = first(x)
        return k.Model(x, [second(middle), k.layers.Dense(CLASSES, name="other")(middle)])
    return k.Sequential([k.Input((FEATURES,)), first, second] if kind == "sequential" else [first, second])


class Life:
    """A model of one side, and what it has lived through."""

    def __init__(self, k, kind, seed):
        self.k, self.model = k, made(k, kind)
        self.barred = False
        self.two, self.whole = kind == "two outputs", kind == "stateful"
        random = np.random.default_rng(seed)
        self.x = random.normal(size=(ROWS, STEPS, FEATURES) if kind in SEQUENCES else (ROWS, FEATURES))
        if kind == "masked":
            self.x[random.uniform(size=(ROWS, STEPS)) < 0.3] = 0
        y = [random.normal(size=(ROWS, CLASSES)) for _ in range(1 + self.two)]
        self.y = y if self.two else y[0]
        self.w = random.uniform(0.5, 2.0, ROWS)

    def data(self, rows=slice(None), weighted=False):
        rows = slice(None) if self.whole else rows
        y = [each[rows] for each in self.y] if self.two else self.y[rows]
        return self.x[rows], y, self.w[rows] if weighted and not self.two else None

    def happens(self, name, arguments):
        if self.whole and name in ("fit", "train_on_batch") and not TRAINS_WITH_STATE:
            raise NotImplementedError("on neither side")
        if self.whole and BACKEND == "jax":
            self.retraced()  # a compiled loop has the state as a constant (docs/findings.md)
        if self.whole and "batch_size" in arguments:
            arguments = arguments | {"batch_size": ROWS}
        if self.whole and arguments.get("validation") == "split":
            arguments = arguments | {"validation": "data"}
        return getattr(self, name.replace(" ", "_"))(**arguments)

    def train_on_batch(self, rows, weighted, return_dict):
        x, y, w = self.data(rows, weighted)
        return self.model.train_on_batch(x, y, sample_weight=w, return_dict=return_dict)

    def test_on_batch(self, rows, weighted, return_dict):
        x, y, w = self.data(rows, weighted)
        return self.model.test_on_batch(x, y, sample_weight=w, return_dict=return_dict)

    def predict_on_batch(self, rows):
        return self.model.predict_on_batch(self.data(rows)[0])

    def call(self, rows, training):
        x = self.data(rows)[0]
        found = self.model(precision.exact(x, WIDEST) if self.barred else x, training=training)
        return [tuple(each.shape) for each in (found if self.two else [found])]

    def fit(self, epochs, batch_size, validation, weighted, steps):
        x, y, w = self.data(weighted=weighted)
        more: dict[str, Any] = {"validation_split": 0.4} if validation == "split" else {}
        if validation == "data":
            more["validation_data"] = self.data(slice(1, 4))[:2]
        if steps:
            more["steps_per_epoch"] = steps
        history = self.model.fit(
            x, y, sample_weight=w, epochs=epochs, batch_size=batch_size, shuffle=False, verbose=0, **more
        )
        return history.history

    def evaluate(self, batch_size, weighted, return_dict):
        x, y, w = self.data(weighted=weighted)
        return self.model.evaluate(x, y, sample_weight=w, batch_size=batch_size, return_dict=return_dict, verbose=0)

    def predict(self, batch_size):
        return self.model.predict(self.x, batch_size=batch_size, verbose=0)

    def compile(self, optimizer, loss, metrics, weighted_metrics, run_eagerly):
        k = self.k
        made = {
            "sgd": lambda: k.optimizers.SGD(0.1),
            "momentum": lambda: k.optimizers.SGD(0.1, momentum=0.5),
            "adam": lambda: k.optimizers.Adam(0.01, epsilon=0.1),
            "rmsprop": lambda: k.optimizers.RMSprop(0.01, epsilon=0.1),
            "same": lambda: getattr(self.model, "optimizer", None) or "sgd",
        }[optimizer]()
        if self.two:
            metrics = metrics and [metrics, metrics]
            weighted_metrics = weighted_metrics and [weighted_metrics, weighted_metrics]
        self.model.compile(made, loss, metrics=metrics, weighted_metrics=weighted_metrics, run_eagerly=run_eagerly)

    def layer(self, number):
        return self.model.layers[number % len(self.model.layers)]

    def freeze(self, layer, value):
        self.layer(layer).trainable = value

    def freeze_all(self, value):
        self.model.trainable = value

    def rate(self, value):
        self.model.optimizer.learning_rate = value

    def reset_metrics(self):
        self.model.reset_metrics()

    def reset_states(self):
        for layer in self.model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()

    def scale(self, layer):
        found = self.layer(layer)
        found.set_weights([0.5 * w for w in found.get_weights()])

    def weights_through_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "m.weights.h5")
            self.model.save_weights(path)
            self.model.set_weights([0 * w for w in self.model.get_weights()])
            self.model.load_weights(path)

    def names(self):
        return list(self.model.metrics_names), [metric.name for metric in self.model.metrics]

    def state(self):
        model = self.model
        optimizer = getattr(model, "optimizer", None)
        count = None if optimizer is None else int(numpy(optimizer.iterations))
        shapes = [
            [tuple(w.shape) for w in weights] for weights in (model.trainable_weights, model.non_trainable_weights)
        ]
        return self.weights(), count, shapes, model.built

    def retraced(self):
        """A graph is made once for inputs of a kind: it knows nothing of layers that come or go (docs/findings.md)."""
        for loop in ("train", "test", "predict"):
            setattr(self.model, f"{loop}_function", None)

    def add(self):
        self.model.add(self.k.layers.Dense(CLASSES, kernel_initializer="ones", name=f"added_{len(self.model.layers)}"))
        self.retraced()

    def pop(self):
        self.model.pop()
        self.retraced()

    def copy(self):
        copy = self.k.models.clone_model(self.model)
        copy.predict_on_batch(self.x)
        copy.set_weights(self.model.get_weights())
        self.model = copy
        self.reset_states()

    def model_through_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "m.keras")
            self.model.save(path)
            self.model = self.k.models.load_model(path)

    def weights(self):
        """The values of all, or None where the model does not say."""
        try:
            return self.model.get_weights()
        except (ValueError, TypeError):
            return None

    def states(self):
        """What layers keep from one batch to the next."""
        kept = [state for layer in self.model.layers for state in getattr(layer, "states", None) or ()]
        return [state for state in kept if state is not None]

    # -- side by side --------------------------------------------------------------------------

    def load(self, engine):
        """Take the engine's weights, slots, and what its metrics have come to."""
        weights = engine.weights()
        if weights is not None:
            self.model.set_weights(weights)
        mine, real = (getattr(life.model, "optimizer", None) for life in (self, engine))
        if real is not None:
            for variable, value in zip(mine.variables, slots(real), strict=True):
                variable.assign(numpy(value))
        for state, other in zip(self.states(), engine.states(), strict=True):
            state.assign(numpy(other))
        for metric, other in zip(self.model.metrics, engine.model.metrics, strict=True):
            for variable, value in zip(metric.variables, other.variables, strict=True):
                variable.assign(numpy(value))

    def outcome(self, name, arguments, bars=False):
        """What an event returned, or "refused", for errors have each backend's own types; weights and states then."""
        with precision.bars(self.model, WIDEST) if bars else contextlib.nullcontext() as barred:
            self.barred = bars
            try:
                found = self.happens(name, arguments)
            except Exception:
                found = "refused"
            if bars:
                return found, barred.weights, [state.value.copy() for state in self.states()]
            return found, self.weights(), [numpy(state) for state in self.states()]


def assert_same_life(name, kind, compiled, happening, seed):
    """Live through what happens on both sides; return what the engine's side returned."""
    told = []
    with widest(name) as (ours, theirs), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine, plain, barred = lives = [Life(k, kind, seed) for k in (theirs, ours, ours)]
        for life in lives:
            life.model.predict_on_batch(life.x)
            if compiled is not None:
                life.compile(**compiled)
        for what, arguments in happening:
            for life in (plain, barred):
                life.load(engine)
            wanted, got = engine.outcome(what, arguments), plain.outcome(what, arguments)
            told.append(wanted[0])
            bars = barred.outcome(what, arguments, bars=what in COMPUTES and barred.model.built)
            if BACKEND in ("tensorflow", "jax") and isinstance(wanted[0], str) and what in COMPUTES:
                # A graph that failed makes no variables any more, and on JAX the weights are gone (docs/findings.md).
                assert got[0] == wanted[0], what
                break
            assert_same_form(got, wanted, what)
            assert_within(bars, wanted, what)
            assert_within(bars, got, what)
    return told


VECTORS = ["functional", "two outputs", "sequential", "deferred"]
KINDS = [*VECTORS, *SEQUENCES]


@examples(24)
@given(
    name=st.sampled_from(sorted(ENGINES)),
    kind=st.sampled_from(KINDS),
    compiled=st.one_of(st.none(), *[st.fixed_dictionaries(EVENTS["compile"])] * 4),
    happening=st.lists(events(), min_size=3, max_size=8),
    seed=st.integers(0, 2**20),
)
def test_any_life(name, kind, compiled, happening, seed):
    assert_same_life(name, kind, compiled, happening, seed)


PLAIN: dict[str, Any] = {
    "optimizer": "momentum",
    "loss": "mse",
    "metrics": ["mae"],
    "weighted_metrics": None,
    "run_eagerly": False,
}
FIT = ("fit", {"epochs": 1, "batch_size": 2, "validation": None, "weighted": False, "steps": None})
EVALUATE = ("evaluate", {"batch_size": 3, "weighted": False, "return_dict": True})
ADD, POP, STATE = ("add", {}), ("pop", {}), ("state", {})


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", ["sequential", "deferred"])
def test_a_stack_that_grows_after_it_was_fitted(name, kind):
    """The optimizer knows the variables that it was built with, and no others."""
    assert assert_same_life(name, kind, PLAIN, [FIT, ADD, FIT], 3)[-1] == "refused"
    assert isinstance(assert_same_life(name, kind, PLAIN, [FIT, ADD, ("compile", PLAIN), FIT, STATE], 4)[-2], dict)


@shows("clones_are_compiled")
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_a_fitted_model(name, kind):
    fitted = [FIT] if kind != "stateful" or TRAINS_WITH_STATE else []
    told = assert_same_life(name, kind, PLAIN, [*fitted, ("copy", {}), STATE, EVALUATE], 5)
    assert isinstance(told[-1], dict) is (name != "tf_keras")


@shows("same_trainable_is_ignored")
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("kind", VECTORS)
def test_a_layer_that_is_frozen_in_a_model_that_is_not(name, kind):
    """What the model's `trainable` does when it is set to what it is, and to something else and back."""
    freeze, all_, none = (
        ("freeze", {"layer": 1, "value": False}),
        *(("freeze all", {"value": v}) for v in (True, False)),
    )
    told = assert_same_life(
        name, kind, PLAIN, [freeze, all_, STATE, FIT, none, all_, STATE, ("compile", PLAIN), FIT], 8
    )
    stays = name == "keras-3@tensorflow"
    assert len(told[2][2][1]) == (2 if stays else 0)
    assert len(told[6][2][1]) == 0


@shows("unbuilt_stack_refuses_weights")
@pytest.mark.parametrize("name", ENGINES)
def test_a_stack_that_is_emptied(name):
    told = assert_same_life(name, "deferred", None, [POP, POP, STATE], 6)
    assert (told[-1] == "refused") is (name == "tf_keras")


def test_the_comparison_can_fail(monkeypatch):
    name = sorted(ENGINES)[0]
    assert_same_life(name, "sequential", PLAIN, [FIT], 7)
    fit = refkeras.Sequential.fit
    monkeypatch.setattr(
        refkeras.Sequential, "fit", lambda self, *given, **named: fit(self, *given, **named | {"epochs": 2})
    )
    with pytest.raises(AssertionError):
        assert_same_life(name, "sequential", PLAIN, [FIT], 7)
