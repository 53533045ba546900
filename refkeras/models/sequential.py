"""`Sequential`: a stack of layers (`keras/src/models/sequential.py`)."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from refkeras import naming, semantics, tree
from refkeras.layers import calling, eager
from refkeras.layers.base import Layer, Pass
from refkeras.layers.input_layer import InputLayer
from refkeras.layers.node_attributes import Way, has_older_names
from refkeras.models.functional import Functional
from refkeras.models.model import Model
from refkeras.models.program import GraphPass
from refkeras.older import where
from refkeras.saving.serialization import serialize_keras_object
from refkeras.symbolic import KerasTensor
from refkeras.training.older_methods import ClassPredictions

__all__ = ["Sequential"]


class Sequential(ClassPredictions, Model):
    """A model whose layers follow one another.

    Args:
        layers: the layers, optionally with an `Input` first.
        trainable: whether optimizers update its weights.
        name: `sequential`, counted, by default.

    Raises:
        ValueError: something that is no layer, a second Input, or a name that is taken.

    Example:

        >>> import refkeras
        >>> model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3)])
        >>> model.output_shape
        (None, 3)
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._functional: Functional | None = None
        self.__dict__["_stack"] = []
        for layer in layers or []:
            self.add(layer, rebuild=False)
        if layers:
            self._rebuild()

    _stack: list[Layer]

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top of the stack."""
        if not self._stack and getattr(layer, "_input_shape_arg", None) is not None:
            self.add(InputLayer(batch_shape=layer._input_shape_arg, name=_name_of_input(layer)))
        if isinstance(layer, KerasTensor) and isinstance(layer._keras_history.operation, InputLayer):
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            error = TypeError if semantics.current().unknown_argument_is_type_error else ValueError
            raise error(
                "Only instances of `keras.Layer` can be added to a Sequential model. Received: "
                f"{layer} (of type {type(layer)})"
            )
        if any(layer.name == other.name and other is not layer for other in self._stack):
            raise ValueError(
                f"All layers added to a Sequential model should have unique names. Name '{layer.name}' is already the "
                "name of a layer in this model. Update the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self._stack and isinstance(self._stack[0], InputLayer):
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._stack[0].batch_shape}. You cannot add a different Input layer to it."
            )
        self._stack.append(layer)
        self._forget()
        if rebuild:
            try:
                self._rebuild()
            except Exception:
                if semantics.current().stack_of_single_outputs:
                    self.pop()
                raise

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Take the top layer off and return it (tf_keras: return None).

        Raises:
            IndexError: no layer is left, and in Keras 3 no Input either: what there was is gone then.
            TypeError: the same in tf_keras, where nothing but an Input is left before.
        """
        returns_layer = semantics.current().pop_returns_layer
        if not (self._stack if returns_layer else self.layers):
            raise (IndexError if returns_layer else TypeError)(f"There are no layers in the model {self.name!r}.")
        layer = self._stack.pop()
        if not returns_layer and not self.layers:
            self._stack.clear()  # the shape of its Input counts no longer
        self._forget()
        if rebuild and len(self._stack) > 1:
            self._rebuild()
        if not returns_layer:
            return None
        if rebuild and not self._stack:
            raise IndexError(f"There is no layer left in the model {self.name!r}.")
        return layer

    def _forget(self) -> None:
        self.built = False
        if self._steps is not None:
            self._steps.trace_anew()
        self._functional = None
        self._tracked[:] = list(self._stack)

    def _rebuild(self) -> None:
        self._forget()
        first = self._stack[0]
        if len(self._stack) < 2 and semantics.current().stack_shape_is_final:
            return
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif isinstance(first, Functional):
            self.build(first.input_shape)

    def build(self, input_shape: Any = None) -> None:
        """Build every layer for inputs of this shape (batch axis included)."""
        final = semantics.current().stack_shape_is_final
        if not final:
            if self._functional is not None:
                return
            if input_shape is None:
                raise ValueError("You must provide an `input_shape` argument.")
        if isinstance(input_shape, dict) or any(not (s is None or isinstance(s, int)) for s in input_shape or [()]):
            return
        shape = tuple(input_shape)
        if not self._stack:
            if final:
                raise ValueError(
                    f"Sequential model {self.name} cannot be built because it has no layers. Call `model.add(layer)`."
                )
            x = InputLayer(batch_shape=shape).output
            self._functional = Functional(x, x, name=self.name)
            return
        given = isinstance(self._stack[0], InputLayer)
        if not isinstance(self._stack[0], InputLayer):
            first = self._stack[0]
            self._stack.insert(0, InputLayer(batch_shape=shape, dtype=first.compute_dtype, name=_name_of_input(first)))
        elif self._stack[0].batch_shape != shape and final:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._stack[0].batch_shape}. You cannot build it with input_shape {shape}"
            )
        inputs = x = self._stack[0].output
        for layer in self._stack[1:]:
            try:
                x = layer(x)
            except NotImplementedError:  # it does not tell the shape of its outputs: its layers are called one by one
                return
            except TypeError as error:
                needed = [p for p in inspect.signature(layer.call).parameters.values() if _is_needed(p)]
                if len(needed) < 2:
                    raise
                raise ValueError(
                    "Layers added to a Sequential model can only have a single required positional argument, the input "
                    f"tensor. Layer {type(layer).__name__} has multiple required positional arguments: {needed}"
                ) from error
            if semantics.current().stack_of_single_outputs and len(tree.flatten(x)) != 1:
                raise ValueError(
                    "All layers in a Sequential model should have a single output tensor. For multi-output layers, use "
                    f"the functional API. Layer {layer.name!r} has {len(tree.flatten(x))} outputs."
                )
        # Keras 3 wraps the stack in a functional model, which takes a name from the counter.
        counted = semantics.current().model_base_name == "functional"
        name = naming.auto_name("functional") if counted else self.name
        self._functional = Functional(inputs, x, name=name)
        by_rank = semantics.current().stack_compares == "rank"
        self._functional._compares_rank = by_rank
        self._functional._compares_sizes = given and not by_rank
        self._tracked[:] = list(self._stack)

    def _require_weights(self) -> None:
        if not self.built and semantics.current().unbuilt_stack_refuses_weights:
            raise ValueError(
                f"Weights for model '{self.name}' have not yet been created. Weights are created when the model is "
                "first called on inputs or `build()` is called with an `input_shape`."
            )

    def _forget_losses(self) -> None:
        if self._functional is None:
            super()._forget_losses()
        else:
            self._losses = []  # its program forgets those of its layers

    def _lock(self) -> None:
        """Its layers were built before it was; it takes others, as in Keras."""

    # -- structure -----------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers that were added, without the Input."""
        return self._stack[1:] if self._stack and isinstance(self._stack[0], InputLayer) else list(self._stack)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and `pop()` to change the "
            "layers in this model."
        )

    def _whole(self, what: str) -> Functional:
        if self._functional is None:
            raise AttributeError(f"Sequential model '{self.name}' has no defined {what} yet.")
        return self._functional

    @property
    def inputs(self) -> list[KerasTensor]:
        return self._whole("inputs").inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        return self._whole("outputs").outputs

    @property
    def input(self) -> Any:
        """The symbolic input: in Keras 3 that of the model's first call, which there must have been."""
        own = semantics.current().node_attributes == "structures"
        return self._whole("inputs").inputs[0] if own else super().input

    @property
    def output(self) -> Any:
        """The symbolic output, as `input` is."""
        return self._whole("outputs").output if semantics.current().node_attributes == "structures" else super().output

    @where(has_older_names, property)
    def input_names(self) -> list[str]:
        """The name of the Input, in a list."""
        return self._whole("input names").input_names

    @where(has_older_names, property)
    def output_names(self) -> list[str]:
        """The name of the last layer, in a list."""
        return self._whole("output names").output_names

    @property
    def _inputs_struct(self) -> Any:
        return self._whole("inputs")._inputs_struct

    @property
    def _outputs_struct(self) -> Any:
        return self._whole("outputs")._outputs_struct

    @property
    def _way(self) -> Way | None:  # type: ignore[override]
        return None if self._functional is None else self._functional._way

    @property
    def input_shape(self) -> Any:
        return self._whole("input shape").input_shape

    @property
    def output_shape(self) -> Any:
        return self._whole("output shape").output_shape

    @property
    def _program(self) -> Any:
        return self._whole("graph")._program

    # -- running -------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self._stack:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        if self._functional is None:
            self.build(tuple(inputs.shape))
        return self._whole("graph").compute_output_spec(inputs)

    @property
    def _casts_inputs(self) -> bool:
        return self._functional is None and self.autocast

    def _check_inputs(self, inputs: Any) -> None:
        if self._functional is not None:
            self._functional._check_inputs(inputs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the outputs; layer by layer where the inputs, or a layer, leave the shapes unknown."""
        if self._functional is not None:
            return super().call(inputs, training=training, mask=mask)
        with calling.training_context(training):
            for layer in self._stack:
                inputs = layer(inputs)
        return inputs

    def forward(self, inputs: Any, training: bool | None = None, mask: Any = None, *, gradient: str = "all") -> Pass:
        if not self._stack and self._functional is None:
            raise ValueError(
                f"Sequential model {self.name} cannot be called because it has no layers. Call `model.add(layer)`."
            )
        if self._functional is None:
            return eager.forward_from_call(self, (inputs,), {}, gradient, training)
        whole = self._functional
        result = whole.forward(inputs, training=training, mask=mask, gradient=gradient)
        self._inner_losses = whole._inner_losses
        return result

    def _input_binder(
        self, structure: Any, method: str = "fit", fixed: int | None = None
    ) -> Callable[[list[Any]], Any]:
        if self._functional is not None:
            return self._functional._input_binder(structure)
        binder: Callable[[list[Any]], Any] | None = None

        def bind(leaves: list[Any]) -> Any:
            nonlocal binder
            if binder is None:
                if self._functional is None:
                    size, *sizes = leaves[0].shape
                    sized = getattr(self, "run_eagerly", False) or method in semantics.current().built_for_batch_size
                    self.build((size if sized else fixed, *sizes))
                    self._fix_path()
                binder = self._whole("graph")._input_binder(structure)
            return binder(leaves)

        return bind

    def _run(self, inputs: Any, *, training: bool, gradient: str, masks: Any = None) -> tuple[GraphPass, Any]:
        return self._whole("graph")._run(inputs, training=training, gradient=gradient, masks=masks)

    # -- configuration -------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return `{name, layers, build_input_shape, ...}`."""
        config: dict[str, Any] = {
            "name": self.name,
            "layers": copy.deepcopy([serialize_keras_object(layer) for layer in self._stack]),
        }
        if semantics.current().dtype_policy_in_config:
            config = Layer.get_config(self) | {"layers": config["layers"]}
            if self._functional is not None:
                config["build_input_shape"] = self._stack[0].batch_shape  # type: ignore[attr-defined]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a model from what `get_config` returned.

        Raises:
            ValueError: there is no name or no list of layers.
        """
        if not {"name", "layers"} <= config.keys():
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys. "
                f"Received: config={config}"
            )
        from refkeras.models.rebuilding import layer_from_record

        model = cls(name=config["name"])
        for number, record in enumerate(config["layers"], 1):
            model.add(layer_from_record(record, custom_objects, f" as layer {number} of model {config['name']!r}"))
        shape = config.get("build_input_shape")
        if model._functional is None and shape:
            model.build(tuple(shape))
        return model

    def build_from_config(self, config: dict[str, Any]) -> None:
        if self._functional is None and config.get("input_shape"):
            self.build(tuple(config["input_shape"]))


def _is_needed(parameter: inspect.Parameter) -> bool:
    positional = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    return positional and parameter.default is parameter.empty


def _name_of_input(first: Layer) -> str | None:
    """Return the name of an Input that was not given: tf_keras names it after the first layer."""
    return f"{first.name}_input" if semantics.current().input_base_name == "input_1" else None
