"""`Dropout` (`keras/src/layers/regularization/dropout.py`)."""

from __future__ import annotations

from typing import Any

from refkeras import random, semantics
from refkeras.layers.base import Layer, Pass
from refkeras.ops.shaping import dropout

__all__ = ["Dropout"]


class Dropout(Layer):
    """In training, sets a random share of the inputs to 0 and scales the others by 1 / (1 − rate).

    The values that are kept are those that Keras keeps, for the same seed.

    Args:
        rate: share of values to drop, 0 to 1.
        noise_shape: shape of the mask that is broadcast to the inputs; None where it follows theirs.
        seed: int; drawn from Python's `random` by default.

    Raises:
        ValueError: a rate outside 0 to 1, or a noise_shape that is no shape.

    Source: `keras/src/layers/regularization/dropout.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> layer = refkeras.layers.Dropout(0.4, seed=7)
        >>> (layer(np.ones((3, 5), "float32"), training=True) > 0).astype(int).numpy()
        array([[1, 1, 0, 1, 0],
               [1, 1, 1, 1, 1],
               [1, 1, 1, 1, 0]])
    """

    _packs_numbers = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(
                "Invalid value received for argument `rate`. Expected a float value between 0 and 1. "
                f"Received: rate={rate}"
            )
        self.rate = rate
        self.seed = seed
        self.noise_shape = _checked_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.mask_generator(seed)
        self.supports_masking = True
        self._build_at_once()

    def forward(self, inputs: Any, training: bool = False, *, gradient: str = "all") -> Pass:
        rate = self.rate
        if not training or rate == 0:
            # The very input, logits and all; or in tf_keras a copy of it, which has lost them.
            y = inputs if semantics.current().inactive_dropout_keeps_logits else inputs.view()
            return Pass(y, lambda d_outputs: (d_outputs, []))
        if rate == 1 and semantics.current().dropout_of_all_fails:
            raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
        shape = inputs.shape
        if self.noise_shape is not None:
            shape = tuple(shape[axis] if size is None else size for axis, size in enumerate(self.noise_shape))
        keep = random.keep_mask(shape, rate, self.seed_generator, inputs.dtype)
        factor = random.keep_factor(rate, inputs.dtype, self.seed_generator) if rate < 1 else inputs.dtype.type(0)
        y, pull = dropout(inputs, keep, factor)
        if gradient == "none":
            return Pass(y)
        return Pass(y, lambda d_outputs: ([pull(d_outputs[0])], []))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


def _checked_noise_shape(noise_shape: Any) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    if isinstance(noise_shape, str) or not hasattr(noise_shape, "__iter__"):
        raise ValueError(
            "Invalid value received for argument `noise_shape`. Expected an iterable of integers (e.g., a tuple or "
            f"list). Received: noise_shape={noise_shape}"
        )
    noise_shape = tuple(noise_shape)
    for index, size in enumerate(noise_shape):
        if size is not None and (not isinstance(size, int) or size <= 0):
            raise ValueError(
                "Invalid value received for argument `noise_shape`. Expected all dimensions to be positive integers "
                f"or None. Received at index {index}: {size} (type: {type(size).__name__})"
            )
    return noise_shape
