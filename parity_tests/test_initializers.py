"""Initializers beside Keras's: names, records, refusals, and the moment at which seeds are drawn."""

import numpy as np
import pytest

from parity_tests.engines import BACKEND, KERAS_3, both_kerases, double, keras
from parity_tests.shows import shows
from refkeras import initializers, random, semantics

CLASSES = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
]
SEEDED = [name for name in CLASSES if name not in ("Constant", "Identity", "Ones", "Zeros")]


def public(module):
    return {name for name in dir(module) if not name.startswith("_")}


def test_the_same_names():
    # What Keras has and refkeras has not: the windows of a short-time Fourier transform.
    missing = public(keras.initializers) - set(initializers.__all__)
    assert missing == {"STFT", "STFTInitializer", "stft"}
    assert set(initializers.__all__) <= public(keras.initializers)
    functions = public(keras.random) - set(random.__all__)
    assert functions == {"beta", "binomial", "gamma"}


@pytest.mark.parametrize(
    "name",
    [
        *CLASSES,
        *(
            name
            for name in dir(keras.initializers)
            if name.islower() and name not in ("get", "serialize", "deserialize")
        ),
        "normal",
        "uniform",
        "one",
        "zero",
        "IdentityInitializer",
        "OrthogonalInitializer",
        "Initializer",
        "initializer",
        "eye",
        "glorot-uniform",
        "RandomInitializer",
        "",
    ],
)
def test_names_resolve_alike(name):
    if "stft" in name or name in ("constant", "Constant"):
        pytest.skip("no STFT; Keras's get('constant') fails on the missing value")
    outcomes = []
    for module in (keras.initializers, initializers):
        try:
            outcomes.append(type(module.get(name)).__name__)
        except ValueError:
            outcomes.append("ValueError")
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name", CLASSES)
def test_records_alike(name):
    arguments = {"seed": 3} if name in SEEDED else {}
    real, own = getattr(keras.initializers, name)(**arguments), getattr(initializers, name)(**arguments)
    assert own.get_config() == real.get_config()
    assert initializers.serialize(own) == keras.initializers.serialize(real)
    record = keras.initializers.serialize(real)
    assert initializers.deserialize(record).get_config() == real.get_config()
    if name in SEEDED:
        assert getattr(initializers, name)().get_config()["seed"] is None


def test_a_seed_generator_in_a_record():
    record = keras.initializers.serialize(keras.initializers.HeNormal(seed=keras.random.SeedGenerator(3, name="g")))
    assert initializers.serialize(initializers.deserialize(record)) == record


@pytest.mark.parametrize(
    "make",
    [
        lambda module: module.GlorotUniform(seed=1.5),
        lambda module: module.GlorotUniform(seed=np.int64(3)),
        lambda module: module.VarianceScaling(scale=0),
        lambda module: module.VarianceScaling(mode="fan"),
        lambda module: module.VarianceScaling(distribution="gauss"),
        lambda module: module.Orthogonal()((3,)),
        lambda module: module.Identity()((3,)),
        lambda module: module.get(3),
        lambda module: module.get([1, 2]),
        lambda module: module.get(np.ones(3))((4,)),
        lambda module: module.get({}),
    ],
)
def test_refused_alike(make):
    for module in (keras.initializers, initializers):
        with pytest.raises(ValueError):
            make(module)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_and_dtypes(name, dtype):
    arguments = {"seed": 3} if name in SEEDED else {"value": 2.5} if name == "Constant" else {}
    with double():
        real = np.asarray(getattr(keras.initializers, name)(**arguments)((4, 6), dtype))
    own = getattr(initializers, name)(**arguments)((4, 6), dtype)
    if not (BACKEND == "numpy" and name == "Orthogonal"):  # whose float64 is float32
        assert own.dtype == real.dtype
    assert own.shape == real.shape
    if name not in SEEDED:
        assert np.array_equal(own, real)


@both_kerases
@shows("identity_config_has_gain")
def test_the_gain_of_identity():
    import tf_keras

    for name, engine in ((KERAS_3, keras.initializers), ("tf_keras", tf_keras.initializers)):
        with semantics.use(name):
            assert initializers.Identity(2.0).get_config() == engine.Identity(2.0).get_config()


@both_kerases
@shows("seeds_drawn_at")
def test_when_seeds_are_drawn():
    """Two are made, and called in reverse: Keras 3 drew when they were made, tf_keras draws when they are called."""
    import tf_keras

    found = {}
    for name, (engine, utils) in {
        KERAS_3: (keras.initializers, keras.utils),
        "tf_keras": (tf_keras.initializers, tf_keras.utils),
    }.items():
        utils.set_random_seed(5)
        real = [engine.GlorotUniform(), engine.RandomUniform()]
        with semantics.use(name):
            random.set_random_seed(5)
            own = [initializers.GlorotUniform(), initializers.RandomUniform()]
            values = [np.asarray(real[i]((3, 4))) for i in (1, 0)]
            assert all(np.array_equal(own[i]((3, 4)), value) for i, value in zip((1, 0), values, strict=True))
        found[name] = values
    assert np.array_equal(found[KERAS_3][1] != found["tf_keras"][1], np.ones((3, 4), bool))
