"""How the universal functions work on numbers with error bars.

Each rule states the derivatives, how large the rounding error of the result is, and how far a worst case
of the operands can reach. Every operation then goes the same way: value; deviations times derivatives,
summed; noise of the size of the rounding error; worst cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras.precision import edges
from refkeras.precision.array import BarArray, parts_of
from refkeras.precision.decision import Decision
from refkeras.precision.machine import Machine
from refkeras.precision.rounding import LARGEST, is_power, power_below, signs, spread
from refkeras.precision.store import aligned

__all__ = ["Operand", "apply", "finish"]

Array = np.ndarray
#: The unit roundoff of the values themselves, beside which nothing can be seen to be exact.
_OWN = 2.0**-53
#: An error that is no larger beside what it is an error of can be followed by the derivative alone.
_SMALL = 2.0**-7
_HALF = 3.0**-0.5  # the standard deviation of a number spread evenly over ± 1


class Operand:
    """One side of an operation: values, deviations and bounds (None where exact)."""

    __slots__ = ("bound", "deviations", "near", "value")

    def __init__(self, item: Any, machine: Machine) -> None:
        self.near = item.near if isinstance(item, Decision) else None
        self.value, self.deviations, self.bound = parts_of(item, machine)

    @property
    def exact(self) -> bool:
        return self.deviations is None

    def worst(self) -> Any:
        return 0.0 if self.bound is None else self.bound


@dataclass(frozen=True)
class Rule:
    """What is to be known of a function y = f(a, …).

    Attributes:
        slopes: `(y, *values)` to the derivative with respect to each operand; None for 1.
        rounding: `(machine, y, *operands)` to the standard deviation and the bound of the result's rounding
            error, in half units in the last place; arrays, numbers or 0 for none.
        reach: `(y, *operands)` to the bound that the operands' bounds make; None: the function is monotone.
        end: `(last operand, y, its slope)` to the slope for errors that are not small beside the distance from where
            the function ends, and to a further deviation, or None for none; None where there is no such place.
    """

    slopes: Callable[..., tuple[Any, ...]]
    rounding: Callable[..., tuple[Any, Any]]
    reach: Callable[..., Any] | None = None
    end: Callable[[Operand, Any, Any], tuple[Any, Any]] | None = None


# -- rounding ------------------------------------------------------------------------------


def _correctly(machine: Machine, y: Array, *operands: Operand) -> tuple[Any, Any]:
    """Correctly rounded; exactly representable results of exact operands are exact."""
    if all(x.exact for x in operands) and machine.storage > _OWN:
        rounds = machine.round(y) != y
        return _HALF * rounds, 1.0 * rounds
    return _HALF, 1.0


def _sum_rounds(machine: Machine, y: Array, a: Operand, b: Operand) -> tuple[Any, Any]:
    """A sum has no rounding error if it needs no finer digits than its terms have, nor one larger than either."""
    if a.exact and b.exact and machine.storage > _OWN:
        return _correctly(machine, y, a, b)
    if a.value is b.value:  # x + x is twice x, and x − x nothing
        return 0.0, 0.0
    size = power_below(y)
    terms = np.minimum(np.abs(a.value), np.abs(b.value))
    finest = np.minimum(power_below(np.asarray(a.value, np.float64)), power_below(np.asarray(b.value, np.float64)))
    swallowed = np.minimum(_HALF, terms / (machine.storage * size))
    return np.where(size > finest, swallowed, 0.0), 1.0


def _product_rounds(machine: Machine, y: Array, a: Operand, b: Operand) -> tuple[Any, Any]:
    """A product with a power of two has no rounding error."""
    if a.exact and b.exact and machine.storage > _OWN:
        return _correctly(machine, y, a, b)
    for x in (a, b):
        if x.exact and (np.ndim(x.value) == 0 or x.value.size < y.size or x.value.dtype.kind != "f"):
            rounds = ~is_power(np.asarray(x.value, np.float64))
            return _HALF * rounds, 1.0 * rounds
    return _HALF, 1.0


def _quotient_rounds(machine: Machine, y: Array, a: Operand, b: Operand) -> tuple[Any, Any]:
    if a.exact and b.exact and machine.storage > _OWN and np.all(machine.round(y) == y):
        return 0.0, 0.0
    rounds = ~is_power(np.asarray(b.value, np.float64)) if b.exact else 1.0
    return 2 * machine.divide.rms * rounds, 2 * machine.divide.largest * rounds


def _kernel(name: str) -> Callable[..., tuple[Any, Any]]:
    def rounding(machine: Machine, y: Array, *operands: Operand) -> tuple[Any, Any]:
        ulps = getattr(machine, name)
        if name in ("exp", "power"):  # e⁰ = 1 and x¹ = x in every engine
            at = operands[0].value != 0 if name == "exp" else operands[1].value != 1
            return 2 * ulps.rms * at, 2 * ulps.largest * at
        return 2 * ulps.rms, 2 * ulps.largest

    return rounding


def _none(machine: Machine, y: Array, *operands: Operand) -> tuple[Any, Any]:
    return 0.0, 0.0


# -- rules -----------------------------------------------------------------------------------


def _reach_product(y: Array, a: Operand, b: Operand) -> Any:
    A, B = a.worst(), b.worst()
    return np.abs(a.value) * B + np.abs(b.value) * A + A * B


def _reach_quotient(y: Array, a: Operand, b: Operand) -> Any:
    A, B, divisor = a.worst(), b.worst(), np.abs(b.value)
    least = divisor - B
    return np.where(least > 0, (divisor * A + np.abs(a.value) * B) / (divisor * np.where(least > 0, least, 1)), np.inf)


def _reach_sum(y: Array, a: Operand, b: Operand) -> Any:
    return a.worst() + b.worst()


def _reach_same(y: Array, a: Operand, *others: Operand) -> Any:
    return a.worst()


def _reach_larger(y: Array, a: Operand, b: Operand) -> Any:
    return np.maximum(a.worst(), b.worst())


def _reach_square(y: Array, a: Operand) -> Any:
    return a.worst() * (2 * np.abs(a.value) + a.worst())


def _larger(sign: int) -> Callable[..., tuple[Any, Any]]:
    def slopes(y: Array, a: Array, b: Array) -> tuple[Any, Any]:
        first = sign * (a - b) > 0
        tie = (a == b) * 0.5
        return first + tie, ~first - tie

    return slopes


def _pole(distance: Callable[[Any], Any]) -> Callable[[Operand, Any, Any], tuple[Any, Any]]:
    """For 1/x and log x, whose secants grow without end.

    With e the largest error that is no alarm, and d the distance from the pole, 1 / (1 − e/d) times the slope is no
    less than the secants from where x is to where it may be. Where e ≥ d nothing can be said.
    """

    def end(x: Operand, y: Any, slope: Any) -> tuple[Any, Any]:
        d = distance(x.value)
        with np.errstate(all="ignore"):
            e = edges.ALARM * edges.sigma(x)
            if not (e > _SMALL * d).any():  # nearly always
                return slope, None
            lost = (e >= d) & (e > 0)
            return slope / np.where(lost | (e == 0), 1.0, 1.0 - e / d), np.where(lost, LARGEST, 0.0)

    return end


def _root(x: Operand, y: Any, slope: Any) -> tuple[Any, Any]:
    """For √x, which ends at 0: a slope that is no less than the secants to x − e, or to 0, and to x + e.

    At 0 there is none: the root may be √e. Of what is negative, and might not be, nothing can be said.
    """
    a = x.value
    with np.errstate(all="ignore"):
        e = edges.ALARM * edges.sigma(x)
        if not (e > _SMALL * a).any():
            return slope, None
        part = np.where(e > 0, e / a, 1.0)
        down, up = 1.0 - np.sqrt(1.0 - np.minimum(part, 1.0)), np.sqrt(1.0 + part) - 1.0
        secant = 2.0 * np.maximum(down, up) / part
        at_end = np.where(a == 0, np.sqrt(e) / edges.ALARM, np.where((a < 0) & (a + e >= 0), LARGEST, 0.0))
        return slope * np.where(a > 0, secant, 1.0), at_end


def _slopes_of_power(y: Array, a: Array, b: Array) -> tuple[Any, Any]:
    with np.errstate(all="ignore"):
        return b * a ** (b - 1), y * np.log(a)


RULES: dict[np.ufunc, Rule] = {
    np.add: Rule(lambda y, a, b: (None, None), _sum_rounds, _reach_sum),
    np.subtract: Rule(lambda y, a, b: (None, -1.0), _sum_rounds, _reach_sum),
    np.multiply: Rule(lambda y, a, b: (b, a), _product_rounds, _reach_product),
    np.divide: Rule(lambda y, a, b: (1 / b, -y / b), _quotient_rounds, _reach_quotient, end=_pole(np.abs)),
    np.reciprocal: Rule(lambda y, a: (-y * y,), _kernel("reciprocal"), end=_pole(np.abs)),  # of 1 as well: see Machine
    np.negative: Rule(lambda y, a: (-1.0,), _none, _reach_same),
    np.positive: Rule(lambda y, a: (None,), _none, _reach_same),
    np.absolute: Rule(lambda y, a: (np.sign(a),), _none, _reach_same),
    np.square: Rule(lambda y, a: (2 * a,), _correctly, _reach_square),
    np.maximum: Rule(_larger(1), _none, _reach_larger),
    np.minimum: Rule(_larger(-1), _none, _reach_larger),
    np.exp: Rule(lambda y, a: (y,), _kernel("exp")),
    np.expm1: Rule(lambda y, a: (y + 1,), _kernel("expm1")),
    np.log: Rule(lambda y, a: (1 / a,), _kernel("log"), end=_pole(np.abs)),
    np.log1p: Rule(lambda y, a: (1 / (1 + a),), _kernel("log1p"), end=_pole(lambda a: np.abs(1 + a))),
    np.tanh: Rule(lambda y, a: (1 - y * y,), _kernel("tanh")),
    np.sqrt: Rule(lambda y, a: (0.5 / y,), _kernel("sqrt"), end=_root),
    np.power: Rule(_slopes_of_power, _kernel("power")),
    np.sin: Rule(lambda y, a: (np.cos(a),), _kernel("sin"), _reach_same),
    np.cos: Rule(lambda y, a: (-np.sin(a),), _kernel("cos"), _reach_same),
}
_COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
_OF_VALUES = {
    *(np.isnan, np.isfinite, np.isinf, np.signbit, np.logical_not, np.logical_and, np.logical_or),
}


def apply(machine: Machine, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Carry out a ufunc on operands of which some have bars.

    Raises:
        TypeError: a function, method or argument that has no rule, or a plain array to write into.
    """
    from refkeras.precision import sums

    (out,) = kwargs.pop("out", None) or (None,)
    if out is not None and not isinstance(out, BarArray):
        raise TypeError(
            f"numpy.{ufunc.__name__} would write numbers with error bars into a plain array, which cannot hold the "
            "bars. Make the buffer with numpy.empty_like(x) of an x that has bars (see refkeras.precision.exact)."
        )
    if method == "reduce":
        return sums.reduce(machine, ufunc, inputs, kwargs, out)
    if method == "accumulate" and ufunc is np.add:
        return sums.accumulate(machine, *inputs, **kwargs)
    if method != "__call__" or (set(kwargs) - {"casting"}):
        raise TypeError(f"numpy.{ufunc.__name__}.{method} with {sorted(kwargs)} is not known to numbers with bars.")
    if ufunc is np.matmul:
        return sums.matmul(machine, inputs[0], inputs[1], out)
    operands = [Operand(item, machine) for item in inputs]
    if ufunc in RULES:
        return elementwise(machine, ufunc, operands, out)
    values = [x.value for x in operands]
    if ufunc in _COMPARISONS:
        return compare(ufunc, *operands)
    if ufunc is np.sign:
        compare(np.greater, operands[0], Operand(0.0, machine))
        return BarArray.made(np.sign(values[0]), None, operands[0].bound, machine)
    if ufunc in (np.floor, np.ceil):
        near = edges.near(operands[0], Operand(np.rint(values[0]), machine))
        edges.count(near)
        return BarArray.made(ufunc(values[0]), None, operands[0].bound, machine)
    if ufunc in _OF_VALUES:
        return ufunc(*values)
    raise TypeError(f"numpy.{ufunc.__name__} is not known to numbers with error bars.")


