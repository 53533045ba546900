"""Calling a layer on arrays: binding, casting, masks, and what is known of its outputs' shapes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from refkeras import semantics, tree
from refkeras.layers import calling
from refkeras.symbolic import KerasTensor
from refkeras.tensor import as_array, unwrap, wrap
from refkeras.variable import Variable, assignments_taken_back

if TYPE_CHECKING:
    from refkeras.layers.base import Layer, Pass


_signatures: dict[type, calling.CallSignature] = {}
_defining: dict[type, bool] = {}
_needing: dict[type, bool] = {}
_NOT_GIVEN = object()


def signature_of(cls: type) -> calling.CallSignature:
    """Return what calls of a layer class accept: the signature of its `forward`, else of its `call`."""
    if cls not in _signatures:
        method = cls.forward if defines_forward(cls) else cls.call  # type: ignore[attr-defined]
        _signatures[cls] = calling.read_signature(method)
    return _signatures[cls]


def defines_forward(cls: type) -> bool:
    """Whether the class computes in `forward` rather than in `call`.

    Whichever the nearest class in the hierarchy defines counts, so that a
    subclass of `Dense` may override `call` as it would in Keras.
    """
    from refkeras.layers.base import Layer

    if cls not in _defining:
        bases = cls.__mro__[: cls.__mro__.index(Layer)]
        own = (base for base in bases if "_leaves_call_to_subclasses" not in vars(base))
        nearest = next((base for base in own if {"forward", "call"} & vars(base).keys()), None)
        _defining[cls] = nearest is not None and "forward" in vars(nearest)
    return _defining[cls]


def bind(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, defaults filled in.

    Raises:
        TypeError: an argument that the layer's `call` does not have, or no first one (in tf_keras a ValueError).
        IndexError: a `call` without arguments.
    """
    signature = signature_of(type(layer))
    if not signature.takes_training and not signature.takes_anything:
        kwargs = {key: value for key, value in kwargs.items() if key != "training"}
    if not args and signature.first not in kwargs:
        raise _nothing_given(layer, signature)
    unsaid = signature.needs_training and "training" not in signature.positional[: len(args)]
    if unsaid and semantics.current().fills_in_arguments:
        kwargs = {"training": None, **kwargs}
    bound = signature.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _nothing_given(layer: Layer, signature: calling.CallSignature) -> Exception:
    """The engine's kind of error for a call without inputs."""
    if not signature.names:
        return IndexError(f"call() of layer {layer.name!r} ({type(layer).__name__}) must take its inputs first.")
    kind = ValueError if semantics.current().positional_arguments == "anything" else TypeError
    return kind(f"The first argument to `Layer.call`, {signature.first!r}, must always be passed.")


def check_positional(layer: Layer, args: tuple[Any, ...]) -> None:
    """Check that what a call is given without a name are tensors.

    Raises:
        ValueError: something else, in Keras 3.
        TypeError: `training` of a functional model without its name, in Keras 3, which gives it the name as well.
    """
    if semantics.current().positional_arguments == "anything":
        return
    if layer._accepts_any_positional:
        if any(value is not None for name, value in _named(layer, args) if name == "training"):
            raise _named_twice(layer, "training")
        return
    for leaf in tree.flatten(args):
        if leaf is not None and not isinstance(leaf, (np.ndarray, KerasTensor)) and not hasattr(leaf, "_keras_logits"):
            raise ValueError(
                "Only input tensors may be passed as positional arguments. The following argument value should be "
                f"passed as a keyword argument: {leaf} (of type {type(leaf)})"
            )


def _named(layer: Layer, args: tuple[Any, ...]) -> Iterable[tuple[str, Any]]:
    return zip(signature_of(type(layer)).positional, args, strict=False)


def _mask_is_none(layer: Layer, args: tuple[Any, ...]) -> bool:
    """Whether `mask` is None, and was given without its name, which Keras 3 adds when it fills it in."""
    strict = semantics.current().positional_arguments == "tensors"
    return strict and any(name == "mask" and value is None for name, value in _named(layer, args))


def _named_twice(layer: Layer, name: str) -> TypeError:
    return TypeError(
        f"{type(layer).__name__}.call() got multiple values for argument {name!r}: Keras 3 passes it by name, too. "
        f"Give it by name, as in `layer(inputs, {name}=...)`."
    )


