"""The formulas of metrics that keep sums of their own: running sums, and R²."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.explain.formula import Formula, listed, operand, shown

__all__ = ["SCORES"]

Vector = Any


def _running_sum(values: Vector) -> Any:
    total = values.dtype.type(0)
    for value in values:
        total = total + value
    return total


def _in_rows(values: Vector) -> Any:
    """The sum as NumPy takes it along the first of two axes: row after row."""
    return np.add.reduce(np.stack([values, values], -1), 0)[0]


def _share_explained(values: Vector) -> Any:
    found = 1.0 - values[:1] / values[1:]
    return np.where(np.isinf(found), np.zeros_like(found), found)[0]


def _adjusted(values: Vector, regressors: int) -> Any:
    one, score, n = np.float32(1.0), values[0], np.float32(values[1])
    return one - (one - score) * (n - one) / (n - np.float32(regressors) - one)


SCORES = {
    formula.name: formula
    for formula in (
        Formula(
            "running_sum",
            "what the batches add up to, one after another",
            "Σ xᵢ",
            _running_sum,
            lambda texts: listed(texts),
        ),
        Formula("sum_of_rows", "the sum of its inputs, row after row", "Σ xᵢ", _in_rows, lambda texts: listed(texts)),
        Formula(
            "variation",
            "the sum of the squared targets, less the part of it that their mean makes: n times the variance",
            "Σ w t² − (Σ w t)² / Σ w",
            lambda values: values[0] - values[1] * (values[1] / values[2]),
            lambda texts: f"{texts[0]} − {operand(texts[1])}² / {operand(texts[2])}",
        ),
        Formula(
            "share_explained",
            "1 less the share of the targets' variation that is left in the residuals; 0 where there is no variation",
            "1 − residuals / variation",
            _share_explained,
            lambda texts: f"1 − {operand(texts[0])} / {operand(texts[1])}",
        ),
        Formula(
            "mean_by_variation",
            "the mean of the scores, each counted by its variation; the variations are the last of its inputs",
            "Σ vᵢ rᵢ / Σ vᵢ",
            lambda values: (
                np.add.reduce(values[len(values) // 2 :] * values[: len(values) // 2])
                / np.add.reduce(values[len(values) // 2 :])
            ),
            lambda texts: (
                "("
                + listed(
                    [
                        f"{operand(v)} × {operand(r)}"
                        for r, v in zip(texts[: len(texts) // 2], texts[len(texts) // 2 :], strict=True)
                    ]
                )
                + f") / ({listed(texts[len(texts) // 2 :])})"
            ),
        ),
        Formula(
            "adjusted",
            "the score, less what as many regressors would gain by chance",
            "1 − (1 − R²) (n − 1) / (n − q − 1)",
            _adjusted,
            lambda texts, regressors: (
                f"1 − (1 − {operand(texts[0])}) × ({texts[1]} − 1) / ({texts[1]} − {shown(float(regressors))} − 1)"
            ),
        ),
    )
}
