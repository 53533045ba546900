"""`Functional`: a model made from symbolic inputs and outputs (`keras/src/models/functional.py`)."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras import naming, semantics, tree
from refkeras.layers.base import Layer, Pass
from refkeras.layers.input_layer import InputLayer
from refkeras.layers.input_spec import InputSpec, check_input_spec
from refkeras.layers.node_attributes import Way, has_older_names
from refkeras.layers.states import BatchOfLoop
from refkeras.models import configuring
from refkeras.models.graph import map_graph
from refkeras.models.model import Model
from refkeras.models.program import GraphPass, Program
from refkeras.models.slicing import begins_at_inputs, sliced
from refkeras.older import where
from refkeras.saving.limits import charge_call
from refkeras.symbolic import KerasTensor
from refkeras.training.trainer import Trainer
from refkeras.variable import tracing

__all__ = ["Functional"]


class Functional(Model):
    """A model of the layers between `inputs` and `outputs`.

    Args:
        inputs, outputs: symbolic tensors, or lists, tuples or dicts of them.
        name: `functional`, counted, by default (`model` in tf_keras).
        trainable: whether optimizers update its weights.

    Raises:
        ValueError: something else than symbolic tensors, a disconnected graph, or two layers of one name.
    """

    _accepts_any_positional = True

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None, **kwargs: Any
    ) -> None:
        for label, structure in (("inputs", inputs), ("outputs", outputs)):
            for tensor in tree.flatten(structure):
                if not isinstance(tensor, KerasTensor):
                    raise ValueError(
                        f"All `{label}` values must be KerasTensors. Received: {label}={structure} including invalid "
                        f"value {tensor} of type {type(tensor)}"
                    )
        for tensor in tree.flatten(outputs):
            if getattr(tensor._keras_history.operation, "is_mask_operation", False):
                raise ValueError(
                    f"`outputs` holds a mask, {tensor}. refkeras's masks travel with values: those of "
                    "a model's outputs are their attribute `_keras_mask` after a call."
                )
        if not begins_at_inputs(inputs):
            inputs, outputs = sliced(inputs, outputs)
        _warn_about_keys(inputs)
        if name is None:
            plain = type(self) is Functional
            name = naming.auto_name(semantics.current().model_base_name) if plain else None
        if not hasattr(self, "_trainer_ready"):
            Trainer.__init__(self)
        Layer.__init__(self, name=name, **kwargs)
        self._inputs_struct = tree.map_structure(lambda t: t, inputs)
        self._outputs_struct = tree.map_structure(lambda t: t, outputs)
        self._inputs, self._outputs = tree.flatten(inputs), tree.flatten(outputs)
        for label, flat in (("inputs", self._inputs), ("outputs", self._outputs)):
            if not flat:
                raise ValueError(f"`{label}` argument cannot be empty. Received:\ninputs={inputs}\noutputs={outputs}")
        graph = map_graph(self._inputs, self._outputs)
        self._nodes = graph.nodes
        self._nodes_by_depth = graph.nodes_by_depth
        self._operations = graph.operations
        self._tracked = list(graph.operations)
        self._program = Program(self._inputs, self._outputs, graph)
        names = [tensor._keras_history.operation.name for tensor in self._outputs]
        self.output_names = naming.unique(names) if semantics.current().output_names_are_unique else names
        self._static_shapes = [_expected(tensor) for tensor in self._inputs]
        #: What inputs must share with the symbolic ones; the layers of a Sequential may decide.
        self._compares_rank, self._compares_sizes = True, True
        self._known_shapes: set[tuple[int, ...]] = set()
        self._own_input_spec: Any = None
        self.built = True
        self.supports_masking = True
        if trainable is not None:
            # The model's own flag: its layers keep theirs, which may differ in a model that is made from its config.
            self._trainable = bool(trainable)

    # -- structure -----------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order of decreasing distance from the outputs."""
        return list(self._operations)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("`Model.layers` attribute is reserved and should not be used. Please use another name.")

    @where(has_older_names, property)
    def input_names(self) -> list[str]:
        """Names of the Inputs, in the order of `inputs`."""
        return [tensor._keras_history.operation.name for tensor in self._inputs]

    @property
    def operations(self) -> list[Layer]:
        return list(self._operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """Flat list of the symbolic inputs."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """Flat list of the symbolic outputs."""
        return self._outputs

    @property
    def input(self) -> Any:
        """The structure of the symbolic inputs."""
        return super().input if semantics.current().node_attributes == "lists" else self._inputs_struct

    @property
    def output(self) -> Any:
        """The structure of the symbolic outputs."""
        return super().output if semantics.current().node_attributes == "lists" else self._outputs_struct

    @property
    def _way(self) -> Way:  # type: ignore[override]
        return Way(self._inputs, self._outputs)

    @property
    def _returned_struct(self) -> Any:
        """The structure of what a call returns."""
        as_given = semantics.current().dict_outputs != "sorted by models"
        return self._outputs_struct if as_given else tree.with_sorted_keys(self._outputs_struct)

    @property
    def input_shape(self) -> Any:
        return self._inputs[0].shape if len(self._inputs) == 1 else [t.shape for t in self._inputs]

    @property
    def output_shape(self) -> Any:
        return self._outputs[0].shape if len(self._outputs) == 1 else [t.shape for t in self._outputs]

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        if semantics.current().dtype_policy_in_config:
            return {"input_shape": None}  # Keras 3 builds a functional model without a shape
        return {"input_shape": tree.map_structure(lambda tensor: tensor.shape, self._inputs_struct)}

    def _forget_losses(self) -> None:
        self._losses = []  # its program forgets those of its layers

    def _lock(self) -> None:
        """Its layers were built before it was; it takes others, as in Keras."""

    @property
    def input_spec(self) -> Any:
        """What the inputs must be like: as the symbolic ones, unless it was set."""
        if self._own_input_spec is not None:
            return self._own_input_spec
        return [
            InputSpec(shape=(None, *t.shape[1:]), allow_last_axis_squeeze=True, name=t._keras_history.operation.name)
            for t in self._inputs
        ]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._own_input_spec = value

    # -- as a layer ----------------------------------------------------------------

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        flat = self._flat_inputs(inputs)
        shapes = [tensor.shape for tensor in flat]
        specs = self._shapes_through(shapes)
        made = [KerasTensor(s, dtype=t.dtype) for s, t in zip(specs, self._outputs, strict=True)]
        as_recorded = shapes == [tensor.shape for tensor in self._inputs] and not tracing()
        return tree.pack_as(self._outputs_struct if as_recorded else self._returned_struct, made)

    def compute_output_shape(self, input_shape: Any) -> Any:
        is_shape = isinstance(input_shape, tuple) or all(s is None or isinstance(s, int) for s in input_shape)
        shapes = [tuple(input_shape)] if is_shape and len(self._inputs) == 1 else [tuple(s) for s in input_shape]
        found = self._shapes_through(shapes)
        return found[0] if len(found) == 1 else found

    def _shapes_through(self, shapes: list[Any], ask: bool = False) -> list[Any]:
        """Return the output shapes for the given input shapes; `ask` each layer whether it takes what comes to it."""
        if shapes == [t.shape for t in self._inputs]:
            return [t.shape for t in self._outputs]
        known = {id(t): KerasTensor(s, t.dtype, "spec") for t, s in zip(self._inputs, shapes, strict=True)}
        for node in self._nodes:
            if node.is_input or all(id(t) in known for t in node.outputs):
                continue
            args, kwargs = tree.map_structure(
                lambda leaf: known[id(leaf)] if isinstance(leaf, KerasTensor) else leaf, [list(node.args), node.kwargs]
            )
            charge_call(node.operation)
            if ask:
                node.operation._check_inputs(args[0])
            specs = node.operation.compute_output_spec(*args, **kwargs)
            known.update({id(t): spec for t, spec in zip(node.outputs, tree.flatten(specs), strict=True)})
        return [known[id(t)].shape for t in self._outputs]

    def forward(self, inputs: Any, training: bool | None = None, mask: Any = None, *, gradient: str = "all") -> Pass:
        flat = [self._fit(i, x) for i, x in enumerate(self._flat_inputs(inputs))]
        masks = None if mask is None else tree.flatten(mask)
        losses: list[Any] = []
        result = self._program.as_pass(
            flat,
            training,
            gradient,
            self._parameters,
            masks=masks,
            structure=self._returned_struct,
            on_losses=losses.extend,
        )
        self._inner_losses = losses
        outputs = result.outputs
        if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
            outputs = outputs[0]
        return Pass(outputs, result.pullback, result.logits, result.masks)

    @property
    def _casts_inputs(self) -> bool:
        return False  # each input has a dtype of its own, see `_fit`

    def _check_inputs(self, inputs: Any) -> None:
        flat = self._flat_inputs(inputs)
        if self._own_input_spec is not None:
            check_input_spec(self._own_input_spec, flat if len(flat) > 1 else flat[0], self.name)
        for i, x in enumerate(flat):
            self._check_shape(i, x)

    # -- inputs --------------------------------------------------------------------

    def _flat_inputs(self, inputs: Any) -> list[Any]:
        """Return the given inputs in the order of `self.inputs`.

        Raises:
            ValueError: their structure cannot be matched.
        """
        own = self._inputs_struct
        if isinstance(inputs, dict) and not isinstance(own, dict):
            names = [tensor.name for tensor in self._inputs]
            layer_names = [tensor._keras_history.operation.name for tensor in self._inputs]
            for keys in (names, layer_names):
                if set(keys) <= inputs.keys():
                    return [inputs[key] for key in keys]
            raise self._structure_error(inputs)
        if isinstance(own, dict) and isinstance(inputs, dict):
            if not own.keys() <= inputs.keys():
                raise self._structure_error(inputs)
            return [leaf for key in sorted(own) for leaf in tree.flatten(inputs[key])]
        flat = tree.flatten(inputs)
        if len(flat) != len(self._inputs) or (isinstance(own, dict) and list(own) != sorted(own)):
            raise self._structure_error(inputs)
        if not tree.same_structure(_unpacked(inputs), _unpacked(own)):
            warnings.warn(str(self._structure_error(inputs)), stacklevel=3)
        return flat

    def _structure_error(self, inputs: Any) -> ValueError:
        expected = tree.map_structure(lambda t: t.name, self._inputs_struct)
        received = tree.map_structure(
            lambda x: f"Tensor(shape={tuple(x.shape)})" if hasattr(x, "shape") else repr(x), inputs
        )
        return ValueError(
            f"The structure of `inputs` doesn't match the expected structure.\nExpected: {expected}\n"
            f"Received: inputs={received}"
        )

    def _input_binder(
        self, structure: Any, method: str = "fit", fixed: int | None = None
    ) -> Callable[[list[Any]], Any]:
        order = self._flat_inputs(tree.map_structure(_Position, structure))
        positions = [p.index for p in order]
        if positions == [0] and len(self._inputs) == 1:
            fit = self._fit
            return lambda leaves: [fit(0, leaves[0])]
        return lambda leaves: [self._fit(i, None if p is None else leaves[p]) for i, p in enumerate(positions)]

    def _fit(self, index: int, x: Any) -> Any:
        """Return `x` with the rank and dtype of input `index`.

        Raises:
            ValueError: its sizes do not fit.
        """
        static, dtype = self._static_shapes[index]
        if x is None:
            self._check_shape(index, x)
            return x
        if x.shape[1:] == static:
            return x if x.dtype == dtype else x.astype(dtype)
        if x.dtype != dtype:
            x = x.astype(dtype)
        shape = self._inputs[index].shape
        if x.ndim == len(shape) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        elif x.ndim == len(shape) - 1 and shape[-1] == 1:
            x = x[..., np.newaxis]
        self._check_shape(index, x)
        return x

    def _check_shape(self, index: int, x: Any) -> None:
        tensor = self._inputs[index]
        if x is None:
            if not tensor._keras_history.operation.optional:
                raise ValueError(
                    f"The input '{tensor.name}' is not optional, but None was passed. Please provide a valid tensor."
                )
            return
        expected = tensor.shape
        found = tuple(x.shape)
        squeezed = (len(found) == len(expected) + 1 and found[-1:] == (1,)) or (
            len(found) == len(expected) - 1 and expected[-1:] == (1,)
        )
        if squeezed:
            return
        other_rank = len(found) != len(expected)
        if other_rank and self._compares_rank:
            raise ValueError(
                f"Invalid input shape for input {tensor.name!r} of model {self.name!r}. Expected shape {expected}, but "
                f"input has incompatible shape {found}"
            )
        pairs = zip(expected[1:], found[1:], strict=False)
        other_sizes = any(e is not None and f is not None and e != f for e, f in pairs)
        if other_sizes and self._compares_sizes:
            raise ValueError(
                f'Input {index} with name {tensor.name!r} of layer "{self.name}" is incompatible with the layer: '
                f"expected shape={(None, *expected[1:])}, found shape={found}"
            )
        if (other_rank or other_sizes) and found[1:] not in self._known_shapes:
            with naming.uncounted():
                self._shapes_through([found], ask=True)
            self._known_shapes.add(found[1:])

    def _run(self, inputs: Any, *, training: bool, gradient: str, masks: Any = None) -> tuple[GraphPass, Any]:
        with BatchOfLoop():
            return self._program.run(inputs, masks=masks, training=training, gradient=gradient), self._returned_struct

    # -- configuration -------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the graph as Keras writes it: layers, their calls, and which tensors are inputs and outputs."""
        if not _constructed_like_functional(type(self)):
            return Layer.get_config(self)
        return configuring.functional_config(self)


class _Position:
    """Where a leaf of a structure stands in the flat list of batch arrays."""

    def __init__(self, index: int) -> None:
        self.index = index


def _expected(tensor: KerasTensor) -> tuple[tuple[int | None, ...], np.dtype]:
    return tensor.shape[1:], np.dtype(tensor.dtype)


def _unpacked(structure: Any) -> Any:
    return structure[0] if isinstance(structure, (list, tuple)) and len(structure) == 1 else structure


def _warn_about_keys(inputs: Any) -> None:
    if isinstance(inputs, dict):
        for key, tensor in inputs.items():
            if isinstance(tensor, KerasTensor) and key != tensor.name:
                warnings.warn(
                    "When providing `inputs` as a dict, all keys in the dict must match the names of the corresponding "
                    f"tensors. Received key '{key}' mapping to value {tensor} which has name '{tensor.name}'. Change "
                    f"the tensor name to '{key}' (via `Input(..., name='{key}')`)",
                    stacklevel=4,
                )


def _constructed_like_functional(cls: type) -> bool:
    given = inspect.getfullargspec(cls.__init__)  # type: ignore[misc]
    own = inspect.getfullargspec(Functional.__init__)
    return given.args == own.args or (given.varargs is not None and given.varkw is not None)


def is_input_tensor(tensor: KerasTensor) -> bool:
    """Whether the tensor comes straight from an `Input`."""
    return isinstance(tensor._keras_history.operation, InputLayer)
