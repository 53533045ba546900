"""`Masking` (`keras/src/layers/core/masking.py`)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.layers.base import Layer, Pass
from refkeras.ops import shaping
from refkeras.saving.serialization import deserialize_keras_object

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the steps all of whose values are `mask_value`, and sets those values to 0.

    The mask travels with the output: layers after it skip the steps, and losses
    and metrics leave them out. −0.0 equals 0; NaN equals nothing.

    Args:
        mask_value: a number, or an array that broadcasts to a step.

    Input and output: (..., features); mask: (...).

    Source: `keras/src/layers/core/masking.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> layer = refkeras.layers.Masking(mask_value=-1.0)
        >>> x = np.array([[[1.0, -1.0], [-1.0, -1.0]]], "float32")
        >>> layer(x).numpy().tolist(), layer.compute_mask(x).tolist()
        ([[[1.0, -1.0], [0.0, 0.0]]], [[True, False]])
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config"):
            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_once()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return (inputs != self.mask_value).any(axis=-1)

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        mask = self.compute_mask(inputs)
        if semantics.current().masking == "select":
            y, pull = shaping.keep_where(inputs, mask[..., None])
        else:
            y, pull = shaping.scale(inputs, mask[..., None].astype(inputs.dtype))
        if gradient == "none":
            return Pass(y, masks=[mask])
        return Pass(y, lambda d_outputs: ([pull(d_outputs[0])], []), masks=[mask])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
