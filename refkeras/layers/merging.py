"""Layers that merge several inputs element by element (`keras/src/layers/merging`)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from refkeras import semantics
from refkeras.layers.base import Layer, Pass
from refkeras.ops import merging
from refkeras.ops.reducing import sum_to_shape

__all__ = [
    "Add",
    "Average",
    "Elementwise",
    "Maximum",
    "Merge",
    "Merged",
    "Minimum",
    "Multiply",
    "Shape",
    "Subtract",
    "add",
    "average",
    "checked_masks",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

Shape = tuple[int | None, ...]
Pullback = Callable[[Any], list[Any]]


class Merged(NamedTuple):
    """The output of a merge, how its gradient goes to the inputs, and its mask where that is not `compute_mask`'s."""

    output: Any
    pullback: Pullback
    mask: Any = None


class Merge(Layer):
    """What layers that take a list of inputs share; a subclass says in `_merge` what becomes of them.

    Source: `keras/src/layers/merging/base_merge.py`, Keras 3.15.
    """

    _reads_masks: ClassVar[bool] = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Merged:
        raise NotImplementedError

    def forward(self, inputs: Any, *, masks: Any = None, gradient: str = "all") -> Pass:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"A merge layer should be called on a list of inputs. Received: inputs={inputs} (not a list of tensors)"
            )
        given = [None] * len(inputs) if masks is None else list(masks)
        y, pull, mask = self._merge(_of_one_dtype(inputs), given)
        return Pass(
            y,
            None if gradient == "none" else lambda d_outputs: (pull(d_outputs[0]), []),
            masks=None if mask is None else [mask],
        )


class Elementwise(Merge):
    """Inputs are broadcast to each other after axes of size 1 have been put in behind the batch axis."""

    def build(self, input_shape: Any) -> None:
        if input_shape and not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(
                "A merge layer should be called on a list of inputs. "
                f"Received: input_shape={input_shape} (not a list of shapes)"
            )
        if not input_shape:
            raise ValueError("A merge layer should be called on a list of at least 1 input. Received 0 inputs.")
        if len({shape[0] for shape in input_shape} - {None}) > 1:
            raise ValueError(
                f"Cannot merge tensors with different batch sizes. Received tensors with shapes {input_shape}"
            )
        self._check_count(input_shape, "input_shape")
        _broadcast([shape[1:] for shape in input_shape])
        self._reshape_required = len({len(shape) for shape in input_shape}) > 1

    def _check_count(self, inputs: Any, what: str) -> None:
        """Check how many inputs there are, for a layer that does not take any number."""

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        raise NotImplementedError

    def _merge(self, inputs: list[Any], masks: list[Any]) -> Merged:
        self._check_count(inputs, "inputs")
        if not semantics.current().merges_leave_out_masked:
            masks = [None] * len(inputs)
        if not self._reshape_required:
            return self._apply(inputs, masks)
        shapes = [x.shape for x in inputs]
        rank = max(map(len, shapes))
        # As in Keras, an input that is reshaped loses its mask.
        masks = [mask if x.ndim == rank else None for x, mask in zip(inputs, masks, strict=True)]
        y, pull, mask = self._apply([x.reshape(_lengthened(x.shape, rank)) for x in inputs], masks)
        return Merged(y, lambda dy: [dx.reshape(shape) for dx, shape in zip(pull(dy), shapes, strict=True)], mask)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        batches = {shape[0] for shape in input_shape} - {None}
        return (batches.pop() if len(batches) == 1 else None, *_broadcast([shape[1:] for shape in input_shape]))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = checked_masks(inputs, mask)
        if masks is None or all(m is None for m in masks):
            return None
        if semantics.current().merged_masks == "any":
            return None if any(m is None for m in masks) else functools.reduce(np.logical_or, masks)
        return np.logical_and.reduce([m for m in masks if m is not None])


class Add(Elementwise):
    """The sum of the inputs, broadcast to each other after axes of size 1 have been put in behind the batch axis.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/add.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Add()([np.ones((1, 2), "float32"), np.full((1, 2), 3.0, "float32")]).numpy()
        array([[4., 4.]], dtype=float32)
    """

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        return Merged(*merging.add(inputs))


class Average(Elementwise):
    """The mean of the inputs, broadcast as `Add` does.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/average.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Average()([np.ones((1, 2), "float32"), np.full((1, 2), 3.0, "float32")]).numpy()
        array([[2., 2.]], dtype=float32)
    """

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        return Merged(*merging.average(inputs))


class Subtract(Elementwise):
    """The first of two inputs less the second, broadcast as `Add` does.

    Raises:
        ValueError: no list of two inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/subtract.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Subtract()([np.ones((1, 2), "float32"), np.full((1, 2), 3.0, "float32")]).numpy()
        array([[-2., -2.]], dtype=float32)
    """

    def _check_count(self, inputs: Any, what: str) -> None:
        if len(inputs) != 2:
            raise ValueError(f"A `Subtract` layer should be called on exactly 2 inputs. Received: {what}={inputs}")

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        return Merged(*merging.subtract(*inputs))


