"""Which layers `layer_range` stands for (`keras/src/utils/summary_utils.py`, Keras 3.15)."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["bounds"]


def bounds(layers: list[Any], layer_range: Any = None) -> tuple[int, int]:
    """Return `(start, stop)` of the layers between two names, both included.

    Args:
        layers: layers.
        layer_range: names (or patterns) of the first and of the last; None for all.

    Raises:
        ValueError: anything but two strings, or a name that no layer has.

    Example:

        >>> bounds([], None)
        (0, 0)
    """
    if layer_range is None:
        return 0, len(layers)
    if len(layer_range) != 2:
        raise ValueError(
            "layer_range must be a list or tuple of length 2. Received: "
            f"layer_range = {layer_range} of length {len(layer_range)}"
        )
    if not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"layer_range should contain string type only. Received: {layer_range}")
    start, stop = ([i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range)
    if not start or not stop:
        raise ValueError(
            "Passed layer_names do not match the layer names in the model. "
            f"Received: {layer_range}. The layers are: {', '.join(layer.name for layer in layers)}."
        )
    if min(start) > max(stop):
        return min(stop), max(start) + 1
    return min(start), max(stop) + 1
