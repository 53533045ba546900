"""Layers that merge several inputs: `Concatenate`, `Add` (`keras/src/layers/merging`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.layers.base import Layer, Pass
from refkeras.ops import shaping

__all__ = ["Add", "Concatenate", "add", "concatenate"]

Shape = tuple[int | None, ...]


class _Merge(Layer):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge(self, inputs: list[Any]) -> tuple[Any, Any]:
        raise NotImplementedError

    def forward(self, inputs: Any, *, gradient: str = "all") -> Pass:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"A merge layer should be called on a list of inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        y, pull = self._merge(list(inputs))
        return Pass(y, None if gradient == "none" else lambda d_outputs: (pull(d_outputs[0]), []))


class Concatenate(_Merge):
    """The inputs side by side along `axis`.

    Args:
        axis: which axis grows.

    Raises:
        ValueError: no list of inputs, or inputs whose other sizes differ.

    Source: `keras/src/layers/merging/concatenate.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Concatenate()([np.zeros((10, 3), "float32"), np.ones((10, 4), "float32")]).shape
        (10, 7)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 1 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                "A `Concatenate` layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape}"
            )
        ranks = {len(shape) for shape in input_shape}
        others = [_without(shape, self.axis) for shape in input_shape]
        if len(ranks) > 1 or any(
            len({size for size in sizes if size is not None}) > 1 for sizes in zip(*others, strict=True)
        ):
            raise ValueError(
                "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis. "
                f"Received: input_shape={input_shape}"
            )

    def _merge(self, inputs: list[Any]) -> tuple[Any, Any]:
        return shaping.concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if not isinstance(input_shape, (tuple, list)) or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                f"A `Concatenate` layer should be called on a list of inputs. Received: input_shape={input_shape}"
            )
        sizes = [shape[self.axis] for shape in input_shape]
        shape = list(input_shape[0])
        shape[self.axis] = None if None in sizes else sum(sizes)
        return tuple(shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = _checked_masks(inputs, mask)
        if masks is None or all(m is None for m in masks):
            return None
        full = []
        for x, m in zip(inputs, masks, strict=True):
            if m is None:
                m = np.ones(x.shape, bool)
            elif m.ndim < x.ndim:
                m = m[..., np.newaxis]
                if semantics.current().merged_masks == "any":
                    m = np.broadcast_to(m, x.shape)
            full.append(m)
        joined = np.concatenate(full, axis=self.axis)
        return joined.any(axis=-1) if semantics.current().merged_masks == "any" else joined.all(axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


class Add(_Merge):
    """The sum of the inputs, broadcast to each other after axes of size 1 have been put in behind the batch axis.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/base_merge.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Add()([np.ones((1, 2), "float32"), np.full((1, 2), 3.0, "float32")]).numpy()
        array([[4., 4.]], dtype=float32)
    """

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 1 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                "A merge layer should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        if len({shape[0] for shape in input_shape} - {None}) > 1:
            raise ValueError(
                f"Cannot merge tensors with different batch sizes. Received tensors with shapes {input_shape}"
            )
        _broadcast([shape[1:] for shape in input_shape])

    def _merge(self, inputs: list[Any]) -> tuple[Any, Any]:
        shapes = [x.shape for x in inputs]
        rank = max(len(shape) for shape in shapes)
        y, pull = shaping.add([x.reshape(_lengthened(x.shape, rank)) for x in inputs])
        return y, lambda dy: [dx.reshape(shape) for dx, shape in zip(pull(dy), shapes, strict=True)]

    def compute_output_shape(self, input_shape: Any) -> Shape:
        batches = {shape[0] for shape in input_shape} - {None}
        return (batches.pop() if len(batches) == 1 else None, *_broadcast([shape[1:] for shape in input_shape]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = _checked_masks(inputs, mask)
        if masks is None or all(m is None for m in masks):
            return None
        if semantics.current().merged_masks == "any":
            return None if any(m is None for m in masks) else np.logical_or.reduce(masks)
        return np.logical_and.reduce([m for m in masks if m is not None])


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def _without(shape: Any, axis: int) -> list[int | None]:
    axis %= len(shape)
    return [*shape[:axis], *shape[axis + 1 :]]


def _lengthened(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (shape[0], *(1,) * (rank - len(shape)), *shape[1:])


def _broadcast(shapes: list[Any]) -> Shape:
    """The shape that shapes (without batch axis) broadcast to; None where a size is unknown."""
    rank = max(len(shape) for shape in shapes)
    result: list[int | None] = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        known = {size for size in sizes if size not in (None, 1)}
        if len(known) > 1:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {', '.join(map(str, shapes))}")
        result.append(None if None in sizes else known.pop() if known else 1)
    return tuple(result)


def _checked_masks(inputs: Any, mask: Any) -> list[Any] | None:
    if mask is None:
        return None
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, (list, tuple)):
            raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. "
            f"Received: inputs of length {len(inputs)}, and mask of length {len(mask)}"
        )
    return list(mask)
