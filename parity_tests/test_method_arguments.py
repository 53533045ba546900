"""What compile, fit, evaluate, predict and the methods of one batch take, and in which order, on each engine."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, trains
from parity_tests.layer_sides import outcome
from parity_tests.shows import shows
from refkeras import semantics
from refkeras.precision import BarArray, bars

pytestmark = trains
METHODS = ["compile", "fit", "evaluate", "predict", "train_on_batch", "test_on_batch"]
X = np.arange(12, dtype="float32").reshape(6, 2) / 4
Y = np.array([[1.0], [0.5], [-1.0], [2.0], [0.25], [0.0]], "float32")
W = np.array([1.0, 2.0, 0.5, 1.5, 0.25, 3.0], "float32")
LABELS = np.array([[0.0], [1.0], [2.0], [1.0], [0.0], [2.0]], "float32")
CLASSES = {0: 2.0, 1: 0.25, 2: 3.0}
SPLIT = (X[:2], Y[:2])


def compiled(k, *args, **kwargs):
    model = k.Sequential([k.Input((2,)), k.layers.Dense(1, kernel_initializer="ones")])
    model.compile(*args, **kwargs)
    return model


def trained(k, **kwargs):
    return compiled(k, optimizer="sgd", loss="mse", metrics=["mae"], **kwargs)


def batches():
    """Yield batches of three rows, of two, and of all, again and again."""
    while True:
        for rows in (slice(3), slice(2, 4), slice(None)):
            yield X[rows], Y[rows], W[rows]


def batch_counter(k):
    """A callback that counts the batches of evaluate and predict."""

    class Counter(k.callbacks.Callback):
        batches = 0

        def on_test_batch_end(self, batch, logs=None):
            self.batches += 1

        on_predict_batch_end = on_test_batch_end

    return Counter()


def heard(k, method, steps, callbacks):
    """How many batches a callback was told of."""
    getattr(trained(k), method)(batches(), steps, callbacks)
    return callbacks[0].batches


def names(method, engine):
    """The named arguments of an engine's method, in order."""
    parameters = list(inspect.signature(getattr(ENGINES[engine].Model, method)).parameters.values())[1:]
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


@shows("method_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", METHODS)
def test_names(method, engine):
    """Each name that the engine's method has is known, and no other of either Keras."""
    known = names(method, engine)
    every = {name for engine in ("tf_keras", KERAS_3) if engine in ENGINES for name in names(method, engine)}
    with semantics.use(engine):
        own = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1)])
        if method != "compile":
            own.compile("sgd", "mse")
        needed = {"x": X, "y": Y} if method != "predict" else {"x": X}
        for name in sorted({*every, "no_such_argument"} - {"x", "y"}):
            default = inspect.signature(getattr(ENGINES[engine].Model, method)).parameters.get(name)
            given = {name: None if default is None else default.default} | ({} if method == "compile" else needed)
            if name in known:
                getattr(own, method)(**given)
            else:  # Keras 3's evaluate takes any, and raises an error of its own
                with pytest.raises(ValueError if (method, engine) == ("evaluate", KERAS_3) else TypeError):
                    getattr(own, method)(**given)


