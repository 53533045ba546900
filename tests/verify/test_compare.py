"""The comparison sees what it should see, and nothing else."""

import copy
import math

import numpy as np
import pytest

from refkeras.verify.compare import HISTORY, compare, gradient_roundings
from refkeras.verify.engines import Result
from refkeras.verify.scenarios import CASES

CASE = CASES["loss_definition"]
SHAPES = {"dense kernel": (6, 8), "dense bias": (8,), "dense_1 kernel": (8, 4), "dense_1 bias": (4,)}
LINE = "\r\x1b[1m1/1\x1b[0m \x1b[32m━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 21ms/step - loss: {loss}\n"


def result(dtype="float32"):
    rng = np.random.default_rng(3)
    arrays = {
        f"loss_definition/{what}/{label}": rng.normal(size=shape).astype(dtype)
        for what in ("gradient", "initial", "final")
        for label, shape in SHAPES.items()
    }
    values = [float(v) for v in rng.uniform(0.1, 2, size=20).astype(dtype)]
    history = {"loss": values, "accuracy": [0.25] * 20}
    return Result({}, {"loss_definition": {"history": history, "printed": LINE.format(loss="0.4321")}}, arrays)


def disagreeing(ours, theirs, dtype="float32"):
    return [row.quantity for row in compare(CASE, "keras@x", dtype, ours, theirs) if not row.agrees]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_agrees_with_itself(dtype):
    rows = compare(CASE, "keras@x", dtype, result(dtype), result(dtype))
    assert all(row.agrees and row.difference == 0 for row in rows)
    assert [row.quantity for row in rows] == [
        "loss",
        "accuracy",
        "initial weights",
        *(f"gradient {label}" for label in SHAPES),
        *(f"final {label}" for label in SHAPES),
        "printed lines",
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_history_is_judged_relative_to_each_value(dtype):
    theirs, near, far = result(dtype), result(dtype), result(dtype)
    near.seen["loss_definition"]["history"]["loss"][7] *= 1 + 0.9 * HISTORY[dtype]
    far.seen["loss_definition"]["history"]["loss"][7] *= 1 + 1.1 * HISTORY[dtype]
    assert disagreeing(near, theirs, dtype) == []
    assert disagreeing(far, theirs, dtype) == ["loss"]


def test_keys_their_order_lengths_and_nan_are_seen():
    theirs = result()
    for change in (
        lambda history: history.update(acc=history.pop("accuracy")),
        lambda history: history.update(loss=history.pop("loss")),
        lambda history: history["loss"].pop(),
        lambda history: history["loss"].__setitem__(3, math.nan),
    ):
        ours = copy.deepcopy(theirs)
        change(ours.seen["loss_definition"]["history"])
        assert disagreeing(ours, theirs)


@pytest.mark.parametrize("what", ["gradient", "final"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tensors_are_judged_by_counted_roundings(what, dtype):
    theirs, near, far = result(dtype), result(dtype), result(dtype)
    name = f"loss_definition/{what}/dense_1 kernel"
    (row,) = (r for r in compare(CASE, "e", dtype, theirs, theirs) if r.quantity == f"{what} dense_1 kernel")
    largest = np.abs(theirs.arrays[name]).max()
    near.arrays[name][2, 3] += 0.9 * row.allowed * largest
    far.arrays[name][2, 3] += 1.1 * row.allowed * largest
    assert disagreeing(near, theirs, dtype) == []
    assert disagreeing(far, theirs, dtype) == [f"{what} dense_1 kernel"]
    assert row.allowed < {"float32": 1e-4, "float64": 1e-12}[dtype]


def test_initial_weights_are_bit_for_bit():
    ours, theirs = result(), result()
    name = "loss_definition/initial/dense kernel"
    ours.arrays[name][0, 0] = np.nextafter(ours.arrays[name][0, 0], np.float32(9))
    assert disagreeing(ours, theirs) == ["initial weights"]


def test_a_tensor_of_another_dtype_is_seen():
    ours, theirs = result(), result()
    ours.arrays["loss_definition/gradient/dense bias"] = np.zeros(8)
    assert disagreeing(ours, theirs) == ["gradient dense bias"]


@pytest.mark.parametrize(
    ("ours", "agrees"),
    [
        (LINE.format(loss="0.4321"), True),
        (LINE.format(loss="0.4322"), True),
        (LINE.format(loss="0.4323"), False),
        (LINE.format(loss="0.432"), False),
        (LINE.format(loss="4.3210e-01"), False),
        (LINE.format(loss="0.4321").replace("0s", "12s").replace("21ms", "7us"), True),
        (LINE.format(loss="0.4321").replace("loss", "acc"), False),
        (LINE.format(loss="0.4321").replace("1/1", "1/2"), False),
        (LINE.format(loss="0.4321").replace("━━━━", "━━━"), False),
        ("Epoch 1/20\n" + LINE.format(loss="0.4321"), False),
        ("\r 1/1 ━━━━ 5s 3s/step - loss: 0.9\b\b\b" + LINE.format(loss="0.4321"), True),
    ],
)
def test_printed_lines_but_for_timings(ours, agrees):
    mine, theirs = result(), result()
    mine.seen["loss_definition"]["printed"] = ours
    assert disagreeing(mine, theirs) == ([] if agrees else ["printed lines"])


def test_digits_that_rounding_moved_are_counted():
    mine, theirs = result(), result()
    mine.seen["loss_definition"]["printed"] = LINE.format(loss="0.4322")
    row = compare(CASE, "keras@x", "float32", mine, theirs)[-1]
    assert (row.difference, row.ulps) == (1, 1)
    assert row.note == "2 lines, 1 numbers, 1 differ in the last digit"


def test_roundings_of_a_gradient():
    assert gradient_roundings(CASE, [(6, 8), (8,), (8, 4), (4,)]) == (6 + 8 + 16) + (8 + 4 + 16) + 10
