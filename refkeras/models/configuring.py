"""Writes a functional model's graph as configuration (`keras/src/models/functional.py`)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from refkeras import semantics, tree
from refkeras.layers.eager import signature_of
from refkeras.models.mask_operations import MaskOperation, graph_with_masks
from refkeras.saving.serialization import serialize_keras_object
from refkeras.symbolic import KerasTensor, Node

if TYPE_CHECKING:
    from refkeras.layers.base import Layer
    from refkeras.models.functional import Functional

__all__ = ["first_node", "functional_config"]


def functional_config(model: Functional) -> dict[str, Any]:
    """Return `{name, trainable, layers, input_layers, output_layers}`."""
    old_format = not semantics.current().dtype_policy_in_config
    # Calls outside the model are left out, so those inside are numbered anew.
    graph = graph_with_masks(model)
    nodes = {id(node) for node in graph.nodes}
    number: dict[int, int] = {}
    for layer in graph.operations:
        kept = first_node(layer, old_format)
        for node in layer._inbound_nodes:
            if id(node) in nodes:
                number[id(node)] = kept
                kept += 1

    def reference(tensor: KerasTensor) -> list[Any]:
        layer, index, position = tensor._keras_history
        return [layer.name, number[id(layer._inbound_nodes[index])], position]

    layers = []
    for layer in graph.operations:
        record = layer.record() if isinstance(layer, MaskOperation) else serialize_keras_object(layer)
        record["name"] = layer.name
        calls = [node for node in layer._inbound_nodes if id(node) in nodes and not node.is_input]
        record["inbound_nodes"] = [_node_config(node, nodes, reference) for node in calls]
        layers.append(record)
    inputs = tree.map_structure(reference, model._inputs_struct)
    outputs = tree.map_structure(reference, model._outputs_struct)
    if old_format:
        inputs, outputs = (
            [found] if isinstance(struct, KerasTensor) else found
            for found, struct in ((inputs, model._inputs_struct), (outputs, model._outputs_struct))
        )
    config = {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": inputs,
        "output_layers": outputs,
    }
    return copy.deepcopy(config)


def first_node(layer: Layer, old_format: bool) -> int:
    """Return the number of a layer's first call in a recorded graph.

    In Keras a functional model starts with a call of its own that links its
    input to its output. In tf_keras (`old_format`) a Sequential is one too,
    if its Input is known.
    """
    from refkeras.layers.input_layer import InputLayer
    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    if old_format and isinstance(layer, Sequential):
        return int(bool(layer._stack) and isinstance(layer._stack[0], InputLayer))
    return int(isinstance(layer, Functional))


def _node_config(node: Node, own: set[int], reference: Any) -> Any:
    if not semantics.current().dtype_policy_in_config:
        return _old_node_config(node, reference)

    def leaf(item: Any) -> Any:
        if not isinstance(item, KerasTensor):
            return item
        layer, index, position = item._keras_history
        outside = sum(id(earlier) not in own for earlier in layer._inbound_nodes[:index])
        history = [layer.name, index - outside, position]
        inner = {"shape": item.shape, "dtype": item.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": inner}

    kwargs = node.kwargs
    if not isinstance(node.operation, MaskOperation):
        kwargs = kwargs or _filled_in(node)
        mask = node.mask_tensors[0] if node.mask_tensors else None
        if mask is not None and id(_made_by(mask)) in own:
            kwargs = {**kwargs, "mask": mask}
    return {
        "args": [tree.map_structure(leaf, arg) for arg in node.args],
        "kwargs": {key: tree.map_structure(leaf, value) for key, value in kwargs.items()},
    }


def _made_by(tensor: KerasTensor) -> Node:
    return tensor._keras_history.operation._inbound_nodes[tensor._keras_history.node_index]


def _filled_in(node: Node) -> dict[str, Any]:
    """Return what Keras adds to a call on one tensor alone of its dtype: `mask`, and `training` if it has a default."""
    first = node.args[0] if len(node.args) == 1 else None
    if not isinstance(first, KerasTensor) or first.dtype != node.operation.dtype_policy.compute_dtype:
        return {}
    signature = signature_of(type(node.operation))
    added: dict[str, Any] = {}
    if signature.takes_training and isinstance(signature.signature.parameters["training"].default, bool):
        added["training"] = False
    if signature.takes_mask:
        added["mask"] = None
    return added


def _old_node_config(node: Node, reference: Any) -> Any:
    """Return tf_keras's `[[name, call, output, keywords], ...]`: the keywords stand beside each tensor."""
    names = [name for name in signature_of(type(node.operation)).signature.parameters if name != "self"]
    kwargs = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    first = kwargs.pop(next(iter(kwargs)))
    states = kwargs.pop("initial_state", None)
    if states is not None:
        # An RNN layer's states become inputs like its first.
        first = [first, *states]

    def keyword(value: Any) -> Any:
        return reference(value) if isinstance(value, KerasTensor) else value

    keywords = {key: tree.map_structure(keyword, value) for key, value in kwargs.items()}
    found = tree.map_structure(lambda tensor: [*reference(tensor), keywords], first)
    return [found] if isinstance(first, KerasTensor) else found
