"""Batches that workers make ahead of time."""

import itertools

import numpy as np
import pytest

import refkeras
from refkeras.training.prefetching import Enqueuer


class Numbers:
    """A picklable dataset: batch i is i, or an error."""

    def __init__(self, wrong=None):
        self.wrong, self.asked = wrong, []

    def __getitem__(self, index):
        self.asked.append(index)
        if index == self.wrong:
            raise KeyError(f"batch {index}")
        return index


@pytest.mark.parametrize("processes", [False, True])
@pytest.mark.parametrize("queue_size", [0, 1, 3, 20])
def test_a_pass_is_in_order(processes, queue_size):
    made = Enqueuer(Numbers(), 7, 2, processes, queue_size, shuffle=False)
    for _ in range(2):
        assert list(made.batches()) == [*range(7)]


@pytest.mark.parametrize(
    ("queue_size", "kept"), [(1, [2, 3]), (2, [2, 3, 4]), (9, [2, 3, 4, 5, 6]), (0, [2, 3, 4, 5, 6])]
)
def test_what_was_made_and_not_taken_comes_first(queue_size, kept):
    made = Enqueuer(Numbers(), 7, 3, False, queue_size, shuffle=False)
    assert list(itertools.islice(made.batches(), 2)) == [0, 1]
    made.stop()
    assert list(made.batches()) == [*kept, *range(7)][:7]


def test_an_endless_dataset_goes_on():
    made = Enqueuer(Numbers(), None, 2, False, 2, shuffle=False)
    batches = made.batches()
    found = list(itertools.islice(batches, 3))
    made.stop()
    made.start()
    assert found + list(itertools.islice(batches, 6)) == [*range(9)]
    made.stop()


def test_each_start_draws_an_order():
    refkeras.utils.set_random_seed(1)
    made = Enqueuer(Numbers(), 6, 2, False, 10, shuffle=True)
    first, second = list(made.batches()), list(made.batches())
    assert sorted(first) == sorted(second) == [*range(6)]
    assert first != second


@pytest.mark.parametrize("processes", [False, True])
def test_an_error_of_a_worker_is_raised_where_its_batch_is_due(processes):
    made = Enqueuer(Numbers(wrong=2), 5, 2, processes, 10, shuffle=False)
    batches = made.batches()
    assert list(itertools.islice(batches, 2)) == [0, 1]
    with pytest.raises(KeyError, match="batch 2"):
        next(batches)
    made.stop()  # nothing is left to stop


def test_an_error_when_it_stops_leaves_no_worker():
    made = Enqueuer(Numbers(wrong=3), 5, 2, False, 10, shuffle=False)
    assert next(made.batches()) == 0
    with pytest.raises(KeyError, match="batch 3"):
        made.stop()
    assert made._pool is None


def test_an_error_in_fit_reaches_the_caller():
    class Wrong(refkeras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 3:
                raise OSError("no such row")
            return np.ones((2, 1)), np.ones((2, 1))

    model = refkeras.Sequential([refkeras.Input((1,)), refkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match="no such row"):
        model.fit(Wrong(workers=2), verbose=0, shuffle=False)
    assert int(model.optimizer.iterations) == 3


@pytest.mark.parametrize("settings", [{"workers": "2"}, {"workers": 2.5}, {"workers": 2, "max_queue_size": "3"}])
def test_settings_that_are_no_integers(settings):
    class Batches(refkeras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.ones((2, 1)), np.ones((2, 1))

    model = refkeras.Sequential([refkeras.Input((1,)), refkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    name, value = list(settings.items())[-1]
    with pytest.raises(TypeError, match=f"{name}={value!r} must be an integer"):
        model.fit(Batches(**settings), verbose=0)
