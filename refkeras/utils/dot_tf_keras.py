"""A model as a graph of boxes, as tf_keras 2.21 and Keras 2.0.4 draw it (their `utils/vis_utils.py`)."""

from __future__ import annotations

from typing import Any

from refkeras.models.layer_range import bounds
from refkeras.models.shapes import input_shape, output_shape

__all__ = ["draw", "draw_keras_2_0"]


def draw(
    model: Any,
    show_shapes: bool,
    show_dtype: bool,
    show_layer_names: bool,
    rankdir: str,
    expand_nested: bool,
    dpi: int,
    layer_range: Any,
    show_layer_activations: bool,
    show_trainable: bool,
    subgraph: bool = False,
) -> Any:
    """Return a `pydot.Dot`, or a `pydot.Cluster` if `subgraph`; see `model_to_dot` for the arguments."""
    import pydot

    dot: Any
    if subgraph:
        dot = pydot.Cluster(style="dashed", graph_name=model.name)
        dot.set("label", model.name)
        dot.set("labeljust", "l")
    else:
        dot = pydot.Dot()
        for key, value in {"rankdir": rankdir, "concentrate": True, "dpi": dpi}.items():
            dot.set(key, value)
        dot.set_node_defaults(shape="record")
    graph = _graph(model)
    first, last = bounds(model.layers, layer_range)
    if graph is None:
        dot.add_node(pydot.Node(str(id(model)), label=model.name))
        return dot
    shown = {
        "show_shapes": show_shapes,
        "show_dtype": show_dtype,
        "show_layer_names": show_layer_names,
        "show_layer_activations": show_layer_activations,
        "show_trainable": show_trainable,
    }
    ends: dict[str, tuple[str, str]] = {}
    layers = graph.layers
    for index, layer in enumerate(layers):
        if layer_range and not first <= index < last:
            continue
        if expand_nested and _graph(layer) is not None:
            inner = draw(layer, rankdir=rankdir, expand_nested=True, dpi=96, layer_range=None, subgraph=True, **shown)
            boxes = inner.get_nodes()
            ends[layer.name] = boxes[0].get_name(), boxes[-1].get_name()
            dot.add_subgraph(inner)
        else:
            dot.add_node(pydot.Node(str(id(layer)), label=_label(layer, **shown)))
    for index, layer in enumerate(layers):
        if layer_range and not first < index < last:
            continue
        for node in layer._inbound_nodes:
            if node in graph._nodes:
                _connect_inputs(dot, layer, node, ends)
    return dot


def _graph(model: Any) -> Any:
    """The functional model that is or stands behind `model`; None for a layer, or a subclassed model."""
    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    if isinstance(model, Sequential):
        return model._functional
    return model if isinstance(model, Functional) else None


def _connect_inputs(dot: Any, layer: Any, node: Any, ends: dict[str, tuple[str, str]]) -> None:
    import pydot

    for tensor in node.input_tensors:
        source = tensor._keras_history.operation
        start = ends[source.name][1] if source.name in ends else str(id(source))
        end = ends[layer.name][0] if layer.name in ends else str(id(layer))
        for name in (start, end):
            if not ends and not dot.get_node(name):
                raise AssertionError(
                    f"layer_range leaves out what leads to {layer.name!r}: {source.name!r}. Choose a range that is "
                    "complete."
                )
        if not dot.get_edge(start, end):
            dot.add_edge(pydot.Edge(start, end))


def _label(
    layer: Any,
    show_shapes: bool,
    show_dtype: bool,
    show_layer_names: bool,
    show_layer_activations: bool,
    show_trainable: bool,
) -> str:
    """A label in graphviz's record language."""
    label = type(layer).__name__
    activation = getattr(layer, "activation", None)
    if show_layer_activations and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", None) or str(activation)
        label = f"{{{label}|{name}}}"
    if show_layer_names:
        label = f"{layer.name}|{label}"
    if show_dtype:
        label = f"{label}|{layer.dtype or '?'}"
    if show_shapes:
        before, after = (_escaped(_shape_or(layer, shape, "?")) for shape in (input_shape, output_shape))
        label = f"{{{label}}}|{{input:|output:}}|{{{{{before}}}|{{{after}}}}}"
    if show_trainable:
        label = f"{'T' if layer.trainable else 'NT'}|{label}"
    return label


def _escaped(shape: Any) -> str:
    return str(shape).replace("{", r"\{").replace("}", r"\}")


def _shape_or(layer: Any, shape: Any, unknown: str) -> Any:
    try:
        return shape(layer)
    except AttributeError:
        return unknown


def draw_keras_2_0(model: Any, show_shapes: bool, show_layer_names: bool) -> Any:
    """Return a `pydot.Dot`; an edge is drawn once for every tensor that passes."""
    import pydot

    dot = pydot.Dot()
    dot.set("rankdir", "TB")
    dot.set("concentrate", True)
    dot.set_node_defaults(shape="record")
    graph = _graph(model)
    for layer in graph.layers:
        kind = type(layer).__name__
        label = f"{layer.name}: {kind}" if show_layer_names else kind
        if show_shapes:
            before, after = (_plain(_shape_or(layer, shape, "multiple")) for shape in (input_shape, output_shape))
            label = f"{label}\n|{{input:|output:}}|{{{{{before}}}|{{{after}}}}}"
        dot.add_node(pydot.Node(str(id(layer)), label=label))
    for layer in graph.layers:
        for node in layer._inbound_nodes:
            if node in graph._nodes:
                for tensor in node.input_tensors:
                    dot.add_edge(pydot.Edge(str(id(tensor._keras_history.operation)), str(id(layer))))
    return dot


def _plain(shape: Any) -> Any:
    """Keras 2.0 tells an Input's shape bare."""
    return shape[0] if isinstance(shape, list) and len(shape) == 1 else shape
