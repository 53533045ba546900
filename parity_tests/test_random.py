"""What TensorFlow and tf_keras draw in this process, bit for bit."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.agreement import assert_agrees
from parity_tests.engines import MODE, tensorflow_only
from parity_tests.fixtures import keras_2_0_order
from parity_tests.profiles import examples
from parity_tests.replay import ours
from parity_tests.replay.cases import draw_cases
from parity_tests.replay.draws import difference, units_apart
from parity_tests.replay.engine import Engine
from parity_tests.shows import shows
from refkeras import initializers, random, semantics
from refkeras.precision import exact

pytestmark = tensorflow_only("asks TensorFlow and tf_keras in this process; test_random_engines.py asks the others")

COUNTS = {
    "tensorflow": {
        "seeds": 3,
        "uniform weights": 40,
        "functions": 40,
        "dropout": 15,
        "dropout under XLA": 1,
        "lstm": 8,
        "order": 8,
        "masks in fit": 1,
    },
    "tf_keras": {"seeds": 3, "uniform weights": 20, "dropout": 15, "lstm": 8, "order": 6, "masks in fit": 1},
}


@pytest.fixture(scope="module")
def tensorflow():
    return Engine("tensorflow")


@pytest.fixture(scope="module")
def tf_keras():
    return Engine("tf_keras")


def assert_same_draws(engine, cases):
    for case in cases:
        why = difference(engine.values(case), ours.values(case))
        assert why is None, f"{why} in {case}"


@shows("rng", "seeds_drawn_at")
@pytest.mark.parametrize("kind", COUNTS["tensorflow"])
def test_tensorflow(tensorflow, kind):
    if kind == "masks in fit" and MODE == "jit":
        pytest.skip("the masks are noted by a Python function in the graph, which XLA does not compile")
    assert_same_draws(tensorflow, draw_cases("tensorflow", {kind: COUNTS["tensorflow"][kind]}, 2))


@shows("rng", "seeds_drawn_at")
@pytest.mark.parametrize("kind", COUNTS["tf_keras"])
def test_tf_keras(tf_keras, kind):
    assert_same_draws(tf_keras, draw_cases("tf_keras", {kind: COUNTS["tf_keras"][kind]}, 2))


def test_the_engines_differ_where_the_semantics_say_so(tensorflow, tf_keras):
    """A case that passes under the wrong semantics would show nothing."""
    for kind in ("seeds", "dropout", "order"):
        (case,) = draw_cases("tensorflow", {kind: 1}, 9)
        case |= {
            "epochs": 3,
            "n": 40,
            "seed": 2**32 - 1 if kind == "seeds" else None,
            "dtype": "float32",
            "shuffle": True,
        }
        real = tensorflow.values(case)
        if kind == "seeds":
            real = [np.append(real[0], random.make_default_seed())]
            other = [np.append(tf_keras.values(case)[0], 0)]
            assert difference(real, other)
        else:
            assert difference(real, tf_keras.values({**case, "engine": "tf_keras"}))


@shows("order_drawn_by")
def test_keras_2_0_shuffles_with_numpy():
    """As `fixtures/keras_2_0_order.py` wrote it down; the two engines beside it follow their own generators."""
    recorded = json.loads((Path(__file__).parent / "fixtures" / "keras_2_0_order.json").read_text())
    for case, epochs in zip(keras_2_0_order.CASES, recorded, strict=True):
        np.random.seed(case["seed"])
        found = []
        with semantics.use("keras-2.0"):
            for _ in range(2):
                orders = random.fit_order(case["n"], case["batch_size"], case["shuffle"], epochs=case["epochs"])
                for _ in range(case["epochs"]):
                    rows = orders.epoch()
                    indices = np.arange(case["n"]) if rows.indices is None else rows.indices
                    found.append([indices[start:stop].tolist() for start, stop in rows.bounds])
                    orders.end_epoch()
        assert found == epochs


seeds = st.integers(0, 2**32 - 1)
sides = st.lists(st.integers(0, 9), min_size=0, max_size=3)


# Of a narrow interval an engine flushes subnormal numbers to zero.
widths = st.just(0.0) | st.floats(float(np.float32(1e-25)), 10, width=32)


@given(seed=seeds, shape=sides, low=st.floats(-10, 10, width=32, allow_subnormal=False), width=widths)
def test_uniform_of_any_shape(seed, shape, low, width):
    import keras

    real = np.asarray(keras.random.uniform(shape, low, low + width, seed=seed))
    assert np.array_equal(random.uniform(shape, low, low + width, seed=seed), real)


@given(seed=seeds, shape=sides, dtype=st.sampled_from(["float32", "float64"]))
@examples(15)
def test_normals_within_4_units(seed, shape, dtype):
    import keras

    for name in ("normal", "truncated_normal"):
        real = np.asarray(getattr(keras.random, name)(shape, dtype=dtype, seed=seed))
        own = getattr(random, name)(shape, dtype=dtype, seed=seed)
        assert own.shape == real.shape and np.all(units_apart(real, own) <= 4)


def test_most_normals_are_equal():
    import keras

    for name in ("normal", "truncated_normal"):
        real = np.asarray(getattr(keras.random, name)((100_000,), seed=3))
        apart = units_apart(real, getattr(random, name)((100_000,), seed=3))
        assert np.mean(apart == 0) >= 0.98 and apart.max() <= 4


@pytest.mark.parametrize("shape", [(7, 28), (32, 128), (30, 30), (3, 4, 9)])
def test_orthogonal(shape):
    import keras

    config = {"seed": 11, "gain": 0.75}
    flat = [int(np.prod(shape[:-1])), shape[-1]]
    bars = ours.orthogonal({"engine": "tensorflow", "shape": flat, "config": config})
    own = initializers.Orthogonal(**config)(shape).reshape(flat)
    # refkeras factors in float64, and rounds twice: the factor, and its product with the gain.
    assert_agrees(exact(bars.value / config["gain"]) * np.float32(config["gain"]), own)
    assert_agrees(bars, np.asarray(keras.initializers.Orthogonal(**config)(shape)).reshape(flat))


def test_units_apart_can_tell():
    one = np.float32([1.0, -4.0, 1e-30])
    assert units_apart(one, np.nextafter(one, one * 2)).tolist() == [1, 1, 1]
    assert units_apart(np.float32([0.0]), np.float32([2**-30]), scale=1.0).tolist() == [2**-7]


def test_difference_can_tell():
    a = [np.array([1, 2]), np.array([[True]])]
    assert difference(a, [np.array([1, 2]), np.array([[True]])]) is None
    assert "arrays" in difference(a, a[:1])
    assert "shape" in difference(a, [a[0], np.array([True])])
    assert "array 0 of 2 at (1,)" in difference(a, [np.array([1, 3]), a[1]])


@pytest.mark.parametrize("seed", [np.int64(3), -1, 2**32, 1.5])
def test_seeds_are_refused_alike(seed):
    import keras

    for utils in (keras.utils, random):
        with pytest.raises(ValueError):
            utils.set_random_seed(seed)


def test_seed_generators_alike():
    import keras

    real, own = keras.random.SeedGenerator(5), random.SeedGenerator(5)
    for ordered in (True, True, False, True, False):
        assert np.asarray(real.next(ordered)).tolist() == own.next(ordered).tolist()
    assert real.get_config()["seed"] == own.get_config()["seed"]
    for arguments in ({"seed": 2.5}, {"seed": np.int64(1)}, {"seed": 1, "start": 2}):
        for cls in (keras.random.SeedGenerator, random.SeedGenerator):
            with pytest.raises(ValueError):
                cls(**arguments)


def test_programs_follow_tf_keras_s_traces(tf_keras):
    """`train_on_batch` of several sizes, then `fit`, then a new structure, a new seed, a cleared session."""
    keras = tf_keras.keras
    keras.utils.set_random_seed(7)
    inputs = keras.Input((6,))
    record = tf_keras.record_layer()
    model = keras.Model(inputs, keras.layers.Dense(2)(record()(keras.layers.Dropout(0.3)(inputs))))
    model.compile("sgd", "mse")
    x, y = np.ones((8, 6), "float32"), np.zeros((8, 2), "float32")
    with semantics.use("tf_keras"):
        random.set_random_seed(7)
        programs, generator, drawn = random.Programs(), random.mask_generator(), []
        tf_keras.recorded.clear()
        tf_keras.recording = True

        def step(structure, size, announced):
            with programs(structure, announced):
                drawn.append(random.keep_mask((size, 6), 0.3, generator))

        def fit(structure, batch_size=4, **options):
            model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0, **options)
            orders = random.fit_order(8, batch_size, shuffle=False)
            for start, stop in orders.epoch().bounds:
                step(structure, stop - start, orders.fixed_batch_size)

        for size in (4, 4, 5, 6, 4, 5):
            model.train_on_batch(x[:size], y[:size])
            step("x, y", size, size)
        fit("x, y")
        fit("x, y", batch_size=3)
        fit("x, y, w", sample_weight=np.ones(8))
        fit("x, y, w", batch_size=5, sample_weight=np.ones(8))
        fit("x, y, w", sample_weight=np.ones(8))
        fit("x, y")
        keras.backend.clear_session()
        random.restart_operations()
        fit("x, y")
        keras.utils.set_random_seed(9)
        random.set_random_seed(9)
        fit("x, y")
        tf_keras.recording = False
    assert difference(tf_keras.recorded, drawn) is None
