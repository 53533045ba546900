"""Doing something with a model and leaving no trace of it in the model, nor in what draws random numbers."""

from __future__ import annotations

import contextlib
import copy
import random as python_random
from collections.abc import Iterator
from typing import Any

import numpy as np

from refkeras.layers.states import kept_states
from refkeras.random import family as families
from refkeras.variable import Variable

__all__ = ["preserved", "values_preserved"]


@contextlib.contextmanager
def preserved(model: Any) -> Iterator[None]:
    """Put a model, its optimizer and metrics, and the generators it draws from back at the end.

    Args:
        model: a built or unbuilt model; one that is built meanwhile stays built.
    """
    objects = [(item, _state(item)) for item in _training_objects(model)]
    if model._steps is not None:
        # The operations of a traced step count their runs; those of the trial are counted elsewhere.
        model._steps._programs = copy.deepcopy(model._steps._programs)
    with values_preserved(model):
        try:
            yield
        finally:
            _put_back(objects)


@contextlib.contextmanager
def values_preserved(model: Any) -> Iterator[None]:
    """Put the values of a model's variables, its optimizer's and metrics' too, and the generators back at the end.

    What is built meanwhile, losses and metrics among it, stays built.
    """
    values = [(variable, variable.value.copy()) for variable in _variables(model)]
    generators = [(item, _state(item)) for item in _generators(model)]
    family = families.current()
    drawn = copy.deepcopy(vars(family))
    python_state, numpy_state = python_random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        _put_back(generators)
        for variable, value in values:
            variable.value[...] = value
        vars(family).update(drawn)
        python_random.setstate(python_state)
        np.random.set_state(numpy_state)


def _put_back(objects: list[tuple[Any, dict[str, Any]]]) -> None:
    for item, state in objects:
        item.__dict__.clear()
        item.__dict__.update(state)


def _variables(model: Any) -> list[Variable]:
    found = [*model.variables, *kept_states(model)]
    found += [variable for metric in model.metrics for variable in metric.variables]
    found += getattr(model.optimizer, "variables", None) or []
    return list({id(variable): variable for variable in found}.values())


def _generators(model: Any) -> list[Any]:
    """Return what the layers draw from."""
    found = [
        vars(layer).get(name) for layer in model._flatten_layers() for name in ("seed_generator", "_seed_generator")
    ]
    return [item for item in found if hasattr(item, "__dict__")]


def _training_objects(model: Any) -> list[Any]:
    """Return the objects of training whose attributes a step may set."""
    if model._steps is None:
        return []
    steps, compiled = model._steps, model._compiled
    found = [steps, steps._fit_trace, steps._batch_trace, compiled, compiled.compile_loss, compiled.compile_metrics]
    return [item for item in [*found, model.optimizer] if hasattr(item, "__dict__")]


def _state(item: Any) -> dict[str, Any]:
    """Return an object's attributes; lists and private generators are copied, what they hold is not."""
    state = {}
    for key, value in vars(item).items():
        if type(value) in (list, dict):
            value = copy.copy(value)
        elif isinstance(value, (python_random.Random, np.random.RandomState)):
            value = copy.deepcopy(value)
        state[key] = value
    return state
