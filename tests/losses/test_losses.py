"""Losses: the public interface, custom losses, errors and records."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from refkeras import config, losses, semantics
from refkeras.errors import InvalidArgumentError
from refkeras.saving import deserialize_keras_object, register_keras_serializable
from refkeras.tensor import Tensor, wrap

RNG = np.random.default_rng(11)
T = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
P = RNG.dirichlet(np.ones(3), 4).astype("float32")
Z = RNG.normal(size=(4, 3)).astype("float32") * 20
W = np.array([1.0, 0.0, 2.0, 0.5], "float32")


class Cubic(losses.Loss):
    def forward(self, y_true, y_pred):
        e = y_pred - y_true
        return (np.abs(e) ** 3).mean(-1), lambda d: d[..., None] * 3 * e * np.abs(e) / e.shape[-1]


class OnlyCall(losses.Loss):
    def call(self, y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(-1)


def double_error(y_true, y_pred, factor=2.0):
    return factor * np.abs(y_pred - y_true).mean(-1)


def double_error_forward(y_true, y_pred, factor=2.0):
    values = double_error(y_true, y_pred, factor)
    return values, lambda d: d[..., None] * factor * np.sign(y_pred - y_true) / y_pred.shape[-1]


double_error.forward = double_error_forward


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"'categorial_crossentropy'\. Did you mean 'categorical_crossentropy'\?"):
        losses.get("categorial_crossentropy")


def test_get_takes_names_functions_objects_classes_and_records():
    assert losses.get("mse") is losses.get(losses.mean_squared_error) is losses.mean_squared_error
    loss = losses.CategoricalCrossentropy(label_smoothing=0.2)
    assert losses.get(loss) is loss
    assert isinstance(losses.get(losses.MeanSquaredError), losses.MeanSquaredError)
    assert losses.get(losses.serialize(loss)).label_smoothing == 0.2
    assert losses.get(losses.serialize(losses.mean_absolute_error)) is losses.mean_absolute_error
    assert losses.get(None) is None


CONFIGURED = [
    losses.MeanSquaredError(reduction="sum", name="mine"),
    losses.MeanAbsoluteError(dtype="float64"),
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1, axis=0),
    losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3, axis=1, reduction=None),
    losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2),
    losses.Huber(delta=1.0, reduction="sum", name="robust"),
    losses.CosineSimilarity(name="cosine"),
    *(cls(name="mine") for cls in (losses.LogCosh, losses.Hinge, losses.SquaredHinge, losses.CategoricalHinge)),
    *(cls(reduction="none") for cls in (losses.KLDivergence, losses.Poisson)),
]


@pytest.mark.parametrize("loss", CONFIGURED)
def test_records(loss):
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()


def test_the_record_of_a_wrapped_function():
    loss = losses.LossFunctionWrapper(losses.binary_crossentropy, name="smooth", label_smoothing=0.25)
    again = losses.deserialize(losses.serialize(loss))
    assert again.fn is losses.binary_crossentropy
    assert again(T, P) == loss(T, P) != losses.BinaryCrossentropy()(T, P)


def test_the_record_of_a_custom_loss():
    registered = register_keras_serializable("tests")(Cubic)
    again = deserialize_keras_object(losses.serialize(registered(name="third", reduction="sum")))
    assert (type(again), again.name, again.reduction) == (registered, "third", "sum")


def test_names():
    assert losses.MeanSquaredError().name == "mean_squared_error"
    first, second = OnlyCall().name, OnlyCall().name
    assert first.startswith("only_call")
    assert first != second


def test_results_are_tensors():
    value = losses.MeanSquaredError()(T.tolist(), P.tolist())
    assert isinstance(value, Tensor)
    assert value.numpy().dtype == np.float32
    assert f"{value:.3f}" == f"{float(value):.3f}"
    assert losses.mean_squared_error(T, P).shape == (4,)
    assert losses.mean_squared_error(T.astype("float64"), P.astype("float64")).dtype == np.float64


def test_a_dict_of_outputs_reaches_a_custom_loss():
    class Two(losses.Loss):
        def call(self, y_true, y_pred):
            return np.abs(y_pred["a"] - y_true["a"]) + np.abs(y_pred["b"] - y_true["b"])

    value = Two(reduction=None)(*({"a": np.array([a]), "b": np.array([b])} for a, b in ((0.0, 1.0), (2.0, 4.0))))
    assert value.tolist() == [5.0]


def numeric_gradient(function, p, step=1e-5):
    gradient = np.zeros_like(p)
    for index in np.ndindex(p.shape):
        moved = np.zeros_like(p)
        moved[index] = step
        gradient[index] = (function(p + moved) - function(p - moved)) / (2 * step)
    return gradient


WEIGHTS = [None, W, W[:, None], np.float32(3.0)]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("mask", [None, np.array([True, False, True, True])])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize(
    "make",
    [
        lambda **k: losses.CategoricalCrossentropy(label_smoothing=0.1, **k),
        lambda **k: losses.BinaryCrossentropy(from_logits=True, **k),
        lambda **k: losses.SparseCategoricalCrossentropy(ignore_class=2, **k),
        lambda **k: Cubic(**k),
        lambda **k: losses.LossFunctionWrapper(double_error, factor=3.0, **k),
    ],
)
def test_gradients_of_reduced_losses(make, reduction, mask, weights):
    loss = make(dtype="float64", reduction=reduction)
    t = np.array([0, 2, 1, 1]) if isinstance(loss, losses.SparseCategoricalCrossentropy) else T
    p = RNG.uniform(0.2, 0.9, P.shape)
    value, pullback = loss.value_and_pullback(t, p, weights, mask=mask)
    d_pred, d_logits = pullback()
    assert d_logits is None
    assert d_pred.dtype == np.float64
    np.testing.assert_allclose(loss(t, wrap(p, mask), weights), value, rtol=1e-15)
    np.testing.assert_allclose(loss.value(t, p, weights, mask=mask), value, rtol=1e-15)
    expected = numeric_gradient(lambda x: float(np.sum(loss.value(t, x, weights, mask=mask))), p)
    # step² times the third derivative, which is below 400 here, and rounding / step
    np.testing.assert_allclose(d_pred, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("loss", "t"),
    [
        (losses.CategoricalCrossentropy(), T),
        (losses.SparseCategoricalCrossentropy(), T.argmax(-1)),
        (losses.BinaryCrossentropy(), T),
    ],
)
def test_losses_of_an_activation_send_their_gradient_to_its_logits(loss, t):
    value, pullback = loss.value_and_pullback(t, wrap(P, logits=Z))
    d_pred, d_logits = pullback()
    assert d_pred is None
    assert d_logits.shape == Z.shape
    from_logits = type(loss)(from_logits=True)
    expected, expected_pullback = from_logits.value_and_pullback(t, Z)
    assert value == expected == loss(t, wrap(P, logits=Z))
    assert np.array_equal(d_logits, expected_pullback()[0])
    with pytest.warns(UserWarning, match="was produced by a"):
        assert from_logits(t, wrap(P, logits=Z)) == value


def test_logits_are_lost_by_a_cast_a_reshape_or_any_operation():
    loss = losses.CategoricalCrossentropy(dtype="float64")
    _, pullback = loss.value_and_pullback(T, wrap(P, logits=Z))
    d_pred, d_logits = pullback()
    assert d_logits is None
    assert d_pred.dtype == np.float32
    assert loss(T, wrap(P, logits=Z)) == loss(T, P)
    assert losses.CategoricalCrossentropy()(T, wrap(P, logits=Z) * 1) == losses.CategoricalCrossentropy()(T, P)
    p, z = P[:, :, None], Z[:, :, None]
    _, pullback = losses.BinaryCrossentropy().value_and_pullback(T, p, logits=z)
    assert pullback()[0].shape == p.shape
    # An expanded target leaves the predictions as they are.
    _, pullback = losses.BinaryCrossentropy().value_and_pullback(T[:, 0], P[:, :1], logits=Z[:, :1])
    assert pullback()[1].shape == (4, 1)


def test_a_loss_without_a_pullback_evaluates_and_says_what_training_needs():
    loss = OnlyCall()
    assert loss(T, P) == loss.value(T, P) == losses.MeanSquaredError()(T, P)
    with pytest.raises(NotImplementedError, match=r"OnlyCall has no pullback.*Define `forward"):
        loss.value_and_pullback(T, P)
    wrapped = losses.LossFunctionWrapper(lambda y_true, y_pred: np.abs(y_pred - y_true), name="plain")
    assert wrapped(T, P) > 0
    with pytest.raises(NotImplementedError, match=r"'plain' has no pullback.*attribute `forward`"):
        wrapped.value_and_pullback(T, P)
    with pytest.raises(NotImplementedError, match="must define `call"):
        losses.Loss()(T, P)


def test_overriding_call_of_a_known_loss_takes_its_pullback_away():
    class Doubled(losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    class Trainable(Doubled):
        def forward(self, y_true, y_pred):
            values, pullback = losses.mean_squared_error.forward(y_true, y_pred)
            return 2 * values, lambda d: pullback(2 * d)

    once = losses.MeanSquaredError()(T, P)
    assert Doubled()(T, P) == 2 * once
    with pytest.raises(NotImplementedError, match="Doubled has no pullback"):
        Doubled().value_and_pullback(T, P)
    value, pullback = Trainable().value_and_pullback(T, P)
    assert value == 2 * once
    assert np.allclose(pullback()[0], (P - T) * 2 * 2 / 12)


def test_forward_of_a_known_function_is_about_predictions_whatever_they_carry():
    values, pullback = losses.categorical_crossentropy.forward(T, wrap(P, logits=Z))
    assert np.array_equal(values, losses.categorical_crossentropy(T, P))
    assert pullback(np.ones(4, "float32")).shape == P.shape


class Tripled(losses.MeanSquaredError):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 3 * super().__call__(y_true, y_pred, sample_weight)


class Trains(Tripled):
    def value_and_pullback(self, y_true, y_pred, sample_weight=None, *, mask=None, logits=None):
        value, pullback = losses.MeanSquaredError().value_and_pullback(y_true, y_pred, sample_weight, mask=mask)
        return 3 * value, lambda: (3 * pullback()[0], None)


class Again(Trains):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 2 * super().__call__(y_true, y_pred, sample_weight)


def test_a_call_that_is_overridden_trains_by_a_pullback_of_its_own_alone():
    """Of the call, not of what it overrides: a class below has to give it again."""
    assert [loss.has_pullback for loss in (losses.MeanSquaredError(), Tripled(), Trains(), Again())] == [
        *(True, False, True, False)
    ]
    value, pullback = Trains().value_and_pullback(T, P, W)
    assert value == Trains()(T, P, W) == np.float32(3) * losses.MeanSquaredError()(T, P, W)
    assert np.array_equal(pullback()[0], 3 * losses.MeanSquaredError().value_and_pullback(T, P, W)[1]()[0])
    for loss in (Tripled(), Again()):
        with pytest.raises(
            NotImplementedError, match=f"{type(loss).__name__} overrides `__call__`.*value_and_pullback"
        ):
            loss.value_and_pullback(T, P)


def test_a_pullback_of_the_wrong_shape_is_refused():
    class Wrong(losses.Loss):
        def forward(self, y_true, y_pred):
            return y_pred.mean(-1), lambda d: d

    _, pullback = Wrong().value_and_pullback(T, P)
    with pytest.raises(ValueError, match=r"gradient of shape \(4,\); y_pred has shape \(4, 3\)"):
        pullback()


@pytest.mark.parametrize("loss", [losses.mean_squared_error, losses.mean_absolute_error])
def test_shapes_that_do_not_broadcast(loss):
    with pytest.raises(InvalidArgumentError, match=r"y_true has shape \(4, 3\), y_pred has shape \(3, 3\)"):
        loss(T, P[:3])
    with pytest.raises(InvalidArgumentError, match="rank 0"):
        loss(1.0, 2.0)


def test_bad_arguments():
    with pytest.raises(ValueError, match="must have the same shape"):
        losses.categorical_crossentropy(T, P[:, :2])
    with pytest.raises(ValueError, match="must have the same shape"):
        losses.binary_crossentropy(T[:, 0], P)
    with pytest.raises(ValueError, match="must be of type `int`"):
        losses.categorical_crossentropy(T, P, axis=True)
    with pytest.raises(ValueError, match=r"shape \(3,\), y_pred has shape \(4, 3\).*shape \(4,\) or \(4, 1\)"):
        losses.sparse_categorical_crossentropy([0, 1, 2], P)
    with pytest.raises(ValueError, match="Only axis=-1"):
        losses.sparse_categorical_crossentropy([0, 1, 2], P, axis=0)
    for label, shown in ((3, "3"), (-1, "-1"), (float("nan"), "-9223372036854775808")):
        with pytest.raises(InvalidArgumentError, match=rf"label value of {shown} .* valid range of \[0, 3\)"):
            losses.sparse_categorical_crossentropy([0, 1, 2, label], P)
    for name in ("log_cosh", "hinge", "squared_hinge", "categorical_hinge", "kl_divergence"):
        with pytest.raises(TypeError, match=rf"{name}: y_pred has dtype int64\. Expected floats"):
            getattr(losses, name)([[1.0]], np.array([[1]]))
    for name in ("poisson", "cosine_similarity"):
        with pytest.raises(InvalidArgumentError, match=rf"{name}: y_pred has dtype int64\. Expected floats"):
            getattr(losses, name)([[1.0]], np.array([[1]]))
    with pytest.raises(InvalidArgumentError, match="and the axis is 2"):
        losses.cosine_similarity(T, P, axis=2)
    with pytest.raises(TypeError, match=r"dtype int64\. Expected floats"):
        losses.binary_crossentropy([[1.0]], np.array([[1]]))
    with pytest.raises(ValueError, match=r"Invalid value for argument `reduction`: 'men'.*Did you mean 'mean'"):
        losses.MeanSquaredError(reduction="men")
    with pytest.raises(TypeError):
        losses.MeanSquaredError(from_logits=True)
    with pytest.raises(InvalidArgumentError, match="sample_weight has shape"):
        losses.MeanSquaredError()(T, P, np.ones((4, 3)))
    with pytest.raises(ValueError, match="could not convert string"):
        losses.mean_squared_error(np.array([["a"]]), P[:1, :1])
    with pytest.raises(ValueError, match="is not supported"):
        losses.MeanSquaredError(dtype="float16")


def test_one_class_is_warned_of():
    with pytest.warns(SyntaxWarning, match="num_classes > 1"):
        losses.categorical_crossentropy(T[:, :1], P[:, :1])


def test_floatx_decides_what_losses_compute_in():
    with config.floatx_is("float64"):
        assert losses.MeanSquaredError()(T, P).dtype == np.float64
        assert losses.mean_squared_error([[1.0]], [[0.5]]).dtype == np.float64
    assert losses.MeanSquaredError()(T.astype("float64"), P.astype("float64")).dtype == np.float32


def test_epsilon_is_configurable():
    try:
        config.set_epsilon(1e-3)
        assert losses.binary_crossentropy([[1.0]], [[0.0]])[0] == pytest.approx(np.log(1e3), rel=1e-6)
    finally:
        config.set_epsilon(1e-7)


def test_special_values_raise_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(losses.categorical_crossentropy([[0.0, 1.0]], [[0.0, 0.0]]))
        assert np.isnan(losses.MeanSquaredError()([[np.inf]], [[np.inf]]))


def test_keras_2_names_are_there_under_its_semantics():
    with pytest.raises(AttributeError, match="Reduction"):
        losses.Reduction  # noqa: B018
    with semantics.use("tf_keras"):
        assert losses.MeanSquaredError(reduction=losses.Reduction.AUTO)(T, P) > 0
        assert losses.MAE is losses.mean_absolute_error
