"""refkeras beside its peers, every workload on every engine in turn.

python -m benchmarks [--campaign quick] [--only W3 ...] [--threads both] [--json FILE] [--page FILE]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.campaign import Results, run
from benchmarks.cells import CAMPAIGNS
from refkeras.saving.atomic import write_atomically

WORKLOADS = [f"W{i}" for i in range(1, 9)]
THREADS = ("one", "default", "both")


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    printed: list[str] = []

    def say(line: str = "") -> None:
        printed.append(line)
        print(line, flush=True)

    say(report.machine())
    passes = [(options.campaign, options.threads)]
    if options.threads == "both":
        # Targets are judged with one thread; the small sizes show whether default threads fall behind.
        passes = [(options.campaign, "one"), ("quick", "default")]
    results: list[Results] = []
    for number, (campaign, threads) in enumerate(passes):
        if number:
            say(f"\n{'-' * 100}\n")
        results.append(run(campaign, threads, options.only or WORKLOADS, options.budget, say))
        # A pass takes long: what it found is written before the next begins.
        _write(options, results, printed, shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])]))
    return 0


def _write(options: argparse.Namespace, results: list[Results], printed: list[str], command: str) -> None:
    if options.json:
        text = report.as_json(results)
        write_atomically(options.json, lambda file: file.write(text.encode()))
    if options.page:
        plots = report.plot(results[0].cells, options.page.parent / "benchmarks")
        page = report.page("\n".join(printed), command, plots, options.page.parent)
        write_atomically(options.page, lambda file: file.write(page.encode()))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", choices=CAMPAIGNS, default="standard", help="how much to measure (standard)")
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="this workload (may be repeated)")
    parser.add_argument(
        "--threads", choices=THREADS, default="one", help="for everybody (one); both: then default, quick"
    )
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for a cell's rounds, at least 3 (10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of results, plots beside it")
    options = parser.parse_args(arguments)
    for file in (options.json, options.page):
        if file is not None and not file.absolute().parent.is_dir():
            parser.error(f"{file}: there is no folder {file.parent}")
    return options


if __name__ == "__main__":
    sys.exit(main())
