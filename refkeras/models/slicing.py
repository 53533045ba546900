"""A model that begins in the midst of another: its part of the graph is copied (`keras/src/models/functional.py`)."""

from __future__ import annotations

from typing import Any

from refkeras import semantics, tree
from refkeras.layers.input_layer import Input, InputLayer
from refkeras.models.graph import map_graph
from refkeras.symbolic import KerasTensor, Node

__all__ = ["begins_at_inputs", "sliced"]


def begins_at_inputs(inputs: Any) -> bool:
    """Whether all tensors of a structure are those of an `Input`."""
    return all(_is_input(tensor) for tensor in tree.flatten(inputs))


def sliced(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Return a copy of `inputs` and `outputs`, and of the calls between them, that begins at new Inputs.

    The layers are the same, called once more; an `Input` among the inputs stays.

    Raises:
        ValueError: `outputs` need more than `inputs`.
    """
    clones = semantics.current().sliced_inputs_are_named == "CLONE"
    if clones:
        nodes = map_graph(tree.flatten(inputs), tree.flatten(outputs), with_masks=True).nodes
    else:
        nodes = _nodes_back_to(tree.flatten(inputs), tree.flatten(outputs))
    copies: dict[int, KerasTensor] = {}
    replaced = set()

    def copy_of(item: Any) -> Any:
        if not isinstance(item, KerasTensor):
            return item
        if id(item) not in copies:
            copies[id(item)] = KerasTensor(item.shape, item.dtype, name=f"{item.name}_clone")
        return copies[id(item)]

    def input_for(tensor: KerasTensor) -> KerasTensor:
        if not _is_input(tensor):
            # Keras has no name for it but the tensor's own, which is not a layer's.
            name = f"{tensor.name}CLONE" if clones else None
            copies[id(tensor)] = Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
            replaced.add(tensor._keras_history.operation)
            return copies[id(tensor)]
        return copies.setdefault(id(tensor), tensor)

    new_inputs = tree.map_structure(input_for, inputs)
    for tensor in tree.flatten(outputs):
        if clones and id(tensor) in copies:
            raise ValueError(
                f"Graph disconnected: {tensor} is an input and an output. A model that begins at the output of a layer "
                "cannot return what it is given."
            )
        # Of an input that is an output, too: what the layer before it computes, not what is given in its place.
        copy = KerasTensor(tensor.shape, tensor.dtype, name=f"{tensor.name}_clone")
        copy._keras_history = tensor._keras_history
        copies[id(tensor)] = copy
    new_outputs = tree.map_structure(copy_of, outputs)
    known = copies.keys() | {id(tensor) for node in nodes for tensor in node.outputs}
    for node in nodes:
        if any(id(mask) not in known for mask in node.mask_tensors):
            raise ValueError(
                f"Graph disconnected: the mask that {node.operation.name!r} is given is computed from what lies before "
                "`inputs`, and they alone do not tell it."
            )
        if isinstance(node.operation, InputLayer):
            continue
        if clones and node.operation in replaced:
            raise ValueError(
                f"Graph disconnected: the layer {node.operation.name!r} makes one of the `inputs`, and is called again "
                "between them and the outputs. Keras 3 takes that call for the new Input."
            )
        Node(
            node.operation,
            tree.map_structure(copy_of, node.args),
            tree.map_structure(copy_of, node.kwargs),
            tree.map_structure(copy_of, node.output_structure),
            [copy_of(mask) for mask in node.mask_tensors],
        )
    return new_inputs, new_outputs


def _nodes_back_to(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Node]:
    """The calls that `outputs` need, back to `inputs`: as tf_keras finds them, which wants all inputs to be needed."""
    given = {id(tensor) for tensor in inputs}
    met: set[int] = set()
    nodes: dict[Node, None] = {}
    seen: set[Node] = set()
    waiting = [(_node_of(tensor), False) for tensor in reversed(outputs)]
    while waiting:
        node, parents_are_done = waiting.pop()
        if parents_are_done:
            nodes[node] = None
            continue
        if node in seen:
            continue
        seen.add(node)
        waiting.append((node, True))
        for tensor in node.input_tensors:
            if id(tensor) in given:
                met.add(id(tensor))
            elif _is_input(tensor):
                raise ValueError(
                    "Found input tensor cannot be reached given provided output tensors. Please make sure the tensor "
                    f"{tensor} is included in the model inputs when building functional model."
                )
            else:
                waiting.append((_node_of(tensor), False))
    unmet = [tensor for tensor in inputs if id(tensor) not in met]
    if unmet:
        raise ValueError(f"Found unvisited input tensors that are disconnected from the outputs: {unmet}")
    return list(nodes)


def _node_of(tensor: KerasTensor) -> Node:
    layer, index, _ = tensor._keras_history
    return layer._inbound_nodes[index]


def _is_input(tensor: KerasTensor) -> bool:
    return _node_of(tensor).is_input