def elementwise(machine: Machine, ufunc: np.ufunc, operands: list[Operand], out: BarArray | None) -> BarArray:
    rule = RULES[ufunc]
    values = [x.value for x in operands]
    y = np.asarray(ufunc(*values), np.float64)
    slopes: Any = rule.slopes(y, *values)
    if ufunc in (np.maximum, np.minimum):
        slopes = _near_a_tie(operands, slopes)
    further = None
    if rule.end is not None and operands[-1].deviations is not None:
        *others, slope = slopes
        slope, further = rule.end(operands[-1], y, slope)
        slopes = (*others, slope)
    deviations = None
    for x, slope in zip(operands, slopes, strict=True):
        if x.deviations is not None:
            part = aligned(x.deviations, y.ndim)
            if slope is not None:
                part = part * _finite(slope)
            deviations = part if deviations is None else deviations + part
    if deviations is not None and ufunc in (np.multiply, np.square):
        deviations = _with_product(deviations, y, operands)
        deviations = _with_unknown(deviations, y, operands)
    if further is not None:
        deviations = deviations + signs(y.shape) * further
    rms, largest = rule.rounding(machine, y, *operands)
    if deviations is not None and isinstance(rms, np.ndarray) and ufunc in (np.add, np.subtract):
        deviations = _with_sums_that_may_round(deviations, rms == 0, machine, y, *operands)
    for x, other in zip(operands, reversed(operands), strict=True):
        if x.near is not None and x is not other:  # 0 or 1, and it is not certain which
            unknown = signs(y.shape) * np.where(x.near, np.abs(other.value), 0.0)
            deviations = unknown if deviations is None else deviations + unknown
            largest = np.where(x.near, np.inf, largest)
    bound = _reached(rule, ufunc, y, operands) if any(x.bound is not None for x in operands) else None
    least = machine.least_exp if ufunc is np.exp else machine.smallest
    return finish(machine, y, deviations, rms, bound, largest, out, least)


