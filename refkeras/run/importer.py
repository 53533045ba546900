"""Make `keras`, `tensorflow.keras` and `tf_keras` resolve to refkeras in this process."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from refkeras import random, semantics
from refkeras.run.names import ROOTS, Place, find

__all__ = ["install"]

# The release whose Keras 3 behaviour the default semantics has.
_TENSORFLOW_VERSION = "2.21.0"


class Alias(ModuleType):
    """A module under Keras's name; its contents are refkeras's."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.name, f"{place.name}, as refkeras has it.")
        self._place = place
        self.__all__ = [*place.attributes, *place.submodules]

    def __getattr__(self, name: str) -> Any:
        place = self._place
        if name in place.submodules:
            return importlib.import_module(f"{place.name}.{name}")
        if name == "__version__" and place.name in ("keras", "tf_keras", "tensorflow.keras"):
            return semantics.current().keras_version
        if name in place.attributes:
            return getattr(place.target, name) if place.target else _of_tensorflow(name)
        if name.startswith("__"):
            raise AttributeError(f"module {place.name!r} has no attribute {name!r}")
        raise AttributeError(place.missing(name))

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)

    def __repr__(self) -> str:
        return f"<module {self._place.name!r} of refkeras>"


class Finder:
    """Finds Keras's modules in refkeras, before the import system looks on disk."""

    def __init__(self, semantics_chosen: bool) -> None:
        self._chosen = semantics_chosen
        self._seen: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of one of Keras's modules; None for any other module.

        Raises:
            ModuleNotFoundError: refkeras has no such module, or no such name in
                the module it would be in (`from keras.layers import Nothing`).
        """
        if fullname.partition(".")[0] not in ROOTS:
            return None
        place = find(fullname)
        if place is None:
            parent, _, name = fullname.rpartition(".")
            holder = find(parent)
            message = holder.missing(name) if holder else f"refkeras has no {fullname}."
            # Under the asked-for name, `from ... import` would drop this error for a message of its own.
            raise ModuleNotFoundError(message, name=f"{fullname} in refkeras")
        self._follow_dialect(fullname)
        return ModuleSpec(fullname, Loader(place), is_package=True)  # type: ignore[arg-type]

    def _follow_dialect(self, name: str) -> None:
        """Take tf_keras's semantics for a script that imports tf_keras and says no other."""
        if name not in ("keras", "tensorflow.keras", "tf_keras"):
            return
        legacy = os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True")
        dialect = "tf_keras" if name == "tf_keras" or (name == "tensorflow.keras" and legacy) else "keras-3@tensorflow"
        self._seen.add(dialect)
        if self._chosen:
            return
        if len(self._seen) > 1:
            now = semantics.current().name
            warnings.warn(
                f"This script imports Keras 3 and tf_keras. refkeras is one Keras at a time: both are {now!r} here. "
                "Choose with: refkeras run --semantics NAME",
                stacklevel=2,
            )
        else:
            semantics.use(dialect)


class Loader:
    """Makes the alias of a place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Alias(self._place)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: an alias is whole when it is made."""


def install(semantics_name: str | None = None) -> None:
    """Let `keras`, `tensorflow.keras` and `tf_keras` be refkeras from now on.

    Args:
        semantics_name: the semantics to run under (see `refkeras.semantics`).
            None keeps what `REFKERAS_SEMANTICS` says; without it, a script
            that imports tf_keras gets `"tf_keras"`, any other Keras 3.

    Raises:
        ValueError: no preset has that name.
        RuntimeError: a real Keras or TensorFlow is already imported.
    """
    loaded = [root for root in ROOTS if root in sys.modules and not isinstance(sys.modules[root], Alias)]
    if loaded:
        raise RuntimeError(f"{loaded[0]} is already imported in this process: install refkeras in its place first.")
    if semantics_name is not None:
        semantics.use(semantics_name)
    chosen = semantics_name is not None or bool(os.environ.get("REFKERAS_SEMANTICS"))
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
    sys.meta_path.insert(0, Finder(chosen))  # type: ignore[arg-type]


def _of_tensorflow(name: str) -> Any:
    return {"__version__": _TENSORFLOW_VERSION, "set_seed": random.set_backend_seed}[name]
