"""Whole runs: the same script on refkeras and on Keras gives the same keys, numbers and types.

Each case is one function of the module it runs on. Both sides start from the
engine's weights. The engine's numbers must lie within the error bars of the
same run on refkeras, in float64 where the backend computes in it, where a bar
is so narrow that it hides no formula; float32 runs are compared by `refkeras
verify` and the replay campaign too.
"""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees, exactly
from parity_tests.engines import (
    BACKEND,
    ENGINES,
    FLOAT64,
    KEEPS_PENALTIES,
    KERAS_3,
    MODE,
    numpy,
    tensorflow_only,
    tf_keras,
    trains,
)
from parity_tests.shows import shows
from parity_tests.test_layer_contract import layers_with_others_inside
from parity_tests.test_merging_layers import gated
from refkeras import precision, semantics
from refkeras.precision import BarArray

pytestmark = trains
RNG = np.random.default_rng(20240607)
X = RNG.normal(size=(11, 4))
T = RNG.normal(size=(11, 6, 3))
Y1 = RNG.normal(size=(11, 1))
Y3 = np.eye(3)[RNG.integers(0, 3, 11)]
YI = RNG.integers(0, 3, 11)
YB = RNG.integers(0, 2, (11, 1)).astype("float64")
W = RNG.uniform(0.2, 2.0, 11)
#: The widest floats of the backend, which both sides compute in.
WIDEST = "float64" if FLOAT64 else "float32"


def regression(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "mse"])
    return model, X, Y1, {}


def classifier(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(5, activation="relu"), k.layers.Dense(3, activation="softmax")])
    model.compile(k.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    return model, X, Y3, {"validation_split": 0.3}


def sparse_weighted(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3)])
    model.compile(
        k.optimizers.RMSprop(0.01, momentum=0.3, centered=True),
        k.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model, X, YI, {"sample_weight": W}


def class_weighted(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    return model, X, YI, {"class_weight": {0: 0.5, 1: 2.0, 2: 1.25}}


def binary(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1, activation="sigmoid")])
    model.compile(k.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "binary_crossentropy", metrics=["accuracy"])
    return model, X, YB, {}


def two_outputs(k):
    x = k.Input((6, 3))
    h, _, c = k.layers.LSTM(4, return_state=True, name="memory")(x)
    head = k.layers.Activation("relu", name="head")(k.layers.Dense(3)(h))
    model = k.Model(x, [head, c])
    model.compile("adam", ["categorical_crossentropy", "mse"], loss_weights=[0.4, 0.6], metrics=[["accuracy"], ["mae"]])
    return model, T, [Y3, RNG_C], {"validation_data": (T[:5], [Y3[:5], RNG_C[:5]])}


RNG_C = RNG.normal(size=(11, 4))


