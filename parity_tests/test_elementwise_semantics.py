"""Where engines differ on the losses that compare numbers one by one, and what Keras 2.0.4 made of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from parity_tests import elementwise_cases
from parity_tests import keras_2_0_losses as recorded
from parity_tests.agreement import assert_agrees, assert_differs, exactly
from parity_tests.engines import ENGINES, both_kerases, keras, numpy, tf, tf_keras
from parity_tests.shows import shows
from parity_tests.test_loss_semantics import differ, same
from refkeras import losses, metrics, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.precision import exact

pytestmark = both_kerases
KERAS_2_0 = json.loads(recorded.RECORD.read_text())


@shows("hinge_labels", "old_loss_names", "cosine_similarity", "cosine_metric")
@pytest.mark.parametrize("old", recorded.MORE_FUNCTIONS)
def test_functions_of_keras_2_0(old):
    t, p, name = recorded.MORE_FUNCTIONS[old]
    t, p = t.astype("float32"), p.astype("float32")
    with semantics.use("keras-2.0"):
        value = losses.get(old)(t, p)
        as_metric = metrics.get(old)(t, p)
        bar = losses.get(old)(exact(t), exact(p))
        assert_agrees(bar, np.float32(KERAS_2_0["more functions"][old]))
    assert np.array_equal(value, as_metric)
    changed = name in ("hinge", "squared_hinge", "cosine_similarity")
    (assert_differs if changed else assert_agrees)(bar, getattr(losses, name)(t, p).numpy())


@shows("logarithmic_error_epsilon")
def test_logarithmic_error_epsilon():
    t, p = np.array([[0.5, 0.25]]), np.array([[0.0, 0.0]])
    values = {e: same(e, lambda k, tensor: k.mean_squared_logarithmic_error(tensor(t), tensor(p))) for e in ENGINES}
    for engine, other in zip(ENGINES, reversed(ENGINES), strict=True):
        with semantics.use(engine):
            assert_differs(losses.mean_squared_logarithmic_error(*exactly((t, p), "float64")), values[other])


@shows("huber_dtype")
def test_huber_dtype():
    t, p = np.array([[0.1, 0.7]]), np.array([[0.4, 2.2]])
    first, second = differ(lambda k, tensor: k.huber(tensor(t), tensor(p), delta=0.3))
    assert (first.dtype, second.dtype) == (np.float64, np.float32)
    for engine, module in ENGINES.items():
        with tf.GradientTape() as tape:
            variable = tf.Variable(p)
            value = module.losses.huber(t, variable, delta=0.3)
        with semantics.use(engine):
            _, pullback = losses.huber.forward(t, p, delta=0.3)
            _, bars = losses.huber.forward(*exactly((t, p), value.dtype.name), delta=0.3)
        real = tape.gradient(value, variable).numpy()
        assert pullback(np.ones(1, value.dtype.as_numpy_dtype)).dtype == real.dtype == np.float64
        assert_agrees(bars(1.0), real.astype(value.dtype.as_numpy_dtype))


def gradients(t, p):
    for module in ENGINES.values():
        with tf.GradientTape() as tape:
            variable = tf.Variable(p)
            value = module.losses.cosine_similarity(t, variable)
        yield value.numpy(), tape.gradient(value, variable).numpy()


@shows("cosine_similarity")
def test_cosine_similarity_of_short_vectors():
    t, p = np.array([[1.0, 2.0], [3.0, 1.0]], "float32"), np.array([[0.0, 0.0], [1e-8, 2e-8]], "float32")
    found = []
    for engine, (value, gradient) in zip(ENGINES, gradients(t, p), strict=True):
        with semantics.use(engine):
            ours, pullback = losses.cosine_similarity.forward(exact(t), exact(p))
        assert_agrees(ours, value)
        found.append(pullback(1.0))
        assert_agrees(found[-1], gradient)
    # 1 / |p| is bounded by 1 / 1e-7 and by 1 / sqrt(1e-12): ten times as much.
    assert_agrees(found[1] * 10.0, (found[0].value).astype("float32"))
    for dtype, fails in (("float32", False), ("float64", True)):
        for engine in ENGINES:
            kind = same(engine, lambda k, tensor, d=dtype: k.cosine_similarity(tensor(t.astype(d)), tensor(p)))
            assert (kind is ValueError) == (fails and engine == "tf_keras")


@shows("largest_of_nothing_fails")
def test_largest_of_nothing():
    for shape in ((0, 3), (2, 0)):
        empty = np.zeros(shape, "float32")
        first, second = differ(lambda k, tensor, e=empty: k.categorical_hinge(tensor(e), tensor(e)))
        assert first is ValueError
        assert second.tolist() == [0.0] * shape[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", elementwise_cases.NAMES)
def test_integer_predictions(engine, name):
    """Each engine's own value, or the exception of its family: few of these losses take integers."""
    for t, p in (([[1, 0, 3]], [[2, 4, 1]]), ([[1.7, 0.0, 3.0]], [[2, 4, 1]]), ([[5, 6]], [[7, 3]])):
        if name != "mean_squared_logarithmic_error" or engine == "tf_keras":
            same(engine, lambda k, tensor, t=t, p=p: getattr(k, name)(np.array(t), np.array(p)))
            continue
        # Cast to floats, of which the logarithms are no whole numbers any more.
        bar = losses.mean_squared_logarithmic_error(exact(np.array(t).astype(int)), exact(p))
        for module in (losses, keras.losses):
            assert_agrees(bar, numpy(module.mean_squared_logarithmic_error(np.array(t), np.array(p))))


@shows("loss_arguments_saved")
def test_arguments_that_a_saved_loss_loses():
    """Keras 3.15.1 writes neither delta nor axis, so that what is loaded is another loss."""
    for name, arguments in (("Huber", {"delta": 2.5}), ("CosineSimilarity", {"axis": 0})):
        kept = []
        for engine, module in ENGINES.items():
            with semantics.use(engine):
                ours = getattr(losses, name)(**arguments)
                again = type(ours).from_config(ours.get_config())
                config = ours.get_config()
            theirs = getattr(module.losses, name)(**arguments).get_config()
            names = set(arguments)
            assert names & set(config) == names & set(theirs)
            kept.append({key: again._fn_kwargs[key] for key in arguments} == arguments)
        assert kept == [False, True]
    for engine, module in ENGINES.items():
        with semantics.use(engine):
            config = metrics.CosineSimilarity(axis=0).get_config()
        assert config == module.metrics.CosineSimilarity(axis=0).get_config()


def test_short_names_of_tf_keras():
    short = ("mape", "MAPE", "msle", "MSLE", "kld", "KLD", "kullback_leibler_divergence", "logcosh", "mse", "BCE")
    for name in (*short, "huber_loss", "cosine"):
        for module, ours in ((keras, losses), (keras, metrics)):
            kind = "losses" if ours is losses else "metrics"
            assert hasattr(getattr(module, kind), name) == hasattr(ours, name) is False
        with semantics.use("tf_keras"):
            assert hasattr(losses, name) == hasattr(tf_keras.losses, name)
            assert hasattr(metrics, name) == hasattr(tf_keras.metrics, name)
    with semantics.use("tf_keras"), pytest.raises(InvalidArgumentError, match="Expected one dtype"):
        losses.cosine_similarity(np.ones((1, 2)), np.ones((1, 2), "float32"))
