"""A summary as Keras 3 prints it: a table with lines and colours."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import Any

from refkeras.models.layer_range import bounds
from refkeras.models.rich_table import Table
from refkeras.models.rich_text import Console, Text, flattened, styled
from refkeras.models.summary import (
    connections,
    count_params,
    graph_of,
    is_sequential_like,
    memory_size,
    readable_memory_size,
)
from refkeras.utils.io_utils import is_interactive_logging_enabled, print_msg

__all__ = ["print_table"]


def print_table(
    model: Any,
    line_length: int | None,
    positions: list[float] | None,
    print_fn: Callable[..., Any] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Any,
) -> None:
    """Print the summary; see `print_summary` for the arguments."""
    in_a_row = is_sequential_like(model)
    layers = graph_of(model).operations if hasattr(model, "_operations") else model.layers
    table = _table(in_a_row, line_length, positions, show_trainable)
    relevant = [] if in_a_row else graph_of(model).nodes
    start, stop = bounds(layers, layer_range)
    for layer, level in _expanded(layers[start:stop], expand_nested):
        table.add_row(_cells(layer, level, None if in_a_row else relevant, show_trainable))
    plain = print_fn is not None or not is_interactive_logging_enabled()
    console = Console(colors=not plain)
    console.print(styled(f'Model: "{model.name}"', bold=True))
    table.print(console)
    for line in _totals(model):
        console.print(line)
    if print_fn is not None:
        print_fn(console.text())
    elif plain:
        print_msg(console.text(), line_break=False)
    else:
        sys.stdout.write(console.text())
        sys.stdout.flush()


def _table(in_a_row: bool, line_length: int | None, positions: list[float] | None, show_trainable: bool) -> Table:
    header, alignment = ["Layer (type)", "Output Shape", "Param #"], ["left", "left", "right"]
    if in_a_row:
        default, ends = 88, positions or [0.45, 0.80, 1.0]
    else:
        default, ends = 108, positions or [0.3, 0.56, 0.74, 1.0]
        header.append("Connected to")
        alignment.append("left")
    if show_trainable:
        default += 12
        ends = [end * 0.90 for end in ends] + [1.0]
        header.append("Trainable")
        alignment.append("center")
    length = line_length or min(default, shutil.get_terminal_size().columns - 4)
    widths: list[int] = []
    for end in ends:
        widths.append(int(end * length) - sum(widths))
        if widths[-1] < 4:
            raise ValueError(
                f"Insufficient console width to print summary: a column is {widths[-1]} wide, and 4 is the least "
                f"(line_length={length}, positions={ends})."
            )
    if len(widths) < len(header):
        raise IndexError(f"positions has {len(ends)} columns, and the summary has {len(header)}: {', '.join(header)}.")
    return Table(header, alignment, widths[: len(header)], length)


def _expanded(layers: list[Any], expand_nested: bool, level: int = 0) -> list[tuple[Any, int]]:
    """Return the layers with their depths of nesting."""
    found = []
    for layer in layers:
        found.append((layer, level))
        if expand_nested and getattr(layer, "layers", None):
            found += _expanded(layer.layers, True, level + 1)
    return found


def _cells(layer: Any, level: int, relevant: list[Any] | None, show_trainable: bool) -> list[Text]:
    prefix = "   " * level + "└ " if level else ""
    name = styled(f"{prefix}{layer.name} (") + styled(type(layer).__name__, color=33) + styled(")")
    if not getattr(layer, "built", True):
        size = _number(0) + styled(" (unbuilt)")
    else:
        size = _number(f"{layer.count_params():,}" if hasattr(layer, "built") else 0)
    cells = [name, _output_shape(layer), size]
    if relevant is not None:
        found = [
            styled(f"{source}[") + _number(call) + styled("][") + _number(output) + styled("]")
            for source, call, output in connections(layer, relevant)
        ]
        cells.append(_joined(found) or styled("-"))
    if show_trainable:
        if not getattr(layer, "weights", None):
            cells.append(styled("-", bold=True))
        else:
            cells.append(styled("Y", bold=True, color=34) if layer.trainable else styled("N", bold=True, color=9))
    return cells


def _number(value: object) -> Text:
    return styled(value, color=45 if value is None else 34)


def _joined(parts: list[Text]) -> Text:
    return flattened([*(styled(", ") * (i > 0) + part for i, part in enumerate(parts))])


def _output_shape(layer: Any) -> Text:
    shapes = getattr(layer, "_build_shapes", None)
    if layer._inbound_nodes:
        shape: Any = [tensor.shape for tensor in layer._inbound_nodes[-1].outputs]
    elif not shapes or _does_not_tell(layer):
        return styled("?")
    elif hasattr(layer, "output_shape"):
        shape = layer.output_shape
    else:
        try:
            shape = layer.compute_output_shape(**shapes)
        except NotImplementedError:
            return styled("?")
    return _shape(shape[0] if isinstance(shape, list) and len(shape) == 1 else shape)


def _does_not_tell(layer: Any) -> bool:
    """Whether a layer without a node has no `compute_output_shape` of its own: Keras does not try it out, either."""
    from refkeras.layers import Layer

    return not hasattr(layer, "output_shape") and type(layer).compute_output_shape is Layer.compute_output_shape


def _shape(shape: Any) -> Text:
    """A shape, or a structure of shapes, as Python writes it but for quotes."""
    if isinstance(shape, dict):
        pairs = [styled(f"{key}: ") + _shape(value) for key, value in shape.items()]
        return styled("{") + _joined(pairs) + styled("}")
    if isinstance(shape, tuple) and all(size is None or isinstance(size, int) for size in shape):
        return styled("(") + _joined([_number(size) for size in shape]) + styled(")")
    opening, closing = "()" if isinstance(shape, tuple) else "[]"
    return styled(opening) + _joined([_shape(part) for part in shape]) + styled(closing)


def _totals(model: Any) -> list[Text]:
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    groups = [("Trainable", trainable), ("Non-trainable", frozen)]
    optimizer = model.optimizer
    if model.compiled and optimizer and optimizer.built:
        groups.append(("Optimizer", optimizer.variables))
    counts = [(name, count_params(weights), memory_size(weights)) for name, weights in groups]
    counts.insert(0, ("Total", sum(count for _, count, _ in counts), sum(size for _, _, size in counts)))
    return [
        styled(f" {name} params: ", bold=True) + _number(f"{count:,}") + styled(f" ({readable_memory_size(size)})")
        for name, count, size in counts
    ]
