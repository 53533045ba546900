"""Metrics: state and results of refkeras and of Keras over the same batches."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests import keras_2_0_losses as recorded
from parity_tests.agreement import assert_agrees, assert_same, exactly
from parity_tests.engines import BACKEND, ENGINES, NATIVE_ERRORS, both_kerases, keras, numpy, tensor, tf_keras
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import metrics, precision, semantics
from refkeras.saving import custom_object_scope
from refkeras.tensor import unwrap, wrap

KERAS_2_0 = json.loads(recorded.RECORD.read_text())
ERRORS = (ValueError, *NATIVE_ERRORS, IndexError)
both = pytest.mark.parametrize("engine", ENGINES)
engines = st.sampled_from(list(ENGINES))
many = examples(40)

ELEMENTWISE = ["MeanSquaredError", "MeanAbsoluteError", "RootMeanSquaredError", "MeanAbsolutePercentageError"]
ELEMENTWISE += ["MeanSquaredLogarithmicError", "LogCoshError", "CosineSimilarity", "Hinge", "SquaredHinge"]
ELEMENTWISE += ["CategoricalHinge", "Poisson"]
CROSSENTROPIES = ["KLDivergence", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"]
ACCURACIES = ["Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"]
TOP_K = ["TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"]
ACCURACIES += TOP_K


def scores(rng, shape):
    """Numbers with ties, zeros of both signs, the thresholds that are tried and now and then a NaN."""
    p = rng.choice([*rng.normal(size=4), 0.0, -0.0, 0.3, 0.5, 1.0], shape)
    return np.where(rng.random(shape) < rng.choice([0.0, 0.3]), np.nan, p).astype("float32")


def batch(name, rng, shape):
    if name in ACCURACIES:
        p = scores(rng, shape)
        if name == "Accuracy":
            return np.where(rng.random(shape) < 0.5, p, 1.0).astype("float32"), p
        if name == "BinaryAccuracy":
            return rng.choice([0.0, 1.0, 0.5], shape).astype("float32"), p
        if name in ("CategoricalAccuracy", "TopKCategoricalAccuracy"):
            return scores(rng, shape), p
        return rng.integers(0, shape[-1], shape[:-1]).astype(rng.choice(["int32", "float32"])), p
    p = rng.uniform(0.05, 0.95, shape).astype("float32")
    if name == "SparseCategoricalCrossentropy":
        return rng.integers(0, shape[-1], shape[:-1]), p
    return rng.random(shape).astype("float32"), p


def weights_of(data, rng, shape):
    kind = data.draw(st.sampled_from([None, None, "()", "B", "B1", "BT", "BT1", "B11", "1", "T", "wrong"]))
    if kind is None:
        return None
    if kind == "wrong":
        return np.ones((shape[0] + 1, 2), "float32")
    sizes = {"B": shape[0], "T": shape[1] if len(shape) > 1 else 1, "1": 1}
    return rng.uniform(0.0, 2.0, [sizes[c] for c in kind.strip("()")]).astype("float32")


@pytest.mark.parametrize("name", ELEMENTWISE + CROSSENTROPIES + ACCURACIES)
@examples(12)
@given(engine=engines, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_metrics(name, engine, seed, data):
    """Three batches of different sizes; the state is compared after each."""
    rng = np.random.default_rng(seed)
    arguments = {}
    if name in TOP_K:
        arguments["k"] = data.draw(st.sampled_from([1, 2, 3, 5]))
    elif name == "CosineSimilarity":
        arguments["axis"] = data.draw(st.sampled_from([-1, 0, 1]))
    elif name == "BinaryAccuracy":
        arguments["threshold"] = data.draw(st.sampled_from([0.5, 0.3, 0.0]))
    elif name == "KLDivergence":
        pass
    elif name in CROSSENTROPIES and data.draw(st.booleans()):
        arguments["from_logits"] = True
    elif name == "CategoricalCrossentropy":
        arguments["label_smoothing"] = 0.1
    theirs = getattr(ENGINES[engine].metrics, name)(**arguments)
    with semantics.use(engine):
        ours = getattr(metrics, name)(**arguments)
        barred = getattr(metrics, name)(**arguments)
    inner = data.draw(st.sampled_from([(3,), (2, 4), (1, 3), (5, 2)]))
    with precision.bars(barred):
        run_batches(name, engine, (theirs, ours, barred), rng, data, inner)
    ours.reset_state()
    assert all(variable.value == 0 for variable in ours.variables)
    assert ours.result() == 0


def run_batches(name, engine, sides, rng, data, inner):
    theirs, ours, barred = sides
    for size in (2, 5, 1):
        shape = (size, *inner)
        y, p = batch(name, rng, shape)
        weights = weights_of(data, rng, shape)
        mask = rng.random(shape[:-1]) < 0.6 if data.draw(st.booleans(), "masked") else None
        before = [numpy(variable) for variable in theirs.variables]
        try:
            theirs.update_state(tensor(y), tensor(p, mask), None if weights is None else tensor(weights))
        except ERRORS:
            with semantics.use(engine), pytest.raises(ERRORS):
                ours.update_state(y, wrap(p, mask), weights)
            for variable, value in zip(theirs.variables, before, strict=True):
                variable.assign(value)
            continue
        with semantics.use(engine):
            ours.update_state(y, wrap(p, mask), weights)
            update_barred(barred, y, p, weights, mask)
        for variable, mine, other in zip(barred.variables, ours.variables, theirs.variables, strict=True):
            assert_agrees(variable.value, mine.value, what=f"{mine.path} on plain arrays")
            assert_agrees(variable.value, numpy(other), what=mine.path)
    bar = unwrap(barred.result())[0]
    assert_agrees(bar, ours.result(), what="result on plain arrays")
    assert_agrees(bar, numpy(theirs.result()), what="result")


def update_barred(metric, y, p, weights=None, mask=None):
    y, p, weights = exactly((y, p, weights))
    metric.update_state(y, wrap(p, mask), weights)


value_shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@many
@given(st.sampled_from(["Mean", "Sum"]), engines, st.lists(st.tuples(value_shapes, st.data()), min_size=1, max_size=3))
def test_reductions(name, engine, updates):
    theirs = getattr(ENGINES[engine].metrics, name)()
    ours, barred = getattr(metrics, name)(), getattr(metrics, name)()
    with precision.bars(barred):
        reduce_all(engine, (theirs, ours, barred), updates)
        for variable, mine, other in zip(barred.variables, ours.variables, theirs.variables, strict=True):
            assert_agrees(variable.value, mine.value, what=f"{mine.path} on plain arrays")
            assert_agrees(variable.value, numpy(other), what=mine.path)
        bar = barred.result()
    assert_agrees(bar, ours.result(), what="result on plain arrays")
    assert_agrees(bar, numpy(theirs.result()), what="result")


def reduce_all(engine, sides, updates):
    theirs, ours, barred = sides
    for shape, data in updates:
        rng = np.random.default_rng(sum(shape))
        values = rng.normal(size=shape).astype("float32")
        weights = None
        if data.draw(st.booleans()):
            weights = rng.random(data.draw(st.sampled_from([shape[:i] for i in range(len(shape) + 1)])))
            weights = weights.astype("float32")
        before = [numpy(variable) for variable in theirs.variables]
        try:
            theirs.update_state(values, weights)
        except ERRORS:
            with semantics.use(engine), pytest.raises(ERRORS):
                ours.update_state(values, weights)
            for variable, value in zip(theirs.variables, before, strict=True):
                variable.assign(value)
            continue
        with semantics.use(engine), np.errstate(all="ignore"):
            ours.update_state(values, weights)
            barred.update_state(*exactly((values, weights)))


@both
def test_running_means_of_numbers(engine):
    """What a training loop does: batch losses, weighted by the size of the batch."""
    theirs, ours = ENGINES[engine].metrics.Mean(), metrics.Mean()
    with semantics.use(engine):
        for value, weight in [(0.7, 32), (np.float32(0.1), 32), (1, None), (np.float64(1e-3), 7), (3.3, 1.5)]:
            theirs.update_state(value, sample_weight=weight)
            ours.update_state(value, sample_weight=weight)
            assert [v.value for v in ours.variables] == [numpy(v) for v in theirs.variables]
            assert ours.result() == numpy(theirs.result())


shapes = st.sampled_from([(), (1,), (4,), (4, 1), (4, 3), (5, 3), (4, 2, 1), (4, 2), (4, 2, 3), (3, 3), (1, 3), (1,)])
FUNCTIONS = ["binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"]


@shows("binary_accuracy_function", "sparse_accuracy_broadcasts")
@many
@given(st.sampled_from(FUNCTIONS), shapes, shapes, st.integers(0, 99), engines)
def test_accuracy_functions(name, true_shape, pred_shape, seed, engine):
    """Any two shapes: the same matches, or an error on both sides."""
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, 3, true_shape).astype("float32"), scores(rng, pred_shape)
    try:
        expected = numpy(getattr(ENGINES[engine].metrics, name)(tensor(y), tensor(p)))
    except ERRORS:
        expected = None
    with semantics.use(engine):
        if expected is None:
            with pytest.raises(ERRORS):
                getattr(metrics, name)(y, p)
            return
        value = getattr(metrics, name)(y, p)
    assert_same(value, expected)


@shows("sparse_accuracy_broadcasts")
@both
def test_as_many_labels_for_each_row_as_rows(engine):
    """Labels (3, 3) beside scores (3, 3): each row is compared with the predictions of all, or refused."""
    y, p = np.array([[0, 1, 2], [0, 0, 1], [2, 2, 2]], "float32"), np.eye(3, dtype="float32")

    def matches(module, given):
        try:
            return numpy(module.metrics.sparse_categorical_accuracy(y, given)).tolist()
        except ERRORS:
            return "refused"

    with semantics.use(engine):
        mine = matches(refkeras, p)
    assert mine == matches(ENGINES[engine], tensor(p))


@shows("argmax_orders_zeros")
@both
@pytest.mark.parametrize("width", [2, 3, 8, 33])
def test_largest_of_ties_zeros_and_nans(engine, width):
    rng = np.random.default_rng(width)
    rows = rng.choice([np.nan, -np.inf, np.inf, 0.0, -0.0, 1.0, -1.0, 1e-40], (400, width), p=[0.2, *[0.8 / 7] * 7])
    rows = rows.astype("float32")
    labels = rng.integers(0, width, 400)
    module = ENGINES[engine].metrics
    with semantics.use(engine):
        positive = rng.choice([0.5, 1.0, 2.0], rows.shape).astype("float32")
        for p in (rows, positive):
            for y, name in ((p[::-1].copy(), "categorical_accuracy"), (labels, "sparse_categorical_accuracy")):
                assert np.array_equal(getattr(metrics, name)(y, p), getattr(module, name)(y, p))
        zeros = metrics.categorical_accuracy([[0, 1.0]], [[-0.0, 0.0]])
    assert float(zeros[0]) == semantics.get(engine).argmax_orders_zeros


@both_kerases
@shows("mean_metric_counts")
def test_mean_metric_counts():
    """Batches of 2 × 3 and of 2 × 6: four samples, or eighteen elements."""
    results = []
    for engine, module in ENGINES.items():
        theirs, ours = module.metrics.Mean(), metrics.Mean()
        for shape, value in (((2, 3), 0.0), ((2, 6), 1.0)):
            theirs.update_state(np.full(shape, value, "float32"))
            with semantics.use(engine):
                ours.update_state(np.full(shape, value, "float32"))
        assert ours.result() == numpy(theirs.result())
        results.append(float(ours.result()))
    assert results == [0.5, np.float32(12 / 18)]


@shows("metric_numbers")
@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend has no float64")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "values",
    [0.1, [0.1], [[0.1]], (0.1,), np.float64(0.1), [np.float64(0.1)], [0.1, np.float64(0.3)], [np.float64(0.1), 0.3]],
    ids=repr,
)
def test_python_numbers_given_to_metrics(values, dtype):
    """A list of Python numbers is float32 in TensorFlow before it is cast to the metric's dtype."""
    if dtype == "float64" and BACKEND == "jax":
        pytest.skip("JAX has no float64 unless it is told to")
    given = [(engine, *both) for engine in ENGINES for both in ((values, None), (np.ones(np.shape(values)), values))]
    for engine, numbers, weights in given:
        with semantics.use(engine):
            for name in ("Sum", "Mean")[: 2 if BACKEND == "tensorflow" else 1]:  # PyTorch takes means in float32
                theirs, ours = getattr(ENGINES[engine].metrics, name)(dtype=dtype), getattr(metrics, name)(dtype=dtype)
                theirs.update_state(numbers, sample_weight=weights)
                ours.update_state(numbers, sample_weight=weights)
                # One number, or one sum of two: no order of additions can matter.
                assert_same(numpy(ours.total), numpy(theirs.total))
        if type(values) is float and dtype == "float64":
            rule = semantics.get(engine).metric_numbers
            rounded = rule == "all rounded" or (weights is None and rule == "values rounded")
            assert (float(ours.total.numpy()) != 0.1) == rounded


