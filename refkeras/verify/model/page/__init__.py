"""What `refkeras verify MODEL --html FILE` writes: one page, which needs no network."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import refkeras
from refkeras.saving.atomic import write_atomically
from refkeras.verify.model.findings import ALARM, COMPILED, EDGES, Finding, ModelOutcome, Outcome
from refkeras.verify.model.page.charts import histogram, steps
from refkeras.verify.model.page.layout import HEIGHT, WIDTH, Drawing, lay_out
from refkeras.verify.model.table import hint_of, name_of, number, where_of, who

__all__ = ["render", "write_page"]

_HERE = Path(__file__).parent


def write_page(outcome: ModelOutcome, path: Path) -> None:
    """Write the page; a reader finds the old file or the new one, whole.

    Raises:
        ImportError: jinja2 is not installed.
    """
    page = render(outcome).encode()
    write_atomically(path, lambda file: file.write(page))


def render(outcome: ModelOutcome) -> str:
    """Return the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"short": number, "full": lambda value: f"{value:.9g}", "level": level}
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return templates.get_template("page.html.jinja").render(
        outcome=outcome,
        title=Path(outcome.file).name,
        engines=[_Engine.of(i, each, outcome) for i, each in enumerate(outcome.outcomes)],
        version=refkeras.__version__,
        alarm=ALARM,
        edges=EDGES,
        box=(WIDTH, HEIGHT),
        style=style,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        name_of=name_of,
        where_of=where_of,
        histogram=histogram,
        steps=steps,
    )


def level(sigmas: float | None) -> str:
    """Return the class of a deviation's colour: none, low, fair, near, far or wild."""
    if sigmas is None:
        return "none"
    bounds = ((1.0, "low"), (4.0, "fair"), (ALARM, "near"), (100 * ALARM, "far"))
    return next((name for bound, name in bounds if sigmas <= bound), "wild")


@dataclass(frozen=True)
class _Node:
    """A box: what it says, its colour's sigma, and the panel it opens."""

    number: int
    name: str
    kind: str
    sigmas: float | None
    trained: float | None
    target: str
    x: float
    y: float


@dataclass(frozen=True)
class _Panel:
    """What is shown of one layer's call, of the whole, or of a training step."""

    key: str
    title: str
    kind: str
    findings: list[Finding]

    @property
    def sigmas(self) -> float | None:
        return max((finding.sigmas for finding in self.findings), default=None)

    @property
    def agrees(self) -> bool:
        return all(finding.agrees for finding in self.findings)


@dataclass(frozen=True)
class _Engine:
    key: str
    name: str
    outcome: Outcome
    drawing: Drawing
    nodes: list[_Node]
    panels: list[_Panel]
    shown: str
    hint: str

    @classmethod
    def of(cls, index: int, outcome: Outcome, whole: ModelOutcome) -> _Engine:
        key = f"e{index}"
        inputs = len(whole.data.inputs)
        drawing = lay_out(outcome.calls, inputs)
        panels = _panels(key, outcome)
        at = {box.number: box for box in drawing.boxes}
        nodes = []
        for i in range(inputs):
            box = at[-1 - i]
            shape = " × ".join(map(str, whole.data.inputs[i].shape))
            nodes.append(
                _Node(box.number, f"input {i}" if inputs > 1 else "input", shape, None, None, "", box.x, box.y)
            )
        for i, call in enumerate(outcome.calls):
            box, panel = at[i], panels[i]
            own = [f.sigmas for f in outcome.findings if f.stage in ("training", COMPILED) and f.place == call.place]
            name = call.place + (f" · call {call.call + 1}" if call.call else "")
            trained = max(own, default=None)
            nodes.append(_Node(i, name, call.kind, panel.sigmas, trained, panel.key, box.x, box.y))
        culprit = outcome.culprit
        shown = next((p for p in panels if culprit in p.findings), None) if culprit is not None else None
        if shown is None:
            of_layers = panels[: len(outcome.calls)] or panels
            shown = max(of_layers, key=lambda p: -math.inf if p.sigmas is None else p.sigmas, default=None)
        hint = "" if culprit is None else hint_of(outcome, culprit, whole.precision)
        return cls(key, who(outcome), outcome, drawing, nodes, panels, "" if shown is None else shown.key, hint)


def _panels(key: str, outcome: Outcome) -> list[_Panel]:
    """Return a panel for each call, in order; then one for the whole, and one for each training step."""
    panels = []
    for i, call in enumerate(outcome.calls):
        of_layer = [f for f in outcome.findings if f.place == call.place and f.stage in ("weights", "layer")]
        findings = [f for f in of_layer if f.call == call.call]
        suffix = f", call {call.call + 1}" if call.call else ""
        panels.append(_Panel(f"{key}-c{i}", call.place + suffix, call.kind, findings))
    whole = [finding for finding in outcome.findings if finding.stage == "end to end"]
    if whole:
        panels.append(_Panel(f"{key}-whole", "End to end", "the model on its own input, compiled", whole))
    trained = [finding for finding in outcome.findings if finding.stage == "training"]
    for step in sorted({finding.call for finding in trained}):
        findings = [finding for finding in trained if finding.call == step]
        how = "from the engine's own state; updates by its own gradients"
        panels.append(_Panel(f"{key}-t{step}", f"Training step {step + 1}", how, findings))
    compiled = [finding for finding in outcome.findings if finding.stage == COMPILED]
    if compiled:
        panels.append(_Panel(f"{key}-run", "Compiled training", "from the file's weights on", compiled))
    return panels
