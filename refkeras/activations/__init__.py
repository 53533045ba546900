"""Activation functions, by name and by value (`keras.activations`)."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from refkeras import naming, semantics
from refkeras.activations.over_axis import glu, log_softmax, softmax, sparsemax
from refkeras.activations.piecewise import (
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from refkeras.activations.rectifiers import celu, elu, leaky_relu, relu, relu6, selu
from refkeras.activations.smooth import (
    exponential,
    gelu,
    linear,
    log_sigmoid,
    mish,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from refkeras.saving import serialization
from refkeras.tensor import unwrap

hard_swish = hard_silu
swish = silu

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "forward_of",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "keeps_logits",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

_KERAS_3 = {
    function.__name__: function
    for function in (
        *(celu, elu, leaky_relu, relu, relu6, selu),
        *(hard_shrink, hard_sigmoid, hard_silu, hard_tanh, soft_shrink, sparse_plus, sparse_sigmoid, threshold),
        *(glu, log_softmax, softmax, sparsemax),
        *(
            exponential,
            gelu,
            linear,
            log_sigmoid,
            mish,
            sigmoid,
            silu,
            softplus,
            softsign,
            squareplus,
            tanh,
            tanh_shrink,
        ),
    )
} | {"swish": silu, "hard_swish": hard_silu}
_TF_KERAS = {
    function.__name__: function
    for function in (
        *(elu, exponential, gelu, hard_sigmoid, leaky_relu, linear, log_softmax, mish, relu, relu6, selu, sigmoid),
        *(softmax, softplus, softsign, tanh),
    )
} | {"silu": silu, "swish": silu}
_KERAS_2_0 = {
    function.__name__: function
    for function in (elu, hard_sigmoid, linear, relu, sigmoid, softmax, softplus, softsign, tanh)
}
_TF_KERAS_LAYERS = ("LeakyReLU", "ReLU", "Softmax")


def _known() -> dict[str, Any]:
    lookup = semantics.current().activation_lookup
    if lookup != "tf_keras":
        return _KERAS_3 if lookup == "keras-3" else _KERAS_2_0
    from refkeras import layers

    return _TF_KERAS | {name: getattr(layers, name) for name in _TF_KERAS_LAYERS}


serialization.public_module("keras.activations", _known)


def serialize(activation: Any) -> Any:
    """Return the name of an activation function, or the record of a function or object of your own.

    Example:

        >>> serialize(relu)
        'relu'
    """
    name = getattr(activation, "__name__", None)
    if name is not None and _KERAS_3.get(name) is activation:
        # tf_keras's silu is a function named swish
        return "swish" if name == "silu" and semantics.current().activation_lookup != "keras-3" else name
    record = serialization.serialize_keras_object(activation)
    if not isinstance(record, dict) or "config" not in record:
        raise ValueError(
            f"Unknown activation function {activation!r} cannot be serialized. Use one of refkeras.activations, or "
            "register your own with @refkeras.saving.register_keras_serializable()."
        )
    return record


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the activation that `serialize` described.

    Raises:
        ValueError: an unknown name.

    Example:

        >>> deserialize("relu").__name__
        'relu'
    """
    found = serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_known())
    return found() if isinstance(found, type) else found


def get(identifier: Any) -> Callable[..., Any]:
    """Return an activation by name, record or value; None is `linear`.

    Raises:
        ValueError: an unknown name, or (Keras 3) something that is no activation.
        TypeError: something that is no activation (tf_keras).

    Example:

        >>> get("relu").__name__, get(None).__name__
        ('relu', 'linear')
    """
    if identifier is None:
        return linear
    lookup = semantics.current().activation_lookup
    if isinstance(identifier, str):
        known = _known()
        if lookup == "keras-3" and identifier not in known:
            raise ValueError(
                f"Could not interpret activation function identifier: {identifier}."
                f"{naming.did_you_mean(identifier, known)} Known are {', '.join(sorted(known))}."
            )
        return known[identifier] if lookup == "keras-3" else deserialize(identifier)
    found = deserialize(identifier) if isinstance(identifier, dict) else identifier
    if callable(found):
        return found
    error = TypeError if lookup == "tf_keras" else ValueError
    raise error(
        f"Could not interpret activation function identifier: {identifier}. Expected a name, a record or a callable."
    )


def forward_of(activation: Any) -> Callable[..., tuple[Any, Callable[[Any], Any]]]:
    """Return what a layer computes an activation with: `x -> (y, pullback)`, on arrays.

    That is the function's attribute `forward`. A layer may serve as activation
    too, if it has no weights. A callable without `forward` gives values only;
    its pullback raises NotImplementedError.

    Example:

        >>> import numpy as np
        >>> y, pullback = forward_of(relu)(np.array([-1.0, 2.0]))
        >>> print(y, pullback(np.array([1.0, 1.0])))
        [0. 2.] [0. 1.]
    """
    from refkeras.layers.base import Layer

    if isinstance(activation, Layer):
        return _forward_of_layer(activation)
    forward = getattr(activation, "forward", None)
    return _forward_of_callable(activation) if forward is None else forward


def keeps_logits(activation: Any) -> bool:
    """Whether losses compute from what went into this activation: softmax and sigmoid.

    Example:

        >>> keeps_logits(softmax), keeps_logits(relu)
        (True, False)
    """
    from refkeras.layers.activation import Activation, Softmax

    if isinstance(activation, Activation):
        activation = activation.activation
    elif isinstance(activation, Softmax):
        return isinstance(activation.axis, int) or activation.axis is None or len(activation.axis) == 1
    return activation is softmax or activation is sigmoid


def _forward_of_layer(layer: Any) -> Callable[[Any], tuple[Any, Callable[[Any], Any]]]:
    def forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        result = layer.forward(x)
        if layer._parameters:
            raise NotImplementedError(
                f"Layer {layer.name!r} has weights, which are not trained when it serves as the activation of another "
                "layer. Put it after that layer instead."
            )
        return result[0], lambda dy: result[1]([dy])[0][0]

    return forward


def _forward_of_callable(activation: Callable[..., Any]) -> Callable[[Any], tuple[Any, Callable[[Any], Any]]]:
    def pullback(dy: Any) -> NoReturn:
        name = activation.__name__ if isinstance(activation, types.FunctionType) else repr(activation)
        raise NotImplementedError(
            f"Activation {name} gives values only, so gradients cannot go through it. To train with it, give it an "
            "attribute `forward`: a function of x that returns (y, pullback), where pullback(dy) returns dx."
        )

    def forward(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y = unwrap(activation(x))[0]
        return (y if isinstance(y, np.ndarray) else np.asarray(y, x.dtype)), pullback

    return forward
