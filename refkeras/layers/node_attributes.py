"""What a layer knows of its calls on symbolic tensors: `input`, `output`, and the names Kerases before 3 have beside.

`keras/src/ops/operation.py` (Keras 3.15); `tf_keras/src/engine/base_layer.py` and `node.py`;
`keras/engine/topology.py` (Keras 2.0.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from refkeras import semantics, tree
from refkeras.older import where
from refkeras.symbolic import KerasTensor, Node

__all__ = ["NodeAttributes", "Way", "has_older_names"]


def has_older_names(rules: semantics.Semantics) -> bool:
    """Whether layers have the names of Kerases before 3."""
    return rules.node_attributes != "input and output"


_older, _older_property = where(has_older_names), where(has_older_names, property)


class Way(NamedTuple):
    """A model's way from its inputs to its outputs, which Keras 2.0 counts as a call."""

    input_tensors: list[KerasTensor]
    outputs: list[KerasTensor]
    is_input: bool = False


class NodeAttributes:
    """The part of `Layer` that tells of its calls, the first of which counts where none is named.

    Raises:
        AttributeError: (of a property) it was never called; or (Keras 2.0, and of shapes tf_keras) several times,
            so that there is more than one answer.
        RuntimeError: (of a method) it was never called.
        ValueError: (of a method) there are fewer calls.
    """

    _inbound_nodes: list[Node]
    _outbound_nodes: list[Node]
    name: str

    #: Of a model that is built: see `Way`.
    _way: Way | None = None

    @property
    def _calls(self) -> list[Any]:
        """The layer's calls, and before them, in Keras 2.0, a model's way from its inputs to its outputs."""
        way = self._way if semantics.current().node_attributes == "lists" else None
        return self._inbound_nodes if way is None else [way, *self._inbound_nodes]

    @property
    def input(self) -> Any:
        """The symbolic input of the layer's call, or a list of them."""
        return self._of_only_call("input", _inputs)

    @property
    def output(self) -> Any:
        """The symbolic output of the layer's call, or a list of them."""
        return self._of_only_call("output", _outputs)

    def _of_only_call(self, what: str, of: Callable[[Any], Any]) -> Any:
        calls = self._calls
        if not calls:
            raise AttributeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        if len(calls) > 1 and semantics.current().node_attributes == "lists":
            raise AttributeError(
                f'Layer {self.name} has multiple inbound nodes, hence the notion of "layer {what}" is ill-defined. Use '
                f"`get_{what.replace(' ', '_')}_at(node_index)` instead."
            )
        return _only_or_all(of(calls[0]))

    # -- of Kerases before 3 -------------------------------------------------------

    @_older_property
    def input_shape(self) -> Any:
        """The shape of the layer's inputs, if it is the same in all calls: a tuple, or a list of them."""
        return self._of_all_calls("input shape", _input_shapes)

    @_older_property
    def output_shape(self) -> Any:
        """The shape of the layer's outputs, if it is the same in all calls: a tuple, or a list of them."""
        return self._of_all_calls("output shape", _output_shapes)

    @_older
    def get_input_at(self, node_index: int) -> Any:
        """The symbolic input of a call, counted from 0; a list for several."""
        return self._of_call(node_index, "input", _inputs)

    @_older
    def get_output_at(self, node_index: int) -> Any:
        """The symbolic output of a call, counted from 0; a list for several."""
        return self._of_call(node_index, "output", _outputs)

    @_older
    def get_input_shape_at(self, node_index: int) -> Any:
        """The shape of the input in a call, counted from 0: a tuple, or a list of them."""
        return self._of_call(node_index, "input shape", _input_shapes)

    @_older
    def get_output_shape_at(self, node_index: int) -> Any:
        """The shape of the output in a call, counted from 0: a tuple, or a list of them."""
        return self._of_call(node_index, "output shape", _output_shapes)

    @_older_property
    def inbound_nodes(self) -> list[Node]:
        """The layer's calls."""
        return self._calls

    @_older_property
    def outbound_nodes(self) -> list[Node]:
        """The calls of other layers on what this one returned; one that takes two tensors of it comes twice."""
        taken = {id(node): node for node in self._outbound_nodes}.values()
        return [node for node in taken for t in node.input_tensors if t._keras_history.operation is self]

    def _of_all_calls(self, what: str, of: Callable[[Any], Any]) -> Any:
        calls = self._calls
        if not calls:
            raise AttributeError(f'The layer "{self.name}" has never been called and thus has no defined {what}.')
        found = [of(node) for node in calls]
        if any(other != found[0] for other in found[1:]):
            raise AttributeError(
                f'The layer "{self.name}" has multiple inbound nodes, with different {what}s. Hence the notion of '
                f'"{what}" is ill-defined for the layer. Use `get_{what.replace(" ", "_")}_at(node_index)` instead.'
            )
        lists = semantics.current().node_attributes == "lists"
        return _only_or_all(found[0]) if lists else found[0]

    def _of_call(self, index: int, what: str, of: Callable[[Any], Any]) -> Any:
        calls = self._calls
        if not calls:
            raise RuntimeError(f"The layer {self.name} has never been called and thus has no defined {what}.")
        if index >= len(calls):
            raise ValueError(f"Asked to get {what} at node {index}, but the layer has only {len(calls)} inbound nodes.")
        return _only_or_all(of(calls[index]))


def _inputs(node: Any) -> Any:
    """The inputs of a call: in tf_keras as they were nested, else in a list; before Keras 3, an Input's own output."""
    rule = semantics.current().node_attributes
    if node.is_input and rule != "input and output":
        return node.outputs
    return node.args[0] if rule == "structures" and node.args else node.input_tensors


def _outputs(node: Any) -> Any:
    nested = semantics.current().node_attributes == "structures" and not node.is_input
    return node.output_structure if nested else node.outputs


def _input_shapes(node: Any) -> Any:
    shapes = _shapes(_inputs(node))
    # tf_keras takes the one size of a shape for the only shape of a list (`Node.input_shapes`).
    nested = semantics.current().node_attributes == "structures" and not node.is_input
    return shapes[0] if nested and len(shapes) == 1 else shapes


def _output_shapes(node: Any) -> Any:
    return _shapes(_outputs(node))


def _shapes(tensors: Any) -> Any:
    return tree.map_structure(lambda t: t.shape if isinstance(t, KerasTensor) else None, tensors)


def _only_or_all(values: Any) -> Any:
    return values[0] if isinstance(values, list) and len(values) == 1 else values
