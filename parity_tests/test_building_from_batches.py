"""Loops that take a first batch to build from: what is built by when, what callbacks see, and what an error leaves.

Where Keras builds nothing from batches the same is asked: the first step then builds what is not built.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import refkeras
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, differs, keras, numpy
from parity_tests.shows import shows
from parity_tests.test_training_steps import slots
from refkeras import semantics

X, Y = np.linspace(-1, 1, 18, dtype="float32").reshape(6, 3), np.linspace(0, 2, 12, dtype="float32").reshape(6, 2)


def layers(k, kind):
    """Layers that draw, keep means, and penalize."""
    start = [] if kind == "deferred" else [k.Input((3,))]
    first = k.layers.Dense(4, activity_regularizer=None if BACKEND in ("jax", "numpy") else "l2", name="first")
    return [*start, first, k.layers.Dropout(0.5, seed=7), k.layers.Dense(2, name="second")]


def made(k, kind, metrics=("mae",)):
    if kind in ("subclassed", "drawing"):

        class Own(k.Model):
            def __init__(self):
                super().__init__()
                self.first, self.dropout, self.second = layers(k, "deferred")

            def call(self, x, training=None):
                return self.second(self.dropout(self.first(x), training=training or kind == "drawing"))

        model = Own()
    else:
        model = k.Sequential(layers(k, kind))
    given = {} if BACKEND == "numpy" else {"optimizer": k.optimizers.SGD(0.1, momentum=0.5)}
    model.compile(loss="mse", metrics=list(metrics), **given)
    return model


def counting_layer(k):
    """A layer that counts how often it was called."""

    class Counting(k.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

        def call(self, x):
            self.count.assign_add(1.0)
            return x * self.scale

    class WithPullback(Counting):
        def forward(self, x):
            return self.call(x), lambda d: (d * self.scale.value, [np.sum(d * x)])

    return (WithPullback if k is refkeras else Counting)()


def slot_count(model):
    """How many variables the optimizer has."""
    return None if model.optimizer is None else len(slots(model.optimizer))


def watching(k, see):
    """A callback that calls `see(model)` when a loop begins."""

    class Watch(k.callbacks.Callback):
        def begin(self, logs=None):
            see(self.model)

        on_train_begin = on_test_begin = on_predict_begin = begin

    return Watch()


def outcome(run):
    """Whether it ran, or the type of what it raised."""
    try:
        run()
    except Exception as error:
        return type(error).__name__
    return "ran"


def shapes(model):
    """Those of a model's weights, or None where it does not say."""
    try:
        return [tuple(w.shape) for w in model.weights]
    except ValueError:
        return None


def state(model):
    """What is built, as far as can be seen without building it."""
    return {
        "built": [bool(model.built), *(bool(layer.built) for layer in model.layers)],
        "shapes": shapes(model),
        "metrics": [metric.name for metric in model.metrics],
        "slots": slot_count(model),
        "values": [[float(numpy(v)) for v in metric.variables] for metric in model.metrics if model.built],
    }


LOOPS = {
    "fit": lambda model, x, y, **more: model.fit(x, y, batch_size=4, verbose=0, **more),
    "fit of no epochs": lambda model, x, y, **more: model.fit(x, y, epochs=0, verbose=0, **more),
    "evaluate": lambda model, x, y, **more: model.evaluate(x, y, batch_size=4, verbose=0, **more),
    "predict": lambda model, x, y, **more: model.predict(x, batch_size=4, verbose=0, **more),
}
RUN = [name for name in LOOPS if BACKEND != "numpy" or not name.startswith("fit")]
KINDS = ["known", "deferred", "subclassed"]


