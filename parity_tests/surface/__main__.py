"""Writes docs/names.md."""

from pathlib import Path

from parity_tests.surface import page

(Path(__file__).parents[2] / "docs" / "names.md").write_text(page(), encoding="utf-8")
