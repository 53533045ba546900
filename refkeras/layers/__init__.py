"""Layers (`keras.layers`)."""

from __future__ import annotations

from typing import Any

from refkeras.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from refkeras.layers.base import Layer, Pass
from refkeras.layers.concatenating import Concatenate, concatenate
from refkeras.layers.dense import Dense
from refkeras.layers.dot import Dot, dot
from refkeras.layers.input_layer import Input, InputLayer
from refkeras.layers.input_spec import InputSpec
from refkeras.layers.lstm import LSTM
from refkeras.layers.lstm_cell import LSTMCell
from refkeras.layers.masking import Masking
from refkeras.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from refkeras.layers.regularization import Dropout
from refkeras.layers.reshaping import Flatten, RepeatVector, Reshape
from refkeras.saving import serialization

__all__ = [
    "LSTM",
    "Activation",
    "Add",
    "Average",
    "Concatenate",
    "Dense",
    "Dot",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTMCell",
    "Layer",
    "LeakyReLU",
    "Masking",
    "Maximum",
    "Minimum",
    "Multiply",
    "Pass",
    "ReLU",
    "RepeatVector",
    "Reshape",
    "Softmax",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]


def _classes() -> dict[str, Any]:
    return {name: found for name in __all__ if isinstance(found := globals()[name], type)}


serialization.public_module("keras.layers", _classes)


def serialize(layer: Layer) -> Any:
    """Return the record of a layer.

    Example:

        >>> serialize(Dense(3))["class_name"]
        'Dense'
    """
    return serialization.serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the layer that a record describes.

    Raises:
        ValueError: it describes something else.

    Example:

        >>> deserialize(serialize(Dense(3))).units
        3
    """
    found = serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_classes())
    if not isinstance(found, Layer):
        raise ValueError(
            f"`deserialize` was passed a config object that is not a layer. Received: config={config} "
            f"(of type {type(found)})"
        )
    return found
