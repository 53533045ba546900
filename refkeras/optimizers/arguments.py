"""Constructors of optimizers: each Keras has its own arguments, in its own order."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.binding import by_name
from refkeras.naming import did_you_mean
from refkeras.semantics import Semantics

__all__ = ["TF_KERAS_TAIL", "arguments", "config_of", "exists"]

TF_KERAS_TAIL = (
    "weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum ema_overwrite_frequency jit_compile name"
)
_KERAS_2_0_KEYWORDS = ("clipnorm", "clipvalue")
# Those that Keras 2.0 keeps in variables of `floatx`, whose values its configs list.
_KERAS_2_0_VARIABLES = ("lr", "momentum", "decay", "rho", "beta_1", "beta_2")
# Arguments that Keras 3 lacks: they become attributes rather than arguments of the decorated function.
_FOREIGN = ("decay", "adaptive_epsilon")
_WITHOUT_EFFECT = ("jit_compile", "is_legacy_optimizer")


def arguments(
    *,
    tf_keras: str | None = None,
    keras_2_0: str | None = None,
    defaults: Callable[[Semantics], dict[str, Any]] = lambda rules: {},
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate an optimizer's `__init__`, written with Keras 3's arguments: take those of the semantics in force.

    Args:
        tf_keras: tf_keras's argument names in order, space separated; by default Keras 3's.
        keras_2_0: Keras 2.0's; by default Keras 3's. An empty string: Keras 2.0 has no such optimizer.
        defaults: the defaults that differ from Keras 3's.

    Raises:
        ValueError or TypeError: (from the constructor) an argument that the Keras in force does not have.
        AttributeError: (from the constructor) it does not have the optimizer.
    """

    def decorate(init: Callable[..., None]) -> Callable[..., None]:
        code = init.__code__  # type: ignore[attr-defined]
        keras_3 = code.co_varnames[1 : code.co_argcount]
        known = {
            "keras-3": keras_3,
            "tf_keras": keras_3 if tf_keras is None else tuple(tf_keras.split()),
            "keras-2.0": keras_3 if keras_2_0 is None else tuple(keras_2_0.split()),
        }

        @functools.wraps(init)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            rules = semantics.current()
            given = _given(type(self).__name__, rules, known[rules.optimizer_arguments], args, kwargs)
            for name in _FOREIGN:
                if name in given:
                    setattr(self, name, given.pop(name))
            init(self, **{**defaults(rules), **given})

        wrapper.names = known  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _given(cls: str, rules: Semantics, names: tuple[str, ...], args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by Keras 3's names, without those that have no effect."""
    if not names:
        raise AttributeError(f"{rules.name} has no optimizer {cls}.")
    given = by_name(cls, names, args, kwargs)
    allowed = names + (_KERAS_2_0_KEYWORDS if rules.optimizer_arguments == "keras-2.0" else ())
    for name, value in kwargs.items():
        if name in allowed:
            given[name] = value
        elif not _set_aside(cls, rules, name, value):
            raise _unknown(cls, rules, name, allowed)
    if "lr" in given:
        given["learning_rate"] = given.pop("lr")
    return {name: value for name, value in given.items() if name not in _WITHOUT_EFFECT}


def _set_aside(cls: str, rules: Semantics, name: str, value: Any) -> bool:
    """Deal with an argument of other Kerases that this one accepts, or refuses in its own way."""
    if name == "lr" and rules.optimizer_lr_argument == "ignored":
        warnings.warn(
            f"{cls}(lr={value!r}): {rules.name} ignores `lr`; the learning rate stays the default. "
            "Pass learning_rate= instead.",
            stacklevel=4,
        )
        return True
    if name == "decay" and rules.optimizer_decay_argument != "used":
        if rules.optimizer_decay_argument == "refused":
            raise ValueError(f"{cls}(decay={value!r}): decay is deprecated in {rules.name} and refused.")
        if value is not None:
            warnings.warn("Argument `decay` is no longer supported and will be ignored.", stacklevel=4)
        return True
    return name == "is_legacy_optimizer" and rules.optimizer_arguments == "tf_keras"


def _unknown(cls: str, rules: Semantics, name: str, known: tuple[str, ...]) -> Exception:
    near = " Did you mean 'learning_rate'?" if name == "lr" else did_you_mean(name, known)
    message = f"Argument(s) not recognized: {cls}() has no argument {name!r}.{near} It takes: {', '.join(known)}."
    return ValueError(message) if rules.optimizer_unknown_argument == "ValueError" else TypeError(message)


def config_of(optimizer: Any, rules: Semantics, config: dict[str, Any]) -> dict[str, Any]:
    """Return Keras 3's `config` of an optimizer as the Keras in force writes it."""
    if rules.optimizer_arguments == "keras-3":
        return config
    if rules.optimizer_arguments == "tf_keras":
        kept = {k: v for k, v in config.items() if k not in ("loss_scale_factor", "gradient_accumulation_steps")}
        return {**kept, "jit_compile": False, "is_legacy_optimizer": False}
    constructors: list[Any] = [cls.__dict__.get("__init__") for cls in type(optimizer).__mro__]
    names = next(init.names["keras-2.0"] for init in constructors if hasattr(init, "names"))
    everything = {**config, "lr": config["learning_rate"], "decay": optimizer.decay}
    kind = np.dtype(optimizer.learning_rate.dtype).type
    rounded = {name: float(kind(everything[name])) for name in names if name in _KERAS_2_0_VARIABLES}
    clips = {name: config[name] for name in _KERAS_2_0_KEYWORDS if config[name] is not None}
    return {**clips, **{name: everything[name] for name in names if name in everything}, **rounded}


def exists(cls: type) -> bool:
    """Whether the Keras in force has this optimizer."""
    names = getattr(cls.__init__, "names", None)  # type: ignore[misc]
    return names is None or bool(names[semantics.current().optimizer_arguments])
