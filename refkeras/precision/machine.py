"""What a floating-point machine rounds, and by how much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["MACHINES", "Machine", "Ulps", "machine"]


class Ulps(NamedTuple):
    """The error of a kernel in units in the last place of its result: root mean square, and largest."""

    rms: float
    largest: float


@dataclass(frozen=True)
class Machine:
    """A machine that evaluates a formula in floating point.

    A correctly rounded result is within half a unit in the last place, which is `storage` times the power
    of two at or below it. The allowances are in such units, and cover the worst of the CPU kernels that
    `python benchmarks/kernel_errors.py` measures (root mean square / largest, in ulp of float32):

        exp      NumPy 0.58 / 2.3, TensorFlow 0.43 / 1.3, jax 0.32 / 1.0, torch 0.29 / 0.6; as a part of
                 TensorFlow's sigmoid kernel 1.22 / 5.6, which is why it has more here
        expm1    jax 1.03 / 5.5, TensorFlow 0.80 / 4.3       log      TensorFlow 0.59 / 3.1, NumPy 0.56 / 3.2
        log1p    TensorFlow 0.69 / 3.5                       tanh     jax 1.12 / 4.4, TensorFlow 0.70 / 4.5
        sqrt     torch 0.34 / 0.75, else 0.29 / 0.50         power    TensorFlow 0.41 / 1.2
        sin, cos TensorFlow 0.38 / 1.4                       erfc     jax 1.67 / 10.4, TensorFlow 0.80 / 7.5
        divide   0.29 / 0.50 alone; a kernel may multiply by the reciprocal, which rounds twice
        reciprocal  TensorFlow 0.50 / 2.65 on an AMD EPYC, where that of 1 is 1 - 2⁻²⁴ (an approximation by the
                 processor, refined once); else 0.29 / 0.50

    Attributes:
        name: its name.
        dtype: the NumPy dtype that its arrays report; constants take it, as an engine's would.
        storage: unit roundoff of what an operation returns, 2⁻²⁴ in float32.
        accumulation: unit roundoff of the running sums of matrix products and reductions.
        products: unit roundoff that the inputs of matrix products are rounded to; `storage` where they are not.
        smallest: the smallest normal number.
        subnormal: the spacing of the numbers below it; 0 where they may be flushed to zero.
        exp, ..., divide: allowances.

        >>> machine("float32").storage == 2.0**-24
        True
    """

    name: str
    dtype: str
    storage: float
    accumulation: float
    products: float
    smallest: float
    exp: Ulps = Ulps(1.2, 5.7)
    expm1: Ulps = Ulps(1.05, 5.6)
    log: Ulps = Ulps(0.6, 3.3)
    log1p: Ulps = Ulps(0.7, 3.7)
    tanh: Ulps = Ulps(1.15, 4.7)
    sqrt: Ulps = Ulps(0.35, 0.8)
    power: Ulps = Ulps(0.45, 1.4)
    sin: Ulps = Ulps(0.4, 1.5)
    cos: Ulps = Ulps(0.4, 1.5)
    divide: Ulps = Ulps(0.41, 1.5)
    reciprocal: Ulps = Ulps(0.55, 2.8)
    subnormal: float = 0.0

    @cached_property
    def overflow(self) -> float:
        """What is no smaller rounds to infinity: the largest number and half a unit in its last place.

        >>> machine("float16").overflow
        65520.0
        """
        if self.dtype == "float64":  # in which the values are computed themselves
            return float("inf")
        return float(2.0 ** (np.finfo(self.dtype).maxexp - 1) * (2 - self.storage))

    @property
    def least_exp(self) -> float:
        """Exponentials below it may be flushed to zero: TensorFlow's softmax computes half of one first."""
        return self.smallest if self.subnormal else 2 * self.smallest

    def round(self, array: np.ndarray) -> np.ndarray:
        """Return float64 numbers rounded to what the machine stores, as float64."""
        if self.storage == 2.0**-53:
            return array
        if self.storage > np.finfo(self.dtype).eps / 2:  # fewer digits than the dtype that carries them
            return round_to(array, self.storage)
        with np.errstate(over="ignore"):
            return array.astype(self.dtype).astype(np.float64)


def round_to(array: np.ndarray, unit: float) -> np.ndarray:
    """Round float64 numbers to the precision of unit roundoff `unit`, ties to even, exponents unlimited."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.rint(mantissa / unit) * unit, exponent)


_FLOAT32 = Machine("float32", "float32", 2.0**-24, 2.0**-24, 2.0**-24, 2.0**-126)

MACHINES = {
    "float32": _FLOAT32,
    # A float64 reference rounds as often as a float64 engine does, so that they differ by two such errors.
    "float64": Machine("float64", "float64", 2.0**-53, 2.0**-53, 2.0**-53, 2.0**-1022),
    # Inputs of matrix products have 10 bits after the point, sums float32's (NVIDIA A100 architecture white paper).
    "tf32": replace(_FLOAT32, name="tf32", products=2.0**-11),
    # Everything is stored with 7 bits after the point, and summed in float32 (Intel, "BFLOAT16 - Hardware
    # Numerics Definition", 2018); float32 carries it, since NumPy has no such type.
    "bfloat16": replace(_FLOAT32, name="bfloat16", storage=2.0**-8, products=2.0**-8),
    # IEEE 754 binary16, summed in float32; its numbers below the smallest normal one are normal in float32, in which
    # CPUs compute, and are kept.
    "float16": Machine("float16", "float16", 2.0**-11, 2.0**-24, 2.0**-11, 2.0**-14, subnormal=2.0**-24),
}


def machine(name: str | Machine) -> Machine:
    """Return the machine of that name: float64, float32, tf32, bfloat16 or float16.

    Raises:
        ValueError: another name.

        >>> machine("tf32").products == 2.0**-11
        True
    """
    if isinstance(name, Machine):
        return name
    if name not in MACHINES:
        raise ValueError(f"machine={name!r} is unknown; expected one of {', '.join(sorted(MACHINES))}, or a Machine.")
    return MACHINES[name]
