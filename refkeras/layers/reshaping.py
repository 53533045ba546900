"""Layers that change shapes: `Flatten`, `Reshape`, `RepeatVector` (`keras/src/layers/reshaping`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import config, semantics
from refkeras.layers.base import Layer, Pass
from refkeras.layers.input_spec import InputSpec
from refkeras.ops import shaping

__all__ = ["Flatten", "RepeatVector", "Reshape"]

Shape = tuple[int | None, ...]


class Flatten(Layer):
    """(batch, ...) to (batch, product of the rest).

    Args:
        data_format: `"channels_last"`, or `"channels_first"`, which moves axis 1 to the end first;
            `config.image_data_format()` by default.

    Raises:
        ValueError: another data_format.

    Source: `keras/src/layers/reshaping/flatten.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Flatten()(np.zeros((10, 3, 4), "float32")).shape
        (10, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        x, pull_axes = inputs, None
        if self.data_format == "channels_first" and x.ndim > 2:
            x, pull_axes = shaping.transpose(x, (0, *range(2, x.ndim), 1))
        y, pull = shaping.reshape(x, (len(x), math.prod(x.shape[1:])))
        if pull_axes is None:
            return _reshaped(y, pull, gradient)
        return _reshaped(y, lambda dy: pull_axes(pull(dy)), gradient)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        batch, *others = input_shape
        return batch, None if None in others else math.prod(others)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class Reshape(Layer):
    """(batch, ...) to (batch, *target_shape).

    Args:
        target_shape: sizes without the batch axis; one of them may be −1, to be worked out.

    Raises:
        ValueError: sizes that do not multiply to those of the input, or more than one −1.

    Source: `keras/src/layers/reshaping/reshape.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Reshape((-1, 2))(np.zeros((10, 12), "float32")).shape
        (10, 6, 2)
    """

    _packs_numbers = True

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = _checked_target(tuple(target_shape))
        self._build_at_once()

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        y, pull = shaping.reshape(inputs, (len(inputs), *self._resolved(inputs.shape[1:])))
        return _reshaped(y, pull, gradient)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if None in input_shape[1:]:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        return (input_shape[0], *self._resolved(tuple(input_shape[1:])))

    def _resolved(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        total = math.prod(sizes)
        known = math.prod(size for size in self.target_shape if size != -1)
        if -1 not in self.target_shape:
            if total != known:
                raise ValueError(
                    "The total size of the tensor must be unchanged. Received: "
                    f"input_shape={sizes}, target_shape={self.target_shape}"
                )
            return self.target_shape
        if known == 0 or total % known != 0:
            raise ValueError(
                "The total size of the tensor must be unchanged, however, the input size cannot by divided by the "
                f"specified dimensions in target_shape. Received: input_shape={sizes}, target_shape={self.target_shape}"
            )
        return tuple(total // known if size == -1 else size for size in self.target_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class RepeatVector(Layer):
    """(batch, features) to (batch, n, features).

    Args:
        n: how often.

    Raises:
        TypeError: n is no int.
        ValueError: n is not positive, or an input of another rank than 2.

    Source: `keras/src/layers/reshaping/repeat_vector.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.RepeatVector(3)(np.zeros((10, 4), "float32")).shape
        (10, 3, 4)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int) or (isinstance(n, bool) and semantics.current().layer_config == "keras-3"):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        if n <= 0:
            raise ValueError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        y, pull = shaping.repeat(inputs, self.n)
        return _reshaped(y, pull, gradient)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return input_shape[0], self.n, input_shape[1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}


def _reshaped(y: Any, pull: Any, gradient: str) -> Pass:
    return Pass(y, None if gradient == "none" else lambda d_outputs: ([pull(d_outputs[0])], []))


def _checked_target(target_shape: Shape) -> tuple[int, ...]:
    for size in target_shape:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < -1:
            raise ValueError(
                "Argument `target_shape` must hold non-negative integers, or -1 once. "
                f"Received: target_shape={target_shape}"
            )
    if target_shape.count(-1) > 1:
        raise ValueError(
            f"There must be at most one unknown dimension (-1) in target_shape. Received: target_shape={target_shape}."
        )
    return target_shape  # type: ignore[return-value]
