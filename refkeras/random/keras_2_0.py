"""The order of rows in Keras 2.0, which NumPy's global generator shuffles (`keras/engine/training.py`, Keras 2.0.4)."""

from __future__ import annotations

import numpy as np

from refkeras.random.order import FitOrder

__all__ = ["Keras20Order"]


class Keras20Order(FitOrder):
    """Each epoch shuffles the order of the last; `"batch"` moves whole batches, and leaves a smaller one at the end.

    Example:
        >>> import numpy as np
        >>> np.random.seed(7)
        >>> Keras20Order(10, 4, True, None).epoch().indices
        array([8, 5, 0, 2, 1, 9, 7, 3, 6, 4])
    """

    _order: np.ndarray | None = None

    def next_order(self) -> np.ndarray | None:
        if not self.shuffle:
            return None
        order = np.arange(self.n) if self._order is None else self._order.copy()
        if self.shuffle == "batch":
            whole = self.n // self.batch_size * self.batch_size
            np.random.shuffle(order[:whole].reshape(-1, self.batch_size))
        else:
            np.random.shuffle(order)
        self._order = order
        return order
