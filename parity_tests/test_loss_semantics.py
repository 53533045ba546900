"""Where engines differ on losses: each field of `Semantics`, shown on the engines themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from parity_tests import elementwise_cases
from parity_tests import keras_2_0_losses as recorded
from parity_tests.agreement import WithBars, assert_agrees, assert_differs, assert_same, exactly
from parity_tests.engines import (
    ENGINES,
    KERAS_3,
    NATIVE_ERRORS,
    both_kerases,
    keras,
    numpy,
    tensor,
    tensorflow_only,
    tf,
    tf_keras,
)
from parity_tests.loss_cases import evaluated
from parity_tests.shows import shows
from refkeras import losses, semantics
from refkeras.ops.softmax import softmax
from refkeras.precision import BarArray, exact
from refkeras.saving import custom_object_scope
from refkeras.tensor import wrap

KERAS_2_0 = json.loads(recorded.RECORD.read_text())
both = pytest.mark.parametrize("engine", ENGINES)

T = np.array([[0.0, 1.0, 0.0], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], "float32")
P = np.array([[0.2, 0.7, 0.1], [0.3, 0.3, 0.4], [0.0, 0.4, 0.9], [1.0, 0.0, 0.0]], "float32")
Z = np.array([[60.0, 0.0, -60.0], [1.0, 2.0, -3.0], [-40.0, 5.0, 0.5], [0.1, 0.2, 30.0]], "float32")
LABELS = np.array([1, 2, 0, 1])


def outcome(call):
    """Return what a call returns as an array, or the family of the error it raises."""
    try:
        value = call()
    except (ValueError, *NATIVE_ERRORS):
        return ValueError
    except TypeError:
        return TypeError
    return numpy(value)


def same(engine, call):
    """Assert that `call(module, tensor)` comes to the same on refkeras and on the engine, and return it.

    `tensor` makes a tensor of that side, with a mask where one is given. Of whole numbers alone the very same
    must come; they have no error bars.
    """
    expected = outcome(lambda: call(ENGINES[engine].losses, tensor))
    with semantics.use(engine):
        value = outcome(lambda: call(losses, lambda array, mask=None: wrap(np.asarray(array), mask)))
        if isinstance(expected, type) or isinstance(value, type):
            assert value is expected
            return expected
        machine = value.dtype.name
        bars = WithBars(losses, machine) if value.dtype.kind == "f" else losses
        bar = call(bars, lambda array, mask=None: wrap(exactly(np.asarray(array), machine), mask))
    if isinstance(bar, BarArray):
        assert_agrees(bar, value, what="on plain arrays")
        assert_agrees(bar, expected)
    else:
        assert_same(value, expected)
    return expected


def differ(call):
    """Assert that both engines agree with refkeras, and not with each other."""
    first, second = (same(engine, call) for engine in ENGINES)
    assert isinstance(first, type) or isinstance(second, type) or not np.array_equal(first, second)
    return first, second


@shows("crossentropy_from_activation")
@tensorflow_only("test_backends.py shows it on the others")
@both
def test_crossentropy_of_an_activation(engine):
    module = ENGINES[engine]
    p = module.activations.softmax(tensor(Z))
    expected = numpy(module.losses.categorical_crossentropy(T, p))
    with semantics.use(engine):
        value = losses.categorical_crossentropy(exact(T), wrap(exact(numpy(p)), logits=exact(Z)))
    assert_agrees(value, expected)
    assert expected.max() > 50
    with semantics.use("keras-2.0"):
        z = exact(recorded.LOGITS)
        p, _ = softmax(z)
        old = losses.categorical_crossentropy(exact(recorded.ONE_HOT[:2]), wrap(p, logits=z))
    assert_agrees(old, np.float32(KERAS_2_0["softmax"]["categorical_crossentropy"]))
    assert old.value.max() < 17


@shows("sparse_crossentropy_normalizes")
@both_kerases
def test_sparse_crossentropy_normalizes():
    value, _ = (
        same(engine, lambda k, tensor: k.sparse_categorical_crossentropy(LABELS, tensor(P))) for engine in ENGINES
    )
    with semantics.use("keras-2.0"):
        old = losses.sparse_categorical_crossentropy(LABELS, P)
    assert not np.array_equal(old, value)
    t, p = recorded.FUNCTIONS["sparse_categorical_crossentropy"]
    with semantics.use("keras-2.0"):
        old = losses.sparse_categorical_crossentropy(t, exact(p))
    assert_agrees(old, np.float32(KERAS_2_0["functions"]["sparse_categorical_crossentropy"]))


@pytest.mark.parametrize("name", recorded.FUNCTIONS)
def test_functions_of_keras_2_0(name):
    t, p = recorded.FUNCTIONS[name]
    with semantics.use("keras-2.0"):
        value = getattr(losses, name)(exact(t), exact(p))
    assert_agrees(value, np.float32(KERAS_2_0["functions"][name]))


@shows("weighted_mean_counts", "loss_classes_match_ranks")
@pytest.mark.parametrize("key", recorded.WEIGHTED)
def test_weighted_losses_of_keras_2_0(key):
    name, t, p, weights, mask = recorded.WEIGHTED[key]
    with semantics.use("keras-2.0"), np.errstate(all="ignore"):
        loss = losses.LossFunctionWrapper(losses.get(name))
        value = loss.value(t, p.astype("float32"), weights, mask=mask)
        again, _ = loss.value_and_pullback(t, p.astype("float32"), weights, mask=mask)
        bar, _, _ = evaluated(loss, t, p.astype("float32"), weights, mask=mask)
    assert_same(again, value)
    assert_agrees(bar, np.float32(KERAS_2_0["weighted"][key]))
    if key == "weights":
        kinds = [
            same(e, lambda k, tensor: k.MeanSquaredError()(t, tensor(p.astype("float32")), weights)) for e in ENGINES
        ]
        for kind in kinds:
            assert_differs(bar, kind)
    # Losses are functions in Keras 2.0, and these broadcast.
    column = np.arange(3.0, dtype="float32")
    with semantics.use("keras-2.0"):
        assert losses.LossFunctionWrapper(losses.mean_squared_error).value(column, column[:, None]) > 0


@both_kerases
@shows("loss_classes_match_ranks")
def test_loss_classes_match_ranks():
    y = np.array([1.0, 2.0, 4.0], "float32")
    first, second = differ(lambda k, tensor: k.MeanSquaredError()(y, y[:, None]))
    assert first == 0 < second
    for engine in ENGINES:
        assert same(engine, lambda k, tensor: k.MeanSquaredError()(tensor(y), tensor(y[:, None]))) == 0


@both_kerases
@shows("loss_functions_match_ranks")
def test_loss_functions_match_ranks():
    y = np.array([1.0, 2.0, 4.0], "float32")
    for name in ("mean_squared_error", "mean_absolute_error"):
        first, second = differ(lambda k, tensor, name=name: getattr(k, name)(tensor(y), tensor(y[:, None])))
        assert not first.any()
        assert second.any()


@shows("loss_classes_match_ranks")
@both
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1,), (1, 1)])
@pytest.mark.parametrize("larger", ["y_true", "y_pred"])
def test_ranks_that_differ_by_a_trailing_axis(engine, shape, larger):
    """Expanded or squeezed shows in the shape of the values."""
    y, p = np.random.default_rng(5).uniform(0.1, 0.9, (2, *shape)).astype("float32")
    pair = (y[..., None], p) if larger == "y_true" else (y, p[..., None])
    for name in ("MeanSquaredError", "BinaryCrossentropy"):
        same(engine, lambda k, tensor, n=name: getattr(k, n)(reduction="none")(*map(tensor, pair)))
        same(engine, lambda k, tensor, n=name: getattr(k, n)(reduction="none")(*pair))
    same(engine, lambda k, tensor: k.mean_absolute_error(*map(tensor, pair)))


@both_kerases
@shows("binary_crossentropy_epsilon")
def test_binary_crossentropy_epsilon():
    first, second = differ(lambda k, tensor: k.binary_crossentropy([[1.0]], [[0.0]]))
    # −ln ε and −ln 2ε, ε = 1e-7
    assert_agrees(-np.log(exact([1e-7])), first)
    assert_agrees(-np.log(exact([1e-7]) * 2.0), second)
    assert_differs(-np.log(exact([1e-7])), second)


@both_kerases
@shows("binary_crossentropy_broadcasts")
def test_binary_crossentropy_broadcasts():
    first, second = differ(lambda k, tensor: k.binary_crossentropy(tensor(T[:, :1]), tensor(P)))
    assert first is ValueError
    assert second.shape == (4,)
    with semantics.use("tf_keras"):
        ones = np.ones((1, 3), "float32")
        _, d_wide, _ = evaluated(losses.BinaryCrossentropy(), T[:, :1], P[:, :1] * ones)
        value, _ = losses.BinaryCrossentropy().value_and_pullback(T[:, :1], P[:, :1] * ones)
        narrow, narrow_pullback = losses.BinaryCrossentropy().value_and_pullback(T[:, :1] * ones, P[:, :1])
        assert_same(narrow, value)
        assert_agrees(d_wide.sum(-1, keepdims=True), narrow_pullback()[0])


@both_kerases
@shows("sparse_crossentropy_axis")
def test_sparse_crossentropy_axis():
    for from_logits in (True, False):
        first, second = differ(
            lambda k, tensor, z=from_logits: k.sparse_categorical_crossentropy(
                np.array([1, 3, 0]), tensor(Z if z else P), axis=0, from_logits=z
            ),
        )
        assert first is ValueError
        assert second.shape == (3,)
    with tf.GradientTape() as tape:
        p = tf.Variable(P)
        value = tf_keras.losses.sparse_categorical_crossentropy(np.array([1, 3, 0]), p, axis=0)
    with semantics.use("tf_keras"):
        _, pullback = losses.sparse_categorical_crossentropy.forward(np.array([1, 3, 0]), exact(P), axis=0)
    assert_agrees(pullback(1.0), numpy(tape.gradient(value, p)))


@both_kerases
@shows("sparse_crossentropy_flattens")
@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 2, 1), (1, 4, 1)])
def test_sparse_crossentropy_flattens(shape):
    labels, p = LABELS.reshape(shape), P.reshape(2, 2, 3)
    found = [same(e, lambda k, tensor: k.sparse_categorical_crossentropy(labels, tensor(p))) for e in ENGINES]
    assert (found[0] is ValueError) == (shape != (2, 2, 1))
    assert (found[1] is ValueError) == (shape == (4, 1))


@both_kerases
@shows("ignore_class_keeps_logits")
def test_ignore_class_keeps_logits():
    found = []
    for engine, module in ENGINES.items():
        p = module.activations.softmax(tensor(Z))
        expected = numpy(module.losses.SparseCategoricalCrossentropy(ignore_class=2)(LABELS, p))
        with semantics.use(engine):
            value = losses.SparseCategoricalCrossentropy(ignore_class=2)(LABELS, wrap(exact(numpy(p)), logits=exact(Z)))
        assert_agrees(value, expected)
        found.append(expected)
    assert found[0] + 10 < found[1]


@both_kerases
@shows("label_smoothing_classes")
def test_label_smoothing_classes():
    first, second = differ(
        lambda k, tensor: k.categorical_crossentropy(tensor(T), tensor(P), label_smoothing=0.4, axis=0)
    )
    assert first.shape == second.shape == (3,)


@both_kerases
@shows("loss_dtype")
def test_loss_dtype():
    y, p = np.array([[0.1, 0.7]]), np.array([[0.4, 0.2]])
    first, second = differ(lambda k, tensor: k.MeanSquaredError()(tensor(y), tensor(p)))
    assert (first.dtype, second.dtype) == (np.float32, np.float64)
    for engine, dtype in zip(ENGINES, (np.float32, np.float64), strict=True):
        with semantics.use(engine):
            value, pullback = losses.MeanSquaredError().value_and_pullback(y, p)
        assert value.dtype == dtype
        assert pullback()[0].dtype == np.float64


@both_kerases
@shows("integer_loss_values")
@pytest.mark.parametrize("name", ["mean_squared_error", "mean_absolute_error"])
def test_integer_loss_values(name):
    t, p = np.array([[1, 0]]), np.array([[2, 4]])
    first, second = differ(lambda k, tensor: getattr(k, name)(t, p))
    assert (first.dtype.kind, second.dtype.kind) == ("f", "i")
    same("tf_keras", lambda k, tensor: k.MeanSquaredError()(t, p))
    same(KERAS_3, lambda k, tensor: k.MeanSquaredError()(t + 0.5, p))
    for engine in ENGINES:
        same(engine, lambda k, tensor: getattr(k, name)(np.array([[1.7, 0.2]]), p))
        assert same(engine, lambda k, tensor: k.binary_crossentropy(t, p)) is TypeError


@both_kerases
@shows("loss_reductions")
@pytest.mark.parametrize("reduction", ["auto", "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("none", ["none", None, "sum_over_batch"])
def test_loss_reductions(reduction, none):
    for name in (reduction, none):
        for engine in ENGINES:
            same(
                engine,
                lambda k, tensor, r=name: k.MeanSquaredError(reduction=r)(T, tensor(P), np.array([1.0, 2, 0, 3])),
            )
    assert not hasattr(losses, "Reduction")
    with semantics.use("tf_keras"):
        assert losses.Reduction.AUTO == tf_keras.losses.Reduction.AUTO


@both_kerases
@shows("weight_ranks")
def test_weight_ranks():
    """(batch,) weights on (batch, time) losses: Keras 3 lays them over time, tf_keras over the batch."""
    t, p = np.arange(12.0).reshape(2, 2, 3).astype("float32"), np.ones((2, 2, 3), "float32")
    weights = np.array([1.0, 3.0], "float32")
    differ(lambda k, tensor: k.MeanSquaredError()(t, tensor(p), weights))
    first, second = differ(lambda k, tensor: k.MeanSquaredError(reduction="none")(t, tensor(p), weights))
    values, w = losses.mean_squared_error(exact(t), exact(p)), exact(weights)
    assert_agrees((values * w) / (values * w[:, None]), first / second)


@both_kerases
@shows("empty_batch_loss")
def test_empty_batch_loss():
    first, second = differ(lambda k, tensor: k.MeanSquaredError()(T[:0], tensor(P[:0])))
    assert (first.shape, second.shape) == ((0,), ())


@both_kerases
@shows("all_masked_loss")
def test_all_masked_loss():
    first, second = differ(lambda k, tensor: k.MeanSquaredError()(T, tensor(P, np.zeros(4, bool))))
    assert first == 0
    assert np.isnan(second)
    # The sum has no mean to take.
    for engine in ENGINES:
        assert same(engine, lambda k, tensor: k.MeanSquaredError(reduction="sum")(T, tensor(P, np.zeros(4, bool)))) == 0
    differ(lambda k, tensor: k.SparseCategoricalCrossentropy(ignore_class=1)(tensor(np.array([1, 1, 1, 1])), tensor(P)))


CLASSES = ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", "CategoricalCrossentropy"]
CLASSES += ["SparseCategoricalCrossentropy", *elementwise_cases.CLASSES.values()]


@pytest.mark.parametrize("name", CLASSES)
def test_configs(name):
    theirs, ours = getattr(keras.losses, name)(), getattr(losses, name)()
    assert ours.get_config() == theirs.get_config()
    assert losses.serialize(ours) == keras.losses.serialize(theirs)
    assert losses.deserialize(keras.losses.serialize(theirs)).get_config() == theirs.get_config()
    function = losses.serialize(ours.fn)
    assert function == keras.losses.serialize(theirs.fn)
    assert losses.deserialize(function) is ours.fn


NAMES = ["mse", "MSE", "mae", "MAE", "bce", "BCE", "mean_squared_error", "MeanSquaredError", "binary_crossentropy"]
NAMES += [
    "BinaryCrossentropy",
    "sparse_categorical_crossentropy",
    "SparseCategoricalCrossentropy",
    "mean_absolute_error",
    *(*elementwise_cases.CLASSES, *elementwise_cases.CLASSES.values()),
    *("mape", "MAPE", "msle", "MSLE", "kld", "KLD", "kullback_leibler_divergence", "logcosh", "huber_loss"),
]
WRONG = [
    "huber_Loss",
    "Kld",
    "cosine",
    "cce",
    "scce",
    "Mse",
    "",
    "crossentropy",
    "ce",
    3,
    "categorial_crossentropy",
    "mean_squared",
]


@shows("old_loss_names")
@both
@pytest.mark.parametrize("identifier", [*NAMES, *WRONG, None])
def test_names(engine, identifier):
    def named(module):
        try:
            found = module.losses.get(identifier)
        except ValueError:
            return ValueError
        return found if found is None else getattr(found, "name", None) or found.__name__

    with semantics.use(engine):
        assert named(__import__("refkeras")) == named(ENGINES[engine])


@both_kerases
@shows("names_find_custom_objects")
def test_names_find_custom_objects():
    def mine(y_true, y_pred):
        return abs(y_pred - y_true)

    with keras.utils.custom_object_scope({"mine": mine}), pytest.raises(ValueError, match="Could not interpret"):
        keras.losses.get("mine")
    with tf_keras.utils.custom_object_scope({"mine": mine}):
        assert tf_keras.losses.get("mine") is mine
    with custom_object_scope({"mine": mine}):
        with pytest.raises(ValueError, match="Could not interpret"):
            losses.get("mine")
        with semantics.use("tf_keras"):
            assert losses.get("mine") is mine