@shows("builds_from_batches", "optimizer_is_built_early")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loop", RUN)
def test_what_is_built_when_a_loop_begins_and_ends(engine, kind, loop):
    """Each loop twice: the second builds nothing."""
    seen = []
    for k in (refkeras, ENGINES[engine]):
        with semantics.use(engine):
            model, states = made(k, kind), []
            watch = watching(k, lambda model, kept=states: kept.append(state(model)))
            for _ in range(2):
                ended = outcome(lambda model=model, watch=watch: LOOPS[loop](model, X, Y, callbacks=[watch]))
                states.append({"ended": ended, **state(model)})
            seen.append(states)
    for ours, theirs in zip(*seen, strict=True):
        for what in ours:
            if what != "values":
                assert ours[what] == theirs[what], what
        for mine, real in zip(ours["values"], theirs["values"], strict=True):
            assert len(mine) == len(real)
            assert [number == 0 for number in mine] == [number == 0 for number in real]


def test_how_the_metrics_of_a_model_are_printed():
    printed = []
    for k in (refkeras, keras):
        with semantics.use(KERAS_3):
            model = made(k, "known")
            model.evaluate(X, Y, verbose=0)
            printed.append(repr(model.metrics))
    assert printed[0] == printed[1]


@shows("optimizer_is_built_early")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("metrics", [(), ("mae",)])
@pytest.mark.parametrize("loop", [name for name in RUN if name in ("fit", "evaluate")])
def test_a_loop_that_fails_for_the_shape_of_its_targets(engine, loop, metrics):
    """And what comes after the layer that lacked is added: the optimizer takes it where it was not built.

    On TensorFlow a graph that failed makes no variables any more, those of metrics or slots (docs/findings.md).
    """
    seen = []
    for k in (refkeras, ENGINES[engine]):
        with semantics.use(engine):
            model, begun = made(k, "known", metrics), []
            model.pop()
            watch = watching(k, lambda model, kept=begun: kept.append(True))
            assert outcome(lambda model=model, watch=watch: LOOPS[loop](model, X, Y, callbacks=[watch])) != "ran"
            failed = slot_count(model)
            if BACKEND == "tensorflow":
                seen.append((begun, failed))
                continue
            model.add(k.layers.Dense(2, name="lacked"))
            ended = outcome(lambda model=model: LOOPS[loop](model, X, Y))
            seen.append((begun, failed, ended, slot_count(model)))
    assert seen[0] == seen[1]


BATCHES = ["test_on_batch"] if BACKEND == "numpy" else ["train_on_batch", "test_on_batch"]


@differs("tensorflow", reason="a graph that failed runs no layer, and makes no variables any more (docs/findings.md)")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("methods", list(itertools.product(BATCHES, repeat=3)), ids=" ".join)
def test_single_batches_that_do_not_fit_before_one_that_does(engine, methods):
    """What they leave: how often the layer ran, which metrics and slots there are."""
    seen = []
    for k in (refkeras, ENGINES[engine]):
        with semantics.use(engine):
            counting = counting_layer(k)
            model = k.Sequential([k.Input((3,)), counting])
            given = {} if BACKEND == "numpy" else {"optimizer": k.optimizers.SGD(0.1, momentum=0.5)}
            model.compile(loss="mse", metrics=["mae"], **given)
            told = []
            for method, targets in zip(methods, [Y, Y, X], strict=True):
                ended = outcome(lambda model=model, method=method, y=targets: getattr(model, method)(X, y))
                names = [metric.name for metric in model.metrics]
                told.append((ended == "ran", float(numpy(counting.count)), names, slot_count(model)))
            seen.append(told)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "keras-3@jax", "keras-3@torch"])
@pytest.mark.parametrize("kind", [*KINDS, "drawing"])
def test_building_draws_nothing_for_the_steps(engine, kind):
    """Two models of the same weights, one of which has to be built: dropout draws the same in both."""
    with semantics.use(engine):
        models = [made(refkeras, kind) for _ in range(2)]
        for model in models:
            model(X)
            model.set_weights([np.full(w.shape, 0.25) for w in model.get_weights()])
        kept = [v.numpy() for v in models[0].variables]  # the state of the seed too
        models[0].evaluate(X, Y, verbose=0)  # builds its losses and metrics
        for variable, value in zip(models[0].variables, kept, strict=True):
            variable.assign(value)
        first, second = [model.fit(X, Y, batch_size=4, shuffle=False, verbose=0).history for model in models]
    assert first == second
