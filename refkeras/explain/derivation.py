"""`Derivation`: a number with the formula and the numbers that it comes from, and these with theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from refkeras.explain.formulas import FORMULAS, SHOWN_TERMS, shown
from refkeras.explain.text import WIDTH, as_html, as_rich, as_text, print_rich

__all__ = ["Derivation", "DerivationError", "Inputs", "derive", "given"]


class DerivationError(ValueError):
    """A figure is not what its formula gives for its inputs."""


class Inputs(Sequence["Derivation"]):
    """The inputs of a derivation: their values at once, their own derivations when they are asked for.

    Args:
        values: the values, a vector.
        make: returns the derivation of the input at a position.
    """

    def __init__(self, values: Any, make: Callable[[int], Derivation]) -> None:
        self.values = values
        self._make = make
        self._made: dict[int, Derivation] = {}

    @classmethod
    def of(cls, derivations: Iterable[Derivation], dtype: Any) -> Inputs:
        """Return the inputs that are known already, as a vector of `dtype`."""
        listed = list(derivations)
        return cls(np.array([float(d.value) for d in listed], dtype), listed.__getitem__)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Derivation]:
        return (self[i] for i in range(len(self.values)))

    @overload
    def __getitem__(self, index: int) -> Derivation: ...

    @overload
    def __getitem__(self, index: slice) -> list[Derivation]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"There are {len(self)} inputs; {index} is none of them.")
        index %= len(self)
        if index not in self._made:
            self._made[index] = _as_computed(self._make(index), self.values[index])
        return self._made[index]


def _as_computed(node: Derivation, value: Any) -> Derivation:
    """Return the derivation, if it gives the value that the run computed, to the bit; else that value, and both."""
    if node.value == value or np.isnan(value):
        return node
    note = f"As the run computed it. Computed alone it is {node.shown}: the run added in another order."
    return Derivation(node.name, "given", value, value.dtype.name, also=[node], notes=[note])


class Derivation:
    """A number, the formula it comes from, and what went into the formula.

        value = formula(values of the inputs)

    in the dtype, and in the order, of the run itself. `also` are other ways to see the same number (the parts of a
    loss, the probability behind its logarithm): derivations of their own, each of which holds by itself.

    Attributes:
        name: what the number is.
        formula: the formula's name in `formulas.FORMULAS`.
        params: the formula's parameters.
        dtype: what it is computed in, `"float32"` or `"float64"`.
        value: the number, a NumPy scalar of that dtype.
        inputs: their derivations.
        also: other derivations that belong here.
        notes: remarks, in words.

    >>> loss = derive("loss", "mean", [given("l₁", np.float32(1)), given("l₂", np.float32(2))], "float32", divisor=2)
    >>> print(loss)
    loss = 1.5
      the mean of its inputs: their sum, divided by how many count
      Σ xᵢ / n = (1 + 2) / 2
    ├─ l₁ = 1
    └─ l₂ = 2
    >>> Derivation.from_json(loss.to_json()) == loss
    True
    """

    __slots__ = ("also", "dtype", "formula", "inputs", "name", "notes", "params", "value")

    def __init__(
        self,
        name: str,
        formula: str,
        value: Any,
        dtype: str,
        inputs: Inputs | None = None,
        params: dict[str, Any] | None = None,
        also: Sequence[Derivation] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.formula = formula
        self.value = value
        self.dtype = dtype
        self.inputs = inputs if inputs is not None else Inputs.of((), dtype)
        self.params = params or {}
        self.also = list(also)
        self.notes = list(notes)

    # -- in words and numbers --------------------------------------------------------

    @property
    def words(self) -> str:
        """The formula in words."""
        return FORMULAS[self.formula].words

    @property
    def symbols(self) -> str:
        """The formula in symbols, a short sum by the names of its inputs; empty for a number that was recorded."""
        if self.formula != "weighted_sum" or len(self.inputs) > SHOWN_TERMS:
            return FORMULAS[self.formula].symbols
        names = [node.name.partition(" of ")[0] for node in self.inputs]
        return FORMULAS[self.formula].numbers(names, **self.params)

    @property
    def numbers(self) -> str:
        """The formula with the inputs' values in it."""
        if self.formula == "given":
            return ""
        kind = np.dtype(self.dtype).type
        return FORMULAS[self.formula].numbers([shown(kind(v)) for v in self.inputs.values], **self.params)

    @property
    def shown(self) -> str:
        """The value, as it is shown."""
        return shown(self.value)

    # -- checking --------------------------------------------------------------------

    def recomputed(self) -> Any:
        """Return what the formula gives for the values of the inputs; the value itself where it was recorded."""
        if self.formula == "given":
            return self.value
        values = np.array([float(d.value) for d in self.inputs], self.dtype)
        with np.errstate(all="ignore"):
            return np.dtype(self.dtype).type(FORMULAS[self.formula].compute(values, **self.params))

    def verify(self) -> int:
        """Compute every figure below again from its inputs; return how many there are.

        Raises:
            DerivationError: one is not what its formula gives.
        """
        count = 0
        for node in self.walk():
            found = node.recomputed()
            if found != node.value and not (np.isnan(found) and np.isnan(node.value)):
                raise DerivationError(
                    f"{node.name} is {node.value!r}, but {node.symbols} of its inputs is {found!r}: {node.numbers}."
                )
            count += 1
        return count

    def walk(self) -> Iterator[Derivation]:
        """Yield this derivation and all below it, what is in `also` included."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed([*node.inputs, *node.also]))

    def find(self, name: str) -> Derivation:
        """Return the first derivation below whose name begins so.

        Raises:
            ValueError: there is none.
        """
        for node in self.walk():
            if node.name.startswith(name):
                return node
        raise ValueError(f"Nothing below {self.name!r} has a name that begins with {name!r}.")

    # -- as text ---------------------------------------------------------------------

    def text(self, depth: int | None = None, width: int | None = WIDTH, every: bool = False) -> str:
        """Return it as text.

        Of inputs that have the same form, such as the batches of an epoch or the samples of a batch, the first is
        followed down, others have one line, and the rest are counted.

        Args:
            depth: how many levels to go down; None for all of them.
            width: how many inputs of the same form to show; None for all of them.
            every: show every input of every one of them, whatever `width` says.
        """
        return as_text(self, depth, None if every else width, every)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Derivation {self.name} = {self.shown}>"

    def __rich__(self) -> Any:
        return as_rich(self)

    def print(self, depth: int | None = None, width: int | None = WIDTH, every: bool = False) -> None:
        """Print it in colours (with rich, if that is installed); arguments as for `text`."""
        print_rich(self, depth, None if every else width, every)

    def _repr_html_(self) -> str:
        return as_html(self)

    # -- as data ---------------------------------------------------------------------

    def to_dict(self, depth: int | None = None) -> dict[str, Any]:
        """Return it as a dict of plain values, `depth` levels down (all of them by default)."""
        found: dict[str, Any] = {
            "name": self.name,
            "formula": self.formula,
            "words": self.words,
            "symbols": self.symbols,
            "value": plain(self.value),
            "dtype": self.dtype,
        }
        if self.params:
            found["params"] = self.params
        if self.notes:
            found["notes"] = self.notes
        if depth is None or depth > 0:
            below = None if depth is None else depth - 1
            found["inputs"] = [d.to_dict(below) for d in self.inputs]
            if self.also:
                found["also"] = [d.to_dict(below) for d in self.also]
        return found

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Derivation:
        """Return the derivation that `to_dict` described."""
        dtype = found["dtype"]
        inputs = [cls.from_dict(d) for d in found.get("inputs", ())]
        also = [cls.from_dict(d) for d in found.get("also", ())]
        value = np.dtype(dtype).type(found["value"])
        params = found.get("params")
        name, formula = found["name"], found["formula"]
        if formula not in FORMULAS:
            raise ValueError(f"Unknown formula {formula!r}; there are {', '.join(FORMULAS)}.")
        return cls(name, formula, value, dtype, Inputs.of(inputs, dtype), params, also, found.get("notes", ()))

    def to_json(self, depth: int | None = None) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(depth), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Derivation:
        """Return the derivation that `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derivation) and self.to_dict() == other.to_dict()

    __hash__ = object.__hash__


def plain(value: Any) -> Any:
    """Return a number as JSON can hold it: the shortest decimals that read back as the same bits, or NaN's name."""
    number = float(value)
    if not np.isfinite(number):
        return str(number)
    return float(str(value)) if isinstance(value, np.float32) else number


# NumPy takes long to spell a dtype's name.
_NAMES: dict[type, str] = {np.float32: "float32", np.float64: "float64"}


def given(name: str, value: Any, notes: Sequence[str] = ()) -> Derivation:
    """Return the derivation of a number that is not taken apart."""
    value = value if isinstance(value, np.floating) else np.float64(value)
    return Derivation(name, "given", value, _NAMES.get(type(value)) or value.dtype.name, notes=notes)


def derive(
    name: str,
    formula: str,
    inputs: Iterable[Derivation] | Inputs,
    dtype: Any,
    *,
    also: Sequence[Derivation] = (),
    notes: Sequence[str] = (),
    **params: Any,
) -> Derivation:
    """Compute a number by a formula, and return it with where it comes from.

    Args:
        name: what it is.
        formula: a name in `FORMULAS`.
        inputs: the derivations of the formula's inputs.
        dtype: what is computed in.
        also, notes: what belongs to it.
        **params: the formula's parameters.
    """
    dtype = np.dtype(dtype)
    inputs = inputs if isinstance(inputs, Inputs) else Inputs.of(inputs, dtype)
    values = inputs.values if inputs.values.dtype == dtype else inputs.values.astype(dtype)
    with np.errstate(all="ignore"):
        value = dtype.type(FORMULAS[formula].compute(values, **params))
    return Derivation(name, formula, value, _NAMES.get(dtype.type) or dtype.name, inputs, params, also, notes)
