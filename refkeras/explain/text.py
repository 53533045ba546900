"""Derivations as text, in colours, and as HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refkeras.explain.derivation import Derivation

__all__ = ["as_html", "as_rich", "as_text", "print_rich"]


def head(node: Derivation) -> str:
    return f"{node.name} = {node.shown}"


def formula(node: Derivation) -> str:
    """`words: symbols = numbers`; empty for a number that was recorded."""
    if node.formula == "given":
        return ""
    return f"{node.words}: {node.symbols} = {node.numbers}"


def below(node: Derivation, depth: int, width: int) -> tuple[list[tuple[str, Derivation]], int]:
    """Return what is shown below a derivation, each with what it is to it, and how many inputs are left out."""
    if depth <= 0:
        return [], 0
    kept = len(node.inputs) if len(node.inputs) <= width else width - 1
    shown = [("", node.inputs[i]) for i in range(kept)]
    return [("also ", other) for other in node.also] + shown, len(node.inputs) - kept


def as_text(node: Derivation, depth: int, width: int) -> str:
    lines = [head(node)]
    _lines(node, "", depth, width, lines)
    return "\n".join(lines)


def _lines(node: Derivation, indent: str, depth: int, width: int, lines: list[str]) -> None:
    shown, left_out = below(node, depth, width)
    bar = "│ " if shown or left_out else "  "
    gap = bar if indent else "  "
    if formula(node):
        lines.append(f"{indent}{gap}{formula(node)}")
    lines += [f"{indent}{gap}({note})" for note in node.notes]
    for position, (what, child) in enumerate(shown):
        last = position == len(shown) - 1 and not left_out
        lines.append(f"{indent}{'└─ ' if last else '├─ '}{what}{head(child)}")
        _lines(child, indent + ("   " if last else "│  "), depth - 1, width, lines)
    if left_out:
        lines.append(f"{indent}└─ … {left_out} more")


def as_rich(node: Derivation, depth: int = 3, width: int = 6) -> Any:
    """Return a `rich.tree.Tree`."""
    from rich.text import Text
    from rich.tree import Tree

    def label(child: Derivation, what: str) -> Text:
        text = Text()
        text.append(what, style="italic dim").append(child.name, style="bold").append(" = ")
        text.append(child.shown, style="cyan")
        if formula(child):
            text.append(f"\n{child.words}", style="dim").append(f"\n{child.symbols}", style="green")
            text.append(f" = {child.numbers}")
        for note in child.notes:
            text.append(f"\n{note}", style="yellow")
        return text

    def grow(tree: Tree, child: Derivation, left: int) -> Tree:
        shown, left_out = below(child, left, width)
        for what, inner in shown:
            grow(tree.add(label(inner, what)), inner, left - 1)
        if left_out:
            tree.add(Text(f"… {left_out} more", style="dim"))
        return tree

    return grow(Tree(label(node, "")), node, depth)


def print_rich(node: Derivation, depth: int, width: int) -> None:
    try:
        from rich.console import Console
    except ImportError:
        print(as_text(node, depth, width))
    else:
        Console().print(as_rich(node, depth, width))


def as_html(node: Derivation, depth: int = 4, width: int = 12, is_open: bool = True) -> str:
    """Return nested `<details>` elements, for notebooks."""
    shown, left_out = below(node, depth, width)
    parts = [f"<b>{escape(node.name)}</b> = <code>{escape(node.shown)}</code>"]
    inside = [f"<div>{escape(formula(node))}</div>"] if formula(node) else []
    inside += [f"<div><i>{escape(note)}</i></div>" for note in node.notes]
    inside += [f"{escape(what)}{as_html(child, depth - 1, width, False)}" for what, child in shown]
    if left_out:
        inside.append(f"<div>… {left_out} more</div>")
    if not inside:
        return f"<div>{parts[0]}</div>"
    state = " open" if is_open else ""
    return (
        f'<details{state}><summary>{parts[0]}</summary><div style="margin-left:1.2em">{"".join(inside)}</div></details>'
    )
