"""What a session is asked to run on, by its environment; checked before an engine is imported, which takes time."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BACKENDS", "CHOICES", "problems"]

BACKENDS = ("tensorflow", "jax", "torch", "numpy")
#: Variable of the environment → what it may be; the first where it is not set.
CHOICES = {
    "KERAS_BACKEND": BACKENDS,
    "REFKERAS_ENGINE": tuple(f"keras@{backend}" for backend in BACKENDS),
    "REFKERAS_DEVICE": ("cpu", "gpu"),
    "REFKERAS_MODE": ("auto", "eager", "graph", "jit"),
}


def problems(environ: Mapping[str, str]) -> list[str]:
    """What of it is unknown, or contradicts itself.

    >>> problems({"KERAS_BACKEND": "jaxx"})
    ["KERAS_BACKEND='jaxx' is none of tensorflow, jax, torch, numpy"]
    """
    found = [
        f"{name}={environ[name]!r} is none of {', '.join(choices)}"
        for name, choices in CHOICES.items()
        if environ.get(name, choices[0]) not in choices
    ]
    backend = environ.get("KERAS_BACKEND", BACKENDS[0])
    asked = environ.get("REFKERAS_ENGINE", f"keras@{backend}")
    if not found and asked != f"keras@{backend}":
        found.append(f"REFKERAS_ENGINE={asked!r} is not what KERAS_BACKEND={backend!r} has Keras run on")
    return found
