"""Weights and inner layers of a layer: who owns what, in which order, and what is frozen.

Variables, layers, metrics and seed generators that are assigned to attributes
belong to the layer from then on, as in `keras/src/utils/tracking.py`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras import config, naming, semantics, shapes, tree
from refkeras.layers import calling, containers
from refkeras.layers.stored import Stored
from refkeras.saving.limits import charge_weight
from refkeras.variable import Variable

if TYPE_CHECKING:
    from refkeras.layers.base import Layer

__all__ = ["Tracked", "freeze_count", "not_made_error", "traced", "trainable_state", "wanted_variables"]

_freezes = itertools.count(1)
_freeze_count = 0


class _Traced(threading.local):
    """What is being traced, in each thread its own: models may be trained side by side."""

    variables: frozenset[int] | None = None


_traced = _Traced()


def freeze_count() -> int:
    """Return a number that changes whenever anything is frozen or thawed."""
    return _freeze_count


class traced:  # noqa: N801
    """Inside the block, gradients are wanted of these variables (by id), whatever is frozen now.

    A compiled training step goes on updating what was trainable when it was
    traced.
    """

    def __init__(self, variables: frozenset[int]) -> None:
        self._variables = variables

    def __enter__(self) -> None:
        self._outer, _traced.variables = _traced.variables, self._variables

    def __exit__(self, *_: object) -> None:
        _traced.variables = self._outer


def trainable_state() -> tuple[int, int]:
    """Return a key that changes whenever `wanted_variables` may."""
    return _freeze_count, id(_traced.variables)


def wanted_variables(layer: Any) -> list[Variable]:
    """Return the variables of a layer whose gradients are wanted."""
    traced = _traced.variables
    if traced is None:
        return layer.trainable_variables
    return [v for v in layer._parameters if id(v) in traced]


class Tracked(Stored):
    """The part of `Layer` that owns weights and layers."""

    name: str
    #: Whether tf_keras has them behind those of the layers inside: a model's are.
    _weights_come_last = False

    def __init__(self, name: str | None, trainable: bool) -> None:
        cls = type(self).__name__
        if not isinstance(trainable, bool):
            raise semantics.current().unknown_argument_error(
                f"Expected `trainable` to be a boolean. Received: trainable={trainable} (of type {type(trainable)})"
            )
        if "_tracked" not in self.__dict__:
            self._begin_tracking()
        self.name = naming.layer_name(cls) if name is None else naming.check_name(name, cls)
        self._trainable = trainable
        self._path: str | None = None
        self._locked = False

    def _begin_tracking(self) -> None:
        """When the layer is made, or before, when a subclass sets a layer or a weight before `super().__init__()`."""
        self._own_trainable: list[Variable] = []
        self._own_fixed: list[Variable] = []
        self._own_regularized: list[Variable] = []  # in the order that they were made in
        self._tracked: list[Any] = []
        self._seed_generators: list[Any] = []
        self._metrics: list[Any] = []

    def __setattr__(self, key: str, value: Any) -> None:
        if key in INTERNAL or not isinstance(value, _trackable()) or not containers.is_tracking():
            if key in self.__dict__ and key not in INTERNAL and not _own_first():
                self._let_go(key)
            object.__setattr__(self, key, value)
            return
        locked = self.__dict__.get("_locked")
        if locked and not key.startswith("_") and self._is_new(value):
            raise _locked_error()
        if _own_first():
            self.__dict__["_locked"] = False
            try:
                value = containers.tracked(value, self)
            finally:
                self.__dict__["_locked"] = bool(locked)
            object.__setattr__(self, key, value)
        else:
            self._let_go(key)
            object.__setattr__(self, key, value)
            if not hasattr(type(self), key):  # tf_keras does not look at what a class has by this name
                self._track_by_attribute(value)

    def _track_by_attribute(self, value: Any) -> None:
        """As tf_keras does: containers as they are, and what they hold now of variables and metrics."""
        if "_tracked" not in self.__dict__:
            self._begin_tracking()
        for leaf in tree.flatten(value):
            if isinstance(leaf, Variable):
                self._track(leaf)
            elif hasattr(leaf, "update_state"):
                self._metrics.append(leaf)
        if hasattr(value, "update_state"):
            self._tracked.append(value)
        elif not isinstance(value, Variable):
            self._track(value)

    def _let_go(self, key: str) -> None:
        """In tf_keras, what an attribute had belongs to the layer no longer, unless another one has it, too."""
        value = self.__dict__.get(key)
        if "_tracked" not in self.__dict__ or not isinstance(value, _trackable()) or hasattr(value, "update_state"):
            return
        if sum(other is value for other in self.__dict__.values()) == 1:
            self._drop(value)

    def _take(self, value: Any) -> None:
        """Have what is in a container belong to the layer.

        Raises:
            ValueError: it is new, and the layer takes no new state.
        """
        if isinstance(value, _trackable()):
            if self.__dict__.get("_locked") and self._is_new(value):
                raise _locked_error()
            self._track(value)

    def _drop(self, value: Any) -> None:
        """Have a value, which may be anything, belong to the layer no longer."""
        for owned in (self._own_trainable, self._own_fixed, self._tracked, self._seed_generators, self._metrics):
            if any(item is value for item in owned):
                owned[:] = [item for item in owned if item is not value]

    def _lock(self) -> None:
        """Take no new state from now on, where the engine in force does so."""
        self._locked = semantics.current().state_is_locked

    def _is_new(self, value: Any) -> bool:
        """Whether a value is, or holds, state that the layer does not have yet."""
        if isinstance(value, dict):
            return any(self._is_new(item) for item in value.values())
        if isinstance(value, (list, tuple, set)):
            return any(self._is_new(item) for item in value)
        if not isinstance(value, _trackable()):
            return False
        known = (*self._own_trainable, *self._own_fixed, *self._layers, *self._seed_generators, *self._metrics)
        return not any(item is value for item in known)

    def __delattr__(self, key: str) -> None:
        value = self.__dict__.get(key)
        if isinstance(value, Variable):
            self._drop(value)
        elif not _own_first():
            self._let_go(key)
        object.__delattr__(self, key)

    def _track(self, value: Any) -> None:
        from refkeras.layers.base import Layer

        if "_tracked" not in self.__dict__:
            self._begin_tracking()
        if isinstance(value, Variable):
            if any(item is value for item in self._own_trainable):  # by `add_weight`, and frozen with its layer
                return
            target = self._own_trainable if value.trainable else self._own_fixed
            if "_trainable" in self.__dict__:
                self._freeze_with_layer(value)
        elif isinstance(value, (Layer, list, tuple, dict)):
            target = self._tracked
        elif isinstance(value, set):
            return  # tf_keras does not look into them
        elif hasattr(value, "update_state"):
            target = self._metrics
        else:
            target = self._seed_generators
        if not any(item is value for item in target):
            target.append(value)

    # -- layers inside -------------------------------------------------------------

    @property
    def _layers(self) -> list[Layer]:
        """The layers kept in attributes and in their containers, in the order that the engine in force has them in."""
        if not self._tracked:  # most layers; every epoch asks all of them
            return []
        return _in_containers(self._tracked)

    def _flatten_layers(self) -> Iterator[Any]:
        """This layer and all inside it, each once; Keras 3 goes through those of layers inside backwards."""
        seen: set[int] = set()
        backwards = _own_first()
        waiting = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                inside = layer._layers
                waiting += inside if backwards and layer is not self else inside[::-1]

    # -- weights -------------------------------------------------------------------

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a weight of this layer, as `add_weight` does."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a weight of this layer.

        Args:
            *args: shape, initializer and dtype; under tf_keras name, shape, dtype, initializer, regularizer, trainable
                and constraint.
            shape: sizes; `()` by default.
            initializer: name, object or callable; `"glorot_uniform"` for floats by default, else `"zeros"`.
            dtype: defaults to the layer's.
            trainable: whether optimizers update it.
            regularizer: penalty on it that is added to the loss.
            constraint: projection applied after each update.
            name: its name; `variable` by default.

        Raises:
            RuntimeError: `super().__init__()` has not been called.
            TypeError: more arguments without a name, or, under tf_keras, one that is given by its name, too.
            ValueError: a name given first, an argument given twice, no shape, or a layer that takes no more weights.
        """
        from refkeras import constraints, initializers, regularizers

        if "_locked" not in self.__dict__:
            raise not_made_error(self)
        if args:
            named = {"name": name, "shape": shape, "dtype": dtype, "initializer": initializer}
            named |= {"regularizer": regularizer, "trainable": trainable, "constraint": constraint}
            named |= _weight_arguments(args, {key for key, value in named.items() if value not in (None, True)})
            name, shape, dtype, initializer, regularizer, trainable, constraint = named.values()
            trainable = trainable is None or trainable  # tf_keras's default is None
        if self._locked:
            raise _locked_error()
        shape = () if shape is None else shapes.checked(shape)
        dtype = config.array_dtype(dtype or self.dtype)  # type: ignore[attr-defined]
        if initializer is None:
            initializer = "glorot_uniform" if config.is_float_dtype(dtype) else "zeros"
        name = name or naming.auto_name("variable")
        charge_weight(shape, np.dtype(dtype).itemsize, name)
        variable = Variable(
            initializers.get(initializer),
            shape=shape,
            dtype=dtype,
            trainable=trainable,
            name=name,
            path="/".join([*self._scopes(), name]),
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        (self._own_trainable if trainable else self._own_fixed).append(variable)
        if variable.regularizer is not None:
            self._own_regularized.append(variable)
        self._freeze_with_layer(variable)
        return variable

    def _scopes(self) -> list[str]:
        """The names that a weight's own is put behind: outside `build`, Keras 3 opens the layer's own scope."""
        outside = semantics.current().layer_config == "keras-3" and not self._building  # type: ignore[attr-defined]
        return [*calling.scope_path(), self.name] if outside else calling.scope_path()

    def _freeze_with_layer(self, variable: Variable) -> None:
        if not self._trainable:
            variable.trainable = False  # a layer made with `trainable=False`, inside whatever model

    @property
    def _parameters(self) -> list[Variable]:
        """The weights made trainable, frozen now or not: a pullback has one gradient for each."""
        return _unique(v for layer in self._flatten_layers() for v in layer._own_trainable)

    @property
    def weights(self) -> list[Variable]:
        """All weights, in the order of `get_weights`.

        The layer's own, trainable ones first, then those of each layer inside; or, in tf_keras, those that are
        trainable now (own ones, then those inside), then the others. A model of tf_keras has its own last.

        Raises:
            ValueError: (tf_keras) a Sequential that has not been built.
        """
        self._require_weights()
        if _own_first():
            return _unique([*self._own_weights(), *self._inside("weights")])
        if self._weights_come_last:
            return _unique([*self._weights_of_attributes(), *self._own_weights()])
        return [*self.trainable_weights, *self.non_trainable_weights]

    def _weights_of_attributes(self) -> Iterator[Variable]:
        """Yield what a model of tf_keras has inside: of each container, too, the trainable weights first."""
        for value in self._tracked:
            if isinstance(value, (list, tuple, dict)):
                yield from (*self._inside_of(value, True), *self._inside_of(value, False))
            else:
                yield from value.variables if hasattr(value, "update_state") else value.weights

    def _inside_of(self, value: Any, trainable: bool, opened: tuple[int, ...] = ()) -> list[Variable]:
        """Return the weights of one kind in what a model of tf_keras has, metrics among it; variables come last."""
        if isinstance(value, (list, tuple, dict)):
            items = _items(value)
            around = (*opened, id(value))  # a container may hold itself
            inner = (self._inside_of(item, trainable, around) for item in items if id(item) not in around)
            kind = {id(v) for v in (self._own_trainable if trainable else self._own_fixed)}
            return [*(v for found in inner for v in found), *(item for item in items if id(item) in kind)]
        if hasattr(value, "update_state"):
            return [] if trainable else value.variables
        if hasattr(value, "trainable_variables"):
            return value.trainable_variables if trainable else value.non_trainable_weights
        return []

    def _own_weights(self) -> list[Variable]:
        return [*self._own_trainable, *self._own_fixed]

    def _require_weights(self) -> None:
        """Raise a ValueError where weights are asked for too early."""

    def _inside(self, which: str) -> Iterator[Variable]:
        return (v for layer in self._layers for v in getattr(layer, which))

    @property
    def trainable_variables(self) -> list[Variable]:
        """The weights that an optimizer updates now."""
        self._require_weights()
        if not self._trainable:
            return []
        if _own_first():
            return [v for v in self.weights if v.trainable]
        if self._weights_come_last:
            return _unique([*self._inside_of(self._tracked, True), *self._own_trainable])
        return _unique([*self._own_trainable, *self._inside("trainable_variables")])

    @property
    def trainable_weights(self) -> list[Variable]:
        return self.trainable_variables

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        self._require_weights()
        if _own_first():
            return [v for v in self.weights if not (self._trainable and v.trainable)]
        if self._weights_come_last:
            frozen = [] if self._trainable else [*self._inside_of(self._tracked, True), *self._own_trainable]
            return _unique([*frozen, *self._inside_of(self._tracked, False), *self._own_fixed])
        if self._trainable:
            return _unique([*self._own_fixed, *self._inside("non_trainable_weights")])
        return _unique([*self._own_weights(), *self._inside("weights")])

    @property
    def _own_penalized(self) -> list[Variable]:
        return [v for v in self._own_regularized if v.regularizer is not None]

    @property
    def _penalized(self) -> list[Variable]:
        """The weights whose regularizers add to the loss."""
        if semantics.current().frozen_weights_are_penalized:
            return [v for layer in self._flatten_layers() for v in layer._own_penalized]
        return [v for v in self.trainable_weights if v.regularizer is not None]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """`non_trainable_weights`, and the states of seed generators."""
        if not _own_first():
            return self.non_trainable_weights
        trainable = {id(v) for v in self.trainable_variables}
        return [v for v in self.variables if id(v) not in trainable]

    @property
    def variables(self) -> list[Variable]:
        """All weights, and the states of seed generators; not those of metrics (`metrics_variables`)."""
        states = [generator.state for generator in self._seed_generators]
        if _own_first():
            return _unique([*self._own_weights(), *states, *self._inside("variables")])
        return _unique([*self.weights, *states, *self._inside("variables")])

    @property
    def trainable(self) -> bool:
        """Whether optimizers update the weights; setting it reaches the layers inside.

        Keras 3 on TensorFlow heeds only another value than there is (`same_trainable_is_ignored` of `semantics`): a
        layer inside that was frozen by itself stays so when `model.trainable = True` is set on a trainable model.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        global _freeze_count
        if value is self._trainable and semantics.current().same_trainable_is_ignored:
            return
        value = bool(value)
        self._trainable = value
        for variable in self._own_trainable:
            variable.trainable = value
        for layer in self._layers:
            layer.trainable = value
        _freeze_count = next(_freezes)

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Replace the weights.

        Raises:
            ValueError: a wrong number or a wrong shape; nothing has been replaced then.
        """
        own, given = self.weights, list(weights)
        if len(own) != len(given):
            raise ValueError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of length {len(given)}, "
                f"but the layer was expecting {len(own)} weights."
            )
        for variable, value in zip(own, given, strict=True):
            if variable.shape != np.shape(value):
                raise ValueError(
                    f"Layer {self.name} weight shape {variable.shape} is not compatible with provided weight shape "
                    f"{np.shape(value)}."
                )
        for variable, value in zip(own, given, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """Return how many numbers the weights hold.

        Raises:
            ValueError: the layer is not built.
        """
        if not self.built:  # type: ignore[attr-defined]
            raise ValueError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't built. You can build "
                f"it manually via: `layer.build(input_shape)`."
            )
        return sum(variable.size for variable in self.weights)

    @property
    def path(self) -> str | None:
        """The layer's name behind those of the models it was built in; None before it is built."""
        return self._path

    def _fix_path(self) -> None:
        if self._path is None:
            self._path = "/".join([*calling.scope_path(), self.name])


