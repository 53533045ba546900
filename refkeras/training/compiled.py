"""Losses and metrics of one `compile()`, bound to the data they meet.

`Compiled` holds what lives as long as the compilation: loss objects, metric
objects, running means. `bind` makes the plan for one stream of batches
(`bound.Bound`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from refkeras import metrics as metrics_module
from refkeras import semantics
from refkeras.training.bound import Batch, Bound
from refkeras.training.compile_losses import CompileLoss
from refkeras.training.compile_metrics import CompileMetrics
from refkeras.training.planning import ConformingPlan, ExactPlan

__all__ = ["Compiled", "results_of"]


class Compiled:
    """Losses and metrics of one `compile()`.

    Args:
        loss, loss_weights, metrics, weighted_metrics: as `compile` takes them.
        output_names: names of the flattened outputs; None where the model has none.
        run_eagerly: Keras 3 weighs per-output losses by the rows of a batch only then.
        previous: what the model was compiled with before; Keras 3 keeps its parts that are not given anew.

    Raises:
        ValueError: what `compile` itself refuses.
    """

    def __init__(
        self,
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        *,
        output_names: Sequence[str] | None = None,
        run_eagerly: bool = False,
        previous: Compiled | None = None,
    ) -> None:
        kept = previous if semantics.current().recompile_keeps else None
        unmeasured = metrics is None and weighted_metrics is None
        self.run_eagerly = run_eagerly
        self.loss_tracker = metrics_module.Mean(name="loss")
        self.compile_loss: CompileLoss
        self.compile_metrics: CompileMetrics
        if kept is not None and loss is None:
            self.compile_loss = kept.compile_loss
        else:
            self.compile_loss = CompileLoss(loss, loss_weights, output_names=output_names)
        if kept is not None and unmeasured:
            self.compile_metrics = kept.compile_metrics
        else:
            self.compile_metrics = CompileMetrics(metrics, weighted_metrics, output_names=output_names)

    @property
    def loss(self) -> Any:
        """The `loss` argument in force."""
        return self.compile_loss.loss

    @property
    def built(self) -> bool:
        """Whether the losses and metrics that were given have met their first batch."""
        unbuilt_loss = self.loss is not None and not self.compile_loss.built
        return not unbuilt_loss and (self.compile_metrics.built or not self.compile_metrics.given)

    def _listed(self) -> list[Any]:
        """Return the trackers and the compiled metrics, as one object, in the engine's order."""
        parts = [tracker for tracker in self.compile_loss.trackers if tracker is not None]
        measured = [self.compile_metrics] if self.compile_metrics.given else []
        if semantics.current().output_matching == "exact":
            return [self.loss_tracker, *measured, *parts]
        losses = [self.loss_tracker, *parts] if self.compile_loss.built else []
        return [*losses, *(measured if self.compile_metrics.built else [])]

    @property
    def metrics(self) -> list[Any]:
        """What `model.metrics` lists: the trackers and, in Keras 3 as one object, the compiled metrics."""
        if semantics.current().output_matching == "exact":
            return self._listed()
        listed = self._listed()
        return [m for item in listed for m in (item.metrics if isinstance(item, CompileMetrics) else [item])]

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    def bind(
        self,
        y: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        training: bool = False,
        regularized: bool = False,
        wanted: Collection[str] = ("losses", "metrics"),
    ) -> Bound:
        """Return the plan for batches that are structured like this first one.

        Args:
            y, sample_weight: structures of arrays as the data gave them, or None.
            y_pred: the outputs in the model's structure.
            training: whether gradients will be wanted.
            regularized: whether the model adds losses of its own.
            wanted: what the plan is to be of.

        Raises:
            ValueError, KeyError, TypeError: losses, weights or metrics do not fit the outputs; or no loss at all.
        """
        batch = Batch.of(y, y_pred, sample_weight)
        rules = semantics.current()
        exact = rules.output_matching == "exact"
        plan = (ExactPlan if exact else ConformingPlan)(self.compile_loss, self.compile_metrics, batch)
        steps, parts = plan.losses(training, regularized) if "losses" in wanted else ([], 0)
        masked = rules.trained_metrics_use_mask or not training
        return Bound(steps, plan.metrics() if "metrics" in wanted else [], len(batch.preds), parts, masked)

    @property
    def log_keys(self) -> list[str]:
        """The keys of `results`; none before what was given has met its first batch."""
        return _names(self._listed()) if self.built else []

    def track(self, total: Any, parts: Sequence[Any], size: int, rows_are_known: bool = False) -> None:
        """Add one batch to the running means.

        Args:
            total: the loss that was minimized, regularization included; None where tf_keras has no loss.
            parts: as `Bound.value_and_gradients` returned them.
            size: rows in the batch.
            rows_are_known: whether that is so before a compiled step runs, in which the parts count their batches.
        """
        if total is not None:
            self.loss_tracker.update_state(total, size)
        if parts:
            known = self.run_eagerly or rows_are_known
            by_batch = semantics.current().part_losses_count == "batches" and not known
            weight = None if by_batch else size
            for tracker, value in zip(self.compile_loss.trackers, parts, strict=True):
                if value is not None and tracker is not None:
                    tracker.update_state(value, weight)

    def results(self, extra: Iterable[Any] = ()) -> dict[str, float]:
        """Return every result by its log key, in the order the engine logs them.

        Args:
            extra: further `Metric`s of the model and its layers.
        """
        found = results_of((*self._listed(), *extra))
        order = sorted(found) if semantics.current().log_order == "sorted" else found
        return {key: _figure(found[key]) for key in order}

    def as_list(self, results: dict[str, float], extra: Iterable[Any] = ()) -> Any:
        """Return results as `evaluate` does: one float, or a list in the order of `metrics_names`.

        Keras 3 lists a metric by its own name as often as the name occurs, then the remaining keys alphabetically.
        """
        names = _names((*self._listed(), *extra), own=semantics.current().output_matching == "exact")
        listed = [results[name] for name in names if name in results]
        listed += [results[key] for key in sorted(results) if key not in names]
        return listed[0] if len(listed) == 1 else listed

    def reset(self) -> None:
        """Start all running means and metrics again."""
        self.loss_tracker.reset_state()
        self.compile_metrics.reset_state()
        for tracker in self.compile_loss.trackers:
            if tracker is not None:
                tracker.reset_state()


def results_of(metrics: Iterable[Any]) -> dict[str, Any]:
    """Return what metrics have come to, by name; of one that is several, each by its own."""
    found: dict[str, Any] = {}
    for metric in metrics:
        value = metric.result()
        found.update(value if isinstance(value, dict) else {metric.name: value})
    return found


def _names(metrics: Iterable[Any], own: bool = False) -> list[str]:
    """The log keys of metrics; `own` takes the names of those that were compiled instead."""
    names: list[str] = []
    for metric in metrics:
        if isinstance(metric, CompileMetrics):
            names += [entry.metric.name if own else entry.key for entry in metric.entries]
        else:
            names.append(metric.name)
    return names


def _figure(value: Any) -> Any:
    """A float, unless it carries an error bar."""
    return value if hasattr(value, "sigma") else float(value)
