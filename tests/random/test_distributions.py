"""`keras.random`'s functions, on every family."""

import numpy as np
import pytest

from refkeras import config, random, semantics
from refkeras.random.threefry import erfinv, threefry

ENGINES = ["keras-3@tensorflow", "tf_keras", "keras-3@jax", "keras-3@torch", "keras-3@numpy"]


@pytest.fixture(params=ENGINES)
def engine(request):
    with semantics.use(request.param):
        yield request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_shapes_dtypes_and_seeds(engine, name, dtype):
    draw = getattr(random, name)
    for shape in ((), (0, 3), (5,), (2, 3, 4)):
        values = draw(shape, dtype=dtype, seed=3)
        assert values.shape == shape and values.dtype == dtype
        assert np.array_equal(values, draw(list(shape), dtype=dtype, seed=3))
    generator = random.SeedGenerator(3)
    assert not np.array_equal(draw((40,), seed=generator), draw((40,), seed=generator))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(engine, dtype):
    n = 40_000
    u = random.uniform((n,), -2.0, 3.0, dtype, seed=1)
    assert u.min() >= -2 and u.max() <= 3
    assert abs(u.mean() - 0.5) < 5 * (25 / 12 / n) ** 0.5
    z = random.normal((n,), 1.5, 2.0, dtype, seed=1)
    assert abs(z.mean() - 1.5) < 5 * 2 / n**0.5 and abs(z.std() - 2) < 5 * 2 / (2 * n) ** 0.5
    t = random.truncated_normal((n,), 1.5, 2.0, dtype, seed=1)
    assert np.abs(t - 1.5).max() <= 4
    # A standard normal variable cut at two has standard deviation 0.8796.
    assert abs(t.mean() - 1.5) < 5 * 1.76 / n**0.5 and abs(t.std() / 2 - 0.87962566) < 0.01


def test_randint(engine):
    values = random.randint((5000,), -3, 4, seed=1)
    assert values.dtype == np.int32 and set(values.tolist()) == set(range(-3, 4))
    assert set(random.randint((50,), 5, 6, seed=1).tolist()) == {5}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_shuffle(engine, axis):
    x = np.arange(60, dtype="float32").reshape(3, 4, 5)
    shuffled = random.shuffle(x, axis=axis, seed=1)
    assert shuffled.shape == x.shape and sorted(shuffled.reshape(-1)) == sorted(x.reshape(-1))
    assert np.array_equal(np.sort(shuffled, axis=axis), x)


def test_dropout(engine):
    x = np.full((30, 40), 3.0, "float32")
    y = random.dropout(x, 0.25, seed=3)
    assert set(np.unique(y)) == {0, np.float32(4)} and 0.6 < (y != 0).mean() < 0.9
    assert not random.dropout(x, 1.0, seed=3).any() and np.array_equal(random.dropout(x, 0.0), x)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=3) != 0
    assert np.array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape)) and 0 < rows.mean() < 1


def test_categorical():
    with semantics.use("keras-3@numpy"):
        drawn = random.categorical(np.log([[0.5, 0.5, 1e-9], [1e-9, 1e-9, 1.0]]), 200, seed=1)
    assert drawn.dtype == np.int32 and set(drawn[0]) == {0, 1} and set(drawn[1]) == {2}
    with pytest.raises(ValueError, match="2-D"):
        random.categorical(np.zeros(3), 2)


@pytest.mark.parametrize("engine", ENGINES[:-1])
def test_what_cannot_be_matched_is_not_there(engine):
    with semantics.use(engine), pytest.raises(AttributeError, match="categorical"):
        random.categorical(np.zeros((1, 3)), 2, seed=1)


@pytest.mark.parametrize("name", ["gamma", "beta", "binomial", "no_such_function"])
def test_missing_functions_are_named(name):
    with pytest.raises(AttributeError, match=name):
        getattr(random, name)


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
@pytest.mark.parametrize("dtype", ["int32", "float16", "bool"])
def test_only_floats(name, dtype):
    with pytest.raises(ValueError, match=f"{name}.*{dtype}"):
        getattr(random, name)((2,), dtype=dtype)


def test_only_integers():
    with pytest.raises(ValueError, match="float32"):
        random.randint((2,), 0, 3, dtype="float32")


def test_floatx_is_the_default():
    with config.floatx_is("float64"):
        assert random.uniform((2,), seed=1).dtype == "float64"


def test_threefry_known_answers():
    # Of the reference implementation (Random123, kat_vectors).
    for key, counter, expected in [
        ((0, 0), (0, 0), ("6b200159", "99ba4efe")),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), ("1cb996fc", "bb002be7")),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), ("c4923a9c", "483df7a0")),
    ]:
        assert tuple(f"{int(word):08x}" for word in threefry(key, counter)) == expected


def test_erfinv_inverts_erf():
    from math import erf

    u = np.concatenate([np.linspace(-0.999999, 0.999999, 501), [1e-9, -1e-300, 0.0]])
    assert max(abs(erf(x) - y) for x, y in zip(erfinv(u), u, strict=True)) < 4e-16
    single = erfinv(u.astype("float32"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single[:-2], erfinv(u.astype("float32").astype("float64"))[:-2], rtol=1e-6)
