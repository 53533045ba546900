"""Every loss and every metric is taken apart, down to the targets and outputs of one sample, and to their logits."""

import inspect
import re
import warnings

import numpy as np
import pytest

import refkeras as keras
from refkeras import explain, losses, metrics, semantics
from refkeras.explain import samples

from . import checking

ROWS, UNITS = 11, 3


def public(module, base, without):
    """Return the public classes of a module, but for those without a value of their own."""
    found = {name: getattr(module, name) for name in module.__all__}
    return {
        name: cls for name, cls in found.items()
        if inspect.isclass(cls) and issubclass(cls, base) and name not in without
    }  # fmt: skip


LOSSES = public(losses, losses.Loss, {"Loss", "LossFunctionWrapper"})
METRICS = public(metrics, metrics.Metric, {"Metric", "MeanMetricWrapper"})
# What a class compares with, where not with numbers of its own kind.
TARGETS = {"Accuracy": "bits", "BinaryAccuracy": "bits", "BinaryCrossentropy": "bits", "Hinge": "bits",
           "SquaredHinge": "signs", "Poisson": "counts", "KLDivergence": "shares"}  # fmt: skip
# What else a class can be told.
ARGUMENTS = {
    "BinaryCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}],
    "CategoricalCrossentropy": [{"from_logits": True}, {"label_smoothing": 0.2}],
    "SparseCategoricalCrossentropy": [{"from_logits": True}],
    "SparseCategoricalCrossentropy loss": [{"ignore_class": 1}],
    "Huber": [{"delta": 0.4}],
    "R2Score": [{"class_aggregation": "variance_weighted_average"}, {"num_regressors": 2}],
    "TopKCategoricalAccuracy": [{"k": 2}],
    "SparseTopKCategoricalAccuracy": [{"k": 2}],
}
ENGINES = ("keras-3@tensorflow", "keras-3@numpy", "tf_keras", "keras-2.0")
# What a derivation may end in: what the data or the model gave, and weights.
LEAF = re.compile(
    r"(target|output|logit)(\[\d+\])?( in the data)?( of sample \d+.*)?$|the model's output$|the target('s class)?$|"
    r"weight of sample \d+.*$|numbers of batch \d+ .*$|S, the sum of the exponentials$|class\[\d+\] of the list$"
)
UNTOLD = re.compile("not kept|As (it|its|the)|not one that|too many")


def targets_of(name, rng, units):
    kind = TARGETS.get(name) or ("classes" if "Sparse" in name else "one hot" if "Categorical" in name else "numbers")
    if kind in ("classes", "one hot"):
        classes = rng.integers(units, size=ROWS)
        return np.eye(units, dtype="float32")[classes] if kind == "one hot" else classes
    shape = ROWS, units
    if kind == "shares":
        return rng.dirichlet(np.ones(units), ROWS).astype("float32")
    if kind == "counts":
        return rng.poisson(2, shape).astype("float32")
    if kind in ("bits", "signs"):
        bits = rng.integers(2, size=shape).astype("float32")
        return 2 * bits - 1 if kind == "signs" else bits
    return rng.uniform(0.1, 2, shape).astype("float32")


def still(y_true, y_pred):
    return np.zeros(len(y_pred), "float32")


still.forward = lambda y_true, y_pred: (still(y_true, y_pred), lambda d: np.zeros_like(y_pred))


def run(name, activation, loss, measured=None, weighted=False, units=UNITS):
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(len(name))
    x = rng.normal(size=(ROWS, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation, name="out")])
    which = "weighted_metrics" if weighted else "metrics"
    model.compile("sgd", loss, **({} if measured is None else {which: [measured]}))
    ledger = explain.Ledger()
    weights = rng.uniform(0.5, 2, ROWS).astype("float32") if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        targets = targets_of(name, rng, units)
        model.fit(x, targets, batch_size=4, epochs=1, sample_weight=weights, verbose=0, callbacks=[ledger])
    return ledger


def assert_taken_apart(node):
    """Every figure follows from its inputs, and what is no figure comes from the data or the model."""
    assert node.verify() == checking.check(node) > ROWS
    for found in node.walk():
        assert not [note for note in found.notes if UNTOLD.search(note)], (found, found.notes)
        assert found.formula != "given" or LEAF.match(found.name), found.name
    assert explain.Derivation.from_json(node.to_json()) == node


def cases(classes, suffix=""):
    return [
        pytest.param(name, arguments, id=" ".join([name, *map(str, arguments)]))
        for name in classes
        for arguments in [{}, *ARGUMENTS.get(name, []), *ARGUMENTS.get(name + suffix, [])]
    ]


@pytest.mark.parametrize(("name", "arguments"), cases(LOSSES, " loss"))
def test_of_every_loss(name, arguments):
    for engine in ENGINES:
        for activation in ("softmax", "sigmoid", "softplus" if name == "Poisson" else "linear"):
            with semantics.use(engine):
                ledger = run(name, activation, LOSSES[name](**arguments), weighted=activation == "sigmoid")
            loss = ledger.explain("loss")
            assert_taken_apart(loss)
            below = {node.formula for node in loss.walk()}
            if activation in ("softmax", "sigmoid") and not arguments.get("from_logits"):
                assert below & {activation, "minus_log_softmax"}, below


