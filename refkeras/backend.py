"""Global state and numeric settings under their older names (`keras.backend`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import config, naming
from refkeras.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    is_float_dtype,
    is_int_dtype,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    standardize_dtype,
)

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "get_value",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_value",
    "standardize_dtype",
]


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


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is symbolic: what `Input` or a layer called on it returns.

    Raises:
        ValueError: (tf_keras) neither a tensor nor a variable.
    """
    from refkeras import semantics
    from refkeras.symbolic import KerasTensor
    from refkeras.tensor import Tensor
    from refkeras.variable import Variable

    if semantics.current().is_keras_tensor_raises and not isinstance(x, (KerasTensor, Tensor, Variable)):
        raise ValueError(f"Unexpectedly found an instance of type `{type(x)}`. Expected a symbolic tensor instance.")
    return isinstance(x, KerasTensor)


def get_value(x: Any) -> Any:
    """Return the value of a variable as an array or scalar."""
    value = np.array(x)
    return value if value.ndim else value[()]


def set_value(x: Any, value: Any) -> None:
    """Assign to a variable."""
    x.assign(value)
