"""Making the plan for one stream of batches: which target, prediction and weight each loss and metric reads."""

from __future__ import annotations

from typing import Any

from refkeras import semantics, tree
from refkeras.training.bound import Batch, LossStep, MetricStep, Reader
from refkeras.training.compile_losses import CompileLoss, LossTerm
from refkeras.training.compile_metrics import CompileMetrics, flat_names, flat_targets
from refkeras.training.matching import (
    conform,
    feed_targets,
    is_nested,
    match_targets,
    pseudo_names,
    require_same_shape,
)

__all__ = ["ConformingPlan", "ExactPlan"]


class ExactPlan:
    """Keras 3's rules: structures must fit.

    Args:
        loss, metrics: what was compiled; resolved here on first use.
        batch: the first batch.
    """

    def __init__(self, loss: CompileLoss, metrics: CompileMetrics, batch: Batch) -> None:
        self.loss = loss
        self.compiled_metrics = metrics
        self.batch = batch

    def losses(self, training: bool, regularized: bool) -> tuple[list[LossStep], int]:
        """Return the loss steps and how many parts they have.

        Raises:
            ValueError, KeyError, TypeError: losses or weights do not fit, or there is no loss.
        """
        loss, batch = self.loss, self.batch
        steps: list[LossStep] = []
        parts = 0
        if loss.loss is not None:
            single = not is_nested(batch.y) and not is_nested(batch.y_pred)
            y = batch.y if single else match_targets(batch.y, batch.y_pred, loss.output_names, loss.loss)
            if not loss.built:
                loss.resolve(y, batch.y_pred, batch.ys, batch.preds)
            steps = [self.step(i, term, y) for i, term in enumerate(loss.terms)]
            parts = len(steps) if len(steps) > 1 else 0
            if single:
                # Of several losses on a single output Keras computes all and trains on the first.
                for step in steps[1:]:
                    step.value(batch.ys, batch.preds, batch.weights)
                steps, parts = steps[:1], 0
        if not steps and not regularized:
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        return steps, parts

    def step(self, index: int, term: LossTerm, y: Any) -> LossStep:
        target = _at(y, term.path, "y")
        if target is None or is_nested(target):
            raise ValueError(f"None values not supported: output {term.name or term.output!r} needs a target in y.")
        weight = self.batch.weight
        if is_nested(weight):
            weight = _at(weight, term.path, "sample_weight")
            if isinstance(weight, (list, tuple)) and len(weight) == 1:
                weight = weight[0]
            if is_nested(weight):
                raise TypeError(f"sample_weight for output {term.name or term.output!r} must be one array.")
        return LossStep(index, term, Reader(self.batch, term.output, target, weight), self.batch)

    def metrics(self) -> list[MetricStep]:
        """Return the metric steps.

        Raises:
            ValueError, KeyError, TypeError: metrics do not fit the outputs.
        """
        compiled, batch = self.compiled_metrics, self.batch
        if not compiled.built:
            terms = {term.output: term.loss for term in self.loss.terms}
            compiled.resolve(batch.y, batch.y_pred, batch.ys, batch.preds, terms)
        if not compiled.entries:
            return []
        names = flat_names(batch.y_pred, compiled.output_names)
        targets = flat_targets(batch.y, batch.y_pred, names)
        outputs = flat_targets(batch.y_pred, batch.y_pred, names)
        weights = [None] * len(targets) if batch.weight is None else flat_targets(batch.weight, batch.y_pred, names)
        if len(weights) < len(targets):
            weights = [weights[0]] * len(targets)
        steps = []
        for entry in compiled.entries:
            place = outputs.index(entry.output)
            if place < len(targets):
                if targets[place] is None:
                    raise ValueError(f"Metric {entry.key!r} needs a target in y, which is None.")
                weight = weights[place] if entry.weighted else None
                steps.append(MetricStep(entry, Reader(batch, entry.output, targets[place], weight)))
        return steps


def _at(structure: Any, path: tuple[Any, ...], argument: str) -> Any:
    for key in path:
        try:
            structure = structure[key]
        except (KeyError, IndexError, TypeError) as error:
            message = f"{argument} has no entry {key!r} for the output at {path}; it is {structure!r}."
            raise type(error)(message) from None
    return structure


class ConformingPlan:
    """tf_keras's rules: a missing entry is None, a single one serves every output.

    Args:
        loss, metrics: what was compiled; resolved here on first use.
        batch: the first batch.
    """

    def __init__(self, loss: CompileLoss, metrics: CompileMetrics, batch: Batch) -> None:
        self.loss = loss
        self.compiled_metrics = metrics
        self.batch = batch
        count = len(batch.preds)
        names = list(loss.output_names or pseudo_names(batch.y_pred))
        self.targets = self._targets(names)
        self.weights = tree.flatten(conform(batch.y_pred, names, batch.weight, "sample weights"))
        # Outputs beyond the shortest list are passed over, as `zip` does in tf_keras.
        self.served = min(count, len(self.targets), len(self.weights))

    def _targets(self, names: list[str]) -> list[Any]:
        batch = self.batch
        if semantics.current().resolved_at_compile:
            chosen = tree.flatten(conform(batch.y_pred, names, self.loss.loss, "losses"))
            return feed_targets(batch.y, names, [entry is not None for entry in chosen])
        y = conform(batch.y_pred, names, batch.y, "targets")
        require_same_shape(y, batch.y_pred, "y")
        return tree.flatten(y)

    def losses(self, training: bool, regularized: bool) -> tuple[list[LossStep], int]:
        """Return the loss steps and how many parts they have.

        Raises:
            ValueError, TypeError: losses or weights do not fit, or training has no target or no loss.
        """
        loss = self.loss
        if training and loss.loss and self.batch.y is None:
            raise ValueError(
                f"Target data is missing. Your model was compiled with loss={loss.loss!r}, "
                "and therefore expects target data to be provided in `fit()`."
            )
        if not loss.built:
            loss.resolve(self.batch.y, self.batch.y_pred, self.batch.ys, self.batch.preds)
        steps = [
            LossStep(i, term, self.reader(term.output, weighted=True), self.batch)
            for i, term in enumerate(loss.terms)
            if term.computed and self.serves(term.output)
        ]
        if training and not steps and not regularized:
            raise ValueError(
                "No loss found. You may have forgotten to provide a `loss` argument in the `compile()` method."
            )
        return steps, (len(loss.terms) if len(self.batch.preds) > 1 else 0)

    def serves(self, output: int) -> bool:
        return output < self.served and self.targets[output] is not None

    def reader(self, output: int, *, weighted: bool) -> Reader:
        return Reader(self.batch, output, self.targets[output], self.weights[output] if weighted else None)

    def metrics(self) -> list[MetricStep]:
        """Return the metric steps.

        Raises:
            ValueError, TypeError: metrics do not fit the outputs.
        """
        compiled, batch = self.compiled_metrics, self.batch
        if not compiled.built:
            terms = {term.output: term.loss for term in self.loss.terms}
            # A single output may have been given several targets, of which the first counts.
            y = tree.pack_as(batch.y_pred, self.targets[: len(batch.preds)])
            compiled.resolve(y, batch.y_pred, batch.ys, batch.preds, terms)
        return [
            MetricStep(entry, self.reader(entry.output, weighted=entry.weighted))
            for entry in compiled.entries
            if self.serves(entry.output)
        ]
