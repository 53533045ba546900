"""The narrow machines, float16 and bfloat16, beside models that a Keras 3 runs under those dtype policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import refkeras
from parity_tests.engines import BACKEND, numpy, tensor
from refkeras import precision
from refkeras.verify.model.bars import hold_in_float16

__all__ = ["NARROW"]


def machine_of(dtype: str) -> precision.Machine:
    """The machine of that name, as the backend has it: NumPy keeps the running sums of bfloat16 in bfloat16."""
    machine = precision.machine(dtype)
    return replace(machine, accumulation=machine.storage) if (BACKEND, dtype) == ("numpy", "bfloat16") else machine


def narrow(dtype: str, name: str, features: tuple[int, ...], make: Callable[[Any, int], list[Any]]) -> Any:
    """Return a case: the outputs of a model, weights and inputs being numbers of the dtype."""

    def case(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, Any, Any]]:
        if not hasattr(keras, "ops"):
            return
        units, machine = int(rng.integers(2, 60)), machine_of(dtype)

        def build(K: Any) -> Any:
            return K.Sequential([K.Input(features), *make(K, units)])

        ours, usual = build(refkeras), keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            theirs = build(keras)
        finally:
            keras.config.set_dtype_policy(usual)

        def numbers(shape: tuple[int, ...], scale: float) -> np.ndarray:
            return machine.round(rng.normal(size=shape) * scale).astype("float32")

        weights = [numbers(w.shape, 1.5 / np.sqrt(w.shape[0] if w.ndim > 1 else 4)) for w in ours.get_weights()]
        x = numbers((200, *features), 1.0)
        ours.set_weights(weights)
        theirs.set_weights([numpy(keras.ops.cast(tensor(w), dtype)) for w in weights])
        if dtype == "float16":
            hold_in_float16(ours)
        bar = precision.evaluate(ours, x.astype(machine.dtype), machine)
        found = numpy(keras.ops.cast(theirs(keras.ops.cast(tensor(x), dtype)), "float32"))
        yield f"{dtype} {name}", bar, found.astype(machine.dtype)

    return case


# Orthogonal weights cannot be drawn in bfloat16 on TensorFlow.
_MODELS: dict[str, tuple[tuple[int, ...], Callable[[Any, int], list[Any]]]] = {
    "Dense": ((30,), lambda K, u: [K.layers.Dense(u)]),
    "Dense tanh": ((30,), lambda K, u: [K.layers.Dense(u, "tanh")]),
    "Dense sigmoid": ((30,), lambda K, u: [K.layers.Dense(u, "sigmoid")]),
    "Dense softmax": ((12,), lambda K, u: [K.layers.Dense(u, "softmax")]),
    "three Dense": ((12,), lambda K, u: [K.layers.Dense(40, "relu"), K.layers.Dense(u, "tanh"), K.layers.Dense(3)]),
    "LSTM": ((6, 5), lambda K, u: [K.layers.LSTM(u, recurrent_initializer="glorot_uniform")]),
}
#: The cases, and how often each is generated.
NARROW = [(narrow(dtype, name, *model), 2) for dtype in ("float16", "bfloat16") for name, model in _MODELS.items()]
