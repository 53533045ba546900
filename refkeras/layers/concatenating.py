"""`Concatenate` (`keras/src/layers/merging/concatenate.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics
from refkeras.layers.merging import Merge, Merged, Shape, checked_masks
from refkeras.ops import merging

__all__ = ["Concatenate", "concatenate"]


class Concatenate(Merge):
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

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Merged:
        return Merged(*merging.concatenate(inputs, self.axis))

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
        masks = checked_masks(inputs, mask)
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


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def _without(shape: Any, axis: int) -> list[int | None]:
    axis %= len(shape)
    return [*shape[:axis], *shape[axis + 1 :]]
