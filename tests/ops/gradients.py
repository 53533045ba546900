"""Checks a pullback against differences of the function itself, along random directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Sixth-order central difference: f'(0) = Σ w (f(kh) − f(−kh)) / h, short by h⁶ f⁽⁷⁾ / 140.
WEIGHTS = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
STEP = 2.0**-8
REACH = 3 * STEP  # functions must be smooth that far around the inputs


def assert_pullback(
    function: Callable[..., Any],
    inputs: Sequence[np.ndarray | None],
    d_outputs: Sequence[np.ndarray | None],
    gradients: Sequence[np.ndarray | None],
    *,
    roundings: float,
    curvature: float = 100.0,
) -> None:
    """Assert that `gradients` are those of Σ d_output · output with respect to `inputs`.

    Args:
        function: of `inputs`, float64; returns a list of outputs.
        inputs: where to differentiate; None is passed on as it is.
        d_outputs: one gradient per output, or None.
        gradients: what the pullback returned; None is not checked.
        roundings: how often an output is rounded on the way.
        curvature: bound on the seventh derivative along a direction of unit size, as a multiple of the scale.
    """
    random = np.random.default_rng(0)

    def weighted(*values: Any) -> tuple[float, float]:
        outputs = function(*values)
        terms = [(d * y) for d, y in zip(d_outputs, outputs, strict=True) if d is not None]
        return sum(float(t.sum()) for t in terms), sum(float(np.abs(t).sum()) for t in terms)

    _, scale = weighted(*inputs)
    for n, (value, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        if value is None or gradient is None:
            continue
        assert gradient.shape == value.shape, f"gradient {n} has shape {gradient.shape}, its input {value.shape}"
        direction = random.uniform(0.5, 1.0, value.shape) * random.choice([-1, 1], value.shape)
        expected = 0.0
        for k, weight in WEIGHTS.items():
            for sign in (1, -1):
                moved = list(inputs)
                moved[n] = value + sign * k * STEP * direction
                expected += sign * weight * weighted(*moved)[0] / STEP
        found = float((gradient * direction).sum())
        size = scale + float(np.abs(gradient * direction).sum())
        rounding = 2 * sum(map(abs, WEIGHTS.values())) / STEP * roundings * 2.0**-53
        bound = size * (rounding + curvature * STEP**6 / 140)
        assert abs(found - expected) <= bound, (
            f"gradient {n} along a direction: {found!r}, by differences {expected!r}; apart by "
            f"{abs(found - expected):.2e}, explained {bound:.2e}"
        )


def assert_complex_step(
    function: Callable[..., Any],
    inputs: Sequence[np.ndarray | None],
    d_outputs: Sequence[np.ndarray | None],
    gradients: Sequence[np.ndarray | None],
    *,
    roundings: float,
) -> None:
    """As `assert_pullback`, for an analytic function: Im f(x + iε v) / ε is the derivative, but for rounding."""
    random = np.random.default_rng(0)
    for n, (value, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        if value is None or gradient is None:
            continue
        assert gradient.shape == value.shape, f"gradient {n} has shape {gradient.shape}, its input {value.shape}"
        direction = random.uniform(0.5, 1.0, value.shape) * random.choice([-1, 1], value.shape)
        moved = [None if v is None else v.astype(complex) for v in inputs]
        moved[n] = value + 1e-30j * direction
        terms = [d * y.imag / 1e-30 for d, y in zip(d_outputs, function(*moved), strict=True) if d is not None]
        expected, found = sum(float(t.sum()) for t in terms), float((gradient * direction).sum())
        size = sum(float(np.abs(t).sum()) for t in terms) + float(np.abs(gradient * direction).sum())
        bound = roundings * 2.0**-53 * size
        assert abs(found - expected) <= bound, (
            f"gradient {n} along a direction: {found!r}, by a complex step {expected!r}; apart by "
            f"{abs(found - expected):.2e}, explained {bound:.2e}"
        )
