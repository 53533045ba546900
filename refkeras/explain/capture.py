"""From what a step computed (`training.steps.StepRecord`) to what a ledger keeps of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import losses, metrics, semantics
from refkeras.explain.formulas import FORMULAS
from refkeras.explain.formulas_of_elements import EACH
from refkeras.explain.reading import copied as _copy
from refkeras.explain.reading import loss_samples, metric_samples, squared_error_samples
from refkeras.explain.records import BatchRecord, MeasureBatch, Samples, TermBatch
from refkeras.explain.scores import r2_batch
from refkeras.losses.arrays import as_array, match_weights
from refkeras.losses.reduction import apply_mask, divisor_of, weigh
from refkeras.metrics.reduction import _mean as mean_of_axes
from refkeras.metrics.reduction import _sum as sum_of_axes
from refkeras.metrics.reduction import _weighted as weighted_values
from refkeras.regularizers import L1, L1L2, L2
from refkeras.tensor import unwrap
from refkeras.training.steps import StepRecord

__all__ = ["arguments_of", "batch_record", "kind_of", "nbytes"]

Array = Any


def batch_record(record: StepRecord, *, keep_samples: bool) -> BatchRecord:
    """Return what is kept of one step.

    Args:
        record: the step.
        keep_samples: whether to keep what each sample's loss and metrics were computed from.
    """
    bound = record.bound
    count = 1 + max((step.index for step in bound.steps), default=-1)
    terms: list[TermBatch | None] = [None] * count
    for step in bound.steps:
        y, pred, w = step.read(record.ys, record.preds, record.ws)
        part = record.parts[step.index] if len(record.parts) else None
        term = _term(step.loss, y, pred, w, part, step.dtype, keep_samples)
        if term.value is None:
            term.value = _scalar(step.value_of(y, pred, w))
        terms[step.index] = term
    measures = []
    for metric in bound.metrics:
        arguments = bound.metric_arguments(metric, record.ys, record.preds, record.ws)
        measures.append(_measure(metric.entry.metric, *arguments, keep_samples))
    if record.total is None or np.ndim(record.total):  # no loss, or one that was not reduced to a number
        return BatchRecord(record.size, None, [], measures)
    return BatchRecord(record.size, _scalar(record.total), terms, measures, _penalties(record))


def nbytes(batch: BatchRecord, samples_only: bool = False) -> int:
    """Return about how many bytes a batch takes, or its samples alone."""
    total = 0 if samples_only else 400 + 8 * len(batch.norms or ()) + 8 * len(batch.rows or ())
    for part in batch.parts:
        arrays = [part.values, part.weights, getattr(part, "sample_weight", None), getattr(part, "mask", None)]
        arrays += getattr(part, "sums", {}).values()
        if part.samples is not None:
            arrays += [part.samples.targets, part.samples.inputs, part.samples.outputs, part.samples.logits]
        total += sum(array.nbytes for array in arrays if array is not None) + (0 if samples_only else 200)
    return total


def _scalar(value: Any) -> Any:
    return np.asarray(value)[()]


# -- losses -----------------------------------------------------------------------------------------


def _term(loss: Any, y: Any, pred: Any, w: Any, part: Any, dtype: Any, keep_samples: bool) -> TermBatch:
    """Return how a loss came to one number; `part` is that number, if it is known, and `dtype` what it is cast to."""
    if not loss.is_reduced_call:
        return TermBatch(None if part is None else _scalar(part))
    _, mask, _ = unwrap(pred)
    values, samples = _loss_values(loss, y, pred)
    values, own_mask, _ = unwrap(values)
    if own_mask is not None:
        mask = own_mask if mask is None else mask & own_mask
    if semantics.current().loss_dtype == "floatx":
        values = as_array(values, loss._dtype)
    if values.dtype.kind != "f":
        return TermBatch(None if part is None else _scalar(part))
    matched, weights, counted = weigh(values, w, mask, loss.reduction)
    weighted = matched if weights is None else matched * weights
    divisor = divisor_of(weighted, weights, loss.reduction, counted)
    if divisor is None:
        return TermBatch(_scalar(part) if part is not None else _scalar(weighted))
    # Summed in the order of memory, as the arrays are kept.
    flat = weighted.ravel(order="K")
    value = FORMULAS["mean"].compute(flat, divisor=None if math.isnan(divisor) else divisor)
    value = value if dtype is None else value.astype(dtype)
    if part is not None and not _same(value, part):
        return TermBatch(_scalar(part))
    if not keep_samples:
        return TermBatch(value)
    if weights is not None:
        weights = _copy(np.broadcast_to(weights, weighted.shape))
    both = w is not None and mask is not None
    return TermBatch(
        value,
        _copy(np.broadcast_to(matched, weighted.shape)) if matched.shape != weighted.shape else _copy(matched),
        weights,
        _copy(w) if both else None,
        _copy(mask) if mask is not None else None,
        None if math.isnan(divisor) else float(divisor),
        samples if samples is not None and matched.shape == weighted.shape == values.shape else None,
    )


def _same(a: Any, b: Any) -> bool:
    return bool(np.all(a == b) or (np.isnan(a) and np.isnan(b)))


def _loss_values(loss: Any, y: Any, pred: Any) -> tuple[Any, Samples | None]:
    """Return the values of a loss before reduction, and what they were computed from."""
    array, _, logits = unwrap(pred)
    dtype = loss._dtype if semantics.current().loss_dtype == "floatx" else array.dtype
    if dtype != array.dtype:
        logits = None
    y, p = as_array(y, dtype), as_array(array, dtype)
    fn = getattr(loss, "fn", None)
    plain = isinstance(loss, losses.LossFunctionWrapper) and type(loss).__module__.startswith("refkeras.")
    if not plain or not hasattr(fn, "with_logits"):
        return loss.call(y, p), None
    values, _, _ = loss._pass(y, p, logits)
    matched, shaped = loss._matched(y, p, True)
    given = logits if shaped.shape == p.shape else None
    return values, loss_samples(fn, loss._fn_kwargs, matched, shaped, given, logits, values)


# -- metrics ----------------------------------------------------------------------------------------


def kind_of(metric: Any) -> str:
    """Return what a metric is: see `records.MeasureInfo.kind`."""
    cls = type(metric)
    if cls is metrics.RootMeanSquaredError:
        return "root"
    if cls in (metrics.Mean, metrics.Sum):
        return cls.__name__.lower()
    if cls is metrics.R2Score:
        return "r2" if metric.class_aggregation else "other"
    plain = isinstance(metric, metrics.MeanMetricWrapper) and (
        cls.update_state is metrics.MeanMetricWrapper.update_state and cls.result is metrics.Mean.result
    )
    return "mean" if plain else "other"


def arguments_of(metric: Any) -> dict[str, Any]:
    """Return the arguments of a metric that its derivation needs beside its values."""
    if type(metric) is not metrics.R2Score:
        return {}
    return {"class_aggregation": metric.class_aggregation, "num_regressors": int(metric.num_regressors)}


def _measure(metric: Any, y: Any, pred: Any, w: Any, keep_samples: bool) -> MeasureBatch:
    kind = kind_of(metric)
    if kind == "other":
        return MeasureBatch()
    if kind == "r2":
        return r2_batch(metric, y, pred, w, keep_samples)
    if kind == "sum":
        return _sum_batch(metric, y, pred, keep_samples)
    found, weights, samples = _measured(metric, y, pred, w, kind)
    if isinstance(found, (int, float, np.generic)):
        weight = metric._number(1 if weights is None else weights)
        return MeasureBatch(metric._number(found) * weight, float(weight))
    values, counts = weighted_values(found, weights, metric._dtype, mean_of_axes)
    total = np.add.reduce(values, axis=None)
    count = metric._number(values.size if counts is None else np.add.reduce(counts, axis=None))
    if not keep_samples:
        return MeasureBatch(total, float(count))
    raw, raw_mask, _ = unwrap(found)
    raw = as_array(raw, metric._dtype)
    if raw_mask is not None and counts is not None:  # what the mask leaves out weighs 0
        weights = apply_mask(None if weights is None else as_array(weights, metric._dtype), raw_mask, raw.dtype, "sum")
    if weights is not None:
        raw, weights = match_weights(raw, as_array(weights, metric._dtype))
    samples = metric_samples(metric, y, pred, raw) if samples is None else samples
    result = _kept(total, float(count), raw, values, weights, samples)
    if not raw.ndim and isinstance(getattr(metric, "_fn", None), losses.Loss):
        targets, outputs = metric._arguments(y, pred)
        result.reduced = _term(metric._fn, targets, outputs, None, found, None, True)
    return result


def _measured(metric: Any, y: Any, pred: Any, w: Any, kind: str) -> tuple[Any, Any, Samples | None]:
    """Return the values of a metric, their weights, and what they were computed from, where that is known here."""
    if kind == "root":
        samples = squared_error_samples(metric, y, pred)
        return EACH["squared_difference"](samples.inputs[..., 0], samples.targets[..., 0]), w, samples
    if type(metric) is metrics.Mean:  # compiled as a metric, it takes the targets as values, predictions as weights
        return y, pred, Samples("itself", as_array(y, metric._dtype), as_array(y, metric._dtype))
    return *(metric._values(y, pred) if w is None else metric._values(y, pred, w)), None


def _kept(total: Any, count: float, raw: Any, values: Any, weights: Any, samples: Samples | None) -> MeasureBatch:
    """Return what is kept of a metric's values: as its function gave them (`raw`), and weighted (`values`)."""
    if not raw.ndim and weights is not None:
        raw = np.broadcast_to(raw, values.shape)  # one number, which every weight counts anew
    if values.shape == raw.shape:
        steps = "counted"
        weights = None if weights is None else np.broadcast_to(weights, raw.shape)
    elif values.shape == raw.shape[:1] and (weights is None or weights.ndim <= 1):
        steps = "averaged"
        weights = None if weights is None else np.broadcast_to(weights, values.shape)
    elif values.shape == raw.shape[:1] and raw.ndim == weights.ndim == 2:
        steps = "weighted"
        weights = np.broadcast_to(weights, raw.shape)
    else:
        return MeasureBatch(total, count, _copy(values))
    if samples is not None and samples.inputs.shape[:-1] != raw.shape and samples.inputs.shape != raw.shape:
        samples = None
    return MeasureBatch(total, count, _copy(raw), _copy(weights), samples, steps)


