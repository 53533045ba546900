"""Runs a graph: forward through the layers in order, and back through their pullbacks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refkeras import semantics, tree
from refkeras.layers import eager
from refkeras.layers.base import Layer, Pass
from refkeras.layers.tracking import trainable_state, wanted_variables
from refkeras.models.graph import Graph
from refkeras.symbolic import KerasTensor, Node
from refkeras.variable import Variable

__all__ = ["GraphPass", "Program"]

Gradients = dict[int, Any]


class GraphPass(NamedTuple):
    """What one run gives; lists have one entry per output of the graph.

    `pullback(d_outputs, d_logits) -> (d_inputs, d_weights)` where `d_weights`
    maps `id(variable)` to its gradient. `losses` are the penalties that layers
    added (activity regularizers, `add_loss`).
    """

    outputs: list[Any]
    masks: list[Any]
    logits: list[Any]
    losses: list[Any]
    pullback: Callable[[list[Any], list[Any] | None], tuple[list[Any], Gradients]] | None


class _Step:
    """One call of a layer, with tensors replaced by slot numbers."""

    __slots__ = (
        "arguments",
        "cast",
        "direct",
        "inner",
        "ins",
        "keywords",
        "layer",
        "masked",
        "outs",
        "plain",
        "single",
        "takes_gradient",
        "takes_training",
        "watched",
    )  # fmt: skip

    def __init__(self, node: Node, slot_of: dict[int, int]) -> None:
        layer = node.operation
        signature = eager.signature_of(type(layer))
        self.layer: Layer = layer
        self.ins = [slot_of[id(t)] for t in node.input_tensors]
        self.outs = [slot_of[id(t)] for t in node.outputs]
        self.single = len(node.args) == 1 and isinstance(node.args[0], KerasTensor) and not node.kwargs
        self.arguments, self.keywords = node.args, node.kwargs
        self.takes_training, self.takes_gradient = signature.takes_training, signature.takes_gradient
        self.masked = eager.needs_masks(type(layer))
        # `direct` layers are called without the detours of `eager.invoke`.
        self.direct = self.single and len(self.outs) == 1 and eager.defines_forward(type(layer))
        # Only these can add penalties of their own to the loss.
        core = type(layer).__module__.startswith("refkeras.layers")
        self.inner = bool(layer._layers)
        self.watched = layer.activity_regularizer is not None or not core or self.inner
        wrong = any(_is_float(t.dtype) and t.dtype != layer.compute_dtype for t in node.input_tensors)
        self.cast = np.dtype(layer.compute_dtype) if wrong and layer.autocast else None
        # `plain` ones need no other check before that than for a mask.
        self.plain = self.direct and self.cast is None and not layer._overrides_compute_mask


#: A call that was made: its step, its layer's weights, its pullback, and which of its outputs are its first input.
_Called = tuple[_Step, list[Variable], Any, list[bool]]


class Program:
    """A graph made ready to run.

    Args:
        inputs, outputs: the symbolic ends.
        graph: what lies between them.
        of_a_call: whether it is what a layer's `call` does, in which `training` is what each layer is called with.
    """

    def __init__(
        self, inputs: list[KerasTensor], outputs: list[KerasTensor], graph: Graph, *, of_a_call: bool = False
    ) -> None:
        self._of_a_call = of_a_call
        slot_of: dict[int, int] = {}
        for tensor in (*inputs, *(t for node in graph.nodes for t in node.outputs)):
            slot_of.setdefault(id(tensor), len(slot_of))
        given = {id(tensor) for tensor in inputs}
        calls = [n for n in graph.nodes if not n.is_input and not all(id(t) in given for t in n.outputs)]
        self._slot_of = slot_of
        self._steps = [_Step(node, slot_of) for node in calls]
        self._size = len(slot_of)
        self._ins = [slot_of[id(t)] for t in inputs]
        self._outs = [slot_of[id(t)] for t in outputs]
        self._plans: dict[str, list[tuple[str, list[Variable]]]] = {}
        self._planned_for: Any = None
        self._chain = self._is_chain()

    def _is_chain(self) -> bool:
        """Whether every step takes what the one before gave, meets no mask and adds no penalty: most small models."""
        ends = list(self._ins)
        for step in self._steps:
            if not step.plain or step.watched or step.ins != ends:
                return False
            ends = step.outs
        return len(self._ins) == 1 and self._outs == ends

    def _plan(self, gradient: str) -> list[tuple[str, list[Variable]]]:
        """Return what is asked of each step (gradients of "none", of the "weights" only, or of "all"), and its weights.

        A step is asked for the gradient of its inputs only if something
        trainable lies before it.
        """
        state = trainable_state()
        if state != self._planned_for:
            self._plans, self._planned_for = {}, state
        if gradient not in self._plans:
            wanted = [False] * self._size
            for slot in self._ins:
                wanted[slot] = gradient == "all"
            plan = []
            for step in self._steps:
                inputs_wanted = any(wanted[slot] for slot in step.ins)
                weights_wanted = bool(wanted_variables(step.layer))
                nothing = gradient == "none" or not (inputs_wanted or weights_wanted)
                plan.append(("none" if nothing else "all" if inputs_wanted else "weights", step.layer._parameters))
                for slot in step.outs:
                    wanted[slot] = inputs_wanted or weights_wanted
            self._plans[gradient] = plan
        return self._plans[gradient]

    def run(
        self, inputs: list[Any], *, masks: list[Any] | None = None, training: bool | None = None, gradient: str = "none"
    ) -> GraphPass:
        """Run forward.

        Args:
            inputs: arrays, one per input of the graph.
            masks: one mask or None per input.
            training: whether dropout and the like are active; None leaves it to what each layer was called with.
            gradient: what the pullback will be asked for: `"none"`, `"weights"` or `"all"` (weights and inputs).
        """
        if self._chain and masks is None:
            return self._run_chain(inputs[0], training, gradient)
        values: list[Any] = [None] * self._size
        mask_of: list[Any] = [None] * self._size
        logits: list[Any] = [None] * self._size
        for i, slot in enumerate(self._ins):
            values[slot] = inputs[i]
            if masks is not None:
                mask_of[slot] = masks[i]
        trace: list[_Called] = []
        losses: list[Any] = []
        for step, (wanted, parameters) in zip(self._steps, self._plan(gradient), strict=True):
            layer = step.layer
            if step.watched:
                layer._forget_losses()
                layer._inner_losses = []
            if step.plain and mask_of[step.ins[0]] is None:
                slot, x = step.outs[0], values[step.ins[0]]
                result = _call_directly(step, x, training, wanted)
                y, pullback = result[0], result[1]
                values[slot] = y
                if y is x:
                    logits[slot] = logits[step.ins[0]]
                elif len(result) > 2:
                    logits[slot] = result[2]
            else:
                pullback = self._call(step, values, mask_of, logits, training, wanted)
            if step.watched:
                pullback = _with_penalties(step, values, pullback, losses, wanted)
            if wanted != "none":
                x = values[step.ins[0]]
                trace.append((step, parameters, pullback, [values[slot] is x for slot in step.outs]))
        out = self._outs
        return GraphPass(
            [values[slot] for slot in out],
            [mask_of[slot] for slot in out],
            [logits[slot] for slot in out],
            losses,
            None if gradient == "none" else functools.partial(self._pull_back, trace),
        )

    # -- a chain: the same without slots, as they cost a small model more than its arithmetic ------------------------

    def _run_chain(self, x: Any, training: bool | None, gradient: str) -> GraphPass:
        trace: list[tuple[list[Variable], Any, bool]] = []
        z = None
        for step, (wanted, parameters) in zip(self._steps, self._plan(gradient), strict=True):
            result = _call_directly(step, x, training, wanted)
            y = result[0]
            if y is not x:
                z = result[2] if len(result) > 2 else None
            if wanted != "none":
                trace.append((parameters, result[1], y is x))
            x = y
        return GraphPass(
            [x], [None], [z], [], None if gradient == "none" else functools.partial(self._pull_chain, trace)
        )

    def _pull_chain(
        self, trace: list[tuple[list[Variable], Any, bool]], d_outputs: list[Any], d_logits: list[Any] | None = None
    ) -> tuple[list[Any], Gradients]:
        d, dz = d_outputs[0], None if d_logits is None else d_logits[0]
        d_weights: Gradients = {}
        for parameters, pullback, is_identity in reversed(trace):
            if is_identity:
                continue
            if dz is not None:
                d_ins, d_params = pullback([d], dz)
            elif d is not None:
                d_ins, d_params = pullback([d])
            else:
                break
            d, dz = d_ins[0], None
            for variable, gradient in zip(parameters, d_params, strict=True):
                if gradient is not None:
                    d_weights[id(variable)] = _sum(d_weights.get(id(variable)), gradient)
        return [d if len(trace) == len(self._steps) else None], d_weights

    def _told(self, layer: Layer, kwargs: dict[str, Any], training: bool | None) -> bool | None:
        """Take `training` out of a call's arguments; return what the layer goes by, in a run with another."""
        given = kwargs.pop("training")
        if given is None:
            if not self._of_a_call or not eager.none_stays(layer):
                return training
            kwargs |= eager.told_none(layer)
            return None
        wins = training is None or self._of_a_call or semantics.current().explicit_training_wins
        return given if wins else training

    # -- any graph -------------------------------------------------------------------------------------------------

    def _call(
        self, step: _Step, values: list[Any], mask_of: list[Any], logits: list[Any], training: bool | None, wanted: str
    ) -> Any:
        """Run one step the general way; return its pullback."""

        def fill(source: list[Any], structure: Any, cast: np.dtype | None = None) -> Any:
            def leaf(item: Any) -> Any:
                if not isinstance(item, KerasTensor):
                    return item if source is values else None
                value = source[self._slot_of[id(item)]]
                return value.astype(cast) if cast is not None and value.dtype.kind == "f" else value

            return tree.map_structure(leaf, structure)

        args = fill(values, step.arguments, step.cast)
        kwargs = fill(values, step.keywords, step.cast)
        mask = None
        if any(mask_of[slot] is not None for slot in step.ins):
            mask = fill(mask_of, args_first(step))
            if all(m is None for m in tree.flatten(mask)):
                mask = None
        carried = None
        if step.masked and any(mask_of[slot] is not None for slot in step.ins):
            carried = [fill(mask_of, step.arguments), fill(mask_of, step.keywords)]
        named = "mask" in kwargs
        args, kwargs = eager.signature_of(type(step.layer)).by_name(args, kwargs)
        if "training" in kwargs:
            training = self._told(step.layer, kwargs, training)
        result, masks = eager.invoke(step.layer, args, kwargs, mask, training, wanted, carried, named)
        outputs = tree.flatten(result.outputs)
        for i, slot in enumerate(step.outs):
            values[slot], mask_of[slot] = outputs[i], masks[i]
            z = result.logits[i] if isinstance(result.logits, list) else result.logits
            logits[slot] = logits[step.ins[0]] if outputs[i] is values[step.ins[0]] else z
        if step.cast is None or result.pullback is None:
            return result.pullback
        return _casting_back(result.pullback, [values[slot].dtype for slot in step.ins])

    def _pull_back(
        self,
        trace: list[_Called],
        d_outputs: list[Any],
        d_logits: list[Any] | None = None,
    ) -> tuple[list[Any], Gradients]:
        d: list[Any] = [None] * self._size
        dz: list[Any] = [None] * self._size
        for i, slot in enumerate(self._outs):
            d[slot] = _sum(d[slot], d_outputs[i])
            if d_logits is not None:
                dz[slot] = _sum(dz[slot], d_logits[i])
        d_weights: Gradients = {}
        for step, parameters, pullback, handed_on in reversed(trace):
            ins, arriving, arriving_z = step.ins, [d[slot] for slot in step.outs], [dz[slot] for slot in step.outs]
            for slot in step.outs:
                d[slot] = dz[slot] = None  # a layer may return the tensor that it was given
            if True in handed_on:
                # The logits of an input that is handed on are those of the layer that made it.
                for i, handed in enumerate(handed_on):
                    if handed:
                        dz[ins[0]], arriving_z[i] = _sum(dz[ins[0]], arriving_z[i]), None
                if len(arriving) == 1 and not step.watched:
                    d[ins[0]] = _sum(d[ins[0]], arriving[0])
                    continue
            if any(z is not None for z in arriving_z):
                d_ins, d_params = pullback(arriving, arriving_z[0] if len(arriving) == 1 else arriving_z)
            elif step.watched or any(g is not None for g in arriving):
                d_ins, d_params = pullback(arriving)
            else:
                continue
            for slot, gradient in zip(ins, d_ins, strict=False):
                d[slot] = gradient if d[slot] is None else _sum(d[slot], gradient)
            for variable, gradient in zip(parameters, d_params, strict=True):
                if gradient is not None:
                    d_weights[id(variable)] = _sum(d_weights.get(id(variable)), gradient)
        return [d[slot] for slot in self._ins], d_weights

    def as_pass(
        self,
        inputs: list[Any],
        training: bool | None,
        gradient: str,
        parameters: list[Variable],
        *,
        structure: Any,
        masks: list[Any] | None = None,
        unused: int = 0,
        on_losses: Callable[[list[Any]], None] | None = None,
    ) -> Pass:
        """Run as one layer: outputs in `structure`, gradients of weights in the order of `parameters`.

        The last outputs, as many as `unused` says, are computed and not returned.
        """
        run = self.run(inputs, masks=masks, training=training, gradient=gradient)
        if on_losses is not None:
            on_losses(run.losses)
        count = len(run.outputs) - unused
        single, nothing = count == 1, [None] * unused

        def pullback(d_outputs: list[Any], d_logits: Any = None) -> tuple[list[Any], list[Any]]:
            d_outputs = [*d_outputs, *nothing]
            d_logits = None if d_logits is None else [*([d_logits] if single else d_logits), *nothing]
            d_inputs, d_weights = run.pullback(d_outputs, d_logits)  # type: ignore[misc]
            return d_inputs, [d_weights.get(id(variable)) for variable in parameters]

        return Pass(
            tree.pack_as(structure, run.outputs[:count]),
            None if gradient == "none" else pullback,
            run.logits[0] if single else run.logits[:count],
            run.masks[:count],
        )


