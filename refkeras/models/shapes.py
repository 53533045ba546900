"""Input and output shapes of a layer's calls, as tf_keras and Keras 2.0 tell them."""

from __future__ import annotations

from typing import Any

from refkeras import tree

__all__ = ["input_shape", "output_shape"]


def output_shape(layer: Any) -> Any:
    """Return the shape (or structure of shapes) that every call of `layer` gave.

    Raises:
        AttributeError: it was never called, or its calls gave different shapes.

    Example:

        >>> import refkeras
        >>> layer = refkeras.layers.Dense(3)
        >>> _ = layer(refkeras.Input((4,)))
        >>> output_shape(layer), input_shape(layer)
        ((None, 3), (None, 4))
    """
    return _of_all_calls(layer, "output", [_shapes(node.output_structure) for node in layer._inbound_nodes])


def input_shape(layer: Any) -> Any:
    """Return the shape (or list of shapes) that every call of `layer` was given; raises as `output_shape`."""
    return _of_all_calls(layer, "input", [_inputs(node) for node in layer._inbound_nodes])


def _inputs(node: Any) -> Any:
    if node.is_input:
        return _shapes(node.outputs[0])
    if isinstance(node.args[0] if node.args else None, dict):
        return _shapes(node.args[0])
    shapes = [tensor.shape for tensor in node.input_tensors]
    return shapes[0] if len(shapes) == 1 else shapes


def _shapes(structure: Any) -> Any:
    return tree.map_structure(lambda tensor: tensor.shape, structure)


def _of_all_calls(layer: Any, what: str, shapes: list[Any]) -> Any:
    if not shapes:
        raise AttributeError(f"The layer {layer.name!r} has never been called and thus has no defined {what} shape.")
    if any(repr(shape) != repr(shapes[0]) for shape in shapes):
        raise AttributeError(f"The layer {layer.name!r} has multiple inbound nodes with different {what} shapes.")
    # An Input is told as a list of one.
    return [shapes[0]] if type(layer).__name__ == "InputLayer" else shapes[0]
