"""The graph between symbolic inputs and outputs: which nodes, in which order (`keras/src/ops/function.py`)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from refkeras.symbolic import KerasTensor, Node

__all__ = ["Graph", "map_graph", "operations_without_masks", "taken"]


class Graph(NamedTuple):
    """Nodes and layers from inputs to outputs.

    `nodes` is in the order of execution; `nodes_by_depth` maps a node's
    distance from the outputs to the nodes at that distance.
    """

    nodes: list[Node]
    nodes_by_depth: dict[int, list[Node]]
    operations: list[Any]


def map_graph(inputs: list[KerasTensor], outputs: list[KerasTensor], with_masks: bool = False) -> Graph:
    """Sort the calls between `inputs` and `outputs`.

    Layers come in decreasing distance from the outputs, and within a distance
    in the order in which a depth-first walk from the outputs meets them, which
    is the order of `model.layers` and so of the weights. The operations that
    Keras 3 records for masks count for the distance; they are part of the
    result `with_masks`.

    Raises:
        ValueError: an output does not depend on the inputs alone, the graph has a cycle, or two layers share a name.
    """
    plain = _sort(inputs, outputs, False)
    _check_connected(inputs, plain.nodes)
    _check_names(plain.operations)
    if not any(node.mask_tensors for node in plain.nodes):
        return plain
    whole = _sort(inputs, outputs, True)
    layers = set(plain.operations)
    if any(layer not in layers and not _is_mask(layer) for layer in whole.operations):
        return plain  # a mask comes from beyond the inputs
    return whole if with_masks else _without_masks(whole)


def operations_without_masks(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Any]:
    """Return the layers in the order that they would have if no operations were recorded for masks."""
    return _sort(inputs, outputs, False).operations


def _is_mask(operation: Any) -> bool:
    return getattr(operation, "is_mask_operation", False)


def _without_masks(graph: Graph) -> Graph:
    levels = {
        depth: kept
        for depth, nodes in graph.nodes_by_depth.items()
        if (kept := [node for node in nodes if not _is_mask(node.operation)])
    }
    nodes = [node for node in graph.nodes if not _is_mask(node.operation)]
    return Graph(nodes, levels, [layer for layer in graph.operations if not _is_mask(layer)])


def _sort(inputs: list[KerasTensor], outputs: list[KerasTensor], with_masks: bool) -> Graph:
    ordered, first_seen = _walk(inputs, outputs, with_masks)
    node_depth: dict[Node, int] = {}
    layer_depth: dict[Any, int] = {}
    in_graph = set(ordered)
    for node in reversed(ordered):
        # A shared layer sits at the largest depth of its calls.
        depth = max(node_depth.get(node, 0), layer_depth.get(node.operation, 0))
        node_depth[node] = layer_depth[node.operation] = depth
        for parent in _parents(node, with_masks):
            if parent in in_graph:
                node_depth[parent] = max(depth + 1, node_depth.get(parent, 0))
    for tensor in inputs:
        layer, index, _ = tensor._keras_history
        if layer not in layer_depth and layer._inbound_nodes[index].is_input:
            # An input that no output needs still belongs to the model.
            layer_depth[layer], first_seen[layer] = 0, -1
            node_depth[layer._inbound_nodes[index]] = 0
    nodes_by_depth: dict[int, list[Node]] = defaultdict(list)
    for node, depth in node_depth.items():
        nodes_by_depth[depth].append(node)
    operations = sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_seen[layer]))
    nodes = [node for depth in sorted(nodes_by_depth, reverse=True) for node in nodes_by_depth[depth]]
    return Graph(nodes, dict(nodes_by_depth), operations)


def taken(node: Node, with_masks: bool = True) -> list[KerasTensor]:
    """Return the tensors that a call takes, masks included."""
    return node.input_tensors + node.mask_tensors if with_masks else node.input_tensors


def _parents(node: Node, with_masks: bool) -> list[Node]:
    histories = [tensor._keras_history for tensor in taken(node, with_masks)]
    return [history.operation._inbound_nodes[history.node_index] for history in histories]


def _walk(inputs: list[KerasTensor], outputs: list[KerasTensor], with_masks: bool) -> tuple[list[Node], dict[Any, int]]:
    """Return the nodes in topological order, and when the walk first met each layer."""
    finished: dict[Node, None] = {}
    ordered: list[Node] = []
    in_progress: set[Node] = set()
    first_seen: dict[Any, int] = {}
    for output in outputs:
        # An explicit stack: graphs may be deeper than Python recurses.
        stack: list[tuple[KerasTensor, Any]] = [(output, None)]
        while stack:
            tensor, rest = stack.pop()
            layer, index, _ = tensor._keras_history
            node = layer._inbound_nodes[index]
            if rest is None:
                if node in finished:
                    continue
                if not node.is_input and any(tensor is given for given in inputs):
                    finished[node] = None
                    continue
                if node in in_progress:
                    raise ValueError(f"Tensor {tensor} from operation '{layer.name}' is part of a cycle.")
                first_seen.setdefault(layer, len(first_seen))
                in_progress.add(node)
                rest = iter(taken(node, with_masks))
            following = next(rest, None)
            if following is not None:
                stack.append((tensor, rest))
                stack.append((following, None))
            else:
                in_progress.discard(node)
                finished[node] = None
                ordered.append(node)
    return ordered, first_seen


def _check_connected(inputs: list[KerasTensor], nodes: list[Node]) -> None:
    known = {id(tensor) for tensor in inputs}
    reached: list[str] = []
    for node in nodes:
        for tensor in node.input_tensors:
            if id(tensor) not in known:
                raise ValueError(
                    f"Graph disconnected: cannot find parent for tensor {tensor} at operation "
                    f"'{node.operation.name}'. The following previous operations were accessed without issue: {reached}"
                )
        if node.is_input and id(node.outputs[0]) not in known:
            raise ValueError(
                f"Graph disconnected: the input {node.operation.name!r} is needed to compute the outputs, and is not "
                f"among the inputs given. The following previous operations were accessed without issue: {reached}"
            )
        reached.append(node.operation.name)
        known.update(id(tensor) for tensor in node.outputs)


def _check_names(operations: list[Any]) -> None:
    names = [operation.name for operation in operations]
    for name in names:
        if names.count(name) != 1:
            raise ValueError(
                f'The name "{name}" is used {names.count(name)} times in the model. All operation names should be '
                "unique."
            )
