"""What `refkeras run --explain` and `refkeras explain` do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from refkeras.explain.files import load, save
from refkeras.explain.ledger import Ledger
from refkeras.explain.recording import every_fit

__all__ = ["recording", "show"]


def recording(run: Callable[[], None], path: Path, mebibytes: int) -> None:
    """Run something, and write the ledgers of its fits to a file, also where it fails or exits.

    Raises:
        ValueError: the file's folder does not exist, or the memory is negative; nothing was run then.
    """
    if not path.parent.is_dir():
        raise ValueError(f"--explain {path}: there is no folder {path.parent}")
    if mebibytes < 0:
        raise ValueError(f"--explain-memory {mebibytes}: expected a number of MiB, 0 or more")
    target = path.absolute()  # a script may change the folder
    with every_fit(max_bytes=mebibytes * 2**20) as ledgers:
        try:
            run()
        finally:
            save(ledgers, target)
            print(f"refkeras: {len(ledgers)} {'fit' if len(ledgers) == 1 else 'fits'}, in {path}", file=sys.stderr)
            for i, ledger in enumerate(ledgers, 1):
                for line in ledger.dropped:
                    print(f"refkeras: fit {i}: {line}", file=sys.stderr)


def show(
    path: Path,
    html: Path | None,
    *,
    title: str = "",
    figures: int | None = None,
    fit: int | None = None,
    key: str = "loss",
    epoch: int | None = None,
    batch: int | None = None,
    depth: int | None = None,
    every: bool = False,
    as_json: bool = False,
) -> None:
    """Print where one number comes from, or write the page of them all.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: it is no file of ledgers, or there is no such fit, key, epoch or batch.
        ImportError: jinja2 is not installed, and a page is asked for.
    """
    ledgers = load(path)
    if not ledgers:
        raise ValueError(f"{path} holds no fit")
    if html is not None:
        from refkeras.explain.page import MAX_NODES, write_page

        chosen = ledgers if fit is None else [_chosen(ledgers, fit)]
        write_page(chosen, html, title=title, max_nodes=MAX_NODES if figures is None else figures)
        return
    found = _chosen(ledgers, len(ledgers) if fit is None else fit).explain(key, epoch, batch)
    if as_json:
        print(found.to_json())
    else:
        found.print(depth, every=every)


def _chosen(ledgers: Sequence[Ledger], number: int) -> Any:
    if not 1 <= number <= len(ledgers):
        raise ValueError(f"--fit {number}: the file holds {len(ledgers)}, counted from 1")
    return ledgers[number - 1]
