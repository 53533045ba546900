"""Where Keras 3's own backends differ: each field of `Semantics`, on the backend of this process.

`make parity ENGINE=keras@jax` (or torch, numpy, tensorflow) shows the other sides of a field.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees, assert_differs, exactly
from parity_tests.engines import (
    BACKEND,
    ENGINES,
    KERAS_3,
    MODE,
    double,
    keras,
    numpy,
    tensor,
    value_and_gradients,
    with_mask,
)
from parity_tests.layer_sides import array, make_both, outcome, run_engine, run_ours
from parity_tests.optimizer_runs import with_bars
from parity_tests.shows import shows
from refkeras import activations, losses, metrics, semantics
from refkeras.ops import softmax as ops
from refkeras.precision import bars, exact
from refkeras.tensor import wrap

X = np.ones((1, 3, 2), "float32")
STATES = [np.full((1, 2), 0.5, "float32"), np.full((1, 2), 0.25, "float32")]
MASK = np.array([[False, True, False]])


pytestmark = pytest.mark.usefixtures("each_keras")


KERAS_3_ALONE = pytest.mark.parametrize("each_keras", [KERAS_3], indirect=True)


def is_keras_3():
    return semantics.current().name == KERAS_3


def rule(name):
    return getattr(semantics.get(semantics.current().name), name)


def bars_of(model):
    """Have a model of refkeras compute with error bars; a real one goes on as it is."""
    return bars(model) if isinstance(model, refkeras.Model) else contextlib.nullcontext()


# -- losses and metrics ---------------------------------------------------------------------------------


@shows("crossentropy_from_activation")
def test_crossentropy_through_a_softmax_layer():
    """The same model and data: the exact cross-entropy of logits, or one of clipped probabilities."""
    z, t = np.array([[60.0, 0.0, -60.0]], "float32"), np.array([[0.0, 0.0, 1.0]], "float32")
    found = []
    for k in (refkeras, keras):
        model = k.Sequential([k.Input((3,)), k.layers.Softmax()])
        model.compile("sgd", "categorical_crossentropy")
        with bars_of(model):
            found.append(model.evaluate(z, t, verbose=0))
    assert_agrees(found[0], np.float32(found[1]))
    assert (found[1] > 100) == rule("crossentropy_from_activation") == (BACKEND == "tensorflow")


@shows("sparse_crossentropy_normalizes")
def test_probabilities_that_do_not_add_up_to_1():
    p = np.array([[2.0, 0.5]], "float32")
    real = numpy(keras.losses.sparse_categorical_crossentropy(np.array([0]), tensor(p)))
    assert_agrees(losses.sparse_categorical_crossentropy([0], exact(p)), real)
    known = {"after clip": 1 / 1.5, "before clip": 0.8}  # of the class asked for, normalized
    wanted = known.pop(rule("sparse_crossentropy_normalizes"))
    assert_agrees(-np.log(exact([wanted])), real)
    assert_differs(-np.log(exact([*known.values()])), real)


@shows("quotient_gradient")
@pytest.mark.skipif(BACKEND == "numpy", reason="no gradients")
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("probabilities", [(2e-20, 3e-20), (3e-33, 8e-20)])
def test_the_gradient_of_probabilities_near_0(probabilities, sparse):
    """Their sum has a square below float32's smallest number; the first one's part of it is clipped, or is not."""
    p, name = np.array([probabilities], "float32"), f"{'sparse_' * sparse}categorical_crossentropy"
    t = np.array([0]) if sparse else np.array([[1.0, 0.0]], "float32")
    gradient = value_and_gradients(lambda p: getattr(keras.losses, name)(t, p), [p]).gradients[0]
    loss = losses.SparseCategoricalCrossentropy() if sparse else losses.CategoricalCrossentropy()
    _, pullback = loss.value_and_pullback(t, exact(p))
    mine = pullback()[0]
    assert_agrees(mine, gradient)
    by_the_square = rule("quotient_gradient") == "by the square"
    assert (mine.sigma > 1e38).any() == by_the_square  # a bar of which nothing can be said agrees with anything
    assert by_the_square == (BACKEND == "jax")
    assert np.isnan(gradient).all() == by_the_square


@pytest.mark.skipif(BACKEND == "numpy", reason="no gradients")
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("total", [3.6e-19, 1e-17, 1e-3])
def test_the_gradient_of_a_small_share_of_probabilities_near_0(total, sparse):
    """JAX divides the gradient by the square of their sum before it multiplies with them, and that may overflow."""
    share = 2.8e-4
    p = np.array([[share * total, total]], "float32")
    t, kind = (np.array([0]), "Sparse") if sparse else (np.array([[1.0, 0.0]], "float32"), "")
    loss, engine = (getattr(module, f"{kind}CategoricalCrossentropy")() for module in (losses, keras.losses))
    gradient = value_and_gradients(lambda p: engine(t, p), [p]).gradients[0]
    with np.errstate(over="ignore"):
        mine = loss.value_and_pullback(t, p)[1]()[0]
    overflows = BACKEND == "jax" and 1 / share / total**2 > np.finfo("float32").max
    assert np.isinf(gradient).all() == np.isinf(mine).all() == overflows
    assert_agrees(loss.value_and_pullback(t, exact(p))[1]()[0], gradient)


@shows("sparse_crossentropy_picks")
def test_a_nan_of_another_class():
    """Probabilities that add up to 0 give r = (∞, −∞, NaN): of an infinity or its negative there is a cross-entropy."""
    p = np.array([[1.0, -1.0, 0.0]] * 3, "float32")  # whole numbers, whose sum has no error bar
    derived = value_and_gradients(lambda p: keras.losses.sparse_categorical_crossentropy(np.arange(3), p), [p])
    with np.errstate(all="ignore"):
        value, pullback = losses.sparse_categorical_crossentropy.forward(np.arange(3), exact(p))
        assert_agrees(value, derived.values[0])
        assert_agrees(pullback(np.ones(3)), derived.gradients[0])
    if BACKEND != "tensorflow":  # it clips first, and has no NaN
        assert np.isfinite(derived.values[0][0]) == rule("sparse_crossentropy_picks") == (BACKEND != "numpy")


@shows("binary_crossentropy_of_logits")
def test_binary_crossentropy_of_large_logits():
    t, z = np.array([[0.0, 1.0]], "float32"), np.array([[200.0, -200.0]], "float32")
    real = numpy(keras.losses.binary_crossentropy(t, tensor(z), from_logits=True))
    assert_agrees(losses.binary_crossentropy(exact(t), exact(z), from_logits=True), real)
    assert (real[0] == 200) == (rule("binary_crossentropy_of_logits") != "clipped") == (BACKEND != "numpy")


def test_clipped_binary_crossentropy_has_the_gradient_of_its_sigmoid():
    t, z = np.array([[0.25, 1.0]]), np.array([[0.5, -1.5]])
    with semantics.use("keras-3@numpy"):
        _, clipped = losses.binary_crossentropy.forward(*exactly((t, z), "float64"), from_logits=True)
    with semantics.use("keras-3@tensorflow"):
        _, unclipped = losses.binary_crossentropy.forward(t, z, from_logits=True)
    assert_agrees(clipped(1.0), unclipped(1.0))


@shows("softmax_gradient")
@pytest.mark.skipif(BACKEND == "numpy", reason="no gradients")
def test_roundings_of_the_gradient_of_a_softmax(each_keras):
    """Of nearly equal dy: the errors of the engine are as large as refkeras's under its preset, and no other's."""
    random = np.random.default_rng(1)
    z = random.normal(size=(2000, 2)).astype("float32")
    dy = (random.normal(size=(2000, 1)) + 1e-3 * random.normal(size=(2000, 2))).astype("float32")
    exactly = ops.softmax(z.astype("float64"))[1](dy.astype("float64"))
    softmax = ENGINES[each_keras].activations.softmax
    gradient = numpy(value_and_gradients(lambda z: softmax(z) * tensor(dy), [z]).gradients[0])
    sizes = [np.std(gradient - exactly)]
    for preset in (each_keras, "keras-3@tensorflow" if BACKEND == "jax" else "keras-3@jax"):
        with semantics.use(preset):
            sizes.append(np.std(activations.softmax.forward(z)[1](dy) - exactly))
    # The standard deviation of 4,000 errors is known to about a hundredth; the two formulas differ by a factor of two.
    assert [0.9 < sizes[0] / each < 1.1 for each in sizes[1:]] == [True, False]
    assert (rule("softmax_gradient") == "of the quotient") == (BACKEND == "jax")


@shows("softmax_crossentropy_gradient")
@pytest.mark.skipif(BACKEND == "numpy", reason="no gradients")
def test_gradient_of_targets_that_do_not_add_up_to_1():
    t, z = np.array([[0.5, 0.25, 2.0]], "float32"), np.array([[1.0, -0.5, 0.25]], "float32")
    derived = value_and_gradients(lambda z: keras.losses.categorical_crossentropy(t, z, from_logits=True), [z])
    _, pullback = losses.categorical_crossentropy.forward(exact(t), exact(z), from_logits=True)
    assert_agrees(pullback(1.0), derived.gradients[0])
    assert (rule("softmax_crossentropy_gradient") != "softmax - t") == (BACKEND != "tensorflow")
    with semantics.use("keras-3@jax" if BACKEND == "tensorflow" else "keras-3@tensorflow"):
        _, other = losses.categorical_crossentropy.forward(exact(t), exact(z), from_logits=True)
    assert_differs(other(1.0), derived.gradients[0])


@shows("sparse_label_out_of_range")
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label", [3, -1])
def test_labels_that_are_no_class(label, from_logits):
    p = np.array([[0.2, 0.5, 0.3]], "float32")

    def run(module, given):
        result = module.losses.sparse_categorical_crossentropy(np.array([label]), given, from_logits=from_logits)
        return np.abs(numpy(result)).tolist()

    mine, real = outcome(lambda: run(refkeras, p)), outcome(lambda: run(keras, tensor(p)))
    assert mine == real
    wanted = {"error": ValueError, "IndexError": IndexError, "zero": [0.0]}
    wanted["negative is zero"] = [0.0] if label < 0 else IndexError
    assert real == wanted[rule("sparse_label_out_of_range")]


AXES = [
    *([(3,), (2, 3), 0], [(3,), (3, 3), 0], [(3, 1), (3, 3), 0], [(1, 3), (3, 3), 0], [(2, 3), (2, 3, 3), 1]),
    *([(2, 3), (2, 3, 4), 1], [(2, 4), (2, 3, 4), 1], [(2, 3, 1), (2, 3, 3), 1], [(2, 1, 3), (2, 3, 3), -2]),
    *([(2, 3), (2, 3, 4), 2], [(4, 4), (3, 4, 4), 0], [(3, 4), (3, 4, 4), 1]),
]


@shows("sparse_crossentropy_axis")
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(("labels", "shape", "axis"), AXES)
def test_classes_along_other_axes(labels, shape, axis, from_logits):
    random = np.random.default_rng(5)
    p = random.uniform(0.1, 1, shape).astype("float32")
    p /= p.sum(axis, keepdims=True)
    y = random.integers(0, shape[axis], labels)
    given_ = {"axis": axis, "from_logits": from_logits}
    mine = outcome(lambda: losses.sparse_categorical_crossentropy(y, exact(p), **given_))
    real = outcome(lambda: numpy(keras.losses.sparse_categorical_crossentropy(y, tensor(p), **given_)))
    if isinstance(real, type):
        assert mine is real
    else:
        assert_agrees(mine, real)
    if labels == (3,) and shape == (2, 3):
        assert isinstance(real, type) == (rule("sparse_crossentropy_axis") != "any")
        assert isinstance(real, type) == (BACKEND != "torch" and is_keras_3())
    if labels == (2, 3) and shape == (2, 3, 3):
        assert isinstance(real, type) == (rule("sparse_crossentropy_axis") == "last")


@shows("argmax_of_nan", "argmax_orders_zeros")
def test_the_largest_of_nans_and_zeros():
    rows = np.array([[1, np.nan, 3], [np.nan, 1, 2], [3, 1, np.nan], [-0.0, 0.0, -1.0]], "float32")
    for label in range(3):
        labels = np.full(4, label)
        real = numpy(keras.metrics.sparse_categorical_accuracy(labels, tensor(rows)))
        np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(labels, rows), real)
    first = numpy(keras.metrics.sparse_categorical_accuracy(np.array([1, 0, 2, 1]), tensor(rows)))
    assert first[:3].tolist() == [float(rule("argmax_of_nan") == "first")] * 3
    assert first[3] == rule("argmax_orders_zeros") == (BACKEND != "torch" and is_keras_3())


def test_a_masked_mean_is_not_the_mean_of_masked_batches():
    """On every engine: what evaluate() reports of a masked loss depends on the batch size."""
    x, y = np.ones((4, 3, 2), "float32"), np.arange(12, dtype="float32").reshape(4, 3, 1)
    x[0, 1:] = x[1, 1:] = 0
    seen = []
    for k in (refkeras, keras):
        model = k.Sequential([k.Input((3, 2)), k.layers.Masking(), k.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        with bars_of(model):
            seen.append([model.evaluate(x, y, batch_size=size, verbose=0) for size in (1, 2, 3, 4)])
    for mine, real in zip(*seen, strict=True):
        assert_agrees(mine, np.float32(real))
    assert seen[1][0] < 24 and seen[1][3] > 34


# -- LSTM -------------------------------------------------------------------------------------------------


def lstms(**arguments):
    arguments["return_sequences"] = True
    ours, theirs = make_both(semantics.current().name, lambda layers: layers.LSTM(2, **arguments))
    theirs.build(X.shape)
    ours.build(X.shape)
    random = np.random.default_rng(3)
    theirs.set_weights([random.normal(size=w.shape).astype("float32") * 0.5 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@shows("masked_first_output", "unrolled_output_is_zeroed", "unrolled_backwards_mask_fails")
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeroed", [False, True])
@pytest.mark.parametrize("unroll", [False, True])
def test_masked_outputs(unroll, zeroed, backwards):
    """A step that counts between two that do not, from a state that is not zero; values and gradients."""
    ours, theirs = lstms(unroll=unroll, zero_output_for_mask=zeroed, go_backwards=backwards)
    dy = np.arange(1, 7, dtype="float32").reshape(1, 3, 2)
    real = outcome(
        lambda: run_engine(theirs, X, [dy], mask_argument=MASK, initial_state=STATES, wanted=["initial_state"])
    )
    mine = outcome(lambda: run_ours(ours, X, [dy], mask_argument=MASK, initial_state=STATES, bars="float32"))
    if isinstance(real, type):
        assert mine is real is AttributeError
        assert unroll and backwards and rule("unrolled_backwards_mask_fails")
        return
    both = [[*side.outputs, *side.d_inputs, *side.d_weights] for side in (mine, real)]
    for a, b in zip(*both, strict=True):
        assert_agrees(a, np.zeros(a.shape, "float32") if b is None else b)
    first, _, last = real.outputs[0][0]
    if not zeroed:
        shown = "zero" if unroll or not first.any() else "initial state"
        assert shown == ("zero" if unroll else rule("masked_first_output"))
    elif unroll:
        assert (not last.any()) == rule("unrolled_output_is_zeroed") == (BACKEND in ("tensorflow", "torch"))


@shows("empty_batch_runs")
def test_no_samples():
    ours, theirs = lstms()
    mine = outcome(lambda: array(ours(X[:0])).shape)
    assert mine == outcome(lambda: numpy(theirs(tensor(X[:0]))).shape)
    assert (mine == (0, 3, 2)) == rule("empty_batch_runs") == (BACKEND != "tensorflow" or not is_keras_3())


# -- training -----------------------------------------------------------------------------------------------


def dense(k, **arguments):
    model = k.Sequential([k.Input((2,)), k.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae"], **arguments)
    return model


@shows("test_on_batch_resets")
def test_test_on_batch_forgets():
    x, y = np.arange(8, dtype="float32").reshape(4, 2), np.ones((4, 1), "float32")
    seen = []
    for model in map(dense, (refkeras, keras)):
        with bars_of(model):
            seen.append([model.test_on_batch(x[i : i + 2], y[:2]) for i in (0, 2)])
    for results in zip(*seen, strict=True):
        for mine, real in zip(*results, strict=True):
            assert_agrees(mine, np.float32(real))
    mean = (16 + 0 + 144 + 64) / 4  # of (x₁ + x₂ − 1)²: 0, 16, 64 and 144
    assert (seen[1][1][0] == mean) == (not rule("test_on_batch_resets")) == (BACKEND == "numpy")


@shows("steps_per_execution_allowed")
def test_steps_per_execution():
    def run(k):
        dense(k, steps_per_execution=2).evaluate(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)

    kinds = [outcome(lambda k=k: run(k)) for k in (refkeras, keras)]
    assert kinds[0] is kinds[1] is (None if rule("steps_per_execution_allowed") else ValueError)
    assert rule("steps_per_execution_allowed") == (BACKEND != "torch")


@shows("trainable_is_read")
@pytest.mark.skipif(BACKEND in ("numpy", "jax"), reason="does not train, or fails when a layer is frozen after fit()")
def test_a_layer_frozen_after_training():
    x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    moved = []
    for k in (refkeras, keras):
        model = dense(k)
        model.fit(x, y, verbose=0)
        model.layers[-1].trainable = False
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        moved.append(any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)))
    # Where it is compiled and runs eagerly, nothing is traced.
    traced = rule("trainable_is_read") == "when traced" and (MODE != "eager" or not is_keras_3())
    assert moved == [traced or rule("trainable_is_read") == "at compile"] * 2


@shows("jit_compile_auto")
def test_what_auto_is_saved_as():
    seen = [
        [dense(k, run_eagerly=e).get_compile_config()["jit_compile"] for e in (False, True)] for k in (refkeras, keras)
    ]
    assert seen[0] == seen[1]
    assert not is_keras_3() or seen[0] == [rule("jit_compile_auto"), False]
    assert rule("jit_compile_auto") == (BACKEND in ("jax", "numpy"))


@shows("text_as_number")
def test_text_where_a_number_belongs():
    """A dict of targets for one output is taken for the list of its keys; a learning rate that is a string."""

    def targets(k):
        dense(k).test_on_batch(np.ones((2, 2), "float32"), {"a": np.ones((2, 1), "float32")})

    def rate(k):
        k.optimizers.SGD().learning_rate = "x"

    def kind(run, k):  # a backend's own error has no other name here
        try:
            return run(k)
        except Exception as error:
            return type(error)

    mine, real = ([kind(run, k) for run in (targets, rate)] for k in (refkeras, keras))
    assert mine == real
    if is_keras_3():
        wanted = TypeError if rule("text_as_number") == "TypeError" else ValueError
        assert real == [wanted] * 2
        assert (wanted is TypeError) == (BACKEND == "tensorflow")


@KERAS_3_ALONE
@shows("iterations_dtype", "optimizer_scalars")
def test_what_an_optimizer_counts_and_multiplies_with():
    """The second step of SGD adds momentum times the first: 0.9 in float64, or float64(float32(0.9))."""
    moved = []
    for k in (refkeras, keras):
        with double():
            optimizer = k.optimizers.SGD(1.0, momentum=0.9)
            w = k.Variable(np.zeros(1), dtype="float64")
            for _ in range(2):
                optimizer.apply([tensor(np.ones(1)) if k is keras else np.ones(1)], [w])
            assert keras.backend.standardize_dtype(optimizer.iterations.dtype) == rule("iterations_dtype")
            moved.append(float(numpy(w)[0]))
    assert (rule("iterations_dtype") == "int64") == (BACKEND == "tensorflow")
    if BACKEND == "numpy":  # which has no float64
        return
    assert moved[0] == moved[1]
    assert (moved[0] == -1 - (0.9 + 1)) == (rule("optimizer_scalars") == "exact") == (BACKEND != "tensorflow")


@KERAS_3_ALONE
@shows("adam_moments")
def test_how_adams_averages_move():
    """0.9984 and 1 - 0.9984, each rounded to float32, add up to 1 - 2.7e-8: by so much a step m falls short, or not."""
    gradient, settings = np.float32([1.0, -0.75, 3.0]), {"learning_rate": 0.5, "beta_1": 0.9984}
    optimizer, w = keras.optimizers.Adam(**settings), keras.Variable(np.zeros(3, "float32"))
    for _ in range(300):
        optimizer.apply([tensor(gradient)], [w])

    def averages(engine):
        with semantics.use(engine):
            own, weights = refkeras.optimizers.Adam(**settings), with_bars([refkeras.Variable(np.zeros(3, "float32"))])
            own.build(weights)
            for _ in range(300):
                own.apply([exact(gradient)], weights)
        return own._momentums[0].value

    m, others = numpy(optimizer.variables[2]), {"difference": "keras-3@torch", "sum": "keras-3@jax"}
    assert_agrees(averages(KERAS_3), m)
    assert_differs(averages(others[rule("adam_moments")]), m)
    assert (rule("adam_moments") == "sum") == (BACKEND == "torch")


def test_masks_are_given_as_keras_gives_them():
    """`with_mask` is seen by a loss of Keras: without it the masked sample would count."""
    y, p, mask = np.zeros((2, 1), "float32"), np.array([[1.0], [5.0]], "float32"), np.array([True, False])
    real = numpy(keras.losses.MeanSquaredError()(tensor(y), with_mask(tensor(p), mask)))
    assert_agrees(losses.MeanSquaredError()(wrap(exact(y)), wrap(exact(p), mask)), real)
    assert real < 1.5
