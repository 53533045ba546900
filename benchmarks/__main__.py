"""refkeras beside its peers, every workload on every engine in turn.

python -m benchmarks [--campaign quick] [--only W3 ...] [--threads default] [--json FILE] [--page FILE]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from benchmarks import report
from benchmarks.cells import CAMPAIGNS, cells
from benchmarks.claims import claims, exponents
from benchmarks.measuring import Engines, first_results, memory
from refkeras.saving.atomic import write_atomically

WORKLOADS = [f"W{i}" for i in range(1, 9)]
SEQUENCES = {"quick": [(32, 512, 16, 128)], "standard": [(32, 512, 16, 128), (256, 128, 32, 256)]}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--campaign", choices=CAMPAIGNS, default="standard", help="how much to measure (standard)")
    parser.add_argument("--only", action="append", choices=WORKLOADS, help="this workload (may be repeated)")
    parser.add_argument("--threads", choices=("one", "default"), default="one", help="for everybody (one)")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for a cell's rounds, at least 3 (10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of results, plots beside it")
    options = parser.parse_args(arguments)
    for file in (options.json, options.page):
        if file is not None and not file.absolute().parent.is_dir():
            parser.error(f"{file}: there is no folder {file.parent}")
    wanted = options.only or WORKLOADS
    printed: list[str] = []

    def say(line: str = "") -> None:
        printed.append(line)
        print(line, flush=True)

    say(report.machine())
    say(f"threads: {options.threads}; campaign: {options.campaign}")
    found, last = [], ""
    with Engines(options.threads, budget=options.budget) as engines:
        for cell in cells(options.campaign):
            if cell.workload not in wanted:
                continue
            if cell.workload != last:
                say(f"\n{report.heading(cell.workload)}")
                last = cell.workload
            print(f"... {cell.label}", file=sys.stderr, flush=True)
            found.append(engines.measure(cell))
            for line in report.cell_lines(found[-1]):
                say(line)
        versions = engines.versions
    starts = first_results(options.threads, 3 if options.campaign == "quick" else 9) if "W6" in wanted else {}
    if starts:
        say(f"\n{report.heading('W6')}")
        for name, times in starts.items():
            say(f"    {name:32} {sorted(times)[len(times) // 2]:7.3f} s   ({min(times):.3f} to {max(times):.3f})")
    kept = {}
    if "W7" in wanted:
        say("\nW7 peak memory of a training step on sequences, beside what backpropagation must keep")
        for size in SEQUENCES["quick" if options.campaign == "quick" else "standard"]:
            name = "LSTM B={} T={} F={} u={}".format(*size)
            kept[name] = memory("sequences", *size)
            say(f"    {name:32} {kept[name]['peak'] / 1e6:8.1f} MB, of which {kept[name]['kept'] / 1e6:.1f} MB must be")
    if "W8" in wanted:
        gib = 1 if options.campaign == "quick" else 4
        say("\nW8 fit on a memory-mapped file")
        name = f"one epoch on {gib} GiB, shuffled"
        kept[name] = memory("memmap", gib)
        say(f"    {name:32} grew by {kept[name]['grown'] / 1e6:.0f} MB")
    fitted = exponents(found, "refkeras")
    if fitted:
        powers = " · ".join(f"{name}^{value:.2f}" for name, value in fitted.items())
        say(f"\nLSTM forward + backward takes time ∝ {powers} (fitted from 64 units and batches of 32 on)")
    judged = claims(found, starts, kept)
    say("\nTargets (one thread)" if options.threads == "one" else "\nThe one-thread targets, with default threads")
    for claim in judged:
        say("    " + claim.line())
    say("\nVersions and threads")
    for engine, loaded in versions.items():
        pools = "; ".join(loaded.pop("pools"))
        say(f"    {engine:22} {', '.join(f'{name} {version}' for name, version in loaded.items())}; {pools}")
    if options.json:
        text = report.as_json(found, starts, kept, judged, versions, options.threads)
        write_atomically(options.json, lambda file: file.write(text.encode()))
    if options.page:
        plots = report.plot(found, options.page.parent / "benchmarks")
        command = shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])])
        text = report.page("\n".join(printed), command, plots, options.page.parent)
        write_atomically(options.page, lambda file: file.write(text.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