@shows("metrics_cast")
@both_kerases
def test_metrics_cast():
    """tf_keras squeezes (batch, 1) beside (batch,) for a function; Keras 3 leaves it as it is."""
    seen = []

    def look(y_true, y_pred):
        seen.append((tuple(y_true.shape), tuple(y_pred.shape), np.dtype(str(np.asarray(y_pred).dtype))))
        return abs(y_pred - y_true)

    y, p = np.array([1.0, 2.0, 4.0]), np.array([[1.5], [2.0], [3.0]])
    for engine, module in ENGINES.items():
        theirs = module.metrics.MeanMetricWrapper(fn=look)
        with semantics.use(engine):
            ours = metrics.MeanMetricWrapper(look)
            ours.update_state(y, p)
        theirs.update_state(tensor(y), tensor(p))
        assert seen[-1] == seen[-2]
        # Sums of halves and whole numbers, and one quotient.
        assert_same(ours.result(), numpy(theirs.result()))
    assert seen[0][:2] == ((3,), (3, 1))
    assert seen[2][:2] == ((3,), (3,))


@both_kerases
@shows("metrics_use_mask")
def test_metrics_use_mask():
    y, p = np.array([[1.0], [2.0], [4.0]], "float32"), np.array([[1.0], [3.0], [0.0]], "float32")
    mask = np.array([True, True, False])  # which a cast from another dtype would lose
    results = []
    for engine, module in ENGINES.items():
        theirs = module.metrics.MeanSquaredError()
        theirs.update_state(tensor(y), tensor(p, mask))
        with semantics.use(engine):
            ours = metrics.MeanSquaredError()
            ours.update_state(y, wrap(p, mask))
        # Sums of whole numbers, and one quotient.
        assert_same(ours.result(), numpy(theirs.result()))
        results.append(float(ours.result()))
    assert results == [0.5, np.float32(17 / 3)]


