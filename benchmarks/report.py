"""Tables, JSON, plots and the page of results."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.claims import exponents
from benchmarks.measuring import Measured

if TYPE_CHECKING:
    from benchmarks.campaign import Results

__all__ = ["as_json", "cell_lines", "heading", "machine", "page", "plot"]

TITLES = {
    "W1": "W1 Iris: 120 rows in batches of 5, validated on 30 after each epoch",
    "W2": "W2 LSTM with two outputs and dropout: 80 samples of 15 steps in batches of 20",
    "W3": "W3 LSTM passes (32 features)",
    "W4": "W4 single operations",
    "W5": "W5 one sample through Dense(8) → Dense(3)",
    "W6": "W6 whole processes, from start to exit",
}


def machine() -> str:
    """Return the machine in a line."""
    model = "unknown processor"
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({model}), {system}"


def heading(workload: str) -> str:
    return TITLES[workload]


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:8.3f} {unit}"
    return f"{seconds * 1e6:8.1f} µs"


def cell_lines(measured: Measured) -> list[str]:
    """Return a cell's lines: refkeras's median and spread, then each peer and its ratio, least to most."""
    if "refkeras" not in measured.seconds:
        return [f"{measured.cell.label}: refkeras failed: {measured.failed.get('refkeras')}"]
    own = measured.seconds["refkeras"]
    spread = f"{_time(min(own)).strip()} to {_time(max(own)).strip()} in {len(own)} rounds"
    lines = [f"{measured.cell.label}   [{measured.cell.bound}-bound]"]
    lines.append(f"    {'refkeras':22} {_time(measured.median('refkeras'))}   ({spread})")
    for engine in measured.seconds:
        if engine == "refkeras":
            continue
        ratios = measured.ratios(engine)
        line = f"    {engine:22} {_time(measured.median(engine))}"
        if engine == "products":
            line += f"   {measured.ratio(engine):8.0%} of refkeras's time is its matrix products"
        else:
            line += f"   {measured.ratio(engine):8.2f} times as long   ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(line)
    lines += [f"    {engine:22} no figure: {why}" for engine, why in measured.failed.items()]
    return lines


def as_json(results: Sequence[Results]) -> str:
    """Return everything that was measured, a pass for each setting of the threads."""
    passes = [
        {
            "threads": found.threads,
            "versions": found.versions,
            "cells": [
                {
                    "workload": c.cell.workload,
                    "label": c.cell.label,
                    "arguments": c.cell.arguments,
                    "bound": c.cell.bound,
                    "seconds": {engine: [float(f"{s:.4g}") for s in seconds] for engine, seconds in c.seconds.items()},
                    "failed": c.failed,
                }
                for c in found.cells
            ],
            "processes": found.starts,
            "memory": found.memory,
            "exponents": exponents(found.cells, "refkeras"),
            "claims": [{**vars(claim), "holds": claim.holds} for claim in found.claims],
        }
        for found in results
    ]
    return json.dumps({"machine": machine(), "passes": passes}, indent=1)


def plot(cells: list[Measured], folder: Path) -> list[Path]:
    """Draw the LSTM's and the kernels' ratios; return the files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for workload, name, size in (("W3", "lstm", "units"), ("W4", "kernels", "elements")):
        some = [c for c in cells if c.cell.workload == workload and "refkeras" in c.seconds]
        peers = sorted({engine for c in some for engine in c.seconds} - {"refkeras", "products"})
        if not some or not peers:
            continue
        figure, axes = plt.subplots(1, len(peers), figsize=(4.6 * len(peers), 3.8), sharey=True, squeeze=False)
        for axis, peer in zip(axes[0], peers, strict=True):
            for maker, colour in (("forward", "C0"), ("both", "C1"), ("backward", "C1")):
                points = [
                    (c.cell.arguments[size], c.ratio(peer))
                    for c in some
                    if c.cell.maker.endswith(maker) and peer in c.seconds
                ]
                if points:
                    label = "forward" if maker == "forward" else "forward + backward"
                    axis.scatter(*zip(*points, strict=True), s=18, alpha=0.8, color=colour, label=label)
            axis.axhline(1, color="0.5", linewidth=1)
            axis.set(xscale="log", yscale="log", xlabel=size, title=peer)
            axis.legend(frameon=False, fontsize=8)
        axes[0][0].set_ylabel("times as long as refkeras")
        figure.tight_layout()
        files.append(folder / f"{name}.png")
        figure.savefig(files[-1], dpi=120)
        plt.close(figure)
    return files


def page(text: str, command: str, plots: list[Path], beside: Path) -> str:
    """Return the page of results: the targets, which `text` has after each pass, the plots, and all of the text."""
    targets = "\n\n".join(re.findall(r"^Targets .*(?:\n    .*)*", text, re.MULTILINE))
    pictures = "".join(f"![{file.stem}]({os.path.relpath(file, beside)})\n\n" for file in plots)
    return (
        f"# Benchmarks\n\n`{command}` printed this. Ratios are medians of interleaved rounds: in each, every engine "
        "runs once, in a process of its own, while the others wait. What misses its target, and why: "
        f"[performance.md](performance.md).\n\n## Targets\n\n```\n{targets}\n```\n\n"
        f"{pictures}## Everything that was measured\n\n```\n{text}\n```\n"
    )
