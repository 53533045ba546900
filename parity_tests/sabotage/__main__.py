"""Make each mistake in a Keras, ask `refkeras verify MODEL`, and print what it says.

    python -m parity_tests.sabotage [--engine NAME] ...

Exit status 1 when a mistake is not found where it was made, and there alone, or a Keras without one is blamed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from parity_tests.sabotage import MISTAKES, python_with, save_model
from refkeras.verify.model.command import verify_model
from refkeras.verify.model.main import ENGINES, engine_named
from refkeras.verify.model.table import name_of, number

LSTMS = ["first_lstm", "second_lstm"]
LAYERS = [*LSTMS, "hidden", "answer"]
#: Mistake → the stage in which it shows first, and the layers that it reaches there; the first of them is to be named.
REACHED = {
    "gate": ("layer", LSTMS),
    "epsilon": ("training", LAYERS),
    "tf32": ("layer", LAYERS),
    "softmax": ("layer", ["answer"]),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m parity_tests.sabotage", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--engine",
        action="append",
        choices=ENGINES[:4],
        help="ask this one (may be repeated; default: all that are installed)",
    )
    names = parser.parse_args().engine or [e for e in ENGINES[:4] if find_spec(e.partition("@")[2]) is not None]
    wrong = asked = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        save_model(file)
        for name in names:
            cases = [("", "float32"), *((mistake, "float32") for mistake in MISTAKES), ("tf32", "tf32")]
            for mistake, precision in cases:
                if name == "keras@numpy" and mistake == "epsilon":
                    continue  # it has no training
                asked += 1
                wrong += _show(file, name, mistake, precision, Path(folder))
    print(f"{asked - wrong} of {asked} as it should be: a mistake in the layers that it reaches, and no other blame.")
    return 1 if wrong else 0


def _show(file: Path, name: str, mistake: str, precision: str, folder: Path) -> bool:
    """Print what is found; return whether that is wrong."""
    engine = engine_named(name, python_with(mistake, folder))
    train = 0 if name == "keras@numpy" else 1
    (outcome,) = verify_model(file, [engine], precision=precision, train=train).outcomes
    culprit = outcome.culprit
    meaning = MISTAKES[mistake].__doc__.strip() if mistake else "No mistake."
    print(f"{name}, judged as {precision}: {meaning}")
    if culprit is None:
        worst = max(finding.sigmas for finding in outcome.findings)
        print(f"  {len(outcome.findings)} quantities agree, the farthest is {number(worst)} sigma away")
        found = None
    else:
        step = "" if culprit.step is None else f", time step {culprit.step + 1}"
        layers = list(dict.fromkeys(f.place for f in outcome.findings if f.stage == culprit.stage and not f.agrees))
        found = culprit.stage, layers
        print(f"  found in {name_of(culprit)}: {culprit.quantity}{step}, up to {number(culprit.sigmas)} sigma away")
        print(f"  layers beyond their bars there: {', '.join(layers)}")
    expected = REACHED[mistake] if mistake and precision == "float32" else None
    wrong = found != expected or (culprit is not None and culprit.place != layers[0])
    if wrong:
        print(f"  WRONG: expected {'no difference' if expected is None else ', '.join(expected[1])}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
