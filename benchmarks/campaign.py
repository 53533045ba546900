"""One pass over the workloads with one setting of the threads: what is printed, and what is kept of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import report
from benchmarks.cells import cells
from benchmarks.claims import Claim, claims, exponents
from benchmarks.measuring import Engines, Measured, first_results, memory

__all__ = ["Results", "run"]

SEQUENCES = {"quick": [(32, 512, 16, 128)], "standard": [(32, 512, 16, 128), (256, 128, 32, 256)]}
#: What default threads are asked for, beside the target with one thread.
SHARE_WITH_DEFAULT_THREADS = 0.8

Say = Callable[..., None]


@dataclass
class Results:
    """Everything that one pass measured.

    Attributes:
        threads: `"one"` or `"default"`.
        cells: W1 to W5.
        starts: W6, the seconds of whole processes.
        memory: W7 and W8, in bytes.
        claims: the targets, each beside what was found.
        versions: of what each engine had loaded, and its threads.
    """

    threads: str
    cells: list[Measured] = field(default_factory=list)
    starts: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)


def run(campaign: str, threads: str, wanted: Sequence[str], budget: float, say: Say) -> Results:
    """Measure the `wanted` workloads, and `say` what was found as it is found."""
    results = Results(threads)
    say(f"threads: {threads}; campaign: {campaign}; {budget:g} s for a cell's rounds")
    _cells(results, campaign, wanted, budget, say)
    if "W6" in wanted:
        _starts(results, 3 if campaign == "quick" else 7, say)
    # Memory does not depend on the threads; it is measured with one.
    if "W7" in wanted and threads == "one":
        _sequences(results, "quick" if campaign == "quick" else "standard", say)
    if "W8" in wanted and threads == "one":
        _memory_mapped(results, 1 if campaign == "quick" else 4, say)
    fitted = exponents(results.cells, "refkeras")
    if fitted:
        powers = " · ".join(f"{name}^{value:.2f}" for name, value in fitted.items())
        say(f"\nLSTM forward + backward takes time ∝ {powers} (fitted from 64 units and batches of 32 on)")
    share = 1.0 if threads == "one" else SHARE_WITH_DEFAULT_THREADS
    results.claims = claims(results.cells, results.starts, results.memory, share)
    say("\nTargets (one thread)" if threads == "one" else f"\nTargets (default threads: {share:g} of those with one)")
    for claim in results.claims:
        say("    " + claim.line())
    say("\nVersions and threads")
    for engine, loaded in results.versions.items():
        named = ", ".join(f"{name} {version}" for name, version in loaded.items() if name != "pools")
        say(f"    {engine:22} {named}; {'; '.join(loaded['pools'])}")
    return results


def _cells(results: Results, campaign: str, wanted: Sequence[str], budget: float, say: Say) -> None:
    last = ""
    with Engines(results.threads, budget=budget) as engines:
        for cell in cells(campaign):
            if cell.workload not in wanted:
                continue
            if cell.workload != last:
                say(f"\n{report.heading(cell.workload)}")
                last = cell.workload
            print(f"... {cell.label}", file=sys.stderr, flush=True)
            results.cells.append(engines.measure(cell))
            for line in report.cell_lines(results.cells[-1]):
                say(line)
        results.versions = engines.versions


def _starts(results: Results, rounds: int, say: Say) -> None:
    results.starts = first_results(results.threads, rounds)
    say(f"\n{report.heading('W6')}")
    for name, times in results.starts.items():
        say(f"    {name:32} {sorted(times)[len(times) // 2]:7.3f} s   ({min(times):.3f} to {max(times):.3f})")


def _sequences(results: Results, sizes: str, say: Say) -> None:
    say("\nW7 peak memory of a training step on sequences, beside what backpropagation must keep")
    for size in SEQUENCES[sizes]:
        name = "LSTM B={} T={} F={} u={}".format(*size)
        found = results.memory[name] = memory("sequences", *size)
        say(f"    {name:32} {found['peak'] / 1e6:8.1f} MB, of which {found['kept'] / 1e6:.1f} MB must be")


def _memory_mapped(results: Results, gib: int, say: Say) -> None:
    say("\nW8 fit on a memory-mapped file")
    name = f"one epoch on {gib} GiB, shuffled"
    found = results.memory[name] = memory("memmap", gib)
    say(f"    {name:32} grew by {found['grown'] / 1e6:.0f} MB")
