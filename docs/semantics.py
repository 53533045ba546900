"""Write docs/semantics.md: every field of `refkeras.semantics.Semantics`, its meaning, and each engine's value.

python docs/semantics.py
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

from refkeras import semantics

PAGE = Path(__file__).with_suffix(".md")
FIRST = "keras-3@tensorflow"
HEAD = """# Where Kerases differ

Written by `python docs/semantics.py` from `refkeras/semantics.py`; do not edit it here.

Keras disagrees with itself: between releases, between backends, and between eager and graph execution.
Each such point is a field of `refkeras.semantics.Semantics`. The third column has the value of the default,
Keras 3.15.1 on TensorFlow; the last one names the engines that differ from it. Each field has a test in
`parity_tests` that shows its values on the real engines (`@shows("field")`).

    import refkeras
    refkeras.semantics.use("keras-3@jax")  # or `with`, or REFKERAS_SEMANTICS=
    print(refkeras.semantics.diff("tf_keras", "keras-3@tensorflow"))  # a migration table
"""


def page() -> str:
    """Return the page as it should be."""
    lines = [HEAD]
    fields = {item.name: item for item in dataclasses.fields(semantics.Semantics) if item.name != "name"}
    lines.append(f"There are {len(fields)} fields and {len(semantics.PRESETS)} presets.\n")
    for section, names in sections():
        lines += [f"## {section[0].upper()}{section[1:]}\n", f"| field | meaning | {FIRST} | elsewhere |", "|---|---|---|---|"]
        lines += [row(fields[name]) for name in names]
        lines.append("")
    return "\n".join(lines)


def sections() -> list[tuple[str, list[str]]]:
    """Return the headings within the class, each with the fields below it."""
    found: list[tuple[str, list[str]]] = []
    for line in inspect.getsource(semantics.Semantics).splitlines():
        if heading := re.match(r"    # -- (.*?) -+$", line):
            found.append((heading[1], []))
        elif (name := re.match(r"    (\w+): .*= one_of\(", line)) and found:
            found[-1][1].append(name[1])
    return found


def row(item: dataclasses.Field) -> str:
    """Return one field's line."""
    usual = getattr(semantics.get(FIRST), item.name)
    others: dict[str, list[str]] = {}
    for name, preset in semantics.PRESETS.items():
        value = getattr(preset, item.name)
        if value != usual:
            others.setdefault(code(value), []).append(name)
    elsewhere = "<br>".join(f"{', '.join(names)}: {value}" for value, names in others.items())
    cells = (f"`{item.name}`", item.metadata["doc"].replace("|", "\\|"), code(usual), elsewhere)
    return "| " + " | ".join(cells) + " |"


def code(value: object) -> str:
    return f"`{value!r}`".replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
