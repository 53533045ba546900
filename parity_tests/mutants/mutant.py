"""What a mutant is, and how it gets into a copy of the package."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Mutant", "mutated", "of"]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Mutant:
    """One mistake: in `refkeras/file`, `old` becomes `new`; these tests (of parity_tests) should notice.

    `numerical` says that it changes numbers by a part in 10⁶ to 10⁵ and nothing else.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    numerical: bool = False

    def text(self) -> str:
        """Return the mutated file.

        Raises:
            ValueError: the old text is not there exactly once.
        """
        source = (ROOT / "refkeras" / self.file).read_text()
        found = source.count(self.old)
        if found != 1:
            raise ValueError(
                f"Mutant {self.name!r}: its old text occurs {found} times in refkeras/{self.file}, not once."
            )
        return source.replace(self.old, self.new)


def of(file: str, *tests: str, numerical: bool = False):
    """Return a maker of mutants of one file, noticed by these tests if it is told no others."""

    def make(name: str, old: str, new: str, *others: str) -> Mutant:
        return Mutant(name, file, old, new, others or tests, numerical)

    return make


def mutated(mutant: Mutant | None, folder: Path) -> Path:
    """Copy the package into `folder`, with the mistake in it (None for none); return the folder."""
    shutil.copytree(ROOT / "refkeras", folder / "refkeras", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        (folder / "refkeras" / mutant.file).write_text(mutant.text())
    return folder
