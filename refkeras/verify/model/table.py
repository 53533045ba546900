"""What `refkeras verify MODEL` says on the screen."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

from refkeras.verify.model.findings import ALARM, COMPILED, WHOLE, Finding, ModelOutcome, Outcome

__all__ = ["hint_of", "name_of", "number", "print_model_outcome", "where_of", "who"]


def print_model_outcome(outcome: ModelOutcome, console: Any) -> None:
    """Print a table for each engine, and what it comes to, on a rich console."""
    console.print(
        f"{outcome.file}: {outcome.data.source}, judged as {outcome.precision}; agrees within {ALARM:g} sigma",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for each in outcome.outcomes:
        console.print(_table(each))
        _print_verdict(each, outcome.precision, console)
    for missing in outcome.missing:
        console.print(
            f"Not verified: {missing.path!r} ({missing.class_name}), {missing.place}. {missing.why}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if outcome.missing:
        console.print("So neither the whole model nor its training was verified.", style="yellow")


def who(outcome: Outcome) -> str:
    """Return the engine with its version, and its backend's."""
    versions = outcome.versions
    backend = versions.get("backend") or ("tensorflow" if outcome.engine == "tf_keras" else "")
    on = f", {backend} {versions[backend]}" if backend in versions else ""
    return f"{outcome.engine} {versions['version']}{on}"


def _table(outcome: Outcome) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=who(outcome), title_justify="left")
    table.add_column("layer", overflow="fold")
    table.add_column("quantity", overflow="fold")
    for heading in ("largest\ndeviation", "in\nsigma", "in\nulp"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for stage, group in groupby(outcome.findings, key=lambda finding: finding.stage):
        table.add_section()
        for rows in _rows(stage, list(group)):
            worst = max(rows, key=lambda finding: finding.sigmas)
            cells = (
                name_of(worst) if len(rows) == 1 else f"{worst.stage}, step {worst.call + 1}",
                worst.quantity if len(rows) == 1 else f"{_kind(worst)} ({len(rows)})",
                number(max(row.deviation for row in rows)),
                number(worst.sigmas),
                number(max(row.ulps for row in rows)),
                "agrees" if worst.agrees else "DISAGREES",
            )
            style = "" if worst.agrees else "red"
            table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _rows(stage: str, findings: list[Finding]) -> list[list[Finding]]:
    """Return what stands in one row: each finding, but in training all of a step and kind that agree."""
    if stage not in ("training", COMPILED):
        return [[finding] for finding in findings]
    rows: list[list[Finding]] = []
    for _, group in groupby(findings, key=lambda finding: (finding.call, _kind(finding))):
        members = list(group)
        good = [finding for finding in members if finding.agrees]
        rows += [[finding] for finding in members if not finding.agrees]
        rows += [good] if good else []
    return rows


def _kind(finding: Finding) -> str:
    if finding.quantity.startswith("gradient of "):
        return "gradients"
    if finding.quantity.startswith("update of "):
        return "updates of weights and slots"
    return "losses and metrics" if finding.place == WHOLE else "weights"


def name_of(finding: Finding) -> str:
    """Return what a finding is about: the layer, which of its calls, or which training step."""
    if finding.stage in ("training", COMPILED):
        of = "" if finding.place == WHOLE else f"{finding.place}, "
        return f"{of}{finding.stage}, step {finding.call + 1}"
    if finding.stage == "end to end":
        return f"{finding.place}, end to end"
    return f"{finding.place}, call {finding.call + 1}" if finding.call else finding.place


def number(value: float) -> str:
    """Return a number in two or three digits."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "inf"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}" if value < 1e5 else f"{value:.1e}"


def where_of(finding: Finding) -> str:
    """Say where a finding first leaves its bar, and by how much."""
    step, first = finding.step, finding.first
    text = "" if step is None else f" at time step {step + 1} of {len(finding.by_step)}"
    if finding.note:
        text += f": {finding.note}"
    if first is None:
        return text
    index = f"[{', '.join(map(str, first.index))}]"
    return (
        f"{text}: element {index} is {first.engine:.9g}; {first.value:.9g} ± {first.sigma:.1e} is right, "
        f"{number(first.sigmas)} sigma away ({finding.beyond} of {math.prod(finding.shape)} elements beyond {ALARM:g})"
    )


def _print_verdict(outcome: Outcome, precision: str, console: Any) -> None:
    if outcome.untrained:
        console.print(f"Not trained: {outcome.untrained}.", style="yellow", markup=False, highlight=False)
    culprit = outcome.culprit
    good = sum(finding.agrees for finding in outcome.findings)
    total = len(outcome.findings)
    if culprit is None:
        worst = max((finding.sigmas for finding in outcome.findings), default=0.0)
        text = f"{outcome.engine}: {good} of {total} quantities agree; the farthest is {number(worst)} sigma away.\n"
        console.print(text, style="bold green", markup=False, highlight=False)
        return
    said = f"{outcome.engine}: first leaves its bar in {name_of(culprit)}, {culprit.quantity}{where_of(culprit)}."
    hint = hint_of(outcome, culprit, precision)
    console.print(f"{said}{hint}\n", style="bold red", markup=False, highlight=False, soft_wrap=True)


def hint_of(outcome: Outcome, culprit: Finding, precision: str) -> str:
    """Return what may lie behind a disagreement, or nothing."""
    if culprit.stage == "end to end":
        return " Each layer agrees when it is run by itself, so it is the compiled model that differs."
    if culprit.stage == COMPILED:
        return " Each step agrees when it is run eagerly, so it is the compiled step that differs."
    if precision == "float32" and culprit.stage == "layer" and 1e-5 < culprit.deviation < 1e-2:
        return " If this engine multiplies in TF32, try --precision tf32."
    return ""
