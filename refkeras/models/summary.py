"""`print_summary`: a model's layers, shapes and sizes (`keras/src/utils/summary_utils.py`, Keras 3.15)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from refkeras import semantics
from refkeras.models.graph import Graph, taken

__all__ = [
    "connections",
    "count_params",
    "graph_of",
    "is_sequential_like",
    "memory_size",
    "print_summary",
    "readable_memory_size",
]


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print the layers of a model with their output shapes and sizes.

    Keras 3's is a table with colours, where the output takes them; tf_keras's
    and Keras 2.0's are plain columns. A name is shown as it is, where Keras 3 takes some for markup: `block:a:0`
    for an emoji's code.

    Args:
        model: the model.
        line_length: width of the table.
        positions: where columns end, as fractions of the width.
        print_fn: called with the text instead of printing it: once in Keras 3, line by line in tf_keras.
        expand_nested: show what is inside nested models.
        show_trainable: say of each layer whether it is trainable.
        layer_range: names (or patterns) of the first and the last layer to show.

    Raises:
        ValueError: columns too narrow (Keras 3), a `layer_range` that fits no layers, or a model that is not
            built (tf_keras).

    Example:

        >>> import refkeras
        >>> x = refkeras.Input((4,), name="x")
        >>> model = refkeras.Model(x, refkeras.layers.Dense(3, name="y")(x), name="m")
        >>> print_summary(model, line_length=50, print_fn=print)
        Model: "m"
        ┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━┳━━━━━━━━━┓
        ┃ Layer (type)        ┃ Output Shape   ┃ Param # ┃
        ┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━╇━━━━━━━━━┩
        │ x (InputLayer)      │ (None, 4)      │       0 │
        ├─────────────────────┼────────────────┼─────────┤
        │ y (Dense)           │ (None, 3)      │      15 │
        └─────────────────────┴────────────────┴─────────┘
         Total params: 15 (60.00 B)
         Trainable params: 15 (60.00 B)
         Non-trainable params: 0 (0.00 B)
        <BLANKLINE>
    """
    options = (line_length, positions, print_fn, expand_nested, show_trainable, layer_range)
    style = semantics.current().summary_style
    if style == "keras-3":
        from refkeras.models.summary_table import print_table

        print_table(model, *options)
        return
    from refkeras.models.summary_columns import print_columns

    print_columns(model, style, *options)


def is_sequential_like(model: Any, shared_layers: bool = False) -> bool:
    """Whether every layer is called on what the one before gave, and once, unless `shared_layers` are allowed."""
    from refkeras.models.functional import Functional
    from refkeras.models.sequential import Sequential

    if isinstance(model, Sequential) or not isinstance(model, Functional):
        return True
    levels = graph_of(model).nodes_by_depth.values()
    if any(len(nodes) > 1 or len(taken(nodes[0])) > 1 for nodes in levels):
        return False
    nodes = [node for level in levels for node in level]
    return shared_layers or all(sum(node in nodes for node in layer._inbound_nodes) <= 1 for layer in model.layers)


def graph_of(model: Any) -> Graph:
    """Return a functional model's graph, with operations on masks where the engine in force records them."""
    from refkeras.models.mask_operations import graph_with_masks

    if any(node.mask_tensors for node in model._nodes):
        return graph_with_masks(model)
    return Graph(model._nodes, model._nodes_by_depth, model._operations)


def connections(layer: Any, relevant: Iterable[Any]) -> list[tuple[str, int, int]]:
    """Return `(layer, call, output)` for each tensor that the layer takes in these nodes."""
    found = []
    for node in layer._inbound_nodes:
        if node in relevant:
            for tensor in taken(node):
                source, call, output = tensor._keras_history
                found.append((source.name, call, output))
    return found


def count_params(weights: Iterable[Any]) -> int:
    """Return the number of values in these variables."""
    return sum(math.prod(weight.shape) for weight in weights)


def memory_size(weights: Iterable[Any]) -> float:
    """Return the bytes that these variables take, each counted once."""
    return sum(weight.value.nbytes for weight in {id(weight): weight for weight in weights}.values())


def readable_memory_size(size: float, units: tuple[str, ...] = ("B", "KB", "MB", "GB", "TB", "PB")) -> str:
    """`2048` → `"2.00 KB"`.

    Example:

        >>> readable_memory_size(1584)
        '1.55 KB'
    """
    for unit in units:
        if size / 1024 < 1:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} {units[-1]}"
