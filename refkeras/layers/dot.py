"""`Dot` (`keras/src/layers/merging/dot.py`)."""

from __future__ import annotations

from typing import Any

from refkeras import config, semantics
from refkeras.layers.merging import Merge, Merged, Shape
from refkeras.ops import merging
from refkeras.ops.normalizing import L2_EPSILON, unit_vectors

__all__ = ["Dot", "dot"]


class Dot(Merge):
    """The products of two inputs' numbers, added up along one axis of each, sample by sample.

    The other axes of the first input come before those of the second; the output has no mask.

    Args:
        axes: the axis, or one for each input; not 0, the batch axis.
        normalize: whether vectors along these axes are divided by their lengths first, for their cosines.

    Input: two arrays of rank 2 or more; output: (batch, other axes), or (batch, 1) if there are none.

    Raises:
        TypeError: `axes` is neither a number nor a list.
        ValueError: other than two axes, or inputs; sizes along the axes that differ; axis 0.

    Source: `keras/src/layers/merging/dot.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> a, b = np.float32([[1, 2]]), np.float32([[[3, 4], [5, 6]]])
        >>> refkeras.layers.Dot(axes=(1, 2))([a, b]).numpy()
        array([[11., 17.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(
                    f"Invalid type for argument `axes`: it should be a list or an int. Received: axes={axes}"
                )
            if len(axes) != 2:
                raise ValueError(
                    f"Invalid format for argument `axes`: it should contain two elements. Received: axes={axes}"
                )
            if not all(isinstance(axis, int) for axis in axes):
                raise ValueError(
                    f"Invalid format for argument `axes`: list elements should be integers. Received: axes={axes}"
                )
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, shapes: Any) -> list[int]:
        """The axis of each input, as it was given; a number for both counts from each one's end if it is negative."""
        if not isinstance(self.axes, int):
            return list(self.axes)
        return [self.axes % len(shape) if self.axes < 0 else self.axes for shape in shapes]

    def build(self, input_shape: Any) -> None:
        self._check_shapes(input_shape)
        axes = self._axes_of(input_shape)
        sizes = [shape[axis] for shape, axis in zip(input_shape, axes, strict=True)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"Incompatible input shapes: axis values {sizes[0]} (at axis {axes[0]}) != {sizes[1]} (at axis "
                f"{axes[1]}). Full input shapes: {input_shape[0]}, {input_shape[1]}"
            )

    def _check_shapes(self, input_shape: Any) -> None:
        if len(input_shape) != 2 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Merged:
        if len(inputs) != 2:
            raise ValueError(f"A `Dot` layer should be called on exactly 2 inputs. Received: inputs={inputs}")
        shapes = [x.shape for x in inputs]
        axes = [
            axis % len(shape) if axis < 0 else axis for axis, shape in zip(self._axes_of(shapes), shapes, strict=True)
        ]
        _check(shapes, axes)
        if not self.normalize:
            return Merged(*merging.batch_dot(inputs[0], inputs[1], (axes[0], axes[1])))
        rules = semantics.current()
        squares = rules.cosine_similarity in ("tf_keras", "keras-2.0")
        epsilon = L2_EPSILON if squares else 0.0 if rules.cosine_similarity == "arrays" else config.epsilon()
        units, pulls = zip(
            *(
                unit_vectors(
                    x,
                    axis=axis,
                    epsilon=epsilon,
                    squares=squares,
                    rule=rules.maximum_gradient,
                    nan_at_0=rules.cosine_gradient_of_zero == "nan",
                )
                for x, axis in zip(inputs, axes, strict=True)
            ),
            strict=True,
        )
        y, pull = merging.batch_dot(units[0], units[1], (axes[0], axes[1]))
        return Merged(y, lambda dy: [to_x(dx) for to_x, dx in zip(pulls, pull(dy), strict=True)])

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if not isinstance(input_shape, (tuple, list)):
            raise ValueError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: input_shape={input_shape}"
            )
        self._check_shapes(input_shape)
        first, second = (list(shape) for shape in input_shape)
        axes = self._axes_of(input_shape)
        del first[axes[0]], second[axes[1]]
        shape = (*first, *second[1:])
        return shape if len(shape) > 1 else (*shape, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)


def _check(shapes: list[Any], axes: list[int]) -> None:
    if min(map(len, shapes)) < 2:
        raise ValueError(
            f"Cannot do batch_dot on inputs with rank < 2. Received inputs with shapes {shapes[0]} and {shapes[1]}."
        )
    if shapes[0][0] != shapes[1][0]:
        raise ValueError(
            "Cannot do batch_dot on inputs with different batch sizes. Received inputs with shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    if 0 in axes:
        raise ValueError(
            "Cannot perform batch_dot over axis 0. If your inputs are not batched, add a dummy batch dimension to your "
            "inputs using np.expand_dims(x, 0)"
        )
    sizes = [shape[axis] for shape, axis in zip(shapes, axes, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"Cannot do batch_dot on inputs with shapes {shapes[0]} and {shapes[1]} with axes={axes}. "
            f"x.shape[{axes[0]}] != y.shape[{axes[1]}] ({sizes[0]} != {sizes[1]})."
        )
