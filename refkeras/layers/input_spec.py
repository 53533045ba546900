"""`InputSpec`: the rank and sizes that a layer accepts (`keras/src/layers/input_spec.py`)."""

from __future__ import annotations

from typing import Any

from refkeras import config, tree

__all__ = ["InputSpec", "check_input_spec"]


class InputSpec:
    """What an input must look like.

    Args:
        dtype: expected dtype name.
        shape: expected shape, None where any size will do.
        ndim, max_ndim, min_ndim: expected rank, or its bounds.
        axes: `{axis: size}` for single axes.
        allow_last_axis_squeeze: accept a last axis of 1 more or less than `shape` has.
        name: expected key of a dict input.
        optional: accept None.

    Raises:
        TypeError: `axes` is no dict of whole numbers.
        ValueError: an unknown dtype, or an axis beyond the highest rank.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: tuple[int | None, ...] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else config.standardize_dtype(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(shape) if shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = _axes(axes, self.ndim or self.max_ndim)
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional

    def __repr__(self) -> str:
        shown = {key: value for key, value in vars(self).items() if value not in (None, False, {})}
        return f"InputSpec({', '.join(f'{key}={value}' for key, value in shown.items())})"

    def get_config(self) -> dict[str, Any]:
        keys = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        return cls(**config)


def _axes(axes: Any, highest: int | None) -> dict[int, int | None]:
    try:
        found = {int(axis): axes[axis] for axis in axes or {}}
    except (ValueError, TypeError) as error:
        raise TypeError(f"Argument `axes` must be a dict with integer keys. Received: axes={axes}") from error
    if found and highest is not None and max(found) > highest - 1:
        raise ValueError(f"Axis {max(found)} is greater than the maximum allowed value: {highest - 1}")
    return found


def check_input_spec(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Check `inputs` (anything with shapes) against a spec or a list of specs.

    Raises:
        ValueError: a wrong number of inputs, a wrong rank or a wrong size, in Keras's words.
    """
    specs = tree.flatten(input_spec)
    tensors = tree.flatten(inputs)
    if isinstance(inputs, dict) and len(specs) > 1 and all(spec.name for spec in specs):
        tensors = [inputs[spec.name] for spec in specs if spec.name in inputs]
    if len(tensors) != len(specs):
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(tensors)} input tensors. '
            f"Inputs received: {inputs}"
        )
    for index, (spec, tensor) in enumerate(zip(specs, tensors, strict=True)):
        if spec is None or (tensor is None and spec.optional):
            continue
        if not hasattr(tensor, "shape"):
            raise ValueError(f"Inputs to a layer should be tensors. Got '{tensor}' (of type {type(tensor)}) as input.")
        problem = _problem(spec, tuple(tensor.shape), tensor)
        if problem:
            raise ValueError(f'Input {index} of layer "{layer_name}" is incompatible with the layer: {problem}')


def _problem(spec: InputSpec, shape: tuple[int | None, ...], tensor: Any) -> str | None:
    ndim = len(shape)
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        return f"expected ndim={spec.ndim}, found ndim={ndim}. Full shape received: {shape}"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"expected max_ndim={spec.max_ndim}, found ndim={ndim}"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. Full shape received: {shape}"
    if spec.dtype is not None and str(tensor.dtype) != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={tensor.dtype}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return f"expected axis {axis} of input shape to have value {size}, but received input with shape {shape}"
    if spec.shape is not None:
        expected, found = spec.shape, shape
        if spec.allow_last_axis_squeeze:
            if found and found[-1] == 1 and len(found) == len(expected) + 1:
                found = found[:-1]
            elif expected and expected[-1] == 1 and len(expected) == len(found) + 1:
                expected = expected[:-1]
        pairs = list(zip(expected, found, strict=False))
        if len(expected) != len(found) or any(e not in (f, None) and f is not None for e, f in pairs):
            return f"expected shape={spec.shape}, found shape={shape}"
    return None
