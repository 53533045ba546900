"""Layers that apply an activation: `Activation`, `Softmax`, `ReLU`, `LeakyReLU`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import activations, config, semantics
from refkeras.layers.attributes import ActivationAttribute
from refkeras.layers.base import Layer, Pass
from refkeras.ops import rectifiers, shaping
from refkeras.ops.softmax import softmax

__all__ = ["Activation", "LeakyReLU", "ReLU", "Softmax"]


class _Elementwise(Layer):
    """A layer whose output has the shape of its input, and which passes masks on."""

    _packs_numbers = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_once()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def _pass(y: Any, pull: Callable[[Any], Any], logits: Any, gradient: str) -> Pass:
    if gradient == "none":
        return Pass(y, None, logits)

    def pullback(d_outputs: list[Any], d_logits: Any = None) -> tuple[list[Any], list[Any]]:
        dx = d_outputs[0]
        if dx is not None:
            dx = pull(dx)
        if d_logits is not None:
            dx = d_logits if dx is None else dx + d_logits
        return [dx], []

    return Pass(y, pullback, logits)


class Activation(_Elementwise):
    """y = activation(x).

    Args:
        activation: name or function.

    Source: `keras/src/layers/activations/activation.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Activation("relu")(np.array([[-1.0, 2.0]], "float32")).numpy()
        array([[0., 2.]], dtype=float32)
    """

    activation = ActivationAttribute()
    _activation_forward: Any
    _activation_keeps_logits: bool

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activation

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        y, pull = self._activation_forward(inputs)
        return _pass(y, pull, inputs if self._activation_keeps_logits else None, gradient)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Softmax(_Elementwise):
    """y = softmax(x) along `axis`; where `mask` is False, x counts as −10⁹ and y is 0.

    Args:
        axis: one axis, or several, over which the values sum to 1.

    Raises:
        ValueError: a mask that does not broadcast to the inputs.

    Source: `keras/src/layers/activations/softmax.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> x, mask = np.zeros((1, 3), "float32"), np.array([[True, True, False]])
        >>> refkeras.layers.Softmax()(x, mask=mask).numpy()
        array([[0.5, 0.5, 0. ]], dtype=float32)
    """

    _packs_numbers = False

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def forward(self, inputs: Any, mask: Any = None, *, gradient: str = "all") -> Pass:
        if mask is None:
            return self._unmasked(inputs, gradient)
        keep = _checked_mask(mask, inputs)
        if semantics.current().softmax_mask == "add":
            return self._unmasked(inputs + np.where(keep, 0, _MASKED).astype(inputs.dtype), gradient)
        y, pull = self._softmax(np.where(keep, inputs, _MASKED))
        y, pull_zeros = shaping.keep_where(y, keep)
        return _pass(y, lambda dy: np.where(keep, pull(pull_zeros(dy)), 0), None, gradient)

    def _unmasked(self, x: Any, gradient: str) -> Pass:
        y, pull = self._softmax(x)
        return _pass(y, pull, x if activations.keeps_logits(self) else None, gradient)

    def _softmax(self, x: Any) -> Any:
        axis = self.axis
        if isinstance(axis, (tuple, list)):
            if len(axis) > 1:
                return softmax(x, tuple(axis))
            axis = axis[0]
        return activations.forward_of(activations.softmax)(x, axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


_MASKED = -1e9


def _checked_mask(mask: Any, inputs: Any) -> Any:
    if mask.ndim > inputs.ndim:
        raise ValueError(
            "The `mask` must be broadcastable to `inputs` and must not have more dimensions. "
            f"Received: inputs.shape={inputs.shape}, mask.shape={mask.shape}"
        )
    if any(m not in (1, n) for m, n in zip(mask.shape[::-1], inputs.shape[::-1], strict=False)):
        raise ValueError(
            "The `mask` must be broadcastable to `inputs`. Each mask dimension must be 1 or match the corresponding "
            f"input dimension. Received: inputs.shape={inputs.shape}, mask.shape={mask.shape}"
        )
    return mask if mask.dtype == bool else mask > 0.5


class ReLU(_Elementwise):
    """y = x where x > threshold, but at most max_value; else negative_slope · (x − threshold).

    Args:
        max_value: largest output; None for no limit.
        negative_slope: slope below the threshold.
        threshold: where the slope changes.

    Raises:
        ValueError: a negative argument.

    Source: `keras/src/layers/activations/relu.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.ReLU(max_value=1.0)(np.array([[-2.0, 0.5, 3.0]], "float32")).numpy()
        array([[0. , 0.5, 1. ]], dtype=float32)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0.0:
            raise ValueError(f"max_value of a ReLU layer cannot be a negative value. Received: max_value={max_value}")
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0.0:
                raise ValueError(f"{name} of a ReLU layer cannot be None or a negative value. Received: {name}={value}")
        self.max_value = None if max_value is None else _constant(max_value)
        self.negative_slope = _constant(negative_slope)
        self.threshold = _constant(threshold)

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        forward = activations.forward_of(activations.relu)
        y, pull = forward(inputs, self.negative_slope, self.max_value, self.threshold)
        return _pass(y, pull, None, gradient)

    def get_config(self) -> dict[str, Any]:
        own = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **own}


class LeakyReLU(_Elementwise):
    """y = x where x > 0, else negative_slope · x.

    Args:
        negative_slope: tf_keras calls it `alpha`, and Keras 3 still takes it by that name, with a warning.

    Raises:
        ValueError: a negative slope, or None.

    Source: `keras/src/layers/activations/leaky_relu.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.LeakyReLU(0.5)(np.array([[-2.0, 3.0]], "float32")).numpy()
        array([[-1.,  3.]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        modern = semantics.current().layer_config == "keras-3"
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            if modern:
                warnings.warn("Argument `alpha` is deprecated. Use `negative_slope` instead.", stacklevel=2)
        super().__init__(**kwargs)
        if negative_slope is None or (modern and negative_slope < 0):
            raise ValueError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. Expected a float. "
                f"Received: negative_slope={negative_slope}"
            )
        self.negative_slope = _constant(negative_slope)

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        if self.negative_slope == 0 and semantics.current().leaky_relu_of_slope_0 == "relu":
            y, pull = rectifiers.relu(inputs)
        else:
            y, pull = activations.forward_of(activations.leaky_relu)(inputs, self.negative_slope)
        return _pass(y, pull, None, gradient)

    def get_config(self) -> dict[str, Any]:
        if semantics.current().layer_config == "keras-3":
            return {**super().get_config(), "negative_slope": self.negative_slope}
        return {**super().get_config(), "alpha": float(self.negative_slope)}


def _constant(value: float) -> Any:
    """A constant as the engine's layer keeps it: as given, or cast to `floatx` (an array of rank 0)."""
    if semantics.current().layer_config == "keras-3":
        return value
    return np.asarray(value, config.floatx())
