"""R2Score and the accuracies of the k best: states and results over batches, errors, and where engines differ."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees, assert_same, exactly
from parity_tests.engines import ENGINES, KERAS_3, NATIVE_ERRORS, both_kerases, keras, tf_keras, trains
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import metrics, precision, semantics
from refkeras.errors import InvalidArgumentError

ERRORS = (ValueError, *NATIVE_ERRORS)
engines = st.sampled_from(list(ENGINES))
many = examples(40)
aggregations = st.sampled_from(["uniform_average", "variance_weighted_average", None])


def outcome(call):
    """The value, or the family of the error."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = np.asarray(call())
        return value, [str(w.message) for w in caught if w.category is UserWarning]
    except ERRORS:
        return ValueError, []


@shows("r2_state", "r2_matches_ranks")
@many
@given(engines, aggregations, st.sampled_from([0, 1, 5, 7, 8, 30]), st.integers(0, 2**32 - 1), st.data())
def test_r2_score(engine, aggregation, regressors, seed, data):
    """Batches of several shapes and weights: the same states, scores and warnings, or an error on both sides."""
    rng = np.random.default_rng(seed)
    theirs = ENGINES[engine].metrics.R2Score(aggregation, regressors)
    with semantics.use(engine):
        ours, barred = (metrics.R2Score(aggregation, regressors) for _ in range(2))
    with precision.bars(barred):
        if not run_batches(engine, (theirs, ours, barred), rng, data):
            return
        with semantics.use(engine), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bar = barred.result()
    expected, said = outcome(theirs.result)
    with semantics.use(engine):
        found, ours_said = outcome(lambda: ours.result().array)
    assert ours_said == said
    assert_agrees(bar, found, what="on plain arrays")
    assert_agrees(bar, expected)
    ours.reset_state()
    assert all(not variable.value.any() for variable in ours.variables)


def run_batches(engine, sides, rng, data):
    """Update all sides; return whether they have seen data."""
    theirs, ours, barred = sides
    outputs = data.draw(st.integers(1, 3))
    for size in data.draw(st.sampled_from([(4,), (8,), (2, 5, 1), (4, 4)])):
        y_shape, p_shape = data.draw(
            st.sampled_from(
                [((size, outputs),) * 2] * 4 + [((size,), (size, 1)), ((size, 1), (size, 2)), ((size,),) * 2]
            )
        )
        y, p = rng.normal(size=y_shape).astype("float32"), rng.normal(size=p_shape).astype("float32")
        kinds = {"B": (size,), "B1": (size, 1), "()": (), "BO": y_shape, "1O": (1, outputs), "wrong": (size + 1,)}
        kind = data.draw(st.sampled_from([None, None, *kinds]))
        weights = None if kind is None else rng.uniform(0.1, 2.0, kinds[kind]).astype("float32")
        before = [variable.numpy() for variable in theirs.variables]
        expected, _ = outcome(lambda y=y, p=p, w=weights: (theirs.update_state(y, p, w), 0)[1])
        with semantics.use(engine):
            found, _ = outcome(lambda y=y, p=p, w=weights: (ours.update_state(y, p, w), 0)[1])
            again, _ = outcome(lambda y=y, p=p, w=weights: (barred.update_state(*exactly((y, p, w))), 0)[1])
        assert (found is ValueError) == (again is ValueError) == (expected is ValueError)
        if expected is ValueError:
            for variable, value in zip(theirs.variables, before, strict=False):
                variable.assign(value)
            if len(theirs.variables) != len(ours.variables):
                return False  # Keras made its variables for a batch that it then refused
            continue
        for variable, mine, other in zip(barred.variables, ours.variables, theirs.variables, strict=True):
            assert mine.value.dtype == other.dtype
            if mine.value.dtype.kind == "i":
                assert_same(mine.value, other.numpy())
                continue
            assert_agrees(variable.value, mine.value, what=f"{mine.name} on plain arrays")
            assert_agrees(variable.value, other.numpy(), what=mine.name)
    return len(theirs.variables) > 1


