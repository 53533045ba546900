"""Inputs for the losses that compare numbers one by one, with their edges; and how far evaluations may be apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

EPSILON = 1e-7
# A logarithm or exponential of NumPy or of TensorFlow's kernels is within this many roundings.
TRANSCENDENTAL = 4
CLASSES = {
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "mean_squared_logarithmic_error": "MeanSquaredLogarithmicError",
    "huber": "Huber",
    "log_cosh": "LogCosh",
    "cosine_similarity": "CosineSimilarity",
    "hinge": "Hinge",
    "squared_hinge": "SquaredHinge",
    "categorical_hinge": "CategoricalHinge",
    "kl_divergence": "KLDivergence",
    "poisson": "Poisson",
}
NAMES = tuple(CLASSES)
# Where a formula changes its branch. Halves and small whole numbers make margins and errors that are exact.
EDGES = {
    "mean_squared_logarithmic_error": [0.0, -0.5, EPSILON, 5e-8, -1.0],
    "kl_divergence": [0.0, 1.0, -0.5, 1.5, EPSILON, 5e-8],
    "poisson": [0.0, 1.0, EPSILON],
    "mean_absolute_percentage_error": [0.0, EPSILON, 5e-8],
}


@st.composite
def batches(
    draw: st.DrawFn, shapes: Any, name: str | None = None
) -> tuple[str, np.ndarray, np.ndarray, dict[str, Any]]:
    """(loss, targets, predictions, arguments), of one loss or of any."""
    name, shape = name or draw(st.sampled_from(NAMES)), draw(shapes)
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(["float32", "float64"]))
    arguments: dict[str, Any] = {}
    if name == "huber":
        dtype = "float32"  # tf_keras computes in floatx, whatever it is given
        arguments["delta"] = draw(st.sampled_from([1.0, 0.5, 0.3, 2.7]))
    elif name == "cosine_similarity":
        arguments["axis"] = draw(st.sampled_from(range(-len(shape), len(shape))))
    if name in ("kl_divergence", "poisson"):
        t, p = rng.random(shape), rng.uniform(0.01, 1.2, shape)
        t = np.where(rng.random(shape) < 0.3, rng.choice([0.0, 1.0], shape), t)
    elif "hinge" in name and draw(st.booleans(), "exact"):
        t = rng.choice(draw(st.sampled_from([[0.0, 1.0], [-1.0, 1.0], [0.0, 1.0, 2.0]])), shape)
        p = rng.choice([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0], shape)
    else:
        t, p = (rng.normal(size=shape, scale=draw(st.sampled_from([0.1, 3.0, 1e3]))) for _ in range(2))
    ties = rng.random(shape) < 0.2
    p = np.where(ties, t + rng.choice([0.0, 1.0, -1.0], shape) * arguments.get("delta", 0.0), p)
    if name in EDGES:
        edge = rng.choice(EDGES[name], shape)
        t, p = (np.where(rng.random(shape) < 0.2, edge, x) for x in (t, p))
    if name == "cosine_similarity" and draw(st.booleans(), "short vectors"):
        p = p * draw(st.sampled_from([0.0, 1e-9]))
    return name, t.astype(dtype), p.astype(dtype), arguments


def spread(name: str, t: np.ndarray, p: np.ndarray, arguments: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, float]:
    """As `loss_cases.spread`."""
    t, p = t.astype(np.float64), p.astype(np.float64)
    axis = arguments.get("axis", -1)
    n = p.shape[axis]
    with np.errstate(all="ignore"):
        value, gradient = _SPREADS[name](t, p, n, arguments)
    value = value.sum(axis) / (1 if name in _SUMS else n)
    return np.nan_to_num(value), np.nan_to_num(gradient) / (1 if name in _SUMS else n), 2 * n + 4 * TRANSCENDENTAL + 12


_SUMS = ("cosine_similarity", "categorical_hinge", "kl_divergence")


def _percentage(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    m = np.maximum(np.abs(t), EPSILON)
    return 100 * np.abs(p - t) / m, 100 / m


def _logarithmic(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    a, b = np.log(np.maximum(p, EPSILON) + 1), np.log(np.maximum(t, EPSILON) + 1)
    # The argument of a logarithm is rounded once: that is an absolute error of the logarithm.
    reach = np.abs(a) + np.abs(b) + 2
    return 2 * np.abs(a - b) * reach + (a - b) ** 2, 2 * reach / np.exp(a)


def _huber(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    size, delta = np.abs(p - t), arguments.get("delta", 1.0)
    within = size <= delta * (1 + 1e-6)
    return np.where(within, size**2, delta * size + delta**2), np.minimum(size, delta)


def _log_cosh(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    e = np.abs(p - t)
    return 3 * e + 2, np.full_like(p, 3)


def _cosine(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    axis = arguments.get("axis", -1)
    t_inverse, inverse = (1 / np.maximum(np.sqrt((x * x).sum(axis, keepdims=True)), EPSILON) for x in (t, p))
    t_unit, unit = np.abs(t * t_inverse), np.abs(p * inverse)
    return t_unit * unit, inverse * (t_unit + unit * (t_unit * unit).sum(axis, keepdims=True))


def _hinge(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    size = np.maximum(np.abs(t), 1)
    return 1 + size * np.abs(p), size + 0 * p


def _squared_hinge(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    size = np.maximum(np.abs(t), 1)
    return 3 * (1 + size * np.abs(p)) ** 2, 2 * size * (1 + size * np.abs(p))


def _categorical_hinge(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    return np.abs((1 - t) * p) + np.abs(t * p) + 1, np.abs(1 - t) + np.abs(t)


def _kl(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    s, q = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
    return s * (1 + np.abs(np.log(s / q))), s / q


def _poisson(t: Any, p: Any, n: int, arguments: Any) -> tuple[Any, Any]:
    q = p + EPSILON
    return np.abs(p) + np.abs(t) * (1 + np.abs(np.log(q))), 1 + np.abs(t / q)


_SPREADS = {
    "mean_absolute_percentage_error": _percentage,
    "mean_squared_logarithmic_error": _logarithmic,
    "huber": _huber,
    "log_cosh": _log_cosh,
    "cosine_similarity": _cosine,
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
    "categorical_hinge": _categorical_hinge,
    "kl_divergence": _kl,
    "poisson": _poisson,
}
