"""Constructors whose arguments differ between Kerases."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.binding import by_name, unexpected

__all__ = ["arguments"]


def arguments(
    *, tf_keras: str | None = None, keras_2_0: str | None = None, open_in: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate an `__init__` written with Keras 3's arguments: take those of the semantics in force.

    Arguments that Keras 3 lacks are keyword-only in the decorated function.

    Args:
        tf_keras: tf_keras's argument names in order, space separated; by default Keras 3's.
        keras_2_0: Keras 2.0's; by default `tf_keras`'s.
        open_in: the values of `callback_arguments` under which keywords that no list has are passed on.

    Raises:
        TypeError: (from the constructor) an argument that the Keras in force does not have.
    """

    def decorate(init: Callable[..., None]) -> Callable[..., None]:
        code = init.__code__  # type: ignore[attr-defined]
        keras_3 = code.co_varnames[1 : code.co_argcount]
        known = {
            "keras-3": keras_3,
            "tf_keras": keras_3 if tf_keras is None else tuple(tf_keras.split()),
        }
        known["keras-2.0"] = known["tf_keras"] if keras_2_0 is None else tuple(keras_2_0.split())

        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            whose = semantics.current().callback_arguments
            names = known[whose]
            label = type(self).__name__
            given = by_name(label, names, args, kwargs)
            for name in kwargs:
                if name not in names and whose not in open_in.split():
                    raise unexpected(label, name, names)
            init(self, **given, **kwargs)

        return wrapper

    return decorate
