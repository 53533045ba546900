"""The log of a run as its Keras prints it, in pieces, so that each number can be led back to where it comes from."""

from __future__ import annotations

from typing import Any, NamedTuple

from refkeras.explain.building import EpochView
from refkeras.explain.records import EpochRecord, RunRecord
from refkeras.utils.progress_format import arrow, count, per_unit

__all__ = ["Piece", "epoch_lines", "log_text"]


class Piece(NamedTuple):
    """A piece of a line: its text, and the key whose value it shows, if it is a number."""

    text: str
    key: str | None = None


def log_text(run: RunRecord) -> str:
    """Return the whole log as text.

    Times are the ledger's own: those that the progress line measured differ a little.
    """
    lines = [line for epoch in run.finished for line in epoch_lines(EpochView(run, epoch))]
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def epoch_lines(view: EpochView) -> list[list[Piece]]:
    """Return the two lines of an epoch."""
    run, epoch = view.run, view.record
    line = [Piece(_progress(run, epoch))]
    for key in _keys(run, epoch):
        line += [Piece(f" - {key}: "), Piece(_number(float(view.explain(key).value)), key)]
    return [[Piece(f"Epoch {epoch.number}/{run.epochs}")], line]


def _keys(run: RunRecord, epoch: EpochRecord) -> list[str]:
    keys = list(epoch.logs)
    if run.progress != "keras-2.0":
        return keys
    return [k for k in keys if not k.startswith("val_")] + [k for k in keys if k.startswith("val_")]


def _progress(run: RunRecord, epoch: EpochRecord) -> str:
    steps, seconds = max(epoch.steps, 1), epoch.seconds
    if run.progress == "keras-3":
        return f"{count(steps, steps)} {'━' * 20} {seconds:.0f}s{per_unit(seconds / steps, 'step')}"
    if run.progress == "tf_keras":
        return f"{count(steps, steps)} [{arrow(steps, steps, 30)}] - {seconds:.0f}s{per_unit(seconds / steps, 'step')}"
    rows: Any = sum(batch.size for batch in epoch.train.batches) if epoch.train else 0
    rows = rows or steps
    return f"{count(rows, rows)} [{arrow(rows, rows, 30)}] - {int(seconds)}s"


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"
