"""Losses: values and gradients of refkeras and of Keras on the same batch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from parity_tests import elementwise_cases
from parity_tests.agreement import assert_agrees, assert_same, exactly
from parity_tests.engines import BACKEND, DTYPES, ENGINES, NATIVE_ERRORS, keras, numpy, tensor, value_and_gradients
from parity_tests.loss_cases import Case, crossentropies, elementwise, evaluated, loss_object, of_loss, regressions, run
from parity_tests.profiles import examples
from refkeras import losses, semantics
from refkeras.precision import exact
from refkeras.tensor import unwrap, wrap

ERRORS = ("mean_squared_error", "mean_absolute_error")
numbers = st.one_of(regressions(), elementwise(), elementwise())
cases = st.one_of(numbers, crossentropies())
engines = st.sampled_from(list(ENGINES))
# A case takes a few milliseconds.
many = examples(60)
pytestmark = [
    pytest.mark.filterwarnings("ignore:In loss categorical_crossentropy"),
    pytest.mark.filterwarnings("ignore:You are using a softmax over axis"),
]


def ours(case: Case, engine: str):
    arguments = {"dtype": case.dtype} if engine.startswith("keras-3") else {}
    return loss_object(__import__("refkeras"), case)(**case.arguments, **arguments)


@many
@given(cases, engines)
def test_functions(case, engine):
    assume(not divides_wrongly(case))
    with semantics.use(engine):
        bar, value = (
            getattr(losses, case.loss)(*pair, **case.arguments)
            for pair in (exactly((case.t, case.p), case.dtype), (case.t, case.p))
        )
    assert_agrees(bar, value, what="on plain arrays")
    assert_agrees(bar, numpy(getattr(ENGINES[engine].losses, case.loss)(case.t, case.p, **case.arguments)))


def divides_wrongly(case):
    """Whether cosine_similarity on NumPy cannot divide by norms, which lie along the last axis (docs/findings.md)."""
    if BACKEND != "numpy" or case.loss != "cosine_similarity":
        return False
    norms = [size for axis, size in enumerate(case.p.shape) if axis != case.arguments.get("axis", -1) % case.p.ndim]
    return any(a != b and 1 not in (a, b) for a, b in zip(reversed(case.p.shape), [1, *reversed(norms)], strict=False))


LOSSES = (*ERRORS, *elementwise_cases.NAMES, *(f"{kind}_crossentropy" for kind in ("binary", "categorical")))
LOSSES += ("sparse_categorical_crossentropy",)


@pytest.mark.parametrize("name", LOSSES)
@examples(40)
@given(st.data(), engines)
def test_each_loss(name, data, engine):
    """Values and gradients of one loss at a time, so that each meets all of its edges."""
    compare(data.draw(of_loss(name)), engine)


@many
@given(cases, engines)
def test_objects_and_gradients(case, engine):
    compare(case, engine)


def compare(case, engine):
    assume(not divides_wrongly(case))
    expected, gradient = run(ENGINES[engine], case)
    with semantics.use(engine), np.errstate(all="ignore"):
        loss = ours(case, engine)
        value, d_pred, d_logits = evaluated(loss, case.t, case.p)
        called = loss(wrap(case.t), wrap(case.p))
        plain, _ = loss.value_and_pullback(case.t, case.p)
    assert d_logits is None
    assert_same(called, plain)
    assert_agrees(value, expected)
    assert_agrees(d_pred, gradient, what="gradient")


@pytest.mark.parametrize("engine", ENGINES)
def test_divergence_of_equal_probabilities(engine):
    """The gradient is −1, over the rows; how it is rounded tells in which order its factors are multiplied."""
    p = np.random.default_rng(5).uniform(0.01, 0.99, (32, 5)).astype("float32")  # a mean over 32 does not round
    compare(Case("kl_divergence", p, p), engine)


weight_shapes = st.sampled_from(["()", "B", "B1", "BT", "BT1", "B11", "T", "1B", "11", "wrong"])
reductions = ["sum_over_batch_size", "sum", "none"]
reductions_3 = [*reductions, "mean", "mean_with_sample_weight", None]


# Hypothesis makes many near copies of an example: what decides which code runs is not left to its draws.
REDUCED = [(name, how) for name in ENGINES for how in (reductions_3 if name.startswith("keras-3") else reductions)]


@pytest.mark.parametrize("weighing", ["weights", "mask", "weights and mask"])
@pytest.mark.parametrize(("engine", "reduction"), REDUCED)
@examples(15)
@given(case=numbers, data=st.data())
def test_weights_masks_and_reductions(engine, reduction, weighing, case, data):
    """Weights and masks of any rank: the same values and gradients, or an error on both sides."""
    batch, *rest = case.p.shape
    steps = rest[0] if len(rest) > 1 else 1
    rng = np.random.default_rng(batch * 100 + steps)
    weights = mask = None
    if "weights" in weighing:
        name = data.draw(weight_shapes)
        shape = (
            (batch + 1, 2) if name == "wrong" else tuple({"B": batch, "T": steps, "1": 1}[c] for c in name.strip("()"))
        )
        weights = (rng.random(shape) * data.draw(st.sampled_from([1.0, 0.0, -2.0]))).astype(case.dtype)
    if "mask" in weighing:
        mask = rng.random(case.p.shape[:-1]) < data.draw(st.sampled_from([0.5, 0.0, 1.0]))
        if mask.size > 1 and data.draw(st.booleans(), "some, not all"):
            mask.flat[:2] = True, False
    try:
        expected, gradient = run(ENGINES[engine], case, weights, mask, reduction=reduction)
    except (ValueError, *NATIVE_ERRORS):
        expected = gradient = None
    with semantics.use(engine), np.errstate(all="ignore"):
        loss = ours(case, engine)
        loss.reduction = reduction
        if expected is None:
            with pytest.raises(ValueError):
                loss.value_and_pullback(case.t, case.p, weights, mask=mask)
            with pytest.raises(ValueError):
                loss(case.t, wrap(case.p, mask), weights)
            return
        value, d_pred, _ = evaluated(loss, case.t, case.p, weights, mask=mask)
        plain, _ = loss.value_and_pullback(case.t, case.p, weights, mask=mask)
        assert_same(loss(wrap(case.t), wrap(case.p, mask), weights), plain)
    assert_agrees(value, expected)
    assert_agrees(d_pred, gradient, what="gradient")


@many
@given(crossentropies(), engines, st.sampled_from(["softmax", "sigmoid"]))
def test_crossentropies_of_activations_use_their_logits(case, engine, activation):
    """Whatever activation made the predictions: Keras does not ask which, nor do some backends that there is one."""
    assume(case.p.ndim > 1)  # tf_keras takes no softmax of a vector
    module = ENGINES[engine]
    case.arguments |= {"from_logits": True}
    plain = {name: value for name, value in case.arguments.items() if name != "from_logits"}
    extra = {"dtype": case.dtype} if module is keras else {}

    def run_theirs(z):
        p = getattr(module.activations, activation)(z)
        return loss_object(module, case)(**plain, **extra)(tensor(case.t), p), p

    derived = value_and_gradients(run_theirs, [case.p], d_values=[np.array(1.0)])
    (value, p), (gradient,) = derived.values, derived.gradients
    if not semantics.get(engine).crossentropy_from_activation:
        _, gradient = run(module, Case(case.loss, case.t, p, plain))
    with semantics.use(engine):
        loss = ours(Case(case.loss, case.t, case.p, plain), engine)
        bar, d_pred, d_logits = evaluated(loss, case.t, numpy(p), logits=case.p)
        pred = wrap(numpy(p), logits=case.p)
        result, _ = loss.value_and_pullback(case.t, pred)
        beside, _ = loss.value_and_pullback(case.t, numpy(p), logits=case.p)
        function = getattr(losses, case.loss)(case.t, pred, **plain)
        called = loss(case.t, pred)
    assert (d_logits is None) != (d_pred is None) == semantics.get(engine).crossentropy_from_activation
    assert np.array_equal(result, beside, equal_nan=True) and np.array_equal(result, called, equal_nan=True)
    assert_agrees(bar, np.mean(function, dtype=case.dtype))
    assert_agrees(bar, value)
    assert_agrees(d_pred if d_logits is None else d_logits, gradient, what="gradient")


#: Of a loss that has a logarithm, predictions whose quotients need no rounding.
LOGARITHMS = {
    "binary_crossentropy": (0.25, 0.5, 0.75),
    "categorical_crossentropy": (0.25, 0.5),
    "kl_divergence": (0.25, 0.5, 1.0),
    "poisson": (0.5, 1.0, 2.0),
    "mean_squared_logarithmic_error": (1.0, 3.0, 7.0),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("loss", [*LOGARITHMS, "of logits"])
def test_quotients_by_powers_of_two(loss, engine):
    """They may be exact here, and not in an engine: TensorFlow derives logarithms with reciprocals.

    σ(0) - t of a logit of 0 is exact, too; TensorFlow computes (1 - t) - σ(0), and rounds 1 - t.
    """
    rng = np.random.default_rng(3)
    t = rng.uniform(0.1, 0.9, (4, 10)).astype("float32")
    p = rng.choice(LOGARITHMS.get(loss, [0.0]), t.shape).astype("float32")
    if loss in ("categorical_crossentropy", "kl_divergence"):
        p[:, 2:] = 0.0
        p[:, 0] = 0.5
    case = Case(loss, t, p) if loss in LOGARITHMS else Case("binary_crossentropy", t, p, {"from_logits": True})
    compare(case, engine)


@many
@given(crossentropies(kind="sparse_categorical"), engines, st.booleans(), st.data())
def test_ignore_class(case, engine, as_activation, data):
    module = ENGINES[engine]
    ignored = data.draw(st.sampled_from([-1, 0, 1, 255]))
    rng = np.random.default_rng(case.p.size)
    case.t = np.where(rng.random(case.t.shape) < 0.4, ignored, case.t)
    if data.draw(st.booleans(), "NaN"):
        gone = case.t.reshape(case.p.shape[:-1]) == ignored
        case.p = np.where(gone[..., None], np.nan, case.p).astype(case.dtype)
    case.arguments["ignore_class"] = ignored
    if as_activation:
        case.arguments["from_logits"] = False
    extra = {"dtype": case.dtype} if module is keras else {}

    def run_theirs(z, softmax=as_activation, **options):
        p = module.activations.softmax(z) if softmax else z
        return module.losses.SparseCategoricalCrossentropy(**options, **case.arguments, **extra)(tensor(case.t), p), p

    value, p = (numpy(v) for v in run_theirs(tensor(case.p), reduction="none"))
    # By its logits where the loss uses them, else by the predictions.
    by_predictions = as_activation and module is keras
    derived = value_and_gradients(
        lambda z: run_theirs(z, softmax=as_activation and not by_predictions),
        [p if by_predictions else case.p],
        d_values=[np.array(1.0)],
    )
    total, gradient = derived.values[0], derived.gradients[0]
    with semantics.use(engine), np.errstate(all="ignore"):
        loss = ours(case, engine)
        p, logits = (numpy(p), case.p) if as_activation else (case.p, None)
        result, d_pred, d_logits = evaluated(loss, case.t, p, logits=logits)
        p, logits = exactly((p, logits), case.dtype)
        function = losses.sparse_categorical_crossentropy(case.t, wrap(p, logits=logits), **case.arguments)
    # Keras 3 takes a new tensor, without the ignored rows, which has no logits.
    assert (d_pred is None) == (as_activation and module is not keras)
    assert_agrees(unwrap(function)[0], numpy(value))
    assert_agrees(result, total)
    assert_agrees(d_pred if d_logits is None else d_logits, gradient, what="gradient")


@pytest.mark.parametrize("engine", ENGINES)
def test_ignore_class_beside_a_mask(engine):
    """What counts is what both let through."""
    rng = np.random.default_rng(9)
    t, mask = np.array([[0, 2, 1], [2, 1, 2]]), np.array([[True, True, False], [True, False, True]])
    case = Case(
        "sparse_categorical_crossentropy", t, rng.uniform(0.1, 0.9, (2, 3, 4)).astype("float32"), {"ignore_class": 2}
    )
    expected, gradient = run(ENGINES[engine], case, mask=mask)
    with semantics.use(engine):
        value, d_pred, _ = evaluated(ours(case, engine), case.t, case.p, mask=mask)
    assert_agrees(value, expected)
    assert_agrees(d_pred, gradient, what="gradient")


SPECIAL = [np.inf, -np.inf, np.nan, 0.0, -200.0, 200.0, 88.8, 1e30, -1e30]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("special", SPECIAL)
def test_special_logits(engine, special):
    z = np.array([[special, 1.0], [1.0, special], [special, special]], "float32")
    t = np.array([[0.0, 1.0], [0.25, 0.75], [1.0, 0.0]], "float32")
    for loss, targets in (("binary", t), ("categorical", t), ("sparse_categorical", np.array([0, 1, 0]))):
        case = Case(f"{loss}_crossentropy", targets, z, {"from_logits": True})
        for weights in (None, np.array([1.0, 2.0, 3.0], "float32")):
            compare_specials(case, engine, weights)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, 0.0, 1.0, -1.0, 2.0, 5e-8])
def test_special_predictions(engine, special):
    p = np.array([[special, 0.5], [0.25, special], [special, special]], "float32")
    t = np.array([[0.0, 1.0], [0.25, 0.75], [1.0, 0.0]], "float32")
    for loss, targets in (
        ("binary_crossentropy", t),
        ("categorical_crossentropy", t),
        ("sparse_categorical_crossentropy", np.array([0, 1, 0])),
        ("mean_squared_error", t),
        ("mean_absolute_error", t),
        *((name, t) for name in elementwise_cases.NAMES),
    ):
        compare_specials(Case(loss, targets, p), engine, None)


def compare_specials(case, engine, weights):
    try:
        expected, gradient = run(ENGINES[engine], case, weights, reduction="none")
    except NATIVE_ERRORS:
        assert semantics.get(engine).probabilities_are_checked
        with semantics.use(engine), pytest.raises(ValueError, match="NaN"):
            ours(case, engine)(case.t, case.p)
        return
    with semantics.use(engine), np.errstate(all="ignore"):
        loss = ours(case, engine)
        loss.reduction = "none"
        value, d_pred, _ = evaluated(loss, case.t, case.p, weights)
    what = f"{case.loss} of {case.p.tolist()}"
    assert_agrees(value, expected, what=what)
    assert_agrees(d_pred, gradient, what=f"gradient of {what}")


@pytest.mark.parametrize(("t", "p"), [(1, 1), (1, 0), (0, 1), (0, 0), (1, 1e-7), (1, 1 - 1e-7)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ENGINES)
def test_binary_crossentropy_of_certainty(engine, dtype, t, p):
    arrays = np.array([[t]], dtype), np.array([[p]], dtype)
    expected = numpy(ENGINES[engine].losses.binary_crossentropy(*arrays))
    with semantics.use(engine):
        assert_agrees(losses.binary_crossentropy(*exactly(arrays, dtype)), expected)


shape_pairs = st.tuples(
    st.lists(st.integers(1, 3), min_size=0, max_size=3).map(tuple),
    st.lists(st.integers(1, 3), min_size=0, max_size=3).map(tuple),
)


@many
@given(
    shape_pairs,
    st.sampled_from(
        [
            *ERRORS,
            *elementwise_cases.NAMES,
            "binary_crossentropy",
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
        ]
    ),
    engines,
    st.booleans(),
)
def test_shapes(pair, name, engine, as_object):
    """Any two shapes: the same values, or errors of the same family."""
    # Of one sample without a batch axis, tf_keras makes a batch if its label has one.
    assume(not (name[0] == "s" and engine == "tf_keras" and len(pair[1]) == 1))
    rng = np.random.default_rng(len(pair[0]) + 7 * len(pair[1]))
    t = rng.integers(0, pair[1][-1] if pair[1] else 1, pair[0]) if name[0] == "s" else rng.random(pair[0])
    t, p = np.asarray(t, "float32"), np.asarray(rng.random(pair[1]), "float32")
    case = Case(name, t, p)
    module = ENGINES[engine]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            target = loss_object(module, case)(reduction="none") if as_object else getattr(module.losses, name)
            expected = numpy(target(tensor(t), tensor(p)))
        except (ValueError, *NATIVE_ERRORS, IndexError, ZeroDivisionError) as error:
            expected = error
        with semantics.use(engine):
            loss = ours(case, engine)
            loss.reduction = "none"
            call = loss if as_object else getattr(losses, name)
            if isinstance(expected, Exception):
                kinds = (ValueError, IndexError) if isinstance(expected, IndexError) else ValueError
                with pytest.raises(kinds):
                    call(wrap(t), wrap(p))
                return
            plain, value = call(wrap(t), wrap(p)), call(wrap(exact(t)), wrap(exact(p)))
        if as_object and (name[0] != "s" or name == "squared_hinge"):
            with semantics.use(engine):
                _, d_pred, _ = evaluated(loss, t, p)
            _, gradient = run(module, case, reduction="none")
            assert_agrees(d_pred, gradient, what="gradient")
    assert_agrees(value, plain, what="on plain arrays")
    assert_agrees(value, expected)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 2, 3), (2, 0, 3)])
@pytest.mark.parametrize("engine", ENGINES)
def test_empty_batches(engine, shape, reduction):
    empty = np.zeros(shape, "float32")
    expected, gradient = run(ENGINES[engine], Case("mean_squared_error", empty, empty), reduction=reduction)
    with semantics.use(engine), np.errstate(all="ignore"):
        value, pullback = losses.MeanSquaredError(reduction=reduction).value_and_pullback(empty, empty)
        assert_same(value, expected)
        assert pullback()[0].shape == gradient.shape


@pytest.mark.parametrize("engine", ENGINES)
def test_nan_weights_and_nan_losses_meet_zero_weights(engine):
    case = Case("mean_squared_error", np.array([[np.nan], [1.0], [2.0]], "f"), np.array([[1.0], [3.0], [5.0]], "f"))
    for weights in ([0.0, 1.0, 1.0], [1.0, np.nan, 0.0]):
        w = np.array(weights, "float32")
        expected, gradient = run(ENGINES[engine], case, w)
        with semantics.use(engine):
            value, d_pred, _ = evaluated(losses.MeanSquaredError(), case.t, case.p, w)
        assert_agrees(value, expected)
        assert_agrees(d_pred, gradient, what="gradient")
