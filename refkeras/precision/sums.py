"""Sums of many terms, whose rounding errors depend on the order an engine adds in, which is not known.

The model is the plain loop: s₁ = t₁, sₖ = sₖ₋₁ + tₖ, each rounded. The variance of its error is Σₖ (u sₖ)²,
a third of that for errors spread evenly, times the mean square of a number's place in its binade. Terms of
random sign make sₖ² about Σ_{j≤k} tⱼ², on average half of Σ tⱼ²; terms of one sign make it (k/n)² s², on
average a third of it. Both together:

    σ² = u² / 3 · 3 / (8 ln 2) · (n − 1) (½ Σ tⱼ² + ⅓ s²)

Terms that are equal meet much the same rounding errors while the sum stays in its binade: those of m of them add up
to m times one rather than √m times. So σ is that of unequal terms, times the root of the mean over the terms of how
often each is there. (The terms of an inner product are equal where both factors are: it is taken for the smaller of the
two means, of a row and of a column.)

Kernels that keep several running sums, or add by halves, are more accurate, by up to the square root of the
number of sums. The bound is that of every order, γₙ Σ |tⱼ| with γₙ = n u / (1 − n u) (Higham, "Accuracy and
Stability of Numerical Algorithms", 2nd edition, section 4.2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras.precision import edges
from refkeras.precision.array import BarArray, parts_of
from refkeras.precision.machine import Machine
from refkeras.precision.rounding import BINADE, COPIES, LARGEST, power_below, signs
from refkeras.precision.ufuncs import Operand, finish

__all__ = ["accumulate", "extremum", "matmul", "reduce"]

Array = np.ndarray


def reduce(machine: Machine, ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    """`ufunc.reduce(x, axis=0, keepdims=False)` for add, maximum and minimum.

    Raises:
        TypeError: another function or argument.
    """
    (x, *positional) = inputs
    axis = positional[0] if positional else kwargs.pop("axis", 0)
    keepdims = kwargs.pop("keepdims", False)
    dtype = kwargs.pop("dtype", None)
    if kwargs or len(positional) > 1 or ufunc not in (np.add, np.maximum, np.minimum):
        raise TypeError(f"numpy.{ufunc.__name__}.reduce with {sorted(kwargs)} is not known to numbers with bars.")
    if dtype is not None and np.dtype(dtype) != machine.dtype:
        raise TypeError(f"A sum in {dtype} of numbers with the bars of {machine.name}; expected {machine.dtype}.")
    axes = _axes(axis, x.ndim)
    if ufunc is not np.add:
        return extremum(machine, ufunc, x, axes, keepdims)
    value, deviations, bound = parts_of(x, machine)
    y = np.asarray(np.add.reduce(value, axis=axes, keepdims=keepdims))
    n = math.prod(value.shape[a] for a in axes)
    exactly = deviations is None and _counts(value)
    if deviations is not None:
        deviations = np.add.reduce(deviations, axis=tuple(a + 1 for a in axes), keepdims=keepdims)
    sigma = np.zeros(())
    if not exactly and n > 1:
        scale = _scale(machine, value, axes)
        squares = np.add.reduce((value / scale) ** 2, axis=axes, keepdims=True)
        norm = (scale * np.sqrt(squares)).reshape(y.shape)
        sigma = _rounding(machine, n - 1, norm, y)
        if n > 2:
            sigma = sigma * np.sqrt(_repetitions(value, axes)).reshape(y.shape)
    if bound is not None:
        sizes = np.add.reduce(np.abs(value) + bound, axis=axes, keepdims=keepdims)
        bound = np.add.reduce(bound, axis=axes, keepdims=keepdims) + (0 if exactly else _gamma(machine, n) * sizes)
    return _with_noise(machine, y, deviations, sigma, bound, out)


def matmul(machine: Machine, a: Any, b: Any, out: Any) -> BarArray:
    """a @ b, for operands of two axes or more.

    Raises:
        TypeError: a vector.
    """
    x, y = Operand(a, machine), Operand(b, machine)
    A, B = np.asarray(x.value, np.float64), np.asarray(y.value, np.float64)
    if A.ndim < 2 or B.ndim < 2:
        raise TypeError(f"numpy.matmul of shapes {A.shape} and {B.shape}: numbers with bars need two axes or more.")
    x.deviations, y.deviations = _rounded_input(machine, A, x.deviations), _rounded_input(machine, B, y.deviations)
    value = A @ B
    deviations = None
    if x.deviations is not None:
        deviations = _copies_left(x.deviations, B, value.ndim)
    if y.deviations is not None:
        part = _copies_right(A, y.deviations, value.ndim)
        deviations = part if deviations is None else np.add(deviations, part, out=deviations)
    if deviations is not None:
        deviations = _with_unknown(deviations, A, B, edges.lost(x), edges.lost(y))
    terms = np.float64(A.shape[-1])
    if x.exact or y.exact:
        terms = _terms(A, B)
    of_a, of_b = _scale(machine, A, -1), _scale(machine, B, -2)
    norm = of_a * np.sqrt(((A / of_a) ** 2) @ ((B / of_b) ** 2)) * of_b
    sigma = _rounding(machine, np.maximum(terms - 1, 0), norm, value, products=1 / np.maximum(terms, 1))
    if A.shape[-1] > 2:
        sigma = sigma * np.sqrt(_repeated_products(A, B))
    bound = None
    if x.bound is not None or y.bound is not None:
        bound = _matmul_bound(machine, A, B, x, y)
    return _with_noise(machine, value, deviations, sigma, bound, out)


_SHARE = BINADE / 3


def _repetitions(value: Array, axes: tuple[int, ...]) -> Array:
    """Return for each sum the mean over its terms of how often a term is there; of zeros, which add no error, 1."""
    rows = np.moveaxis(value, axes, range(-len(axes), 0)).reshape(-1, math.prod(value.shape[a] for a in axes))
    ordered = np.sort(rows, axis=1)
    starts = np.ones(ordered.shape, bool)
    starts[:, 1:] = (ordered[:, 1:] != ordered[:, :-1]) | (ordered[:, 1:] == 0)
    if starts.all():
        return np.ones(len(rows))
    runs = np.cumsum(starts.reshape(-1)) - 1
    return np.bincount(runs)[runs].reshape(rows.shape).mean(axis=1)


def _repetitions_so_far(value: Array, axis: int) -> Array:
    """The same of each running sum: the n-th of equal terms adds n² − (n − 1)² to the sum of the counts."""
    terms = np.moveaxis(value, axis, -1)
    order = np.argsort(terms, axis=-1, kind="stable")
    ordered = np.take_along_axis(terms, order, -1)
    again = np.zeros(ordered.shape, bool)
    again[..., 1:] = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] != 0)
    if not again.any():
        return np.ones(())
    places = np.broadcast_to(np.arange(terms.shape[-1]), terms.shape)
    begun = np.maximum.accumulate(np.where(again, 0, places), axis=-1)
    counts = np.empty(terms.shape)
    np.put_along_axis(counts, order, 2.0 * (places - begun) + 1, -1)
    found = np.cumsum(counts, axis=-1) / (places + 1)
    found[..., :2] = 1.0  # of one addition
    return np.moveaxis(found, -1, axis)


def _repeated_products(A: Array, B: Array) -> Any:
    """Return about how often a term of each inner product of A @ B is there; the larger is not asked if it need not."""

    def of_rows() -> Array:
        return _repetitions(A, (A.ndim - 1,)).reshape(*A.shape[:-1], 1)

    def of_columns() -> Array:
        return _repetitions(B, (B.ndim - 2,)).reshape(*B.shape[:-2], 1, B.shape[-1])

    first, second = (of_rows, of_columns) if A.size <= B.size else (of_columns, of_rows)
    found = first()
    return np.minimum(found, second()) if np.any(found > 1) else 1.0


def _rounding(machine: Machine, additions: Any, norm: Array, total: Array, products: Any = 0) -> Array:
    """σ of a sum of terms whose root of the sum of squares is `norm`; of the terms' own rounding, `products` of it."""
    size = np.hypot(norm * np.sqrt(additions / 2 + products), total * np.sqrt(additions / 3))
    return np.asarray(machine.accumulation * math.sqrt(_SHARE) * size)