def finish(
    machine: Machine,
    y: Array,
    deviations: Array | None,
    rms: Any,
    bound: Any,
    largest: Any,
    out: BarArray | None,
    least: float | None = None,
) -> BarArray:
    """Add the rounding error of the result, `rms` half units in the last place, and put it all into an array.

    Args:
        machine: whose error it is.
        y: the values.
        deviations: what came of the operands', or None for none.
        rms, largest: standard deviation and bound of the rounding error.
        bound: what came of the operands' bounds, or None where nothing is guaranteed.
        out: where to write, or None.
        least: results below it lose digits, or are flushed to zero; the machine's smallest number by default.
    """
    if rms.any() if isinstance(rms, np.ndarray) else rms:
        noise = rms * (machine.storage * power_below(y))
        if not np.isfinite(noise).all():
            noise = np.where(np.isfinite(noise), noise, 0)
        noise = signs(y.shape) * noise
        deviations = noise if deviations is None else np.add(deviations, noise, out=noise)
    size = np.abs(y)
    tiny = size < (machine.smallest if least is None else least)
    if tiny.any() and (tiny := tiny & (y != 0)).any():
        if machine.subnormal:
            tiny = tiny & np.asarray(rms != 0)
        lost = machine.subnormal / 2 or size  # kept with fewer digits, or flushed to zero
        noise = signs(y.shape) * np.where(tiny, lost * (_HALF if machine.subnormal else 1.0), 0.0)
        deviations = noise if deviations is None else np.add(deviations, noise, out=noise)
        bound = None if bound is None else bound + np.where(tiny, lost, 0.0)
    if bound is not None:
        bound = bound + largest * machine.storage * power_below(size + bound)
        bound = np.where(np.isnan(bound), np.inf, bound)
    if (size > machine.overflow / 2).any():  # hardly ever
        if bound is not None:  # it may be infinite
            bound = np.where((size < machine.overflow) & (size + bound >= machine.overflow), np.inf, bound)
        y, deviations = _with_overflow(machine, y, deviations)
    if out is not None:
        return out.fill(y, deviations, bound)
    if deviations is not None and deviations.shape[1:] != y.shape:
        deviations = np.broadcast_to(deviations, (deviations.shape[0], *y.shape))
    return BarArray.made(y, deviations, bound, machine)


