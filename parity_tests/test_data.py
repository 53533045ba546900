"""The batches of fit(): which rows, in which order, with which weights; and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

from parity_tests.data_sides import ENGINES, assert_same, ours
from parity_tests.engines import KERAS_3, both_kerases, differs, keras
from parity_tests.shows import shows
from refkeras import semantics
from refkeras.training import data

RNG = np.random.default_rng(3)
DIALECTS = list(ENGINES)
K3, K2 = KERAS_3, "tf_keras"


def rows(n: int, *width: int, dtype: str = "float32") -> np.ndarray:
    return (np.arange(n * math.prod(width)).reshape(n, *width) % 251).astype(dtype)


X, Y, W = rows(10, 3), rows(10, 2), rows(10)
LABELS = np.array([2, 0, 1, 2, 2, 0, 1, 1, 0, 2])


def both(make: Any, **arguments: Any) -> dict[str, Any]:
    """Return what the engines do, after checking that refkeras does the same."""
    if not callable(make):
        given_ = make
        make = lambda _: given_  # noqa: E731
    found = {}
    for dialect, engine in ENGINES.items():
        found[dialect] = engine(make, **arguments)
        assert_same(ours(dialect, make, **arguments), found[dialect])
    return found


@shows("order_drawn_by")
@pytest.mark.parametrize("dialect", DIALECTS)
@given(
    n=st.integers(1, 13),
    batch_size=st.none() | st.integers(1, 6),
    steps=st.none() | st.integers(1, 5),
    epochs=st.integers(1, 3),
    shuffle=st.booleans(),
    form=st.sampled_from(["array", "list", "dict", "x only"]),
    weighted=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "int64", "bool", "float16"]),
)
def test_batches_of_arrays(dialect, n, batch_size, steps, epochs, shuffle, form, weighted, dtype):
    x, y, w = rows(n, 2, dtype=dtype), rows(n, 3, dtype="float64"), rows(n, dtype="float64") if weighted else None
    parts = {
        "array": (x, y, w),
        "list": ([x, rows(n, 4)], [y, rows(n)], w and [w, w]) if not weighted else ([x, rows(n, 4)], y, w),
        "dict": ({"b": x, "a": rows(n, 1, 2)}, {"q": y, "p": rows(n)}, None),
        "x only": (x, None, None),
    }[form]
    arguments = {"batch_size": batch_size, "steps_per_epoch": steps, "epochs": epochs, "shuffle": shuffle}
    make = lambda _: parts  # noqa: E731
    assert_same(ours(dialect, make, **arguments), ENGINES[dialect](make, **arguments))


@given(n=st.integers(1, 400), fraction=st.floats(0.001, 0.999))
def test_validation_split(n, fraction):
    x, y = rows(n, 2), rows(n)
    try:
        (tx, ty), (vx, vy) = train_validation_split((x, y), fraction)
    except ValueError:
        with pytest.raises(ValueError, match="not sufficient"):
            data.split_validation(x, y, None, fraction)
        return
    (x1, y1, w1), (x2, y2, w2) = data.split_validation(x, y, None, fraction)
    assert w1 is None and w2 is None
    for mine, theirs in zip((x1, y1, x2, y2), (tx, ty, vx, vy), strict=True):
        assert np.array_equal(mine, theirs)
        assert np.shares_memory(mine, x) or np.shares_memory(mine, y)


TABLE: dict[str, tuple[Any, dict[str, Any]]] = {
    "nothing": ((None, None, None), {}),
    "lengths": ((X, Y[:5], None), {}),
    "length of weights": ((X, Y, W[:5]), {}),
    "lists": ((X.tolist(), Y.tolist(), None), {}),
    "lists and array": ((X.tolist(), Y, None), {}),
    "scalar": ((np.array(3.0), np.array(2.0), None), {}),
    "objects": ((X.astype(object), Y, None), {}),
    "objects as y": ((X, Y.astype(object), None), {}),
    "integer weights": ((X, Y, np.arange(10)), {}),
    "weights in a list": ((X, Y, [W]), {}),
    "columns of weights": ((X, Y, W[:, None]), {}),
    "one weight for two": ((X, [Y, W], W), {}),
    "weights for two": ((X, [Y, W], [W, W]), {}),
    "empty": ((X[:0], Y[:0], None), {}),
    "batch of 0": ((X, Y, None), {"batch_size": 0}),
    "batch of -1": ((X, Y, None), {"batch_size": -1}),
    "batch of 4.0": ((X, Y, None), {"batch_size": 4.0}),
    "NumPy batch size": ((X, Y, None), {"batch_size": np.int64(4)}),
    "bool batch size": ((X, Y, None), {"batch_size": True}),
    "0 steps": ((X, Y, None), {"steps_per_epoch": 0}),
    "class weights": ((X, Y, None), {"class_weight": {0: 2.0, 1: 3.0}}),
    "class weights of labels": ((X, LABELS, None), {"class_weight": {0: 2.0, 1: 3.0, 2: 0.5}}),
    "class weights of a column": ((X, LABELS[:, None], None), {"class_weight": {0: 2.0, 1: 3.0, 2: 0.5}}),
    "class weights of floats": ((X, rows(10) / 4, None), {"class_weight": {0: 2.0, 1: 3.0, 2: 0.5}}),
    "integer class weights": ((X, LABELS, None), {"class_weight": {0: 2, 1: 3, 2: 1}}),
    "no class weights": ((X, LABELS, None), {"class_weight": {}}),
    "string classes": ((X, LABELS, None), {"class_weight": {"a": 1.0}}),
    "negative classes": ((X, LABELS, None), {"class_weight": {-1: 1.0, 1: 2.0}}),
    "list of class weights": ((X, LABELS, None), {"class_weight": [1.0, 2.0]}),
    "class weights for two": ((X, [Y, Y], None), {"class_weight": {0: 1.0, 1: 1.0}}),
    "unknown shuffle": ((X, Y, None), {"shuffle": "rows"}),
}


NO_BATCHES = differs("torch", "numpy", "jax", reason="a PyDataset without batches is an empty epoch")
NO_ROWS = differs("numpy", "jax", reason="a negative batch_size is an empty epoch")


@pytest.mark.parametrize("name", [pytest.param(n, marks=NO_ROWS if n == "batch of -1" else ()) for n in TABLE])
def test_table(name):
    make, arguments = TABLE[name]
    both(make, **arguments)


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError):
        assert_same(ours(K3, lambda _: (X, Y, W)), ENGINES[K3](lambda _: (X, Y, W + 1)))
    with pytest.raises(AssertionError):
        assert_same(ours(K3, lambda _: (X, Y, W), batch_size=4), ENGINES[K3](lambda _: (X, Y, W), batch_size=5))


# -- streams ---------------------------------------------------------------------------------------


def generator(n: int) -> Any:
    return lambda _: (((rows(2, 3) + i, rows(2) + i) for i in range(n)), None, None)


def pairs(n: int, make_batch: Any = None) -> Any:
    """A PyDataset of the library it is asked for."""

    def make(library: Any) -> tuple[Any, ...]:
        base = library.utils.PyDataset if hasattr(library.utils, "PyDataset") else library.utils.Sequence

        class Batches(base):  # type: ignore[misc, valid-type]
            def __len__(self):
                return n

            def __getitem__(self, index):
                return make_batch(index) if make_batch else (rows(2, 3) + index, LABELS[:2] + index)

        return Batches(), None, None

    return make


@pytest.mark.parametrize("arguments", [{}, {"epochs": 3}, {"epochs": 2, "steps_per_epoch": 2}])
@pytest.mark.parametrize("n", [1, 4])
def test_generator(n, arguments):
    both(generator(n), **arguments)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("steps", [None, 2, 5])
def test_sequence(steps, shuffle):
    both(pairs(3), epochs=3, steps_per_epoch=steps, shuffle=shuffle)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (generator(0), {}),
        pytest.param(pairs(0), {}, marks=NO_BATCHES),
        (lambda _: (generator(2)(_)[0], Y, None), {}),
        (lambda _: (generator(2)(_)[0], None, W), {}),
        (lambda k: (pairs(2)(k)[0], Y, None), {}),
        (lambda _: (([rows(2, 3), rows(2)] for _ in range(3)), None, None), {}),
        (pairs(2, lambda i: [rows(2, 3), rows(2)]), {}),
        (pairs(2, lambda i: rows(2, 3)), {}),
        (pairs(2, lambda i: (rows(2, 3), rows(2), rows(2) + i)), {}),
        (pairs(2), {"class_weight": {0: 2.0, 1: 0.5, 2: 3.0}}),
        (pairs(2, lambda i: (rows(2, 3), LABELS[:2], rows(2) + i)), {"class_weight": {0: 2.0, 1: 0.5, 2: 3.0}}),
        (lambda _: (3, Y, None), {}),
    ],
)
def test_streams_of_all_kinds(make, arguments):
    both(make, **arguments)


# -- the fields of semantics, shown on the real engines ---------------------------------------------


@shows("batch_size_is_int")
@pytest.mark.parametrize("size", [True, np.int64(4)])
def test_batch_sizes_of_other_types(size):
    found = both((X, Y, None), batch_size=size)[K3]
    assert (found == "ValueError") == semantics.get(K3).batch_size_is_int == (K3 == "keras-3@torch")


@both_kerases
@shows("fit_counts_checked")
def test_fit_counts_checked():
    found = both((X, Y, None), batch_size=0)
    assert (len(found[K3][0]), found[K2]) == (1, "ValueError")
    found = both((X[:0], Y[:0], None))
    assert found == {K3: [[]], K2: "ValueError"}


@both_kerases
@shows("plain_lists_are_data")
def test_plain_lists_are_data():
    found = both((X.tolist(), Y.tolist(), None))
    assert found[K3] == "ValueError"
    assert np.array_equal(found[K2][0][0][0], X)


@both_kerases
@shows("class_weight_missing")
def test_class_weight_missing():
    found = both((X, LABELS, None), class_weight={0: 2.0, 2: 3.0})
    assert found[K3][0][0][2].tolist() == [{0: 2.0, 1: 1.0, 2: 3.0}[k] for k in LABELS.tolist()]
    assert found[K2] == "ValueError"
    assert both((X, LABELS, None), class_weight={0: 2.0, 1: 3.0})[K2] == "InvalidArgumentError"


@both_kerases
@shows("class_and_sample_weights")
def test_class_and_sample_weights():
    found = both((X, LABELS, W), class_weight={0: 2.0, 1: 3.0, 2: 0.5}, batch_size=5)
    assert found[K3] == "ValueError"
    assert found[K2][0][0][2].tolist() == (W * np.array([2.0, 3.0, 0.5])[LABELS])[:5].tolist()
    # tf_keras knows the rows of a batch only if they are the same in all.
    assert both((X, LABELS, W), class_weight={0: 2.0, 1: 3.0, 2: 0.5}, batch_size=4)[K2] == "ValueError"


@both_kerases
@shows("sample_weight_list")
def test_sample_weight_list():
    assert both((X, Y, [1.0] * 10)) == {K3: "ValueError", K2: "AttributeError"}


@both_kerases
@shows("shuffle_case")
def test_shuffle_case():
    """tf_keras shuffles within batches for 'BATCH'; to Keras 3 that is just true."""
    make = lambda _: (X, Y, None)  # noqa: E731
    for dialect, within in ((K3, False), (K2, True)):
        batches = ENGINES[dialect](make, shuffle="BATCH", batch_size=5)
        with semantics.use(dialect):
            feed = data.make_feed(X, Y, shuffle="BATCH", batch_size=5)
            mine = [xs[0].copy() for _, xs, _, _, _ in feed.batches()]
        for found in ([batch[0] for batch in batches[0]], mine):
            kept = {frozenset(batch[:, 0].tolist()) for batch in found}
            assert (kept == {frozenset(X[:5, 0].tolist()), frozenset(X[5:, 0].tolist())}) is within


@both_kerases
@shows("out_of_data")
def test_out_of_data():
    found = both((X, Y, None), batch_size=4, steps_per_epoch=5, epochs=3)
    assert [len(epoch) for epoch in found[K3]] == [3, 3, 3]
    assert [len(epoch) for epoch in found[K2]] == [5, 4]


@both_kerases
@shows("generator_restarts")
def test_generator_restarts():
    found = both(generator(4), epochs=3)
    assert [[batch[1][0] for batch in epoch] for epoch in found[K3]] == [[0, 1, 2, 3], [0, 1], [0, 1]]
    assert [[batch[1][0] for batch in epoch] for epoch in found[K2]] == [[0, 1, 2, 3], []]


@both_kerases
@shows("sequence_hooks")
def test_sequence_hooks():
    calls: list[str] = []

    def make(library: Any) -> tuple[Any, ...]:
        sequence = pairs(2)(library)[0]
        kind = type(sequence)
        kind.on_epoch_begin = lambda self: calls.append("begin")
        kind.on_epoch_end = lambda self: calls.append("end")
        return sequence, None, None

    for dialect, expected in ((K3, ["end", "begin", "end", "begin", "end"]), (K2, ["end", "end"])):
        for side in (lambda: ENGINES[dialect](make, epochs=2), lambda: ours(dialect, make, epochs=2)):  # noqa: B023
            calls.clear()
            assert not isinstance(side(), str)
            assert calls == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_single_batch(dialect):
    with semantics.use(dialect):
        xs, ys, ws, size, structures = data.single_batch([X, W], LABELS, None, {0: 2.0, 1: 3.0, 2: 0.5})
    assert size == 10 and structures == ([0, 1], 0, 0)
    assert np.array_equal(xs[1], W) and ys is not None and ws is not None
    if dialect == K3:
        from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

        assert np.array_equal(ws[0], class_weight_to_sample_weights(LABELS, {0: 2.0, 1: 3.0, 2: 0.5}))


def test_packing():
    for parts in [("x",), ("x", "y"), ("x", "y", "w"), (["x"],)]:
        packed = keras.utils.pack_x_y_sample_weight(*parts)
        assert data.pack_x_y_sample_weight(*parts) == packed
        assert data.unpack_x_y_sample_weight(packed) == keras.utils.unpack_x_y_sample_weight(packed)
