"""Ledgers in files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from refkeras.explain.ledger import Ledger
from refkeras.explain.records import RunRecord
from refkeras.saving.atomic import write_atomically

__all__ = ["load", "save"]

FORMAT = "refkeras ledger"
VERSION = 1


def save(ledgers: Sequence[Ledger], path: str | Path) -> None:
    """Write ledgers to a JSON file, whole or not at all.

    Args:
        ledgers: the ledgers, in order.
        path: the file.

    Raises:
        OSError: the file cannot be written.
    """
    found = {"format": FORMAT, "version": VERSION, "runs": [ledger.run.to_dict() for ledger in ledgers]}
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    write_atomically(path, lambda file: file.write(text.encode()))


def load(path: str | Path) -> list[Ledger]:
    """Return the ledgers of a file that `save`, or `refkeras run --explain`, wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of ledgers, or of another version.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no file of ledgers: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("runs"), list):
        raise ValueError(
            f"{path} is no file of ledgers: it has no {FORMAT!r} in it. `refkeras run --explain` writes one."
        )
    if found.get("version") != VERSION:
        raise ValueError(f"{path} is of version {found.get('version')!r}; this refkeras reads version {VERSION}.")
    return [Ledger.of(RunRecord.from_dict(run)) for run in found["runs"]]
