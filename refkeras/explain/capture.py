"""From what a step computed (`training.steps.StepRecord`) to what a ledger keeps of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import config, losses, metrics, semantics
from refkeras.explain.formulas import FORMULAS
from refkeras.explain.records import BatchRecord, MeasureBatch, Samples, TermBatch
from refkeras.losses.arrays import as_array, match_weights
from refkeras.losses.reduction import divisor_of, weigh
from refkeras.metrics.accuracy import binary_matches
from refkeras.metrics.reduction import _mean as mean_of_axes
from refkeras.metrics.reduction import _weighted as weighted_values
from refkeras.regularizers import L1, L1L2, L2
from refkeras.tensor import unwrap
from refkeras.training.steps import StepRecord

__all__ = ["batch_record", "nbytes"]

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
        terms[step.index] = _term(step, y, pred, w, part, keep_samples)
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
    for part in (*batch.terms, *batch.measures):
        if part is None:
            continue
        arrays = [part.values, part.weights, getattr(part, "sample_weight", None), getattr(part, "mask", None)]
        if part.samples is not None:
            arrays += [part.samples.targets, part.samples.inputs, part.samples.outputs]
        total += sum(array.nbytes for array in arrays if array is not None) + (0 if samples_only else 200)
    return total


def _scalar(value: Any) -> Any:
    return np.asarray(value)[()]


def _copy(array: Any) -> Any:
    return None if array is None else np.array(unwrap(array)[0], order="K", subok=False)


# -- losses -----------------------------------------------------------------------------------------


def _term(step: Any, y: Any, pred: Any, w: Any, part: Any, keep_samples: bool) -> TermBatch:
    loss = step.loss
    _, mask, _ = unwrap(pred)
    values, samples = _loss_values(loss, y, pred)
    values, own_mask, _ = unwrap(values)
    if own_mask is not None:
        mask = own_mask if mask is None else mask & own_mask
    if semantics.current().loss_dtype == "floatx":
        values = as_array(values, loss._dtype)
    if values.dtype.kind != "f":
        return TermBatch(_scalar(step.value([y], [pred], None)) if part is None else _scalar(part))
    matched, weights, counted = weigh(values, w, mask, loss.reduction)
    weighted = matched if weights is None else matched * weights
    divisor = divisor_of(weighted, weights, loss.reduction, counted)
    if divisor is None:
        return TermBatch(_scalar(part) if part is not None else _scalar(weighted))
    # Summed in the order of memory, as the arrays are kept.
    flat = weighted.ravel(order="K")
    value = FORMULAS["mean"].compute(flat, divisor=None if math.isnan(divisor) else divisor)
    value = value if step.dtype is None else value.astype(step.dtype)
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
    return values, _samples(fn, loss._fn_kwargs, matched, shaped, logits if shaped.shape == p.shape else None, values)


def _samples(fn: Any, arguments: dict[str, Any], y: Any, p: Any, logits: Any, values: Any) -> Samples | None:
    """Return what a built-in loss function computes each of its values from, where one row gives one value."""
    shape = np.shape(unwrap(values)[0])
    name = fn.__name__
    rules = semantics.current()
    if arguments.get("axis", -1) != -1 or not p.ndim or p.dtype.kind != "f":
        return None
    if arguments.get("ignore_class") is not None:
        return None
    if not rules.crossentropy_from_activation:
        logits = None
    x = p if logits is None else logits
    is_logits = logits is not None or bool(arguments.get("from_logits"))
    params: dict[str, Any] = {}
    epsilon = config.epsilon()
    if name in ("mean_squared_error", "mean_absolute_error"):
        if y.ndim != p.ndim and rules.loss_functions_match_ranks:
            from refkeras.losses.arrays import squeeze_or_expand_to_same_rank

            y, p = squeeze_or_expand_to_same_rank(as_array(y, p.dtype), p)
        form, x, logits = name, p, None
    elif name == "binary_crossentropy":
        form = "binary_crossentropy_of_logit" if is_logits else "binary_crossentropy"
        inner = epsilon if rules.binary_crossentropy_epsilon == "twice" else 0.0
        params = {} if is_logits else {"epsilon": epsilon, "inner_epsilon": inner}
        y = _smoothed(as_array(y, p.dtype), arguments, 0.5)
    elif name == "categorical_crossentropy":
        form = "crossentropy_of_logits" if is_logits else "crossentropy_of_probabilities"
        params = {} if is_logits else {"epsilon": epsilon}
        y = _smoothed(as_array(y, p.dtype), arguments, 1 / p.shape[-1])
    elif name == "sparse_categorical_crossentropy":
        after = rules.sparse_crossentropy_normalizes == "after clip"
        form = "minus_log_softmax" if is_logits else "minus_log_clipped_share" if after else "minus_log_share"
        params = {} if is_logits else {"epsilon": epsilon}
        y = y.reshape(shape) if y.size == math.prod(shape) else None
        return None if y is None else Samples(form, _copy(y), _copy(x), None if logits is None else _copy(p), params)
    else:
        return None
    if x.shape[:-1] != shape or np.broadcast_shapes(y.shape, x.shape) != x.shape:
        return None
    y = _copy(np.broadcast_to(as_array(y, x.dtype), x.shape))
    return Samples(form, y, _copy(x), None if logits is None else _copy(p), params)


def _smoothed(y: Any, arguments: dict[str, Any], share: float) -> Any:
    smoothing = arguments.get("label_smoothing") or 0.0
    if not smoothing:
        return y
    # As `losses.passes` writes it: a half is exact, and a number of classes divides.
    spread = 0.5 * smoothing if share == 0.5 else smoothing / round(1 / share)
    return y * (1.0 - smoothing) + spread


# -- metrics ----------------------------------------------------------------------------------------


def kind_of(metric: Any) -> str:
    """Return what a metric is: `"mean"` of a function's values, the `"root"` of a mean, or `"other"`."""
    cls = type(metric)
    if cls is metrics.RootMeanSquaredError:
        return "root"
    plain = isinstance(metric, metrics.MeanMetricWrapper) and (
        cls.update_state is metrics.MeanMetricWrapper.update_state and cls.result is metrics.Mean.result
    )
    return "mean" if plain else "other"


