"""Metrics (`keras.metrics`)."""

from typing import Any

from refkeras import losses as _losses
from refkeras.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_crossentropy,
)
from refkeras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from refkeras.metrics.metric import Metric
from refkeras.metrics.names import MEMBERS as _MEMBERS
from refkeras.metrics.names import deserialize, get, resolve_accuracy, serialize
from refkeras.metrics.probabilistic import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from refkeras.metrics.reduction import Mean, MeanMetricWrapper, Sum
from refkeras.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError
from refkeras.saving.serialization import public_module as _public_module

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "Sum",
    "binary_accuracy",
    "binary_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "resolve_accuracy",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
]

_public_module("keras.metrics", lambda: _MEMBERS)


def __getattr__(name: str) -> Any:
    # tf_keras has the short names of the losses here, Keras 3 has none.
    if name in ("mse", "MSE", "mae", "MAE", "bce", "BCE"):
        return getattr(_losses, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
