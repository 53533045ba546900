"""Draws the graph of a `call` that does nothing but call layers, by running it on symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refkeras import tree
from refkeras.layers import calling
from refkeras.models.graph import map_graph
from refkeras.symbolic import KerasTensor, Node
from refkeras.variable import no_assignments

if TYPE_CHECKING:
    from refkeras.layers.base import Layer
    from refkeras.models.program import Program

__all__ = ["TracedCall", "program_of_call", "symbolic_outputs", "tensors_of"]


class TracedCall:
    """A program with the structure that the call returns, and how many of its outputs are not returned."""

    def __init__(self, program: Program, structure: Any, unused: int) -> None:
        self.program, self.structure, self.unused = program, structure, unused

    def as_pass(
        self,
        inputs: list[Any],
        masks: list[Any] | None,
        training: bool | None,
        gradient: str,
        parameters: list[Any],
        on_losses: Callable[[list[Any]], None],
    ) -> Any:
        result = self.program.as_pass(
            inputs,
            training,
            gradient,
            parameters,
            masks=masks,
            structure=self.structure,
            unused=self.unused,
            on_losses=on_losses,
        )
        return result if any(mask is not None for mask in result.masks) else result._replace(masks=None)


# What symbolic tensors raise when a call does something to them that no layer does.
_UNTRACEABLE = (TypeError, ValueError, AttributeError, NotImplementedError)


class _Source:
    """Stands in for the layer that would have made a traced call's inputs."""

    def __init__(self, number: int) -> None:
        self.name = f"traced_input_{number}"
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []


def tensors_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arrays among the arguments, in the order that a graph takes them."""
    return [leaf for leaf in tree.flatten([args, kwargs]) if hasattr(leaf, "shape")]


def program_of_call(
    layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[TracedCall | None, Exception | None]:
    """Return the program of `layer.call` for arguments like these, or why there is none.

    Kept per layer, for each set of ranks, sizes (but for the batch) and plain
    arguments.
    """
    leaves = tree.flatten([args, kwargs])
    key = tuple((leaf.shape[1:], leaf.dtype.name) if hasattr(leaf, "shape") else repr(leaf) for leaf in leaves)
    if key not in layer._programs:
        layer._programs[key] = _trace(layer, args, kwargs)
    return layer._programs[key]


def symbolic_outputs(layer: Layer, shapes: tuple[Any, ...], kwargs: dict[str, Any], scoped: bool = True) -> Any:
    """Return the symbolic outputs of `layer.call` for inputs of these shapes, or None if it cannot be traced.

    Weights that the call makes are named after the layer, if `scoped`.
    """
    from refkeras.layers.eager import map_shapes

    inputs: list[KerasTensor] = []
    args = tuple(map_shapes(lambda s: _input(s, layer.compute_dtype, inputs), shape) for shape in shapes)
    others = tree.map_structure(lambda v: _input(v.shape, v.dtype, inputs) if isinstance(v, KerasTensor) else v, kwargs)
    try:
        with calling.name_scope(layer.name if scoped else None), no_assignments():
            outputs = layer.call(*args, **others)
    except _UNTRACEABLE:
        return None
    return outputs if all(isinstance(tensor, KerasTensor) for tensor in tree.flatten(outputs)) else None


def _input(shape: tuple[int | None, ...], dtype: Any, inputs: list[KerasTensor]) -> KerasTensor:
    tensor = KerasTensor(shape, dtype, name="traced_input")
    Node(_Source(len(inputs)), (), {}, tensor)  # type: ignore[arg-type]
    inputs.append(tensor)
    return tensor


def _trace(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[TracedCall | None, Exception | None]:
    from refkeras.models.program import Program

    inputs: list[KerasTensor] = []

    def symbol(leaf: Any) -> Any:
        return _input((None, *leaf.shape[1:]), leaf.dtype, inputs) if hasattr(leaf, "shape") else leaf

    symbolic_args, symbolic_kwargs = tree.map_structure(symbol, args), tree.map_structure(symbol, kwargs)
    try:
        with calling.name_scope(layer.name), no_assignments():
            outputs = layer.call(*symbolic_args, **symbolic_kwargs)
        flat = tree.flatten(outputs)
        if not all(isinstance(tensor, KerasTensor) for tensor in flat):
            raise TypeError("call() returned something else than outputs of layers.")
        # Keras computes what is not returned, too: its penalties count, and states move on.
        unused = _unused(inputs, flat)
        flat = [*flat, *unused]
        program = Program(inputs, flat, map_graph(inputs, flat), of_a_call=True)
    except _UNTRACEABLE as error:
        return None, error
    return TracedCall(program, tree.map_structure(lambda _: 0, outputs), len(unused)), None


def _unused(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[KerasTensor]:
    """Return the ends of the calls that lead to no output."""
    needed = {id(node) for node in map_graph(inputs, outputs).nodes}
    known = {id(tensor) for tensor in inputs}
    waiting = [tensor._keras_history.operation for tensor in inputs]
    met: dict[int, Node] = {}
    for operation in waiting:
        for node in operation._outbound_nodes:
            if id(node) in met or getattr(node.operation, "is_mask_operation", False):
                continue
            if any(id(tensor) in known for tensor in node.input_tensors):
                met[id(node)] = node
                known.update(id(tensor) for tensor in node.outputs)
                waiting.append(node.operation)
    others = [node for key, node in met.items() if key not in needed]
    taken = {id(tensor) for node in others for tensor in node.input_tensors}
    return [node.outputs[0] for node in others if not any(id(tensor) in taken for tensor in node.outputs)]