def _scale(machine: Machine, values: Array, axes: Any) -> Any:
    """Powers of two about as large as the largest of the terms: in float64, the squares of some would be 0 or ∞."""
    if machine.dtype != "float64":
        return 1.0
    scale = power_below(np.maximum.reduce(np.abs(values), axis=axes, keepdims=True, initial=0.0))
    return np.where((scale > 0) & np.isfinite(scale), scale, 1.0)


def _gamma(machine: Machine, n: int) -> float:
    nu = n * machine.accumulation
    return nu / (1 - nu) if nu < 1 else math.inf


def _with_noise(machine: Machine, y: Array, deviations: Array | None, sigma: Array, bound: Any, out: Any) -> Any:
    if np.any(sigma):
        if not np.isfinite(sigma).all():  # a sum of infinities or NaN has no rounding error
            sigma = np.where(np.isfinite(sigma), sigma, 0.0)
        noise = signs(y.shape) * sigma
        deviations = noise if deviations is None else deviations + noise
    # Where sums are kept with more digits than results are stored with, storing rounds once more.
    stores = machine.storage > machine.accumulation
    rms, largest = (3.0**-0.5, 1.0) if stores else (0.0, 0.0)
    return finish(machine, y, deviations, rms, bound, largest, out)


def _counts(value: Array) -> bool:
    """Whether all are integers whose sums stay within what float32, or float16, holds exactly."""
    if value.dtype.kind in "iub":
        return True
    return bool(np.all(value == np.rint(value)) and np.sum(np.abs(value)) <= 2048)


