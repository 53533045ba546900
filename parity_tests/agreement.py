"""When an engine agrees with refkeras: within the error bars of `refkeras.precision`, or to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.engines import NOT_COMPARED, NoGradient, numpy
from refkeras import tree
from refkeras.precision import ALARM, BarArray, compare, exact


def assert_agrees(ours: BarArray, engine: Any, *, what: str = "value") -> None:
    """Assert that an engine's numbers are within 8 sigma of numbers with error bars.

    Args:
        ours: what should have come out; NaN agrees with NaN, an infinity with itself.
        engine: what came out, an array or tensor of the same shape and dtype.
        what: what is compared, for the message.

    Raises:
        TypeError: `ours` has no error bars.
    """
    if isinstance(engine, NoGradient):
        NOT_COMPARED[NoGradient.reason] += 1
        assert np.shape(ours) == engine.shape, f"{what}: shape {np.shape(ours)} here, {engine.shape} of what it is for"
        return
    if not isinstance(ours, BarArray):
        raise TypeError(f"{what}: {type(ours).__name__} has no error bars; compute it of `exactly(...)`.")
    _assert_within_bars(ours, np.asarray(numpy(engine)), what)


def assert_differs(ours: BarArray, engine: Any, *, what: str = "value") -> None:
    """Assert that an engine's numbers are not what this formula gives: one at least is beyond 8 sigma.

    Shows that two formulas, or two settings of `refkeras.semantics`, can be told apart.

    Args:
        ours: what the formula gives, with error bars.
        engine: what came out, an array or tensor of the same shape.
        what: what is compared, for the message.

    Raises:
        TypeError: `ours` has no error bars.
    """
    found = compare(ours, numpy(engine))
    assert not found.agrees, f"{what}: rounding explains all differences; the largest is {found.largest:.1f} sigma."


def assert_printed(ours: BarArray, text: str, *, what: str = "number") -> None:
    """Assert that a printed number is the rounding, to the digits that it has, of one within 8 sigma.

    Args:
        ours: the number with its error bar.
        text: what was printed, in decimal digits.
        what: what is compared, for the message.
    """
    half_a_unit = 0.5 * 10.0 ** -len(text.partition(".")[2])
    printed = float(text)
    nearest = np.clip(ours.value, printed - half_a_unit, printed + half_a_unit)
    found = compare(ours, nearest)
    assert found.agrees, (
        f"{what}: {text} was printed, {ours.value} ± {ours.sigma:.2e} is {found.largest:.1f} sigma away"
    )


def assert_same(ours: Any, engine: Any, what: str = "value") -> None:
    """Assert that two arrays hold the very same numbers: NaN where there is NaN, and the same dtype."""
    if isinstance(engine, NoGradient):
        NOT_COMPARED[NoGradient.reason] += 1
        engine = engine.view(np.ndarray)
        ours = np.where(np.isnan(engine), np.nan, numpy(ours))
    a, b = numpy(ours), numpy(engine)
    assert a.dtype == b.dtype, f"{what}: {a.dtype} here, {b.dtype} in the engine"
    np.testing.assert_array_equal(a, b, err_msg=what)


def exactly(structure: Any, machine: str = "float32") -> Any:
    """The floats of a structure as numbers with that machine's error bars, which are zero."""
    numbers = (np.ndarray, np.floating)  # a weight may be a scalar
    return tree.map_structure(
        lambda x: exact(x, machine) if isinstance(x, numbers) and x.dtype.kind == "f" else x, structure
    )


class WithBars:
    """A module of refkeras whose functions and classes compute with error bars.

    The float arrays that its functions, and the objects that its classes make, are called with are taken for
    exact numbers of the machine.
    """

    def __init__(self, target: Any, machine: str = "float32") -> None:
        self._target, self._machine = target, machine

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return WithBars(found, self._machine) if callable(found) else found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = exactly((args, kwargs), self._machine)
        result = self._target(*args, **kwargs)
        return WithBars(result, self._machine) if isinstance(self._target, type) else result


def _assert_within_bars(ours: BarArray, engine: np.ndarray, what: str) -> None:
    assert ours.shape == engine.shape, f"{what}: shape {ours.shape} here, {engine.shape} in the engine"
    assert engine.dtype == ours.dtype, f"{what}: {ours.dtype} here, {engine.dtype} in the engine"
    found = compare(ours, engine)
    if not found.agrees:
        at = found.worst
        raise AssertionError(
            f"{what} at {at}: {ours.value[at]!r} ± {ours.sigma[at]:.2e} here, {engine[at]!r} in the engine, "
            f"{found.largest:.1f} sigma or {found.ulps[at]:.1f} ulp apart; {np.sum(found.sigmas > ALARM)} of "
            f"{engine.size} are beyond {ALARM:.0f} sigma."
        )
