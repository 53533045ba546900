"""The documentation site: `make docs`. Pages with code are run when the site is built; nothing comes from the network."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "docs"))
import docstrings  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])  # for the pages' kernels

project = "refkeras"
author = copyright = "the refkeras authors"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build", "runs"]
suppress_warnings = ["myst.xref_missing", "myst.header"]  # links to files of the repository that are no pages
highlight_language = "text"  # for blocks that name none: most are what a command prints
html_theme = "furo"
html_title = "refkeras"
html_extra_path = ["runs"]
html_static_path = ["_static"]
html_css_files = ["wide.css"]
myst_enable_extensions = []  # no dollarmath: MathJax would come from the network
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True  # what a page writes does not land among the sources
nb_execution_timeout = 300
nb_merge_streams = True
# A kernel sends what is printed in pieces. myst-nb would put each on a line of its own, so that they are joined before.
NotebookClient.coalesce_streams.default_value = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"


def setup(app):
    app.connect("autodoc-process-docstring", docstrings.as_page)
    app.connect("autodoc-process-signature", docstrings.signature)
    app.connect("autodoc-skip-member", docstrings.skipped)
    app.connect("doctree-read", docstrings.tidy_code)


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


def write_example() -> None:
    """Write the page of a run, which the lessons link to: the first question's script, explained."""
    import subprocess
    import tempfile

    place = Path(__file__).parent / "runs"
    place.mkdir(exist_ok=True)
    refkeras = [sys.executable, "-m", "refkeras"]
    with tempfile.TemporaryDirectory() as folder:
        script = ROOT / "examples" / "three_losses.py"
        for command in (
            ["run", "--explain", "run.json", str(script)],
            ["explain", "run.json", "--html", str(place / "three-losses-run.html"), "--figures", "20000"],
        ):
            subprocess.run([*refkeras, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)


MODULES = ("activations", "backend", "callbacks", "config", "constraints", "datasets", "explain", "initializers")
MODULES += ("layers", "losses", "metrics", "models", "optimizers", "optimizers.schedules", "random", "regularizers")
MODULES += ("saving", "semantics", "utils", "wrappers")
WITH_METHODS = ("models", "explain", "wrappers")
write_api()
write_example()
