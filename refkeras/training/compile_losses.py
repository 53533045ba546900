"""What `compile(loss=, loss_weights=)` means for a model's outputs.

A `CompileLoss` is resolved when the first batch shows the outputs
(`resolve`), to a list of `LossTerm`s: which output, which loss, which weight,
which name (`keras/src/trainers/compile_utils.py`, Keras 3.15;
`tf_keras/src/engine/compile_utils.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from refkeras import losses, semantics, tree
from refkeras.metrics import Mean
from refkeras.metrics.names import resolve_accuracy
from refkeras.naming import did_you_mean, to_snake_case
from refkeras.training.compile_checks import check_loss
from refkeras.training.matching import conform, is_nested, pseudo_names

__all__ = ["CompileLoss", "LossTerm"]


@dataclass(frozen=True, slots=True)
class LossTerm:
    """One summand of the total loss.

    Attributes:
        path: where its output (and target) stands in the structure of the outputs.
        output: the same as a position in the flat list of outputs.
        loss: the `Loss` object.
        weight: its factor in the total; None is 1.
        name: what its own value is logged under, less `_loss`; None when it is not logged.
        computed: False for an output that tf_keras logs as 0 because `loss_weights` is too short for it.
    """

    path: tuple[Any, ...]
    output: int
    loss: Any
    weight: float | None
    name: str | None
    computed: bool = True


class CompileLoss:
    """The losses of one `compile()`.

    Args:
        loss: a name, function, `Loss`, None, or a list, tuple or dict of these.
        loss_weights: None, a float, or a list, tuple or dict of these.
        output_names: names of the flattened outputs; None where the model has none.

    Raises:
        ValueError, TypeError: what `compile` itself refuses.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, *, output_names: Sequence[str] | None = None) -> None:
        check_loss(loss, loss_weights, output_names)
        self.loss = loss
        self.loss_weights = loss_weights
        self.output_names = output_names
        self.terms: list[LossTerm] = []
        self.trackers: list[Mean | None] = []
        self.built = False

    def resolve(self, y: Any, y_pred: Any, y_flat: Sequence[Any], pred_flat: Sequence[Any]) -> None:
        """Find the terms; `y` and `y_pred` are numbered structures, `*_flat` the arrays they point to.

        Raises:
            KeyError, ValueError, TypeError: losses or weights do not fit the outputs.
        """
        if semantics.current().output_matching == "exact":
            self.terms = _Exact(self, y_flat, pred_flat).terms(y, y_pred)
        else:
            self.terms = _conforming_terms(self, y_pred)
        self.trackers = [None if term.name is None else Mean(name=f"{term.name}_loss") for term in self.terms]
        self.built = True


def get_loss(identifier: Any, y: Any, y_pred: Any) -> Any:
    """Return the `Loss` object for one entry of `loss`; `y` and `y_pred` (arrays) decide `'crossentropy'`.

    Raises:
        ValueError: no such loss.
        TypeError: a class where an object is expected (tf_keras).
    """
    rules = semantics.current()
    if isinstance(identifier, str) and rules.crossentropy_by_shape == "loss" and is_crossentropy(identifier):
        found = losses.get(f"{resolve_accuracy(y.shape, y_pred.shape)}_crossentropy")
    else:
        if isinstance(identifier, type) and not rules.loss_class_is_instantiated:
            raise TypeError(f"loss={identifier.__name__} is a class: pass an object, {identifier.__name__}().")
        found = losses.get(identifier)
    if isinstance(found, losses.Loss):
        return found
    name = identifier if isinstance(identifier, str) else object_name(found)
    return losses.LossFunctionWrapper(found, name=name)


def is_crossentropy(identifier: str) -> bool:
    return identifier.lower() in ("crossentropy", "ce")


def object_name(target: Any) -> str:
    """Return the name Keras gives to a loss or metric object or function (`get_object_name`)."""
    if hasattr(target, "name"):
        return target.name
    return to_snake_case(getattr(target, "__name__", type(target).__name__))


# -- Keras 3: structures must fit -----------------------------------------------------------------


@dataclass(slots=True)
class _Weighted:
    loss: Any
    weight: Any


