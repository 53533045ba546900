"""An optimizer's step where weights are known by their positions, as Keras's training on JAX knows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refkeras.variable import Variable

__all__ = ["apply_by_position"]


def apply_by_position(optimizer: Any, gradients: Sequence[Any], variables: Sequence[Variable]) -> None:
    """Update `variables` in the places of those that the optimizer was built with.

    Those are the same ones unless layers were frozen or thawed since. If as many of the same shapes take their places,
    they are updated with the momentums and averages that belong to the others, as in Keras.

    Args:
        optimizer: the optimizer, which is built with these variables if it is not built.
        gradients: an array for each variable.
        variables: the weights that are trainable now.

    Raises:
        ValueError: their number or their shapes are not those that the optimizer was built with.

    Source: `BaseOptimizer.stateless_apply`, `keras/src/optimizers/base_optimizer.py`, Keras 3.15.
    """
    if not optimizer.built:
        optimizer.build(variables)
    known = optimizer._trainable_variables
    if len(known) == len(variables) and all(a is b for a, b in zip(known, variables, strict=True)):
        optimizer.apply(gradients, variables)
        return
    shapes = [[tuple(v.shape) for v in side] for side in (known, variables)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"The optimizer was built with {len(known)} trainable weights of the shapes {shapes[0]}; now there are "
            f"{len(variables)} of the shapes {shapes[1]}. After layers came or went, or `trainable` "
            "has changed, compile() the model again."
        )
    kept = [np.copy(v.value) for v in known]
    for place, variable in zip(known, variables, strict=True):
        place.assign(variable.value)
    optimizer.apply(gradients, known)
    moved = [np.copy(v.value) for v in known]
    for place, value in zip(known, kept, strict=True):
        place.assign(value)
    for variable, value in zip(variables, moved, strict=True):
        variable.assign(value)