CALLS = {
    "compile": lambda k: compiled(k, "sgd", "mse", ["mae"]).evaluate(X, Y, verbose=0),
    "compile, weights": lambda k: compiled(k, "sgd", "mse", None, 0.5).evaluate(X, Y, verbose=0),
    "compile, weighted": lambda k: compiled(k, "sgd", "mse", None, None, ["mae"]).evaluate(
        X, Y, sample_weight=W, verbose=0
    ),
    "compile, old names": lambda k: compiled(
        k, "sgd", "mse", sample_weight_mode=None, cloning=True, target_tensors=None
    ).evaluate(X, Y, verbose=0),
    "compile, targets": lambda k: compiled(k, "sgd", "mse", target_tensors=[1]),
    "compile, both": lambda k: compiled(k, "sgd", "mse", run_eagerly=True, jit_compile=True).jit_compile,
    "compile, steps": lambda k: compiled(k, "sgd", "mse", steps_per_execution="auto").evaluate(X, Y, verbose=0),
    "fit": lambda k: trained(k).fit(X, Y, 2, 2, 0, None, 0.0, SPLIT, False, None, W, 0, 2, 1, 2, 1).history,
    "fit, workers": lambda k: (
        trained(k).fit(X, Y, verbose=0, shuffle=False, workers=2, max_queue_size=3, use_multiprocessing=True).history
    ),
    "fit, by position": lambda k: (
        trained(k).fit(X, Y, 2, 2, 0, None, 0.0, None, False, None, None, 0, None, None, None, 1, 5, 1, False).history
    ),
    "fit, one too many": lambda k: trained(k).fit(
        X, Y, 2, 2, 0, None, 0.0, None, False, None, None, 0, None, None, None, 1, 5, 1, False, None
    ),
    "fit, twice": lambda k: trained(k).fit(X, Y, 2, batch_size=3),
    "evaluate": lambda k: trained(k).evaluate(X, Y, 4, 0, W, 1, None),
    "evaluate, dict": lambda k: trained(k).evaluate(X, Y, 4, 0, None, None, None, 5, 1, False, True),
    "predict": lambda k: trained(k).predict(X, 4, 0, 1, None),
    "predict, workers": lambda k: trained(k).predict(X, 4, 0, None, None, 5, 1, False),
    "train": lambda k: trained(k).train_on_batch(X, Y, W, None, False),
    "train, dict": lambda k: trained(k).train_on_batch(X, Y, W, None, True, True),
    "train, classes": lambda k: trained(k).train_on_batch(X, LABELS, None, CLASSES),
    "train, a class missing": lambda k: trained(k).train_on_batch(X, LABELS, class_weight={0: 2.0, 1: 0.25}),
    "train, no classes": lambda k: trained(k).train_on_batch(X, LABELS, W, {}),
    "train, both weights": lambda k: trained(k).train_on_batch(X, LABELS, W, CLASSES),
    "train, weights in a column": lambda k: trained(k).train_on_batch(X, LABELS, W[:, None], CLASSES),
    "fit, both weights": lambda k: (
        trained(k).fit(X, LABELS, 3, verbose=0, sample_weight=W, class_weight=CLASSES, shuffle=False).history
    ),
    "fit, weights in a column": lambda k: (
        trained(k).fit(X, LABELS, 3, verbose=0, sample_weight=W[:, None], class_weight=CLASSES, shuffle=False).history
    ),
    "fit_generator": lambda k: trained(k).fit_generator(batches(), 2, 2, 0, None, SPLIT).history,
    "fit_generator, all": lambda k: (
        trained(k).fit_generator(batches(), 1, 3, 0, None, batches(), 2, 2, None, 5, 1, False, False, 1).history
    ),
    "fit_generator, one too many": lambda k: trained(k).fit_generator(
        batches(), 1, 3, 0, None, batches(), 2, 2, None, 5, 1, False, False, 1, 0
    ),
    "fit_generator, old names": lambda k: trained(k).fit_generator(batches(), samples_per_epoch=2, verbose=0),
    "fit_generator, nothing": lambda k: trained(k).fit_generator(),
    "evaluate_generator": lambda k: trained(k).evaluate_generator(batches(), 2),
    "evaluate_generator, all": lambda k: trained(k).evaluate_generator(batches(), 2, None, 5, 1, False, 0),
    "evaluate_generator, pickle_safe": lambda k: trained(k).evaluate_generator(batches(), 2, pickle_safe=False),
    "predict_generator": lambda k: trained(k).predict_generator(batches(), 2),
    "predict_generator, all": lambda k: trained(k).predict_generator(batches(), 2, None, 5, 1, False, 0),
    "evaluate_generator, callbacks": lambda k: heard(k, "evaluate_generator", 2, [batch_counter(k)]),
    "predict_generator, callbacks": lambda k: heard(k, "predict_generator", 2, [batch_counter(k)]),
    "predict_classes": lambda k: trained(k).predict_classes(X),
    "predict_proba": lambda k: trained(k).predict_proba(X),
    "test": lambda k: trained(k).test_on_batch(X, Y, W, True),
    "test, dict": lambda k: trained(k).test_on_batch(X, Y, W, True, True),
}


def running(method):
    """Results of batches of which the second adds to the first, and the third begins anew."""

    def run(k):
        model = trained(k)
        own = getattr(model, method)
        return [own(X[:2], Y[:2]), own(X[2:], Y[2:], reset_metrics=False), own(X[:4], Y[:4], reset_metrics=True)]

    return run


CALLS |= {f"{method}, running": running(method) for method in ("train_on_batch", "test_on_batch")}


def flat(result):
    """The names, and the numbers, of what a call returned."""
    if isinstance(result, dict):
        return [*result], [number for value in result.values() for number in flat(value)[1]]
    if isinstance(result, list):
        parts = [flat(item) for item in result]
        return [name for part in parts for name in part[0]], [number for part in parts for number in part[1]]
    return [], [result]


@shows("method_arguments", "generator_methods", "class_predictions")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, engine, monkeypatch):
    """By position, and with the arguments of Kerases of old: the same numbers, or the same type of error."""
    real = outcome(lambda: CALLS[name](ENGINES[engine]))
    with semantics.use(engine):
        made = refkeras.Sequential.compile

        def with_bars(self, *args, **kwargs):
            made(self, *args, **kwargs)
            self.__dict__["_bars"] = bars(self)
            self._bars.__enter__()

        monkeypatch.setattr(refkeras.Sequential, "compile", with_bars)
        mine = outcome(lambda: CALLS[name](refkeras))
    if isinstance(real, type):
        assert mine is real
    else:
        (my_names, my_numbers), (names, numbers) = flat(mine), flat(real)
        assert my_names == names
        for a, b in zip(my_numbers, numbers, strict=True):
            if isinstance(a, BarArray):
                assert_agrees(a, np.float32(b))
            else:
                assert a == b


@shows("generator_methods")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("method", ["fit_generator", "evaluate_generator", "predict_generator"])
def test_methods_that_are_deprecated(method, engine):
    """They say so."""

    def told(k):
        made = trained(k)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(made, method)(batches(), 1, verbose=0)
        return [(str(w.message), w.category) for w in caught if "deprecated" in str(w.message)]

    with semantics.use(engine):
        mine = outcome(lambda: told(refkeras))
    assert mine == outcome(lambda: told(ENGINES[engine]))


SETTINGS = [
    {},
    {"run_eagerly": True},
    {"run_eagerly": False, "jit_compile": False},
    {"loss_weights": 0.5, "weighted_metrics": ["mae"]},
    {"steps_per_execution": 2, "metrics": ["mae"]},
]


@shows("method_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_what_it_was_compiled_with(settings, engine):
    if BACKEND == "torch" and "steps_per_execution" in settings:
        settings = {}

    def run(k):
        made = compiled(k, "sgd", "mse", **settings)
        config = made.get_compile_config()
        made.compile_from_config(config)
        return config if made.get_compile_config() == config else None

    with semantics.use(engine):
        mine = run(refkeras)
    real = run(ENGINES[engine])
    if engine == "tf_keras":
        assert mine == real
        assert list(mine) == list(real)
    else:
        assert mine["jit_compile"] == real["jit_compile"] and list(mine) == list(real)
