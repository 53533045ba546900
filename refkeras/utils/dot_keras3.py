"""A model as a graph of boxes, as Keras 3 draws it (`keras/src/utils/model_visualization.py`, 3.15)."""

from __future__ import annotations

import itertools
from typing import Any

from refkeras import tree
from refkeras.models.graph import Graph, taken
from refkeras.models.summary import graph_of

__all__ = ["draw"]


def draw(
    model: Any,
    show_shapes: bool,
    show_dtype: bool,
    show_layer_names: bool,
    rankdir: str,
    expand_nested: bool,
    dpi: int,
    show_layer_activations: bool,
    show_trainable: bool,
    splines: str = "ortho",
    subgraph: bool = False,
) -> Any:
    """Return a `pydot.Dot`, or a `pydot.Cluster` if `subgraph`; see `model_to_dot` for the arguments."""
    import pydot

    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    dot: Any
    if subgraph:
        dot = pydot.Cluster(style="dashed", graph_name=model.name)
        dot.set("label", model.name)
        dot.set("labeljust", "l")
    else:
        dot = pydot.Dot()
        for key, value in {"rankdir": rankdir, "concentrate": True, "dpi": dpi, "splines": splines}.items():
            dot.set(key, value)
        dot.set_node_defaults(shape="record")
    shown: dict[str, Any] = {
        "show_shapes": show_shapes,
        "show_dtype": show_dtype,
        "show_layer_names": show_layer_names,
        "show_layer_activations": show_layer_activations,
        "show_trainable": show_trainable,
    }
    if not isinstance(model, (Functional, Sequential)):
        # What a subclass of Model does in its call is not known: one box.
        dot.add_node(_box(model, **shown))
        return dot
    graph = graph_of(model) if isinstance(model, Functional) else None
    layers = model.layers if graph is None else graph.operations
    for layer in layers:
        if expand_nested and isinstance(layer, (Functional, Sequential)):
            inner = draw(layer, rankdir=rankdir, expand_nested=True, dpi=dpi, subgraph=True, **shown)
            dot.add_subgraph(inner)
        else:
            dot.add_node(_box(layer, **shown))
    if isinstance(model, Sequential) and not expand_nested:
        for source, target in itertools.pairwise(layers):
            _connect(dot, source, target)
        return dot
    # A Sequential has no box for its input; what leads into it is drawn by the model around it.
    for layer in layers[1:] if isinstance(model, Sequential) else layers:
        _connect_inputs(dot, graph, layer, expand_nested)
    return dot


def _connect_inputs(dot: Any, graph: Graph | None, layer: Any, expand_nested: bool) -> None:
    for node in layer._inbound_nodes:
        if graph is not None and node not in graph.nodes:
            continue
        for position, tensor in enumerate(taken(node)):
            source, _, output = tensor._keras_history
            if expand_nested:
                _connect(dot, _last_box(source, output), _first_box(layer, position))
            else:
                _connect(dot, source, layer)


def _last_box(layer: Any, output: int) -> Any:
    """The layer inside nested models that makes output `output`."""
    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    while isinstance(layer, (Functional, Sequential)):
        layer, _, output = layer.outputs[output]._keras_history
    return layer


def _first_box(layer: Any, position: int) -> Any:
    """The layer inside nested models that takes input `position`."""
    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    while isinstance(layer, (Functional, Sequential)):
        if isinstance(layer, Functional):
            layer = layer.inputs[position]._keras_history.operation
        else:
            layer = layer.layers[0]
    return layer


def _connect(dot: Any, source: Any, target: Any) -> None:
    import pydot

    if not dot.get_edge(str(id(source)), str(id(target))):
        edge = pydot.Edge(str(id(source)), str(id(target)))
        edge.set("penwidth", "2")
        dot.add_edge(edge)


def _box(layer: Any, **shown: bool) -> Any:
    import pydot

    node = pydot.Node(str(id(layer)), label=_label(layer, **shown))
    node.set("fontname", "Helvetica")
    node.set("border", "0")
    node.set("margin", "0")
    return node


def _label(
    layer: Any,
    show_shapes: bool,
    show_dtype: bool,
    show_layer_names: bool,
    show_layer_activations: bool,
    show_trainable: bool,
) -> str:
    """A table in graphviz's HTML."""
    kind = type(layer).__name__
    span = max(1, 2 * show_shapes + show_dtype + show_trainable)
    title = f"<b>{layer.name}</b> ({kind})" if show_layer_names else f"<b>{kind}</b>"
    rows = f'<tr><td colspan="{span}" bgcolor="black"><font point-size="16" color="white">{title}</font></td></tr>'
    if show_layer_activations and getattr(layer, "activation", None) is not None:
        rows += (
            f'<tr><td bgcolor="white" colspan="{span}"><font point-size="14">'
            f"Activation: <b>{_activation(layer)}</b></font></td></tr>"
        )
    cells = []
    if show_shapes:
        before, after = _shapes(layer)
        if kind != "InputLayer":
            cells.append(_cell(f"Input shape: <b>{before}</b>"))
        cells.append(_cell(f"Output shape: <b>{after}</b>"))
    if show_dtype:
        cells.append(_cell(f"Output dtype: <b>{_attribute(layer, 'output', 'dtype') or '?'}</b>"))
    if show_trainable and getattr(layer, "weights", None):
        word, color = ("Trainable", "forestgreen") if layer.trainable else ("Non-trainable", "firebrick")
        cells.append(f'<td bgcolor="{color}"><font point-size="14" color="white"><b>{word}</b></font></td>')
    if cells:
        rows += f"<tr>{''.join(cells)}</tr>"
    return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{rows}</table>>'


def _cell(text: str) -> str:
    return f'<td bgcolor="white"><font point-size="14">{text}</font></td>'


def _activation(layer: Any) -> str:
    activation = layer.activation
    return getattr(activation, "name", None) or getattr(activation, "__name__", None) or str(activation)


def _attribute(layer: Any, side: str, what: str) -> Any:
    """`shape` or `dtype` of all tensors of a side, in their structure; None if they are not known."""
    try:
        tensors = getattr(layer, side)
        if side == "input" and not hasattr(layer, "layers"):
            tensors = taken(layer._inbound_nodes[0]) or tensors
            tensors = tensors[0] if isinstance(tensors, list) and len(tensors) == 1 else tensors
        return tree.map_structure(lambda tensor: getattr(tensor, what), tensors)
    except (ValueError, AttributeError):
        return None


def _shapes(layer: Any) -> tuple[str, str]:
    """Input and output shapes, as far as they are known; without an input shape there is no output shape."""
    inputs = _attribute(layer, "input", "shape")
    outputs = None if inputs is None else _attribute(layer, "output", "shape")
    return _written(inputs), _written(outputs)


def _written(shape: Any) -> str:
    if shape is None:
        return "?"
    if isinstance(shape, dict):
        shape = ", ".join(f"{key}: {value}" for key, value in shape.items())
    return f"{shape}".replace("}", "").replace("{", "")
