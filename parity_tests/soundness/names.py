"""What engines compute by another formula, which cancels where refkeras's does not: written out for error bars."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from refkeras.ops import regression_losses
from refkeras.ops.special import erfc
from refkeras.precision import BarArray, exact
from refkeras.precision.rounding import signs

__all__ = ["OTHER_FORMULAS", "OtherFormula", "as_computed", "derivatives_of"]

Array = Any


class OtherFormula(NamedTuple):
    """A backend's own formula for an activation, or for its gradient: of `(x, dy)`, and in words.

    It holds for the activation's default arguments, and for those that it `takes`.
    """

    compute: Callable[..., Array]
    words: str
    takes: tuple[str, ...] = ()


def _one_and_erf(x: Array) -> Array:
    """1 + erf(x / √2), erf rounded as an engine rounds it."""
    return 1.0 + (1.0 - erfc(x * math.sqrt(0.5)))


def _gelu(x: Array, dy: Array) -> Array:
    return 0.5 * x * _one_and_erf(x)


def _d_gelu(x: Array, dy: Array) -> Array:
    density = np.exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))
    return dy * (0.5 * _one_and_erf(x) + x * density)


def _gelu_of_torch(x: Array, dy: Array) -> Array:
    """PyTorch's float32 kernel approximates 1 + erf(x / √2) to 4.9e-7, 0.92e-7 root mean square."""
    return 0.5 * x * (_one_and_erf(x) + _approximation(x, 0.92e-7))


def _d_gelu_of_torch(x: Array, dy: Array) -> Array:
    """Its derivative is approximated to 2.2e-7, 0.47e-7 root mean square."""
    return _d_gelu(x, dy) + dy * _approximation(x, 0.47e-7)


def _approximation(x: Array, rms: float) -> Array:
    """The error of a kernel of float32: measured on 40,000 numbers from −12 to 6, torch 2 on a CPU."""
    rms = rms if x.machine.name == "float32" else 0.0
    return BarArray.made(np.zeros(x.shape), signs(x.shape) * rms, None, x.machine)


def _d_softsign(x: Array, dy: Array) -> Array:
    size = np.abs(x)
    return dy / (1.0 + size) - dy * size / ((1.0 + size) * (1.0 + size))


def _d_celu(x: Array, dy: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, dy, dy * alpha * (np.expm1(np.minimum(x, 0.0) / alpha) + 1.0) / alpha)


def _d_celu_of_torch(x: Array, dy: Array, alpha: float = 1.0) -> Array:
    inverse = exact(1.0, x.machine) / alpha
    return np.where(x > 0, dy, dy * inverse * alpha * np.exp(np.minimum(x, 0.0) * inverse))


def _softplus(x: Array) -> Array:
    """logaddexp(x, 0)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _d_softplus(x: Array, dy: Array) -> Array:
    return dy * np.exp(x - _softplus(x))


def _d_log_sigmoid(x: Array, dy: Array) -> Array:
    return _d_softplus(-x, dy)


def _hard_sigmoid(x: Array, dy: Array) -> Array:
    return np.minimum(np.maximum(x / 6.0 + 0.5, 0.0), 1.0)


def _sixth(x: Array) -> Any:
    """1/6 as a scalar of the dtype of x."""
    return x.dtype.type(1 / 6)


def _hard_sigmoid_by_product(x: Array, dy: Array) -> Array:
    return np.minimum(np.maximum(x + 3.0, 0.0), 6.0) * _sixth(x)


def _d_hard_silu_by_product(x: Array, dy: Array) -> Array:
    inside = np.where((x + 3.0 > 0) & (x + 3.0 < 6), dy * x, 0.0 * dy)
    return dy * _hard_sigmoid_by_product(x, dy) + inside * _sixth(x)


_GELU = OtherFormula(_gelu, "½ x (1 + erf(x / √2)): 1 + erf cancels for x < 0")
_SOFTSIGN = OtherFormula(_d_softsign, "1 / (1 + |x|) − |x| / (1 + |x|)² cancels for large |x|")
_HARD_SIGMOID = OtherFormula(_hard_sigmoid, "x / 6 + ½ cancels near −3, where relu6(x + 3) / 6 does not")
_HARD_SILU = OtherFormula(lambda x, dy: x * _hard_sigmoid(x, dy), "x · (x / 6 + ½), likewise")

#: Where a backend evaluates another formula than TensorFlow, whose order of operations the bars of refkeras are of.
OTHER_FORMULAS = {
    ("torch", "gelu"): OtherFormula(_gelu_of_torch, _GELU.words),
    ("numpy", "gelu"): _GELU,
    ("torch", "gelu gradient"): OtherFormula(_d_gelu_of_torch, "½ (1 + erf(x / √2)) + x φ(x) cancels for x < 0"),
    ("torch", "softsign gradient"): _SOFTSIGN,
    ("jax", "softsign gradient"): _SOFTSIGN,
    ("jax", "celu gradient"): OtherFormula(_d_celu, "1 + expm1(x / α) cancels for x < 0", ("alpha",)),
    ("torch", "celu gradient"): OtherFormula(_d_celu_of_torch, "1 / α is rounded, and times α is not 1", ("alpha",)),
    ("jax", "softplus gradient"): OtherFormula(_d_softplus, "the derivative of logaddexp(x, 0), from its value"),
    ("jax", "log_sigmoid gradient"): OtherFormula(_d_log_sigmoid, "the derivative of logaddexp(−x, 0), from its value"),
    ("numpy", "hard_sigmoid"): _HARD_SIGMOID,
    ("numpy", "hard_silu"): _HARD_SILU,
    ("jax", "hard_sigmoid"): OtherFormula(_hard_sigmoid_by_product, "relu6(x + 3) times a rounded 1/6"),
    ("jax", "hard_silu"): OtherFormula(lambda x, dy: x * _hard_sigmoid_by_product(x, dy), "the same, times x"),
    ("jax", "hard_silu gradient"): OtherFormula(_d_hard_silu_by_product, "divisions by 6 as products, likewise"),
}


def as_computed(backend: str, what: str, ours: Array, x: Array, dy: Array, **arguments: Any) -> Array:
    """Return `ours`, or where the backend evaluates another formula, what that gives, with its error bars.

    `arguments` are those of the activation that are not its defaults. Infinities and NaN stay those of `ours`:
    formulas treat them each in their own way.
    """
    formula = OTHER_FORMULAS.get((backend, what))
    if formula is None or not arguments.keys() <= set(formula.takes):
        return ours
    with np.errstate(all="ignore"):
        found = formula.compute(x, dy, **arguments)
        return np.where(np.isfinite(found) & np.isfinite(x), found, ours)


@contextlib.contextmanager
def derivatives_of(backend: str) -> Iterator[None]:
    """On JAX let the losses take softplus's derivative as it does: log_cosh by way of it rounds more there."""
    if backend != "jax":
        yield
        return
    before = regression_losses.softplus
    regression_losses.softplus = _softplus_and_derivative  # type: ignore[attr-defined]
    try:
        yield
    finally:
        regression_losses.softplus = before  # type: ignore[attr-defined]


def _softplus_and_derivative(x: Array) -> tuple[Array, Callable[[Array], Array]]:
    y = _softplus(x)
    return y, lambda dy: dy * np.exp(np.where(np.isinf(y), np.zeros_like(y), x - y))