class Multiply(Elementwise):
    """The product of the inputs, broadcast as `Add` does.

    In Keras 3 a step that an input masks is 1 in it; where all inputs have masks, a step that none counts is 0.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/multiply.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Multiply()([np.full((1, 2), 2.0, "float32"), np.full((1, 2), 3.0, "float32")]).numpy()
        array([[6., 6.]], dtype=float32)
    """

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        wide = [_spread(mask, x) for mask, x in zip(masks, inputs, strict=True)]
        y, pull = merging.multiply(
            [x if m is None else np.where(m, x, np.ones_like(x)) for m, x in zip(wide, inputs, strict=True)]
        )
        either = None if any(m is None for m in wide) else functools.reduce(np.logical_or, wide)

        def pullback(dy: Any) -> list[Any]:
            d_inputs = pull(dy if either is None else _where(either, dy))
            return [dx if m is None else _where(m, dx) for m, dx in zip(wide, d_inputs, strict=True)]

        if either is None:
            return Merged(y, pullback)
        return Merged(_where(either, y), pullback, either.any(axis=-1))


class _Extreme(Elementwise):
    def _pair(self, a: Any, b: Any, rule: str) -> tuple[Any, Pullback]:
        raise NotImplementedError

    def _apply(self, inputs: list[Any], masks: list[Any]) -> Merged:
        rule = semantics.current().maximum_gradient
        wide = [_spread(mask, x) for mask, x in zip(masks, inputs, strict=True)]
        y, so_far = inputs[0], wide[0]
        steps: list[Pullback] = []
        for x, mask in zip(inputs[1:], wide[1:], strict=True):
            y, step = _with_masked(self._pair, y, so_far, x, mask, rule)
            steps.append(step)
            so_far = None if mask is None or so_far is None else np.logical_or(so_far, mask)

        def pullback(dy: Any) -> list[Any]:
            gradients = []
            for step in reversed(steps):
                dy, dx = step(dy)
                gradients.append(dx)
            return [dy, *reversed(gradients)]

        return Merged(y, pullback, None if so_far is None else so_far.any(axis=-1))


class Maximum(_Extreme):
    """The largest of the inputs, broadcast as `Add` does; NaN where one of them is.

    In Keras 3 a step that an input masks is taken from the other inputs.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/maximum.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Maximum()([np.ones((1, 2), "float32"), np.float32([[0, 3]])]).numpy()
        array([[1., 3.]], dtype=float32)
    """

    def _pair(self, a: Any, b: Any, rule: str) -> tuple[Any, Pullback]:
        return merging.larger(a, b, rule)


class Minimum(_Extreme):
    """The smallest of the inputs, broadcast as `Add` does; NaN where one of them is.

    In Keras 3 a step that an input masks is taken from the other inputs.

    Raises:
        ValueError: no list of inputs, different batch sizes, or sizes that do not broadcast.

    Source: `keras/src/layers/merging/minimum.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> refkeras.layers.Minimum()([np.ones((1, 2), "float32"), np.float32([[0, 3]])]).numpy()
        array([[0., 1.]], dtype=float32)
    """

    def _pair(self, a: Any, b: Any, rule: str) -> tuple[Any, Pullback]:
        return merging.smaller(a, b, rule)


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def _of_one_dtype(inputs: Any) -> list[Any]:
    """The inputs, integers among floats made floats of their dtype."""
    floats = {x.dtype for x in inputs if x.dtype.kind == "f"}
    if not floats or all(x.dtype in floats for x in inputs):
        return list(inputs)
    dtype = np.result_type(*floats)
    return [x if x.dtype.kind == "f" else x.astype(dtype) for x in inputs]


def _spread(mask: Any, x: Any) -> Any:
    """A mask for every number of an input, rather than for every step."""
    return None if mask is None else np.broadcast_to(mask[..., np.newaxis], x.shape)


def _where(mask: Any, x: Any) -> Any:
    return np.where(mask, x, np.zeros_like(x))


def _with_masked(
    pair: Callable[[Any, Any, str], tuple[Any, Pullback]], a: Any, a_mask: Any, b: Any, b_mask: Any, rule: str
) -> tuple[Any, Pullback]:
    """`pair(a, b)`, where one that is masked takes the other's values."""
    b_full = b if b_mask is None else np.where(b_mask, b, a)
    a_full = a if a_mask is None else np.where(a_mask, a, b_full)
    y, pull = pair(a_full, b_full, rule)

    def pullback(dy: Any) -> list[Any]:
        da, db = pull(dy)
        if a_mask is not None:
            db = db + sum_to_shape(_where(~a_mask, da), b_full.shape)
            da = sum_to_shape(_where(a_mask, da), a.shape)
        if b_mask is not None:
            da = da + sum_to_shape(_where(~b_mask, db), a.shape)
            db = sum_to_shape(_where(b_mask, db), b.shape)
        return [da, db]

    return y, pullback


def _lengthened(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (shape[0], *(1,) * (rank - len(shape)), *shape[1:])


def _broadcast(shapes: list[Any]) -> Shape:
    """The shape that shapes (without batch axis) broadcast to; None where a size is unknown."""
    return functools.reduce(_broadcast_two, map(tuple, shapes))


def _broadcast_two(a: Shape, b: Shape) -> Shape:
    if len(a) < len(b):
        a, b = b, a
    found: list[int | None] = []
    for x, y in zip(a, (1,) * (len(a) - len(b)) + b, strict=True):
        if None not in (x, y) and 1 not in (x, y) and x != y:
            raise ValueError(f"Inputs have incompatible shapes. Received shapes {a} and {b}")
        found.append(None if x is None or y is None else y if x == 1 else x)
    return tuple(found)


def checked_masks(inputs: Any, mask: Any) -> list[Any] | None:
    """One mask or None for each input; None if there are none at all.

    Raises:
        ValueError: no list, or one of another length.
    """
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