def masked(k):
    model = k.Sequential(
        [
            k.Input((6, 3)),
            k.layers.Masking(),
            k.layers.LSTM(4, return_sequences=True),
            k.layers.Dense(2),
        ]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    x = T.copy()
    for row in range(len(x)):
        x[row, row % 6 :] = 0
    return model, x, RNG_S, {}


RNG_S = RNG.normal(size=(11, 6, 2))


def regularized(k):
    x = k.Input((4,))
    h = k.layers.Dense(3, kernel_regularizer=k.regularizers.L2(0.1), bias_regularizer="l1", activation="tanh")(x)
    y = k.layers.Dense(1, activity_regularizer=k.regularizers.L1(0.05))(h)
    model = k.Model(x, y)
    model.compile(k.optimizers.AdamW(0.01, weight_decay=0.02), "mae")
    return model, X, Y1, {"validation_split": 0.25}


def shared_and_nested(k):
    inner = k.Sequential([k.Input((2,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(2, name="inner_head")])
    a, b = k.Input((2,), name="a"), k.Input((2,), name="b")
    merged = k.layers.Add()([inner(a), inner(b)])
    model = k.Model([a, b], k.layers.Dense(1)(k.layers.Concatenate()([merged, inner(b)])))
    model.compile(k.optimizers.SGD(0.05, clipnorm=0.5), "mse")
    return model, [X[:, :2], X[:, 2:]], Y1, {}


def gated_steps(k):
    """Multiply, Maximum, Minimum, Average, Subtract and Dot, of inputs with masks."""
    model = gated(k)
    model.compile("sgd", ["mse", "mae"], loss_weights=[0.5, 2.0])
    steps = [RNG_S[:, :5].repeat(2, -1)[..., :3], RNG_S[:, 1:].repeat(2, -1)[..., 1:]]
    for row in range(len(RNG_S)):
        steps[0][row, row % 5 :] = 0
        steps[1][row, : row % 4] = 1
    return model, steps, [RNG_S[:, 0, :1], RNG_S[:, :5]], {}


def masks_inside(k):
    """Masks that reach an LSTM two layers of one's own deep."""
    through, deep = layers_with_others_inside(k)[1], layers_with_others_inside(k)[5]
    model = k.Sequential([k.Input((6, 2)), k.layers.Masking(), deep(), through()])
    model.compile("sgd", "mse", metrics=["mae"])
    steps = RNG_S.copy()
    for row in range(len(steps)):
        steps[row, row % 6 :] = 0
    model(steps.astype(WIDEST))  # what is inside is built when it is called
    return model, steps, RNG_S[::-1], {}


def frozen(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("adam", "mse")
    return model, X, Y1, {}


def scheduled(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    rate = k.optimizers.schedules.InverseTimeDecay(0.1, 3, 0.7)
    model.compile(k.optimizers.Adam(rate, amsgrad=True), "mse")
    return model, X, Y1, {}


def scaled_and_accumulated(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
    options = (
        {}
        if k is tf_keras or semantics.current().name == "tf_keras"
        else {
            "loss_scale_factor": 3.0,
            "gradient_accumulation_steps": 2,
        }
    )
    # On JAX a model that was fitted with averages cannot be used further (docs/findings.md).
    averages = {} if BACKEND == "jax" else {"use_ema": True, "ema_momentum": 0.7}
    model.compile(k.optimizers.SGD(0.05, **averages, **options), "mse")
    return model, X, X[:, 1:3] ** 2, {}


def stepped(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model, X, Y1, {"steps_per_epoch": 2, "validation_data": (X[:7], Y1[:7], W[:7]), "validation_batch_size": 3}


def tripled(k, trains=True):
    """A loss whose call is overridden, which is what Keras evaluates and trains by; refkeras asks for its pullback."""

    class Tripled(k.losses.MeanSquaredError):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return 3.0 * super().__call__(y_true, y_pred, sample_weight)

        if trains:

            def value_and_pullback(self, *args, **kwargs):
                value, pullback = super().value_and_pullback(*args, **kwargs)
                return 3.0 * value, lambda: (3.0 * pullback()[0], None)

    return Tripled()


def overridden_call(k):
    model = k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.Dense(1)])
    model.compile(k.optimizers.SGD(0.1, momentum=0.5), tripled(k))
    return model, X, Y1, {"sample_weight": W, "validation_data": (X[:5], Y1[:5])}


def inputs_handed_on(k):
    """Layers that return what they are given: with penalties, of one inside too, and beside another output."""

    def penalized(penalty):
        return {"activity_regularizer": penalty} if KEEPS_PENALTIES else {}

    class Within(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = k.layers.Dense(3, "softmax", **penalized(k.regularizers.L2(0.3)))

        def call(self, x):
            self.inner(x)
            return x

    class Beside(Within):
        def call(self, x):
            return x, self.inner(x)

    class After(Within):
        def call(self, x):
            return self.inner(x), x

    x = k.Input((4,))
    y = k.layers.Dense(3, "softmax")(x)
    y = k.layers.Activation("linear", **penalized(k.regularizers.L2(0.7)))(y)
    y = k.layers.Dropout(0.0, **penalized(k.regularizers.L1(0.2)))(Within()(y))
    model = k.Model(x, [*Beside(name="beside")(y), *After(name="after")(y)])
    model.compile(k.optimizers.SGD(0.5, momentum=0.3), "categorical_crossentropy")
    return model, X, [Y3, Y3[::-1], Y3[[1, 0, *range(2, 11)]], Y3], {}


CASES = [
    inputs_handed_on,
    overridden_call,
    regression,
    classifier,
    sparse_weighted,
    class_weighted,
    binary,
    two_outputs,
    masked,
    regularized,
    shared_and_nested,
    gated_steps,
    masks_inside,
    frozen,
    scheduled,
    scaled_and_accumulated,
    stepped,
]


@contextlib.contextmanager
def widest(name):
    """Both sides compute in the backend's widest floats and mirror the same engine."""
    modules = (refkeras, ENGINES[name])
    with semantics.use(name):
        try:
            for k in modules:
                k.backend.clear_session()
                k.backend.set_floatx(WIDEST)
                k.utils.set_random_seed(7)
            yield modules
        finally:
            for k in modules:
                k.backend.set_floatx("float32")
                k.backend.clear_session()


def run(k, case, weights=None, bars=False):
    """Run every entry point of the case's model; return what came out, and the weights it started from."""
    model, x, y, extra = case(k)
    if weights is None:
        weights = model.get_weights()
    model.set_weights(weights)
    found = {}
    options = {"verbose": 0, "shuffle": False, "batch_size": 4, "epochs": 3} | extra
    if "steps_per_epoch" in options:
        options["epochs"] = 2
    with precision.bars(model, WIDEST) if bars else contextlib.nullcontext() as barred, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(x, y, **options)
        found["history"] = history.history
        found["epochs"] = history.epoch
        found["evaluate"] = model.evaluate(x, y, batch_size=4, verbose=0)
        found["evaluate dict"] = model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True)
        found["train_on_batch"] = model.train_on_batch(x, y)
        found["test_on_batch"] = model.test_on_batch(x, y, return_dict=True)
        found["predict"] = model.predict(x, batch_size=3, verbose=0)
        found["predict_on_batch"] = model.predict_on_batch(x)
        found["weights"] = barred.weights if bars else model.get_weights()
    return found, weights


@pytest.mark.parametrize("case", CASES, ids=[case.__name__ for case in CASES])
@pytest.mark.parametrize("name", ENGINES)
def test_runs_alike(name, case):
    if case is scheduled and MODE == "jit" and name == KERAS_3:
        pytest.skip("XLA rounds the rate of a schedule otherwise than TensorFlow's kernels, which refkeras mirrors")
    with widest(name) as (ours, theirs):
        wanted, weights = run(theirs, case)
        got, _ = run(ours, case, weights)
        bars, _ = run(ours, case, weights, bars=True)
    assert_same_form(got, wanted)
    assert_within(bars, wanted)
    assert_within(bars, got)


@pytest.mark.parametrize("name", ENGINES)
def test_an_overridden_call_without_a_pullback_evaluates_and_does_not_train(name):
    with widest(name) as modules:
        values = []
        for k in modules:
            model = k.Sequential([k.Input((4,)), k.layers.Dense(1, kernel_initializer="zeros")])
            model.compile("sgd", tripled(k, trains=False))
            values.append(model.evaluate(np.ones((5, 4)), np.full((5, 1), 2.0), verbose=0))
            if k is refkeras:
                with pytest.raises(NotImplementedError, match=r"Tripled overrides `__call__`.*`value_and_pullback"):
                    model.fit(np.ones((5, 4)), np.ones((5, 1)), verbose=0)
        assert values == [12.0, 12.0]


def assert_same_form(got, wanted, where="run"):
    """Same nesting, types, and keys in order."""
    if isinstance(wanted, dict):
        assert list(got) == list(wanted), where
        for key in wanted:
            assert_same_form(got[key], wanted[key], f"{where}/{key}")
    elif isinstance(wanted, (list, tuple)):
        assert isinstance(got, (list, tuple)), f"{where}: {type(got)}"
        assert len(got) == len(wanted), where
        for i, (g, w) in enumerate(zip(got, wanted, strict=True)):
            assert_same_form(g, w, f"{where}[{i}]")
    elif not isinstance(wanted, np.ndarray):
        assert isinstance(got, type(wanted)) or type(wanted).__module__ == "numpy", f"{where}: {type(got)}"
    else:
        assert got.dtype == wanted.dtype, f"{where}: {got.dtype}"


def assert_within(bars, found, where="run"):
    """Each float within its bar, which has the same nesting; what has no bar the very same."""
    if isinstance(bars, dict):
        assert list(bars) == list(found), where
        bars, found = list(bars.values()), list(found.values())
    if isinstance(bars, (list, tuple)):
        for i, (bar, value) in enumerate(zip(bars, found, strict=True)):
            assert_within(bar, value, f"{where}[{i}]")
    elif isinstance(bars, BarArray):
        value = numpy(found)
        narrow = value.astype(bars.dtype)  # a float of Python holds a number of the bar's dtype
        np.testing.assert_array_equal(narrow.astype(value.dtype), value, err_msg=where)
        assert_agrees(bars, narrow, what=where)
    else:
        np.testing.assert_array_equal(bars, found, err_msg=where)


def test_assertions_can_fail():
    for got, wanted in [
        ({"b": 1.0, "a": 1.0}, {"a": 1.0, "b": 1.0}),
        ([1.0], [1.0, 1.0]),
        (np.float32(1), 1.0),
        ([1.0], 1.0),
        (np.ones(2, "float32"), np.ones(2)),
    ]:
        with pytest.raises((AssertionError, TypeError, ValueError)):
            assert_same_form(got, wanted)
    third = exactly(np.float32([1.0])) / exactly(np.float32([3.0]))
    assert_within([{"a": third}, 2], [{"a": np.float32([1 / 3])}, 2])
    for bars, found in [
        ({"a": third}, {"b": np.float32([1 / 3])}),
        ([third], [np.float32([1 / 3]), 1.0]),
        (third, np.float32([1 / 3 + 2**-20])),
        (third, np.array([1 / 3])),
        (2, 3),
    ]:
        with pytest.raises((AssertionError, ValueError)):
            assert_within(bars, found)


def moves(model, call):
    before = model.get_weights()
    call()
    return [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]


@pytest.mark.skipif(BACKEND == "jax", reason="fails there: test_freezing_after_training_on_jax")
@shows("trainable_is_read")
@pytest.mark.parametrize("name", ENGINES)
def test_freezing_reaches_a_model_when_it_is_compiled_or_traced(name):
    seen = []
    with widest(name) as modules:
        for k in modules:
            outcome = []
            for eagerly in (False, True):
                model = k.Sequential([k.Input((4,)), k.layers.Dense(2), k.layers.Dense(1)])
                model.compile("sgd", "mse", run_eagerly=eagerly)
                model.layers[1].trainable = False
                outcome.append(moves(model, lambda m=model: m.fit(X, Y1, verbose=0)))
                model.layers[0].trainable = False
                outcome.append(moves(model, lambda m=model: m.fit(X[:7], Y1[:7], verbose=0)))
                if not eagerly:
                    outcome.append(moves(model, lambda m=model: m.train_on_batch(X, Y1)))
                model.layers[1].trainable = True
                if name == "tf_keras" or not (eagerly or semantics.current().trainable_is_read == "each step"):
                    outcome.append(moves(model, lambda m=model: m.fit(X, Y1, verbose=0)))
            seen.append(outcome)
    assert seen[0] == seen[1]


def outcome_of(call):
    """What a call raised, or else returned."""
    try:
        return call()
    except (ValueError, RuntimeError, TypeError) as error:
        return type(error)


@shows("trainable_is_read")
@pytest.mark.skipif(semantics.get(KERAS_3).trainable_is_read != "once", reason="the rule of JAX")
@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("before", [(), (1,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("after", [(), (1,), (0,), (0, 2), (0, 1, 2)])
def test_freezing_after_training_on_jax(before, after, eagerly):
    """Other trainable weights than the optimizer was built with: refused by number or shape, else by position.

    Layers 0 and 1 are alike: if one is frozen for the other, its momentum goes on to that one; and compiled, Keras
    computes with the one's weights in the place of the other's (docs/findings.md), which refkeras does not.
    """
    seen = []
    with widest(KERAS_3) as modules:
        weights = None
        for k in modules[::-1]:
            model = k.Sequential(
                [k.Input((4,)), k.layers.Dense(4, use_bias=False), k.layers.Dense(4, use_bias=False), k.layers.Dense(1)]
            )
            weights = weights or model.get_weights()
            model.set_weights(weights)
            model.compile(k.optimizers.SGD(0.01, momentum=0.9), "mse", run_eagerly=eagerly)
            with precision.bars(model, WIDEST) if k is refkeras else contextlib.nullcontext() as barred:
                for frozen in (before, after):
                    for i, layer in enumerate(model.layers):
                        layer.trainable = i not in frozen
                    result = outcome_of(lambda m=model: m.train_on_batch(X, Y1))
                if isinstance(result, type):  # Keras has lost the weights
                    seen.append((result, None))
                else:
                    seen.append((None, barred.weights if k is refkeras else model.get_weights()))
    (error, theirs), (our_error, ours) = seen
    fits = len(before) == len(after) and (2 in before) == (2 in after)
    assert error is our_error is (None if fits else ValueError)
    if fits and (eagerly or before == after):
        assert_within(ours, theirs)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("overwrite", [None, 2])
def test_averaged_weights(name, overwrite):
    seen = []
    with widest(name) as (ours, theirs):
        weights = None
        for k in (theirs, ours):
            model = k.Sequential([k.Input((4,)), k.layers.Dense(2)])
            weights = weights or model.get_weights()
            model.set_weights(weights)
            averages = {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": overwrite}
            model.compile(k.optimizers.SGD(0.05, momentum=0.5, **averages), "mse")
            with precision.bars(model, WIDEST) if k is ours else contextlib.nullcontext() as barred:
                history = model.fit(X, X[:, 1:3] ** 2, batch_size=4, epochs=2, shuffle=False, verbose=0).history
                seen.append([history, barred.weights if k is ours else model.get_weights()])
    assert_within(seen[1], seen[0])


@shows("unreached_weights")
@pytest.mark.parametrize("name", ENGINES)
def test_weights_that_the_loss_does_not_reach(name):
    """An output without a loss: its weights stay, and Keras warns; on JAX they have gradients of 0, and decay."""
    seen = []
    with widest(name) as (ours, theirs):
        weights = None
        for k in (theirs, ours):
            x = k.Input((4,))
            model = k.Model(x, [k.layers.Dense(1, name="a")(x), k.layers.Dense(2, name="b")(x)])
            weights = weights or model.get_weights()
            model.set_weights(weights)
            losses = {"a": "mse"} if k is tf_keras or name == "tf_keras" else ["mse", None]
            model.compile(k.optimizers.AdamW(0.1, weight_decay=0.5), losses)
            targets = {"a": Y1} if isinstance(losses, dict) else [Y1, Y1]
            with precision.bars(model, WIDEST) if k is ours else contextlib.nullcontext() as barred:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.fit(X, targets, verbose=0)
                seen.append(barred.weights if k is ours else model.get_weights())
    assert_within(seen[1], seen[0])
    decays = not np.array_equal(weights[2], seen[0][2])
    assert decays == (semantics.get(name).unreached_weights == "zero gradient") == (BACKEND == "jax")


@shows("trained_metrics_use_mask")
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("eagerly", [False, True])
def test_masks_of_trained_metrics(name, eagerly):
    """On JAX fit() reports metrics over masked steps too, where evaluate() leaves them out."""
    x, y = np.ones((4, 3, 2)), np.full((4, 3, 1), 3.0)
    x[:, 1:] = 0
    found = []
    with widest(name) as modules:
        for k in modules:
            model = k.Sequential(
                [k.Input((3, 2)), k.layers.Masking(), k.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
            )
            model.compile(k.optimizers.SGD(0.0), "mse", metrics=["mae"], weighted_metrics=["mse"], run_eagerly=eagerly)
            with precision.bars(model, WIDEST) if k is refkeras else contextlib.nullcontext():
                results = [model.fit(x, y, verbose=0).history, model.evaluate(x, y, verbose=0, return_dict=True)]
                results += [getattr(model, f"{kind}_on_batch")(x, y, return_dict=True) for kind in ("train", "test")]
            found.append(results)
    assert_within(*found)
    fitted = {key: values[0] for key, values in found[1][0].items()}
    assert (fitted["mae"] == 1) == semantics.get(name).trained_metrics_use_mask == (BACKEND != "jax")
    assert found[1][1]["mae"] == 1


@shows("explicit_training_wins")
@pytest.mark.parametrize("name", ENGINES)
def test_training_said_in_the_graph(name):
    seen = []
    ones = np.ones((4, 50))
    with widest(name) as modules:
        for k in modules:
            outcome = []
            for said in (True, False):
                x = k.Input((50,))
                model = k.Model(x, k.layers.Dropout(0.5)(x, training=said))
                results = [model.predict(ones, verbose=0), model(ones), model(ones, training=not said)]
                outcome += [bool((np.asarray(result) == 0).any()) for result in results]
            seen.append(outcome)
    assert seen[0] == seen[1]


@shows("regularizer_factors")
@pytest.mark.skipif(WIDEST == "float32", reason="shows in float64")
@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("regularizer", ["L1", "L2", "L1L2"])
def test_factors_of_regularizers(name, regularizer):
    w = RNG.normal(size=(3, 4)).astype(WIDEST)
    with widest(name) as modules:
        ours, theirs = (
            getattr(k.regularizers, regularizer)(0.1)(w_)
            for k, w_ in zip(modules, (exactly(w, WIDEST), w), strict=True)
        )
    assert_agrees(ours, theirs)


@shows("uncompiled_is_runtime_error", "warns_without_weights")
@pytest.mark.skipif(BACKEND == "torch", reason="evaluate() before compile() is an AttributeError (docs/findings.md)")
@pytest.mark.parametrize("name", ENGINES)
def test_where_the_loops_differ(name):
    found = []
    with widest(name) as modules:
        for k in modules:
            model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
            outcome = []
            for call in (lambda m=model: m.fit(X, Y1), lambda m=model: m.evaluate(X, Y1)):
                with pytest.raises((ValueError, RuntimeError)) as caught:
                    call()
                outcome.append(caught.type)
            model.compile("sgd", "mse")
            for again in (False, True):  # frozen after compile(), and before
                before = model.get_weights()
                model.layers[-1].trainable = False
                if again:
                    model.compile("sgd", "mse")
                with warnings.catch_warnings(record=True) as heard:
                    warnings.simplefilter("always")
                    model.fit(X, Y1, verbose=0)
                outcome.append(any("trainable" in str(w.message) for w in heard))
                outcome.append(any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)))
            found.append(outcome)
    assert found[0] == found[1]


@tensorflow_only("without rows, PyTorch and JAX raise errors of their own (docs/findings.md)")
@pytest.mark.parametrize("call", ["fit", "evaluate", "validate"])
def test_no_data(call):
    found = []
    with widest(KERAS_3) as modules:
        for k in modules:
            model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
            model.compile("sgd", "mse")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if call == "fit":
                    found.append(model.fit(X[:0], Y1[:0], verbose=0).history)
                elif call == "evaluate":
                    found.append(model.evaluate(X[:0], Y1[:0], verbose=0))
                else:
                    found.append(list(model.fit(X, Y1, validation_data=(X[:0], Y1[:0]), verbose=0).history))
    assert found[0] == found[1]


@shows("short_execution_ends")
@pytest.mark.skipif(not semantics.get(KERAS_3).steps_per_execution_allowed, reason="steps_per_execution must be 1")
@pytest.mark.parametrize("name", ENGINES)
def test_steps_per_execution(name):
    seen = []
    with widest(name) as modules:
        for k in modules:
            model = k.Sequential([k.Input((4,)), k.layers.Dense(1)])
            model.compile("sgd", "mse", steps_per_execution=2)
            calls = []
            log = k.callbacks.LambdaCallback(
                on_train_batch_begin=lambda batch, logs, calls=calls: calls.append(("begin", batch)),
                on_train_batch_end=lambda batch, logs, calls=calls: calls.append(("end", batch)),
            )
            model.fit(X, Y1, batch_size=4, verbose=0, callbacks=[log])
            seen.append(calls)
    assert seen[0] == seen[1]
