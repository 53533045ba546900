"""When two floating-point evaluations of one formula agree.

Where the reference has error bars (`refkeras.precision`), they say it: the engine must not be further than
8 sigma from it. Where it has none, roundings are counted: an evaluation that rounds `roundings` times, each
time a quantity no larger than `scale`, is at most `roundings * u * scale` from the exact value, where u is
the unit roundoff (2**-24 in float32). Two such evaluations are at most twice that apart. Callers state the
number of roundings of their formula; an inner product of length n counts n + 1, with `scale` = |a| . |b|.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.engines import NOT_COMPARED, NoGradient, numpy
from refkeras import tree
from refkeras.precision import ALARM, BarArray, compare, exact

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53}


def assert_agrees(
    ours: Any,
    engine: Any,
    *,
    roundings: float | None = None,
    scale: Any = None,
    dtype: str = "float32",
    what: str = "value",
) -> None:
    """Assert that two evaluations differ by no more than their roundings explain.

    Args:
        ours, engine: arrays of one shape; NaN agrees with NaN, an infinity with itself. Where `ours` is an
            array with error bars, nothing else is needed.
        roundings: how often each side rounds on the way to the result; for arrays without error bars.
        scale: the largest magnitude met on the way; by default that of the results.
        dtype: the precision both sides computed in.
    """
    if isinstance(engine, NoGradient):
        NOT_COMPARED[NoGradient.reason] += 1
        assert np.shape(ours) == engine.shape, f"{what}: shape {np.shape(ours)} here, {engine.shape} of what it is for"
        return
    if isinstance(ours, BarArray):
        _assert_within_bars(ours, np.asarray(numpy(engine)), what)
        return
    if roundings is None:
        raise TypeError("roundings is needed where the reference has no error bars (refkeras.precision).")
    a, b = np.asarray(numpy(ours), dtype=np.float64), np.asarray(numpy(engine), dtype=np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape} here, {b.shape} in the engine"
    special = ~np.isfinite(a) | ~np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    assert np.all(same[special]), f"{what}: {a[special & ~same]} here, {b[special & ~same]} in the engine"
    a, b = np.where(special, 0.0, a), np.where(special, 0.0, b)
    size = np.maximum(np.abs(a), np.abs(b)) if scale is None else np.abs(np.asarray(scale, dtype=np.float64))
    tiny = np.finfo(dtype).tiny  # TensorFlow flushes subnormal numbers to zero
    bound = 2 * roundings * UNIT_ROUNDOFF[dtype] * size + tiny
    excess = np.where(same, 0.0, np.abs(a - b) - bound)
    if excess.size and excess.max() > 0:
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        raise AssertionError(
            f"{what} at {worst}: {a[worst]!r} here, {b[worst]!r} in the engine; they differ by "
            f"{abs(a[worst] - b[worst]):.3e}, and {roundings} roundings explain "
            f"{np.broadcast_to(bound, a.shape)[worst]:.3e}."
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
    """The float arrays of a structure as numbers with that machine's error bars, which are zero."""
    return tree.map_structure(
        lambda x: exact(x, machine) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x, structure
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
