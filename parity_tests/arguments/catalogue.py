"""Every public callable of refkeras that Keras has too, and what it takes."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from refkeras.older import Member

__all__ = ["EXEMPT", "METHODS", "MODULES", "PublicCallable", "arguments", "callables", "takes"]

MODULES = (
    *("activations", "callbacks", "constraints", "initializers", "layers", "losses", "metrics", "models"),
    *("optimizers", "optimizers.schedules", "regularizers", "saving", "utils"),
)
#: Methods whose arguments users give, by class; a subclass that has its own of that name counts as the class.
METHODS = {
    "models.Model": (
        *("compile", "evaluate", "fit", "predict", "predict_on_batch", "test_on_batch", "train_on_batch"),
        *("get_layer", "load_weights", "save", "save_weights", "summary", "to_json"),
        *("fit_generator", "evaluate_generator", "predict_generator", "compute_loss", "compute_metrics"),
    ),
    "models.Sequential": ("add", "pop", "predict_classes", "predict_proba"),
    "layers.Layer": ("add_weight", "add_variable", "add_loss", "set_weights"),
    "losses.Loss": ("__call__",),
    "metrics.Metric": ("add_variable", "add_weight"),
    "metrics.Mean": ("update_state",),
    "optimizers.Optimizer": ("apply", "apply_gradients", "build"),
    "utils.Progbar": ("add", "update"),
}
#: Arguments that no test needs to pass, and why.
EXEMPT: dict[str, str] = {
    "saving.deserialize_keras_object(module_objects)": "Keras 3 has it among its **kwargs; families give it inside",
}


@dataclass(frozen=True)
class PublicCallable:
    """A public callable: its name, where it stands (`owner.attribute`), and its parameters with their defaults.

    `skip` counts the parameters before the public ones (self); `bases` are the public classes that it derives from:
    what is given under the name of an argument of theirs is given to them.
    """

    key: str
    owner: Any
    attribute: str
    skip: int
    positional: tuple[str, ...]
    defaults: dict[str, Any]
    bases: tuple[str, ...] = ()

    @property
    def function(self) -> Callable[..., Any]:
        return function_of(self.owner, self.attribute)


def function_of(owner: Any, attribute: str) -> Callable[..., Any]:
    """The function `owner.attribute`, also one that is not there under the semantics in force."""
    found = inspect.getattr_static(owner, attribute, None)
    return found.member if isinstance(found, Member) else getattr(owner, attribute)


def callables() -> Iterator[PublicCallable]:
    """Yield every public callable once: functions, constructors, and the methods of METHODS."""
    classes: dict[type, str] = {}
    done: set[int] = set()
    for module_name in MODULES:
        module = importlib.import_module(f"refkeras.{module_name}")
        for name in module.__all__:
            found = getattr(module, name)
            origin = id(inspect.unwrap(found)) if callable(found) else id(found)  # one under the watch's wrappers, too
            if origin in done or isinstance(found, types.ModuleType) or not _in_keras(module_name, name):
                continue
            done.add(origin)
            if isinstance(found, type):
                classes[found] = f"{module_name}.{name}"
            elif isinstance(found, types.FunctionType):
                yield takes(f"{module_name}.{name}", module, name, 0)
    for cls, key in classes.items():
        bases = tuple(classes[base] for base in cls.__mro__[1:] if base in classes)
        if isinstance(cls.__init__, types.FunctionType):  # type: ignore[misc]
            yield takes(key, cls, "__init__", 1, bases)
    for place, names in METHODS.items():
        module_name, _, class_name = place.rpartition(".")
        base = getattr(importlib.import_module(f"refkeras.{module_name}"), class_name)
        for name in names:
            # Where it is defined: the package asks whether a class has a method of its own.
            own = next(c for c in base.__mro__ if name in vars(c))
            for cls in [own, *(c for c in _subclasses(base) if c is not own and name in vars(c))]:
                yield takes(f"{place}.{name}", cls, name, 1)


def _subclasses(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def takes(key: str, owner: Any, attribute: str, skip: int, bases: tuple[str, ...] = ()) -> PublicCallable:
    """Return what `owner.attribute` takes."""
    parameters = list(inspect.signature(function_of(owner, attribute)).parameters.values())[skip:]
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [p for p in parameters if p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)]
    return PublicCallable(
        key,
        owner,
        attribute,
        skip,
        tuple(p.name for p in parameters if p.kind in by_place),
        {p.name: p.default for p in named},
        bases,
    )


def arguments() -> list[str]:
    """Return every public argument, as `layers.Dense(units)`; of a method those of the class that METHODS names."""
    first: dict[str, PublicCallable] = {}
    for found in callables():
        first.setdefault(found.key, found)
    return [f"{key}({name})" for key, found in first.items() for name in found.defaults]


def _in_keras(module_name: str, name: str) -> bool:
    """Whether a Keras has it: what refkeras adds is no argument of Keras's."""
    from parity_tests.engines import ENGINES

    for engine in ENGINES.values():
        for part in (*module_name.split("."), name):
            engine = getattr(engine, part, None)
        if engine is not None:
            return True
    return False
