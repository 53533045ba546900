"""Where numbers with error bars are kept, so that views share memory with what they are views of."""

from __future__ import annotations

import numpy as np

from refkeras.precision.rounding import COPIES

__all__ = ["Store", "aligned", "copied"]


class Store:
    """The memory of an array and of all its views: values, and what belongs to each of them.

    Attributes:
        values: a contiguous float64 array, which the views look into.
        deviations: None while all values are exact, else one block as large as `values` for each copy.
        bounds: None where no guarantee was asked for, else as large as `values`.
    """

    __slots__ = ("address", "bounds", "deviations", "values")

    def __init__(self, values: np.ndarray, deviations: np.ndarray | None, bounds: np.ndarray | None) -> None:
        self.values, self.deviations, self.bounds = values, deviations, bounds
        self.address = values.__array_interface__["data"][0]

    def look(self, block: np.ndarray, view: np.ndarray, copies: int = 0) -> np.ndarray:
        """The part of `block` that lies as `view` lies in the values."""
        shape, strides = view.shape, view.strides
        if copies:
            shape, strides = (copies, *shape), (self.values.nbytes, *strides)
        if view.size == 0:
            return np.empty(shape)
        offset = view.__array_interface__["data"][0] - self.address
        return np.ndarray(shape, np.float64, block, offset, strides)  # type: ignore[arg-type]

    def follow(self) -> None:
        """Make room for deviations, which are zero."""
        if self.deviations is None:
            self.deviations = np.zeros(COPIES * self.values.size)


def aligned(deviations: np.ndarray, ndim: int) -> np.ndarray:
    """Give deviations, (COPIES, ...), the axes to broadcast with values of `ndim` axes."""
    missing = ndim + 1 - deviations.ndim
    return deviations.reshape(COPIES, *(1,) * missing, *deviations.shape[1:]) if missing > 0 else deviations


def copied(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else array.copy(order="C")
