"""Tables in the documentation that are made from what was recorded."""

from __future__ import annotations

from pathlib import Path

from refkeras.saving.atomic import write_atomically

__all__ = ["ENGINES", "put_table"]

ENGINES = Path(__file__).parents[1] / "docs" / "engines.md"


def put_table(table: str, page: Path = ENGINES) -> None:
    """Put a table of Markdown in the place of the page's one whose first column has the same head.

    Raises:
        ValueError: the page has no such table, or several.
    """
    head = table.partition(" | ")[0] + " |"
    blocks = page.read_text().split("\n\n")
    places = [i for i, block in enumerate(blocks) if block.startswith(head)]
    if len(places) != 1:
        raise ValueError(f"{page} has {len(places)} tables that begin with {head!r}; expected one.")
    blocks[places[0]] = table
    write_atomically(page, lambda file: file.write("\n\n".join(blocks).encode()))
