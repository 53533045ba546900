"""Derivations as text, in colours, and as HTML for notebooks.

A whole tree has a line for every number of every sample. So, unless every one is asked for, inputs that have the same
form (the batches of an epoch, the samples of a batch) are told apart by their numbers alone: the first of them is
followed down, some others have one line each, and the rest are counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkeras.explain.derivation import Derivation

__all__ = ["WIDTH", "Item", "arrange", "as_html", "as_rich", "as_text", "print_rich"]

WIDTH = 4
_FOOTER = (
    "Of inputs of the same form the first is followed down, and the others are cut short. "
    "Every one: text(every=True), print(every=True), --all."
)


@dataclass
class Item:
    """A derivation as it is shown.

    Attributes:
        node: the derivation.
        what: what it is to the one above it: `"also "`, or nothing.
        brief: whether it has one line only, because one of the same form is shown in full.
        below: what is shown below it; a number stands for so many inputs that are left out.
    """

    node: Derivation
    what: str = ""
    brief: bool = False
    below: list[Item | int] = field(default_factory=list)

    @property
    def short(self) -> bool:
        """Whether something is left out that asking for every one would show."""
        own = self.brief and self.node.formula != "given"
        return own or any(isinstance(item, int) or item.short for item in self.below)


def arrange(
    node: Derivation,
    depth: int | None = None,
    width: int | None = WIDTH,
    every: bool = False,
    what: str = "",
    brief: bool = False,
) -> Item:
    """Return what to show of a derivation.

    Args:
        node: the derivation.
        depth: how many levels to go down; None for all.
        width: how many inputs of the same form to show; None for all.
        every: whether to follow each of them down, and not the first alone.
        what, brief: as in `Item`.
    """
    item = Item(node, what, brief)
    if brief or (depth is not None and depth <= 0):
        return item
    left = None if depth is None else depth - 1
    for other in node.also:
        # Another way to see the number has its own line; the way down is that of the inputs, where there are some.
        item.below.append(arrange(other, left if every or node.formula == "given" else 0, width, every, "also "))
    start = 0
    while start < len(node.inputs):
        stop = _end_of_form(node, start)
        kept, hidden = _kept(start, stop, width)
        for place in kept:
            if hidden and place == stop - 1:
                item.below.append(hidden)
            item.below.append(arrange(node.inputs[place], left, width, every, brief=place > start and not every))
        if hidden and stop - 1 not in kept:
            item.below.append(hidden)
        start = stop
    return item


def _end_of_form(node: Derivation, start: int) -> int:
    """Return where the inputs end that have the form of the one at `start`."""
    if node.formula == "weighted_sum":  # its parts are each something else, whatever they are called
        return start + 1
    form = _form(node.inputs[start])
    stop = start + 1
    while stop < len(node.inputs) and _form(node.inputs[stop]) == form:
        stop += 1
    return stop


def _form(node: Derivation) -> str:
    return re.sub(r"\d+", "#", node.name)


def _kept(start: int, stop: int, width: int | None) -> tuple[list[int], int]:
    """Return the places that are shown, the first ones and the last, and how many are not."""
    count = stop - start
    if width is None or count <= width + 1:  # a line that says one is left out would be no shorter
        return list(range(start, stop)), 0
    first = max(width - 1, 1)
    kept = [*range(start, start + first), *([stop - 1] if width > 1 else [])]
    return kept, count - len(kept)


def head(item: Item) -> str:
    node = item.node
    numbers = f" = {node.numbers}" if item.brief and node.formula != "given" else ""
    return f"{item.what}{node.name} = {node.shown}{numbers}"


def left_out(number: int) -> str:
    return f"… {number} more, all of the same form"


def as_text(node: Derivation, depth: int | None, width: int | None, every: bool = False) -> str:
    item = arrange(node, depth, width, every)
    lines = [head(item)]
    _lines(item, "", lines)
    return "\n".join([*lines, *([_FOOTER] if item.short else [])])


def _lines(item: Item, indent: str, lines: list[str]) -> None:
    if not item.brief:
        gap = "│ " if item.below else "  "
        gap = gap if indent else "  "
        if item.node.formula != "given":
            lines += [f"{indent}{gap}{item.node.words}", f"{indent}{gap}{item.node.symbols} = {item.node.numbers}"]
        lines += [f"{indent}{gap}({note})" for note in item.node.notes]
    for position, child in enumerate(item.below):
        last = position == len(item.below) - 1
        corner = "└─ " if last else "├─ "
        if isinstance(child, int):
            lines.append(f"{indent}{corner}{left_out(child)}")
            continue
        lines.append(f"{indent}{corner}{head(child)}")
        _lines(child, indent + ("   " if last else "│  "), lines)


def as_rich(node: Derivation, depth: int | None = None, width: int | None = WIDTH, every: bool = False) -> Any:
    """Return a `rich.tree.Tree`, with a line below it where something was left out."""
    from rich.console import Group
    from rich.text import Text
    from rich.tree import Tree

    def label(item: Item) -> Text:
        child, text = item.node, Text()
        text.append(item.what, style="italic dim").append(child.name, style="bold").append(" = ")
        text.append(child.shown, style="cyan")
        if child.formula != "given" and item.brief:
            text.append(f" = {child.numbers}")
        elif child.formula != "given":
            text.append(f"\n{child.words}", style="dim").append(f"\n{child.symbols}", style="green")
            text.append(f" = {child.numbers}")
        for note in child.notes if not item.brief else ():
            text.append(f"\n{note}", style="yellow")
        return text

    def grow(tree: Tree, item: Item) -> Tree:
        for child in item.below:
            if isinstance(child, int):
                tree.add(Text(left_out(child), style="dim"))
            else:
                grow(tree.add(label(child)), child)
        return tree

    item = arrange(node, depth, width, every)
    tree = grow(Tree(label(item)), item)
    return Group(tree, Text(_FOOTER, style="dim")) if item.short else tree


def print_rich(node: Derivation, depth: int | None, width: int | None, every: bool = False) -> None:
    try:
        from rich.console import Console
    except ImportError:
        print(as_text(node, depth, width, every))
    else:
        Console().print(as_rich(node, depth, width, every))


def as_html(node: Derivation, depth: int = 4, width: int = 12) -> str:
    """Return nested `<details>` elements, for notebooks."""
    return _html(arrange(node, depth, width, every=True), is_open=True)


def _html(item: Item, is_open: bool) -> str:
    node = item.node
    title = f"<b>{escape(node.name)}</b> = <code>{escape(node.shown)}</code>"
    inside = []
    if node.formula != "given":
        inside = [f"<div>{escape(node.words)}</div><div>{escape(node.symbols)} = {escape(node.numbers)}</div>"]
    inside += [f"<div><i>{escape(note)}</i></div>" for note in node.notes]
    for child in item.below:
        if isinstance(child, int):
            inside.append(f"<div>{left_out(child)}</div>")
        else:
            inside.append(f"{escape(child.what)}{_html(child, False)}")
    if not inside:
        return f"<div>{title}</div>"
    state = " open" if is_open else ""
    return f'<details{state}><summary>{title}</summary><div style="margin-left:1.2em">{"".join(inside)}</div></details>'
