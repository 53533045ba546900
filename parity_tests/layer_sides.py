"""One layer on refkeras and on a real engine: the same weights, the same data, outputs and gradients of both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import refkeras
from parity_tests.agreement import exactly
from parity_tests.engines import ENGINES, NATIVE_ERRORS, mask_of, tensor, value_and_gradients, with_mask
from refkeras import precision, semantics, tree
from refkeras.layers import eager
from refkeras.tensor import unwrap


class Result(NamedTuple):
    """What a call gave; `d_weights` and `d_inputs` are gradients of Σ d_output · output."""

    outputs: list[Any]
    masks: list[Any]
    d_inputs: list[Any]
    d_weights: list[Any]


def make_both(engine: str, make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Return `make(layers)` of refkeras and of the engine."""
    with semantics.use(engine):
        return make(refkeras.layers), make(ENGINES[engine].layers)


def run_ours(
    layer: Any,
    inputs: Any,
    d_outputs: Sequence[Any] | None = None,
    *,
    mask: Any = None,
    mask_argument: Any = None,
    training: bool = False,
    gradient: str = "all",
    bars: str | None = None,
    **kwargs: Any,
) -> Result:
    """Call a refkeras layer on arrays (a list for several inputs) and pull gradients back through it.

    `mask` is that of the inputs, `mask_argument` the argument of the call. `bars` names a machine: then
    everything is computed with that machine's error bars.
    """
    if mask_argument is not None:
        kwargs["mask"] = mask_argument
    arguments = eager.bind(layer, (inputs,), kwargs)
    layer._check_inputs(inputs)
    layer._maybe_build(arguments)
    if bars is not None:
        inputs, d_outputs, kwargs = exactly((inputs, d_outputs, kwargs), bars)
    with np.errstate(all="ignore"), contextlib.nullcontext() if bars is None else precision.bars(layer, bars):
        result, masks = eager.invoke(layer, (inputs,), kwargs, mask, training, gradient)
        outputs = tree.flatten(result.outputs)
        d_inputs: list[Any] = []
        d_weights: list[Any] = []
        if d_outputs is not None and result.pullback is not None:
            d_inputs, d_weights = result.pullback(list(d_outputs))
    return Result(outputs, masks, d_inputs, d_weights)


def run_engine(
    layer: Any,
    inputs: Any,
    d_outputs: Sequence[Any] | None = None,
    *,
    mask: Any = None,
    mask_argument: Any = None,
    training: bool = False,
    wanted: Sequence[str] = (),
    **kwargs: Any,
) -> Result:
    """Call a layer of Keras 3 or tf_keras, and differentiate the call.

    `mask` is that of the inputs, `mask_argument` the argument of the call;
    `wanted` names arguments of the call, arrays or lists of arrays, whose gradients come after those of the inputs.
    """
    masks = [None] * len(tree.flatten(inputs)) if mask is None else tree.flatten(mask)
    more = [tree.flatten(kwargs[name]) for name in wanted]

    def call(*tensors: Any) -> Any:
        rest = iter(tensors)
        given = [with_mask(next(rest), m) for m in masks]
        arguments = kwargs | {name: [next(rest) for _ in one] for name, one in zip(wanted, more, strict=True)}
        if mask_argument is not None:
            arguments["mask"] = tensor(mask_argument)
        return layer(tree.pack_as(inputs, given), training=training, **arguments)

    arrays = [*tree.flatten(inputs), *(array for one in more for array in one)]
    derived = value_and_gradients(call, arrays, layer.trainable_weights, list(d_outputs or ()))
    return Result(
        derived.values,
        [mask_of(value) for value in derived.tensors],
        derived.gradients[: len(arrays)],
        derived.gradients[len(arrays) :],
    )


def outcome(function: Callable[[], Any]) -> Any:
    """The value of `function()`, or the type of what it raises: a backend's own error counts as a ValueError."""
    try:
        return function()
    except NATIVE_ERRORS:
        return ValueError
    except refkeras.errors.InvalidArgumentError:
        return ValueError
    except Exception as error:
        return type(error)


def outcomes(engine: str, run: Callable[[Any, Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    """What `run(keras, tensor)` comes to here, under the engine's rules, and there; `tensor` makes tensors of each."""
    with semantics.use(engine):
        ours = outcome(lambda: run(refkeras, np.asarray))
    return ours, outcome(lambda: run(ENGINES[engine], tensor))


def plain(value: Any) -> Any:
    """A config as plain data: tuples and lists alike, NumPy scalars as numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.item()
    return value


def array(tensor: Any) -> np.ndarray:
    return np.asarray(unwrap(tensor)[0])
