"""`Compilable`: what `compile` was told, and what follows from it (`keras/src/trainers/trainer.py`)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras import semantics
from refkeras.layers.containers import not_tracked
from refkeras.training.arguments import arguments
from refkeras.training.steps import Steps

if TYPE_CHECKING:
    from refkeras.callbacks import History
    from refkeras.training.compiled import Compiled

__all__ = ["Compilable"]

_STEP_METHODS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics", "make_train_function")


class Compilable:
    """The part of `Trainer` that holds the optimizer, the losses and the metrics."""

    def __init__(self) -> None:
        self._trainer_ready = True
        self.compiled = False
        self.optimizer: Any = None
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.history: History | None = None
        self.steps_per_execution = 1
        if semantics.current().resolves_jit_compile:
            self.loss = None  # in tf_keras there is none before compile()
        self._jit_compile: Any = "auto" if semantics.current().resolves_jit_compile else None
        self._run_eagerly = False
        self._compiled: Compiled | None = None
        self._steps: Steps | None = None
        self._compile_arguments: dict[str, Any] = {}
        self._compile_config: dict[str, Any] = {}

    @arguments(
        tf_keras="optimizer loss metrics loss_weights weighted_metrics run_eagerly=None steps_per_execution=None "
        "jit_compile=None pss_evaluation_shards",
        keras_2_0="optimizer loss metrics loss_weights sample_weight_mode",
        sequential_2_0="optimizer loss metrics sample_weight_mode",
        keywords="cloning experimental_run_tf_function from_serialized distribute target_tensors sample_weight_mode",
    )
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained.

        The total loss is the sum over outputs of weight × loss, plus the
        penalties of regularizers. Without `loss_weights` every weight is 1:
        it is a plain sum, not an average.

        Args:
            optimizer: name or object.
            loss: name, function, object, or a list or dict of them by output.
            loss_weights: number, list or dict by output; 1 each by default.
            metrics: names, functions or objects, in a list, or in lists or dicts by output.
            weighted_metrics: the same, weighted by `sample_weight` and `class_weight`.
            run_eagerly: changes no formula; Keras 3 then weights each output's loss by batch size.
            steps_per_execution: batches between two calls of batch hooks.
            jit_compile: `True` draws the dropout masks that XLA draws; `"auto"` is False, as on CPU.
            auto_scale_loss: for mixed precision in Keras; without effect here.

        Raises:
            ValueError: an unknown optimizer. Unknown losses and metrics are found at the first batch, as in Keras.
        """
        from refkeras import optimizers
        from refkeras.training.compiled import Compiled

        self._refuse_own_steps()
        as_given: dict[str, Any] | None = None
        if (
            semantics.current().method_arguments == "tf_keras"
        ):  # where they may be None, and "auto" finds a number of steps while it runs
            as_given = {
                "optimizer": optimizer,
                "loss": loss,
                "metrics": metrics,
                "loss_weights": loss_weights,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
            }
            steps_per_execution = 1 if steps_per_execution in (None, "auto") else steps_per_execution
            run_eagerly = bool(run_eagerly)
            if run_eagerly and jit_compile:
                raise ValueError("You cannot enable `run_eagerly` and `jit_compile` at the same time.")
        optimizer = optimizers.get(optimizer)
        if run_eagerly and jit_compile is True:
            warnings.warn(
                "If `run_eagerly` is True, then `jit_compile` cannot also be True. Disabling `jit_compile`.",
                stacklevel=2,
            )
            jit_compile = False
        output_names = getattr(self, "output_names", None)
        compiled = Compiled(
            loss,
            loss_weights,
            metrics,
            weighted_metrics,
            output_names=output_names,
            run_eagerly=run_eagerly,
            previous=self._compiled,
        )
        with not_tracked():  # what a model is compiled with is not what it holds
            self.optimizer, self._compiled = optimizer, compiled
            self._run_eagerly = run_eagerly
            self._jit_compile = jit_compile
            self.steps_per_execution = steps_per_execution
            self.stop_training = False
            self.loss = compiled.loss
            self._steps = Steps(self, compiled, optimizer)
            self._compile_arguments = {
                "optimizer": optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile is not None and self.jit_compile is True,
            }
            self._compile_config = as_given or self._compile_arguments
            self.compiled = True
        if semantics.current().resolved_at_compile:
            self._resolve(compiled)

    def _resolve(self, compiled: Compiled) -> None:
        """Resolve losses and metrics, as Keras 2.0 does, where the shapes of the outputs are known.

        So that their names are known before the first batch; arrays of zeros stand for what will come.
        """
        names = compiled.compile_loss.output_names
        if names is None:  # a Sequential that is not built
            return
        arrays = [np.zeros([size or 1 for size in output.shape], output.dtype) for output in self.outputs]  # type: ignore[attr-defined]
        compiled.bind(dict(zip(names, arrays, strict=True)), arrays if len(arrays) > 1 else arrays[0])

    def _refuse_own_steps(self) -> None:
        for name in _STEP_METHODS:
            for cls in type(self).__mro__:
                if name in vars(cls) and not cls.__module__.startswith("refkeras."):
                    raise NotImplementedError(
                        f"{cls.__name__}.{name} is not supported: refkeras's training step has no tape to record "
                        "other computations. Write a custom layer or loss with a `forward` that returns its pullback."
                    )

    @property
    def run_eagerly(self) -> bool:
        return self._run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._run_eagerly = bool(value)
        if self._compiled is not None:
            self._compiled.run_eagerly = bool(value)

    def _ready(self, method: str) -> Steps:
        """Return the steps of the compiled model.

        Raises:
            ValueError: `compile` was not called (RuntimeError in tf_keras), or Keras's backend wants a
                steps_per_execution of 1.
        """
        if self._steps is None:
            error = RuntimeError if semantics.current().uncompiled_is_runtime_error else ValueError
            raise error(
                f"You must call `compile()` before calling `{method}()`, such as "
                "model.compile(optimizer='adam', loss='mse')."
            )
        if self.steps_per_execution > 1 and not semantics.current().steps_per_execution_allowed:
            raise ValueError(
                f"`steps_per_execution` must be 1 with the PyTorch backend. Received: {self.steps_per_execution}."
            )
        return self._steps

    # -- what is compiled ------------------------------------------------------------------

    @property
    def jit_compile(self) -> bool | str | None:
        """What compile was given; of "auto", in Keras 3, what it comes to on a CPU."""
        if self._jit_compile not in ("auto", None) or not semantics.current().resolves_jit_compile:
            return self._jit_compile
        return semantics.current().jit_compile_auto and not self.run_eagerly

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        self._jit_compile = value

    @property
    def metrics(self) -> list[Any]:
        """The loss trackers, the compiled metrics, and those that layers hold."""
        own = list(self._compiled.metrics) if self._compiled is not None else []
        return [*own, *self._extra_metrics()]

    @property
    def metrics_names(self) -> list[str]:
        """Names of `metrics`."""
        own = list(self._compiled.metrics_names) if self._compiled is not None else []
        return [*own, *(metric.name for metric in self._extra_metrics())]

    def _extra_metrics(self) -> list[Any]:
        layers = list(self._flatten_layers())  # type: ignore[attr-defined]
        if not semantics.current().nested_metrics_are_repeated:
            return [metric for layer in layers for metric in layer._metrics]
        # Each layer, wherever it is, tells all that is in it; models do not.
        inside = (metric for layer in layers[1:] if not isinstance(layer, Compilable) for metric in layer.metrics)
        return [*self._metrics, *inside]  # type: ignore[attr-defined]

    def reset_metrics(self) -> None:
        """Set every metric back to its start."""
        for metric in self.metrics:
            metric.reset_state()

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return the arguments of `compile`, serialized; in tf_keras as they were given."""
        from refkeras.saving.serialization import serialize_keras_object

        if not self.compiled:
            return {} if semantics.current().layer_config == "keras-3" else None
        return {key: serialize_keras_object(value) for key, value in self._compile_config.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` returned."""
        from refkeras.saving.serialization import deserialize_keras_object

        if type(self).compile is not Compilable.compile:
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's `compile()` method is "
                "custom. All subclassed Models that have `compile()` overridden should also override "
                "`get_compile_config()` and `compile_from_config(config)`. Alternatively, you can call `compile()` "
                "manually after loading.",
                stacklevel=2,
            )
            return
        arguments = {key: deserialize_keras_object(value) for key, value in config.items()}
        self.compile(**arguments)
        if self.optimizer is not None and self.built:  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]
