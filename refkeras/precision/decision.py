"""`Decision`: booleans of which some are not certain."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.precision.array import BarArray

__all__ = ["Decision"]


class Decision(np.ndarray):
    """Booleans of which some might have come out otherwise, within the bars of what was compared.

    Attributes:
        near: where; None for nowhere.
    """

    near: np.ndarray | None

    def __array_finalize__(self, parent: Any) -> None:
        self.near = None

    @classmethod
    def of(cls, booleans: np.ndarray, near: np.ndarray) -> np.ndarray:
        """Return `booleans`, as a Decision if any is `near`."""
        if not near.any():
            return booleans
        decision = np.asarray(booleans).view(cls)
        decision.near = np.broadcast_to(near, decision.shape)
        return decision

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, Decision) else x for x in inputs]
        if any(isinstance(x, BarArray) for x in inputs):
            return NotImplemented
        result = getattr(ufunc, method)(*plain, **kwargs)
        if ufunc in _LOGICAL and method == "__call__":
            near = np.zeros(result.shape, bool)
            for x in inputs:
                if isinstance(x, Decision) and x.near is not None:
                    near |= x.near
            return Decision.of(result, near)
        return result


_LOGICAL = {np.bitwise_and, np.bitwise_or, np.invert, np.logical_and, np.logical_or, np.logical_not}
