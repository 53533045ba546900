"""Losses and metrics of one compile() on one batch: on refkeras, on Keras 3, and on tf_keras."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics

from parity_tests.agreement import exactly
from parity_tests.engines import (
    BACKEND,
    KERAS_3,
    NATIVE_ERRORS,
    keras,
    numpy,
    tensor,
    tf,
    tf_keras,
    value_and_gradients,
)
from refkeras import precision, semantics, tree
from refkeras.errors import InvalidArgumentError
from refkeras.training.compiled import Compiled
from refkeras.training.sample_weights import spread

ROWS = 5


@dataclass
class Compilation:
    """What is compiled, and the batch it meets; loss and metrics may be callables of the engine's own modules."""

    names: list[str] | None
    y: Any
    y_pred: Any
    loss: Any = "mse"
    loss_weights: Any = None
    metrics: Any = None
    weighted_metrics: Any = None
    sample_weight: Any = None
    training: bool = True


@dataclass
class Outcome:
    """Either an exception's type, or the results."""

    error: str | None = None
    total: Any = None
    gradients: list[Any] | None = None
    results: dict[str, float] | None = None
    listed: Any = None
    bars: Outcome | None = None


ENGINES: dict[str, Callable[[Compilation], Outcome]] = {}


def ours(case: Compilation, dialect: str) -> Outcome:
    """Run the case on refkeras under one preset."""
    with semantics.use(dialect):
        try:
            found = _ours(case)
        except Exception as error:  # every type is compared
            kind = InvalidArgumentError if isinstance(error, InvalidArgumentError) else type(error)
            if kind is InvalidArgumentError and BACKEND == "numpy":
                kind = ValueError  # what NumPy says of shapes
            return Outcome(error=kind.__name__)
        found.bars = _ours(case, bars=True)
        return found


def _ours(case: Compilation, bars: bool = False) -> Outcome:
    compiled = Compiled(
        case.loss,
        case.loss_weights,
        case.metrics,
        case.weighted_metrics,
        output_names=case.names,
        run_eagerly=True,
    )
    y, y_pred, weight = case.y, case.y_pred, spread(case.y, case.sample_weight)
    if bars:
        y, y_pred, weight = exactly((y, y_pred, weight))
    bound = compiled.bind(y, y_pred, weight, training=case.training)
    ys, preds = tree.flatten(y), tree.flatten(y_pred)
    ws = None if weight is None else tree.flatten(weight)
    with contextlib.ExitStack() as stack:
        for item in compiled.metrics if bars else ():
            for metric in getattr(item, "metrics", [item]):
                stack.enter_context(precision.bars(metric))
        total, parts, d_outputs, d_logits = bound.value_and_gradients(ys, preds, ws)
        assert d_logits == [None] * len(preds)
        assert bars or np.array_equal(bound.value(ys, preds, ws)[0], total) or total is None
        compiled.track(total, parts, ROWS)
        bound.update(ys, preds, ws)
        results = compiled.results()
        return Outcome(total=total, gradients=d_outputs, results=results, listed=compiled.as_list(results))


def keras_3(case: Compilation) -> Outcome:
    """Run the case on Keras 3's own classes, fed as its trainer feeds them."""
    with semantics.use(KERAS_3):
        return _guarded(lambda: _keras_3(case))


def _keras_3(case: Compilation) -> Outcome:
    loss: Any = None
    if case.loss is not None:
        loss = CompileLoss(case.loss, case.loss_weights, output_names=case.names)
    metrics = None
    if case.metrics is not None or case.weighted_metrics is not None:
        metrics = CompileMetrics(case.metrics, case.weighted_metrics, output_names=case.names)
    y, y_pred, weight = _as_tensors(case)

    def call(*preds: Any) -> Any:
        total = loss and loss(y, tree.pack_as(case.y_pred, list(preds)), weight)
        if total is None:
            raise ValueError("No loss to compute.")
        return total

    derived = value_and_gradients(call, tree.flatten(case.y_pred))
    total = derived.tensors[0]
    if metrics is not None:
        metrics.update_state(y, y_pred, weight)
    tracker = keras.metrics.Mean(name="loss")
    tracker.update_state(total, sample_weight=ROWS)
    every = [tracker, *([metrics] if metrics else []), *loss.metrics]
    logs: dict[str, float] = {}
    for metric in every:
        value = metric.result()
        logs.update(value if isinstance(value, dict) else {metric.name: value})
    logs = {key: float(logs[key]) for key in sorted(logs)}

    class Holder:
        metrics = every

    listed = keras.src.trainers.trainer.Trainer._flatten_metrics_in_order(Holder(), logs)
    return Outcome(total=derived.values[0], gradients=derived.gradients, results=logs, listed=listed)


def tf_keras_(case: Compilation) -> Outcome:
    """Run the case on tf_keras's own classes, fed as its trainer feeds them."""
    with semantics.use("tf_keras"):
        return _guarded(lambda: _tf_keras(case))


def _tf_keras(case: Compilation) -> Outcome:
    from tf_keras.src.engine.compile_utils import LossesContainer, MetricsContainer
    from tf_keras.src.engine.training import flatten_metrics_in_order

    loss = LossesContainer(case.loss, case.loss_weights, output_names=case.names)
    metrics = MetricsContainer(case.metrics, case.weighted_metrics, output_names=case.names)
    y, y_pred, weight = _as_tensors(case)
    with tf.GradientTape() as tape:
        tape.watch(tf.nest.flatten(y_pred))
        total = loss(y, y_pred, weight)
    if case.training and case.loss and y is None:
        raise ValueError("Target data is missing.")
    if case.training and total is None:
        raise ValueError("No loss found.")
    metrics.update_state(y, y_pred, weight)
    every = [*loss.metrics, *metrics.metrics]
    logs = {metric.name: float(metric.result()) for metric in every}
    listed = flatten_metrics_in_order(logs, [metric.name for metric in every])
    gradients = (
        [None] * len(tf.nest.flatten(y_pred)) if total is None else tape.gradient(total, tf.nest.flatten(y_pred))
    )
    return Outcome(
        total=None if total is None else numpy(total), gradients=_numpy(gradients), results=logs, listed=listed
    )


def _as_tensors(case: Compilation) -> tuple[Any, Any, Any]:
    weight = spread(case.y, case.sample_weight) if case.sample_weight is not None else None
    y, weight = (_tuples(tree.map_structure(_tensor, part)) for part in (case.y, weight))
    return y, tree.map_structure(_tensor, case.y_pred), weight


def _tensor(value: Any) -> Any:
    return None if value is None else tensor(value)


def _tuples(structure: Any) -> Any:
    """tf.data hands lists on as tuples."""
    if isinstance(structure, (list, tuple)):
        return tuple(_tuples(item) for item in structure)
    return {key: _tuples(item) for key, item in structure.items()} if isinstance(structure, dict) else structure


def _numpy(gradients: Any) -> list[Any]:
    return [None if g is None else numpy(tf.convert_to_tensor(g)) for g in gradients]


def _guarded(run: Callable[[], Outcome]) -> Outcome:
    try:
        return run()
    except (*NATIVE_ERRORS, InvalidArgumentError):
        # On JAX what does not fit is a TypeError, as some of Keras's own errors are.
        return Outcome(error="TypeError" if (TypeError,) == NATIVE_ERRORS else "InvalidArgumentError")
    except Exception as error:  # every type is compared
        return Outcome(error=type(error).__name__)


ENGINES[KERAS_3] = keras_3
if tf_keras:
    ENGINES["tf_keras"] = tf_keras_
