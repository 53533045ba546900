"""Inputs for the losses that compare numbers one by one, with their edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity_tests.engines import DTYPES

EPSILON = 1e-7
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
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(DTYPES))
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
