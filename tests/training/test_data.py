"""Feeds: which rows, when they are copied, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refkeras
from refkeras import semantics
from refkeras.training import arrays, data
from refkeras.training.array_feed import ArrayFeed

X = np.arange(30, dtype="float32").reshape(10, 3)
Y = np.arange(10, dtype="float32")


def collected(feed, epochs=None):
    return [[xs[0].copy() for _, xs, _, _, _ in feed.batches()] for _ in feed.epochs()]


@settings(max_examples=60)
@given(n=st.integers(1, 40), batch_size=st.integers(1, 45), shuffle=st.booleans(), steps=st.none() | st.integers(1, 6))
def test_a_pass_takes_every_row_once(n, batch_size, shuffle, steps):
    x = np.arange(n)
    feed = data.make_feed(x, x * 2, batch_size=batch_size, shuffle=shuffle, steps=steps, epochs=50)
    taken = []
    passes = -(-n // batch_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for _ in feed.epochs():
            for _, xs, ys, _, size in feed.batches():
                assert len(xs[0]) == size <= batch_size
                assert np.array_equal(ys[0], xs[0] * 2)
                taken += xs[0].tolist()
            if len(taken) >= n:
                break
    assert sorted(taken[:n]) == list(range(n))
    assert feed.num_batches == (steps or passes)


def test_seeded_order_is_laid_out_once():
    refkeras.utils.set_random_seed(4)
    feed = data.make_feed(X, Y, batch_size=4, shuffle=True, epochs=3)
    first, second, third = collected(feed)
    assert not np.array_equal(np.concatenate(first), X)
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(first, second, third, strict=True))


def test_unseeded_order_is_new_each_epoch_in_the_same_buffer():
    with semantics.use("tf_keras"):
        refkeras.utils.set_random_seed(4)
        feed = data.make_feed(X, batch_size=10, shuffle=True, epochs=2)
        epochs = feed.epochs()
        next(epochs)
        first = next(feed.batches())[1][0]
        kept = first.copy()
        second = next(feed.batches())[1][0]
    assert np.shares_memory(first, second)
    assert not np.array_equal(kept, second) and sorted(kept[:, 0]) == sorted(second[:, 0])


def test_batches_in_order_are_views_of_the_data():
    feed = data.make_feed(X, Y, batch_size=4)
    for _, xs, ys, ws, _ in feed.batches():
        assert np.shares_memory(xs[0], X) and np.shares_memory(ys[0], Y) and ws is None


def test_floats_become_floatx_and_integers_stay():
    feed = data.make_feed([X.astype("float64"), np.arange(10)], Y > 3, batch_size=4)
    _, xs, ys, _, _ = next(iter(feed.batches()))
    assert [a.dtype.name for a in (*xs, *ys)] == ["float32", "int64", "bool"]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_file_is_read_by_batch_only(tmp_path, monkeypatch, shuffle):
    path = tmp_path / "x"
    written = np.memmap(path, dtype="float64", mode="w+", shape=(100, 5))
    written[:] = np.arange(500).reshape(100, 5)
    written.flush()
    x = np.memmap(path, dtype="float64", mode="r", shape=(100, 5))
    largest = 0
    take = arrays.RowSource.take

    def watched(self, batch):
        nonlocal largest
        rows = take(self, batch)
        largest = max(largest, len(rows))
        return rows

    monkeypatch.setattr(arrays.RowSource, "take", watched)
    monkeypatch.setattr(arrays.RowSource, "gather", lambda *_: pytest.fail("the file was copied whole"))
    (train, _, _), (check, _, _) = data.split_validation(x, None, None, 0.2)
    assert np.shares_memory(train, x) and np.shares_memory(check, x)
    feed = data.make_feed(train, np.arange(80.0), batch_size=16, shuffle=shuffle)
    rows = {}
    for _, xs, ys, _, _ in feed.batches():
        assert type(xs[0]) is np.ndarray and xs[0].dtype == np.float32
        rows.update(zip(ys[0].tolist(), xs[0].tolist(), strict=True))
    assert largest == 16
    assert all(rows[i] == written[int(i)].tolist() for i in range(80)) and len(rows) == 80


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the process's memory from Linux's /proc")
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_large_file_does_not_stay_in_memory(tmp_path, shuffle):
    """512 MiB, and no more than 200 MiB of them mapped at any time."""

    def resident():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    path, rows = tmp_path / "x", 2**17
    with path.open("wb") as file:
        file.truncate(rows * 4096)  # sparse: it takes no room
    x = np.memmap(path, dtype="float32", mode="r", shape=(rows, 1024))
    before, largest, seen = resident(), 0, 0
    for _, xs, _, _, size in data.make_feed(x, batch_size=2048, shuffle=shuffle).batches():
        seen += size
        assert xs[0].sum() == 0
        largest = max(largest, resident() - before)
    assert seen == rows
    assert largest < 200 * 2**20


def test_rows_written_to_a_private_mapping_are_kept(tmp_path, monkeypatch):
    """Mode "c": what was written lives in the pages alone, which must not be given back."""
    monkeypatch.setattr(arrays, "MAPPED_BYTES", 1)
    np.arange(4000, dtype="float32").tofile(tmp_path / "x")
    for mode, written in (("c", -1.0), ("r+", -2.0)):
        x = np.memmap(tmp_path / "x", dtype="float32", mode=mode, shape=(1000, 4))
        x[::7] = written
        for batch in (slice(0, 500), slice(500, 1000), np.array([7, 3, 994])):
            assert np.array_equal(arrays.RowSource(x).take(batch), np.array(x)[batch])
        source = arrays.RowSource(x)
        for _ in range(3):
            assert source.take(np.array([7, 14]))[:, 0].tolist() == [written, written]


def test_large_arrays_are_taken_by_batch(monkeypatch):
    monkeypatch.setattr(arrays, "RESIDENT_BYTES", 100)
    refkeras.utils.set_random_seed(4)
    large = collected(ArrayFeed(X.astype("float64"), batch_size=4, shuffle=True))
    monkeypatch.undo()
    small = collected(ArrayFeed(X.astype("float64"), batch_size=4, shuffle=True))
    assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(large[0], small[0], strict=True))


def test_more_batches_than_views_are_kept_for(monkeypatch):
    from refkeras.training import array_feed

    monkeypatch.setattr(array_feed, "KEPT_VIEWS", 2)
    refkeras.utils.set_random_seed(4)
    many = collected(ArrayFeed(X, batch_size=2, shuffle=True, epochs=2))
    monkeypatch.undo()
    few = collected(ArrayFeed(X, batch_size=2, shuffle=True, epochs=2))
    assert np.array_equal(many, few)


def test_feed_starts_over_each_time():
    feed = data.make_feed(X, batch_size=4, steps=2)
    assert all(np.array_equal(a, b) for a, b in zip(collected(feed)[0], collected(feed)[0], strict=True))


def test_an_interrupted_epoch_goes_on_with_the_next_batch():
    feed = data.make_feed(X, batch_size=2, steps=3, epochs=2)
    epochs = feed.epochs()
    next(epochs)
    batches = feed.batches()
    next(batches)
    batches.close()
    assert next(epochs) == 1


def test_pandas_is_read_as_columns():
    pandas = pytest.importorskip("pandas")
    feed = data.make_feed(pandas.DataFrame(X), pandas.Series(Y), batch_size=4)
    _, xs, ys, _, _ = next(iter(feed.batches()))
    assert np.array_equal(xs[0], X[:4]) and np.array_equal(ys[0], Y[:4, None])


def test_sparse_matrices_are_made_dense_by_batch():
    sparse = pytest.importorskip("scipy.sparse")
    feed = data.make_feed(sparse.coo_matrix(X), Y, batch_size=4, shuffle=True)
    for _, xs, ys, _, _ in feed.batches():
        assert np.array_equal(xs[0], X[ys[0].astype(int)])


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    weights=st.dictionaries(st.integers(0, 4), st.floats(0, 8, width=32), max_size=5),
    form=st.sampled_from(["labels", "column", "one hot", "floats"]),
)
def test_class_weights(labels, weights, form):
    y = np.array(labels)
    y = {"labels": y, "column": y[:, None], "one hot": np.eye(5)[y], "floats": y + 0.25}[form]
    found = data.class_weights_of(y, weights)
    assert found.dtype == np.float32
    assert found.tolist() == [weights.get(label, 1.0) for label in labels]


class Squares(data.PyDataset):
    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        x = np.full((2, 1), index, "float32")
        return x, x**2


@pytest.mark.parametrize("arguments", [{}, {"workers": 3}, {"workers": 2, "use_multiprocessing": True}])
def test_workers_change_nothing(arguments):
    feed = data.make_feed(Squares(7, max_queue_size=2, **arguments), epochs=2)
    assert [[int(xs[0, 0]) for xs in epoch] for epoch in collected(feed)] == [list(range(7))] * 2


def test_a_dataset_without_end_needs_steps_and_goes_on():
    class Endless(Squares):
        num_batches = None

    feed = data.make_feed(Endless(1), steps=3, epochs=2)
    assert [[int(xs[0, 0]) for xs in epoch] for epoch in collected(feed)] == [[0, 1, 2], [3, 4, 5]]


def test_anything_like_a_py_dataset_is_taken():
    class Alike:
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return X[index : index + 2], Y[index : index + 2]

        def on_epoch_end(self):
            pass

    assert len(collected(data.make_feed(Alike()))[0]) == 2


def test_forgotten_constructor_warns():
    class Forgetful(data.PyDataset):
        def __init__(self):
            pass

    with pytest.warns(UserWarning, match="super"):
        assert Forgetful().workers == 1


def test_running_out_warns():
    feed = data.make_feed(X, batch_size=4, steps=5)
    with pytest.warns(UserWarning, match="ran out of data"):
        collected(feed)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": X.tolist()}, ValueError, r"Unrecognized data type: x .* np\.array\(x\)"),
        ({"x": X, "y": "labels"}, ValueError, "y='labels'"),
        ({"x": X, "y": Y, "sample_weight": [1.0] * 10}, ValueError, "sample_weight is list of float"),
        ({"x": X, "y": Y[:5]}, ValueError, "'x' sizes: 10; 'y' sizes: 5"),
        ({"x": X.astype(object), "y": Y}, ValueError, "Invalid dtype: object. x must be numbers"),
        ({"x": X, "y": Y.astype(str)}, ValueError, "y must be numbers"),
        ({"x": X, "batch_size": -3}, ValueError, "batch_size=-3"),
        ({"x": X, "batch_size": 2.5}, TypeError, "batch_size=2.5"),
        ({"x": X, "steps": "3"}, TypeError, "steps_per_epoch='3'"),
        ({"x": X, "y": Y, "class_weight": {0: 1.0}, "sample_weight": Y}, ValueError, "at the same time"),
        ({"x": X, "y": [Y, Y], "class_weight": {0: 1.0}}, ValueError, "single output"),
        ({"x": X, "y": [Y, Y], "sample_weight": [Y]}, ValueError, "one `sample_weight` array per output"),
        ({"x": X, "y": [Y, Y], "sample_weight": X}, ValueError, r"Received shape \(10, 3\)"),
        ({"x": (i for i in range(0))}, ValueError, "empty generator"),
        ({"x": ([1.0] for _ in range(2))}, ValueError, "must return a tuple"),
        ({"x": Squares(2), "y": Y}, ValueError, "included as part of the PyDataset"),
        ({"x": Squares(0)}, ValueError, "length 0"),
        ({"x": np.float32(3)}, IndexError, "single value"),
    ],
)
def test_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        data.make_feed(**arguments)


def test_a_batch_of_another_structure_is_refused():
    batches = iter([(X, Y), (X, Y), (X, Y, Y)])
    feed = data.make_feed(batch for batch in batches)
    with pytest.raises(TypeError, match="sample_weight of a batch"):
        collected(feed)


@pytest.mark.parametrize("fraction", [1.0, 0.999999])
def test_a_split_must_leave_something(fraction):
    with pytest.raises(ValueError, match=f"validation_split={fraction}"):
        data.split_validation(X, Y, None, fraction)
    with pytest.raises(ValueError, match="incompatible type"):
        data.split_validation(X.tolist(), Y, None, 0.2)
