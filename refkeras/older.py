"""Names that some Kerases have, and others do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics

__all__ = ["Member", "where"]


def where(is_there: Callable[[semantics.Semantics], bool], kind: Any = None) -> Callable[[Any], Any]:
    """Decorate a method of a class: it is there under some semantics only.

    Elsewhere it can neither be found nor called, and an instance may have another attribute of that name.

    Args:
        is_there: tells of semantics whether that Keras has the name.
        kind: `property`, for one.

    Raises:
        AttributeError: (of the name) under other semantics.

    >>> class Layer:
    ...     @where(lambda rules: rules.name == "tf_keras")
    ...     def compute(self):
    ...         return 7
    >>> hasattr(Layer(), "compute")
    False
    >>> with semantics.use("tf_keras"):
    ...     Layer().compute()
    7
    """
    return lambda function: Member(function if kind is None else kind(function), is_there)


class Member:
    """A method or property that `where` decorates."""

    def __init__(self, member: Any, is_there: Callable[[semantics.Semantics], bool]) -> None:
        self.member, self.is_there = member, is_there
        self.__doc__ = member.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        rules = semantics.current()
        if not self.is_there(rules):
            others = [name for name in semantics.PRESETS if self.is_there(semantics.get(name))]
            raise AttributeError(
                f"{owner.__name__!r} object has no attribute {self.name!r} under the semantics {rules.name}. "
                f"It is there under: {', '.join(others)}."
            )
        return self.member.__get__(instance, owner)
