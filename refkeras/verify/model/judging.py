"""Lay what an engine gave beside refkeras's numbers with error bars.

Every layer is fed with the engine's own input and weights, so that a
disagreement stands where it arises. Then the whole model, from its own inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refkeras import tree
from refkeras.verify.engines import Result
from refkeras.verify.model import bars
from refkeras.verify.model.data import Data
from refkeras.verify.model.findings import Finding, find
from refkeras.verify.model.loading import Loaded

__all__ = ["judge", "unpack"]

OnStep = Callable[[str], None]


def judge(loaded: Loaded, result: Result, data: Data, machine: str, on_step: OnStep) -> list[Finding]:
    """Return the findings on one engine, in the order in which a mistake spreads.

    Args:
        loaded: the model, under the semantics in force; it ends up with the engine's weights.
        result: what the engine's process sent back.
        data: what went in.
        machine: the arithmetic that the engine is held to.
        on_step: called with what is being judged.
    """
    judge = _Judge(loaded, result, data, machine)
    found = list(judge.weights())
    for entry in judge.calls():
        on_step(entry["layer"])
        found.extend(judge.call(entry))
    if loaded.model is not None:
        on_step("end to end")
        found.extend(judge.outputs())
    return found


class _Judge:
    def __init__(self, loaded: Loaded, result: Result, data: Data, machine: str) -> None:
        self._loaded, self._data, self._machine = loaded, data, machine
        self._seen, self._arrays = result.seen, result.arrays
        self._counts: dict[str, int] = {}

    def _unpack(self, structure: Any) -> Any:
        return unpack(structure, self._arrays)

    # -- weights ----------------------------------------------------------------------

    def weights(self) -> Iterator[Finding]:
        """Compare what the engine read from the file with what refkeras read, and go on with the engine's."""
        for path, packed in self._seen["weights"].items():
            layer, theirs = self._loaded.layers.get(path), self._unpack(packed)
            if layer is None:
                continue
            if self._loaded.model is not None:
                ours = layer.get_weights()
                for i, (mine, given) in enumerate(zip(ours, theirs, strict=True)):
                    found = _exactly(
                        mine, given, self._machine, place=path, quantity=f"{_weight_name(layer, i)} as read"
                    )
                    if not found.agrees:
                        yield found
                layer.set_weights(theirs)

    # -- layer by layer ---------------------------------------------------------------

    def calls(self) -> list[dict[str, Any]]:
        return [entry for entry in self._seen["calls"] if entry["layer"] in self._loaded.layers]

    def call(self, entry: dict[str, Any]) -> Iterator[Finding]:
        """Judge one call of a layer, on the engine's own input."""
        path = entry["layer"]
        layer = self._loaded.layers[path]
        args, kwargs, states = (self._unpack(entry[key]) for key in ("args", "kwargs", "states"))
        number = self._counts[path] = self._counts.get(path, -1) + 1
        where = {"stage": "layer", "place": path, "call": number}
        if self._loaded.model is None:
            bars.make(layer, args, kwargs, self._unpack(self._seen["weights"][path]))
        outputs = bars.call(layer, args, kwargs, states, self._machine)
        theirs = tree.flatten(self._unpack(entry["outputs"]))
        names = _output_names(layer, len(theirs))
        recurrent = hasattr(layer, "cell")
        for name, ours, given in zip(names, outputs, theirs, strict=True):
            in_time = recurrent and name == "output" and layer.return_sequences
            yield self._find(ours, given, time_axis=1 if in_time else None, quantity=name, **where)
        if "steps" in entry:
            with bars.every_step(layer):
                (ours,) = bars.call(layer, args, kwargs, states, self._machine)
            yield self._find(ours, self._unpack(entry["steps"]), time_axis=1, quantity="output at each step", **where)

    def _find(self, ours: Any, theirs: np.ndarray, **where: Any) -> Finding:
        return find(*bars.compare(ours, theirs), **where)

    # -- end to end -------------------------------------------------------------------

    def outputs(self) -> Iterator[Finding]:
        """Judge the model's outputs for its own inputs, as the engine's compiled `predict` gives them."""
        ours = bars.run(self._loaded.model, self._data.inputs, self._machine)
        theirs = tree.flatten(self._unpack(self._seen["outputs"]))
        for name, mine, given in zip(self._loaded.outputs, ours, theirs, strict=True):
            yield self._find(mine, given, stage="end to end", place=name, quantity="output")


def unpack(structure: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Put the arrays that a structure names in their places."""
    if isinstance(structure, dict) and set(structure) == {"array"}:
        return arrays[structure["array"]]
    if isinstance(structure, dict):
        return {key: unpack(value, arrays) for key, value in structure.items()}
    return [unpack(item, arrays) for item in structure] if isinstance(structure, list) else structure


def _exactly(ours: np.ndarray, theirs: np.ndarray, machine: str, **where: Any) -> Finding:
    """Compare numbers that must be the same: those of the file, rounded to what the engine stores."""
    ours = bars.rounded(ours, machine)
    if ours.shape != theirs.shape:
        return Finding(
            stage="weights", beyond=theirs.size, shape=theirs.shape, note=f"shape {ours.shape} here", **where
        )
    apart = np.abs(ours - theirs.astype("float64"))
    sigmas = np.where(apart > 0, np.inf, 0.0)
    ulps = apart / np.spacing(np.abs(theirs))
    return find(ours, np.zeros_like(ours), theirs, sigmas, ulps, stage="weights", **where)


def _weight_name(layer: Any, index: int) -> str:
    weights = layer.weights
    return weights[index].name if index < len(weights) else f"weight {index}"


def _output_names(layer: Any, count: int) -> list[str]:
    if count == 1:
        return ["output"]
    if hasattr(layer, "cell") and count == 3:
        return ["output", "h", "c"]
    return [f"output {i}" for i in range(count)]
