"""Where the loss of one sample, or a metric's value for it, comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from refkeras.explain.derivation import Derivation, Inputs, derive, given
from refkeras.explain.formulas_of_elements import EACH
from refkeras.explain.records import Samples

__all__ = ["derive_value", "in_memory_order"]

Index = tuple[int, ...]
# Each output of a softmax has all logits behind it: in rows that are wider, what they share is taken apart once.
WIDEST = 32


def in_memory_order(array: Any) -> tuple[Any, Callable[[int], Index]]:
    """Return the numbers of an array as they lie in memory, and what turns a place among them into an index."""
    order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
    turned = array.transpose(order)

    def index(place: int) -> Index:
        found = np.unravel_index(place, turned.shape)
        return tuple(int(found[order.index(axis)]) for axis in range(array.ndim))

    return turned.ravel(), index


def derive_value(name: str, samples: Samples, index: Index, dtype: Any) -> Derivation:
    """Return where the value of one sample (and step) comes from.

    Args:
        name: what the value is called.
        samples: what the batch was computed from.
        index: of the value in the array of the values.
        dtype: what it is computed in.
    """
    return _Row(name, samples, index, dtype).derived()


# The form of the values: the formula of one element, what becomes of these, and what an element is called.
_ONE_BY_ONE = {
    "mean_squared_error": ("squared_difference", "mean", "(output{0} − target{0})²"),
    "mean_absolute_error": ("absolute_difference", "mean", "|output{0} − target{0}|"),
    "mean_absolute_percentage_error": ("relative_difference", "hundred_means", "relative error{0}"),
    "mean_squared_logarithmic_error": ("squared_logarithmic_difference", "mean", "squared logarithmic error{0}"),
    "huber": ("huber", "mean", "huber of output{0} − target{0}"),
    "log_cosh": ("log_cosh", "mean", "ln cosh(output{0} − target{0})"),
    "hinge": ("hinge", "mean", "hinge{0}"),
    "squared_hinge": ("squared_hinge", "mean", "squared hinge{0}"),
    "poisson": ("poisson", "mean", "poisson{0}"),
    "weighted_sum": ("weighted", "sum", "target{0} × weight{0}"),
    "kl_divergence": ("divergence", "sum", "divergence{0}"),
}
_HITS = ("equal", "on_the_same_side", "rounds_to")
_ONE_HOT = {"crossentropy_of_logits": "minus_log_softmax", "crossentropy_of_probabilities": "minus_log_share"}
_SUM = "S, the sum of the exponentials"
_OF_LOGITS = ("crossentropy_of_logits", "minus_log_softmax")


class _Row:
    """One value: what it was computed from, and the derivation.

    Args:
        name, samples, index, dtype: as for `derive_value`.
    """

    def __init__(self, name: str, samples: Samples, index: Index, dtype: Any) -> None:
        self.name, self.form, self.samples, self.index, self.dtype = name, samples.form, samples, index, dtype
        self.x, self.t = np.atleast_1d(samples.inputs[index]), np.atleast_1d(samples.targets[index])
        self.what = "logit" if self.form in _OF_LOGITS or self.form.endswith("of_logit") else "output"
        self._logits: Inputs | None = None
        self._sum: Derivation | None = None

    def derived(self) -> Derivation:
        found = self.taken_apart()
        if self._sum is not None:
            found.also.append(self._sum)
        return found

    def taken_apart(self) -> Derivation:
        form = self.form
        if form == "itself":
            return derive(self.name, "sum", [given("the target", self.t[0])], self.dtype)
        if form in _ONE_BY_ONE:
            return self.one_by_one(*_ONE_BY_ONE[form])
        if form.startswith("binary_crossentropy"):
            return self.binary()
        if form in _HITS:
            return self.hits()
        if form == "categorical_hinge":
            return self.categorical_hinge()
        if form == "cosine_similarity":
            return self.cosine()
        if "accuracy" in form or form in ("among_the_largest", "listed_first"):
            return self.accuracy()
        return self.categorical()

    # -- targets and outputs -----------------------------------------------------------

    def place(self, j: int) -> str:
        return f"[{j}]" if len(self.x) > 1 else ""

    def target(self, j: int) -> Derivation:
        """Return the target at a place, smoothed where the loss does that."""
        samples, name = self.samples, f"target{self.place(j)}"
        value = self.t[j].astype(self.dtype)
        if not samples.smoothing:
            return given(name, value)
        known = [given(f"{name} in the data", value)]
        return derive(name, "smoothed", known, self.dtype, smoothing=samples.smoothing, share=samples.share)

    def output(self, j: int) -> Derivation:
        """Return the output at a place, with the softmax or sigmoid that gave it."""
        name, value = f"{self.what}{self.place(j)}", self.x[j]
        if self.samples.logits is None:
            return given(name, value)
        for found in self.made(name, j):
            if found.value == value:
                return found
        return given(name, value)

    def made(self, name: str, j: int) -> Iterable[Derivation]:
        return self.activated(name, j) if self._sum is None else [self.share(name, j)]

    def activated(self, name: str, j: int) -> Iterator[Derivation]:
        """Yield what a sigmoid and a softmax make of the logits."""
        inputs = self.logits()
        yield derive(name, "sigmoid", [inputs[j]], self.dtype)
        yield derive(name, "softmax", inputs, self.dtype, k=j)

    def share(self, name: str, j: int) -> Derivation:
        """Return what a softmax makes of a logit, given the sum that all of them share."""
        inputs, total = self.logits(), self._sum
        assert total is not None
        note = f"The same for all outputs: it is taken apart once, beside the inputs of {self.name}."
        known = [inputs[j], inputs[int(inputs.values.argmax())], given(total.name, total.value, [note])]
        return derive(name, "share_of_sum", known, self.dtype)

    def find_sum(self) -> None:
        """Derive the sum that a wide softmax divides by, if one made the outputs."""
        if self.what == "output":
            outputs = None if self.samples.logits is None else self.x
        else:
            outputs = None if self.samples.outputs is None else np.atleast_1d(self.samples.outputs[self.index])
        if len(self.x) <= WIDEST or outputs is None:
            return
        found = derive(_SUM, "sum_of_exponentials", self.logits(), self.dtype)
        z = found.inputs.values
        if np.array_equal(np.exp(z - z.max()) / found.value, outputs):
            self._sum = found

    def logits(self) -> Inputs:
        if self._logits is None:
            known = self.samples.inputs if self.what == "logit" else self.samples.logits
            z = np.atleast_1d(known[self.index])  # type: ignore[index]
            self._logits = Inputs(z, lambda j: given(f"logit{self.place(j)}", z[j]))
        return self._logits

    def pairs(self) -> Inputs:
        """Return the outputs, and after them the targets."""
        self.find_sum()
        n = len(self.x)
        targets = [self.target(j) for j in range(n)]
        values = np.concatenate([self.x, np.array([t.value for t in targets], self.x.dtype)])
        return Inputs(values, lambda j: self.output(j) if j < n else targets[j - n])

    # -- one by one --------------------------------------------------------------------

    def each(self, formula: str, title: str) -> Inputs:
        """Return a formula of every output and its target."""
        self.find_sum()
        x, t, params = self.x, self.t.astype(self.dtype), self.samples.params
        with np.errstate(all="ignore"):
            values = EACH[formula](x, t, **params)

        def element(j: int) -> Derivation:
            pair = [self.output(j), self.target(j)]
            return derive(title.format(self.place(j)), formula, pair, self.dtype, **params)

        return Inputs(values, element)

    def one_by_one(self, formula: str, reduced: str, title: str) -> Derivation:
        params: dict[str, Any] = {"divisor": len(self.x)} if reduced == "mean" else {}
        return derive(self.name, reduced, self.each(formula, title), self.dtype, **params)

    def categorical_hinge(self) -> Derivation:
        other = self.each("other_class", "score of another class{0}")
        largest = derive("the largest score of another class", "largest", other, self.dtype)
        own = derive("the score of the target's class", "sum", self.each("own_class", "own score{0}"), self.dtype)
        return derive(self.name, "lead_of_others", [largest, own], self.dtype)

    def cosine(self) -> Derivation:
        pairs, n = self.pairs(), len(self.x)
        lengths = [
            derive(name, "root_sum_squares", Inputs(pairs.values[part], pairs[part].__getitem__), self.dtype)
            for name, part in (("|p|, the output's length", slice(0, n)), ("|t|, the target's length", slice(n, 2 * n)))
        ]
        return derive(self.name, "cosine", pairs, self.dtype, also=lengths, **self.samples.params)

    def hits(self) -> Derivation:
        params = self.samples.params
        if len(self.x) == 1:
            output, target = self.output(0), self.target(0)
            if output.formula == "given":
                output.name = "the model's output"
            target.name = "the target"
            return derive(self.name, self.form, [output, target], self.dtype, **params)
        self.find_sum()
        nodes = [
            derive(f"hit[{j}]", self.form, [self.output(j), self.target(j)], self.dtype, **params)
            for j in range(len(self.x))
        ]
        return derive(self.name, "mean", nodes, self.dtype, divisor=len(self.x))

    def binary(self) -> Derivation:
        self.find_sum()
        samples = self.samples
        nodes = []
        for j in range(len(self.x)):
            pair = [self.output(j), self.target(j)]
            also = []
            if self.what == "logit" and samples.outputs is not None:
                also.append(self.behind(f"output{self.place(j)}", j, "sigmoid"))
            elif self.what == "logit":
                also.append(derive(f"p{self.place(j)}, the sigmoid of the logit", "sigmoid", pair[:1], self.dtype))
            title = f"crossentropy{self.place(j)}"
            nodes.append(derive(title, samples.form, pair, self.dtype, also=also, **samples.params))
        return derive(self.name, "mean", nodes, self.dtype, divisor=len(self.x))

    # -- classes -----------------------------------------------------------------------

    def accuracy(self) -> Derivation:
        form, params = self.form, dict(self.samples.params)
        k = params.pop("k", 0)
        # What NumPy cannot hold as an integer is no class.
        class_ = self.t[0] if form != "top_k_categorical_accuracy" else 0
        label = int(class_) if abs(class_) < 2.0**31 else -1
        if form == "listed_first":
            listed = Inputs(self.x, lambda j: given(f"class[{j}] of the list", self.x[j]))
            return derive(self.name, form, listed, self.dtype, label=float(self.t[0].astype(self.x.dtype)), k=k)
        if form in ("top_k_categorical_accuracy", "among_the_largest"):
            also = [] if form == "among_the_largest" else [self.argmax("where the target is largest", "target", params)]
            label = int(also[0].value) if also else label
            outputs = Inputs(self.x, self.bare)
            also += self.winners(label)
            notes = [f"The target is class {label}."]
            return derive(self.name, "among_the_largest", outputs, self.dtype, also=also, notes=notes, label=label, k=k)
        if form == "sparse_categorical_accuracy":
            target = given("the target's class", self.t[0])
        else:
            target = self.argmax("where the target is largest", "target", params)
        largest = self.argmax("where the output is largest", "output", params)
        largest.also += self.winners(int(largest.value), int(target.value) if np.isfinite(target.value) else -1)
        return derive(self.name, "equal", [target, largest], self.dtype)

    def bare(self, j: int) -> Derivation:
        return given(f"output[{j}]", self.x[j])

    def argmax(self, name: str, what: str, params: dict[str, Any]) -> Derivation:
        values = self.x if what == "output" else self.t.astype(self.dtype)
        inputs = Inputs(values, lambda j: given(f"{what}[{j}]", values[j]))
        return derive(name, "argmax", inputs, self.dtype, **params)

    def winners(self, *classes: int) -> list[Derivation]:
        """Return how the outputs for these classes come from the logits, where that is known."""
        if self.samples.logits is None:
            return []
        found = []
        for k in dict.fromkeys(k for k in classes if 0 <= k < len(self.x)):
            found += [node for node in self.activated(f"output[{k}]", k) if node.value == self.x[k]][:1]
        return found

    def categorical(self) -> Derivation:
        samples, form, x = self.samples, self.form, self.x
        soft = form in _ONE_HOT
        one_hot = soft and not samples.smoothing and np.count_nonzero(self.t) == 1 and self.t.max() == 1
        if soft and not (one_hot and np.isfinite(x).all()):
            also = [] if np.isnan(self.t).any() else self.probability(int(self.t.argmax()))
            return derive(self.name, form, self.pairs(), self.dtype, also=also, **samples.params)
        form = _ONE_HOT.get(form, form)
        k = int(self.t.argmax()) if soft else int(self.t[0])
        if k == samples.ignored or not 0 <= k < len(x):
            return derive(self.name, "no_class", [given("the target's class", x.dtype.type(k))], self.dtype)
        inputs = Inputs(x, lambda j: given(f"{self.what}[{j}]", x[j]))
        notes = [f"The target is class {k}."]
        also = self.probability(k)
        return derive(self.name, form, inputs, self.dtype, also=also, notes=notes, k=k, **samples.params)

    def probability(self, k: int) -> list[Derivation]:
        """Return how the probability of a class comes from the logits, where these are known."""
        if self.what != "logit":
            return self.winners(k)
        if self.samples.outputs is None:
            inputs = self.logits()
            name = f"p[{k}], what the softmax of the logits gives to that class"
            return [derive(name, "softmax", inputs, self.dtype, k=k)]
        return [self.behind(f"p[{k}], what the model gave to that class", k, "softmax")]

    def behind(self, name: str, k: int, expected: str) -> Derivation:
        """Return how an output comes from the logits that the loss takes in its place."""
        output = np.atleast_1d(self.samples.outputs[self.index])[k]  # type: ignore[index]
        for found in self.made(name, k):
            if found.value == output:
                made_by = "softmax" if found.formula == "share_of_sum" else found.formula
                if made_by != expected:
                    found.notes.append(f"A {made_by} made it. The loss takes its logits for those of a {expected}.")
                return found
        return given(name, output, ["The model's output, which neither a softmax nor a sigmoid of the logits gives."])
