"""Global settings: dtypes and their names, the order of an image's axes, limits of training, what is symbolic."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests import test_data_in_loops as loops
from parity_tests.agreement import assert_same
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, both_kerases, keras, numpy, tensor, tf_keras
from parity_tests.layer_sides import outcome
from parity_tests.shows import shows
from refkeras import config, semantics

# -- dtypes ------------------------------------------------------------------------------------------------

#: Names and types that stand for a dtype, or do not.
ASKED = [
    *config.DTYPES,
    *(float, int, bool, str, complex, "int", None),
    *(np.float32, np.float64, np.int8, np.uint16, np.complex64, np.bool_),
    *(np.dtype("float64"), np.dtype("int32"), np.dtype(">f4")),
    *("f4", "<f8", "str", "object", object, np.dtype("S3"), np.generic, "", "Float32", 3, 2.5),
]


@shows("iterations_dtype")
@pytest.mark.parametrize("dtype", ASKED, ids=repr)
def test_names_of_dtypes(dtype):
    def run(k: Any) -> list[Any]:
        functions = k.backend.standardize_dtype, k.backend.is_float_dtype, k.backend.is_int_dtype
        return [outcome(lambda f=function: f(dtype)) for function in functions]

    assert run(refkeras) == run(keras)


@shows("unknown_dtype")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [float, np.float32, np.dtype("float64"), "float32", "f4", "<f8", "str", "Float32"])
def test_dtypes_of_layers(dtype, engine):
    def run(k: Any) -> Any:
        return outcome(lambda: k.layers.Dense(2, dtype=dtype).compute_dtype)

    with semantics.use(engine):
        assert run(refkeras) == run(ENGINES[engine])


@shows("iterations_dtype")
@pytest.mark.parametrize("engine", ENGINES)
def test_what_steps_are_counted_in(engine):
    def run(k: Any) -> str:
        return np.dtype(numpy(k.optimizers.SGD().iterations).dtype).name

    with semantics.use(engine):
        assert run(refkeras) == run(ENGINES[engine]) == semantics.get(engine).iterations_dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "string", str])
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: refkeras.Variable([1.0], dtype=dtype),
        lambda dtype: refkeras.initializers.Ones()((2,), dtype),
        lambda dtype: refkeras.layers.Layer().add_weight((2,), dtype=dtype),
        lambda dtype: refkeras.layers.Dense(2, dtype=dtype),
        lambda dtype: refkeras.random.categorical(np.ones((1, 2)), 1, dtype),
    ],
)
def test_dtypes_that_numpy_does_not_have(make, dtype):
    """Keras has them; here they are refused by name, whichever libraries have given NumPy types of theirs."""
    with pytest.raises(ValueError, match=r"dtype=.* is not supported: .*refkeras computes"):
        make(dtype)


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "tf_keras"])
@pytest.mark.parametrize("dtype", ["bfloat16", "string", "f4", "", 3, None, ["float32"], "object"])
def test_dtypes_of_records(dtype, engine):
    record = {"class_name": "__numpy__", "config": {"value": [1], "dtype": dtype}}
    with semantics.use(engine), pytest.raises(ValueError, match="Not allowed: an array of dtype"):
        refkeras.saving.deserialize_keras_object(record)


def test_the_libraries_own_dtypes():
    dtype = tensor(np.ones(1, "float32")).dtype
    assert config.standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype) == "float32"


# -- what is symbolic --------------------------------------------------------------------------------------


@shows("is_keras_tensor_raises")
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_symbolic(engine):
    def run(k: Any) -> list[Any]:
        x, dense = k.Input((2,)), k.layers.Dense(1)
        things = [x, dense(x), dense(np.ones((1, 2), "float32")), dense.kernel, 1.5, np.ones(2), None, "x", dense]
        return [outcome(lambda t=thing: k.backend.is_keras_tensor(t)) for thing in things]

    with semantics.use(engine):
        found = run(refkeras)
        assert found == run(ENGINES[engine])
    assert found[:4] == [True, True, False, False]


# -- images ------------------------------------------------------------------------------------------------


@given(
    form=st.sampled_from(["channels_last", "channels_first", "CHANNELS_FIRST"]),
    own=st.sampled_from([None, "channels_first", "channels_last"]),
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
def test_the_order_of_axes(form, own, shape):
    """A Flatten without an order of its own has the one that is set when it is made."""
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)

    def run(k: Any) -> Any:
        try:
            k.config.set_image_data_format(form)
            made = k.layers.Flatten(own)
            found = k.config.image_data_format(), k.backend.image_data_format(), made.get_config()["data_format"]
        finally:
            k.backend.set_image_data_format("channels_last")
        return found, numpy(made(x))

    (ours, y), (theirs, expected) = run(refkeras), run(keras)
    assert ours == theirs
    assert_same(y, expected)


def test_orders_that_there_are_none_of():
    for form in ("channels", "", 3, None):
        ours, theirs = (outcome(lambda f=form, k=k: k.config.set_image_data_format(f)) for k in (refkeras, keras))
        assert ours is theirs is ValueError
        ours, theirs = (outcome(lambda f=form, k=k: k.layers.Flatten(f).data_format) for k in (refkeras, keras))
        assert ours == theirs
    assert config.image_data_format() == "channels_last"


# -- limits of training ------------------------------------------------------------------------------------


@contextlib.contextmanager
def limits(epochs: int | None, steps: int | None) -> Iterator[None]:
    """Set the limits in refkeras and in Keras 3, for a while."""

    def set_both(epochs: int | None, steps: int | None) -> None:
        for k in (refkeras, keras):
            k.config.set_max_epochs(epochs)
            k.config.set_max_steps_per_epoch(steps)

    set_both(epochs, steps)
    try:
        yield
    finally:
        set_both(None, None)


@shows("training_is_limited")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("kind", "epochs", "steps"),
    [("PyDataset", 1, 2), ("generator", None, 4), ("arrays", 2, 1), ("arrays", 0, 9), ("PyDataset", 5, 0)],
)
def test_loops_are_limited(kind, epochs, steps, engine):
    """All loops in turn: where arrays are limited, the next epoch goes on with the rows that follow."""
    with limits(epochs, steps):
        loops.assert_alike(engine, [loop for loop in loops.LOOPS if loop != "validation"], kind, False, True)


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend does not train")
@pytest.mark.parametrize("epochs", [0, 1, 2, 3])
@pytest.mark.parametrize("steps", [None, 1, 2, 3])
def test_what_is_said_of_limits(epochs, steps):
    """Of epochs first; of steps for training's batches, and for validation's, each time."""

    def run(k: Any) -> Any:
        model = k.Sequential([k.Input((1,)), k.layers.Dense(1, kernel_initializer="zeros")])
        model.compile("sgd", "mse")
        data = np.ones((6, 1), "float32"), np.ones((6, 1), "float32")
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            history = model.fit(
                *data, 2, epochs=epochs, steps_per_epoch=steps, validation_data=data, validation_batch_size=1, verbose=0
            )
            model.evaluate(*data, steps=steps, verbose=0)
            predicted = len(model.predict(data[0], batch_size=1, steps=steps, verbose=0))
        said = [str(w.message) for w in seen if str(w.message).startswith("Limiting")]
        return said, history.epoch, history.params, sorted(history.history), predicted

    with limits(2, 2):
        ours = run(refkeras)
        assert ours == run(keras)
    assert ("Limiting epochs to 2" in ours[0]) == (epochs == 3)
    # Validation has no steps of its own.
    assert ours[0].count("Limiting steps_per_epoch to 2") == (epochs > 0) + 3 * (steps in (None, 3))


def test_limits_are_told_and_checked():
    with limits(3, np.int64(4)):
        for k in (refkeras, keras):
            assert (k.config.max_epochs(), k.config.max_steps_per_epoch()) == (3, 4)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (None, None)
    for wrong in ("2", 2.5, [2]):
        with pytest.raises(TypeError, match=r"max_epochs=.*expected an integer"):
            config.set_max_epochs(wrong)
        with pytest.raises(TypeError, match=r"max_steps_per_epoch=.*expected an integer"):
            config.set_max_steps_per_epoch(wrong)
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (None, None)


def test_limits_that_the_environment_sets():
    """As Keras reads them, once; no Keras is asked, as it would have to be started for it."""
    variables = {"KERAS_MAX_EPOCHS": "2", "KERAS_MAX_STEPS_PER_EPOCH": "5"}
    print_both = "from refkeras import config; print(config.max_epochs(), config.max_steps_per_epoch())"
    command = [sys.executable, "-c", print_both]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "5"]


@both_kerases
def test_tf_keras_has_no_limits():
    assert not hasattr(tf_keras, "config")
    assert hasattr(ENGINES[KERAS_3].config, "set_max_epochs")


def test_the_comparison_can_fail():
    with limits(None, 2):
        loops.assert_alike(KERAS_3, ["evaluate"], "arrays", False, True)
        config.set_max_steps_per_epoch(3)
        with pytest.raises(AssertionError):
            loops.assert_alike(KERAS_3, ["evaluate"], "arrays", False, True)