def _measure(metric: Any, y: Any, pred: Any, w: Any, keep_samples: bool) -> MeasureBatch:
    kind = kind_of(metric)
    if kind == "other":
        return MeasureBatch()
    if kind == "root":
        probe = metrics.RootMeanSquaredError(dtype=metric.dtype)
        probe.update_state(y, pred, w) if w is not None else probe.update_state(y, pred)
        return MeasureBatch(probe.total.value[()], float(probe.count.value))
    found, weights = metric._values(y, pred) if w is None else metric._values(y, pred, w)
    if isinstance(found, (int, float, np.generic)):
        weight = metric._number(1 if weights is None else weights)
        return MeasureBatch(metric._number(found) * weight, float(weight))
    values, counts = weighted_values(found, weights, metric._dtype, mean_of_axes)
    total = np.add.reduce(values, axis=None)
    count = metric._number(values.size if counts is None else np.add.reduce(counts, axis=None))
    raw, raw_mask, _ = unwrap(found)
    raw = as_array(raw, metric._dtype)
    if not keep_samples or raw_mask is not None or not raw.ndim:
        return MeasureBatch(total, float(count))
    if weights is not None:
        raw, weights = match_weights(raw, as_array(weights, metric._dtype))
    samples = _metric_samples(metric, y, pred, raw)
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
        return MeasureBatch(total, float(count), _copy(values))
    return MeasureBatch(total, float(count), _copy(raw), _copy(weights), samples, steps)


def _metric_samples(metric: Any, y: Any, pred: Any, values: Any) -> Samples | None:
    """Return what each value of a built-in metric is computed from."""
    fn, arguments = metric._fn, metric._fn_kwargs
    array, _, logits = unwrap(pred)
    rules = semantics.current()
    y = as_array(y)
    if hasattr(fn, "with_logits"):
        if rules.metrics_cast and array.dtype != metric._dtype:
            logits = None
        return _samples(fn, arguments, y, as_array(array, metric._dtype), logits, values)
    if array.dtype != metric._dtype or not array.ndim:
        return None
    zeros = {"order_zeros": rules.argmax_orders_zeros}
    if fn is metrics.categorical_accuracy and y.shape == array.shape and array.shape[:-1] == values.shape:
        return Samples("categorical_accuracy", _copy(as_array(y, array.dtype)), _copy(array), None, zeros)
    if fn is metrics.sparse_categorical_accuracy and y.size == values.size and array.shape[:-1] == values.shape:
        targets = as_array(y, array.dtype).reshape(values.shape)
        return Samples("sparse_categorical_accuracy", _copy(targets), _copy(array), None, zeros)
    if fn in (binary_matches, metrics.binary_accuracy) and y.size == array.size:
        if values.size == array.size:
            shape: tuple[int, ...] = (*values.shape, 1)
        elif y.shape == array.shape and array.shape[:-1] == values.shape:
            shape = array.shape  # the mean of the last axis
        else:
            return None
        threshold = float(np.dtype(config.floatx()).type(arguments.get("threshold", 0.5)))
        form = "rounds_to" if rules.binary_accuracy_rounds else "on_the_same_side"
        params = {} if rules.binary_accuracy_rounds else {"threshold": threshold}
        targets = as_array(y, array.dtype).reshape(shape)
        return Samples(form, _copy(targets), _copy(array.reshape(shape)), None, params)
    return None


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
