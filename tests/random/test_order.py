"""The order of rows in fit."""

import numpy as np
import pytest

from refkeras import random, semantics
from refkeras.random.order import swap_shuffle

ENGINES = ["keras-3@tensorflow", "tf_keras", "keras-3@jax", "keras-3@torch", "keras-3@numpy"]


def rows_of(rows):
    taken = [np.arange(start, stop) for start, stop in rows.bounds]
    return np.concatenate([positions if rows.indices is None else rows.indices[positions] for positions in taken])


def test_known_orders():
    assert random.fit_order(10, 4).epoch().indices.tolist() == [7, 5, 4, 0, 3, 6, 9, 2, 8, 1]
    random.set_random_seed(0)
    assert random.fit_order(10, 4).epoch().indices.tolist() == [2, 0, 5, 8, 7, 1, 9, 6, 3, 4]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n, batch_size", [(1, 1), (2, 1), (7, 3), (8, 4), (5, 9)])
def test_every_row_once(engine, n, batch_size):
    with semantics.use(engine):
        orders = random.fit_order(n, batch_size, epochs=3)
        for _ in range(3):
            rows = orders.epoch()
            assert sorted(rows_of(rows).tolist()) == list(range(n))
            assert [stop - start for start, stop in rows.bounds] == [batch_size] * (n // batch_size) + (
                [n % batch_size] if n % batch_size else []
            )
            assert not rows.ran_out
            orders.end_epoch()


@pytest.mark.parametrize("engine", ENGINES)
def test_not_shuffled_is_the_natural_order(engine):
    with semantics.use(engine):
        rows = random.fit_order(7, 3, shuffle=False).epoch()
        assert rows.indices is None and rows.bounds == [(0, 3), (3, 6), (6, 7)]


def test_no_rows():
    rows = random.fit_order(0, 4).epoch()
    assert rows.bounds == [] and rows.indices.size == 0


def epochs(n, batch_size, count, **options):
    orders = random.fit_order(n, batch_size, epochs=count, **options)
    found = []
    for _ in range(count):
        found.append(orders.epoch())
        orders.end_epoch()
    return found


def test_keras_3_repeats_its_order_and_tf_keras_does_not():
    first, second = epochs(12, 4, 2)
    assert np.array_equal(first.indices, second.indices)
    with semantics.use("tf_keras"):
        third, fourth = epochs(12, 4, 2)
        assert np.array_equal(third.indices, first.indices)
        assert not np.array_equal(third.indices, fourth.indices)


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "keras-3@jax", "keras-3@torch"])
def test_batch_shuffle_keeps_rows_in_their_batches(engine):
    with semantics.use(engine):
        (rows,) = epochs(22, 8, 1, shuffle="batch")
    moved = False
    for start, stop in rows.bounds:
        batch = rows.indices[start:stop]
        assert sorted(batch.tolist()) == list(range(start, stop))
        moved |= batch.tolist() != list(range(start, stop))
    assert moved


def test_keras_3_goes_on_where_the_last_epoch_stopped():
    found = epochs(20, 4, 5, steps_per_epoch=3)
    assert [len(rows.bounds) for rows in found] == [3, 2, 3, 2, 3]
    assert [rows.ran_out for rows in found] == [False, True, False, True, False]
    assert found[1].bounds == [(12, 16), (16, 20)]
    exactly = epochs(20, 4, 3, steps_per_epoch=5)
    assert [(len(rows.bounds), rows.ran_out) for rows in exactly] == [(5, False)] * 3


def test_tf_keras_goes_on_over_passes_until_the_data_is_used_up():
    with semantics.use("tf_keras"):
        whole = np.concatenate([rows_of(rows) for rows in epochs(10, 4, 3)])
        found = epochs(10, 4, 3, steps_per_epoch=2)
        assert [len(rows.bounds) for rows in found] == [2, 2, 2]
        assert np.array_equal(np.concatenate([rows_of(rows) for rows in found]), whole[:20])
        found = epochs(10, 4, 3, steps_per_epoch=4)
        assert [(len(rows.bounds), rows.ran_out) for rows in found] == [(4, False), (4, False), (1, True)]
        assert np.array_equal(np.concatenate([rows_of(rows) for rows in found]), whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reset_begins_at_the_first_batch(engine):
    with semantics.use(engine):
        orders = random.fit_order(20, 4, shuffle=False, steps_per_epoch=2)
        assert orders.epoch().bounds == [(0, 4), (4, 8)]
        orders.end_epoch()
        orders.reset()
        assert orders.epoch().bounds == [(0, 4), (4, 8)]


def test_jax_and_torch_draw_for_a_first_look():
    for engine in ("keras-3@jax", "keras-3@torch"):
        with semantics.use(engine):
            random.set_random_seed(7)
            plain = random.fit_order(50, 8).epoch().indices
            random.set_random_seed(7)
            orders = random.fit_order(50, 8)
            orders.peek()
            assert not np.array_equal(orders.epoch().indices, plain)


def test_the_seed_is_read_when_the_order_is_made():
    orders = random.fit_order(10, 4)
    expected = random.fit_order(10, 4).epoch().indices
    random.set_random_seed(8)
    assert np.array_equal(orders.epoch().indices, expected)
    assert not np.array_equal(random.fit_order(10, 4).epoch().indices, expected)


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "tf_keras"])
def test_unseeded_orders_differ(engine):
    with semantics.use(engine):
        random.set_backend_seed(None)
        first, second = epochs(50, 8, 2)
        assert not np.array_equal(first.indices, second.indices)
        assert not np.array_equal(first.indices, epochs(50, 8, 1)[0].indices)


def test_swap_shuffle_is_a_forward_fisher_yates():
    words = np.array([7, 1, 5, 2], np.uint32)
    order = list(range(5))
    for i in range(4):
        j = i + int(words[i]) % (5 - i)
        order[i], order[j] = order[j], order[i]
    assert swap_shuffle(words, 5).tolist() == order
    assert swap_shuffle(words[:0], 1).tolist() == [0]
