"""Memory of whole processes, on Linux.

    python -m benchmarks.workloads.memory sequences BATCH STEPS FEATURES UNITS
    python -m benchmarks.workloads.memory memmap GIB

Prints what was measured as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

__all__ = ["memmap", "sequences"]


def status(field: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"/proc/self/status has no {field}")


def must_keep(batch: int, steps: int, features: int, units: int) -> int:
    """Bytes that backpropagation through an LSTM in float32 cannot do without: x, four gates, c and h of each step."""
    return 4 * batch * steps * (features + 6 * units)


def sequences(batch: int, steps: int, features: int, units: int) -> dict[str, float]:
    """Train on one batch of sequences; return the peak over what was there before, and the least it could be."""
    import refkeras

    model = refkeras.Sequential(
        [refkeras.Input((steps, features)), refkeras.layers.LSTM(units), refkeras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    warm = np.zeros((2, steps, features), "float32")
    model.train_on_batch(warm, np.zeros((2, 1), "float32"))
    random = np.random.default_rng(0)
    x = random.standard_normal((batch, steps, features), "float32")
    y = np.zeros((batch, 1), "float32")
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # start the peak anew
    model.train_on_batch(x, y)
    peak = status("VmHWM") - before + x.nbytes
    return {"peak": peak, "kept": must_keep(batch, steps, features, units)}


def memmap(gib: float) -> dict[str, float]:
    """Fit one epoch on a file of `gib` GiB that is mapped into memory; return how the process grew.

    The file is sparse, so that it takes no room on the disk; read, its zeros
    take as much memory as any other bytes.
    """
    import refkeras

    features, batch = 1024, 4096
    rows = int(gib * 2**30) // (4 * features)
    model = refkeras.Sequential([refkeras.Input((features,)), refkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dat"
        with path.open("wb") as file:
            file.truncate(rows * features * 4)
        x = np.memmap(path, dtype="float32", mode="r", shape=(rows, features))
        y = np.zeros((rows, 1), "float32")
        model.fit(x[: 2 * batch], y[: 2 * batch], batch_size=batch, verbose=0)
        before = status("VmRSS"), status("RssAnon")
        Path("/proc/self/clear_refs").write_text("5")
        model.fit(x, y, batch_size=batch, verbose=0)
        return {
            "bytes": x.nbytes,
            "grown": status("VmHWM") - before[0],
            "grown_private": status("RssAnon") - before[1],
        }


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    print(json.dumps({"sequences": sequences, "memmap": memmap}[name](*(int(n) for n in numbers))))  # type: ignore[operator]
