"""A summary as tf_keras 2.21 and Keras 2.0.4 print it: plain columns (their `utils/layer_utils.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras.models.layer_range import bounds
from refkeras.models.shapes import output_shape
from refkeras.models.summary import (
    connections,
    count_params,
    is_sequential_like,
    memory_size,
    readable_memory_size,
)
from refkeras.utils.io_utils import print_msg

__all__ = ["print_columns"]

_HEADER = ["Layer (type)", "Output Shape", "Param #"]
# Long cells are broken after these.
_BREAKS = ("),", "},", "],", "',")


def print_columns(
    model: Any,
    style: str,
    line_length: int | None,
    positions: list[Any] | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Any,
) -> None:
    """Print the summary in `style` `"tf_keras"` or `"keras-2.0"`; see `print_summary` for the other arguments.

    Raises:
        TypeError: an argument that Keras 2.0 does not have.
    """
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model "
            "on a batch of data."
        )
    if style == "keras-2.0":
        later = {"print_fn": print_fn, "expand_nested": expand_nested, "layer_range": layer_range}
        for name, value in {**later, "show_trainable": show_trainable}.items():
            if value:
                raise TypeError(
                    f"summary() got an unexpected keyword argument {name!r}. It takes: line_length, positions."
                )
        _Columns20(model, line_length, positions, print_msg, False).print(0, len(model.layers), False)
        return
    start, stop = bounds(model.layers, layer_range)
    _Columns(model, line_length, positions, print_fn or print_msg, show_trainable).print(start, stop, expand_nested)


class _Columns:
    """tf_keras's."""

    shared_layers = False
    widths = 65, 98
    ends = [0.45, 0.85, 1.0], [0.3, 0.6, 0.70, 1.0]

    def __init__(
        self,
        model: Any,
        line_length: int | None,
        positions: list[Any] | None,
        print_fn: Callable[[str], Any],
        show_trainable: bool,
    ) -> None:
        self.model = model
        self.out = print_fn
        self.show_trainable = show_trainable
        self.in_a_row = is_sequential_like(model, self.shared_layers)
        branching = not self.in_a_row
        self.length = line_length or self.widths[branching]
        self.positions = list(positions or self.ends[branching])
        if self.positions[-1] <= 1:
            self.positions = [int(self.length * end) for end in self.positions]
        self.header = _HEADER + ["Connected to"] * branching
        if show_trainable:
            self.length += 11
            self.positions.append(self.length)
            self.header.append("Trainable")
        self.relevant = [node for level in model._nodes_by_depth.values() for node in level] if branching else []

    def print(self, start: int, stop: int, expand_nested: bool) -> None:
        self.out(f'Model: "{self.model.name}"')
        self.out("_" * self.length)
        self.row(self.header)
        self.out("=" * self.length)
        for layer in self.model.layers[start:stop]:
            self.layer(layer, expand_nested)
        self.out("=" * self.length)
        trainable, frozen = self.model.trainable_weights, self.model.non_trainable_weights
        for name, weights in (("Total", trainable + frozen), ("Trainable", trainable), ("Non-trainable", frozen)):
            size = readable_memory_size(memory_size(weights), ("Byte", "KB", "MB", "GB", "TB", "PB"))
            self.out(f"{name} params: {count_params(weights)} ({size})")
        self.out("_" * self.length)

    def layer(self, layer: Any, expand_nested: bool, level: int = 0, is_last: bool = False) -> None:
        self.row(self.fields(layer), level)
        bars = "|" * level
        if expand_nested and getattr(layer, "layers", None):
            self.out(f"{bars}|{'¯' * (self.length - 2 * level - 2)}|{bars}")
            for inner in layer.layers:
                self.layer(inner, True, level + 1, inner is layer.layers[-1])
            self.out(bars + "¯" * (self.length - 2 * level) + bars)
        elif not is_last:
            self.out(bars + " " * (self.length - 2 * level) + bars)

    def fields(self, layer: Any) -> list[Any]:
        try:
            shape = output_shape(layer)
        except AttributeError:
            shape = "multiple"
        fields = [f"{layer.name} ({type(layer).__name__})", shape]
        fields.append(layer.count_params() if layer.built else "0 (unused)")
        if not self.in_a_row:
            fields.append([f"{name}[{call}][{output}]" for name, call, output in connections(layer, self.relevant)])
        if self.show_trainable:
            fields.append("Y" if layer.trainable else "N")
        return fields

    def row(self, fields: list[Any], level: int = 0) -> None:
        """Print a row in as many lines as its longest cell needs; `level` bars on either side."""
        left = [str(field) for field in fields]
        last = len(self.positions) - 1
        while any(left):
            line = ""
            for column, end in enumerate(self.positions[: len(left)]):
                start = self.positions[column - 1] if column else 0
                # Two spaces between columns, and one more that offsets all but the last.
                room = end - start - 3 * (column != last) - level * (column == 0)
                if room < 1 and left[column]:
                    # tf_keras would go on for ever.
                    raise ValueError(
                        f"Insufficient width to print the summary: column {column + 1} has room for {room} characters "
                        f"(line_length={self.length}, positions={self.positions})."
                    )
                piece = left[column][:room]
                stops = [piece.find(mark) + len(mark) for mark in _BREAKS if mark in piece]
                if stops:
                    room = min(stops)
                    piece = piece[:room]
                if column == 0:
                    line += "|" * level + " "
                line += piece + "  " * (column != last)
                left[column] = left[column][room:]
                line += " " * (end - len(line) - level * (column == last))
            self.out(line + "|" * level)


class _Columns20(_Columns):
    """Keras 2.0's: a rule between layers, no line breaks, no memory sizes."""

    shared_layers = True
    widths = 65, 100
    ends = [0.45, 0.85, 1.0], [0.33, 0.55, 0.67, 1.0]

    def print(self, start: int, stop: int, expand_nested: bool) -> None:
        layers = self.model.layers
        self.out("_" * self.length)
        self.row(self.header)
        self.out("=" * self.length)
        for layer in layers:
            *fields, sources = self.fields(layer) if not self.in_a_row else [*self.fields(layer), None]
            fields[1] = fields[1][0] if isinstance(fields[1], list) and len(fields[1]) == 1 else fields[1]
            self.row(fields if sources is None else [*fields, *(sources[:1] or [""])])
            for source in (sources or [])[1:]:
                self.row(["", "", "", source])
            self.out(("=" if layer is layers[-1] else "_") * self.length)
        trainable, frozen = self.model.trainable_weights, self.model.non_trainable_weights
        for name, weights in (("Total", trainable + frozen), ("Trainable", trainable), ("Non-trainable", frozen)):
            self.out(f"{name} params: {count_params(weights):,}")
        self.out("_" * self.length)

    def row(self, fields: list[Any], level: int = 0) -> None:
        line = ""
        for index, (field, end) in enumerate(zip(fields, self.positions, strict=False)):
            if index:
                line = line[:-1] + " "
            line = f"{line}{field}"[:end]
            line += " " * (end - len(line))
        self.out(line)
