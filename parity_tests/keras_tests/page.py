"""docs/keras-tests.md, made of what is recorded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import keras

RECORDED = Path(__file__).parents[1] / "recorded" / "keras_tests.json"
PAGE = Path(__file__).parents[2] / "docs" / "keras-tests.md"
#: What the outcome of a test begins with that has no reason.
OPEN = "open: "


def page(found: dict[str, str]) -> str:
    """The page: how many pass, why the others do not, and each that has no reason."""
    passed = sum(why == "passed" for why in found.values())
    reasons = Counter(why for why in found.values() if why != "passed" and not why.startswith(OPEN))
    unexplained = {name: why.removeprefix(OPEN) for name, why in found.items() if why.startswith(OPEN)}
    lines = [
        "# Keras's own tests",
        "",
        f"Keras {keras.__version__}'s wheel holds its unit tests. Those of what refkeras has run on refkeras, with",
        "every name of Keras that they import replaced by refkeras's; `make keras-tests` runs them and writes this",
        "page. Tests that ask for nothing of refkeras, that need another backend, or that Keras itself skips, do not",
        "count. Of its test of layers (`run_layer_test`) two parts are left out: the training step, whose loss is a",
        "backend's operation, and mixed precision.",
        "",
        f"**{passed:,} of {len(found):,} pass.** Of the others:",
        "",
        "| tests | why they do not pass |",
        "|---|---|",
        *(f"| {count} | {reason} |" for reason, count in reasons.most_common()),
        f"| {len(unexplained)} | differences, below |",
        "",
        "## By file",
        "",
        "| file | pass | of |",
        "|---|---|---|",
    ]
    files: dict[str, list[str]] = {}
    for name, why in found.items():
        files.setdefault(name.partition("::")[0], []).append(why)
    lines += [f"| `{file}_test.py` | {whys.count('passed')} | {len(whys)} |" for file, whys in files.items()]
    lines += ["", "## Differences", "", "| test | what it says |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(why)} |" for name, why in unexplained.items()]
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return "`" + text.replace("|", "¦").replace("`", "'") + "`"
