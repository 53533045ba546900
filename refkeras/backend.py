"""Global state and numeric settings under their older names (`keras.backend`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, naming
from refkeras.config import epsilon, floatx, set_epsilon, set_floatx

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "get_value",
    "set_epsilon",
    "set_floatx",
    "set_value",
]


def backend() -> str:
    """Return `"numpy"`: what refkeras computes with, whichever engine's semantics are in force."""
    return "numpy"


def clear_session(free_memory: bool = True) -> None:
    """Forget automatic names, the global seed generator and the dtype policy.

    Args:
        free_memory: whether to give back memory that is kept for large arrays (`refkeras/ops/buffers.py`).
    """
    from refkeras import random, semantics
    from refkeras.ops import buffers
    from refkeras.random import seeds

    naming.reset()
    config.reset_dtype_policy()
    seeds.forget_global_generator()
    if semantics.current().rng == "tf_keras":
        random.restart_operations()
    if free_memory:
        buffers.release()


def get_uid(prefix: str = "") -> int:
    """Return 1, 2, ... for each call with the same prefix."""
    _, _, count = naming.auto_name(prefix).removeprefix(prefix).rpartition("_")
    return int(count or 0) + 1


def get_value(x: Any) -> Any:
    """Return the value of a variable as an array or scalar."""
    value = np.array(x)
    return value if value.ndim else value[()]


def set_value(x: Any, value: Any) -> None:
    """Assign to a variable."""
    x.assign(value)
