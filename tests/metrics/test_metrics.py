"""Metrics: the public interface, custom metrics, errors and records."""

from __future__ import annotations

import numpy as np
import pytest

from refkeras import config, metrics
from refkeras.errors import InvalidArgumentError
from refkeras.losses import MeanSquaredError
from refkeras.saving import deserialize_keras_object, register_keras_serializable
from refkeras.tensor import Tensor, wrap
from refkeras.variable import Variable


class TruePositives(metrics.Metric):
    """The example of Keras's documentation."""

    def __init__(self, name="true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(shape=(), initializer="zeros", name="hits")

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = np.logical_and(np.equal(y_true, 1), np.greater(y_pred, 0.5)).astype(self.dtype)
        if sample_weight is not None:
            values = values * np.broadcast_to(sample_weight, values.shape)
        self.hits.assign(self.hits + np.sum(values))

    def result(self):
        return self.hits


def test_a_custom_metric():
    metric = TruePositives()
    metric.update_state([1, 0, 1], [0.9, 0.9, 0.1])
    metric.update_state([1, 1], [0.7, 0.8], sample_weight=[0.5, 2.0])
    assert float(metric.result()) == 3.5
    assert [variable.path for variable in metric.variables] == ["true_positives/hits"]
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert float(metric([1], [1.0])) == 1.0


def test_its_record():
    registered = register_keras_serializable("tests")(TruePositives)
    again = deserialize_keras_object(metrics.serialize(registered(name="hits")))
    assert (type(again), again.name) == (registered, "hits")


def test_metrics_and_variables_in_attributes_are_state():
    class Pair(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.parts = [metrics.Mean(name="a"), metrics.Sum(name="b")]
            self.named = {"c": metrics.Mean(name="c")}
            self.own = Variable(np.ones(2, "float32"), name="own")
            self.again = self.own

    pair = Pair()
    assert [v.name for v in pair.variables] == ["own", "total", "count", "total", "total", "count"]
    pair.parts[1].update_state([1.0, 2.0])
    pair.reset_state()
    assert all(not variable.value.any() for variable in pair.variables)


def test_what_a_subclass_must_define():
    with pytest.raises(NotImplementedError, match="must define `update_state`"):
        metrics.Metric().update_state()
    with pytest.raises(NotImplementedError, match="must define `result`"):
        metrics.Metric().result()

    class Careless(metrics.Metric):
        def __init__(self):
            self.value = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match=r"forgot to call `super\(\).__init__\(\)`"):
        Careless()
    with pytest.raises(ValueError, match="needs an initializer"):
        metrics.Metric().add_weight(name="x")
    for arguments in ({"aggregation": "sum"}, {"shpe": ()}):
        with pytest.raises(TypeError, match="add_weight"):
            metrics.Metric().add_weight(initializer="zeros", **arguments)
    with pytest.raises(TypeError, match="add_weight"):
        metrics.Metric().add_weight((), "zeros", shape=())


def test_states_are_updated_in_place():
    metric = metrics.Mean()
    storage = np.zeros(2, "float32")
    metric.total.bind(storage[0:1].reshape(()))
    metric.count.bind(storage[1:2].reshape(()))
    metric.update_state(3.0, sample_weight=2)
    metric.update_state([1.0, 2.0])
    assert storage.tolist() == [9.0, 4.0]


def test_sums_are_kept_in_float32():
    metric, total = metrics.Mean(), np.float32(0)
    for _ in range(10):
        metric.update_state(np.float32(0.1), sample_weight=3)
        total += np.float32(0.1) * np.float32(3)
    assert metric.result() == total / np.float32(30)
    assert metric.result() != np.float32(0.1)


def test_results_are_tensors():
    metric = metrics.CategoricalAccuracy()
    assert float(metric.result()) == 0.0
    result = metric([[0, 1.0]], [[0.2, 0.8]])
    assert isinstance(result, Tensor)
    assert result.numpy() == 1.0
    assert result.dtype == np.float32
    before = metrics.Sum()
    first = before([1.0])
    before.update_state([1.0])
    assert first == 1.0


def test_dtypes():
    assert metrics.Mean(dtype="float64")(0.1).dtype == np.float64
    with config.floatx_is("float64"):
        assert metrics.CategoricalAccuracy()([[0, 1.0]], [[0.2, 0.8]]).dtype == np.float64


def test_masks():
    y, p, mask = np.zeros((3, 2)), np.array([[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]), np.array([True, True, False])
    assert metrics.MeanSquaredError()(y, wrap(p, mask)) == 2.5
    assert metrics.MeanSquaredError()(y, wrap(p, mask), sample_weight=[3.0, 1.0, 5.0]) == 1.75
    assert metrics.CategoricalAccuracy()(np.eye(2)[[0, 1, 1]], wrap(np.eye(2)[[0, 1, 0]], mask)) == 1.0


def test_crossentropies_of_an_activation_use_its_logits():
    y, z = np.array([[0.0, 1.0]], "float32"), np.array([[60.0, 0.0]], "float32")
    p = wrap(np.array([[1.0, 0.0]], "float32"), logits=z)
    assert metrics.CategoricalCrossentropy()(y, p) == 60.0
    assert metrics.SparseCategoricalCrossentropy()([1], p) == 60.0
    assert metrics.CategoricalCrossentropy()(y, p.numpy()) < 17


def test_a_loss_as_a_metric_counts_batches():
    metric = metrics.MeanMetricWrapper(MeanSquaredError(), name="loss_of_batches")
    metric.update_state([[0.0]] * 3, [[1.0]] * 3)
    metric.update_state([[0.0]], [[3.0]])
    assert metric.result() == 5.0
    assert metric._direction == "down"


def test_a_function_with_arguments():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, name="at_30", threshold=0.3)
    assert metric([[1.0], [0.0]], [[0.4], [0.2]]) == 1.0
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert again([[1.0], [0.0]], [[0.4], [0.2]]) == 1.0


@pytest.mark.parametrize(
    ("true", "pred", "kind"),
    [
        ((5, 3), (5, 3), "categorical"),
        ((5, 1), (5, 3), "sparse_categorical"),
        ((5,), (5, 3), "sparse_categorical"),
        ((5, 7), (5, 7, 3), "sparse_categorical"),
        ((5, 1), (5, 1), "binary"),
        ((5,), (5, 1), "binary"),
        ((5, 7), (5, 7, 1), "binary"),
        ((None, 3), (None, 3), "categorical"),
    ],
)
def test_which_accuracy_is_meant(true, pred, kind):
    assert metrics.resolve_accuracy(true, pred) == kind


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"'acuracy'\. Did you mean 'accuracy'\?"):
        metrics.get("acuracy")
    with pytest.raises(ValueError, match="Could not interpret metric identifier: 3"):
        metrics.get(3)
    with pytest.raises(InvalidArgumentError, match="Incompatible shapes"):
        metrics.binary_accuracy(np.ones(4), np.ones((4, 3)))
    with pytest.raises(InvalidArgumentError, match="the last must be 1"):
        metrics.categorical_accuracy(np.ones((4, 3)), np.ones(4))
    with pytest.raises(InvalidArgumentError, match="cannot be broadcast"):
        metrics.Mean().update_state([1.0, 2.0], sample_weight=[1.0, 2.0, 3.0])
    with pytest.raises(InvalidArgumentError, match="Incompatible shapes"):
        metrics.RootMeanSquaredError().update_state(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(InvalidArgumentError, match=r"sample_weight has shape \(3, 1\)"):
        metrics.R2Score().update_state(np.ones((2, 3)), np.ones((2, 3)), sample_weight=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="R2Score expects 2D inputs"):
        metrics.R2Score().update_state(np.ones(2), np.ones(2))
    with pytest.raises(AttributeError, match="Call update_state first"):
        metrics.R2Score().result()
    with pytest.raises(TypeError, match=r"k must be an integer. Received: k=2\.0"):
        metrics.TopKCategoricalAccuracy(k=2.0)([[1.0, 0.0]], [[1.0, 0.0]])
    with pytest.raises(InvalidArgumentError, match="must match length of targets 1"):
        metrics.sparse_top_k_categorical_accuracy([1], np.ones((2, 3), "float32"))
    with pytest.raises(InvalidArgumentError, match="takes float32 only"):
        metrics.sparse_top_k_categorical_accuracy([1], np.ones((1, 3)))
    with pytest.raises(AttributeError, match="no attribute 'auc'"):
        metrics.auc  # noqa: B018


def test_a_batch_that_does_not_fit_leaves_r2_score_as_it_was():
    metric = metrics.R2Score(num_regressors=1)
    before = float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]))
    with pytest.raises(InvalidArgumentError):
        metric.update_state(np.ones((2, 2)), np.ones((2, 3)))
    assert float(metric.result()) == before
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert not hasattr(again, "sum")
    for regressors, message in ((2, "Division by zero"), (7, "More independent predictors")):
        metric = metrics.R2Score(num_regressors=regressors)
        with pytest.warns(UserWarning, match=message):
            metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