@shows("value_mask")
@both_kerases
def test_value_mask():
    """What ignore_class leaves out counts as a 0 in Keras 3, unless there are weights."""
    y, p = np.array([0, 1, -1, 2]), np.random.default_rng(2).uniform(0.1, 0.9, (4, 3)).astype("float32")
    results = []
    for weights in (None, np.array([1.0, 2.0, 5.0, 0.5], "float32")):
        for engine, module in ENGINES.items():
            theirs = module.metrics.SparseCategoricalCrossentropy(ignore_class=-1)
            theirs.update_state(y, p, weights)
            with semantics.use(engine):
                ours = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
                with precision.bars(ours):
                    ours.update_state(*exactly((y, p, weights)))
                    results.append(ours.result())
            assert_agrees(results[-1], numpy(theirs.result()))
    plain = [result.value.astype("float32") for result in results]
    assert_agrees(results[0] * 4.0 / 3.0, plain[1])
    assert_agrees(results[2], plain[3])


@both_kerases
@shows("accuracy_broadcasts")
def test_accuracy_broadcasts():
    y, p = np.array([[1.0], [2.0]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    keras_metric, tf_keras_metric = keras.metrics.Accuracy(), tf_keras.metrics.Accuracy()
    assert metrics.Accuracy()(y, p) == numpy(keras_metric(y, p))
    with pytest.raises(ValueError, match="incompatible"):
        tf_keras_metric(y, p)
    with semantics.use("tf_keras"), pytest.raises(ValueError, match="incompatible"):
        metrics.Accuracy()(y, p)


@shows("binary_accuracy_rounds")
def test_binary_accuracy_rounds():
    t, p = recorded.METRICS["binary_accuracy"]
    for engine, module in ENGINES.items():
        expected = numpy(module.metrics.BinaryAccuracy()(t, p))
        with semantics.use(engine):
            assert metrics.BinaryAccuracy()(t, p) == expected < 1
    with semantics.use("keras-2.0"):
        assert np.array_equal(metrics.binary_accuracy(t, p), KERAS_2_0["metrics"]["binary_accuracy"])


@pytest.mark.parametrize("name", ["categorical_accuracy", "sparse_categorical_accuracy"])
def test_accuracies_of_keras_2_0(name):
    t, p = recorded.METRICS[name]
    with semantics.use("keras-2.0"):
        assert np.array_equal(getattr(metrics, name)(t, p), KERAS_2_0["metrics"][name])


NAMES = ["accuracy", "Accuracy", "mse", "MSE", "mae", "MAE", "mean_squared_error", "MeanSquaredError", "BinaryAccuracy"]
NAMES += ["binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "binary_crossentropy"]
NAMES += ["categorical_crossentropy", "sparse_categorical_crossentropy", "mean_absolute_error", "Mean"]
NAMES += ["mape", "MAPE", "msle", "MSLE", "MeanSquaredLogarithmicError", "mean_absolute_percentage_error", "hinge"]
NAMES += ["squared_hinge", "CategoricalHinge", "KLDivergence", "poisson", "cosine_similarity", "CosineSimilarity"]
NAMES += ["LogCoshError", "R2Score", "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy"]
NAMES += ["TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"]


@shows("metric_names_make")
@both
@pytest.mark.parametrize("identifier", NAMES)
def test_names(engine, identifier):
    expected = ENGINES[engine].metrics.get(identifier)
    with semantics.use(engine):
        found = metrics.get(identifier)
    if hasattr(expected, "update_state"):
        assert type(found).__name__ == type(expected).__name__
        assert found.name == expected.name
    else:
        assert engine == "tf_keras"
        assert found.__name__ == expected.__name__


@both_kerases
def test_names_of_one_engine():
    known = ("root_mean_squared_error", "mean", "bce", "BCE", "kl_divergence", "log_cosh_error", "r2_score")
    for identifier in known:
        assert type(metrics.get(identifier)).__name__ == type(keras.metrics.get(identifier)).__name__
        with semantics.use("tf_keras"), pytest.raises(ValueError, match="Could not interpret"):
            metrics.get(identifier)
    unknown = ("acc", "crossentropy", "acuracy", "", 3, "kld", "huber", "log_cosh", "logcosh", "cosine_proximity")
    for identifier in unknown:
        for module in (keras, refkeras):
            with pytest.raises(ValueError, match="Could not interpret metric identifier"):
                module.metrics.get(identifier)
    with semantics.use("tf_keras"):
        for identifier in ("acc", "logcosh", "log_cosh", "kullback_leibler_divergence", "cosine_proximity"):
            assert metrics.get(identifier).__name__ == tf_keras.metrics.get(identifier).__name__


@both_kerases
@shows("names_find_custom_objects")
def test_names_find_custom_objects():
    def mine(y_true, y_pred):
        return abs(y_pred - y_true)

    with tf_keras.utils.custom_object_scope({"mine": mine}):
        assert tf_keras.metrics.get("mine") is mine
    with keras.utils.custom_object_scope({"mine": mine}), pytest.raises(ValueError, match="Could not interpret"):
        keras.metrics.get("mine")
    with custom_object_scope({"mine": mine}):
        with pytest.raises(ValueError, match="Could not interpret"):
            metrics.get("mine")
        with semantics.use("tf_keras"):
            assert metrics.get("mine") is mine


@shows("add_weight_name_first")
@both_kerases
def test_add_weight_name_first():
    def positional(module):
        class Own(module.metrics.Metric):
            def __init__(self):
                super().__init__(name="own")
                self.hits = self.add_weight("hits", initializer="zeros")

            def update_state(self, *arguments):
                pass

            def result(self):
                return self.hits

        return Own().hits

    assert positional(tf_keras).name.startswith("hits")
    with semantics.use("tf_keras"):
        assert positional(refkeras).name == "hits"
    for module in (keras, refkeras):
        with pytest.raises((ValueError, TypeError)):
            positional(module)


CLASSES = [*ELEMENTWISE, *CROSSENTROPIES, *ACCURACIES, "Mean", "Sum", "R2Score"]


@pytest.mark.parametrize("name", CLASSES)
def test_configs_and_variables(name):
    theirs, ours = getattr(keras.metrics, name)(), getattr(metrics, name)()
    assert ours.get_config() == theirs.get_config()
    assert metrics.serialize(ours) == keras.metrics.serialize(theirs)
    again = metrics.deserialize(keras.metrics.serialize(theirs))
    assert again.get_config() == theirs.get_config()
    for mine, other in zip(ours.variables, theirs.variables, strict=True):
        assert (mine.name, mine.path, mine.shape, mine.dtype) == (other.name, other.path, other.shape, other.dtype)
        assert not mine.trainable
    assert repr(ours) == repr(theirs)
    if tf_keras:
        with semantics.use("tf_keras"):
            assert getattr(metrics, name)().name == getattr(tf_keras.metrics, name)().name
    assert ours._direction == getattr(theirs, "_direction", None)
    assert getattr(metrics, name)(name="other").name == "other"


@shows("metric_reset_states")
@pytest.mark.parametrize("engine", ENGINES)
def test_reset_states(engine):
    def run(k):
        metric = k.metrics.Mean()
        metric.update_state([1.0, 3.0])
        if hasattr(metric, "reset_states"):
            metric.reset_states()
        return float(metric.result())

    with semantics.use(engine):
        assert run(refkeras) == run(ENGINES[engine]) == (0.0 if engine == "tf_keras" else 2.0)