def call_on_arrays(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute the layer's outputs for arrays and wrap them as Tensors with their masks and logits."""
    if semantics.current().packs_numbers:
        name = signature_of(type(layer)).first
        if args:
            args = (_packed(args[0], layer._packs_numbers), *args[1:])
        elif name in kwargs:
            kwargs = {**kwargs, name: _packed(kwargs[name], layer._packs_numbers)}
    first_mask = _masks(args[0] if args else next(iter(kwargs.values()), None))
    carried = tree.map_structure(_mask_of, [list(args), kwargs]) if needs_masks(type(layer)) else None
    args = tuple(tree.map_structure(functools.partial(_to_array, layer), arg) for arg in args)
    check_positional(layer, args)
    if _mask_is_none(layer, args) and single_tensor_argument(args, kwargs):
        raise _named_twice(layer, "mask")
    kwargs = {
        key: tree.map_structure(functools.partial(_to_array, layer), value) if key != "training" else value
        for key, value in kwargs.items()
    }
    arguments = bind(layer, args, kwargs)
    layer._check_inputs(next(iter(arguments.values())))
    layer._maybe_build(arguments)
    named = "mask" in kwargs
    args, kwargs = signature_of(type(layer)).by_name(args, kwargs)
    training = training_of(layer, kwargs)
    if not calling.inside_call():
        layer._forget_losses()
    before = len(layer._losses)
    result, masks = invoke(layer, args, kwargs, first_mask, training, "none", carried, named)
    outputs = tree.flatten(result.outputs)
    layer._losses += layer._penalties(outputs)
    calling.note_penalties([*layer._losses[before:], *layer._inner_losses])
    logits = result.logits if isinstance(result.logits, list) else [result.logits] * len(outputs)
    tensors = [
        wrap(value, mask, z) if isinstance(value, np.ndarray) or hasattr(value, "_keras_logits") else value
        for value, mask, z in zip(outputs, masks, logits, strict=True)
    ]
    return tree.pack_as(result.outputs, tensors)


def training_of(layer: Layer, kwargs: dict[str, Any]) -> bool | None:
    """Take `training` out of a call's arguments, but for a None that stays; return what the layer is to go by."""
    given = kwargs.pop("training", _NOT_GIVEN)
    if given is None and none_stays(layer):
        kwargs |= told_none(layer)
        return None
    return resolve_training(layer, None if given is _NOT_GIVEN else given)


def none_stays(layer: Layer) -> bool:
    """Whether a layer that is called with `training=None` goes by None, and what it calls does."""
    if semantics.current().none_for_training == "stays":
        return True
    signature = signature_of(type(layer))
    return not (signature.takes_training or signature.takes_anything)


def told_none(layer: Layer) -> dict[str, None]:
    """The argument `training=None` for a layer that takes it, and might have another default."""
    return {"training": None} if signature_of(type(layer)).takes_training else {}


def resolve_training(layer: Layer, training: bool | None) -> bool | None:
    """Return `training` as given, else as the call around says, else the signature's default.

    Models have None for a default: then each layer inside goes by what it was
    called with.
    """
    if training is None:
        training = calling.current_training()
    if training is None:
        signature = signature_of(type(layer))
        parameter = signature.signature.parameters.get("training")
        training = None if parameter is None or signature.needs_training else parameter.default
    return training


def needs_masks(cls: type) -> bool:
    """Whether a call has to be told which mask each of its arguments carries: it is `call` that computes, or has a
    place for them."""
    if cls not in _needing:
        _needing[cls] = not defines_forward(cls) or bool(signature_of(cls).masked)
    return _needing[cls]


def _several_hold_tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether several arguments hold tensors, and that matters for masks."""
    return semantics.current().mask_argument == "of one tensor" and not single_tensor_argument(args, kwargs)


def invoke(
    layer: Layer,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    mask: Any,
    training: bool | None,
    gradient: str,
    carried: Sequence[Any] | None = None,
    named: bool = True,
) -> tuple[Pass, list[Any]]:
    """Run `forward` on plain arrays; return its `Pass` and one mask (or None) per output.

    `mask` is that of the first argument, in the structure of the first argument; `carried` has those of `args` and of
    `kwargs`, for a layer that `needs_masks`. As in Keras 3, a `mask` argument is filled in only when the first argument
    is the only one that holds tensors, and `x_mask` beside `x` otherwise. A mask that the caller gave without its name
    (not `named`) is not that of the outputs there.
    """
    signature = signature_of(type(layer))
    given = kwargs.get("mask")
    takes_mask = signature.takes_mask or (signature.takes_anything and semantics.current().fills_in_arguments)
    wants_mask = takes_mask and given is None and mask is not None
    if wants_mask and "mask" in kwargs:
        wants_mask = semantics.current().none_for_mask == "filled in"
    wants_each = signature.masked and carried is not None
    several = (wants_mask or wants_each) and _several_hold_tensors(args, kwargs)
    if wants_mask and not several:
        kwargs = {**kwargs, "mask": mask}
        given = mask
    if wants_each and several:
        assert carried is not None
        each = {**dict(zip(signature.names, carried[0], strict=False)), **carried[1]}
        missing = [name for name in signature.masked if kwargs.get(f"{name}_mask") is None]
        kwargs = {**kwargs, **{f"{name}_mask": found for name in missing if (found := each.get(name)) is not None}}
    if layer._reads_masks and mask is not None and "masks" in signature.names:
        kwargs = {**kwargs, "masks": mask}
    result = call_forward(layer, args, kwargs, gradient, training, carried)
    outputs = tree.flatten(result.outputs)
    own = [None] * len(outputs) if result.masks is None else list(result.masks)
    if result.masks is not None and (defines_forward(type(layer)) or all(m is not None for m in own)):
        return result, own
    counts = named or semantics.current().positional_arguments == "anything"
    previous = given if given is not None and counts else mask
    if layer.supports_masking:
        first = args[0] if args else next(iter(kwargs.values()), None)
        if layer._overrides_compute_mask or previous is not None:
            masks = layer.compute_mask(first, previous)
            flat = [None] * len(outputs) if masks is None else tree.flatten(masks)
            flat = (flat + [None] * len(outputs))[: len(outputs)]
            # What `call` returned may carry masks of its own.
            return result, [computed if m is None else m for m, computed in zip(own, flat, strict=True)]
    elif previous is not None and any(m is not None for m in tree.flatten(previous)):
        warnings.warn(
            f"Layer '{layer.name}' (of type {type(layer).__name__}) was passed an input with a mask attached to it. "
            "However, this layer does not support masking and will therefore destroy the mask information. Downstream "
            "layers will not see the mask.",
            stacklevel=2,
        )
    return result, own


def call_forward(
    layer: Layer,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    gradient: str,
    training: bool | None = None,
    carried: Sequence[Any] | None = None,
) -> Pass:
    """Call `forward` with the arguments that its signature takes, and make a `Pass` of what it returns."""
    from refkeras.layers.base import Pass

    cls = type(layer)
    if not defines_forward(cls):
        return forward_from_call(layer, args, kwargs, gradient, training, carried)
    signature = signature_of(cls)
    if signature.takes_training and "training" not in kwargs and training is not None:
        kwargs = {**kwargs, "training": training}
    if signature.takes_gradient:
        kwargs = {**kwargs, "gradient": gradient}
    result = layer.forward(*args, **kwargs)
    if isinstance(result, Pass):
        return result
    if isinstance(result, tuple) and len(result) == 2 and (result[1] is None or callable(result[1])):
        return Pass(*result)
    raise TypeError(
        f"forward() of layer {layer.name!r} ({cls.__name__}) must return (outputs, pullback) or a Pass, "
        f"and returned {type(result).__name__}."
    )


def outputs_of_forward(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what `forward` computes, for a subclass's `super().call(...)`."""
    signature = calling.read_signature(type(layer).forward)
    if layer._reads_masks and args and "masks" in signature.names:
        kwargs = {"masks": _masks(args[0]), **kwargs}
    args = tuple(tree.map_structure(lambda leaf: unwrap(leaf)[0], arg) for arg in args)
    args, kwargs = signature.by_name(args, kwargs)
    if signature.takes_training and "training" not in kwargs:
        kwargs = {**kwargs, "training": resolve_training(layer, None)}
    if signature.takes_gradient:
        kwargs = {**kwargs, "gradient": "none"}
    result = layer.forward(*args, **kwargs)
    return result[0]


def forward_from_call(
    layer: Layer,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    gradient: str,
    training: bool | None,
    carried: Sequence[Any] | None = None,
) -> Pass:
    """Compute through `call`: directly for inference, else through the graph that `call` draws on symbolic inputs.

    `carried` are the masks of `args` and of `kwargs`, for the layers that `call` hands them to.
    """
    from refkeras.layers.base import Pass

    failure: Exception | None = None
    signature = signature_of(type(layer))
    if "training" not in kwargs and _is_told_training(signature, training):
        kwargs = {**kwargs, "training": training}
    args, kwargs = _carrying([args, kwargs], carried)
    if gradient != "none":
        from refkeras.models import tracing

        program, failure = tracing.program_of_call(layer, args, kwargs)
        if program is not None:
            layer._inner_losses = []
            given = [unwrap(leaf) for leaf in tracing.tensors_of(args, kwargs)]
            masks = [mask for _, mask, _ in given]
            return program.as_pass(
                [value for value, _, _ in given],
                None if all(mask is None for mask in masks) else masks,
                training,
                gradient,
                layer._parameters,
                layer._inner_losses.extend,
            )
    with calling.training_context(training), calling.name_scope(layer.name), calling.collected_penalties() as penalties:
        outputs = layer.call(*args, **kwargs)
    layer._inner_losses = penalties
    leaves = [unwrap(leaf) for leaf in tree.flatten(outputs)]
    masks = [mask for _, mask, _ in leaves]
    arrays = tree.pack_as(outputs, [value for value, _, _ in leaves])
    logits: Any = [z for _, _, z in leaves]
    return Pass(
        arrays,
        None if gradient == "none" else _missing_pullback(layer, failure),
        logits[0] if len(logits) == 1 else logits,
        masks if any(mask is not None for mask in masks) else None,
    )


def _is_told_training(signature: calling.CallSignature, training: bool | None) -> bool:
    """Whether `call` gets `training`: None, which nobody said, leaves it to its default."""
    if signature.takes_training:
        return training is not None or signature.needs_training
    return signature.takes_anything and semantics.current().fills_in_arguments


def _carrying(arguments: list[Any], masks: Sequence[Any] | None) -> list[Any]:
    """Return `args` and `kwargs` with those masks on the arrays that have one."""
    if masks is None or all(mask is None for mask in tree.flatten(masks)):
        return arguments
    args, kwargs = arguments

    def both(value: Any, mask: Any) -> Any:
        pairs = zip(tree.flatten(value), tree.flatten(mask), strict=True)
        return tree.pack_as(value, [leaf if m is None else wrap(leaf, m) for leaf, m in pairs])

    found = [both(*pair) for pair in zip(args, masks[0], strict=False)]
    return [
        tuple(found),
        {key: both(value, masks[1].get(key)) if key in masks[1] else value for key, value in kwargs.items()},
    ]


def _missing_pullback(layer: Layer, cause: Exception | None) -> Callable[..., Any]:
    def pullback(*_: Any) -> Any:
        raise NotImplementedError(
            f"Layer {layer.name!r} ({type(layer).__name__}) defines call() but no pullback, and call() does more than "
            "call other layers, so gradients cannot go through it. To train with it, define forward(inputs) that "
            "returns (outputs, pullback), where pullback(d_outputs) returns (d_inputs, d_weights)."
        ) from cause

    return pullback


# -- shapes of outputs ---------------------------------------------------------------


def output_shape(layer: Layer, arguments: dict[str, Any]) -> Any:
    """Return the layer's output shape (or structure of shapes) for the tensors in `arguments`."""
    from refkeras.layers.base import Layer

    (_, first), *others = arguments.items()
    defaults = signature_of(type(layer)).signature.parameters
    rest = {k: v for k, v in others if k not in defaults or v is not defaults[k].default}
    shapes, rest = (calling.shapes_of(first),), {**rest, **rest.pop("kwargs", {})}
    if type(layer).compute_output_shape is Layer.compute_output_shape:
        return output_shape_by_trial(layer, shapes, rest)
    if not defines_forward(type(layer)) and (semantics.current().symbolic_call_runs or _builds_by_call(layer)):
        from refkeras.models import tracing

        tracing.symbolic_outputs(layer, shapes, rest)
    return layer.compute_output_shape(
        **calling.build_arguments(layer.compute_output_shape, arguments, type(layer).__name__)
    )


def _builds_by_call(layer: Layer) -> bool:
    """Whether layers inside are not built yet, and nothing but `call` will do it."""
    from refkeras.layers.base import Layer

    return type(layer).build is Layer.build and not all(inner.built for inner in layer._layers)


def output_shape_by_trial(layer: Layer, shapes: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Find the output shape by trying: symbolically, or on zeros where `call` does more than call layers."""
    if not defines_forward(type(layer)):
        from refkeras.models import tracing

        outputs = tracing.symbolic_outputs(layer, shapes, kwargs)
        if outputs is not None:
            return tree.map_structure(lambda tensor: tensor.shape, outputs)
    return _output_shape_on_zeros(layer, shapes, kwargs)


def _output_shape_on_zeros(layer: Layer, shapes: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run on zeros with two batch sizes; what changes with them is None. Draws and assignments are taken back."""
    generators = [g for inner in layer._flatten_layers() for g in inner._seed_generators]
    states = [np.array(g.state) for g in generators]
    trials = []
    for size in (2, 3):
        fill = functools.partial(_zeros, size=size, dtype=layer.compute_dtype)
        inputs = tuple(map_shapes(fill, shape) for shape in shapes)
        others = tree.map_structure(lambda v: fill(v.shape) if isinstance(v, KerasTensor) else v, kwargs)  # noqa: B023
        with assignments_taken_back():
            outputs = call_forward(layer, inputs, others, "none", False).outputs
        trials.append([np.shape(leaf) for leaf in tree.flatten(outputs)])
    for generator, state in zip(generators, states, strict=True):
        generator.state.assign(state)
    found = [tuple(a if a == b else None for a, b in zip(x, y, strict=True)) for x, y in zip(*trials, strict=True)]
    return tree.pack_as(outputs, found)


def _zeros(shape: tuple[int | None, ...], size: int, dtype: str) -> np.ndarray:
    return np.zeros([size if sizes is None else sizes for sizes in shape], dtype)


def map_shapes(function: Callable[[tuple[int | None, ...]], Any], shapes: Any) -> Any:
    """Apply `function` to every shape, a tuple or list of sizes, of a structure of them; None, for no tensor, stays."""
    if shapes is None:
        return None
    if isinstance(shapes, dict):
        return {key: map_shapes(function, value) for key, value in shapes.items()}
    if all(size is None or isinstance(size, (int, np.integer)) for size in shapes):
        return function(tuple(shapes))
    return type(shapes)(map_shapes(function, shape) for shape in shapes)


# -- arrays ----------------------------------------------------------------------------


def _to_array(layer: Layer, value: Any) -> Any:
    """Return a plain array of the dtype the layer computes in, or the value itself if it is no array."""
    if isinstance(value, Variable):
        value = value.value
    elif not isinstance(value, np.ndarray):
        if not hasattr(value, "__array__") or hasattr(value, "_keras_logits"):  # the latter: an array with error bars
            return value
        value = np.asarray(value)
    cut = value.dtype.kind == "c" and type(layer).__module__.startswith("refkeras.layers")  # to its real part
    if cut or value.dtype.kind in "OSU":
        raise ValueError(f"Layer {layer.name!r} was given an array of dtype {value.dtype}; expected real numbers.")
    value = unwrap(value)[0]
    if layer._casts_inputs and value.dtype.kind == "f" and value.dtype.name != layer.compute_dtype:
        return value.astype(layer.compute_dtype)
    return value


def _packed(value: Any, whole: bool) -> Any:
    """Return arrays in the place of numbers; one array of a nested list of numbers alone, if it is to be whole."""
    numbers = [isinstance(leaf, (int, float)) for leaf in tree.flatten(value)]
    if not any(numbers):
        return value
    if whole and all(numbers):
        return as_array(value)
    return tree.map_structure(lambda leaf: as_array(leaf) if isinstance(leaf, (int, float)) else leaf, value)


def _mask_of(leaf: Any) -> Any:
    return unwrap(leaf)[1]


def _masks(structure: Any) -> Any:
    masks = [_mask_of(leaf) for leaf in tree.flatten(structure)]
    return tree.pack_as(structure, masks) if any(mask is not None for mask in masks) else None


def single_tensor_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    holding = [value for value in (*args, *kwargs.values()) if _holds_tensor(value)]
    return len(holding) == 1


def _holds_tensor(value: Any) -> bool:
    leaves = tree.flatten(value)
    return any(isinstance(leaf, (np.ndarray, KerasTensor)) or hasattr(leaf, "__array_ufunc__") for leaf in leaves)
