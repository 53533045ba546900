"""Say what `verify` found: a table on the screen, everything in a JSON file."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from refkeras.verify.command import Outcome
from refkeras.verify.compare import HISTORY, Row
from refkeras.verify.scenarios import CASES, EPOCHS

__all__ = ["print_outcome", "write_json"]

WIDTH = 110


def print_outcome(outcome: Outcome, console: Any) -> None:
    """Print the table and the answers on a rich console."""
    from rich.table import Table
    from rich.text import Text

    dtypes = list(dict.fromkeys(row.dtype for row in outcome.rows))
    table = Table(title=_title(outcome), title_justify="left", caption=_caption(), caption_justify="left")
    table.add_column("scenario, quantity", no_wrap=True)
    for dtype in dtypes:
        table.add_column(f"{dtype}\napart", justify="right", no_wrap=True)
        table.add_column("\nulp", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for (case, engine), group in groupby(outcome.rows, key=lambda row: (row.case, row.engine)):
        table.add_section()
        table.add_row(Text(f"{CASES[case].title}; {engine}", style="bold"))
        by_quantity: dict[str, dict[str, Row]] = {}
        for row in group:
            by_quantity.setdefault(row.quantity, {})[row.dtype] = row
        for quantity, rows in by_quantity.items():
            table.add_row(f"  {quantity}", *_cells(rows, dtypes), _verdict(list(rows.values())))
    console.print(table)
    for row in outcome.rows:
        if not row.agrees:
            _explain(row, console)
    for question, answer in outcome.answers.items():
        console.print(f"\n[bold]{question}[/bold]")
        console.print(answer, markup=False, highlight=False)
    good = sum(row.agrees for row in outcome.rows)
    console.print(
        f"\n{good} of {len(outcome.rows)} quantities agree.", style="bold green" if outcome.agrees else "bold red"
    )


def write_json(outcome: Outcome, path: Path) -> None:
    """Write all that was found to `path`; a reader finds the old file or the new one, whole."""
    content = {
        "agrees": outcome.agrees,
        "seed": outcome.seed,
        "epochs": EPOCHS,
        "rows": [{**asdict(row), "agrees": row.agrees} for row in outcome.rows],
        "answers": outcome.answers,
        "runs": outcome.runs,
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x") as file:
            json.dump(_plain(content), file, indent=1, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Return `value` with NaN and infinities, which JSON does not have, as strings."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _title(outcome: Outcome) -> str:
    names = dict.fromkeys(
        f"{run['engine']} {run['versions']['version']}" for run in outcome.runs if run["engine"] != "refkeras"
    )
    return (
        f"refkeras beside {', '.join(names)}: {EPOCHS} epochs, from set_random_seed({outcome.seed}) alone on each side "
        "(initial weights, shuffle and dropout are drawn by each)"
    )


def _caption() -> str:
    return (
        f"apart: the largest difference, relative to the value (History; {HISTORY['float32']:.0e} in float32 and "
        f"{HISTORY['float64']:.0e} in float64 agree) or to the tensor's largest entry (gradients, weights; the bound "
        "counts roundings, see refkeras.verify.compare). ulp: the same in units of last place. "
        "Printed lines, but for their timings: by how many units of the last printed digit, and how many numbers."
    )


def _cells(rows: dict[str, Row], dtypes: list[str]) -> list[str]:
    cells = []
    for dtype in dtypes:
        row = rows.get(dtype)
        cells += ["", ""] if row is None else [_number(row), _ulps(row)]
    return cells


def _number(row: Row) -> str:
    if row.quantity == "printed lines" and not math.isnan(row.difference):
        return f"{row.difference:.2g} digits"
    return "0" if row.difference == 0 else f"{row.difference:.1e}"


def _ulps(row: Row) -> str:
    if row.quantity == "printed lines" and not math.isnan(row.ulps):
        return f"{row.ulps:.0f}×"
    return "0" if row.ulps == 0 else f"{row.ulps:.0f}" if 10 <= row.ulps < 1000 else f"{row.ulps:.2g}"


def _verdict(rows: list[Row]) -> str:
    return "agrees" if all(row.agrees for row in rows) else "DISAGREES"


def _explain(row: Row, console: Any) -> None:
    where = f"{row.case}, {row.engine}, {row.dtype}: {row.quantity}"
    text = f"{where} differs by {row.difference:.2e}; up to {row.allowed:.2e} agrees. {row.note}"
    console.print(text.rstrip(), style="red", markup=False, highlight=False)
