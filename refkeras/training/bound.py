"""The plan for one stream of batches, carried out: losses, gradients and metrics of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras import config, semantics, tree
from refkeras.losses.reduction import apply_mask
from refkeras.tensor import wrap
from refkeras.training.compile_losses import LossTerm
from refkeras.training.compile_metrics import MetricEntry
from refkeras.training.matching import number

__all__ = ["Batch", "Bound", "LossStep", "MetricStep", "Reader"]


@dataclass(slots=True)
class Batch:
    """A first batch: flat lists of arrays, and their structures with positions as leaves."""

    ys: list[Any]
    preds: list[Any]
    weights: list[Any]
    y: Any
    y_pred: Any
    weight: Any

    @classmethod
    def of(cls, y: Any, y_pred: Any, sample_weight: Any) -> Batch:
        ys, preds, weights = (tree.flatten(part) for part in (y, y_pred, sample_weight))
        return cls(ys, preds, weights, number(y), number(y_pred), number(sample_weight))


class Reader:
    """Picks one output's target, prediction and sample weight out of the flat lists."""

    __slots__ = ("cast", "expand_target", "expand_weight", "output", "plain", "target", "weight")

    def __init__(self, batch: Batch, output: int, target: int, weight: int | None) -> None:
        y, pred = batch.ys[target], batch.preds[output]
        self.output, self.target, self.weight = output, target, weight
        w = None if weight is None else batch.weights[weight]
        matches = semantics.current().targets_match_predictions
        self.expand_target = matches and y.ndim == 1 and pred.ndim == 2
        self.expand_weight = matches and w is not None and w.ndim == 1 and pred.ndim == 2
        floats, integers = (all(a.dtype.kind in kinds for a in (y, pred)) for kinds in ("f", "iu"))
        self.cast = matches and y.dtype != pred.dtype and (floats or integers)
        self.plain = not (self.expand_target or self.expand_weight or self.cast)

    def read(self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None) -> tuple[Any, Any, Any]:
        y, pred = ys[self.target], preds[self.output]
        w = None if self.weight is None or ws is None else ws[self.weight]
        if self.plain:
            return y, pred, w
        if self.expand_target:
            y = y[:, None]
        if self.expand_weight and w is not None:
            w = w[:, None]
        return (y.astype(pred.dtype) if self.cast else y), pred, w


class LossStep:
    """One loss term with the places it reads from."""

    __slots__ = ("direct", "dtype", "factor", "index", "loss", "output", "read", "value_and_pullback")

    def __init__(self, index: int, term: LossTerm, reader: Reader, batch: Batch) -> None:
        self.index = index
        self.loss = term.loss
        self.output = term.output
        self.read = reader.read
        self.value_and_pullback = term.loss.value_and_pullback
        # A call takes its arguments for a user's, which costs more; one that is overridden may compute anything.
        self.direct = term.loss.has_pullback and term.loss.is_reduced_call
        floatx = np.dtype(config.floatx())
        exact = semantics.current().output_matching == "exact"
        dtype = floatx if exact else batch.preds[term.output].dtype
        # Keras 3 brings the value of a loss that has its own dtype back to floatx.
        self.dtype = floatx if exact and getattr(term.loss, "dtype", floatx) != floatx else None
        self.factor = None if term.weight is None else dtype.type(term.weight)

    def value(self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None) -> Any:
        return self.value_of(*self.read(ys, preds, ws))

    def value_of(self, y: Any, pred: Any, w: Any) -> Any:
        """Return the unweighted value of what `read` returns."""
        value = self.value_and_pullback(y, pred, w)[0] if self.direct else self.loss(y, pred, w)
        return value if self.dtype is None else value.astype(self.dtype)

    def both(self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None) -> tuple[Any, Any, Any]:
        """Return `(value, d_pred, d_logits)`, unweighted value and weighted gradients."""
        y, pred, w = self.read(ys, preds, ws)
        value, pullback = self.value_and_pullback(y, pred, w)
        d_pred, d_logits = pullback()
        if self.factor is not None:
            d_pred = None if d_pred is None else d_pred * self.factor
            d_logits = None if d_logits is None else d_logits * self.factor
        return (value if self.dtype is None else value.astype(self.dtype)), d_pred, d_logits


