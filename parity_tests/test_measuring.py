"""compute_loss, compute_metrics, get_metrics_result and what layers hold of metrics, beside each engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees, exactly
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, numpy, tensor
from parity_tests.layer_sides import outcome
from parity_tests.profiles import examples
from refkeras import precision, semantics, tree

SHAPES = {"a": (2, 3), "b": (1,)}
FORMS = {
    "one": ("b", {"loss": "mse", "metrics": ["mae"]}),
    "no metrics": ("b", {"loss": "mae"}),
    "weighted": ("b", {"loss": "mse", "metrics": ["mse"], "weighted_metrics": ["mae"]}),
    "sequence": ("a", {"loss": "log_cosh", "metrics": ["mse", "mae"]}),
    "two": ("ab", {"loss": "mse", "metrics": [["mae"], ["mse"]]}),
    "two losses": ("ab", {"loss": ["mse", "mae"], "loss_weights": [0.25, 3.0]}),
    "by name": ("ab", {"loss": {"a": "mae", "b": "mse"}, "metrics": {"b": ["mae"]}}),
}


def made(k, outputs, compiled, regularized):
    x = k.layers.Input((2, 3))
    penalty = k.regularizers.L2(0.25) if regularized else None
    a = k.layers.Dense(3, name="a", kernel_initializer="ones", kernel_regularizer=penalty)(x)
    b = k.layers.Dense(1, name="b", kernel_initializer="ones")(k.layers.Flatten()(x))
    found = [{"a": a, "b": b}[name] for name in outputs]
    model = k.Model(x, found if len(found) > 1 else found[0])
    model.compile("sgd", **compiled)
    return model


def steps(k, form, rows, seed, weighted, regularized, script):
    """Play a script of calls on outputs that are given; return what each returned."""
    outputs, compiled = FORMS[form]
    model, random = made(k, outputs, compiled, regularized), np.random.default_rng(seed)
    if k is refkeras:
        with precision.bars(model):
            return played(
                model, outputs, rows, random, weighted, script, lambda p: exactly(p, "float32"), lambda value: value
            )
    return played(
        model, outputs, rows, random, weighted, script, lambda parts: tree.map_structure(tensor, parts), plain
    )


def played(model, outputs, rows, random, weighted, script, given_as, taken):
    found = []

    def drawn(rows, shapes):
        parts = [random.normal(size=(rows, *shape)).astype("float32") for shape in shapes]
        return given_as(parts if len(parts) > 1 else parts[0])

    for call in script:
        count = random.integers(1, rows + 1)
        y, y_pred = (drawn(count, [SHAPES[name] for name in outputs]) for _ in range(2))
        w = drawn(count, [()] * len(outputs))
        w = tree.map_structure(abs, w) if weighted else None
        if call == "reset":
            model.reset_metrics()
        elif call == "result":
            found.append(outcome(lambda: taken(model.get_metrics_result())))
        else:
            found.append(outcome(lambda c=call, d=(y, y_pred, w): taken(getattr(model, c)(0.0, *d))))
    return found


def plain(value):
    """What an engine returned, as arrays."""
    if isinstance(value, dict):
        return {key: numpy(part) for key, part in value.items()}
    return numpy(value)


@pytest.mark.parametrize("engine", ENGINES)
@given(
    form=st.sampled_from(sorted(FORMS)),
    rows=st.integers(1, 6),
    seed=st.integers(0, 2**32),
    weighted=st.booleans(),
    regularized=st.booleans(),
    script=st.lists(st.sampled_from(["compute_loss", "compute_metrics", "result", "reset"]), min_size=1, max_size=5),
)
@examples(30)
def test_same_numbers(engine, form, rows, seed, weighted, regularized, script):
    if BACKEND == "numpy":  # fails where there are penalties (docs/findings.md)
        regularized = False
    given_ = form, rows, seed, weighted, regularized, script
    real = steps(ENGINES[engine], *given_)
    with semantics.use(engine):
        mine = steps(refkeras, *given_)
    assert_alike(mine, real)


def assert_alike(mine, real):
    """Assert that calls returned the same: numbers by their error bars, names in their order, types of errors."""
    for a, b in zip(mine, real, strict=True):
        if isinstance(b, type) or isinstance(a, type):
            assert a is b
        elif isinstance(b, dict):
            assert [*a] == [*b]
            for key in b:
                agree(a[key], b[key])
        else:
            agree(a, b)


def agree(a, b):
    if hasattr(a, "sigma"):
        assert_agrees(a, b)
    else:  # of a metric that has seen nothing
        assert float(a) == float(b)


def test_the_comparison_can_fail():
    given_ = "two", 3, 0, False, True, ["compute_loss", "compute_metrics"]
    mine = steps(refkeras, *given_)
    loss, metrics = mine[0].value, {key: value.value for key, value in mine[1].items() if hasattr(value, "value")}
    assert_alike(mine[:1], [np.float32(loss)])
    for wrong in ([np.float32(loss) * np.float32(1 + 1e-5)], [ValueError]):
        with pytest.raises(AssertionError):
            assert_alike(mine[:1], wrong)
    with pytest.raises(AssertionError):
        assert_alike(mine[1:], [dict(reversed(metrics.items()))])


@pytest.mark.parametrize("training", [True, False])
def test_in_training_or_not(training):
    """The losses of Keras's models do not ask; the argument is for models of one's own."""
    y, y_pred = np.array([[1.0], [0.25]], "float32"), np.array([[0.5], [2.0]], "float32")
    ours, theirs = (made(k, "b", {"loss": "mse"}, False) for k in (refkeras, ENGINES[KERAS_3]))
    with precision.bars(ours):
        mine = ours.compute_loss(None, *exactly((y, y_pred), "float32"), training=training)
    agree(mine, numpy(theirs.compute_loss(None, tensor(y), tensor(y_pred), training=training)))


@pytest.mark.parametrize("engine", ENGINES)
def test_without_compile(engine):
    def run(k):
        x = k.layers.Input((2,))
        model = k.Model(x, k.layers.Dense(1)(x))
        return model.get_metrics_result(), model.metrics

    with semantics.use(engine):
        assert run(refkeras) == run(ENGINES[engine]) == ({}, [])


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend does not train")
def test_what_layers_and_models_hold():
    def run(k):
        class Counting(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.mean = k.metrics.Mean(name="own")

            def call(self, x):
                return x

        layer = Counting()
        model = k.Sequential([k.layers.Input((2,)), layer, k.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)))
        return (
            [metric.name for metric in model.metrics],
            [metric.name for metric in layer.metrics],
            [(v.name, tuple(v.shape)) for v in model.metrics_variables],
            [v.name for v in layer.metrics_variables],
            [model.layers[1].metrics, model.layers[1].metrics_variables, model.layers[1].input_dtype],
            [*model.get_metrics_result()],
        )

    assert run(refkeras) == run(ENGINES[KERAS_3])
