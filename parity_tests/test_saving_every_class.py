"""Files that hold every class of the core: each of them is read by the other side as it was meant.

What is compared is the JSON that the reader writes in its turn, to the last
character of each value, and weights and optimizer variables bit for bit.
"""

from __future__ import annotations

import functools
import json
import warnings
from typing import Any

import h5py
import pytest
import tf_keras

import refkeras
from parity_tests.model_zoo import built
from parity_tests.saving_cases import CASES, FAMILIES, arguments, made, members, of_family
from parity_tests.test_saving import ENGINES, assert_same_arrays, fill, plain
from parity_tests.test_saving import members as members_of_archive
from refkeras import semantics


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("family", FAMILIES)
def test_every_class_has_a_case(family):
    assert CASES[family].keys() == members(family).keys()
    for name, cases in CASES[family].items():
        given = {key for case in cases for key in case.given}
        assert not cases or given >= arguments(family, name), (name, arguments(family, name) - given)


# -- models of all cases of a family ---------------------------------------------------------


def of_layers(k: Any, generation: str, extension: str) -> Any:
    inputs, outputs = [], []
    for number, (name, case) in enumerate(of_family("layers", generation)):
        if not case.legacy and (generation, extension) == ("3", ".h5"):
            continue
        layer = made(k, "layers", name, case)
        if name == "InputLayer":
            inputs.append(layer.output)
            outputs.append(k.layers.Reshape((2, 2))(layer.output))
            continue
        given = [k.Input(shape, name=f"x{number}_{i}") for i, shape in enumerate(case.shapes)]
        inputs.extend(given)
        found = layer(given[0], given[1:]) if name == "LSTMCell" else layer(given if len(given) > 1 else given[0])
        outputs.append(found[0] if isinstance(found, (list, tuple)) else found)
    return k.Model(inputs, outputs, name="layers")


def of_weights(k: Any, generation: str, extension: str) -> Any:
    """Initializers, regularizers and constraints, each on a layer."""
    x = k.Input((3,), name="x")
    outputs = [
        k.layers.Dense(4, **{f"kernel_{family[:-1]}": made(k, family, name, case)})(x)
        for family in ("initializers", "regularizers", "constraints")
        for name, case in of_family(family, generation)
    ]
    return k.Model(x, outputs, name="weights")


def config_of(path: Any) -> Any:
    """Return what a `.keras` file says of its model."""
    return plain(json.loads(members_of_archive(path)["config.json"]))


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@pytest.mark.parametrize("make", [of_layers, of_weights])
@pytest.mark.parametrize("engine", ENGINES)
def test_models_of_every_class_go_both_ways(engine, make, extension, tmp_path):
    k, generation = ENGINES[engine], "2" if engine == "tf_keras" else "3"
    with semantics.use(engine):
        ours, theirs = (built(module, lambda k: make(k, generation, extension)) for module in (refkeras, k))
        fill(theirs)
        for model, name in ((ours, "ours"), (theirs, "theirs")):
            model.save(tmp_path / f"{name}.keras")
        expected = config_of(tmp_path / "theirs.keras")
        assert_same_config(config_of(tmp_path / "ours.keras"), expected)
        for first, second in ((theirs, refkeras), (fill(ours, 6), k)):
            first.save(tmp_path / f"file{extension}")
            loaded = second.models.load_model(tmp_path / f"file{extension}")
            assert_same_arrays(*[m.get_weights() for m in ((loaded, first) if second is refkeras else (first, loaded))])
            loaded.save(tmp_path / "again.keras")
            assert_same_config(config_of(tmp_path / "again.keras"), expected)


