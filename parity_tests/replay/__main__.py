"""Measure how much of each engine's randomness refkeras replays, and print one table.

    python -m parity_tests.replay [--engine NAME] [--share PART] [--seed N]

Exit status 1 when a claim fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

from parity_tests.replay import draws, runs, timing
from parity_tests.replay.cases import ENGINES
from parity_tests.replay.report import Campaign, Row, table

PARTS: tuple[Callable[[Campaign], Iterable[Row]], ...] = (draws.rows, runs.rows, timing.rows)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parity_tests.replay", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", action="append", choices=ENGINES, help="ask this engine only (may be repeated)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the full number of cases (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="draws the cases (default 1)")
    options = parser.parse_args(arguments)
    campaign = Campaign(tuple(options.engine or ENGINES), options.share, options.seed)
    rows = [row for part in PARTS for row in part(campaign)]
    print(table(rows))
    failing = [row for row in rows if not row.holds]
    print(f"\n{len(rows) - len(failing)} of {len(rows)} claims hold.")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
