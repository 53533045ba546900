"""The documentation site: `make docs`. Pages with code are run when the site is built; nothing comes from the network."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])  # for the pages' kernels

project = "refkeras"
author = copyright = "the refkeras authors"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.xref_missing", "myst.header"]  # links to files of the repository that are no pages
html_theme = "furo"
html_title = "refkeras"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
myst_enable_extensions = []  # no dollarmath: MathJax would come from the network
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True  # what a page writes does not land among the sources
nb_execution_timeout = 300
nb_merge_streams = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"


def as_written(app, what, name, obj, options, lines):
    """Show a docstring as it stands in the source: its first paragraph as text, the rest with its alignment."""
    text = "\n".join(lines).strip().replace("\t", "    ")
    first, _, rest = text.partition("\n\n")
    # What stands between backticks is code; the rest is plain text.
    pieces = re.split("`([^`]+)`", " ".join(first.split()))
    pieces[::2] = [re.sub(r"([\\\\*|`_])", r"\\\1", piece) for piece in pieces[::2]]
    pieces[1::2] = [f"\\ ``{piece}``\\ " for piece in pieces[1::2]]
    lines[:] = ["".join(pieces)]
    if rest.strip():
        lines += ["", ".. code-block:: text", "", *(f"   {line}" for line in rest.splitlines()), ""]


def setup(app):
    app.connect("autodoc-process-docstring", as_written)


def write_api() -> None:
    """Write a page for each module with the names that it lists in `__all__`."""
    import importlib
    import inspect

    place = Path(__file__).parent / "api"
    place.mkdir(exist_ok=True)
    for module in MODULES:
        found = importlib.import_module(f"refkeras.{module}")
        lines = [f"# refkeras.{module}", ""]
        for name in found.__all__:
            target = getattr(found, name)
            if not (inspect.isclass(target) or inspect.isfunction(target)):
                continue
            kind = "autoclass" if inspect.isclass(target) else "autofunction"
            options = [":members:"] if inspect.isclass(target) and module in WITH_METHODS else []
            lines += ["```{eval-rst}", f".. {kind}:: refkeras.{module}.{name}", *(f"   {o}" for o in options), "```", ""]
        page = place / f"{module}.md"
        text = "\n".join(lines)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


MODULES = ("activations", "callbacks", "explain", "initializers", "layers", "losses", "metrics", "models", "optimizers")
MODULES += ("random", "regularizers", "saving", "semantics", "utils", "wrappers")
WITH_METHODS = ("models", "explain", "wrappers")
write_api()
