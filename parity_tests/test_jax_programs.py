"""On JAX, values and gradients come from one program for all arrays of the same shapes; it is compiled once."""

import numpy as np
import pytest

from parity_tests import engines
from parity_tests.engines import BACKEND, keras, value_and_gradients

pytestmark = pytest.mark.skipif(BACKEND != "jax", reason="compiles nothing by itself")

X, D = np.array([2.0, 3.0], "float32"), np.array([1.0, 10.0], "float32")


def derived(held, power=2, variables=()):
    """held · x^power, with what `held` is built into the function, and its gradient."""
    found = value_and_gradients(lambda x: held * x**power, [X], variables, d_values=[D])
    return found.values[0].tolist(), found.gradients[0].tolist()


def compiled():
    return engines._compiled.cache_info().misses


def test_arrays_that_a_function_holds_are_arguments():
    before = compiled()
    assert derived(np.array([1.0, 2.0], "float32")) == ([4.0, 18.0], [4.0, 120.0])
    assert derived(keras.Variable([5.0, -1.0]).value) == ([20.0, -9.0], [20.0, -60.0])
    assert compiled() == before + 1


def test_other_operations_numbers_or_shapes_are_another_program():
    held = np.array([1.0, 2.0], "float32")
    derived(held)
    before = compiled()
    assert derived(held, power=3) == ([8.0, 54.0], [12.0, 540.0])
    assert derived(held[:1]) == ([4.0, 9.0], [4.0, 60.0])
    assert derived(3.0) == ([12.0, 27.0], [12.0, 180.0])
    assert derived(4.0) == ([16.0, 36.0], [16.0, 240.0])
    assert compiled() == before + 4


def test_a_state_that_changes_is_read_anew():
    layer = keras.layers.Dropout(0.5, seed=1)
    ones = np.ones((4, 64), "float32")
    first, second = (value_and_gradients(lambda x: layer(x, training=True), [ones]) for _ in range(2))
    assert not np.array_equal(first.values[0], second.values[0])
    for found in first, second:
        np.testing.assert_array_equal(found.values[0], found.gradients[0])


def test_programs_are_forgotten_before_memory_maps_run_out(monkeypatch):
    held = np.array([1.0, 2.0], "float32")
    derived(held, power=5)
    monkeypatch.setattr(engines, "room_for_programs", lambda: 0.3)
    derived(held, power=6)
    assert engines._compiled.cache_info().currsize == 1
    monkeypatch.undo()
    assert derived(held, power=5) == ([32.0, 486.0], [80.0, 8100.0])
    assert engines._compiled.cache_info().currsize == 2


def test_the_room_for_programs(tmp_path):
    for name, text in {"maps": "a\n" * 30, "most": "40\n"}.items():
        (tmp_path / name).write_text(text)
    assert engines.room_for_programs(tmp_path / "maps", tmp_path / "most") == 0.25
    assert engines.room_for_programs(tmp_path / "nowhere", tmp_path / "most") == 1.0
