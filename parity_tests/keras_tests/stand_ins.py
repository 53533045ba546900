"""What a test file gets for each name of Keras that it imports: refkeras's of the same public name."""

from __future__ import annotations

import importlib
import inspect
import types
from typing import Any

import keras
import numpy as np
import pytest
from keras.src import api_export

import refkeras
from parity_tests.keras_tests.rewriting import BACKENDS, rewritten
from refkeras.models.functional import Functional
from refkeras.tensor import wrap
from refkeras.training.trainer import Trainer as TrainerBase

#: How often something of refkeras was asked for; a test that asks for nothing of it tests Keras alone.
asked_for = 0


class Absent:
    """Stands for what refkeras does not have, or another backend: whoever uses it skips the test."""

    def __init__(self, name: str, why: str = "not there") -> None:
        self.__dict__["_told"] = f"{why}: {name}"

    def skip(self, *_: Any, **__: Any) -> Any:
        pytest.skip(self._told, allow_module_level=True)

    __call__ = skip

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self.skip()

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (type("AbsentBase", (), {"__init__": self.skip}),)

    def __instancecheck__(self, instance: Any) -> bool:
        return False


class Trainer(refkeras.Model):
    """Keras's tests make a model of a layer by mixing its trainer in."""

    def __init__(self) -> None:
        TrainerBase.__init__(self)


def _set_mask(x: Any, mask: Any) -> None:
    try:
        x._keras_mask = mask
    except AttributeError:
        pytest.skip("masks of bare arrays")


def _skip_if_backend(name: str, reason: str) -> Any:
    return pytest.mark.skipif(name == refkeras.backend.backend(), reason=reason)


def _tensor(x: Any, dtype: Any = None, **_: Any) -> Any:
    return wrap(np.asarray(keras.ops.convert_to_tensor(np.asarray(x) if hasattr(x, "__array__") else x, dtype)))


#: What has no public name, or another place.
_BY_PLACE: dict[str, Any] = {
    "conftest.skip_if_backend": _skip_if_backend,
    "keras.src.backend.backend": refkeras.backend.backend,
    "keras.src.backend.get_keras_mask": lambda x: getattr(x, "_keras_mask", None),
    "keras.src.backend.set_keras_mask": _set_mask,
    "keras.src.backend.convert_to_tensor": _tensor,
    "keras.src.backend.numpy.trainer.NumpyTrainer": Trainer,
    "keras.src.models.Functional": Functional,
    "keras.src.models.functional.Functional": Functional,
}
_PUBLIC = {"keras.src.backend.Variable": "keras.Variable"}
_OF_KERAS = ("keras.ops.", "keras.tree.", "keras.config.is_traceback", "keras.config.disable_traceback")
_MODULES_OF_KERAS = ("keras.src.ops", "keras.ops", "keras.src.tree", "keras.tree")


class _Module(types.ModuleType):
    """A module of Keras whose members are replaced as they are asked for."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module.__name__)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name) if name.startswith("__") else _member(self._module, name)


def stand_in(module: str, name: str | None = None) -> Any:
    """Return what `from module import name`, or `import module`, gives a test."""
    if module.partition(".")[0] in BACKENDS:
        return Absent(module, "another backend")
    if f"{module}.{name}" in _BY_PLACE:
        return _BY_PLACE[f"{module}.{name}"]
    found = importlib.import_module(module)
    return _replaced(found, module) if name is None else _member(found, name)


def _member(module: types.ModuleType, name: str) -> Any:
    place = f"{module.__name__}.{name}"
    if place in _BY_PLACE:
        return _BY_PLACE[place]
    found = getattr(module, name) if hasattr(module, name) else importlib.import_module(place)
    return _replaced(found, place)


def _replaced(found: Any, place: str) -> Any:
    if isinstance(found, types.ModuleType):
        if not found.__name__.startswith("keras") or found.__name__.startswith(_MODULES_OF_KERAS):
            return found
        if found.__name__ in ("keras.src.testing", "keras.src.testing.test_case"):
            return test_case()
        return _Module(found)
    if inspect.isclass(found) or inspect.isfunction(found):
        name = _PUBLIC.get(f"{found.__module__}.{found.__qualname__}") or api_export.get_name_from_symbol(found)
        if name and not name.startswith(_OF_KERAS):
            return _of_refkeras(name)
    return found


def _of_refkeras(name: str) -> Any:
    global asked_for
    found: Any = refkeras
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
        if found is None:
            return Absent(name)
    asked_for += 1
    return found


_test_case: types.ModuleType | None = None


def test_case() -> types.ModuleType:
    """Return Keras's module of assertions, which tests layers of refkeras.

    Of `run_layer_test` the training step, whose loss is an operation of a backend, and the run in mixed precision are
    left out: refkeras has neither.
    """
    global _test_case
    if _test_case is None:
        from keras.src.testing import test_case as original

        _test_case = types.ModuleType("keras_test_case")
        exec(compile(rewritten(inspect.getsource(original)), original.__file__, "exec"), _test_case.__dict__)
        base = _test_case.TestCase

        class TestCase(base):  # type: ignore[misc, valid-type]
            def run_layer_test(self, *args: Any, **kwargs: Any) -> Any:
                left_out = {"run_training_check": False, "run_mixed_precision_check": False}
                return super().run_layer_test(*args, **{**kwargs, **left_out})

            def convert_to_numpy(self, x: Any) -> np.ndarray:
                return np.asarray(x.value if isinstance(x, refkeras.Variable) else x)

        _test_case.TestCase = TestCase
        _test_case.get_seed_generators = lambda layer: [
            generator for inner in layer._flatten_layers() for generator in inner._seed_generators
        ]
    return _test_case
