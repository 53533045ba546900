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
from refkeras.losses.divergences import KLDivergence, Poisson, kl_divergence, poisson
from refkeras.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from refkeras.losses.loss import Loss, LossFunctionWrapper
from refkeras.losses.margins import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from refkeras.losses.names import MEMBERS as _MEMBERS
from refkeras.losses.names import OLD_NAMES as _OLD_NAMES
from refkeras.losses.names import SHORT as _SHORT
from refkeras.losses.names import deserialize, get, serialize
from refkeras.losses.reduction import Reduction as _Reduction
from refkeras.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_percentage_error,
    mean_squared_logarithmic_error,
)
from refkeras.saving.serialization import public_module as _public_module

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

_public_module("keras.losses", lambda: _MEMBERS)


def __getattr__(name: str) -> Any:
    # Keras 3 has neither `Reduction` nor the short names here; tf_keras has.
    rules = semantics.current()
    if "auto" in rules.loss_reductions:
        known = {"Reduction": _Reduction, **_SHORT, **_OLD_NAMES[rules.old_loss_names]}
        if name in known and name not in ("bce", "BCE", "huber_loss"):
            return known[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