@pytest.mark.parametrize("shapes", [((5, 1), (5, 2)), ((1,), (1, 1)), ((3,), (3,)), ((4, 2), (4, 2)), ((4, 2), (4, 1))])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_that_does_not_fit_the_state(engine, shapes):
    """It is refused where Keras refuses it, and changes nothing, where Keras may keep some of its sums."""
    rng = np.random.default_rng(len(shapes[0]))
    first = rng.normal(size=(2, 3, 1)).astype("float32")
    y, p = (rng.normal(size=shape).astype("float32") for shape in shapes)
    theirs = ENGINES[engine].metrics.R2Score()
    theirs.update_state(*first)
    with semantics.use(engine):
        ours = metrics.R2Score()
        ours.update_state(*first)
        before = [variable.numpy() for variable in ours.variables]
        refused, _ = outcome(lambda: (theirs.update_state(y, p), 0)[1])
        if refused is ValueError:
            with pytest.raises(InvalidArgumentError, match="as in the first batch"):
                ours.update_state(y, p)
            for variable, value in zip(ours.variables, before, strict=True):
                assert_same(variable.numpy(), value)
        else:
            ours.update_state(y, p)
            for mine, other in zip(ours.variables, theirs.variables, strict=True):
                assert mine.shape == other.shape


@both_kerases
def test_r2_score_of_float64_and_before_data():
    y, p = np.random.default_rng(1).normal(size=(2, 7, 3))
    for engine, module in ENGINES.items():
        theirs = module.metrics.R2Score(dtype="float64")
        with semantics.use(engine):
            ours = metrics.R2Score(dtype="float64")
            for metric in (ours, theirs):
                with pytest.raises(AttributeError, match="sum"):
                    metric.result()
            found = ours(y, p)
            expected = theirs(y, p).numpy()
            if engine == KERAS_3:  # sums of float64, rounded to float32, of which the score is made
                for mine, other in zip(ours.variables, theirs.variables, strict=True):
                    assert_same(mine.value, other.numpy())
                with precision.bars(ours):
                    bar = ours.result()
            else:
                ours = metrics.R2Score(dtype="float64")
                with precision.bars(ours, "float64"):
                    bar = ours(*exactly((y, p), "float64"))
        assert_agrees(bar, found, what="on plain arrays")
        assert_agrees(bar, expected)
        for arguments in ({"class_aggregation": "mean"}, {"num_regressors": -1}):
            for side in (module, refkeras):
                with pytest.raises(ValueError, match="Invalid value for argument"):
                    side.metrics.R2Score(**arguments)


@trains
@pytest.mark.parametrize("engine", ENGINES)
def test_r2_score_in_fit(engine):
    x, y = np.random.default_rng(3).normal(size=(2, 10, 3)).astype("float32")
    histories = []
    for module in (ENGINES[engine], refkeras):
        with semantics.use(engine):
            layer = module.layers.Dense(3, kernel_initializer="ones")
            model = module.Sequential([module.layers.Input((3,)), layer])
            model.compile("sgd", "mse", metrics=[module.metrics.R2Score()], weighted_metrics=[])
            fit = {"batch_size": 4, "epochs": 2, "shuffle": False}
            if module is refkeras:
                histories.append(precision.train(model, x, y, **fit).history)
            else:
                histories.append(model.fit(x, y, verbose=0, **fit).history)
    theirs, ours = histories
    assert list(ours) == list(theirs)
    for key in ours:
        assert_agrees(np.stack(ours[key]), np.float32(theirs[key]), what=key)


@both_kerases
@shows("top_k_of_sorted_ids")
@many
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([(4,), (4, 1), (2, 2), (2, 2, 1)]))
def test_top_k_of_sorted_ids(seed, k, shape):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 6, shape)
    p = rng.integers(0, 6, (*(shape if len(shape) < 3 else shape[:-1]), 5))
    if shape == (4, 1):
        p = p[:, 0]
    for dtype in ("int64", "float32"):
        expected = keras.metrics.sparse_top_k_categorical_accuracy(y, p.astype(dtype), k, from_sorted_ids=True).numpy()
        found = metrics.sparse_top_k_categorical_accuracy(y, p.astype(dtype), k, from_sorted_ids=True)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    theirs = keras.metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True)
    ours = metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True)
    assert ours.get_config() == theirs.get_config()
    assert ours(y, p) == theirs(y, p).numpy()
    with semantics.use("tf_keras"):
        for module in (tf_keras, refkeras):
            with pytest.raises(TypeError, match="from_sorted_ids"):
                module.metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True)
            with pytest.raises(TypeError, match="from_sorted_ids"):
                module.metrics.sparse_top_k_categorical_accuracy(y, p, from_sorted_ids=True)


