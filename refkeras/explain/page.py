"""The page of a run: its log, and every number's derivation behind it, in one HTML file."""

from __future__ import annotations

import base64
import contextlib
import gc
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refkeras.explain.building import EpochView, keys_of
from refkeras.explain.derivation import Derivation, plain
from refkeras.explain.formulas import FORMULAS
from refkeras.explain.ledger import Ledger
from refkeras.explain.log import epoch_lines
from refkeras.explain.memory import dropped
from refkeras.explain.plateau import Course, find_courses
from refkeras.explain.records import EpochRecord, RunRecord
from refkeras.saving.atomic import write_atomically

__all__ = ["MAX_NODES", "page", "write_page"]

MAX_NODES = 120_000
_WEB = Path(__file__).parent / "web"
_FORMULAS = list(FORMULAS)


def write_page(ledgers: Sequence[Ledger], path: str | Path, *, title: str = "", max_nodes: int = MAX_NODES) -> None:
    """Write the page of these runs to an HTML file that needs nothing else; arguments as for `page`."""
    text = page(ledgers, title=title, max_nodes=max_nodes)
    write_atomically(path, lambda file: file.write(text.encode()))


def page(ledgers: Sequence[Ledger], *, title: str = "", max_nodes: int = MAX_NODES) -> str:
    """Return the page of these runs as HTML.

    Args:
        ledgers: the runs, at least one.
        title: its title.
        max_nodes: about how many figures to put on it. Where there are more, the samples are on the page for some
            epochs only, the first and the last among them; it says for which.

    Raises:
        ValueError: no run, or none with an epoch.
        ImportError: jinja2 is not installed.
    """
    runs = [ledger.run for ledger in ledgers if ledger.run.finished]
    if not runs:
        raise ValueError("There is no run to show: none of the ledgers holds an epoch.")
    try:
        from jinja2 import Environment
    except ImportError:
        raise ImportError("The page is made with jinja2: pip install 'refkeras[explain]'") from None
    data: dict[str, Any] = {"formulas": [_formula(name) for name in _FORMULAS]}
    with _no_collection():
        data["runs"] = [_run(run, max_nodes // len(runs)) for run in runs]
    template = Environment(autoescape=True).from_string((_WEB / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        title=title or f"{runs[0].model}: where every number comes from",
        style=(_WEB / "page.css").read_text(encoding="utf-8"),
        script=(_WEB / "page.js").read_text(encoding="utf-8"),
        # In a script element only "<" could be taken for markup.
        data=json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Have Python not look for garbage among the many derivations, all of which are in use: it takes half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _formula(name: str) -> list[str]:
    return [name, FORMULAS[name].words, FORMULAS[name].symbols]


def _run(run: RunRecord, max_nodes: int) -> dict[str, Any]:
    detailed = _detailed(run, max_nodes)
    courses = find_courses(run)
    views = {epoch.number: EpochView(run, epoch) for epoch in run.finished}
    found: dict[str, Any] = {
        "model": run.model,
        "losses": " + ".join(dict.fromkeys(term.loss for term in run.terms or ())),
        "semantics": run.semantics,
        "optimizer": run.optimizer,
        "dropped": dropped(run),
        "detailed": [] if len(detailed) == len(run.finished) else sorted(detailed),
        "curves": _curves(run),
        "courses": [_course(views, course) for course in courses],
        "watched": run.watched,
        "epochs": [],
    }
    for epoch in run.finished:
        view = views[epoch.number]
        derived = _roots(view)
        nodes = _Nodes(None if epoch.number in detailed else 2)
        chunk = {"roots": {key: nodes.add(root) for key, root in derived.items()}, "traces": _traces(epoch)}
        found["epochs"].append(
            {
                "number": epoch.number,
                "lines": [[list(piece) for piece in line] for line in epoch_lines(view)],
                "others": {key: root.shown for key, root in derived.items() if key not in epoch.logs},
                "traced": [trace.layer for trace in epoch.traces],
                "data": _packed({**chunk, "nodes": nodes.rows, "notes": nodes.notes}),
            }
        )
    return found


def _roots(view: EpochView) -> dict[str, Derivation]:
    """Return the derivation behind every number of an epoch's lines, and of what is not in them."""
    found = {key: view.explain(key) for key in view.record.logs}
    for key in keys_of(view.run):
        if key not in found and key in ("learning_rate", "gradient_norm"):
            try:
                found[key] = view.explain(key)
            except ValueError:
                continue  # dropped, which the page says elsewhere
    return found


def _detailed(run: RunRecord, max_nodes: int) -> set[int]:
    """Return the numbers of the epochs whose samples go on the page."""
    numbers = [epoch.number for epoch in run.finished]
    counted = _Nodes(None)
    for root in _roots(EpochView(run, run.finished[-1])).values():
        counted.add(root)
    fitting = max(2, max_nodes // max(len(counted.rows), 1))
    if fitting >= len(numbers):
        return set(numbers)
    return {numbers[i] for i in np.linspace(0, len(numbers) - 1, fitting).round().astype(int)}


class _Nodes:
    """Derivations as rows, each written once however often it is used.

    Args:
        depth: how many levels to go down; all of them by default.
    """

    def __init__(self, depth: int | None) -> None:
        self.rows: list[list[Any]] = []
        self.notes: list[str] = []
        self._depth = depth
        self._known: dict[tuple[Any, ...], int] = {}
        self._added: dict[int, tuple[int, Derivation]] = {}
        self._noted: dict[str, int] = {}

    def add(self, node: Derivation, depth: int = 0) -> int:
        """Return the number of the row of this derivation, adding it and all below it."""
        cut = self._depth is not None and depth >= self._depth and len(node.inputs) > 0
        if self._depth is None and id(node) in self._added:
            return self._added[id(node)][0]
        inputs = () if cut else tuple(self.add(child, depth + 1) for child in node.inputs)
        also = () if cut else tuple(self.add(child, depth + (child.formula == "given")) for child in node.also)
        notes = tuple(self._note(note) for note in node.notes)
        numbers = node.numbers if node.formula != "given" else ""
        symbols = node.symbols if node.formula == "weighted_sum" else ""
        key = (node.name, _FORMULAS.index(node.formula), node.shown, numbers, notes, inputs, also, int(cut), symbols)
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(list(key))
        self._added[id(node)] = self._known[key], node  # the node is kept, so that no other gets its id
        return self._known[key]

    def _note(self, note: str) -> int:
        if note not in self._noted:
            self._noted[note] = len(self.notes)
            self.notes.append(note)
        return self._noted[note]


def _packed(chunk: Any) -> str:
    text = json.dumps(chunk, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


# -- curves, samples, gates -------------------------------------------------------------------------


def _curves(run: RunRecord) -> dict[str, list[Any]]:
    """Return the values of each key of the logs by epoch, as they are in History; None where there is none."""
    keys = dict.fromkeys(key for epoch in run.finished for key in epoch.logs)
    return {key: [_finite(epoch.logs.get(key)) for epoch in run.finished] for key in keys}


def _finite(value: Any) -> Any:
    return None if value is None or not np.isfinite(value) else float(value)


def _course(views: dict[int, EpochView], course: Course) -> dict[str, Any]:
    key, paths = None, []
    for number, batch, place in zip(course.epochs, course.batches, course.places, strict=True):
        key, path = _path(views[number], course, batch, place)
        paths.append(path)
    return {
        "row": course.row,
        "phase": course.phase,
        "output": course.output,
        "target": course.target,
        "epochs": course.epochs,
        "losses": [_finite(value) for value in course.losses],
        "probabilities": [[_finite(v) for v in row] for row in course.probabilities],
        "right": course.right,
        "first": course.first,
        "last": course.last,
        "key": key,
        "paths": paths,
    }


def _path(view: EpochView, course: Course, batch: int, place: int) -> tuple[str, list[str]]:
    """Return the key and the way down from it to a sample's loss."""
    own = next((t.key for t in view.run.terms or () if t.output == course.output and t.key is not None), None)
    key = ("val_" if course.phase == "validation" else "") + (own or "loss")
    node = view.explain(key).inputs[batch]
    path = [f"i{batch}"]
    while node.formula in ("running_mean", "weighted_sum"):
        node = node.inputs[0]
        path.append("i0")
    node = node.inputs[place]
    path.append(f"i{place}")
    return key, [*path, "i0"] if node.formula == "product" else path


def _traces(epoch: EpochRecord) -> list[dict[str, Any]]:
    return [
        {
            "layer": trace.layer,
            "shape": list(next(iter(trace.values.values())).shape),
            "gates": {key: [plain(np.float32(v)) for v in values.ravel()] for key, values in trace.values.items()},
        }
        for trace in epoch.traces
    ]
