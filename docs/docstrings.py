"""Docstrings as pages show them: prose as text, arguments as lists, examples as code, and the rest as it is written."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

LIST = re.compile(r"(Args|Attributes|Call arguments|Raises)( \(.*\))?:")
TEXT = re.compile(r"(Returns|Yields):")
ENTRY = re.compile(r"([^:]*[^:\s]): (.*)", re.DOTALL)


def as_page(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn the lines of a docstring into reStructuredText."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip().replace("\t", "    "))
    lines[:] = [inline(paragraphs[0])]
    for paragraph in paragraphs[1:]:
        lines += ["", *written(paragraph)]
    lines.append("")


def written(paragraph: str) -> list[str]:
    """Return a paragraph as reStructuredText."""
    head, _, rest = paragraph.partition("\n")
    body = textwrap.dedent(rest).strip()
    if LIST.fullmatch(head) or TEXT.fullmatch(head):
        entries = listed(body) if LIST.fullmatch(head) else None
        return [f"**{head[:-1].replace('`', '')}**", "", *(entries or [inline(body)])]
    if head in ("Example:", "Examples:"):
        return code(body, "pycon") if body else []
    text = textwrap.dedent(paragraph).strip()
    if text.startswith(">>>"):
        return code(text, "pycon")
    prose = text[-1] in ".:)" and not re.search(r"\n ", text) and not re.search(r"\S  +\S", text)
    return [inline(text)] if prose else code(text, "text")


def listed(body: str) -> list[str] | None:
    """Return `name: text` entries as a definition list; None where the text is none."""
    # What is indented goes on, and so does what follows a comma.
    joined = re.sub(r"(\n +|(?<=,)\n)", " ", body)
    found: list[str] = []
    for line in joined.split("\n"):
        match = ENTRY.fullmatch(line)
        if match is None:
            return None
        name, text = match.groups()
        found += [f"``{name.replace('`', '')}``", f"   {inline(text)}", ""]
    return found


def code(text: str, language: str) -> list[str]:
    return [f".. code-block:: {language}", "", *(f"   {line}" for line in text.splitlines()), ""]


def inline(text: str) -> str:
    """Return text whose words between backticks are code, and whose other characters mean nothing."""
    pieces = re.split("`([^`]+)`", " ".join(text.split()))
    pieces[::2] = [re.sub(r"([\\*|`_])", r"\\\1", piece) for piece in pieces[::2]]
    pieces[1::2] = [f"\\ ``{piece}``\\ " for piece in pieces[1::2]]
    return "".join(pieces)


def signature(app: Any, what: str, name: str, obj: Any, options: Any, shown: str | None, returns: str | None) -> Any:
    """Show the arguments of a class's constructor, which `__new__` hides where a class has both."""
    if what != "class" or not inspect.isfunction(obj.__init__):
        return None
    found = inspect.signature(obj.__init__)
    empty = inspect.Parameter.empty
    parameters = [p.replace(annotation=empty) for p in list(found.parameters.values())[1:]]
    return str(found.replace(parameters=parameters, return_annotation=empty)), returns


def skipped(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the methods that scikit-learn adds to an estimator, with texts of its own."""
    return True if re.fullmatch("set_.*_request", name) else None


def tidy_code(app: Any, doctree: Any) -> None:
    """Colour what can be typed in, and end a block with its last line: a doctest in a page must have one more."""
    from docutils import nodes

    for block in doctree.findall(nodes.literal_block):
        text = block.astext()
        if text != block.rawsource and block.rawsource:
            continue
        if text.startswith(">>>"):
            block["language"] = "pycon"
        block.rawsource = text.rstrip()
        block.children = []
        block += nodes.Text(block.rawsource)
