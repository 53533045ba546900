"""Methods of models whose arguments, their order or their defaults differ between Kerases."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from refkeras import semantics
from refkeras.binding import by_name, unexpected

__all__ = ["arguments"]

Method = TypeVar("Method", bound=Callable[..., Any])

#: Of other Kerases: how batches are fetched and steps are run. No number depends on them.
_WITHOUT_EFFECT = (
    *("max_queue_size", "workers", "use_multiprocessing", "max_q_size", "pickle_safe", "pss_evaluation_shards"),
    *("sample_weight_mode", "cloning", "experimental_run_tf_function", "from_serialized"),
)
#: Of tf_keras's compile: refused unless they are None.
_REFUSED = ("distribute", "target_tensors")


def arguments(
    *,
    tf_keras: str,
    keras_2_0: str,
    sequential_2_0: str | None = None,
    keywords: str = "",
    renamed_2_0: dict[str, str] | None = None,
    positional_2_0: int | None = None,
) -> Callable[[Method], Method]:
    """Decorate a method written with Keras 3's arguments: take those of the semantics in force.

    Arguments that Keras 3 lacks are keyword-only in the decorated method, or change nothing and do not reach it. Keras
    2.0's methods take Keras 3's by keyword, too: they are for scripts of its time to work, not for others to fail.

    Args:
        tf_keras: tf_keras's argument names in order, space separated; `name=None` for one that is None by default.
        keras_2_0: Keras 2.0's; `name=10` for one that is 10.
        sequential_2_0: Keras 2.0's of a Sequential; by default `keras_2_0`.
        keywords: further ones that tf_keras takes by keyword.
        renamed_2_0: names of Keras 1 → those of Keras 2.0, which says so and takes both.
        positional_2_0: how many Keras 2.0 takes by position; by default all.

    Raises:
        TypeError: (from the method) an argument that the Keras in force does not have.
    """

    def decorate(method: Method) -> Method:
        code = method.__code__  # type: ignore[attr-defined]
        keras_3 = code.co_varnames[1 : code.co_argcount]
        others = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        open_ended = bool(code.co_flags & 0x08)  # it has **kwargs, and what it says of them
        names_of = {"tf_keras": _parsed(tf_keras), "keras-2.0": _parsed(keras_2_0)}
        of_sequential = names_of["keras-2.0"] if sequential_2_0 is None else _parsed(sequential_2_0)

        @functools.wraps(method)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            whose = semantics.current().method_arguments
            if whose == "keras-3":
                if others and (foreign := [name for name in kwargs if name in others]):
                    raise unexpected(method.__name__, foreign[0], keras_3)
                return method(self, *args, **kwargs)
            names = of_sequential if whose == "keras-2.0" and _is_sequential(self) else names_of[whose]
            if whose == "keras-2.0" and renamed_2_0:
                kwargs = _renamed(method.__name__, args, kwargs, renamed_2_0)
            if whose == "keras-2.0" and positional_2_0 is not None and len(args) > positional_2_0:
                known = f"{positional_2_0} positional arguments {(*names,)[:positional_2_0]}"
                raise TypeError(f"`{method.__name__}` can accept only {known}, but you passed {len(args)}.")
            given = by_name(method.__name__, [*names], args, kwargs)
            given |= kwargs
            if whose == "keras-2.0" and "nb_epoch" in given and "epochs" in keras_3:
                message = f"The `nb_epoch` argument in `{method.__name__}` has been renamed `epochs`."
                warnings.warn(message, stacklevel=2)
                given["epochs"] = given.pop("nb_epoch")
            taken = {*names, *keywords.split(), *(keras_3 if whose == "keras-2.0" else ())}
            for name in given:
                if name not in taken and not open_ended:
                    raise unexpected(method.__name__, name, [*names])
                if name in _REFUSED and given[name] is not None:
                    raise ValueError(f"{name}={given[name]!r} is not supported by {method.__name__}(); expected None.")
            given = {name: v for name, v in given.items() if name not in _WITHOUT_EFFECT and name not in _REFUSED}
            defaults = {name: default for name, default in names.items() if default is not ...}
            return method(self, **(defaults | given))

        return wrapper  # type: ignore[return-value]

    return decorate


def _renamed(method: str, args: tuple[Any, ...], kwargs: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Keyword arguments with Keras 1's names replaced (`keras/legacy/interfaces.py`, Keras 2.0.4)."""
    found = {name: value for name, value in kwargs.items() if name not in names}
    for old, new in names.items():
        if old not in kwargs:
            continue
        if new in found:
            raise TypeError(f"{method}() got both {old!r} and {new!r}, which are one argument: give {new!r}.")
        found[new] = kwargs[old]
        if old == "samples_per_epoch":
            source: Any = args[0] if args else kwargs.get("generator")
            if hasattr(source, "batch_size"):
                found[new] = kwargs[old] // source.batch_size
            else:
                warnings.warn(
                    "The semantics of the Keras 2 argument  `steps_per_epoch` is not the same as the Keras 1 argument "
                    "`samples_per_epoch`. `steps_per_epoch` is the number of batches to draw from the generator at "
                    "each epoch. Update your method calls accordingly.",
                    stacklevel=4,
                )
    if found.keys() != kwargs.keys():
        call = ", ".join([*(_short(value) for value in args), *(f"{name}={_short(v)}" for name, v in found.items())])
        warnings.warn(f"Update your `{method}` call to the Keras 2 API: `{method}({call})`", stacklevel=4)
    return found


def _short(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    text = "array" if isinstance(value, np.ndarray) else str(value)
    return text if len(text) <= 10 else f"{text[:10]}..."


def _parsed(text: str) -> dict[str, Any]:
    """Names in order, with the defaults that are not Keras 3's."""
    parts = [part.partition("=") for part in text.split()]
    return {name: ... if not mark else None if default == "None" else int(default) for name, mark, default in parts}


def _is_sequential(model: Any) -> bool:
    from refkeras.models.sequential import Sequential

    return isinstance(model, Sequential)
