"""`Dense`: the fully connected layer (`keras/src/layers/core/dense.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import activations, constraints, initializers, regularizers, semantics
from refkeras.layers.attributes import ActivationAttribute
from refkeras.layers.base import Layer, Pass
from refkeras.layers.input_spec import InputSpec
from refkeras.ops.dense import dense
from refkeras.variable import Variable

__all__ = ["Dense"]


class Dense(Layer):
    """y = activation(x · kernel + bias), over the last axis of x.

    Args:
        units: size of the last axis of y.
        activation: name or function; None for none.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: initial weights.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Input: (..., F), of rank 2 or more; output: (..., units). Weights: kernel (F, units), bias (units,).

    Raises:
        ValueError: `units` is no positive int, an unknown name, an input of rank 1 or of another F.
        NotImplementedError: `lora_rank`, `lora_alpha` or `quantization_config` is given.

    Source: `keras/src/layers/core/dense.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> layer = refkeras.layers.Dense(2, activation="relu", kernel_initializer="ones")
        >>> layer(np.array([[1.0, 2.0], [-3.0, 1.0]], "float32")).numpy()
        array([[3., 3.],
               [0., 0.]], dtype=float32)
    """

    activation = ActivationAttribute()
    _activation_forward: Any
    _activation_keeps_logits: bool

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        units = _checked_units(units)
        _refuse(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._kernel: Variable | None = None
        self.bias: Variable | None = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                "The last dimension of the inputs to a Dense layer should be defined. Found None. "
                f"Full input shape received: {input_shape}"
            )
        self._kernel = self.add_weight(
            name="kernel",
            shape=(features, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    @property
    def kernel(self) -> Variable:
        """The kernel, (F, units); it is there once the layer is built."""
        if self._kernel is None:
            raise AttributeError("You must build the layer before accessing `kernel`.")
        return self._kernel

    def forward(self, inputs: Any, training: Any = None, *, gradient: str = "all") -> Pass:
        kernel, bias = self._kernel._value, None if self.bias is None else self.bias._value  # type: ignore[union-attr]
        if inputs.dtype != kernel.dtype:
            inputs = inputs.astype(kernel.dtype)
        z, pull_dense = dense(inputs, kernel, bias, gradient == "all")
        if self.activation is activations.linear:
            y, pull_activation, logits = z, None, None
        else:
            logits = z if self._activation_keeps_logits else None
            if logits is not None and type(logits) is np.ndarray:
                logits.setflags(write=False)  # so that a loss may rely on what the activation found
            y, pull_activation = self._activation_forward(z)
        if gradient == "none":
            return Pass(y, None, logits)

        def pullback(d_outputs: list[Any], d_logits: Any = None) -> tuple[list[Any], list[Any]]:
            dz = d_outputs[0]
            if dz is not None and pull_activation is not None:
                dz = pull_activation(dz)
            if d_logits is not None:
                dz = d_logits if dz is None else dz + d_logits
            dx, d_kernel, d_bias = pull_dense(dz)
            return [dx], [d_kernel] if bias is None else [d_kernel, d_bias]

        return Pass(y, pullback, logits)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        config = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
        if semantics.current().layer_config == "keras-3":
            config["quantization_config"] = None
        else:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return {**super().get_config(), **config}


def _checked_units(units: Any) -> int:
    if semantics.current().units_are_converted:
        units = int(units)
        valid = units >= 0
    else:
        valid = isinstance(units, int) and units > 0
    if not valid:
        raise ValueError(f"Received an invalid value for `units`, expected a positive integer. Received: units={units}")
    return units


def _refuse(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(
                f"{name}={value!r} is not supported: refkeras has neither low-rank adaptation nor quantization. "
                "Leave it None."
            )