# Attributes of the machinery itself, which must not be taken for the user's layers.
INTERNAL = frozenset(
    {
        *("_own_trainable", "_own_fixed", "_own_regularized", "_tracked", "_seed_generators", "_metrics"),
        *("_inbound_nodes", "_outbound_nodes", "_programs", "_constructor_arguments", "_losses"),
        *("_inner_losses", "_build_shapes", "_functional", "_inputs", "_outputs", "_inputs_struct", "_outputs_struct"),
        *("_nodes", "_nodes_by_depth", "_operations", "_program", "output_names", "_static_shapes", "history"),
    }
)


#: The last three say how TensorFlow keeps a variable, which has no part in its values.
_KEPT = ("use_resource", "synchronization", "aggregation")
_NAME_FIRST = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint", *_KEPT)
_SHAPE_FIRST = ("shape", "initializer", "dtype")


def _weight_arguments(args: tuple[Any, ...], given: set[str]) -> dict[str, Any]:
    """Return what `add_weight` was told without names, by name."""
    name_first = semantics.current().add_weight_name_first
    order = _NAME_FIRST if name_first else _SHAPE_FIRST
    if len(args) > len(order):
        raise TypeError(f"add_weight() takes at most {len(order)} positional arguments but {len(args)} were given.")
    if not name_first and isinstance(args[0], str):
        raise ValueError(
            f"`name` must be passed as a keyword argument. Received: add_weight({args[0]!r}, ...). Use: "
            f"add_weight(shape=..., name={args[0]!r})."
        )
    told = dict(zip(order, args, strict=False))
    for key in order:
        if key in told and key in given:
            kind = TypeError if name_first else ValueError
            raise kind(f"`{key}` was passed both positionally and as a keyword argument.")
    if name_first and not isinstance(told["name"], (str, type(None))):
        raise TypeError(f"add_weight() takes the name first, and got {args[0]!r}.")
    return {key: value for key, value in told.items() if key not in _KEPT}


