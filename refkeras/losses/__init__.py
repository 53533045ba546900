"""Losses (`keras.losses`)."""

from typing import Any

from refkeras import semantics
from refkeras.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from refkeras.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.losses.names import MEMBERS as _MEMBERS
from refkeras.losses.names import deserialize, get, serialize
from refkeras.losses.reduction import Reduction as _Reduction
from refkeras.saving.serialization import public_module as _public_module

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]

_public_module("keras.losses", lambda: _MEMBERS)


def __getattr__(name: str) -> Any:
    # Keras 3 has neither `Reduction` nor the short names here; tf_keras has.
    if "auto" in semantics.current().loss_reductions:
        short = {"mse": mean_squared_error, "mae": mean_absolute_error, "bce": binary_crossentropy}
        if name == "Reduction":
            return _Reduction
        if name.lower() in short and name in (name.lower(), name.upper()):
            return short[name.lower()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
