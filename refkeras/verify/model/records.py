"""All that `refkeras verify MODEL` found, as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from refkeras.saving.atomic import write_atomically
from refkeras.verify.model.findings import ALARM, EDGES, Finding, ModelOutcome

__all__ = ["as_json", "write_model_json"]


def write_model_json(outcome: ModelOutcome, path: Path) -> None:
    """Write all that was found; a reader finds the old file or the new one, whole."""
    text = json.dumps(as_json(outcome), indent=1, allow_nan=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def as_json(outcome: ModelOutcome) -> dict[str, Any]:
    """Return the outcome as JSON-ready data; NaN and infinities, which JSON does not have, are strings."""
    return _plain(
        {
            "model": outcome.file,
            "agrees": outcome.agrees,
            "complete": outcome.complete,
            "precision": outcome.precision,
            "data": outcome.data.source,
            "seed": outcome.seed,
            "alarm": ALARM,
            "histogram_edges": EDGES,
            "missing": [asdict(missing) for missing in outcome.missing],
            "engines": [
                {
                    "engine": each.engine,
                    "versions": each.versions,
                    "agrees": each.agrees,
                    "untrained": each.untrained,
                    "first_disagreement": None if each.culprit is None else each.findings.index(each.culprit),
                    "findings": [_finding(finding) for finding in each.findings],
                    "calls": [asdict(call) for call in each.calls],
                }
                for each in outcome.outcomes
            ],
        }
    )


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "agrees": finding.agrees, "step": finding.step}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
