"""Seeds and seed generators."""

import random as python_random

import numpy as np
import pytest

from refkeras import initializers, random, semantics
from refkeras.random import philox, threefry


def test_default_seeds_come_from_the_global_random():
    drawn = [random.make_default_seed() for _ in range(4)]
    assert drawn == [347712783, 161973070, 423938500, 698935573]
    python_random.seed(7)
    assert random.SeedGenerator().next().tolist() == [347712783, 0]


def test_set_random_seed_seeds_python_and_numpy():
    random.set_random_seed(11)
    a = python_random.random(), np.random.rand()
    python_random.seed(11)
    np.random.seed(11)
    assert a == (python_random.random(), np.random.rand())
    assert random.get_random_seed() == 11


@pytest.mark.parametrize("seed", [np.int64(3), 3.0, "3", None, -1, 2**32])
def test_set_random_seed_refuses(seed):
    before = python_random.getstate()
    with pytest.raises(ValueError, match=r"(?i)seed"):
        random.set_random_seed(seed)
    assert python_random.getstate() == before and random.get_random_seed() == 7


def test_seed_generator():
    generator = random.SeedGenerator(5, name="mine")
    assert generator.get_config() == {"seed": 5, "name": "mine"}
    assert generator.state.path == "mine/seed_generator_state" and generator.state.dtype == "int64"
    assert [generator.next().tolist() for _ in range(3)] == [[5, 0], [5, 1], [5, 2]]
    assert generator.next(ordered=False).tolist() == [5, 3]
    assert generator.state.numpy().tolist() == [(5 + 1) * 5387 % 933199, (3 + 1) * 5387 % 933199]
    assert random.SeedGenerator.from_config(generator.get_config()).next().tolist() == [5, 0]
    assert random.SeedGenerator().get_config()["seed"] is None


@pytest.mark.parametrize("arguments", [{"seed": 3.0}, {"seed": np.int64(3)}, {"seed": "3"}, {"seed": 3, "start": 1}])
def test_seed_generator_refuses(arguments):
    with pytest.raises(ValueError, match="seed"):
        random.SeedGenerator(**arguments)


@pytest.mark.parametrize(
    ("engine", "least", "most", "error"),
    [
        ("keras-3@tensorflow", -(2**63), 2**63 - 1, ValueError),
        ("keras-3@torch", -(2**31), 2**31 - 1, RuntimeError),
        ("keras-3@jax", 0, 2**32 - 1, OverflowError),
        ("keras-3@numpy", 0, 2**32 - 1, OverflowError),
    ],
)
def test_seeds_that_do_not_fit_are_refused_as_the_engine_does(engine, least, most, error):
    with semantics.use(engine):
        for seed in (least, most):
            assert random.SeedGenerator(seed).next().tolist() == [seed, 0]
        for seed in (least - 1, most + 1):
            with pytest.raises(error, match=rf"`seed` must fit u?int\d+, from {least} to {most}.*seed={seed}$"):
                random.SeedGenerator(seed)


def test_unordered_seeds_wrap_as_the_engine_s_integers_do():
    with semantics.use("keras-3@jax"):
        generator = random.SeedGenerator(10**9)
    generator.next(ordered=False)
    assert generator.state.numpy().tolist() == [(10**9 + 1) * 5387 % 2**32 % 933199, 5387]


def test_no_seed_means_the_global_generator():
    first, second = random.uniform((4,)), random.uniform((4,))
    assert not np.array_equal(first, second)
    seed = 347712783
    assert np.array_equal(first, random.uniform((4,), seed=seed))
    random.set_random_seed(7)
    assert np.array_equal(random.uniform((4,)), first)


@pytest.mark.parametrize("seed", ["7", 1.5, [1, 2]])
def test_a_seed_is_an_int_or_a_generator(seed):
    with pytest.raises(ValueError, match="`seed`"):
        random.uniform((2,), seed=seed)
    with pytest.raises(ValueError, match="`seed`"):
        initializers.GlorotUniform(seed=seed)


def one_by_one(seed, n, count, dtype):
    """The mantissas of one state, from a generator that has not looked ahead."""
    generator = random.SeedGenerator(seed)
    generator.skip(n)
    return generator.mantissas(count, dtype)


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "keras-3@jax", "keras-3@torch", "keras-3@numpy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_looking_ahead_changes_nothing(engine, dtype):
    with semantics.use(engine):
        generator = random.SeedGenerator(3)
        for n, count in enumerate([10, 10, 10, 7, 10, 1, 12, 12, 12, 3, 0, 12, 40_000, 12, 12]):
            assert np.array_equal(generator.mantissas(count, dtype), one_by_one(3, n, count, dtype)), n


@pytest.mark.parametrize("module, engine", [(philox, "keras-3@tensorflow"), (threefry, "keras-3@jax")])
def test_large_draws_are_made_in_parts(module, engine, monkeypatch):
    with semantics.use(engine):
        states = np.arange(3)
        whole = random.mask_generator(3).family.mantissas(3, states, 1001, "float32", False)
        monkeypatch.setattr(module, "_CHUNK", 64)
        assert np.array_equal(random.mask_generator(3).family.mantissas(3, states, 1001, "float32", False), whole)


def test_looking_ahead_follows_the_state():
    generator = random.SeedGenerator(3)
    for _ in range(9):
        generator.mantissas(8, "float32")
    generator.state.assign([3, 2])
    assert np.array_equal(generator.mantissas(8, "float32"), one_by_one(3, 2, 8, "float32"))
    generator.state.assign([4, 3])
    assert np.array_equal(generator.mantissas(8, "float32"), one_by_one(4, 3, 8, "float32"))
    assert np.array_equal(generator.mantissas(8, "float64"), one_by_one(4, 4, 8, "float64"))


def test_what_was_looked_ahead_cannot_be_spoilt():
    generator = random.SeedGenerator(3)
    with pytest.raises(ValueError, match="read-only"):
        generator.mantissas(8, "float32")[0] = 1


def test_tf_keras_draws_seeds_late_and_from_its_own_generator():
    with semantics.use("tf_keras"):
        made = [initializers.GlorotUniform() for _ in range(2)]
        assert [item.seed for item in made] == [None, None]
        state = python_random.getstate()
        made[1]((1,))
        made[0]((1,))
        assert [item.seed for item in made] == [161973070, 347712783]
        assert python_random.getstate() == state
