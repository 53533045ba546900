"""Where an optimizer's numbers lie: every variable of one dtype in one vector, and each slot likewise.

An update rule then runs once over long vectors instead of once per variable,
which for a small model is nearly the whole cost of a step. `Variable`s stay
what they were, each bound to its stretch of the vector.

A variable whose value has since moved elsewhere (another optimizer laid it
out again, or it now holds another type of array) is updated where it is, on
its own; so is everything else in a step that leaves some variables out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from refkeras.errors import InvalidArgumentError
from refkeras.tensor import number_of
from refkeras.variable import Variable

__all__ = ["Cell", "Layout", "Part"]


class Cell:
    """Arrays that one rule updates together: all of one shape and dtype.

    Attributes:
        kind: the scalar type, `np.float32` or `np.float64`, or what makes scalars that go with the arrays.
        w, g: weights and gradient.
        slots: the rule's slots, in its order; None where it keeps none.
        average, accumulator: moving average of the weights, sum of gradients; None where not kept.
        scratch: two arrays to compute in.
        rate: a 0-d array for the step's learning rate (ufuncs take it faster than a scalar).
        parts: the cells of the single variables that lie here.
    """

    __slots__ = ("accumulator", "average", "g", "kind", "parts", "rate", "scratch", "slots", "w")

    def __init__(self, w: Any, g: Any, slots: Sequence[Any], scratch: Sequence[Any]) -> None:
        self.w = w
        self.g = g
        self.average, self.accumulator, *self.slots = slots
        self.scratch = scratch
        self._take_kind()
        self.parts: Sequence[Part] = ()

    def _take_kind(self) -> None:
        self.kind = number_of(self.w)
        self.rate = np.zeros_like(self.w, shape=())


class Part(Cell):
    """The cell of a single variable.

    Attributes:
        variable: the variable.
        holders: the variables of its average, its accumulator and its slots, or None.
    """

    __slots__ = ("holders", "variable")

    def __init__(
        self, variable: Variable, holders: Sequence[Variable | None], w: Any, g: Any, scratch: Sequence[Any]
    ) -> None:
        super().__init__(w, g, _values(holders), scratch)
        self.variable = variable
        self.holders = holders
        self.parts = (self,)

    def refresh(self) -> None:
        """Take up the arrays that the variables hold now; move the rest to their type if that has changed."""
        w = self.variable.value
        moved, self.w = type(w) is not type(self.w), w
        if moved:
            self._take_kind()
            self.g = np.zeros_like(w)
            self.scratch = (np.empty_like(w), np.empty_like(w))
            _move(self.holders, w)
        self.average, self.accumulator, *self.slots = _values(self.holders)

    def receive(self, gradient: Any) -> None:
        """Copy a gradient in.

        Raises:
            InvalidArgumentError: (a ValueError) it has another shape than the variable.
        """
        if gradient is self.g:
            return
        if np.shape(gradient) != self.g.shape:
            raise InvalidArgumentError(
                f"The gradient for variable {self.variable.path!r} has shape {np.shape(gradient)}; "
                f"the variable's is {self.g.shape}."
            )
        self.g[...] = gradient


class Layout:
    """The cells of an optimizer.

    Args:
        variables: the trainable variables.
        slots: per kind of slot, one `Variable` (or None) for each of `variables`, or None; the first two kinds
            are the average and the accumulator.
        bind: move the variables into the vectors.

    Attributes:
        parts: one cell for each variable.
        cells: the fewest cells that cover them.
    """

    def __init__(
        self, variables: Sequence[Variable], slots: Sequence[Sequence[Variable | None] | None], bind: bool = True
    ) -> None:
        holders = [[kind[i] if kind else None for kind in slots] for i in range(len(variables))]
        self.parts: list[Part] = [None] * len(variables)  # type: ignore[list-item]
        self.cells: list[Cell] = []
        together: dict[Any, list[int]] = {}
        for i, variable in enumerate(variables):
            plain = bind and type(variable.value) is np.ndarray
            together.setdefault(variable.value.dtype if plain else i, []).append(i)
        for dtype, members in together.items():
            if isinstance(dtype, np.dtype):
                self.cells.append(self._vector(dtype, members, variables, holders))
            else:
                self.cells.append(self._alone(members[0], variables, holders))
        self._checks = [(part.variable, part.w, part.g, part.g.shape) for part in self.parts]

    def _vector(
        self, dtype: np.dtype, members: list[int], variables: Sequence[Variable], holders: list[list[Variable | None]]
    ) -> Cell:
        size = sum(variables[i].size for i in members)
        # A kind of slot may be kept for some variables only; its vector then has idle stretches.
        kept = [any(held[k] is not None for held in holders) for k in range(len(holders[0]))]
        slots = [np.zeros(size, dtype) if keep else None for keep in kept]
        w, g, s, r = rows = [np.zeros(size, dtype) for _ in range(4)]
        vector = Cell(w, g, slots, (s, r))
        end = 0
        for i in members:
            variable, begin, end = variables[i], end, end + variables[i].size
            shape = variable.shape
            for holder, row in zip((variable, *holders[i]), (w, *slots), strict=True):
                if holder is not None:
                    holder.bind(row[begin:end].reshape(shape))  # type: ignore[index]
            views = [row[begin:end].reshape(shape) for row in rows]
            self.parts[i] = Part(variable, holders[i], variable.value, views[1], views[2:])
        vector.parts = [self.parts[i] for i in members]
        return vector

    def _alone(self, i: int, variables: Sequence[Variable], holders: list[list[Variable | None]]) -> Part:
        w = variables[i].value
        _move(holders[i], w)
        scratch = (np.empty_like(w), np.empty_like(w))
        self.parts[i] = Part(variables[i], holders[i], w, np.zeros_like(w), scratch)
        return self.parts[i]

    def in_place(self) -> bool:
        """Whether every variable still lies where it was put."""
        return all(variable._value is w for variable, w, _, _ in self._checks)

    def take(self, gradients: Sequence[Any], variables: Sequence[Variable]) -> bool:
        """Copy `gradients` in, if there is one for each variable, in order, and all still lie where they were put.

        Otherwise return False; what was copied by then is of no consequence.
        """
        if not len(gradients) == len(variables) == len(self._checks):
            return False
        for (variable, w, g, shape), gradient, given in zip(self._checks, gradients, variables, strict=True):
            if variable is not given or given._value is not w:
                return False
            if gradient is not g:
                if getattr(gradient, "shape", None) != shape:
                    return False
                g[...] = gradient
        return True

    def refreshed(self) -> Sequence[Cell]:
        """Return the cells to step over all variables: the vectors, or each variable alone if any has moved."""
        if self.in_place():
            return self.cells
        for part in self.parts:
            part.refresh()
        return self.parts


def _values(holders: Sequence[Variable | None]) -> list[Any]:
    return [None if holder is None else holder.value for holder in holders]


def _move(holders: Sequence[Variable | None], like: Any) -> None:
    """Have the variables hold arrays of the type of `like`."""
    for holder in holders:
        if holder is not None and type(holder.value) is not type(like):
            holder.bind(np.zeros_like(like))