@both_kerases
@shows("divergence_metric_name", "cosine_metric")
def test_names_and_signs():
    t, p = np.random.default_rng(4).random((2, 3, 4)).astype("float32")
    found = []
    for engine, module in ENGINES.items():
        theirs, cosine = module.metrics.KLDivergence(), module.metrics.CosineSimilarity()
        with semantics.use(engine):
            assert metrics.KLDivergence().name == theirs.name
            ours = metrics.CosineSimilarity()
            with precision.bars(ours):
                cosine_bar = ours(*exactly((t, p)))
        assert_agrees(cosine_bar, cosine(t, p).numpy())
        assert cosine_bar.value > 0
        found.append(theirs.name)
    assert found == ["kl_divergence", "kullback_leibler_divergence"]


shapes = st.sampled_from([(), (1,), (3,), (4,), (4, 1), (4, 3), (2, 2), (2, 2, 3), (1, 4, 3), (4, 0)])
dtypes = st.sampled_from(["float32", "float32", "float64", "int32"])


@both_kerases
@many
@given(st.booleans(), shapes, shapes, dtypes, st.sampled_from([0, 1, 2, 9, 2.0]), engines, st.integers(0, 99))
def test_top_k_functions(sparse, true_shape, pred_shape, dtype, k, engine, seed):
    """Any two shapes and dtypes: the same matches, or an error on both sides."""
    rng = np.random.default_rng(seed)
    name = "sparse_top_k_categorical_accuracy" if sparse else "top_k_categorical_accuracy"
    y = rng.choice([-1.0, 0.0, 1.0, 2.0, 3.0, 1.9], true_shape).astype("float32")
    p = rng.choice([0.5, 0.25, -1.0, 3.0], pred_shape).astype(dtype)
    results = []
    for module in (ENGINES[engine], refkeras):
        with semantics.use(engine):
            try:
                results.append(np.asarray(getattr(module.metrics, name)(y, p, k=k)))
            except (*ERRORS, TypeError, IndexError) as error:
                results.append(TypeError if isinstance(error, TypeError) else ValueError)
    theirs, ours = results
    if isinstance(theirs, type) or isinstance(ours, type):
        assert ours is theirs
    else:
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


@both_kerases
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sparse", [False, True])
def test_rows_without_scores(engine, sparse):
    """No class is among the best; rows in rows are an error, but not on TensorFlow."""
    name = "sparse_top_k_categorical_accuracy" if sparse else "top_k_categorical_accuracy"
    y = np.zeros((4,) if sparse else (4, 1), "float32")
    for shape in ((4, 0), (2, 2, 0)):
        found = []
        for module in (ENGINES[engine], refkeras):
            with semantics.use(engine):
                call = getattr(module.metrics, name)
                found.append(outcome(lambda call=call, shape=shape: call(y, np.zeros(shape, "float32"), k=0))[0])
        assert np.array_equal(*found)


@both_kerases
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("k", [0, 1, 2, 4, 9])
def test_the_k_best_of_ties(engine, k):
    rng = np.random.default_rng(k)
    p = rng.choice([0.5, 1.0, 2.0, np.nan, np.inf], (200, 5), p=[0.4, 0.3, 0.26, 0.02, 0.02]).astype("float32")
    y = rng.integers(-1, 6, 200)
    with semantics.use(engine):
        ours = metrics.sparse_top_k_categorical_accuracy(y, p, k)
    assert np.array_equal(ours, ENGINES[engine].metrics.sparse_top_k_categorical_accuracy(y, p, k))


@both_kerases
@shows("sparse_accuracy_class_squeezes")
def test_sparse_accuracy_class_squeezes():
    """(2, 1) targets with weights of (2, 1, 1): over samples, or broadcast with what was not squeezed."""
    y, p = np.array([[1], [0]]), np.array([[[0.1, 0.9]], [[0.2, 0.8]]], "float32")
    weights = np.array([[[3.0]], [[1.0]]], "float32")
    for engine, module in ENGINES.items():
        theirs = module.metrics.SparseCategoricalAccuracy()
        with semantics.use(engine):
            ours = metrics.SparseCategoricalAccuracy()
            if engine == "tf_keras":
                assert ours(y, p, weights) == theirs(y, p, weights).numpy()
                assert [v.value for v in ours.variables] == [v.numpy() for v in theirs.variables]
                continue
            for metric in (ours, theirs):
                with pytest.raises(ERRORS):
                    metric.update_state(y, p, weights)
