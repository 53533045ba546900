"""Initializers: known values, names, configurations, refusals."""

import numpy as np
import pytest

from refkeras import config, initializers, random, semantics

RANDOM = [
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
    initializers.GlorotNormal,
    initializers.GlorotUniform,
    initializers.HeNormal,
    initializers.HeUniform,
    initializers.LecunNormal,
    initializers.LecunUniform,
    initializers.Orthogonal,
]


@pytest.fixture(autouse=True)
def keras_3():
    with semantics.use("keras-3@tensorflow"):
        random.set_random_seed(7)
        yield


def hexes(values):
    return " ".join(f"{int(bits):08x}" for bits in values.astype(np.float32).reshape(-1).view(np.uint32))


def from_hexes(text):
    return np.array([int(word, 16) for word in text.split()], np.uint32).view(np.float32)


def test_known_uniform_values():
    values = initializers.GlorotUniform(seed=7)((2, 3))
    assert hexes(values) == "3f0a941c 3ec12404 bf7806fb 3ea1c4e4 bf710009 3ebca014"


@pytest.mark.parametrize(
    "name, expected",
    [
        ("RandomNormal", "bd0a1212 bc92eba4 bdc0781b bd96d303 bdcd70bd bd682080"),
        ("TruncatedNormal", "bd0a1212 bc92eba4 bdc0781b bd96d303 bd1487b3 3d1bb8a7"),
        ("HeNormal", "bf4434da bed0c85d c008c149 bfd65486 bf5311ed 3f5d4a07"),
    ],
)
def test_known_normal_values(name, expected):
    values = getattr(initializers, name)(seed=7)((2, 3)).reshape(-1)
    wanted = from_hexes(expected)
    # Logarithm, sine and cosine are rounded elsewhere: 4 units in the last place at most.
    assert np.all(np.abs(values - wanted) <= 4 * np.spacing(np.abs(wanted)))


def test_known_orthogonal_values():
    wanted = from_hexes(
        "be4a5c70 bf0d0b76 bf168ce1 beb44658 be8e0c49 3d3fedaf be76017b 3e668d15 "
        "bc869c06 be999772 bdaccf63 3f013cb2 bb7c69d7 bf0949d1 3ee3edc0 3ece0ec6"
    )
    assert np.max(np.abs(initializers.Orthogonal(seed=7)((2, 8)).reshape(-1) - wanted)) < 2.5e-7


def test_constants():
    assert initializers.Zeros()((2, 1)).tolist() == [[0], [0]] and initializers.Zeros()(3).dtype == np.float32
    assert initializers.Ones()((2,), dtype="int32").dtype == np.int32
    assert initializers.Constant([1, 2])((3, 2), "float64").tolist() == [[1, 2]] * 3
    assert initializers.Identity(3.0)((2, 3)).tolist() == [[3, 0, 0], [0, 3, 0]]
    with pytest.raises(ValueError, match="2D"):
        initializers.Identity()((2,))


@pytest.mark.parametrize("cls", RANDOM)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_instance_gives_the_same_values_every_time(cls, dtype):
    initializer = cls()
    values = initializer((6, 8), dtype=dtype)
    assert values.dtype == dtype and values.shape == (6, 8)
    assert np.array_equal(values, initializer((6, 8), dtype=dtype))
    assert not np.array_equal(values, cls()((6, 8), dtype=dtype))


@pytest.mark.parametrize("cls", RANDOM)
def test_a_generator_as_seed_gives_new_values(cls):
    initializer = cls(seed=random.SeedGenerator(7))
    first, second = initializer((6, 8)), initializer((6, 8))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, cls(seed=7)((6, 8)))


@pytest.mark.parametrize("cls", RANDOM)
def test_configurations(cls):
    made = cls(seed=5)
    assert np.array_equal(cls.from_config(made.get_config())((4, 6)), made((4, 6)))
    assert cls().get_config()["seed"] is None
    record = initializers.serialize(cls(seed=random.SeedGenerator(7, name="s")))
    assert record["module"] == "keras.initializers" and record["class_name"] == cls.__name__
    again = initializers.deserialize(record)
    assert isinstance(again.seed, random.SeedGenerator) and np.array_equal(again((4, 6)), cls(seed=7)((4, 6)))
    assert type(made.clone()) is cls


