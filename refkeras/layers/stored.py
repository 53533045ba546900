"""What a layer writes into a weights file, and how it reads it back."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from refkeras.variable import Variable

__all__ = ["Stored"]


class Stored:
    """The part of `Layer` that saves its own weights; those of layers inside are saved by themselves.

    Source: `keras/src/layers/layer.py`, Keras 3.15.
    """

    name: str
    _own_trainable: list[Variable]
    _own_fixed: list[Variable]

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the weights into `store` under "0", "1", ...; a layer may override this, and `load_own_variables`."""
        for i, variable in enumerate([*self._own_trainable, *self._own_fixed]):
            store[str(i)] = variable.value

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Take the weights from `store`.

        Raises:
            ValueError: their number or a shape differs.
        """
        variables = [*self._own_trainable, *self._own_fixed]
        if len(store.keys()) != len(variables):
            if not variables and not self.built:  # type: ignore[attr-defined]
                raise ValueError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. However the weights "
                    f"file lists {len(store.keys())} variables for this layer. Either the `build()` of the layer that "
                    "holds it does not build it, or it needs a method `build_from_config(self, config)`."
                )
            raise ValueError(
                f"Layer '{self.name}' expected {len(variables)} variables, but received {len(store.keys())} variables "
                f"during loading. Expected: {[variable.name for variable in variables]}"
            )
        for i, variable in enumerate(variables):
            variable.assign(store[str(i)])