def _terms(A: Array, B: Array) -> Any:
    """How many terms of each inner product are not zero."""
    if A.all() and B.all():
        return np.float64(A.shape[-1])
    return (A != 0).astype(np.float64) @ (B != 0).astype(np.float64)


def _rounded_input(machine: Machine, values: Array, deviations: Array | None) -> Array | None:
    """Round the inputs of a product, where the machine keeps fewer digits of them."""
    if machine.products <= machine.storage:
        return deviations
    from refkeras.precision.machine import round_to

    size = machine.products * power_below(values) / math.sqrt(3)
    if deviations is None:
        size = size * (round_to(values, machine.products) != values)
    noise = signs(values.shape) * size
    return noise if deviations is None else deviations + noise


def _copies_left(D: Array, B: Array, ndim: int) -> Array:
    """Each copy of the left operand times B."""
    if D.ndim == 3 and B.ndim == 2:
        _, m, k = D.shape
        return (D.reshape(COPIES * m, k) @ B).reshape(COPIES, m, B.shape[-1])
    return np.matmul(D.reshape(COPIES, *(1,) * (ndim + 1 - D.ndim), *D.shape[1:]), B)


def _copies_right(A: Array, D: Array, ndim: int) -> Array:
    """A times each copy of the right operand; side by side, as one product, where both are matrices."""
    if D.ndim == 3 and A.ndim == 2:
        _, k, n = D.shape
        if n < 64:
            side_by_side = np.ascontiguousarray(D.transpose(1, 0, 2)).reshape(k, COPIES * n)
            return np.ascontiguousarray((A @ side_by_side).reshape(len(A), COPIES, n).transpose(1, 0, 2))
    return np.matmul(A, D.reshape(COPIES, *(1,) * (ndim + 1 - D.ndim), *D.shape[1:]))


def _with_unknown(deviations: Array, A: Array, B: Array, of_a: Array | None, of_b: Array | None) -> Array:
    """A sum of which one factor may be infinite may be NaN, whatever the other factor is."""
    for unknown in (
        None if of_a is None else of_a @ np.ones(B.shape),
        None if of_b is None else np.ones(A.shape) @ of_b,
    ):
        if unknown is not None:
            deviations = deviations + signs(unknown.shape) * np.where(unknown > 0, LARGEST, 0.0)
    return deviations


def _matmul_bound(machine: Machine, A: Array, B: Array, x: Operand, y: Operand) -> Array:
    size_a, size_b = np.abs(A), np.abs(B)
    worst_a, worst_b = np.broadcast_to(x.worst(), A.shape), np.broadcast_to(y.worst(), B.shape)
    if machine.products > machine.storage:
        worst_a = worst_a + machine.products * (size_a + worst_a)
        worst_b = worst_b + machine.products * (size_b + worst_b)
    reach = size_a @ worst_b + worst_a @ size_b + worst_a @ worst_b
    return reach + _gamma(machine, A.shape[-1]) * ((size_a + worst_a) @ (size_b + worst_b))


def accumulate(machine: Machine, x: BarArray, axis: int = 0) -> BarArray:
    """Running sums along an axis."""
    value, deviations, bound = parts_of(x, machine)
    axis %= value.ndim
    y = np.cumsum(value, axis=axis)
    steps = np.arange(value.shape[axis]).reshape([-1 if a == axis else 1 for a in range(value.ndim)])
    scale = _scale(machine, value, axis)
    sigma = _rounding(machine, steps, scale * np.sqrt(np.cumsum((value / scale) ** 2, axis=axis)), y)
    sigma = sigma * np.sqrt(_repetitions_so_far(value, axis))
    if deviations is not None:
        deviations = np.cumsum(deviations, axis=axis + 1)
    if bound is not None:
        sizes = np.cumsum(np.abs(value) + bound, axis=axis)
        bound = np.cumsum(bound, axis=axis) + _gamma(machine, value.shape[axis]) * sizes
    return _with_noise(machine, y, deviations, sigma, bound, None)


def extremum(machine: Machine, ufunc: np.ufunc, x: BarArray, axes: tuple[int, ...], keepdims: bool) -> BarArray:
    """The largest or smallest number along axes, with the error of the one that it is."""
    value, deviations, bound = parts_of(x, machine)
    y = np.asarray(ufunc.reduce(value, axis=axes, keepdims=True))
    if deviations is not None:
        chosen = value == y
        several = np.add.reduce(chosen, axis=axes, keepdims=True)
        part = np.where(chosen, deviations, 0) / np.maximum(several, 1)
        part = np.add.reduce(part, axis=tuple(a + 1 for a in axes), keepdims=True)
        contenders = edges.near(Operand(x, machine), Operand(y, machine)) & ~chosen
        edges.count(contenders.any(axis=axes))
        deviations = part
    if bound is not None:
        bound = np.maximum.reduce(bound, axis=axes, keepdims=True)
    result = finish(machine, y, deviations, 0.0, bound, 0.0, None)
    return result if keepdims else result.reshape([s for a, s in enumerate(y.shape) if a not in axes])


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
