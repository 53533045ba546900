"""Run the cases on the Kerases of this process: `python -m parity_tests.soundness.worker FILE [SHARE]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.engines import BACKEND, ENGINES, NoGradient
from parity_tests.soundness.cases import CASES, TRAININGS
from parity_tests.soundness.names import OTHER_FORMULAS
from refkeras import precision, semantics

__all__ = ["run"]


def run(
    engine: str, share: float = 1.0, seed: int = 0, trainings: bool = True
) -> tuple[dict[str, list[np.ndarray]], list[str]]:
    """Return deviations in sigma by what was compared, and a line for each case with one beyond the alarm.

    Args:
        engine: name of a semantics preset whose Keras this process has.
        share: how many of the repetitions of each case; at least one each.
        seed: of the generator.
        trainings: whether to make whole training runs too.
    """
    found: dict[str, list[np.ndarray]] = {}
    alarms = []
    for number, (case, repeats) in enumerate(CASES if trainings else CASES[: -len(TRAININGS)]):
        for repeat in range(max(1, round(share * repeats))):
            rng = np.random.default_rng([seed, number, repeat])
            with semantics.use(engine), np.errstate(all="ignore"):
                for what, bar, value in case(ENGINES[engine], rng):
                    if isinstance(value, NoGradient):
                        continue
                    compared = precision.compare(bar, value)
                    known = engine != "tf_keras" and (BACKEND, what) in OTHER_FORMULAS
                    found.setdefault(f"* {what}" if known else what, []).append(compared.sigmas.ravel())
                    if not compared.agrees:
                        alarms.append(_line(what, bar, np.asarray(value), compared))
    return found, alarms


def _line(what: str, bar: Any, value: np.ndarray, compared: Any) -> str:
    at = compared.worst
    return (
        f"{what}: {compared.largest:.1f} sigma at {at}: {float(value[at])!r} in the engine, {float(bar.value[at])!r} ± "
        f"{float(bar.sigma[at]):.2e} here; {np.count_nonzero(compared.sigmas > precision.ALARM)} of {value.size} so"
    )


def main() -> None:
    path, share = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    result = {}
    for engine in ENGINES:
        found, alarms = run(engine, share)
        result[engine] = {"sigmas": {k: np.concatenate(v).tolist() for k, v in found.items()}, "alarms": alarms}
    Path(path).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
