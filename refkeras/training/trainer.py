"""`Trainer`: fit, evaluate and predict (`keras/src/trainers/trainer.py`, `backend/tensorflow/trainer.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras import config, semantics, tree
from refkeras.training import data, loops
from refkeras.training.arguments import arguments
from refkeras.training.compiling import Compilable
from refkeras.training.interrupts import Interrupts
from refkeras.training.measuring import Measuring
from refkeras.training.older_methods import GeneratorMethods
from refkeras.training.steps import Step, Steps

if TYPE_CHECKING:
    from refkeras.callbacks import CallbackList, History

__all__ = ["Trainer"]


class Trainer(GeneratorMethods, Measuring, Compilable):
    """The part of `Model` that trains."""

    # -- fit -----------------------------------------------------------------------

    @arguments(
        tf_keras="x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight "
        "sample_weight initial_epoch steps_per_epoch validation_steps validation_batch_size validation_freq "
        "max_queue_size workers use_multiprocessing",
        keras_2_0="x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight "
        "sample_weight initial_epoch",
        sequential_2_0="x y batch_size epochs=10 verbose callbacks validation_split validation_data shuffle "
        "class_weight sample_weight initial_epoch",
    )
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train for `epochs - initial_epoch` passes over the data.

        Args:
            x, y: arrays, lists, tuples or dicts of arrays; or x alone a generator or `PyDataset`.
            batch_size: rows per update (32).
            epochs: the epoch to stop before.
            verbose: 0 silent, 1 progress line, 2 one line per epoch, `"auto"`.
            callbacks: callbacks, called after each batch and epoch.
            validation_split: fraction of the rows, the last ones, that is only evaluated.
            validation_data: `(x, y)` or `(x, y, sample_weight)` to evaluate after each epoch.
            shuffle: new order of rows; `"batch"` shuffles inside batches.
            class_weight: `{class: weight}`.
            sample_weight: one weight per row (or per row and step).
            initial_epoch: the epoch to start with.
            steps_per_epoch: batches per epoch; all by default.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate every so many epochs, or after the epochs listed (counted from 1).

        Returns:
            History: `history.history` maps each key to its value per epoch.

        Raises:
            ValueError: what is passed does not fit the model or itself; no weight has changed then.
        """
        steps = self._ready("fit")
        epochs = config.limited(epochs, config.max_epochs(), "epochs", stacklevel=3)  # type: ignore[assignment]
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = data.split_validation(x, y, sample_weight, validation_split)
        feed = data.make_feed(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
            epochs=epochs,
            initial_epoch=initial_epoch,
            at_once=self.steps_per_execution,
        )
        validation_feed: Any = None
        validation_size: int | None = None
        validation_rows = None
        if validation_data is not None:
            validation_rows = loops.rows(data.unpack_x_y_sample_weight(validation_data)[0])
        hooks = self._hooks(
            callbacks,
            feed,
            verbose,
            add_history=True,
            epochs=epochs,
            do_validation=validation_data is not None,
            validation_samples=validation_rows,
        )
        self.stop_training = False
        training_logs: dict[str, Any] | None = None
        steps.build_from(feed, "fit")
        numbers = feed.epochs()
        train = steps.with_batchless_step(feed, steps.trainer(feed))
        with Interrupts() as interrupts, steps.watched_by(hooks.step_watchers()):
            steps.interrupts = interrupts
            hooks.on_train_begin()
            for epoch in numbers:
                steps.reset()
                hooks.on_epoch_begin(epoch)
                logs = self._train_epoch(train, steps, feed, hooks)
                if validation_data is not None and loops.is_due(epoch, validation_freq):
                    size = validation_batch_size or batch_size or feed.validation_size
                    if validation_feed is None or size != validation_size:
                        validation_size = size
                        vx, vy, vw = data.unpack_x_y_sample_weight(validation_data)
                        validation_feed = data.make_feed(
                            vx,
                            vy,
                            vw,
                            batch_size=size,
                            steps=validation_steps,
                            loop="evaluate",
                            at_once=self.steps_per_execution,
                        )
                        test = steps.tester(validation_feed)
                    validation = self._evaluate_feed(test, steps, validation_feed, hooks)
                    logs.update({f"val_{name}": value for name, value in validation.items()})
                hooks.on_epoch_end(epoch, logs)
                training_logs = logs
                if self.stop_training:
                    break
            if self.optimizer is not None and epochs > 0:
                self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
            hooks.on_train_end(training_logs)
        return self.history  # type: ignore[return-value]

    def _train_epoch(self, train: Step, steps: Steps, feed: Any, hooks: CallbackList) -> dict[str, float]:
        """Take an epoch's steps; return the logs for its end."""
        if semantics.current().batch_logs == "batch":
            return self._train_batch_by_batch(train, steps, feed, hooks)
        if self.steps_per_execution != 1:
            self._train_in_groups(train, steps, feed, hooks)
            return steps.results(of_epoch=True)
        begin, end, results = hooks.on_train_batch_begin, hooks.on_train_batch_end, steps.results
        for step, xs, ys, ws, size in feed.batches():
            begin(step)
            train(xs, ys, ws, size)
            end(step, results)
            if self.stop_training:
                break
        return steps.results(of_epoch=True)

    def _train_batch_by_batch(self, train: Step, steps: Steps, feed: Any, hooks: CallbackList) -> dict[str, float]:
        """Take an epoch's steps as Keras 2.0 does: each batch logs its own values, and `BaseLogger` averages them."""
        names = hooks.params["metrics"]  # type: ignore[index]
        for step, xs, ys, ws, size in feed.batches():
            logs: dict[str, Any] = {"batch": step, "size": size}
            hooks.on_train_batch_begin(step, logs)
            steps.reset()
            train(xs, ys, ws, size)
            found = steps.results()
            if not names:  # known only after the first batch
                names += [*found, *(f"val_{name}" for name in found if hooks.params["do_validation"])]  # type: ignore[index]
            hooks.on_train_batch_end(step, {**logs, **found})
        return {}

    def _train_in_groups(self, train: Step, steps: Steps, feed: Any, hooks: CallbackList) -> None:
        for first, last, group in loops.grouped(feed, self.steps_per_execution):
            hooks.on_train_batch_begin(first)
            for _, xs, ys, ws, size in group:
                train(xs, ys, ws, size)
            hooks.on_train_batch_end(last, steps.results)
            if self.stop_training:
                break

    def _hooks(
        self, callbacks: Any, feed: Any, verbose: Any, add_history: bool = False, epochs: int = 1, **extra: Any
    ) -> CallbackList:
        from refkeras.callbacks import CallbackList

        if isinstance(callbacks, CallbackList):
            return callbacks
        params: dict[str, Any] = {"verbose": verbose, "epochs": epochs, "steps": feed.num_batches}
        if semantics.current().progress_line == "keras-2.0":
            params |= {"do_validation": False, "metrics": self._compiled.log_keys if self._compiled else [], **extra}
            if params["do_validation"] or feed.num_samples is None:
                params["metrics"] += [f"val_{name}" for name in params["metrics"]]
            if feed.num_samples is not None:
                del params["steps"]
                params |= {"samples": feed.num_samples, "batch_size": feed.batch_size}
        return CallbackList(callbacks, add_history=add_history, add_progbar=verbose != 0, model=self, **params)

    # -- evaluate --------------------------------------------------------------------

    @arguments(
        tf_keras="x y batch_size verbose sample_weight steps callbacks max_queue_size workers use_multiprocessing "
        "return_dict",
        keras_2_0="x y batch_size verbose sample_weight",
    )
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return the loss and the metrics on the data, without training.

        Arguments as in `fit`. Returns a float, a list in the order of
        `metrics_names`, or with `return_dict` a dict.
        """
        if kwargs:
            error = TypeError if semantics.current().unknown_argument_is_type_error else ValueError
            raise error(f"Arguments not recognized: {kwargs}")
        ready = self._ready("evaluate")
        at_once = self.steps_per_execution
        feed = data.make_feed(x, y, sample_weight, batch_size=batch_size, steps=steps, loop="evaluate", at_once=at_once)
        ready.build_from(feed, "evaluate")
        hooks = self._hooks(callbacks, feed, verbose)
        with ready.watched_by(hooks.step_watchers()):
            logs = self._evaluate_feed(ready.tester(feed), ready, feed, hooks)
        ready.build_optimizer()  # the model may have been built by now
        return logs if return_dict else ready.as_list(logs)

    def _evaluate_feed(self, test: Step, steps: Steps, feed: Any, hooks: CallbackList) -> dict[str, float]:
        self.stop_evaluating = False
        rules = semantics.current()
        own_values, heeded = rules.batch_logs == "batch", rules.every_loop_stops
        numbers = feed.epochs()
        hooks.on_test_begin()
        steps.reset()
        for _ in numbers:
            for first, last, group in loops.grouped(feed, self.steps_per_execution):
                hooks.on_test_batch_begin(first)
                rows = 0
                for _, xs, ys, ws, size in group:
                    test(xs, ys, ws, size)
                    rows += size
                hooks.on_test_batch_end(last, {"batch": last, "size": rows} if own_values else steps.results)
                if self.stop_evaluating and heeded:
                    break
        logs = steps.results()
        hooks.on_test_end(logs)
        return logs

    # -- predict -----------------------------------------------------------------------

    @arguments(
        tf_keras="x batch_size verbose steps callbacks max_queue_size workers use_multiprocessing",
        keras_2_0="x batch_size verbose",
    )
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for `x`, in the structure of the model's outputs, computed batch by batch."""
        at_once = self.steps_per_execution
        feed = data.make_feed(x, batch_size=batch_size, steps=steps, loop="predict", at_once=at_once)
        if "predict" in semantics.current().builds_from_batches and not self._layers_built:  # type: ignore[attr-defined]
            batch = feed.peek()
            if batch is not None:
                self._try_out(feed, batch[0], "predict")  # type: ignore[attr-defined]
        hooks = self._hooks(callbacks, feed, semantics.current().predict_verbose if verbose == "auto" else verbose)
        bind = loops.when_known(
            feed,
            lambda: self._input_binder(feed.x_structure, "predict", feed.fixed_batch_size),  # type: ignore[attr-defined]
        )
        self.stop_predicting, heeded = False, semantics.current().every_loop_stops
        hooks.on_predict_begin()
        collected: list[list[Any]] = []
        structure: Any = None
        for _ in feed.epochs():
            for first, last, group in loops.grouped(feed, self.steps_per_execution):
                hooks.on_predict_batch_begin(first)
                rows = 0
                for _, xs, _, _, size in group:
                    run, structure = self._run(bind(xs), training=False, gradient="none")  # type: ignore[attr-defined]
                    collected.append(run.outputs)
                    rows += size
                outputs = collected[-1]
                own_values = {"batch": last, "size": rows} if semantics.current().batch_logs == "batch" else {}
                hooks.on_predict_batch_end(last, {"outputs": self._packed(structure, outputs), **own_values})
                if self.stop_predicting and heeded:
                    break
        hooks.on_predict_end()
        if not collected:
            raise ValueError("predict() got no batch: x is empty.")
        # A result must not share memory with the input, which an identity model hands on.
        columns = zip(*collected, strict=True)
        joined = [np.copy(parts[0]) if len(parts) == 1 else np.concatenate(parts) for parts in columns]
        return self._packed(structure, joined)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch."""
        xs, _, _, _, structures = data.single_batch(x, None, None, None)
        inputs = self._input_binder(structures[0], "on_batch")(xs)  # type: ignore[attr-defined]
        run, structure = self._run(inputs, training=False, gradient="none")  # type: ignore[attr-defined]
        return self._packed(structure, [np.copy(output) for output in run.outputs])

    def _packed(self, structure: Any, outputs: list[Any]) -> Any:
        """Return predictions in the structure of the outputs; a list of one is taken out of it."""
        compiled = not self.run_eagerly and bool(self.jit_compile)
        if compiled and semantics.current().dict_outputs == "sorted by compilation":
            structure = tree.with_sorted_keys(structure)
        return loops.packed(structure, outputs)

    # -- single batches ------------------------------------------------------------------

    @arguments(
        tf_keras="x y sample_weight class_weight reset_metrics return_dict",
        keras_2_0="x y sample_weight class_weight",
        sequential_2_0="x y class_weight sample_weight",
    )
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        *,
        reset_metrics: bool = True,
    ) -> Any:
        """Make one update; return the loss and metrics of that batch, before the update.

        With `reset_metrics=False` (tf_keras's) they are those of all batches since they were reset.
        """
        steps = self._ready("train_on_batch")
        both = class_weight is not None and sample_weight is not None
        if both and semantics.current().class_and_sample_weights == "refused":
            raise ValueError(
                "Arguments `sample_weight` and `class_weight` cannot be specified at the same time. Received: "
                f"sample_weight={sample_weight}, class_weight={class_weight}"
            )
        with Interrupts() as interrupts:
            steps.interrupts = interrupts
            given = x, y, sample_weight, class_weight
            return self._on_batch(steps, "train_on_batch", steps.single_trainer, *given, return_dict, reset_metrics)

    @arguments(tf_keras="x y sample_weight reset_metrics return_dict", keras_2_0="x y sample_weight")
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        reset_metrics: bool = True,
    ) -> Any:
        """Return the loss and metrics of one batch, without training; `reset_metrics` as in `train_on_batch`."""
        steps = self._ready("test_on_batch")
        resets = reset_metrics and semantics.current().test_on_batch_resets
        return self._on_batch(steps, "test_on_batch", steps.tester, x, y, sample_weight, None, return_dict, resets)

    def _on_batch(
        self,
        steps: Steps,
        method: str,
        make: Callable[[Any], Callable[..., None]],
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        return_dict: bool,
        resets: bool,
    ) -> Any:
        xs, ys, ws, size, structures = data.single_batch(x, y, sample_weight, class_weight)
        feed, batch = loops.Structures(*structures, size), (xs, ys, ws, size)
        steps.build_from_batch(feed, method, *batch)
        if resets:
            steps.reset()
        with steps.watched_by(()):
            make(feed)(*batch)
        logs = steps.results()
        return logs if return_dict else steps.as_list(logs)
