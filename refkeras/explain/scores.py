"""R²: what a batch adds to its sums, and the score as it comes from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras import semantics
from refkeras.explain.derivation import Derivation, Inputs, derive, given
from refkeras.explain.reading import copied
from refkeras.explain.records import MeasureBatch, MeasureInfo, Samples
from refkeras.losses.arrays import as_array, squeeze_or_expand_to_same_rank
from refkeras.tensor import unwrap

if TYPE_CHECKING:
    from refkeras.explain.batches import BatchView

__all__ = ["derive_r2", "r2_batch"]

# The sums of the metric: what is added up for each output, with weights w, targets t and predictions p.
_SUMS = {"residual": "Σ w (t − p)²", "squared_sum": "Σ w t²", "sum": "Σ w t", "count": "Σ w"}
_GONE = "The samples that it was computed from are not kept."


def r2_batch(metric: Any, y: Any, pred: Any, w: Any, keep_samples: bool) -> MeasureBatch:
    """Return what a batch adds to the sums of an `R2Score`."""
    probe = type(metric)(metric.class_aggregation, metric.num_regressors, dtype=metric.dtype)
    probe.update_state(y, pred) if w is None else probe.update_state(y, pred, w)
    sums = {"residual": probe.total_mse, "squared_sum": probe.squared_sum, "sum": probe.sum, "count": probe.count}
    found = MeasureBatch(sums={name: variable.value.copy() for name, variable in sums.items()})
    found.sums["num_samples"] = np.atleast_1d(probe.num_samples.value).astype(probe.sum.value.dtype)
    if not keep_samples:
        return found
    t, p = as_array(y, metric._dtype), as_array(unwrap(pred)[0], metric._dtype)
    if semantics.current().r2_matches_ranks:
        t, p = squeeze_or_expand_to_same_rank(t, p)
    if t.shape != p.shape:
        return found
    if w is not None:
        w = as_array(w, metric._dtype)
        found.weights = copied(np.broadcast_to(w[:, None] if w.ndim == 1 else w, t.shape))
    found.samples = Samples("r2", copied(t), copied(p))
    return found


def derive_r2(name: str, info: MeasureInfo, i: int, views: Sequence[BatchView]) -> Derivation:
    """Return where an R² over batches comes from.

    Args:
        name: what it is called.
        info, i: the metric, and its number.
        views: the batches.
    """
    measured = [view.batch.measures[i] for view in views]
    outputs = len(measured[0].sums["sum"])
    dtype = measured[0].sums["sum"].dtype

    def running(what: str, k: int, label: str) -> Derivation:
        values = np.array([m.sums[what][k] for m in measured], dtype)
        return derive(label, "running_sum", Inputs(values, lambda b: _of_batch(views[b], i, what, k)), dtype)

    scores, variations = [], []
    for k in range(outputs):
        of = f" of output {k + 1}" if outputs > 1 else ""
        sums = {what: running(what, k, f"{text}{of}") for what, text in _SUMS.items()}
        parts = [sums["squared_sum"], sums["sum"], sums["count"]]
        variations.append(derive(f"variation of the targets{of}", "variation", parts, dtype))
        pair = [sums["residual"], variations[k]]
        scores.append(derive(f"score{of}", "share_explained", pair, dtype))
    if info.params.get("class_aggregation") == "variance_weighted_average":
        found = derive(name, "mean_by_variation", [*scores, *variations], dtype)
    else:
        found = scores[0] if outputs == 1 else derive(name, "mean", scores, dtype, divisor=outputs)
    q = info.params.get("num_regressors") or 0
    seen = sum(float(m.sums["num_samples"][0]) for m in measured)
    if not q or q >= seen - 1:
        found.name = name
        return found
    number = running("num_samples", 0, "numbers seen")
    found.name = "the score, not adjusted"
    return derive(name, "adjusted", [found, number], dtype, regressors=q)


def _of_batch(view: BatchView, i: int, what: str, k: int) -> Derivation:
    """Return where a sum of one batch comes from."""
    measured = view.batch.measures[i]
    value = measured.sums[what][k]
    if what == "num_samples":
        return given(f"numbers of {view.name}", value)
    of = f" of output {k + 1}" if len(measured.sums[what]) > 1 else ""
    name = f"{_SUMS[what]}{of}, {view.name}"
    if measured.samples is None:
        return given(name, value, [_GONE])
    terms = [_term(view, measured, what, (row, k)) for row in range(len(measured.samples.inputs))]
    # NumPy adds rows one after another, and a single column in pairs.
    for formula in ("sum_of_rows", "sum"):
        found = derive(name, formula, terms, measured.samples.inputs.dtype)
        if found.value == value or np.isnan(value):
            return found
    return given(name, value, [f"As the run computed it. What is kept would give {found.shown}."])


def _term(view: BatchView, measured: MeasureBatch, what: str, index: tuple[int, int]) -> Derivation:
    samples, weights = measured.samples, measured.weights
    assert samples is not None
    sample, dtype = view.sample(index[:1]), samples.inputs.dtype
    target, output = given(f"target of {sample}", samples.targets[index]), given("output", samples.inputs[index])
    weight = given(f"weight of {sample}", dtype.type(1) if weights is None else weights[index])

    def product(name: str, *pair: Derivation) -> Derivation:
        return pair[0] if weights is None else derive(name, "product", pair, dtype)

    if what == "count":
        return weight
    if what == "sum":
        return product(f"w t of {sample}", target, weight)
    if what == "squared_sum":
        return derive(f"w t² of {sample}", "product", [target, product("w t", target, weight)], dtype)
    error = derive(f"(t − p)² of {sample}", "squared_difference", [output, target], dtype)
    return product(f"w (t − p)² of {sample}", error, weight)
