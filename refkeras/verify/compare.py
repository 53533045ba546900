"""Lay two runs of one case side by side, quantity by quantity."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from refkeras.verify.engines import Result
from refkeras.verify.scenarios import EPOCHS, Case

__all__ = ["HISTORY", "Row", "compare", "gradient_roundings", "strip_colours"]

HISTORY = {"float32": 1e-5, "float64": 1e-10}
"""How far two Histories may be apart, relative to the value."""

_UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}
# The farthest one update moves a weight, in learning rates: (1 - beta_1) / sqrt(1 - beta_2)
# for Adam, 1 / sqrt(1 - rho) for RMSprop, both with Keras's defaults.
_LONGEST_STEP = {"Adam": 0.1 / math.sqrt(0.001), "RMSprop": 1 / math.sqrt(0.1)}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity of one case in one precision.

    Attributes:
        difference: the largest, relative to the value (History) or to the
            tensor's largest entry (gradients and weights); NaN where the two
            cannot be laid side by side. For printed lines, in units of the last
            printed digit.
        ulps: the same in units of last place of that value or entry. For
            printed lines, how many numbers differ.
        allowed: the largest difference that agrees.
        note: what else there is to say.
    """

    case: str
    engine: str
    dtype: str
    quantity: str
    difference: float
    ulps: float
    allowed: float
    note: str = ""

    @property
    def agrees(self) -> bool:
        return self.difference <= self.allowed


def compare(case: Case, engine: str, dtype: str, ours: Result, theirs: Result) -> list[Row]:
    """Return the rows of a case: History, first gradients, initial and final weights, printed lines."""
    here, there = ours.seen[case.name], theirs.seen[case.name]

    def row(quantity: str, difference: float, ulps: float, allowed: float, note: str = "") -> Row:
        return Row(
            case=case.name,
            engine=engine,
            dtype=dtype,
            quantity=quantity,
            difference=difference,
            ulps=ulps,
            allowed=allowed,
            note=note,
        )

    rows = []
    keys = list(there["history"])
    if list(here["history"]) != keys:
        rows.append(row("History's keys", math.nan, math.nan, 0, f"{list(here['history'])} here, {keys} there"))
    for key in keys:
        a, b = (np.array(run["history"].get(key, []), dtype=dtype) for run in (here, there))
        rows.append(row(key, *_apart(a, b, np.maximum(abs(a), abs(b)) if a.shape == b.shape else None), HISTORY[dtype]))
    rows += [row(*entry) for entry in _tensors(case, dtype, ours.arrays, theirs.arrays)]
    rows.append(row("printed lines", *_printed(here["printed"], there["printed"])))
    return rows


def gradient_roundings(case: Case, shapes: list[tuple[int, ...]]) -> int:
    """Count the roundings on the longest way to a gradient.

    Every kernel (rows, columns) is an inner product of `rows` terms on the way
    forward and of `columns` terms on the way back, each followed by at most 8
    more operations (bias, activation and what the result is multiplied with);
    a recurrent model walks that way once for every time step. Last, the batch
    and the time steps are summed.
    """
    kernels = [shape for shape in shapes if len(shape) == 2]
    steps = case.time_steps
    return steps * sum(rows + columns + 16 for rows, columns in kernels) + case.fit["batch_size"] * steps


def _tensors(case: Case, dtype: str, ours: dict, theirs: dict) -> list[tuple[str, float, float, float]]:
    """Return `(quantity, difference, ulps, allowed)` of the gradients and weights.

    Gradients: each side rounds `gradient_roundings` times, so two sides are at
    most twice as many unit roundoffs apart, of the tensor's largest entry.
    Final weights: each of n updates rounds the weight once, and is itself a
    step of at most `_LONGEST_STEP` learning rates that is as exact as the
    gradient; that small differences in the weights do not grow is assumed.
    Initial weights: bit for bit, but for an LSTM's orthogonal matrix, which comes
    out of a QR decomposition (rows times columns roundings).
    """
    u = _UNIT_ROUNDOFF[dtype]
    names = {
        what: [f"{case.name}/{what}/{label}" for label in case.weights] for what in ("gradient", "initial", "final")
    }
    roundings = gradient_roundings(case, [theirs[name].shape for name in names["initial"]])
    step = _LONGEST_STEP[case.optimizer] * case.learning_rate
    rows: list[tuple[str, float, float, float]] = []
    drawn = [name for name in names["initial"] if not name.endswith("recurrent_kernel")]
    rows.append(("initial weights", *_worst([_apart_normwise(ours[name], theirs[name]) for name in drawn]), 0))
    for label, name in zip(case.weights, names["initial"], strict=True):
        if name not in drawn:
            rows.append((f"initial {label}", *_apart_normwise(ours[name], theirs[name]), 2 * theirs[name].size * u))
    for label, name in zip(case.weights, names["gradient"], strict=True):
        rows.append((f"gradient {label}", *_apart_normwise(ours[name], theirs[name]), 2 * roundings * u))
    for label, name in zip(case.weights, names["final"], strict=True):
        largest = float(np.abs(theirs[name]).max()) or 1.0
        allowed = 2 * _updates(case) * u * (1 + roundings * step / largest)
        rows.append((f"final {label}", *_apart_normwise(ours[name], theirs[name]), allowed))
    return rows


