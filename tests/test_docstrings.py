"""How the documentation site shows docstrings (`docs/docstrings.py`)."""

import importlib.util
from pathlib import Path

import refkeras

_spec = importlib.util.spec_from_file_location("docstrings", Path(__file__).parents[1] / "docs" / "docstrings.py")
docstrings = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(docstrings)


def shown(text):
    lines = text.split("\n")
    docstrings.as_page(None, "class", "it", None, None, lines)
    return "\n".join(lines)


def test_a_docstring_becomes_a_page():
    found = shown(
        "What `it` is.\n\ny = a_b  ·  x\n\nArgs:\n    units, size,\n    rate: a * b,\n        and more.\n"
        "    name: see `x`.\n\nRaises (by `fit`):\n    ValueError: none.\n\nReturns:\n    a\n    thing.\n\n"
        "Prose that ends\nin a full stop.\n\nExample:\n\n    >>> 1 + 1\n    2\n"
    )
    blocks = [block.strip("\n") for block in found.split("\n\n") if block.strip()]
    assert blocks == [
        "What \\ ``it``\\  is.",
        ".. code-block:: text",
        "   y = a_b  ·  x",
        "**Args**",
        "``units, size, rate``\n   a \\* b, and more.",
        "``name``\n   see \\ ``x``\\ .",
        "**Raises (by fit)**",
        "``ValueError``\n   none.",
        "**Returns**",
        "a thing.",
        "Prose that ends in a full stop.",
        ".. code-block:: pycon",
        "   >>> 1 + 1\n   2",
    ]


def test_what_is_no_list_stays_text():
    assert shown("First.\n\nArgs:\n    nothing of note").split("\n\n")[2] == "nothing of note\n"


def test_a_class_shows_its_constructors_arguments():
    found, _ = docstrings.signature(None, "class", "it", refkeras.layers.Activation, None, "(*args)", None)
    assert found == "(activation, **kwargs)"
    assert docstrings.signature(None, "class", "it", ValueError, None, None, None) is None
    assert docstrings.signature(None, "function", "it", shown, None, None, None) is None