def args_first(step: _Step) -> Any:
    """Return the first argument of the step's call."""
    return step.arguments[0] if step.arguments else next(iter(step.keywords.values()))


def _call_directly(step: _Step, x: Any, training: bool | None, wanted: str) -> Any:
    """Call a layer that takes one array, has one output and meets no mask."""
    if training is None and not step.inner:
        training = False
    if step.takes_gradient:
        if step.takes_training:
            return step.layer.forward(x, training=training, gradient=wanted)
        return step.layer.forward(x, gradient=wanted)
    if step.takes_training:
        return step.layer.forward(x, training=training)
    return step.layer.forward(x)


def _with_penalties(step: _Step, values: list[Any], pullback: Any, losses: list[Any], wanted: str) -> Any:
    """Add the layer's penalties of this call to `losses`; return a pullback that knows of them."""
    layer, outputs = step.layer, [values[slot] for slot in step.outs]
    if layer._losses and wanted != "none":
        raise NotImplementedError(
            f"Layer {layer.name!r} calls add_loss() in training: refkeras has no gradient of that value. Use "
            "activity_regularizer, or evaluate the model without training it."
        )
    layer._losses += layer._penalties(outputs)
    losses.extend((*layer._losses, *layer._inner_losses))
    if wanted == "none":
        return pullback
    extra = layer._penalty_gradients(outputs)
    nothing_inside = not layer._inner_losses

    def with_penalty(d_outputs: list[Any], d_logits: Any = None) -> Any:
        d_outputs = [_sum(d, e) for d, e in zip(d_outputs, extra, strict=True)]
        if d_logits is None:
            if nothing_inside and all(d is None for d in d_outputs):
                return [None] * len(step.ins), [None] * len(layer._parameters)
            return pullback(d_outputs)
        return pullback(d_outputs, d_logits)

    return with_penalty


def _casting_back(pullback: Callable[..., Any], dtypes: list[np.dtype]) -> Callable[..., Any]:
    def cast(d_outputs: list[Any], d_logits: Any = None) -> Any:
        d_inputs, d_weights = pullback(d_outputs) if d_logits is None else pullback(d_outputs, d_logits)
        pairs = zip(d_inputs, dtypes, strict=True)
        return [None if d is None else d.astype(t) for d, t in pairs], d_weights

    return cast


def _is_float(dtype: str) -> bool:
    return dtype.startswith("float")


def _sum(a: Any, b: Any) -> Any:
    if a is None:
        return b
    return a if b is None else a + b
