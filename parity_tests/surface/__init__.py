"""Which public names Keras has and refkeras has not, and why.

`python -m parity_tests.surface` writes docs/names.md, which lists them.
"""

from __future__ import annotations

from parity_tests.surface import modules, objects
from parity_tests.surface.groups import Group

__all__ = ["explained", "modules", "objects", "page"]


def explained(groups: list[Group], kind: str, name: str) -> bool:
    """Whether a name is in one of the groups."""
    return any(group.has(kind, name) for group in groups)


def page() -> str:
    """Return docs/names.md."""
    lines = [
        "# Names that are not there",
        "",
        "Every public name that Keras 3 or tf_keras has is there, but those below: a test compares modules, classes",
        "and objects of both, and fails for any other. Asked for, they are an `AttributeError`.",
        "",
        "## Methods and attributes",
        "",
        "Of models, layers, optimizers, losses, metrics, callbacks, initializers, regularizers, constraints,",
        "schedules, variables and symbolic tensors.",
        "",
        "| why | names |",
        "|---|---|",
        *(_line(group, f" (of {', '.join(group.kinds)})" if group.kinds else "") for group in objects.GROUPS),
        "",
        "## Classes, functions and modules",
        "",
        "`keras.ops` is not compared: `refkeras.ops` has the functions that the layers need, on NumPy's arrays.",
        "",
        "| why | names |",
        "|---|---|",
        *(_line(group, f" ({', '.join(f'`{kind}`' for kind in group.kinds)})") for group in modules.GROUPS),
    ]
    return "\n".join([*lines, ""])


def _line(group: Group, where: str) -> str:
    return f"| {group.reason}{where} | {' '.join(f'`{name}`' for name in sorted(group.names.split()))} |"
