"""Losses and metrics laid over outputs: sums, gradients, names, messages, and what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refkeras
from refkeras import losses, metrics, semantics, tree
from refkeras.tensor import wrap
from refkeras.training.compiled import Compiled

RNG = np.random.default_rng(5)
NAMES = ["a", "b"]


def arrays(*widths: int) -> list[np.ndarray]:
    return [RNG.random((4, width)) for width in widths]


@pytest.fixture
def float64():
    from refkeras import config

    with config.floatx_is("float64"):
        yield


def bound(y, y_pred, weight=None, names=NAMES, **compiled):
    made = Compiled(output_names=names, **compiled)
    return made, made.bind(y, y_pred, weight, training=True)


def test_total_is_the_weighted_sum_and_parts_are_not_weighted(float64):
    y, pred = arrays(2, 3), arrays(2, 3)
    made, plan = bound(y, pred, loss=["mse", "mae"], loss_weights=[0.4, 0.6])
    total, parts, d_outputs, d_logits = plan.value_and_gradients(y, pred, None)
    mse, mae = np.mean((y[0] - pred[0]) ** 2), np.mean(np.abs(y[1] - pred[1]))
    assert_allclose(parts, [mse, mae], rtol=1e-14)
    assert_allclose(total, 0.4 * mse + 0.6 * mae, rtol=1e-14)
    assert_allclose(d_outputs[0], 0.4 * 2 * (pred[0] - y[0]) / 8, rtol=1e-14)
    assert_allclose(d_outputs[1], 0.6 * np.sign(pred[1] - y[1]) / 12, rtol=1e-14)
    assert d_logits == [None, None]
    made.track(total, parts, 4)
    assert_allclose(list(made.results().values()), [mse, mae, total], rtol=1e-14)
    assert list(made.results()) == ["a_loss", "b_loss", "loss"]


def test_gradient_by_finite_differences(float64):
    y, pred = arrays(2, 3), arrays(2, 3)
    weights = [RNG.random(4), RNG.random(4)]
    _, plan = bound(y, pred, weights, loss=["mse", "mae"], loss_weights=[0.7, 1.9])
    _, _, gradients, _ = plan.value_and_gradients(y, pred, weights)
    for output, i, j in ((0, 1, 1), (1, 3, 2)):
        shifted = [p.copy() for p in pred]
        shifted[output][i, j] += 1e-6
        above = plan.value(y, shifted, weights)[0]
        shifted[output][i, j] -= 2e-6
        below = plan.value(y, shifted, weights)[0]
        assert_allclose(gradients[output][i, j], (above - below) / 2e-6, rtol=1e-8)


def test_gradient_goes_to_the_logits_they_came_from():
    y = np.eye(3, dtype="float32")
    logits = RNG.normal(size=(3, 3)).astype("float32")
    exps = np.exp(logits)
    softmax = wrap(exps / exps.sum(-1, keepdims=True), logits=logits)
    _, plan = bound(y, softmax, names=["o"], loss="categorical_crossentropy")
    _, _, d_outputs, d_logits = plan.value_and_gradients([y], [softmax], None)
    assert d_outputs == [None]
    assert_allclose(d_logits[0], (softmax.array - y) / 3, atol=1e-7)


def test_two_losses_on_one_output_add_up(float64):
    y, pred = arrays(2, 3), arrays(2, 3)
    _, both = bound(y, pred, loss=[["mse", "mae"], "mse"])
    _, one = bound(y, pred, loss=["mse", "mse"])
    _, other = bound(y, pred, loss=["mae", None])
    gradient = both.value_and_gradients(y, pred, None)[2][0]
    expected = one.value_and_gradients(y, pred, None)[2][0] + other.value_and_gradients(y, pred, None)[2][0]
    assert_allclose(gradient, expected, rtol=1e-14)


def test_output_without_loss_has_no_gradient():
    y, pred = arrays(2, 3), arrays(2, 3)
    _, plan = bound(y, pred, loss=["mse", None])
    total, parts, d_outputs, _ = plan.value_and_gradients(y, pred, None)
    assert d_outputs[0] is not None and d_outputs[1] is None
    assert total.dtype == np.float32 and parts == ()


def test_reduction_none_gives_a_vector_whose_sum_is_minimized(float64):
    y, pred = arrays(2), arrays(2)
    loss = losses.MeanSquaredError(reduction="none")
    made, plan = bound(y[0], pred[0], names=["o"], loss=loss)
    total, parts, d_outputs, _ = plan.value_and_gradients(y, pred, None)
    assert_allclose(total, np.mean((y[0] - pred[0]) ** 2, -1), rtol=1e-14)
    assert_allclose(d_outputs[0], pred[0] - y[0], rtol=1e-14)
    made.track(total, parts, 4)
    assert_allclose(made.results()["loss"], total.mean(), rtol=1e-14)


def test_running_means_weigh_batches_by_rows(float64):
    made, _ = bound(*arrays(2, 2), names=["o"], loss="mse")
    for value, rows in ((2.0, 4), (5.0, 2)):
        made.track(np.float64(value), (), rows)
    assert made.results() == {"loss": 3.0}
    made.reset()
    assert made.results() == {"loss": 0.0}


@pytest.mark.parametrize(("eager", "expected"), [(False, 3.5), (True, 3.0)])
def test_parts_count_batches_unless_run_eagerly(float64, eager, expected):
    y, pred = arrays(2, 3), arrays(2, 3)
    made, _ = bound(y, pred, loss="mse", run_eagerly=eager)
    for value, rows in ((2.0, 4), (5.0, 2)):
        made.track(np.float64(0), [np.float64(value)] * 2, rows)
    assert made.results()["a_loss"] == expected


def test_plans_for_training_and_validation_do_not_disturb_each_other():
    y, pred = arrays(2, 3), arrays(2, 3)
    weights = [RNG.random(4), RNG.random(4)]
    made = Compiled("mse", weighted_metrics=[["mae"], []], output_names=NAMES)
    train = made.bind(y, pred, weights, training=True)
    check = made.bind({"b": y[1], "a": y[0]}, pred, None)
    plain = check.value(tree.flatten({"b": y[1], "a": y[0]}), pred, None)[0]
    weighted = train.value(y, pred, weights)[0]
    assert_allclose(plain, Compiled("mse", output_names=NAMES).bind(y, pred).value(y, pred, None)[0])
    assert weighted < plain


def test_recompiling_keeps_what_is_not_given_anew():
    y, pred = arrays(2), arrays(2)
    first = Compiled("mse", None, ["mae"], output_names=["o"])
    first.bind(y[0], pred[0]).update(y, pred, None)
    second = Compiled(loss="mae", output_names=["o"], previous=first)
    assert second.compile_metrics is first.compile_metrics and second.loss == "mae"
    assert Compiled(metrics=["mse"], previous=second).loss == "mae"
    with semantics.use("tf_keras"):
        assert Compiled(metrics=["mse"], previous=second).loss is None


def test_metric_objects_are_the_users_own():
    metric = metrics.MeanSquaredError(name="error")
    y, pred = arrays(2), arrays(2)
    made, plan = bound(y[0], pred[0], names=["o"], loss="mse", metrics=[metric])
    plan.update(y, pred, None)
    assert made.compile_metrics.metrics == [metric]
    assert made.results()["error"] == float(metric.result()) > 0
    made.reset()
    assert float(metric.result()) == 0


def test_metrics_are_listed_as_the_engine_lists_them():
    y, pred = arrays(2, 3), arrays(2, 3)
    made, _ = bound(y, pred, loss="mse", metrics=[["mae"], []])
    assert made.metrics_names == ["loss", "compile_metrics", "a_loss", "b_loss"]
    with semantics.use("tf_keras"):
        made = Compiled("mse", None, ["mae"], output_names=NAMES)
        assert made.metrics_names == []
        made.bind(y, pred)
        assert made.metrics_names == ["loss", "a_loss", "b_loss", "a_mae", "b_mae"]


def test_extra_metrics_are_logged_and_listed():
    y, pred = arrays(2), arrays(2)
    made, _ = bound(y[0], pred[0], names=["o"], loss="mse")
    extra = metrics.Mean(name="depth")
    extra.update_state(7.0)
    results = made.results([extra])
    assert list(results) == ["depth", "loss"] and results["depth"] == 7.0
    assert made.as_list(results, [extra]) == [0.0, 7.0]
    assert made.as_list(made.results()) == 0.0


def test_keras_2_0_names_and_accuracy():
    y = np.array([[0], [2], [1], [2]])
    pred = RNG.random((4, 3)).astype("float32")
    with semantics.use("keras-2.0"):
        made, _ = bound(y, pred, names=["o"], loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        assert list(made.results()) == ["loss", "acc"]
        assert made.compile_metrics.metrics[0]._fn is metrics.sparse_categorical_accuracy
        y = np.eye(3, dtype="float32")[y[:, 0]]
        made, _ = bound(y, pred, names=["o"], loss="binary_crossentropy", metrics=["acc", "mse"])
        assert list(made.results()) == ["loss", "acc", "mean_squared_error"]
        assert made.compile_metrics.metrics[0]._fn is metrics.binary_accuracy


Y, P = arrays(2, 3), arrays(2, 3)


@pytest.mark.parametrize(
    ("compiled", "error", "message"),
    [
        ({"loss": "categorial_crossentropy"}, ValueError, "categorical_crossentropy"),
        ({"loss": {"a": "mse"}}, ValueError, r"Expected keys \['a', 'b'\] in loss dict"),
        ({"loss": {"a": "mse", "bb": "mse"}}, ValueError, "Did you mean 'b'"),
        ({"loss": ["mse", "mse", "mse"]}, KeyError, r"\(2,\)"),
        ({"loss": "mse", "loss_weights": [1.0, 2.0]}, ValueError, "got 1 losses and 2 weights"),
        ({"loss": "mse", "loss_weights": 3}, ValueError, "loss_weights=3 of type int"),
        ({"loss": ["mse", "mse"], "loss_weights": ["x", 1.0]}, ValueError, "expected numbers"),
        ({"loss": "mse", "metrics": "mae"}, ValueError, "metrics='mae'"),
        ({"loss": "mse", "metrics": ["acuracy", "mae"]}, ValueError, "acuracy"),
        ({"loss": "mse", "metrics": ["mae"]}, ValueError, "one entry per output"),
        ({"loss": "mse", "metrics": {"z": "mae"}}, ValueError, "not the outputs|one entry per output"),
        ({"loss": None}, ValueError, "Provide a `loss` argument"),
    ],
)
def test_messages(compiled, error, message):
    with pytest.raises(error, match=message):
        bound(Y, P, **compiled)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([Y[0]], KeyError, "labels"),
        ([*Y, Y[0]], ValueError, "different structures"),
        ({"a": Y[0], "c": Y[1]}, TypeError, r"called \['a', 'b'\]"),
        ([None, Y[1]], ValueError, "'a' has a loss"),
        (None, KeyError, "labels"),
    ],
)
def test_messages_about_targets(y, error, message):
    with pytest.raises(error, match=message):
        bound(y, P, loss="mse")


class Tripled(losses.MeanSquaredError):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 3 * super().__call__(y_true, y_pred, sample_weight)


def without_pullback(y_true, y_pred):
    return np.mean(np.abs(np.asarray(y_true) - np.asarray(y_pred)) ** 3, axis=-1)


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", 4.0), (Tripled(), 12.0), (without_pullback, 8.0), (losses.mean_squared_error, 4.0)]
)
def test_evaluate_takes_every_kind_of_loss(loss, expected):
    model = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", loss)
    assert model.evaluate(np.ones((5, 2)), np.full((5, 1), 2.0), batch_size=3, verbose=0) == expected
