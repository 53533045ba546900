"""How a layer is called: argument binding, name scopes, and what a class's signatures tell.

Everything that can be known from a class alone is worked out once, when the
class is made or first called, so that a call pays for none of it.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from refkeras import naming, semantics, tree

__all__ = ["CallSignature", "constructor_names", "name_scope", "pop_input_shape", "scope_path", "training_context"]


class _Open(threading.local):
    """The scopes and contexts that are open, in each thread its own: models may be trained side by side."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.training: list[bool | None] = []
        self.penalties: list[list[Any]] = []


_open = _Open()


@contextmanager
def name_scope(name: str | None) -> Iterator[None]:
    """Prefix the paths of weights made inside the block."""
    if name:
        _open.scopes.append(name)
    try:
        yield
    finally:
        if name:
            _open.scopes.pop()


def scope_path() -> list[str]:
    """Return the names of the open scopes, outermost first."""
    return list(_open.scopes)


@contextmanager
def training_context(training: bool | None) -> Iterator[None]:
    """Make `training` the default of the layer calls inside the block."""
    _open.training.append(training)
    try:
        yield
    finally:
        _open.training.pop()


@contextmanager
def collected_penalties() -> Iterator[list[Any]]:
    """Collect the penalties of the layers that are called inside the block, each call's own."""
    _open.penalties.append([])
    try:
        yield _open.penalties[-1]
    finally:
        _open.penalties.pop()


def note_penalties(values: list[Any]) -> None:
    """Hand the penalties of a call, and of those inside it, to the call around, if there is one."""
    if _open.penalties:
        _open.penalties[-1].extend(values)


def inside_call() -> bool:
    """Whether a layer's call, or a model's run, goes on around."""
    return bool(_open.training)


def current_training() -> bool | None:
    """Return `training` of the innermost call that said it, or None."""
    return _open.training[-1] if _open.training else None


@dataclass(frozen=True)
class CallSignature:
    """What the `forward` (or `call`) of a class accepts."""

    signature: inspect.Signature
    names: tuple[str, ...]
    #: Those that may be given without their names, in order.
    positional: tuple[str, ...]
    #: The place of the first of `mask` and `training` among them; their number, where there is neither.
    first_by_name: int
    #: It takes `training`, and has no default for it.
    needs_training: bool
    takes_training: bool
    takes_mask: bool
    #: The arguments x beside which there is one for their mask, x_mask.
    masked: tuple[str, ...]
    takes_gradient: bool
    takes_anything: bool

    @property
    def first(self) -> str:
        return self.names[0] if self.names else "inputs"

    def by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return a call's arguments with `mask` and `training`, which are looked for by name, among `kwargs`."""
        place = self.first_by_name
        if not place < len(args) <= len(self.positional):
            return args, kwargs
        return args[:place], {**dict(zip(self.positional[place:], args[place:], strict=False)), **kwargs}


@functools.cache
def read_signature(method: Callable[..., Any]) -> CallSignature:
    """Return what a method, taken from its class, accepts beside `self`."""
    signature = inspect.signature(method)
    parameters = list(signature.parameters.values())[1:]
    names = tuple(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
    positional = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return CallSignature(
        signature=signature.replace(parameters=parameters),
        names=names,
        positional=positional,
        first_by_name=next(
            (place for place, name in enumerate(positional) if place and name in ("mask", "training")), len(positional)
        ),
        needs_training="training" in names and signature.parameters["training"].default is inspect.Parameter.empty,
        takes_training="training" in names,
        takes_mask="mask" in names,
        masked=tuple(name for name in names if f"{name}_mask" in names),
        takes_gradient="gradient" in names,
        takes_anything=anything,
    )


@functools.cache
def constructor_names(cls: type) -> tuple[str, ...]:
    """Return every argument name that the constructors of `cls` and its bases know."""
    names: dict[str, None] = {}
    for base in cls.__mro__[:-1]:
        if "__init__" in vars(base):
            for p in inspect.signature(base.__init__).parameters.values():  # type: ignore[misc]
                if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                    names[p.name] = None
    return (*names, "input_shape", "input_dim")


def pop_input_shape(kwargs: dict[str, Any], layer: Any) -> tuple[int | None, ...] | None:
    """Take `input_shape`, `input_dim` or `batch_input_shape` out of a layer's keyword arguments.

    Returns the batch shape, or None. Keras 3 warns that an `Input` is preferred.
    """
    if "input_dim" in kwargs:
        shape: Any = (None, kwargs.pop("input_dim"))
    elif "input_shape" in kwargs:
        given = kwargs.pop("input_shape")
        shape = (None, *((given,) if isinstance(given, int) else given))
    elif "batch_input_shape" in kwargs and not semantics.current().input_shape_warns:
        shape = tuple(kwargs.pop("batch_input_shape"))
    else:
        return None
    if layer._warns_about_input_shape and semantics.current().input_shape_warns:
        warnings.warn(
            "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential models, prefer using "
            "an `Input(shape)` object as the first layer in the model instead.",
            stacklevel=4,
        )
    return shape


def shapes_of(structure: Any) -> Any:
    """Return the structure with each tensor replaced by its shape tuple."""
    return tree.map_structure(lambda t: None if t is None else tuple(t.shape), structure)


def build_arguments(build: Callable[..., Any], arguments: dict[str, Any], class_name: str) -> dict[str, Any]:
    """Return the keyword arguments for `build`: one shape for one parameter, else `x_shape` for each argument `x`.

    Raises:
        ValueError: a parameter of `build` that does not name an argument of `call`.
    """
    names = [
        p.name for p in inspect.signature(build).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    if len(names) == 1:
        return {names[0]: shapes_of(next(iter(arguments.values())))}
    shapes = {}
    for name in names:
        argument = name.removesuffix("_shape")
        if argument == name or argument not in arguments:
            raise ValueError(
                f"Layer {class_name!r}: argument {name!r} of build() must be the name of an argument of call() "
                f"followed by '_shape'.{naming.did_you_mean(argument, arguments)}"
            )
        if arguments[argument] is not None:
            shapes[name] = shapes_of(arguments[argument])
    return shapes
