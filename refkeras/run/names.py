"""Which refkeras module stands behind which of Keras's public names."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType

from refkeras.naming import did_you_mean

__all__ = ["ROOTS", "Place", "find"]

# Keras's public modules, and nothing else of refkeras: `refkeras.ops`, say, is not `keras.ops`.
_MODULES = (
    "",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "saving",
    "utils",
    "wrappers",
)
# Where refkeras's module holds more than Keras's, what Keras's holds.
_ONLY = {
    "random": (
        "SeedGenerator",
        "categorical",
        "dropout",
        "normal",
        "randint",
        "shuffle",
        "truncated_normal",
        "uniform",
    ),
}
_TENSORFLOW: dict[str, tuple[str, ...]] = {
    "tensorflow": ("__version__", "keras", "random"),
    "tensorflow.random": ("set_seed",),
}
ROOTS = ("keras", "tf_keras", "tensorflow")


@dataclass(frozen=True)
class Place:
    """A module that a script may import: its name there, and the names in it."""

    name: str
    target: ModuleType | None
    attributes: tuple[str, ...]
    submodules: tuple[str, ...]

    def missing(self, attribute: str) -> str:
        """Return the message for a name that is not here."""
        message = f"refkeras has no {self.name}.{attribute}."
        if self.name.startswith("tensorflow") and self.target is None:
            return f"{message} Of TensorFlow it has tensorflow.keras and tensorflow.random.set_seed."
        return message + did_you_mean(attribute, {*self.attributes, *self.submodules})


def find(name: str) -> Place | None:
    """Return the place that `name` (`keras.layers`, `tensorflow.keras.utils`) leads to, or None."""
    if name in _TENSORFLOW:
        modules = {"keras", "random"} & set(_TENSORFLOW[name])
        return Place(name, None, _TENSORFLOW[name], tuple(sorted(modules)))
    root = "tensorflow.keras" if name.startswith("tensorflow.keras") else name.partition(".")[0]
    inner = name[len(root) :].removeprefix(".")
    if root not in ("keras", "tf_keras", "tensorflow.keras") or name[len(root) :] not in ("", f".{inner}"):
        return None
    if inner not in _MODULES or not _exists(inner):
        return None
    target = importlib.import_module(_target(inner))
    prefix = f"{inner}." if inner else ""
    children = (other[len(prefix) :] for other in _MODULES if other != inner and other.startswith(prefix))
    submodules = tuple(child for child in children if child and "." not in child and _exists(prefix + child))
    attributes = _ONLY.get(inner) or tuple(
        attribute
        for attribute in target.__all__
        if attribute not in submodules and (inner or not _exists(attribute))  # at the top, modules of refkeras's own
    )
    return Place(name, target, attributes, submodules)


def _target(inner: str) -> str:
    return f"refkeras.{inner}" if inner else "refkeras"


def _exists(inner: str) -> bool:
    parent = inner.rpartition(".")[0]
    return (not parent or _exists(parent)) and importlib.util.find_spec(_target(inner)) is not None