def _worst(found: list[tuple[float, float]]) -> tuple[float, float]:
    return max(found, key=lambda entry: math.inf if math.isnan(entry[0]) else entry[0])


def _updates(case: Case) -> int:
    rows = len(case.data(np.random.default_rng(0))["x"])
    rows = int(rows * (1 - case.fit.get("validation_split", 0.0)))
    return EPOCHS * math.ceil(rows / case.fit["batch_size"])


def _apart_normwise(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    if a.shape != b.shape or a.dtype != b.dtype:
        return math.nan, math.nan
    return _apart(a, b, np.broadcast_to(np.abs(b).max(), b.shape))


def _apart(a: np.ndarray, b: np.ndarray, scale: np.ndarray | None) -> tuple[float, float]:
    """Return the largest difference relative to `scale`, and in units of last place of `scale`."""
    if scale is None or not (np.isfinite(a) & np.isfinite(b)).all():
        return math.nan, math.nan
    apart = np.abs(a.astype("float64") - b.astype("float64"))
    relative = np.divide(apart, scale, out=np.zeros_like(apart), where=apart > 0)
    return float(relative.max(initial=0)), float((apart / np.spacing(scale)).max(initial=0))


_TIME = re.compile(r"(ETA: )?\b\d+(:\d\d)*(s|ms|us)(/step|/epoch|/sample)?\b")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def _printed(ours: str, theirs: str) -> tuple[float, float, float, str]:
    """Compare what was printed but for the timings.

    Returns:
        the largest difference in units of the last printed digit, how many
        numbers differ, the unit that rounding may move, and a note.
    """
    a, b = _lines(ours), _lines(theirs)
    form_a, form_b = ([_NUMBER.sub(_form, line) for line in lines] for lines in (a, b))
    if form_a != form_b:
        apart = (i for i, (x, y) in enumerate(zip(form_a, form_b, strict=False)) if x != y)
        first = next(apart, min(len(a), len(b)))
        here, there = (lines[first] if first < len(lines) else "no more lines" for lines in (a, b))
        return math.nan, math.nan, 0, f"line {first + 1}: {here!r} here, {there!r} there"
    numbers_a, numbers_b = (_NUMBER.findall("\n".join(lines)) for lines in (a, b))
    pairs = list(zip(numbers_a, numbers_b, strict=True))
    moved = [_last_digits(x, y) for x, y in pairs if x != y]
    note = f"{len(b)} lines, {len(pairs)} numbers, {len(moved)} differ in the last digit"
    return float(max(moved, default=0)), float(len(moved)), 1, note


def _lines(text: str) -> list[str]:
    """Return the lines as they stand on the screen at the end, without timings and colours."""
    return [_TIME.sub("<time>", strip_colours(line.rpartition("\r")[2])).rstrip() for line in text.split("\n")]


def strip_colours(line: str) -> str:
    """Return a line without the escape sequences that colour it, and without backspaces."""
    return re.sub("\x1b\\[[0-9;]*m|\b", "", line)


def _form(number: re.Match[str]) -> str:
    """Return how a number is written: how many decimals, and whether with an exponent."""
    mantissa, exponent, _ = number[0].partition("e")
    return f"<{len(mantissa.partition('.')[2])} decimals{exponent}>"


def _last_digits(x: str, y: str) -> int:
    """Return by how many units of the last printed digit two numbers differ."""
    unit = 10.0 ** (max(_exponent(x), _exponent(y)))
    return round(abs(float(x) - float(y)) / unit)


def _exponent(number: str) -> int:
    """Return the exponent of a printed number's last digit."""
    mantissa, _, exponent = number.partition("e")
    return int(exponent or 0) - len(mantissa.partition(".")[2])
