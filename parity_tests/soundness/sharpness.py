"""Whether error bars are narrow enough to be of use: `make sharpness`.

    python -m parity_tests.soundness.sharpness

On the Keras of this process (`KERAS_BACKEND`): the median deviation must be above 0.1 sigma, for every
operation and for whole models, LSTMs of up to 500 steps and 512 units, and training runs of 20 epochs. And a
relative error is injected into each of the engine's arrays, so large that it moves the median element by so
many sigma: 8 must always raise the alarm, 4 mostly. Exits with 1 if not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from parity_tests.engines import ENGINES, KERAS_3, keras, numpy, tensor
from parity_tests.soundness.cases import CASES, build_both
from refkeras import precision, semantics

__all__ = ["injected", "measure"]

#: Steps, units, batch.
LSTMS = ((50, 64, 8), (500, 16, 8), (200, 128, 4), (500, 512, 1))
#: Smaller arrays do not tell how deviations are distributed.
ENOUGH = 30


def lstm(steps: int, units: int, batch: int) -> tuple[Any, np.ndarray]:
    """An LSTM's whole output sequence, with bars and from the engine."""
    rng = np.random.default_rng([steps, units])

    def build(K: Any) -> Any:
        return K.Sequential([K.Input((steps, 10)), K.layers.LSTM(units, return_sequences=True)])

    ours, theirs = build_both(keras, build, rng, 1.5)
    x = rng.normal(size=(batch, steps, 10)).astype("float32")
    return precision.evaluate(ours, x), numpy(theirs(tensor(x)))


def injected(bar: Any, value: np.ndarray, sigmas: float) -> bool:
    """Whether a relative error that moves the median element by so many sigma is caught."""
    relative = np.median((bar.sigma / np.abs(bar.value))[(bar.sigma > 0) & (bar.value != 0)])
    return not precision.compare(bar, value * (1 + sigmas * relative)).agrees


def generated() -> Iterator[tuple[str, Any, np.ndarray]]:
    """One repetition of every case of the soundness campaign."""
    for number, (case, _) in enumerate(CASES):
        rng = np.random.default_rng([1, number, 0])
        with semantics.use(KERAS_3), np.errstate(all="ignore"):
            for what, bar, value, *_ in case(ENGINES[KERAS_3], rng):
                yield what, bar, np.asarray(value)


def measure(items: Iterator[tuple[str, Any, np.ndarray]]) -> tuple[dict[str, float], dict[float, list[bool]]]:
    """Return the median deviation by what was compared, and for each injected error what of it was caught.

    What a rounding error cannot reach (most of a relu's values are exact) is no part of either.
    """
    deviations: dict[str, list[np.ndarray]] = {}
    caught: dict[float, list[bool]] = {8.0: [], 4.0: []}
    for what, bar, value in items:
        uncertain = bar.sigma > 0
        if np.count_nonzero(uncertain) < ENOUGH:
            continue
        deviations.setdefault(what, []).append(precision.compare(bar, value).sigmas[uncertain])
        for sigmas, results in caught.items():
            results.append(injected(bar, value, sigmas))
    return {what: float(np.median(np.concatenate(s))) for what, s in deviations.items()}, caught


def main() -> int:
    medians, caught = measure(generated())
    print(f"{KERAS_3}: median deviation / sigma")
    for what, median in sorted(medians.items(), key=lambda item: item[0].lower()):
        print(f"  {what:<48}{median:8.2f}")
    for steps, units, batch in LSTMS:
        start = time.perf_counter()
        bar, value = lstm(steps, units, batch)
        found, also = measure(iter([(f"LSTM, {steps} steps, {units} units", bar, value)]))
        medians |= found
        for sigmas, results in also.items():
            caught[sigmas] += results
        ((what, median),) = found.items()
        largest = precision.compare(bar, value).largest
        print(f"  {what:<48}{median:8.2f}   largest {largest:.2f}   ({time.perf_counter() - start:.0f} s)")
    blunt = [what for what, median in medians.items() if median <= 0.1]
    for sigmas, results in caught.items():
        print(f"errors that move the median element by {sigmas:.0f} sigma: caught {sum(results)} of {len(results)}")
    sharp = not blunt and all(caught[8.0]) and np.mean(caught[4.0]) > 0.5
    print("Sharp." if sharp else f"Not sharp: {blunt}")
    return 0 if sharp else 1


if __name__ == "__main__":
    sys.exit(main())
