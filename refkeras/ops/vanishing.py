"""Gradients that vanish on their way back, held away from the smallest numbers there are.

A gradient that goes back through many steps grows smaller with each. Below 2⁻¹²⁶ float32 keeps fewer and fewer digits
("subnormal" numbers), and a processor may take a hundred times as long over each of them
(`python benchmarks/vanishing.py`). TensorFlow and JAX have the processor take them for zeros; NumPy has no such switch.
But the way back is linear: multiplied by a power of two, it is the same to the last digit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Lift"]

_FLOATS = (np.dtype("float32"), np.dtype("float64"))


class Lift:
    """States of a linear recurrence, in place 2ᵏ times what they stand for; k = 0 while they are large enough.

    Example:

        >>> dh = np.float32([2**-60, 0.0, 2**-61])
        >>> lift = Lift(dh)
        >>> lift.raise_()
        >>> print(dh)
        [0.5  0.   0.25]
        >>> print(lift.lower(dh) * 2.0**60)
        [1.  0.  0.5]
    """

    #: What is smaller than this is lifted.
    LEAST = 2.0**-32

    def __init__(self, *states: Any) -> None:
        self._states = states
        self._exponent = 0
        self._plain = all(type(state) is np.ndarray and state.dtype in _FLOATS for state in states)

    def raise_(self) -> None:
        """Bring the largest number of all states to between ½ and 1 if it is small."""
        if not self._plain:
            return
        largest = max(float(np.maximum.reduce(np.abs(state), axis=None, initial=0)) for state in self._states)
        if not 0 < largest < self.LEAST:
            return
        _, exponent = math.frexp(largest)
        for state in self._states:
            np.ldexp(state, -exponent, out=state)
        self._exponent -= exponent

    def lower(self, x: Any) -> Any:
        """What an array that depends on the states linearly stands for, in place."""
        if 0 < self._exponent <= -np.finfo(x.dtype).minexp:
            np.multiply(x, 2.0**-self._exponent, out=x)  # an eighth of ldexp's time
        elif self._exponent:
            np.ldexp(x, -self._exponent, out=x)
        return x