def not_made_error(layer: Any) -> RuntimeError:
    """What is raised of a layer that is used before `super().__init__()`."""
    return RuntimeError(
        f"In layer {type(layer).__name__!r}, you forgot to call `super().__init__()` as the first statement in the "
        "`__init__()` method. Go add it!"
    )


def _locked_error() -> ValueError:
    return ValueError(
        "You cannot add new elements of state (variables or sub-layers) to a layer that is already built. All state "
        "must be created in the `__init__()` method or in the `build()` method."
    )


def _unique(variables: Iterable[Variable]) -> list[Variable]:
    return list({id(variable): variable for variable in variables}.values())


_classes: tuple[type, ...] = ()


def _items(container: Any) -> list[Any]:
    """What is in a container of tf_keras, which goes through dicts by their keys; Keras 3 has none here."""
    return [container[key] for key in sorted(container)] if isinstance(container, dict) else list(container)


def _in_containers(values: list[Any]) -> list[Any]:
    """Return the layers among the values, and in their containers, each once."""
    from refkeras.layers.base import Layer

    found: dict[int, Any] = {}
    opened: set[int] = set()  # a container may hold itself

    def visit(item: Any) -> None:
        if isinstance(item, Layer):
            found.setdefault(id(item), item)
        elif isinstance(item, (list, tuple, dict)) and id(item) not in opened:
            opened.add(id(item))
            for inner in _items(item):
                visit(inner)

    visit(values)
    return list(found.values())


def _own_first() -> bool:
    """Whether weights are in Keras 3's order, of which follows the rest of its tracking.

    A layer keeps what an attribute had before, and knows containers by what is added to them.
    """
    return semantics.current().weight_order == "own first"


def _trackable() -> tuple[type, ...]:
    global _classes
    if not _classes:
        from refkeras.layers.base import Layer
        from refkeras.metrics import Metric
        from refkeras.random import SeedGenerator

        _classes = (Variable, Layer, list, tuple, dict, set, SeedGenerator, Metric)
    return _classes
