"""`Layer`: weights, building, calling, masks and configuration shared by every layer.

A layer computes in `forward`, which returns its outputs together with their
pullback. `__call__` on symbolic tensors records a node of the graph; on
arrays it runs `forward` and returns `Tensor`s.

Source: `keras/src/layers/layer.py`, Keras 3.15.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from refkeras import config, naming, semantics, tree
from refkeras.layers import calling, eager, tracking
from refkeras.layers.node_attributes import NodeAttributes
from refkeras.saving.limits import charge_call
from refkeras.symbolic import KerasTensor, Node, any_symbolic
from refkeras.variable import tracing

__all__ = ["Layer", "Pass"]


class Pass(NamedTuple):
    """What `Layer.forward` returns.

    `pullback(d_outputs, d_logits=None) -> (d_inputs, d_weights)` takes one
    gradient per output (None where none arrives) and returns one per input
    tensor and one per weight in `layer._parameters`. `logits` is the value
    before the softmax or sigmoid that made the output; a loss that works on
    logits sends its gradient there, as `d_logits`. `masks` are those of the
    outputs, where the layer works them out itself instead of in
    `compute_mask`. With several outputs, `logits`, `d_logits` and `masks` are
    lists.
    """

    outputs: Any
    pullback: Callable[..., tuple[list[Any], list[Any]]] | None = None
    logits: Any = None
    masks: Any = None


class Layer(NodeAttributes, tracking.Tracked):
    """Base class of layers.

    A subclass makes its weights in `build(input_shape)` with `add_weight` and
    defines one of

    - `forward(inputs, *, training=False, mask=None, gradient="all")`, which
      can be trained. It returns a `Pass`, or simply `(outputs, pullback)`.
      `gradient` tells what the pullback will be asked for: `"none"` (no
      pullback is needed), `"weights"` or `"all"`. Arguments that are not in
      its signature are not passed;
    - `call(inputs, ...)`, as in Keras. If it does nothing but call other
      layers it can be trained too; otherwise it serves inference alone.

    Args:
        activity_regularizer: penalty on the outputs.
        trainable: whether optimizers update the weights.
        dtype: `"float32"`, `"float64"` or a policy; defaults to `dtype_policy()`.
        autocast: whether float inputs are cast to `dtype`.
        name: defaults to the class's name in snake case, counted.

    Raises:
        ValueError: an argument that Keras does not know, or a name with a slash in it.

    Example:

        >>> import numpy as np, refkeras
        >>> class Double(refkeras.layers.Layer):
        ...     def forward(self, x):
        ...         return 2 * x, lambda d_outputs: ([2 * d_outputs[0]], [])
        >>> Double()(np.ones((1, 2), "float32")).numpy()
        array([[2., 2.]], dtype=float32)
    """

    _warns_about_input_shape: ClassVar[bool] = True
    _overrides_compute_mask: ClassVar[bool] = False
    _accepts_any_positional: ClassVar[bool] = False
    #: Whether tf_keras's computes in operations that make a tensor of a list of numbers.
    _packs_numbers: ClassVar[bool] = False
    #: Whether `forward` is given the masks that its first argument carries, as `masks`.
    _reads_masks: ClassVar[bool] = False
    _constructor_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._overrides_compute_mask = cls.compute_mask is not Layer.compute_mask
        if "build" in vars(cls):
            cls.build = _finish_build(vars(cls)["build"])  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        instance._constructor_arguments = (args, kwargs)
        return instance

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        input_shape = calling.pop_input_shape(kwargs, self)
        if kwargs:
            raise semantics.current().unknown_argument_error(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                + naming.did_you_mean(next(iter(kwargs)), calling.constructor_names(type(self)))  # type: ignore[arg-type]
            )
        super().__init__(name, trainable)
        self._dtype_policy = config.get_policy(dtype)
        self.autocast = autocast
        self.activity_regularizer = None
        if activity_regularizer is not None:
            from refkeras import regularizers

            self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._building = False
        self.input_spec: Any = None
        self.supports_masking = self._overrides_compute_mask
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []
        self._losses: list[Any] = []
        self._inner_losses: list[Any] = []
        self._build_shapes: dict[str, Any] | None = None
        self._programs: dict[Any, Any] = {}
        if input_shape is not None:
            self._input_shape_arg = input_shape

    # -- what a subclass defines ---------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights; called once, with the shape of the first input."""
        self.built = True
        self._build_shapes = {"input_shape": input_shape}

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for `inputs`, without a pullback."""
        if type(self).forward is Layer.forward:
            raise NotImplementedError(
                f"Layer {type(self).__name__} does not have a `call` method implemented, nor a `forward`."
            )
        # Straight to the class's own forward: `call_forward` would come back here from a subclass's call.
        return eager.outputs_of_forward(self, (inputs, *args), kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return `Pass(outputs, pullback, logits)`; by default from `call`, see the class's docstring."""
        gradient, training = kwargs.pop("gradient", "all"), kwargs.pop("training", None)
        return eager.forward_from_call(self, args, kwargs, gradient, training)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shape (a structure of shapes for several outputs) that the given input shape leads to.

        Defaults to finding out by a trial: a symbolic one where `call` only
        calls other layers, else one on zeros.
        """
        return eager.output_shape_by_trial(self, args, kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the outputs; by default that of the inputs."""
        return previous_mask

    # -- calling -------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Record a node (symbolic inputs) or compute (arrays)."""
        if not hasattr(self, "_programs"):
            raise tracking.not_made_error(self)
        if any_symbolic(args, kwargs):
            return self._call_symbolically(args, kwargs)
        return eager.call_on_arrays(self, args, kwargs)

    def _call_symbolically(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        charge_call(self)
        eager.check_positional(self, args)
        arguments = eager.bind(self, args, kwargs)
        first = next(iter(arguments.values()))
        self._check_inputs(first)
        self._maybe_build(arguments)
        spec = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, spec)
        return spec

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors of the outputs' shapes."""
        arguments = eager.bind(self, args, kwargs)
        shape = eager.output_shape(self, arguments)
        dtype = self._output_dtype(next(iter(arguments.values())))
        outputs = eager.map_shapes(lambda s: KerasTensor(s, dtype=dtype), shape)
        return tree.with_sorted_keys(outputs) if self._sorts_symbolic_keys(arguments) else outputs

    def _sorts_symbolic_keys(self, arguments: dict[str, Any]) -> bool:
        """Whether dicts of symbolic outputs get their keys in alphabetical order: the backend's way to find shapes.

        JAX's tracing does it; Keras on PyTorch does it where it has to try two sizes, or is told the shapes. What is
        called inside is called on arrays.
        """
        order = semantics.current().dict_outputs
        if order == "kept" or tracing():
            return False
        told = type(self).compute_output_shape is not Layer.compute_output_shape
        if order == "sorted by compilation":
            return not told
        return told or any(None in t.shape for t in tree.flatten(arguments) if isinstance(t, KerasTensor))

    def _output_dtype(self, inputs: Any) -> str:
        """The dtype of the outputs: the layer's own (Keras casts inputs to it)."""
        return self.compute_dtype

    def _check_inputs(self, inputs: Any) -> None:
        if self.input_spec is not None:
            from refkeras.layers.input_spec import check_input_spec

            check_input_spec(self.input_spec, inputs, self.name)

    def _build_at_once(self) -> None:
        """Call a layer without weights built as soon as it is made, unless a subclass has something to build.

        tf_keras builds every layer when it is first called, and records with which shape.
        """
        if type(self).build is Layer.build and semantics.current().layer_config == "keras-3":
            self.built = True
            self._lock()

    def _maybe_build(self, arguments: dict[str, Any]) -> None:
        if self.built:
            return
        shapes = calling.build_arguments(self.build, arguments, type(self).__name__)
        self.build(**shapes)
        self.built = True
        self._lock()
        # A layer inside may have been given an input shape that the first does not fit.
        self._check_inputs(next(iter(arguments.values())))

    # -- dtype ---------------------------------------------------------------------

    @property
    def dtype_policy(self) -> config.DTypePolicy:
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = config.get_policy(value)

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    variable_dtype = dtype

    @property
    def _casts_inputs(self) -> bool:
        """Whether float arrays are cast to `compute_dtype` before they are looked at."""
        return self.autocast

    @property
    def compute_dtype(self) -> str:
        """The dtype that the layer computes in."""
        return self._dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.compute_dtype

    # -- metrics -------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The metrics that the layer and those inside it hold; those of a model inside as it lists them."""
        if semantics.current().nested_metrics_are_repeated:
            return [*self._metrics, *(metric for layer in self._layers for metric in layer.metrics)]
        return [metric for layer in self._flatten_layers() for metric in layer._metrics]

    @property
    def metrics_variables(self) -> list[Any]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    # -- losses --------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add a value to the loss of the current call (evaluation only: no gradient goes through it)."""
        self._losses.extend(tree.flatten(loss))

    def _forget_losses(self) -> None:
        """Those of the last call, of this layer and those inside it."""
        if not self._tracked:
            self._losses = []
            return
        for layer in self._flatten_layers():
            layer._losses = []

    def _penalties(self, outputs: list[Any]) -> list[Any]:
        """The activity regularizer's values for outputs, over the batch size, on which the strength does not depend."""
        if self.activity_regularizer is None:
            return []
        return [self.activity_regularizer(y) / _batch_size(y) for y in outputs]

    def _penalty_gradients(self, outputs: list[Any]) -> list[Any]:
        """The gradients of `_penalties`, one for each output; None without a regularizer."""
        if self.activity_regularizer is None:
            return [None] * len(outputs)
        return [self.activity_regularizer.gradient(y) / _batch_size(y) for y in outputs]

    @property
    def losses(self) -> list[Any]:
        """Penalties of the last call and of the regularized weights, of this layer and those inside it."""
        if semantics.current().frozen_weights_are_penalized:  # tf_keras goes layer by layer
            layers = self._flatten_layers()
            each = ([*layer._losses, *(v.regularizer(v.value) for v in layer._own_penalized)] for layer in layers)
            return [penalty for of_one in each for penalty in of_one]
        found = [loss for layer in self._flatten_layers() for loss in layer._losses]
        return found + [v.regularizer(v.value) for v in self._penalized]

    # -- configuration -------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again.

        Raises:
            NotImplementedError: the subclass has constructor arguments of its own and no `get_config`.
        """
        from refkeras.saving.serialization import serialize_keras_object

        base = {"name": self.name, "trainable": self.trainable, "dtype": dtype_config(self._dtype_policy)}
        if self.activity_regularizer is not None:
            base["activity_regularizer"] = serialize_keras_object(self.activity_regularizer)
        return base | self._own_constructor_arguments()

    def _own_constructor_arguments(self) -> dict[str, Any]:
        cls = type(self)
        if cls.__module__.startswith("refkeras.") or cls.get_config is not Layer.get_config:
            return {}
        args, kwargs = self._constructor_arguments
        try:
            bound = inspect.signature(cls).bind(*args, **kwargs)
        except TypeError:
            bound = None
        if bound is not None:
            given = {**bound.arguments, **bound.arguments.get("kwargs", {})}
            given.pop("kwargs", None)
            given = {k: v for k, v in given.items() if k not in ("name", "trainable", "dtype")}
            if all(isinstance(v, (str, int, float, bool, type(None))) for v in tree.flatten(list(given.values()))):
                return given
        raise NotImplementedError(
            f"Object {self.name} was created by passing non-serializable argument values in `__init__()`, and "
            f"therefore {cls.__name__} must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what `get_config` returned."""
        try:
            return cls(**config)
        except Exception as error:
            raise TypeError(
                f"Error when deserializing class {cls.__name__!r} using config={config}.\n\n"
                f"Exception encountered: {error}"
            ) from error

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes that `build` was called with."""
        if self._build_shapes is None:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": self._build_shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes of `get_build_config`."""
        if self.built:
            return
        if "input_shape" in config:
            self.build(as_tuples(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: as_tuples(value) for key, value in config["shapes_dict"].items()})
        self.built = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def dtype_config(policy: config.DTypePolicy) -> Any:
    """Return a policy as the engine in force writes it into a layer's config."""
    if not semantics.current().dtype_policy_in_config:
        return policy.name
    return {"module": "keras", "class_name": "DTypePolicy", "config": policy.get_config(), "registered_name": None}


def _batch_size(y: Any) -> Any:
    """How many samples an output has, in its dtype; 1 if none, as in Keras."""
    return y.dtype.type(max(len(y), 1))


def _finish_build(build: Callable[..., None]) -> Callable[..., None]:
    """Wrap a subclass's `build`: open the layer's name scope, then note the shapes and that it is built."""

    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        outermost = not self._building
        self._building = True
        try:
            with calling.name_scope(self.name):
                build(self, *args, **kwargs)
        finally:
            self._building = not outermost
        self.built = True
        if outermost:  # a subclass goes on after the build of its base
            self._lock()
        bound = inspect.signature(build).bind(self, *args, **kwargs)
        shapes = dict(list(bound.arguments.items())[1:])
        self._build_shapes = shapes
        self._fix_path()

    return wrapped


def as_tuples(shape: Any) -> Any:
    """Shapes as they come out of JSON, in which tuples are lists."""
    if isinstance(shape, dict):
        return {key: as_tuples(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        if all(isinstance(size, int) or size is None for size in shape):
            return tuple(shape)
        return [as_tuples(item) for item in shape]
    return shape