def _with_overflow(machine: Machine, y: Array, deviations: Array | None) -> tuple[Array, Array | None]:
    """What rounds beyond the machine's largest number is infinite; of what may, or may not, nothing can be said."""
    over = (np.abs(y) >= machine.overflow) & np.isfinite(y)
    if deviations is not None:
        own = np.broadcast_to(deviations, (len(deviations), *y.shape))
        sigma = spread(own)
        unknown = edges.unknown(y, sigma)
        near = ~unknown & (np.abs(np.abs(y) - machine.overflow) <= edges.ALARM * sigma)
        deviations = np.where(over & ~unknown, 0.0, own)
        if near.any():
            deviations = deviations + signs(y.shape) * np.where(near, LARGEST, 0.0)
    return np.where(over, np.copysign(np.inf, y), y), deviations


def _finite(slope: Any) -> Any:
    """Derivatives without ∞ and NaN, which would make a NaN of a deviation of zero."""
    return slope if np.isfinite(slope).all() else np.where(np.isfinite(slope), slope, 0.0)


def _with_sums_that_may_round(
    deviations: Array, exact: Array, machine: Machine, y: Array, a: Operand, b: Operand
) -> Array:
    """Sums have no rounding error for certain if they are far enough from the next power of two.

    A sum may be as large as that, or a term as small as the one below, within the alarm: then it rounds in the engine,
    as the larger sum does. With a term that is 0 for certain it is the other one, and does not.
    """
    if not exact.any():
        return deviations

    def edge(value: Any, deviations: Array | None, sign: int) -> Array:
        """The power of two below the largest (or smallest, for a sign of -1) that a value may be."""
        size = np.abs(np.broadcast_to(np.asarray(value, np.float64), y.shape))[exact]
        if deviations is not None:
            own = np.broadcast_to(aligned(deviations, y.ndim), (len(deviations), *y.shape))[:, exact]
            size = np.maximum(size + sign * edges.ALARM * np.sqrt(np.einsum("ij,ij->j", own, own) / len(own)), 0.0)
        return power_below(size)

    def nothing(x: Operand) -> Any:
        none = np.equal(x.value, 0)
        return none if x.deviations is None else none & ~x.deviations.any(axis=0)

    with np.errstate(all="ignore"):
        largest = edge(y, deviations, 1)
        finest = np.minimum(edge(a.value, a.deviations, -1), edge(b.value, b.deviations, -1))
    rounds = (largest > finest) & np.isfinite(largest)
    if not rounds.any():
        return deviations
    rounds &= ~np.broadcast_to(nothing(a) | nothing(b), y.shape)[exact]
    further = np.zeros(y.shape)
    further[exact] = np.where(rounds, _HALF * machine.storage * largest, 0.0)
    return deviations + signs(y.shape) * further


