"""`make fuzz`: thousands of damaged files; each is loaded or ends in a clear ValueError, in bounded time and memory.

`python -m tests.saving.fuzz [COUNT]` tries all hostile files with their further
combinations once, then COUNT files that Hypothesis damages, and reports.
"""

from __future__ import annotations

import collections
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.saving.files import good_config, good_dense, good_legacy
from tests.saving.fuzzing import Outcome, check, write
from tests.saving.hostile import CANARY, CASES, MORE
from tests.saving.mutations import files

__all__ = ["main"]

COUNT, SHOWN = 10_000, 10
#: What the process may grow by, in MiB, over all files: far less than one bomb would take.
MEBIBYTES = 400


#: What differs between messages of one kind: numbers, and what is quoted.
_DETAILS = re.compile(r"\d[\d,.]*|'[^']*'|\".*\"|b'.*")


def _mebibytes() -> float:
    """Return the most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else COUNT
    tried: collections.Counter[str] = collections.Counter()
    slowest: list[tuple[float, str]] = []
    messages: collections.Counter[str] = collections.Counter()

    def note(kind: str, outcome: Outcome) -> None:
        tried[f"{kind}: {outcome.what}"] += 1
        slowest.append((outcome.seconds, kind))
        if outcome.message:
            messages[_DETAILS.sub("", outcome.message)] += 1

    for make_once in (good_config, good_legacy, good_dense):
        make_once()
    before = _mebibytes()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name, (extension, make) in {**CASES, **MORE}.items():
            path = Path(folder, f"model{extension}")
            path.unlink(missing_ok=True)
            make(path)
            outcome = check(path)
            assert outcome.what == "refused", f"{name!r} was loaded"
            note("hostile", outcome)

        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(file=files())
        def damaged(file: tuple[str, object]) -> None:
            kind, content = file
            note(kind, check(write(kind, content, Path(folder))))

        damaged()
    grown = _mebibytes() - before
    assert not CANARY.exists(), "code of a file has run"
    print(f"{sum(tried.values()):,} files in {time.perf_counter() - begun:.0f} s; each was loaded or refused:")
    for key, number in sorted(tried.items()):
        print(f"  {key:20} {number:7,}")
    seconds, kind = max(slowest)
    print(f"The slowest ({kind}) took {seconds:.2f} s; the process grew by {grown:.0f} MiB.")
    print(f"{len(messages):,} kinds of messages; the most frequent:")
    for message, number in messages.most_common(SHOWN):
        print(f"  {number:6,}  {' '.join(message.split())[:100]}")
    assert grown < MEBIBYTES
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