def _sum_batch(metric: Any, y: Any, pred: Any, keep_samples: bool) -> MeasureBatch:
    """`Sum`, compiled as a metric, takes the targets as values and the predictions as weights."""
    values, _ = weighted_values(y, pred, metric._dtype, sum_of_axes)
    total = np.add.reduce(values, axis=None)
    found = MeasureBatch(total, float(np.size(values)), _copy(values) if keep_samples else None)
    t, p = as_array(y, metric._dtype), as_array(unwrap(pred)[0], metric._dtype)
    if keep_samples and t.shape == p.shape and values.shape in (t.shape, t.shape[:1]):
        shape = (*values.shape, -1)
        found.samples = Samples("weighted_sum", _copy(t).reshape(shape), _copy(p).reshape(shape))
    return found


# -- penalties --------------------------------------------------------------------------------------


def _penalties(record: StepRecord) -> list[list[Any]]:
    """Return `[name, value, parts]` of each penalty; the parts are `[name, factor, value]`."""
    found: list[list[Any]] = []
    of_layers = len(record.penalties) - len(record.regularized)
    for i, value in enumerate(record.penalties):
        value = _scalar(value)
        if i < of_layers:
            found.append(["penalty that a layer adds (activity regularizer or add_loss)", value, []])
        else:
            variable = record.regularized[i - of_layers]
            found.append([f"penalty of {variable.path}", value, _penalty_parts(variable, value)])
    return found


def _penalty_parts(variable: Any, value: Any) -> list[list[Any]]:
    regularizer, w = variable.regularizer, variable.value
    if type(regularizer) not in (L1, L2, L1L2):
        return []
    from refkeras.regularizers import _factor

    parts: list[list[Any]] = []
    if getattr(regularizer, "l1", 0.0) != 0.0 or type(regularizer) is L1:
        parts.append(["Σ |w|", float(_factor(regularizer.l1, w)), np.sum(np.abs(w))])
    if getattr(regularizer, "l2", 0.0) != 0.0 or type(regularizer) is L2:
        parts.append(["Σ w²", float(_factor(regularizer.l2, w)), np.sum(np.square(w))])
    if not parts:
        return []
    sums = np.array([part[2] for part in parts], w.dtype)
    found = FORMULAS["weighted_sum"].compute(sums, factors=[part[1] for part in parts])
    return parts if _same(found, value) else []
