"""Judge an engine's training steps.

Each step starts from the engine's own weights and slots, and each update from
the engine's own gradients, so that a disagreement stands where it arises. Then
the whole training, as the engine compiles it, from the file's weights on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refkeras import precision, tree
from refkeras.verify.engines import Result
from refkeras.verify.model import bars
from refkeras.verify.model.data import Data
from refkeras.verify.model.findings import COMPILED, WHOLE, Finding, find
from refkeras.verify.model.judging import unpack
from refkeras.verify.model.loading import Loaded

__all__ = ["judge_training"]


def judge_training(
    read: Callable[[], Loaded], result: Result, data: Data, machine: str, on_step: Callable[[str], None]
) -> list[Finding]:
    """Return the findings on the training steps of one engine.

    Args:
        read: reads the model as it stood before the first step, its random generators included.
        result: what the engine's process sent back.
        data: inputs and targets.
        machine: the arithmetic that the engine is held to.
        on_step: called with what is being judged.
    """
    seen = unpack(result.seen["training"], result.arrays)
    steps = len(seen["eager"]) - 1
    found: list[Finding] = []
    judge = _Steps(read(), data, machine)
    for k in range(steps):
        on_step(f"training step {k + 1}")
        found.extend(judge.step(k, seen["eager"][k], seen["eager"][k + 1]))
    on_step("the training as a whole")
    found.extend(_whole(read(), data, machine, seen["compiled"][1:]))
    return found


class _Steps:
    """A model that takes the engine's steps one by one."""

    def __init__(self, loaded: Loaded, data: Data, machine: str) -> None:
        self._model, self._data, self._machine = loaded.model, data, machine
        self._model.run_eagerly = True
        self._optimizer = self._model.optimizer
        self._optimizer.build(self._model.trainable_variables)
        self._names = _names(loaded)
        self._layers = loaded.layers

    def step(self, k: int, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Finding]:
        """Judge step `k`: what it logs, its gradients, and what these make of weights and slots."""
        self._restore(before)
        logs, gradients = bars.step(self._model, *_batch(self._data, k, self._model), self._machine)
        yield from _logged(logs, after["logs"], k, "training")
        for variable, ours, theirs in zip(self._model.trainable_variables, gradients, after["gradients"], strict=True):
            if ours is None or theirs is None:
                continue
            yield _find(ours, theirs, k, self._names[id(variable)], "gradient of {}")
        self._restore(before)
        weights, slots = bars.update(self._model, after["gradients"], self._machine)
        for kind, variables, found, expected in (
            ("weights", self._model.weights, weights, after["weights"]),
            ("slots", self._optimizer.variables, slots, after["slots"]),
        ):
            if len(found) != len(expected):
                note = f"it keeps {len(expected)} of them, and refkeras {len(found)}"
                yield Finding(stage="training", place="optimizer", call=k, quantity=kind, beyond=1, note=note)
                continue
            for variable, ours, theirs in zip(variables, found, expected, strict=True):
                yield _find(
                    ours, theirs, k, self._names.get(id(variable), ("optimizer", variable.name)), "update of {}"
                )

    def _restore(self, state: dict[str, Any]) -> None:
        """Set weights, slots, and the states of stateful layers to the engine's."""
        for path, states in state["states"].items():
            for variable, value in zip(self._layers[path].states or (), states or (), strict=False):
                variable.assign(value)
        for variables, values in ((self._model.weights, "weights"), (self._optimizer.variables, "slots")):
            if len(variables) == len(state[values]):
                for variable, value in zip(variables, state[values], strict=True):
                    variable.assign(value)


def _whole(loaded: Loaded, data: Data, machine: str, steps: list[dict[str, Any]]) -> Iterator[Finding]:
    """Judge compiled training from its start: every log, and the last weights."""
    model, names = loaded.model, _names(loaded)
    model.optimizer.build(model.trainable_variables)
    with precision.bars(model, machine) as found:
        for k, theirs in enumerate(steps):
            model.reset_metrics()
            logs = model.train_on_batch(*_batch(data, k, model), return_dict=True)
            yield from _logged(logs, theirs["logs"], k, COMPILED)
        weights = found.weights
    for variable, ours, given in zip(model.weights, weights, steps[-1]["weights"], strict=True):
        yield _find(ours, given, len(steps) - 1, names[id(variable)], "{}", COMPILED)


def _logged(ours: dict[str, Any], theirs: dict[str, float], k: int, stage: str) -> Iterator[Finding]:
    for name, value in theirs.items():
        if name in ours:
            mine = ours[name]
            given = np.asarray(value).reshape(getattr(mine, "shape", ()))
            yield find(*bars.compare(mine, given), stage=stage, place=WHOLE, call=k, quantity=name)


def _find(ours: Any, theirs: Any, k: int, name: tuple[str, str], quantity: str, stage: str = "training") -> Finding:
    place, weight = name
    return find(*bars.compare(ours, theirs), stage=stage, place=place, call=k, quantity=quantity.format(weight))


def _batch(data: Data, k: int, model: Any) -> tuple[Any, Any]:
    start, stop = data.batches(k + 1)[k]
    x, y = ([array[start:stop] for array in arrays] for arrays in (data.inputs, data.targets))
    return tree.pack_as(model._inputs_struct, x), tree.pack_as(model._outputs_struct, y)


def _names(loaded: Loaded) -> dict[int, tuple[str, str]]:
    """Return, by the variable's id, the layer that a weight or slot belongs to, and what it is called."""
    found: dict[int, tuple[str, str]] = {}
    for path, layer in loaded.layers.items():
        for variable in layer.weights:
            found[id(variable)] = (path, variable.name)
    optimizer = loaded.model.optimizer
    optimizer.build(loaded.model.trainable_variables)
    for part in optimizer._laid_out().parts:
        place, weight = found[id(part.variable)]
        for holder in part.holders:
            if holder is not None:
                found[id(holder)] = (place, f"{holder.name.rpartition('_')[2]} of {weight}")
    return found