def _with_product(deviations: Array, y: Array, operands: list[Operand]) -> Array:
    """Where a product is 0, its derivatives may be, too, and all that is left of its error is that of both factors."""
    first, second = operands[0], operands[-1]
    if first.deviations is None or second.deviations is None or not (none := y == 0).any():
        return deviations
    return deviations + np.where(none, aligned(first.deviations, y.ndim) * aligned(second.deviations, y.ndim), 0.0)


def _with_unknown(deviations: Array, y: Array, operands: list[Operand]) -> Array:
    """Nothing times what may be infinite may be NaN: of that nothing can be said, either."""
    for x, other in zip(operands, reversed(operands), strict=True):
        none = np.equal(other.value, 0)
        if none.any() and (unknown := edges.lost(x)) is not None:
            deviations = deviations + signs(y.shape) * np.where(none & unknown, LARGEST, 0.0)
    return deviations


def _near_a_tie(operands: list[Operand], slopes: tuple[Any, Any]) -> tuple[Any, Any]:
    """Where either operand may be the larger one, take the error of the one whose bar is wider."""
    a, b = operands
    near = edges.near(a, b)
    if not near.any():
        return slopes
    edges.count(near)
    wider = edges.sigma(a) >= edges.sigma(b)
    return np.where(near, wider, slopes[0]), np.where(near, ~wider, slopes[1])


def _reached(rule: Rule, ufunc: np.ufunc, y: Array, operands: list[Operand]) -> Any:
    if rule.reach is not None:
        return rule.reach(y, *operands)
    a, *others = operands
    values = [x.value for x in others]
    up, down = ufunc(a.value + a.worst(), *values), ufunc(a.value - a.worst(), *values)
    # The two evaluations are float64's own, which may be an ulp or two off.
    slack = 4 * np.spacing(np.abs(y))
    return np.maximum(np.abs(up - y), np.abs(y - down)) + slack * (np.asarray(a.worst()) > 0)


def compare(ufunc: np.ufunc, a: Operand, b: Operand) -> Array:
    """Compare values, and mark what could come out otherwise."""
    result = ufunc(a.value, b.value)
    if a.exact and b.exact:
        return result
    near = edges.near(a, b)
    edges.count(near)
    return Decision.of(result, near)
