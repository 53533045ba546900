"""The operations that Keras 3 records for masks, beside the layers.

Keras 3 computes masks by operations on symbolic tensors: calling a `Masking`
layer makes the operations `not_equal` and `any` too, and a layer that takes a
mask is connected to them. They take names from the counters that layers use,
appear in summaries and plots, and count for the order of layers in them.
refkeras lets masks travel with the values instead; here the operations are
only noted.
"""

from __future__ import annotations

from typing import Any

from refkeras import naming, tree
from refkeras.models.graph import Graph, map_graph
from refkeras.symbolic import KerasTensor, Node

__all__ = ["MaskOperation", "graph_with_masks", "note_masks"]


class MaskOperation:
    """An operation on masks; subclasses are made by name, as Keras calls them."""

    is_mask_operation = True

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.name = naming.auto_name(naming.to_snake_case(type(self).__name__))
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    @property
    def input(self) -> Any:
        tensors = self._inbound_nodes[0].input_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    @property
    def output(self) -> KerasTensor:
        return self._inbound_nodes[0].outputs[0]

    def record(self) -> dict[str, Any]:
        """Return what Keras 3 writes into a model's configuration."""
        kind = type(self).__name__
        config = {"name": self.name, **self.arguments}
        return {"module": "keras.src.ops.numpy", "class_name": kind, "config": config, "registered_name": kind}


def _operate(kind: str, shape: tuple[int | None, ...], *inputs: Any, **arguments: Any) -> KerasTensor:
    operation = type(kind, (MaskOperation,), {})(**arguments)
    output = KerasTensor(shape, dtype="bool")
    Node(operation, tuple(inputs), {}, output)
    return output


def note_masks(node: Node) -> None:
    """Note which masks a call was given and which its outputs carry, where the engine in force records that."""
    from refkeras import layers
    from refkeras.layers import eager
    from refkeras.models.model import Model

    layer = node.operation
    if isinstance(layer, layers.InputLayer) or not isinstance(layer, layers.Layer):
        return
    first = node.args[0] if node.args else next(iter(node.kwargs.values()), None)
    arriving = tree.map_structure(_mask_of, first)
    given = node.kwargs.get("mask")
    if (
        given is None
        and eager.signature_of(type(layer)).takes_mask
        and eager.single_tensor_argument(node.args, node.kwargs)
    ):
        node.mask_tensors = [mask for mask in tree.flatten(arriving) if mask is not None]
    if layer.supports_masking and not isinstance(layer, Model):
        masks = tree.flatten(_computed(layer, first, arriving if given is None else given))
        for tensor, mask in zip(node.outputs, masks, strict=False):
            tensor._keras_mask = mask


def _mask_of(tensor: Any) -> KerasTensor | None:
    return getattr(tensor, "_keras_mask", None)


def _computed(layer: Any, inputs: Any, masks: Any) -> Any:
    """The masks of the outputs: `layer.compute_mask` on symbolic tensors."""
    from refkeras import layers
    from refkeras.layers.merging import Elementwise

    if isinstance(layer, layers.Masking):
        differs = _operate("NotEqual", inputs.shape, inputs, layer.mask_value)
        return _operate("Any", inputs.shape[:-1], differs, axis=-1, keepdims=False)
    if isinstance(layer, layers.LSTM):
        return tree.flatten(masks)[0] if layer.return_sequences else None
    if isinstance(layer, layers.Concatenate):
        return _concatenated(layer, inputs, masks)
    if isinstance(layer, Elementwise):
        return _either(masks)
    if isinstance(layer, layers.Dot):
        return None
    return masks


def _either(masks: list[Any]) -> KerasTensor | None:
    if any(mask is None for mask in masks):
        return None
    found = masks[0]
    for mask in masks[1:]:
        found = _operate("LogicalOr", _broadcast(found.shape, mask.shape), found, mask)
    return found


def _concatenated(layer: Any, inputs: list[Any], masks: list[Any]) -> KerasTensor | None:
    if all(mask is None for mask in masks):
        return None
    parts = []
    for x, mask in zip(inputs, masks, strict=True):
        if mask is None:
            parts.append(_operate("OnesLike", x.shape, x, dtype="bool"))
        elif mask.ndim < x.ndim:
            wide = _operate("ExpandDims", (*mask.shape, 1), mask, axis=-1)
            zeros = _operate("ZerosLike", x.shape, x, dtype="bool")
            parts.append(_operate("LogicalOr", _broadcast(wide.shape, zeros.shape), wide, zeros))
        else:
            parts.append(mask)
    whole = layer.compute_output_shape([part.shape for part in parts])
    joined = _operate("Concatenate", whole, parts, axis=layer.axis)
    return _operate("Any", whole[:-1], joined, axis=-1, keepdims=False)


def _broadcast(a: tuple[int | None, ...], b: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return tuple(y if x in (1, None) else x for x, y in zip(a, b, strict=True))


def graph_with_masks(model: Any) -> Graph:
    """Return a functional model's graph with the noted operations among its nodes and layers."""
    return map_graph(model._inputs, model._outputs, with_masks=True)