@pytest.mark.parametrize(("name", "arguments"), cases(METRICS))
def test_of_every_metric(name, arguments):
    for engine in ENGINES:
        for weighted in (False, True):
            if weighted and name in ("Mean", "Sum"):
                continue  # they take what is predicted for the weights
            with semantics.use(engine):
                if name == "Accuracy" or name in ("Mean", "Sum"):
                    activation = "relu"
                else:
                    activation = "softmax"
                ledger = run(name, activation, still, METRICS[name](**arguments, name="it"), weighted)
            found = ledger.explain("it")
            assert float(found.value) == ledger.run.history[0].logs["it"]
            assert_taken_apart(found)
            for batch in (1, 3):
                assert_taken_apart_of_batch(ledger.explain("it", batch=batch))


@pytest.mark.parametrize(("name", "arguments"), cases(LOSSES, " loss"))
def test_of_every_loss_as_a_metric(name, arguments):
    for engine, reduction in (("keras-3@tensorflow", "sum_over_batch_size"), ("keras-3@tensorflow", "none"),
                              ("tf_keras", "sum")):  # fmt: skip
        with semantics.use(engine):
            loss = LOSSES[name](**arguments, reduction=reduction, name="it")
            measured = metrics.MeanMetricWrapper(loss, name="it") if reduction == "none" else loss
            ledger = run(name, "softmax", still, measured)
        found = ledger.explain("it")
        assert float(found.value) == ledger.run.history[0].logs["it"]
        assert_taken_apart(found)
        ones = [n for n in found.walk() if any(note.startswith("The metric is a loss") for note in n.notes)]
        assert len(ones) == (0 if reduction == "none" else 3)
        if name == "CategoricalCrossentropy" and not arguments:
            assert "softmax" in {node.formula for node in found.walk()}


def test_a_loss_as_a_metric_goes_to_a_file_and_back(tmp_path):
    ledger = run("MeanSquaredError", "softmax", still, losses.MeanSquaredError(name="it"))
    ledger.save(tmp_path / "run.json")
    (again,) = explain.load(tmp_path / "run.json")
    assert again.explain("it") == ledger.explain("it")


@pytest.mark.parametrize("weighted", [False, True])
def test_ignore_class_of_a_metric(weighted):
    for engine in ENGINES[:3]:
        with semantics.use(engine):
            fn = losses.sparse_categorical_crossentropy
            measured = metrics.MeanMetricWrapper(fn, name="it", ignore_class=1)
            ledger = run("SparseCategoricalCrossentropy", "softmax", still, measured, weighted)
        found = ledger.explain("it")
        assert float(found.value) == ledger.run.history[0].logs["it"]
        assert_taken_apart(found)
        ignored = [node for node in found.walk() if node.formula == "no_class"]
        assert ignored and all(node.value == 0 for node in ignored)


@pytest.mark.parametrize("name", ["MeanSquaredError", "CosineSimilarity", "CategoricalHinge", "BinaryCrossentropy"])
def test_a_wide_softmax_is_taken_apart_once(name):
    for activation in ("softmax", "sigmoid"):
        ledger = run(name, activation, LOSSES[name](), units=samples.WIDEST + 8)
        loss = ledger.explain("loss")
        assert_taken_apart(loss)
        below = [node.formula for node in loss.walk()]
        assert below.count("sum_of_exponentials") == (ROWS if activation == "softmax" else 0)
        expected = "share_of_sum" if activation == "softmax" else "sigmoid"
        assert below.count(expected) >= ROWS * (samples.WIDEST + 8)


def assert_taken_apart_of_batch(node):
    assert node.verify() == checking.check(node) > 4


def test_a_class_that_is_not_taken_apart_is_noticed():
    class Quartic(losses.Loss):
        def forward(self, y_true, y_pred):
            e = y_pred - y_true
            return (e**4).mean(-1), lambda d: d[..., None] * 4 * e**3 / e.shape[-1]

    with pytest.raises(AssertionError, match="As its function gave it"):
        assert_taken_apart(run("Quartic", "linear", Quartic()).explain("loss"))


def test_a_loss_whose_call_is_overridden_is_what_the_call_returned():
    class Tripled(losses.MeanSquaredError):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return 3 * super().__call__(y_true, y_pred, sample_weight)

        def value_and_pullback(self, *args, **kwargs):
            value, pullback = super().value_and_pullback(*args, **kwargs)
            return 3 * value, lambda: (3 * pullback()[0], None)

    plain, tripled = (run("MeanSquaredError", "linear", loss, weighted=True) for loss in ("mse", Tripled()))
    once, thrice = plain.explain("loss").inputs[0], tripled.explain("loss").inputs[0]
    assert thrice.value == np.float32(3) * once.value
    assert len(once.inputs) > len(thrice.inputs) == 0


def test_the_softmax_that_gave_p():
    ledger = run("CategoricalCrossentropy", "softmax", "categorical_crossentropy", "accuracy")
    sample = ledger.explain("loss").inputs[0].inputs[0]
    (p,) = sample.also
    z = [float(node.value) for node in p.inputs]
    k = int(p.params["k"])
    assert p.formula == "softmax" and [node.name for node in p.inputs] == ["logit[0]", "logit[1]", "logit[2]"]
    # e^z and their sum round some times, in units of 2^-24.
    assert abs(float(p.value) - np.exp(z[k]) / np.exp(z).sum()) < 16 * 2.0**-24
    hit = ledger.explain("accuracy").inputs[0].inputs[0]
    assert {node.formula for node in hit.find("where the output is largest").also} == {"softmax"}
    mse = run("MeanSquaredError", "softmax", "mse").explain("loss").inputs[0].inputs[0].inputs[2]
    assert [node.formula for node in mse.inputs] == ["softmax", "given"] and mse.inputs[0].name == "output[2]"