class Bound:
    """Losses and metrics of one `compile()`, laid over one stream of batches.

    All methods take flat lists, in the order of `tree.flatten`; predictions
    may be `refkeras.tensor.Tensor`s that carry a mask or logits.

    Args:
        steps: the losses to compute.
        metrics: the metrics to update, with where each reads.
        outputs: how many outputs the model has.
        parts: how many loss terms have a running mean of their own; 0 for none.
        masked: whether metrics see the masks of the predictions.
    """

    __slots__ = ("_as_read", "_masked", "_masks_are_weights", "_metrics", "_only", "_outputs", "_parts", "_steps")

    @property
    def steps(self) -> list[LossStep]:
        """The losses, in the order in which they are added."""
        return self._steps

    @property
    def metrics(self) -> list[MetricStep]:
        """The metrics, in the order in which they are updated."""
        return self._metrics

    def __init__(
        self, steps: list[LossStep], metrics: list[MetricStep], outputs: int, parts: int, masked: bool = True
    ) -> None:
        self._steps = steps
        self._outputs = outputs
        self._parts = parts
        self._only = steps[0] if len(steps) == 1 and not parts else None
        self._metrics = metrics
        self._masked = masked
        self._masks_are_weights = not semantics.current().metrics_use_mask
        self._as_read = masked and not self._masks_are_weights

    def value_and_gradients(
        self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None
    ) -> tuple[Any, Sequence[Any], list[Any], list[Any]]:
        """Return `(total, parts, d_outputs, d_logits)`.

        `total` = Σ weight·loss (None without any loss); `parts` the losses
        themselves, for `Compiled.track`; `d_outputs` and `d_logits` the
        gradients of `total` by output, None where none arrives.
        """
        d_outputs: list[Any] = [None] * self._outputs
        d_logits: list[Any] = [None] * self._outputs
        only = self._only
        if only is not None:
            value, d_outputs[only.output], d_logits[only.output] = only.both(ys, preds, ws)
            return (value if only.factor is None else value * only.factor), (), d_outputs, d_logits
        total, parts = None, [None] * self._parts
        for step in self._steps:
            value, d_pred, d_logit = step.both(ys, preds, ws)
            if self._parts:
                parts[step.index] = value
            i = step.output
            d_outputs[i] = d_pred if d_outputs[i] is None else _add(d_outputs[i], d_pred)
            d_logits[i] = d_logit if d_logits[i] is None else _add(d_logits[i], d_logit)
            total = _add(total, value if step.factor is None else value * step.factor)
        return total, parts, d_outputs, d_logits

    def value(self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None) -> tuple[Any, Sequence[Any]]:
        """Return `(total, parts)` without gradients."""
        total, parts = None, [None] * self._parts
        for step in self._steps:
            value = step.value(ys, preds, ws)
            if self._parts:
                parts[step.index] = value
            total = _add(total, value if step.factor is None else value * step.factor)
        return total, parts

    def update(self, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None) -> None:
        """Update the compiled metrics."""
        for step in self._metrics:
            y, pred, w = step.read(ys, preds, ws) if self._as_read else self.metric_arguments(step, ys, preds, ws)
            if w is None:
                step.update_state(y, pred)
            else:
                step.update_state(y, pred, w)

    def metric_arguments(
        self, step: MetricStep, ys: Sequence[Any], preds: Sequence[Any], ws: Sequence[Any] | None
    ) -> tuple[Any, Any, Any]:
        """Return the target, prediction and sample weight (or None) that a metric is updated with."""
        y, pred, w = step.read(ys, preds, ws)
        if not self._masked and getattr(pred, "_keras_mask", None) is not None:
            pred = wrap(pred)
        if self._masks_are_weights:
            # tf_keras's metrics do not look at masks themselves.
            mask = getattr(pred, "_keras_mask", None)
            w = w if mask is None else apply_mask(w, mask, pred.dtype, "sum")
        return y, pred, w


def _add(total: Any, value: Any) -> Any:
    return value if total is None else total if value is None else total + value


class MetricStep:
    """One metric with the places it reads from."""

    __slots__ = ("entry", "read", "update_state")

    def __init__(self, entry: MetricEntry, reader: Reader) -> None:
        self.entry = entry
        self.update_state = entry.metric.update_state
        self.read = reader.read