@pytest.mark.parametrize(
    "name, scale, fan",
    [("glorot", 1.0, (20 + 30) / 2), ("he", 2.0, 20), ("lecun", 1.0, 20)],
)
def test_variances(name, scale, fan):
    shape = (20, 30)
    uniform = initializers.get(f"{name}_uniform")((*shape,))
    limit = (3 * scale / fan) ** 0.5
    assert 0.97 * limit < np.abs(uniform).max() <= np.float32(limit)
    large = np.concatenate([initializers.get(f"{name}_normal")(shape).reshape(-1) for _ in range(40)])
    stddev = (scale / fan) ** 0.5
    assert abs(large.std() / stddev - 1) < 5 / (2 * large.size) ** 0.5
    assert np.abs(large).max() <= 2 * stddev / 0.87962566


def test_modes_and_distributions():
    fans = {"fan_in": 4, "fan_out": 100, "fan_avg": 52}
    for mode, fan in fans.items():
        values = initializers.VarianceScaling(2.0, mode, "untruncated_normal", seed=1)((4, 100))
        assert np.array_equal(values, random.normal((4, 100), 0.0, (2.0 / fan) ** 0.5, seed=1))
    normal = initializers.VarianceScaling(distribution="NORMAL", seed=1)
    assert normal.get_config()["distribution"] == "truncated_normal"


@pytest.mark.parametrize(
    "shape, fans",
    [((), (1, 1)), ((5,), (5, 5)), ((4, 6), (4, 6)), ((3, 4, 6), (12, 18)), ((2, 3, 4, 6), (24, 36))],
)
def test_fans(shape, fans):
    assert initializers.random.compute_fans(shape) == fans


def test_chosen_axes_are_the_fans():
    assert initializers.random.compute_fans((2, 3, 5), input_axes=[0, 1], output_axes=[2]) == (6, 5)


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-14)])
def test_orthogonal_rows_or_columns(shape, dtype, tolerance):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape, dtype).reshape(-1, shape[-1]) / 2
    assert q.dtype == dtype
    smaller = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    assert np.max(np.abs(smaller - np.eye(len(smaller)))) < tolerance
    with pytest.raises(ValueError, match="two-dimensional"):
        initializers.Orthogonal()((4,))


# -- get -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, cls",
    [
        ("zeros", "Zeros"),
        ("zero", "Zeros"),
        ("one", "Ones"),
        ("Ones", "Ones"),
        ("normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("random_normal", "RandomNormal"),
        ("truncated_normal", "TruncatedNormal"),
        ("glorot_uniform", "GlorotUniform"),
        ("HeNormal", "HeNormal"),
        ("orthogonal", "Orthogonal"),
        ("OrthogonalInitializer", "Orthogonal"),
        ("identity", "Identity"),
        ("IdentityInitializer", "Identity"),
        ("variance_scaling", "VarianceScaling"),
    ],
)
def test_names(name, cls):
    assert type(initializers.get(name)).__name__ == cls


def test_what_else_get_takes():
    assert initializers.get(None) is None
    made = initializers.GlorotUniform(seed=1)
    assert initializers.get(made) is made
    assert isinstance(initializers.get(initializers.HeNormal), initializers.HeNormal)
    assert initializers.get({"class_name": "RandomNormal", "config": {"stddev": 2.0}}).stddev == 2.0
    assert isinstance(initializers.get({"class_name": "Zeros"}), initializers.Zeros)
    given = np.arange(6.0).reshape(2, 3)
    assert initializers.get(given)((2, 3), "float32").dtype == np.float32
    with pytest.raises(ValueError, match="shape"):
        initializers.get(given)((3, 2))

    def halves(shape, dtype=None):
        return np.full(shape, 0.5)

    assert initializers.get(halves) is halves


@pytest.mark.parametrize(
    "identifier, hint",
    [("glorot_unifrom", "glorot_uniform"), ("stft", ""), (1, ""), ([1, 2], ""), (True, "")],
)
def test_get_refuses(identifier, hint):
    with pytest.raises(ValueError, match=f"initializer identifier.*{hint}"):
        initializers.get(identifier)


@pytest.mark.parametrize(
    "arguments, named",
    [
        ({"scale": 0.0}, "scale"),
        ({"scale": -1.0}, "scale"),
        ({"mode": "fan_inn"}, "fan_in"),
        ({"distribution": "unifrom"}, "uniform"),
    ],
)
def test_variance_scaling_refuses(arguments, named):
    with pytest.raises(ValueError, match=named):
        initializers.VarianceScaling(**arguments)


def test_floatx():
    with config.floatx_is("float64"):
        assert initializers.GlorotUniform()((2,)).dtype == "float64" == initializers.Zeros()((2,)).dtype
