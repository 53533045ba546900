"""One batch: forward, loss, back through the pullbacks, update, metrics."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from refkeras import random, semantics, tree
from refkeras.layers.tracking import freeze_count, traced
from refkeras.tensor import wrap
from refkeras.training.by_position import apply_by_position
from refkeras.training.interrupts import Interrupts
from refkeras.training.loops import when_known
from refkeras.training.preserving import values_preserved
from refkeras.variable import Variable

if TYPE_CHECKING:
    from refkeras.models.program import GraphPass
    from refkeras.training.bound import Bound
    from refkeras.training.compiled import Compiled

__all__ = ["Step", "StepRecord", "Steps"]

Step = Callable[[list[Any], Any, Any, int], None]


class StepRecord(NamedTuple):
    """What one step computed, for whoever watches (`Steps.watchers`), before weights and metrics change.

    The arrays are the step's own and are overwritten later: who keeps them copies them.

    Attributes:
        training: whether it is a training step.
        bound: the losses and metrics as they lie over the batch.
        xs, ys, ws: flat lists of inputs, targets and sample weights (None where there are none).
        inputs: the inputs as the model took them.
        preds: flat list of outputs, Tensors where they carry a mask or logits.
        size: rows of the batch.
        total: the loss that is minimized; None without any.
        parts: the losses of the outputs, where they are logged.
        penalties: what layers and regularizers added to the total, in order.
        regularized: the variables whose penalties are the last of these.
        gradients, variables: what goes to the optimizer; none in a test step.
    """

    training: bool
    bound: Bound
    xs: list[Any]
    ys: Any
    ws: Any
    inputs: Any
    preds: list[Any]
    size: int
    total: Any
    parts: Sequence[Any]
    penalties: Sequence[Any]
    regularized: Sequence[Variable]
    gradients: Sequence[Any]
    variables: Sequence[Variable]


class _Trace:
    """What Keras fixes when it traces a training step: the variables to update, and the places of random operations.

    Later freezing and thawing does not reach a traced step. Steps that are run
    eagerly see it at once (in Keras 3; tf_keras fixes the variables in
    compile).

    Args:
        model: the model.
        variables: the variables to update, where they are known already.
    """

    def __init__(self, model: Any, variables: list[Variable] | None) -> None:
        self._model = model
        rule = semantics.current().trainable_is_read
        self._each_step = rule in ("each step", "once") or (model._run_eagerly and variables is None)
        self.program = random.Program()
        self._fixed = variables is not None
        self._variables: list[Variable] = []
        self.regularized: list[Variable] = []
        self._ids: frozenset[int] = frozenset()
        self._read_at = -1
        self._frozen: traced | None = None
        self._running: random.Program | None = None
        if variables is not None:
            self._read(variables)

    def _read(self, variables: list[Variable]) -> None:
        self._variables = variables
        self._ids = frozenset(id(v) for v in variables)
        every = semantics.current().frozen_weights_are_penalized
        self.regularized = self._model._penalized if every else [v for v in variables if v.regularizer is not None]
        self._read_at = freeze_count()

    def variables(self) -> list[Variable]:
        """Return the variables to update, which the first step after building has fixed."""
        if self._read_at == -1 or (self._each_step and self._read_at != freeze_count()):
            self._read(self._model.trainable_variables)
        return self._variables

    def __enter__(self) -> None:
        stale = self._read_at != freeze_count() and self._read_at != -1 and not self._each_step
        self._frozen = traced(self._ids) if stale else None
        self._running = None if self._model._run_eagerly else self.program
        if self._frozen is not None:
            self._frozen.__enter__()
        if self._running is not None:
            self._running.__enter__()

    def __exit__(self, *error: Any) -> None:
        if self._running is not None:
            self._running.__exit__(None, None, None)
        if self._frozen is not None:
            self._frozen.__exit__(*error)


class Steps:
    """The training and test steps of one compiled model.

    Args:
        model: the model.
        compiled: its losses and metrics.
        optimizer: what updates its weights.

    Attributes:
        watchers: are given a `StepRecord` of every step; most often there are none.
    """

    watchers: Sequence[Callable[[StepRecord], None]] = ()

    def __init__(self, model: Any, compiled: Compiled, optimizer: Any) -> None:
        self.model, self.compiled, self.optimizer = model, compiled, optimizer
        self.interrupts = Interrupts()
        # Keras traces fit and train_on_batch apart.
        rules = semantics.current()
        at_compile = rules.trainable_is_read == "at compile"
        known = model.trainable_variables if at_compile and model.built else None
        self._unreached_get_zero = rules.unreached_weights == "zero gradient"
        self._by_position = rules.trainable_is_read == "once"
        self._fit_trace, self._batch_trace = _Trace(model, known), _Trace(model, known)
        self._programs = random.Programs(jit_compile=model._jit_compile is True)
        self._seen = self._ever = False
        self._extra_metrics: list[Any] = []
        self._updated: list[Variable] = []
        self._regularized_at = -1
        self._with_regularizer: list[Variable] = []

    def trace_anew(self) -> None:
        """Find out again what there is to train: layers came or went."""
        self._fit_trace, self._batch_trace = _Trace(self.model, None), _Trace(self.model, None)
        self._regularized_at = -1

    def build_from(self, feed: Any, loop: str) -> None:
        """Let a feed show its first batch where the engine builds from it what is not built.

        Args:
            loop: "fit" or "evaluate".

        Raises:
            ValueError, KeyError, TypeError, InvalidArgumentError: the batch does not fit the model, its losses or its
                metrics; the optimizer then has no slots yet.
        """
        rules = semantics.current()
        if loop not in rules.builds_from_batches:
            return
        # Where it is not put back, it is layers that are asked for.
        if self._lacks(rules.first_batch_is_put_back):
            batch = feed.peek(0 if rules.first_batch_is_put_back else self.model.steps_per_execution)
            if batch is not None:
                self._try_out(feed, *batch)
        self.build_optimizer()

    def build_from_batch(self, structures: Any, method: str, *batch: Any) -> None:
        """Build from a single batch; the rest as `build_from`.

        Args:
            method: "train_on_batch" or "test_on_batch".
            *batch: lists of arrays, as steps take them, and how many rows they have.
        """
        if method in semantics.current().builds_from_batches:
            if self._lacks():
                self._try_out(structures, *batch)
            self.build_optimizer()

    def _lacks(self, metrics: bool = True) -> bool:
        """Whether layers are not built, or the losses and metrics."""
        return not (self.model._layers_built and (self.compiled.built or not metrics))

    @np.errstate(all="ignore")
    def _try_out(self, feed: Any, xs: list[Any], ys: Any, ws: list[Any] | None, size: int) -> None:
        """Run what a test step does with a batch, which builds what is not built; no value changes.

        Keras does it with symbolic tensors of the shapes of the batch (`Trainer._symbolic_build`).
        """
        run, structure = self.model._try_out(feed, xs, feed.method)
        if self.compiled.built:
            return
        preds = _carrying(run)
        bound = self._bind(feed, structure, ys, preds, ws, False, bool(self._regularized() or run.losses))
        known = {id(variable) for metric in self.model.metrics for variable in metric.variables}
        with values_preserved(self.model):
            try:
                bound.update(ys, preds, ws)
            except Exception:
                self.compiled.compile_loss.built = False  # it comes after the metrics, and is tried out again
                raise
            bound.value(ys, preds, ws)
        for metric in self.model.metrics:
            if any(id(variable) not in known for variable in metric.variables):
                metric.reset_state()

    def build_optimizer(self) -> None:
        """Have the optimizer make its slots, where the engine's does so without a training step."""
        early = semantics.current().optimizer_is_built_early and self.model.built
        if early and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.model.trainable_variables)

    # -- metrics ---------------------------------------------------------------------

    def reset(self) -> None:
        """Set the losses and metrics back to their start."""
        self._ever |= self._seen
        self._seen = False
        self.compiled.reset()
        self._extra_metrics = self.model._extra_metrics()
        for metric in self._extra_metrics:
            metric.reset_state()

    def results(self, of_epoch: bool = False) -> dict[str, float]:
        """Return the running losses and metrics, in the order of the log; none before the first batch.

        Of an epoch that got no batch, after others that did, tf_keras gives those of metrics that have seen none.
        """
        if not self._seen and not (of_epoch and self._ever and semantics.current().out_of_data == "stop"):
            return {}
        return self.compiled.results(self._extra_metrics)

    def as_list(self, results: dict[str, float]) -> Any:
        """Return results as `evaluate` does: a float, or a list in the engine's order."""
        return self.compiled.as_list(results, self._extra_metrics)

    # -- steps -----------------------------------------------------------------------

    def trainer(self, feed: Any) -> Step:
        """Return the training step for batches of the feed's structure."""
        return when_known(feed, lambda: self._trainer(feed, self._fit_trace))

    def single_trainer(self, feed: Any) -> Step:
        """Return the training step for `train_on_batch`."""
        return self._trainer(feed, self._batch_trace)

    def _trainer(self, feed: Any, trace: _Trace) -> Step:
        bind = self.model._input_binder(feed.x_structure, feed.method, feed.fixed_batch_size)
        model, compiled = self.model, self.compiled
        structure_key = repr((feed.x_structure, feed.y_structure, feed.w_structure))
        trace.program = self._programs(structure_key, feed.fixed_batch_size)
        bound: Any = None

        @np.errstate(all="ignore")
        def train(xs: list[Any], ys: Any, ws: list[Any] | None, size: int) -> None:
            nonlocal bound
            inputs = bind(xs)
            with trace:
                run, structure = model._run(inputs, training=True, gradient="weights")
            preds = _carrying(run)
            variables, regularized = trace.variables(), trace.regularized
            if bound is None:
                bound = self._bind(feed, structure, ys, preds, ws, True, bool(regularized or run.losses))
            total, parts, d_outputs, d_logits = bound.value_and_gradients(ys, preds, ws)
            penalties = _penalties(run, regularized) if regularized or run.losses else ()
            total = with_penalties(total, penalties)
            _, d_weights = run.pullback(d_outputs, d_logits)  # type: ignore[misc]
            for v in regularized:
                penalty = v.regularizer.gradient(v.value)
                d_weights[id(v)] = penalty if id(v) not in d_weights else d_weights[id(v)] + penalty
            gradients = [d_weights.get(id(v)) for v in variables]
            if self._unreached_get_zero:
                gradients = [
                    np.zeros_like(v.value) if g is None else g for g, v in zip(gradients, variables, strict=True)
                ]
            if self.watchers:
                self._tell(
                    StepRecord(
                        True,
                        bound,
                        xs,
                        ys,
                        ws,
                        inputs,
                        preds,
                        size,
                        total,
                        parts,
                        penalties,
                        regularized,
                        gradients,
                        variables,
                    )
                )
            self.interrupts.critical = True
            try:
                self._update(gradients, variables)
            finally:
                self.interrupts.critical = False
            self._seen = True
            compiled.track(total, parts, size)
            bound.update(ys, preds, ws)
            self.interrupts.release()

        return train

    def with_batchless_step(self, feed: Any, train: Step) -> Step:
        """Have the step that finds no batch in a generator do what needs none, where the engine's does.

        TensorFlow runs what a traced step consists of as soon as it can. The step after the last one fails where it
        asks for its batch, and by then all that needs none is done.
        """
        model = self.model
        compiled = not model.run_eagerly and model._jit_compile is not True and model.steps_per_execution == 1
        if not (semantics.current().batchless_step_runs and compiled and feed.may_run_out):
            return train
        drawn: list[tuple[random.SeedGenerator, int]] = []

        def remembered(*batch: Any) -> None:
            generators = [
                generator
                for layer in model._flatten_layers()
                for generator in layer._seed_generators
                if isinstance(generator, random.SeedGenerator)
            ]
            before = [int(generator.state.value[1]) for generator in generators]
            train(*batch)
            drawn[:] = [(g, int(g.state.value[1]) - n) for g, n in zip(generators, before, strict=True)]

        def without_batch() -> None:
            for generator, draws in drawn:
                generator.skip(draws)
            if self.optimizer is not None and self.optimizer.built:
                self.optimizer.step_without_gradients(self._updated)

        feed.on_empty = without_batch
        return remembered

    def tester(self, feed: Any) -> Step:
        """Return the test step for batches of the feed's structure."""
        return when_known(feed, lambda: self._tester(feed))

    def _tester(self, feed: Any) -> Step:
        bind = self.model._input_binder(feed.x_structure, feed.method, feed.fixed_batch_size)
        model, compiled = self.model, self.compiled
        bound: Any = None

        @np.errstate(all="ignore")
        def test(xs: list[Any], ys: Any, ws: list[Any] | None, size: int) -> None:
            nonlocal bound
            inputs = bind(xs)
            run, structure = model._run(inputs, training=False, gradient="none")
            preds = _carrying(run)
            regularized = self._regularized()
            if bound is None:
                bound = self._bind(feed, structure, ys, preds, ws, False, bool(regularized or run.losses))
            total, parts = bound.value(ys, preds, ws)
            penalties = _penalties(run, regularized) if regularized or run.losses else ()
            total = with_penalties(total, penalties)
            if self.watchers:
                self._tell(
                    StepRecord(
                        False, bound, xs, ys, ws, inputs, preds, size, total, parts, penalties, regularized, (), ()
                    )
                )
            self._seen = True
            compiled.track(total, parts, size)
            bound.update(ys, preds, ws)

        return test

    # -- who watches -----------------------------------------------------------------

    @contextlib.contextmanager
    def watched_by(self, watchers: Sequence[Callable[[StepRecord], None]]) -> Iterator[None]:
        """Have these watch for a while, and those before them not: a callback of `fit` may evaluate, say."""
        before, self.watchers = self.watchers, watchers
        try:
            yield
        finally:
            self.watchers = before

    def _tell(self, record: StepRecord) -> None:
        for watch in self.watchers:
            watch(record)

    # -- parts -----------------------------------------------------------------------

    def _bind(
        self, feed: Any, structure: Any, ys: Any, preds: list[Any], ws: Any, training: bool, regularized: bool
    ) -> Any:
        """Lay the losses and metrics over the structures of a feed."""
        y = None if ys is None else tree.pack_as(feed.y_structure, ys)
        w = None if ws is None else tree.pack_as(feed.w_structure, ws)
        packed = tree.pack_as(structure, preds)
        if semantics.current().dict_outputs == "sorted by compilation":
            packed = tree.with_sorted_keys(packed)  # losses and metrics meet a trace of the outputs first
        if isinstance(packed, (list, tuple)) and len(packed) == 1:
            packed = packed[0]
        return self.compiled.bind(y, packed, w, training=training, regularized=regularized)

    def _regularized(self) -> list[Variable]:
        """Return the variables whose regularizers count now."""
        if self._regularized_at != freeze_count():
            self._regularized_at = freeze_count()
            self._with_regularizer = self.model._penalized
        return self._with_regularizer

    def _update(self, gradients: list[Any], variables: list[Variable]) -> None:
        optimizer = self.optimizer
        self._updated = [v for v, g in zip(variables, gradients, strict=True) if g is not None]
        if variables or self._by_position:
            if optimizer is not None:
                if getattr(optimizer, "loss_scale_factor", None) is not None:
                    gradients = [None if g is None else optimizer.scale_loss(g) for g in gradients]
                if self._by_position:
                    apply_by_position(optimizer, gradients, variables)
                else:
                    optimizer.apply(gradients, variables)
        elif semantics.current().warns_without_weights:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)


def _penalties(run: GraphPass, regularized: list[Variable]) -> list[Any]:
    return [*run.losses, *(v.regularizer(v.value) for v in regularized)]


def with_penalties(total: Any, penalties: Sequence[Any]) -> Any:
    """Return a loss, or None for none, and the penalties that are added to it."""
    for penalty in penalties:
        total = penalty if total is None else total + penalty
    return total


def _carrying(run: GraphPass) -> list[Any]:
    """Return the outputs, as Tensors where they have a mask or logits."""
    return [
        y if mask is None and z is None else wrap(y, mask, z)
        for y, mask, z in zip(run.outputs, run.masks, run.logits, strict=True)
    ]
