"""What `import refkeras` adds to `import numpy`, and what all of its parts add: medians over fresh processes.

python benchmarks/import_time.py [--runs 20]
"""

import argparse
import os
import statistics
import subprocess
import sys

PARTS = "Model layers losses metrics optimizers callbacks initializers regularizers utils random saving"
STATEMENTS = {
    "import numpy": "import numpy",
    "import refkeras, after NumPy": "import refkeras",
    "refkeras's parts, when they are first used": f"for part in {PARTS!r}.split(): getattr(refkeras, part)",
}


def measure() -> list[float]:
    """Return the milliseconds that each statement takes, one after the other in a fresh process."""
    timed = "".join(f"start = clock()\n{code}\nprint(clock() - start)\n" for code in STATEMENTS.values())
    code = f"from time import perf_counter as clock\n{timed}"
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=around).stdout
    return [1000 * float(line) for line in said.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    measure()  # writes the bytecode
    for name, times in zip(STATEMENTS, zip(*(measure() for _ in range(runs)), strict=True), strict=True):
        print(f"{name:42} {statistics.median(times):6.1f} ms   ({min(times):.1f} to {max(times):.1f} in {runs} runs)")


if __name__ == "__main__":
    main()
