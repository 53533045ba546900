"""`Model`: layers together with training (`keras/src/models/model.py`)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from refkeras import semantics, tree
from refkeras.layers import eager
from refkeras.layers.base import Layer, as_tuples
from refkeras.layers.states import BatchOfLoop
from refkeras.models.persistence import Persistent
from refkeras.models.program import GraphPass
from refkeras.older import where
from refkeras.training.preserving import values_preserved
from refkeras.training.trainer import Trainer

__all__ = ["Model"]


class Model(Persistent, Trainer, Layer):
    """A layer that can be compiled, trained, evaluated and asked for predictions.

    - `Model(inputs, outputs)` makes a functional model from symbolic tensors;
    - `Sequential(layers)` makes a stack;
    - a subclass defines `call`, which calls the layers it holds. refkeras draws
      the graph of `call` when it first trains the model, so `call` should do
      nothing else with its inputs (see `Layer`).

    Args:
        inputs, outputs: symbolic tensors, or lists, tuples or dicts of them.
        name: `functional` (or the subclass's name), counted, by default.

    Example:

        >>> import refkeras
        >>> x = refkeras.Input((4,))
        >>> model = refkeras.Model(x, refkeras.layers.Dense(3)(x))
        >>> model.count_params()
        15
    """

    _weights_come_last = True
    #: So that a layer beside it, as in `class Own(Model, Dense)`, says how to compute.
    _leaves_call_to_subclasses = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            from refkeras.models.functional import Functional

            return super().__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Trainer.__init__(self)
        if _is_functional(args, kwargs):
            from refkeras.models.functional import Functional

            if not isinstance(self, Functional):
                # `super().__init__(inputs=..., outputs=...)` in a subclass of Model makes that class functional.
                _become_functional(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]
        else:
            Layer.__init__(self, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        if eager.defines_forward(type(self)):
            return super().call(*args, **kwargs)
        raise NotImplementedError(f"Model {type(self).__name__} does not have a `call()` method implemented.")

    # -- what it is made of --------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside the model."""
        return self._layers

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or by position.

        Raises:
            ValueError: neither or both are given, or there is no such layer.
        """
        if index is not None and name is not None:
            raise ValueError(f"Provide only a layer name or a layer index. Received: index={index}, name={name}.")
        if index is not None:
            if len(self.layers) <= index:
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(self.layers)} layers."
                )
            return self.layers[index]
        if name is None:
            raise ValueError("Provide either a layer name or layer index at `get_layer`.")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}. Existing layers are: {[layer.name for layer in self.layers]}.")

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[..., Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers with their output shapes and sizes; see `refkeras.models.summary.print_summary`."""
        from refkeras.models.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    @where(lambda rules: rules.states_are_given)
    def reset_states(self) -> None:
        """Set the states of stateful layers, those of models inside too, back to zero; Keras 3 has it of layers."""
        for layer in self._flatten_layers():
            inside = layer is not self and not isinstance(layer, Model)
            if inside and getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
                layer.reset_states()

    def to_json(self, **kwargs: Any) -> str:
        """Return the model's record as JSON; `refkeras.models.model_from_json` reads it."""
        import json

        from refkeras.saving.serialization import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    # -- running -------------------------------------------------------------------

    def _input_binder(
        self, structure: Any, method: str = "fit", fixed: int | None = None
    ) -> Callable[[list[Any]], Any]:
        """Return a function from flat batch arrays, nested as `structure` says, to what `_run` takes.

        `method` tells for what: fit (or evaluate), predict, or on_batch; `fixed` the size that all batches are known
        to have. A model that is not built yet is built for one of them, or for the size of the first batch.
        """
        return lambda leaves: tree.pack_as(structure, leaves)

    @property
    def _layers_built(self) -> bool:
        """Whether the model and all layers in it are built."""
        return all(layer.built for layer in self._flatten_layers())

    def _try_out(self, feed: Any, xs: list[Any], method: str) -> tuple[GraphPass, Any]:
        """Run on one batch of a feed, which builds what is not built; no value changes."""
        inputs = self._input_binder(feed.x_structure, method, feed.fixed_batch_size)(xs)
        if not self.built:
            self._maybe_build(eager.bind(self, (inputs,), {}))
        with values_preserved(self):
            return self._run(inputs, training=False, gradient="none")

    def _run(self, inputs: Any, *, training: bool, gradient: str, masks: Any = None) -> tuple[GraphPass, Any]:
        """Run on one batch; return the pass with flat lists and the structure of the outputs."""
        arguments = eager.bind(self, (inputs,), {})
        self._maybe_build(arguments)
        self._forget_losses()
        takes_it, reach = eager.signature_of(type(self)).takes_training, semantics.current().training_reaches
        training = training and (takes_it or reach == "all inside")
        handed_on = takes_it and reach == "what it is handed to"
        given, around = ({"training": training}, None) if handed_on else ({}, training)
        with BatchOfLoop():
            result, masks = eager.invoke(self, (inputs,), given, None, around, gradient)
        flat = tree.flatten(result.outputs)
        parameters = self._parameters
        single = len(flat) == 1

        def pullback(d_outputs: list[Any], d_logits: list[Any] | None = None) -> Any:
            arriving = None if d_logits is None or all(z is None for z in d_logits) else d_logits
            if arriving is not None and single:
                arriving = arriving[0]
            d_inputs, d_weights = (
                result.pullback(d_outputs) if arriving is None else result.pullback(d_outputs, arriving)  # type: ignore[misc]
            )
            found = zip(parameters, d_weights, strict=True)
            return d_inputs, {id(v): d for v, d in found if d is not None}

        logits = result.logits if isinstance(result.logits, list) else [result.logits] * len(flat)
        losses = [*self._losses, *self._inner_losses]
        run = GraphPass(flat, masks, logits, losses, None if gradient == "none" else pullback)
        return run, tree.map_structure(lambda _: 0, result.outputs)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layers inside by a trial of `call` with the shape of `get_build_config`, then the model itself."""
        shape = as_tuples(config.get("input_shape"))
        if self.built or not shape:
            return
        if not eager.defines_forward(type(self)):
            from refkeras.models import tracing

            # Not in the model's name scope, as in Keras.
            if tracing.symbolic_outputs(self, (shape,), {}, scoped=False) is None:
                eager.output_shape_by_trial(self, (shape,), {})
        self.build(shape)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a model from what `get_config` returned."""
        if {"layers", "input_layers", "output_layers"} <= config.keys():
            from refkeras.models.rebuilding import functional_from_config

            return functional_from_config(cls, config, custom_objects)
        return super().from_config(config)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Make a model from what `Model.to_json` returned."""
    import json

    from refkeras.saving.serialization import deserialize_keras_object

    return deserialize_keras_object(json.loads(json_string), custom_objects)


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= kwargs.keys()


def _become_functional(cls: type) -> None:
    from refkeras.models.functional import Functional

    if cls is Model or cls is object:
        return
    cls.__bases__ = tuple(Functional if base is Model else base for base in cls.__bases__)
    for base in cls.__bases__:
        if base is not Functional:
            _become_functional(base)
    if not issubclass(cls, Functional):
        warnings.warn(f"{cls.__name__} could not be made a functional model.", stacklevel=4)