def assert_same_config(found: Any, expected: Any, place: str = "") -> None:
    """Assert that two JSON values are the same; name the first place where they differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        if "reduction" in expected and found.keys() ^ expected.keys() == {"fn"}:
            # tf_keras names the function of each of its losses.
            found, expected = ({k: v for k, v in config.items() if k != "fn"} for config in (found, expected))
        assert found.keys() == expected.keys(), f"{place}: {found.keys() ^ expected.keys()}"
        for key, value in found.items():
            assert_same_config(value, expected[key], f"{place}/{found.get('name', '')}.{key}")
        return
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for i, (a, b) in enumerate(zip(found, expected, strict=True)):
            assert_same_config(a, b, f"{place}[{i}]")
        return
    assert type(found) is type(expected) and found == expected, f"{place}: {found!r}, not {expected!r}"


# -- what models are compiled with -----------------------------------------------------------


def compiled_with_all(k: Any, generation: str) -> Any:
    """A model with an output for every loss and every metric."""
    losses = [made(k, "losses", name, case) for name, case in of_family("losses", generation)]
    metrics = [made(k, "metrics", name, case) for name, case in of_family("metrics", generation)]
    x = k.Input((4,), name="x")
    count = max(len(losses), len(metrics))
    model = k.Model(x, [k.layers.Dense(2, name=f"out_{i}")(x) for i in range(count)], name="compiled")
    # What is not given, tf_keras records as None.
    model.compile(
        k.optimizers.SGD(),
        losses + ["mean_squared_error"] * (count - len(losses)),
        metrics=[[metric] for metric in metrics] + [[]] * (count - len(metrics)),
        weighted_metrics=[["mean_absolute_error"]] * count,
        **_EXPLICIT,
    )
    return model


_EXPLICIT = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": False}


def optimizers_with_schedules(k: Any, generation: str) -> Any:
    """A model for every optimizer, and for every schedule."""
    given = [made(k, "optimizers", name, case) for name, case in of_family("optimizers", generation)]
    for name, case in of_family("optimizers.schedules", generation):
        given.append(k.optimizers.SGD(made(k, "optimizers.schedules", name, case)))
    for optimizer in given:
        model = k.Sequential([k.Input((2,), name="x"), k.layers.Dense(1, name="d")], name="small")
        model.compile(optimizer, "mean_squared_error", **_EXPLICIT)
        yield model


@pytest.mark.parametrize("make", [lambda k, g: [compiled_with_all(k, g)], optimizers_with_schedules])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_models_are_compiled_with_goes_both_ways(engine, make, tmp_path):
    k, generation = ENGINES[engine], "2" if engine == "tf_keras" else "3"
    with semantics.use(engine):
        for ours, theirs in zip(*(built(side, lambda k: make(k, generation)) for side in (refkeras, k)), strict=True):
            for model, name in ((ours, "ours"), (theirs, "theirs")):
                model.save(tmp_path / f"{name}.keras")
            expected = config_of(tmp_path / "theirs.keras")
            assert_same_config(config_of(tmp_path / "ours.keras"), expected)
            for name, side in (("theirs", refkeras), ("ours", k)):
                side.models.load_model(tmp_path / f"{name}.keras").save(tmp_path / "again.keras")
                assert_same_config(config_of(tmp_path / "again.keras"), expected)


def training_config(path: Any) -> Any:
    """Return what a legacy file says of how its model was compiled."""
    with h5py.File(path) as file:
        return plain(json.loads(file.attrs["training_config"]))


@pytest.mark.parametrize("make", [lambda k, g: [compiled_with_all(k, g)], optimizers_with_schedules])
def test_what_models_are_compiled_with_in_legacy_files(make, tmp_path):
    """Of tf_keras: Keras 3 cannot read most of its own."""
    with semantics.use("tf_keras"):
        for ours, theirs in zip(*(built(side, lambda k: make(k, "2")) for side in (refkeras, tf_keras)), strict=True):
            for model, name in ((ours, "ours"), (theirs, "theirs")):
                model.save(tmp_path / f"{name}.h5")
            expected = training_config(tmp_path / "theirs.h5")
            assert_same_config(training_config(tmp_path / "ours.h5"), expected)
            for name, side in (("theirs", refkeras), ("ours", tf_keras)):
                side.models.load_model(tmp_path / f"{name}.h5").save(tmp_path / "again.h5")
                assert_same_config(training_config(tmp_path / "again.h5"), expected)


# -- other forms -----------------------------------------------------------------------------


def deferred(k: Any) -> Any:
    """A Sequential that is given no Input, and learns its shape from the first call."""
    model = k.Sequential([k.layers.Dense(3, activation="relu", name="a"), k.layers.Dense(2, name="b")], name="deferred")
    model.build((None, 4))
    model.compile(k.optimizers.Adam(0.01), "mean_squared_error", metrics=["mean_absolute_error"], **_EXPLICIT)
    return model


def by_name(k: Any) -> Any:
    """Losses, weights and metrics in dicts by output, alone and in lists, as names, functions and objects."""
    x = k.Input((4,), name="x")
    model = k.Model(x, [k.layers.Dense(2, name=name)(x) for name in ("one", "two", "three")], name="by_name")
    model.compile(
        k.optimizers.SGD(0.1),
        loss={
            "one": "mean_squared_error",
            "two": k.losses.mean_absolute_error,
            "three": k.losses.BinaryCrossentropy(reduction="sum"),
        },
        loss_weights={"one": 0.5, "two": 2.0, "three": 1.0},
        metrics={"one": ["accuracy", k.metrics.mean_absolute_error], "two": [k.metrics.BinaryAccuracy(threshold=0.3)]},
        weighted_metrics={"three": ["mean_squared_error"]},
        **_EXPLICIT,
    )
    return model


def of_own_classes(k: Any) -> Any:
    """A layer, a regularizer, a function and a loss of the user's own, registered or passed by name."""
    layer, regularizer, activation, loss = own(k).values()
    x = k.Input((4,), name="x")
    y = k.layers.Dense(3, activation=activation, kernel_regularizer=regularizer(0.3), name="d")(x)
    model = k.Model(x, layer(2.5, name="scaled")(y), name="own")
    model.compile(k.optimizers.SGD(0.1), loss, **_EXPLICIT)
    return model


@functools.cache
def own(k: Any) -> dict[str, Any]:
    class Scaled(k.layers.Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, shape):
            self.offset = self.add_weight(shape=(shape[-1],), initializer="zeros", name="offset")

        def call(self, x):
            return self.factor * x

        def compute_output_shape(self, shape):
            return shape

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    class Cubes(k.regularizers.Regularizer):
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return 0.0

        def get_config(self):
            return {"factor": self.factor}

    def my_activation(x):
        return x

    def my_loss(y_true, y_pred):
        return y_pred[:, 0]

    return {each.__name__: each for each in (Scaled, Cubes, my_activation, my_loss)}


@pytest.mark.parametrize("make", [deferred, by_name, of_own_classes])
@pytest.mark.parametrize("engine", ENGINES)
def test_other_forms_go_both_ways(engine, make, tmp_path):
    k = ENGINES[engine]
    with semantics.use(engine):
        ours, theirs = (built(side, make) for side in (refkeras, k))
        fill(theirs)
        fill(ours, 6)
        for first, second in ((theirs, refkeras), (ours, k)):
            first.save(tmp_path / "file.keras")
            loaded = second.models.load_model(tmp_path / "file.keras", custom_objects=own(second))
            assert_same_arrays(*[m.get_weights() for m in ((loaded, first) if second is refkeras else (first, loaded))])
            loaded.save(tmp_path / "again.keras")
            found, expected = config_of(tmp_path / "again.keras"), config_of(tmp_path / "file.keras")
            for config in (found, expected):  # where the classes are defined is not in question
                config["config"]["layers"][-1].pop("module", None)
            assert_same_config(found, expected)