class _Exact:
    """Keras 3's rules for one resolution."""

    def __init__(self, compiled: CompileLoss, y_flat: Sequence[Any], pred_flat: Sequence[Any]) -> None:
        self.compiled = compiled
        self.y_flat = y_flat
        self.pred_flat = pred_flat
        self.found: list[LossTerm] = []

    def terms(self, y: Any, y_pred: Any) -> list[LossTerm]:
        names = list(self.compiled.output_names or ())
        loss, weights = self.by_name(y_pred, names)
        weighted = _with_weights(loss, weights)
        count = len(self.pred_flat)
        label = tree.pack_as(y_pred, names if len(names) == count else [None] * count)
        if not is_nested(weighted):
            weighted = tree.map_structure(lambda _: weighted, y_pred)
        self.walk(weighted, y, y_pred, label, ())
        if len(self.found) > 1:
            return self.found
        return [LossTerm(t.path, t.output, t.loss, t.weight, None) for t in self.found]

    def by_name(self, y_pred: Any, names: list[str]) -> tuple[Any, Any]:
        loss, weights = self.compiled.loss, self.compiled.loss_weights
        if not isinstance(loss, dict) or isinstance(y_pred, dict):
            return loss, weights
        if self.compiled.output_names is None:
            raise TypeError(
                f"loss={loss!r} is a dict by the names of outputs, and this model's outputs have none, as those of a "
                "Sequential or a subclassed model: pass the loss itself, or a list."
            )
        if set(names) != set(loss):
            stray = [key for key in loss if key not in names]
            raise ValueError(
                f"Expected keys {names} in loss dict, but found loss.keys()={list(loss)}. Give None to an output "
                f"without a loss.{did_you_mean(stray[0], names) if stray else ''}"
            )
        if isinstance(weights, dict):
            missing = [name for name in names if name not in weights]
            if missing:
                raise KeyError(f"loss_weights={weights} has no entry for output {missing[0]!r}.")
            weights = [weights[name] for name in names]
        return [loss[name] for name in names], weights

    def walk(self, loss: Any, y: Any, y_pred: Any, label: Any, path: tuple[Any, ...]) -> None:
        if not is_nested(loss):
            self.add(loss, y, y_pred, label, path)
            return
        leaves = tree.flatten(y_pred)
        listed = isinstance(loss, (list, tuple))
        if listed and len(loss) == len(leaves) and not any(map(is_nested, loss)):
            loss = tree.pack_as(y_pred, list(loss))
            if semantics.current().dict_outputs == "sorted by models":
                loss = tree.with_sorted_keys(loss)
            if not is_nested(loss):
                self.add(loss, y, y_pred, label, path)
                return
        elif listed and not isinstance(y_pred, type(loss)):
            for entry in loss:
                self.walk(entry, y, y_pred, label, path)
            return
        if not isinstance(loss, type(y_pred)):
            raise KeyError(f"The path: {path} in the `loss` argument, can't be found in the model's output (`y_pred`).")
        for key, entry in loss.items() if isinstance(loss, dict) else enumerate(loss):
            if entry is None:
                continue
            if not (_has(y, key) and _has(y_pred, key)):
                raise KeyError(
                    f"The path: {(*path, key)} in the `loss` argument, can't be found in either the model's output "
                    f"(`y_pred`) or in the labels (`y_true`). The outputs are called {self.compiled.output_names}."
                )
            self.walk(entry, y[key], y_pred[key], label[key], (*path, key))

    def add(self, entry: _Weighted | None, y: Any, y_pred: Any, label: Any, path: tuple[Any, ...]) -> None:
        if entry is None:
            raise AttributeError(f"loss={self.compiled.loss!r} gives no loss for the model's only output.")
        if is_nested(y_pred):
            kind = TypeError if isinstance(y_pred, dict) else ValueError
            raise kind(
                f"loss={self.compiled.loss!r} cannot be laid over the {len(self.pred_flat)} outputs "
                f"{self.compiled.output_names}: pass one loss per output, or a dict by output name."
            )
        if y is None or is_nested(y):
            raise ValueError(
                f"None values not supported: output {label!r} has a loss, so its target y is needed."
                if y is None
                else f"Output {label!r} is one array, but its targets are nested: {y}."
            )
        loss = get_loss(entry.loss, self.y_flat[y], self.pred_flat[y_pred])
        shown = list(path)
        if not shown or isinstance(shown[-1], int):
            shown[-1:] = [label if label is not None else loss.name]
        name = "/".join(str(part) for part in shown)
        self.found.append(LossTerm(path, y_pred, loss, _factor(entry.weight, ValueError), name))


def _has(structure: Any, key: Any) -> bool:
    if isinstance(key, int) and not isinstance(structure, dict):
        return isinstance(structure, (list, tuple)) and key < len(structure)
    return isinstance(structure, dict) and key in structure


def _with_weights(loss: Any, weights: Any) -> Any:
    if weights is None:
        return tree.map_structure(lambda entry: None if entry is None else _Weighted(entry, None), loss)
    entries, factors = tree.flatten(loss), tree.flatten(weights)
    if len(entries) != len(factors):
        kind = ValueError if is_nested(weights) else TypeError
        raise kind(
            f"`loss_weights` must match the number of losses, got {len(entries)} losses and {len(factors)} weights: "
            f"loss={loss!r}, loss_weights={weights!r}."
        )
    pairs = [None if entry is None else _Weighted(entry, w) for entry, w in zip(entries, factors, strict=True)]
    return tree.pack_as(loss, pairs)


def _factor(weight: Any, error: type[Exception]) -> float | None:
    if isinstance(weight, (str, bytes)):
        raise error(f"loss_weights contains {weight!r}; expected numbers.")
    return None if weight is None else float(weight)


# -- tf_keras: missing is None, one serves all ----------------------------------------------------


def _conforming_terms(compiled: CompileLoss, y_pred: Any) -> list[LossTerm]:
    paths = tree.paths(y_pred)
    names = list(compiled.output_names or pseudo_names(y_pred))
    chosen = tree.flatten(conform(y_pred, names, compiled.loss, "losses"))
    found = [None if entry is None else get_loss(entry, None, None) for entry in chosen]
    weights = tree.flatten(conform(y_pred, names, compiled.loss_weights, "loss weights"))
    several = len(names) > 1
    terms = []
    for i, (loss, name) in enumerate(zip(found, names, strict=False)):
        if loss is not None:
            weight = _factor(weights[i], TypeError) if i < len(weights) else None
            terms.append(LossTerm(paths[i], i, loss, weight, name if several else None, i < len(weights)))
    return terms
