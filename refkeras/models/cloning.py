"""`clone_model`: the same layers once more, with weights of their own (`keras/src/models/cloning.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refkeras import semantics, tree
from refkeras.layers.input_layer import Input, InputLayer
from refkeras.models.functional import Functional, _constructed_like_functional
from refkeras.models.sequential import Sequential
from refkeras.saving.serialization import deserialize_keras_object, serialize_keras_object
from refkeras.symbolic import KerasTensor

__all__ = ["clone_model"]

Clone = Callable[[Any], Any]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Clone | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """Return a model of the same layers with new weights, compiled as `model` is, with a new optimizer.

    In tf_keras it is not compiled (`clones_are_compiled` of `semantics`).

    Args:
        model: a functional or sequential model; one of another class is made anew from its record.
        input_tensors: symbolic tensors to build the new model upon, in the structure of `model.input`; new ones by
            default.
        clone_function: `clone_function(layer)` returns the layer that stands for it in the new model, once for each
            layer that is no `Input`; by default `type(layer).from_config(layer.get_config())`.
        call_function: `call_function(layer, *args, **kwargs)` calls a layer of the new model and returns its outputs;
            by default it calls it. For functional models only.
        recursive: whether models inside the model are cloned layer by layer, and not by `clone_function` as a whole.

    Raises:
        ValueError: input tensors that are not symbolic or not in the structure of the model's; `call_function` for a
            sequential model; an argument for a model of another class; an unknown argument.
        TypeError: a function that cannot be called.

    Source: Keras 3.15, `keras/src/models/cloning.py`. There the computation of a mask is an operation of the graph
    (`NotEqual`, and `Any` before a layer that gets the mask of a `Masking`), and both functions are given these too.
    `call_function` is given `training=False` where that is the default of the layer's `call`, and `mask`, the mask's
    tensor or None, where its `call` takes a mask, though nobody wrote either. In refkeras a mask goes with the tensor
    that it belongs to; its operations are noted for names, summaries and files, and compute nothing. So the functions
    are given layers, and `call_function` what these were called with.

    Example:

        >>> import refkeras
        >>> model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3, name="wide")])
        >>> model.compile("sgd", "mse")
        >>> clone_model(model).loss
        'mse'
        >>> def narrow(layer):
        ...     return layer.from_config({**layer.get_config(), "units": 2})
        >>> clone_model(model, clone_function=narrow).output_shape
        (None, 2)
    """
    cache = kwargs.pop("cache", None)
    if kwargs:
        raise ValueError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    for name, function in (("clone_function", clone_function), ("call_function", call_function)):
        if function is not None and not callable(function):
            raise TypeError(f"{name}={function!r} is not callable. Expected a function, or None.")
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "`call_function` argument is not supported with Sequential models. In a Sequential model, layers "
                "aren't called at model-construction time (they're merely listed). Use `call_function` with "
                f"Functional models only. Received model of type '{type(model).__name__}', with "
                f"call_function={call_function}"
            )
        return _clone_sequential(model, _Cloner(clone_function, None, recursive, cache), input_tensors)
    if isinstance(model, Functional):
        cloner = _Cloner(clone_function, call_function, recursive, cache)
        return _clone_functional(model, cloner, call_function, input_tensors)
    return _clone_other(model, clone_function, call_function, input_tensors)


class _Cloner:
    """Clones each layer once, however often it is called.

    Args:
        clone_function, call_function, recursive: as for `clone_model`.
        cache: the clones that there are already, by the id of their layer.
    """

    def __init__(
        self,
        clone_function: Clone | None,
        call_function: Callable[..., Any] | None,
        recursive: bool,
        cache: dict[int, Any] | None,
    ) -> None:
        self._clone = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
        self._call_function, self._recursive = call_function, recursive
        self._cache: dict[int, Any] = {} if cache is None else cache

    def __call__(self, layer: Any) -> Any:
        if id(layer) not in self._cache:
            self._cache[id(layer)] = self._made(layer)
        return self._cache[id(layer)]

    def _made(self, layer: Any) -> Any:
        if not self._recursive or not isinstance(layer, (Sequential, Functional)):
            return self._clone(layer)
        # A sequential model has no calls of its own layers that a function could make.
        call = None if isinstance(layer, Sequential) else self._call_function
        return clone_model(layer, None, self._clone, call, recursive=True, cache=self._cache)


def _compiled_as(model: Any, clone: Any) -> Any:
    if model.compiled and semantics.current().clones_are_compiled:
        clone.compile_from_config(model.get_compile_config())
    return clone


def _clone_sequential(model: Any, cloner: _Cloner, input_tensors: Any) -> Any:
    layers = [cloner(layer) for layer in model.layers]
    first = model._stack[0] if model._stack else None
    known = first if isinstance(first, InputLayer) else None
    name, optional = (None, False) if known is None else (known.name, known.optional)
    if input_tensors is not None:
        if isinstance(input_tensors, (list, tuple)):
            if len(input_tensors) != 1:
                raise ValueError("Argument `input_tensors` must contain a single tensor.")
            input_tensors = input_tensors[0]
        if not isinstance(input_tensors, KerasTensor):
            raise ValueError(
                f"Argument `input_tensors` must be a KerasTensor. Received invalid value: input_tensors={input_tensors}"
            )
        layers.insert(0, Input(tensor=input_tensors, name=name, optional=optional))
    elif known is not None:
        made = Input(batch_shape=known.batch_shape, dtype=known.dtype, name=name, optional=optional)
        layers.insert(0, made)
    return _compiled_as(model, Sequential(layers, name=model.name, trainable=model.trainable))


def _clone_functional(model: Any, cloner: _Cloner, call_function: Callable[..., Any] | None, input_tensors: Any) -> Any:
    if input_tensors is None:
        input_tensors = tree.map_structure(
            lambda tensor: Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name), model._inputs_struct
        )
    elif not all(isinstance(tensor, KerasTensor) for tensor in tree.flatten(input_tensors)):
        raise ValueError(
            "All entries in `input_tensors` must be KerasTensors. Received invalid values: "
            f"inputs_tensors={input_tensors}"
        )
    elif not tree.same_structure(input_tensors, model._inputs_struct):
        raise ValueError(
            "`input_tensors` must have the same structure as model.input\n"
            f"Reference structure: {model._inputs_struct}\nReceived structure: {input_tensors}"
        )
    outputs = _through(model, tree.flatten(input_tensors), cloner, call_function)
    # A class with a constructor of its own becomes a plain functional model, as in Keras.
    made = type(model) if _constructed_like_functional(type(model)) else Functional
    return _compiled_as(model, made(input_tensors, outputs, name=model.name))


def _through(model: Any, inputs: list[Any], cloner: _Cloner, call_function: Callable[..., Any] | None) -> Any:
    """Call the clones of a model's layers as the model calls its layers; return the structure of its outputs."""
    known = {id(own): given for own, given in zip(model.inputs, inputs, strict=True)}
    for node in model._nodes:
        if node.is_input or any(id(tensor) not in known for tensor in node.input_tensors):
            continue
        args, kwargs = tree.map_structure(
            lambda leaf: known[id(leaf)] if isinstance(leaf, KerasTensor) else leaf, [list(node.args), node.kwargs]
        )
        layer = cloner(node.operation)
        outputs = layer(*args, **kwargs) if call_function is None else call_function(layer, *args, **kwargs)
        known.update({id(own): made for own, made in zip(node.outputs, tree.flatten(outputs), strict=False)})
    missing = [tensor.name for tensor in model.outputs if id(tensor) not in known]
    if missing:
        raise ValueError(f"The outputs {missing} are not connected to `inputs`.")
    return tree.map_structure(lambda tensor: known[id(tensor)], model._outputs_struct)


def _clone_other(model: Any, clone_function: Any, call_function: Any, input_tensors: Any) -> Any:
    """Make a model of another class anew from its record."""
    from refkeras.models.model import Model

    if not isinstance(model, Model):
        raise ValueError(f"Expected `model` argument to be a Model. Received: model={model}")
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "Arguments `clone_function` and `input_tensors` are only supported for Sequential models or Functional "
            f"models. Received model of type '{type(model).__name__}', with clone_function={clone_function} and "
            f"input_tensors={input_tensors}"
        )
    if call_function is not None:
        raise ValueError(
            "Argument `call_function` is only supported for Functional models. Received model of type "
            f"'{type(model).__name__}', with call_function={call_function}"
        )
    record = serialize_keras_object(model)
    return deserialize_keras_object(record, {type(model).__name__: type(model)})
