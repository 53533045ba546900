"""The NumPy functions that are no ufuncs: they move, join and choose numbers, and make buffers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkeras.precision import edges, sums
from refkeras.precision.array import BarArray, exact, parts_of
from refkeras.precision.decision import Decision
from refkeras.precision.machine import Machine
from refkeras.precision.rounding import COPIES, LARGEST, signs
from refkeras.precision.store import aligned
from refkeras.precision.ufuncs import Operand

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def _implements(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[function] = implementation
        return implementation

    return register


def _first(items: Sequence[Any]) -> BarArray:
    return next(item for item in items if isinstance(item, BarArray))


def _guaranteed(*items: Any) -> bool:
    return any(isinstance(item, BarArray) and item.bound is not None for item in items)


def _moved(x: BarArray, move: Callable[[np.ndarray], np.ndarray], copies: Callable[[np.ndarray], np.ndarray]) -> Any:
    return x._rearranged(lambda a, lead: copies(a) if lead else move(a))


# -- buffers ---------------------------------------------------------------------------------


def _like(fill: float | None) -> Callable[..., Any]:
    def make(x: BarArray, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Any:
        shape = x.shape if shape is None else (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        if dtype is not None and np.dtype(dtype).kind != "f":
            return np.full(shape, fill or 0, dtype)
        # A buffer that nothing has been written to holds exact numbers, whatever they are.
        return exact(np.full(shape, fill or 0.0), x.machine, _guaranteed(x))

    return make


FUNCTIONS[np.empty_like] = FUNCTIONS[np.zeros_like] = _like(None)
FUNCTIONS[np.ones_like] = _like(1.0)


@_implements(np.full_like)
def _full_like(x: BarArray, fill_value: Any, shape: Any = None, **_: Any) -> BarArray:
    made = _like(None)(x, shape=shape)
    made[...] = fill_value
    return made


@_implements(np.copy)
def _copy(x: BarArray, order: str = "K", subok: bool = False) -> BarArray:
    return x.copy()


@_implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, BarArray):
        raise TypeError("numpy.copyto would write numbers with error bars into a plain array.")
    dst[...] = src if where is True else _where(where, src, dst)


# -- choosing --------------------------------------------------------------------------------


@_implements(np.where)
def _where(condition: Any, x: Any, y: Any) -> BarArray:
    if isinstance(condition, BarArray):
        condition = condition.value != 0
    near = condition.near if isinstance(condition, Decision) else None
    chosen = np.asarray(condition).view(np.ndarray)
    bars = _first((x, y))
    machine = bars.machine
    a, b = Operand(x, machine), Operand(y, machine)
    value = np.where(chosen, a.value, b.value).astype(np.float64)
    deviations = bound = None
    if not (a.exact and b.exact):
        parts = [0.0 if o.deviations is None else aligned(o.deviations, value.ndim) for o in (a, b)]
        deviations = np.where(chosen, *parts)
        deviations = np.broadcast_to(deviations, (COPIES, *value.shape))
    if _guaranteed(x, y):
        bound = np.where(chosen, a.worst(), b.worst())
    if near is not None:
        # It might be the other one: the difference is as good as a rounding error, and an infinite one very large.
        with np.errstate(invalid="ignore"):
            gap = np.where(near, np.minimum(np.abs(a.value - b.value), LARGEST), 0.0)
        noise = signs(value.shape) * gap
        deviations = noise if deviations is None else deviations + noise
        bound = None if bound is None else bound + gap
    return BarArray.made(value, deviations, bound, machine)


@_implements(np.clip)
def _clip(x: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **_: Any) -> Any:
    y = x if a_min is None else np.maximum(x, a_min)
    y = y if a_max is None else np.minimum(y, a_max)
    if out is None:
        return y
    out[...] = y
    return out


@_implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@_implements(np.round)
def _round(x: BarArray, decimals: int = 0, **_: Any) -> BarArray:
    if decimals:
        raise TypeError(f"numpy.round to {decimals} decimals is not known to arrays with error bars.")
    tie = np.floor(x.value) + 0.5
    edges.count(edges.near(Operand(x, x.machine), Operand(tie, x.machine)))
    return BarArray.made(np.rint(x.value), None, x.bound, x.machine)


@_implements(np.argmax)
def _argmax(x: BarArray, axis: int | None = None) -> Any:
    top = np.max(x.value, axis=axis, keepdims=True)
    place = np.argmax(x.value, axis=axis)
    contenders = edges.near(Operand(x, x.machine), Operand(top, x.machine)) & (x.value != top)
    edges.count(contenders.any(axis=axis))
    return place


@_implements(np.argsort)
def _argsort(x: BarArray, axis: int = -1, kind: Any = None, **_: Any) -> Any:
    return np.argsort(x.value, axis=axis, kind=kind)


@_implements(np.count_nonzero)
def _count_nonzero(x: BarArray, axis: Any = None) -> Any:
    return np.count_nonzero(x.value, axis=axis)


# -- moving ----------------------------------------------------------------------------------


@_implements(np.reshape)
def _reshape(x: BarArray, shape: Any, **_: Any) -> BarArray:
    return x.reshape(shape)


@_implements(np.transpose)
def _transpose(x: BarArray, axes: Any = None) -> BarArray:
    return x.transpose(axes) if axes is not None else x.T


@_implements(np.moveaxis)
def _moveaxis(x: BarArray, source: Any, destination: Any) -> BarArray:
    return x._of(np.moveaxis(x.value, source, destination))


@_implements(np.swapaxes)
def _swapaxes(x: BarArray, a: int, b: int) -> BarArray:
    return x._of(np.swapaxes(x.value, a, b))


@_implements(np.expand_dims)
def _expand_dims(x: BarArray, axis: Any) -> BarArray:
    return x._of(np.expand_dims(x.value, axis))


@_implements(np.squeeze)
def _squeeze(x: BarArray, axis: Any = None) -> BarArray:
    return x._of(np.squeeze(x.value, axis))


@_implements(np.broadcast_to)
def _broadcast_to(x: BarArray, shape: Any, subok: bool = False) -> BarArray:
    return x._of(np.broadcast_to(x.value, shape))


@_implements(np.flip)
def _flip(x: BarArray, axis: Any = None) -> BarArray:
    return x._of(np.flip(x.value, axis))


@_implements(np.repeat)
def _repeat(x: BarArray, repeats: Any, axis: int) -> BarArray:
    axis %= x.ndim
    return _moved(x, lambda a: np.repeat(a, repeats, axis), lambda a: np.repeat(a, repeats, axis + 1))


@_implements(np.take)
def _take(x: BarArray, indices: Any, axis: int, out: Any = None, mode: Any = "raise") -> BarArray:
    axis %= x.ndim
    taken = _moved(
        x, lambda a: np.take(a, indices, axis, mode=mode), lambda a: np.take(a, indices, axis + 1, mode=mode)
    )
    if out is None:
        return taken
    out[...] = taken
    return out


@_implements(np.take_along_axis)
def _take_along_axis(x: BarArray, indices: Any, axis: int) -> BarArray:
    axis %= x.ndim
    return _moved(
        x,
        lambda a: np.take_along_axis(a, indices, axis),
        lambda a: np.take_along_axis(a, np.broadcast_to(indices, (COPIES, *indices.shape)), axis + 1),
    )


@_implements(np.put_along_axis)
def _put_along_axis(x: BarArray, indices: Any, values: Any, axis: int) -> None:
    place = list(np.ix_(*(np.arange(size) for size in indices.shape)))
    place[axis] = indices
    x[tuple(place)] = values


@_implements(np.concatenate)
def _concatenate(xs: Sequence[Any], axis: int = 0) -> BarArray:
    machine: Machine = _first(xs).machine
    parts = [parts_of(x, machine) for x in xs]
    axis %= np.ndim(parts[0][0])
    value = np.concatenate([value for value, _, _ in parts], axis)
    deviations = bound = None
    if any(d is not None for _, d, _ in parts):
        blocks = [np.zeros((COPIES, *value.shape)) if d is None else d for value, d, _ in parts]
        deviations = np.concatenate(blocks, axis + 1)
    if _guaranteed(*xs):
        bound = np.concatenate([np.zeros(value.shape) if b is None else b for value, _, b in parts], axis)
    return BarArray.made(value, deviations, bound, machine)


@_implements(np.stack)
def _stack(xs: Sequence[Any], axis: int = 0) -> BarArray:
    bars = _first(xs)
    parts = [x if isinstance(x, BarArray) else exact(x, bars.machine) for x in xs]
    return _concatenate([_expand_dims(x, axis) for x in parts], axis)


@_implements(np.split)
def _split(x: BarArray, indices_or_sections: Any, axis: int = 0) -> list[BarArray]:
    return [x._of(part) for part in np.split(x.value, indices_or_sections, axis)]


# -- summing, and asking ----------------------------------------------------------------------


@_implements(np.sum)
def _sum(x: BarArray, axis: Any = None, dtype: Any = None, keepdims: bool = False, **_: Any) -> BarArray:
    return sums.reduce(x.machine, np.add, (x,), {"axis": axis, "dtype": dtype, "keepdims": keepdims}, None)


@_implements(np.cumsum)
def _cumsum(x: BarArray, axis: int) -> BarArray:
    return sums.accumulate(x.machine, x, axis)


@_implements(np.shape)
def _shape(x: BarArray) -> tuple[int, ...]:
    return x.shape


@_implements(np.ndim)
def _ndim(x: BarArray) -> int:
    return x.ndim


@_implements(np.size)
def _size(x: BarArray, axis: int | None = None) -> int:
    return x.size if axis is None else x.shape[axis]


@_implements(np.any)
def _any(x: BarArray, *args: Any, **kwargs: Any) -> Any:
    return np.any(x.value, *args, **kwargs)


@_implements(np.all)
def _all(x: BarArray, *args: Any, **kwargs: Any) -> Any:
    return np.all(x.value, *args, **kwargs)
