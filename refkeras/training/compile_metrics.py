"""What `compile(metrics=, weighted_metrics=)` means for a model's outputs.

Resolved when the first batch shows the outputs
(`keras/src/trainers/compile_utils.py`, Keras 3.15;
`tf_keras/src/engine/compile_utils.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from refkeras import metrics, semantics, tree
from refkeras.training.compile_checks import check_metrics
from refkeras.training.matching import conform, is_nested, pseudo_names, require_same_shape
from refkeras.training.metric_maker import MetricMaker

__all__ = ["CompileMetrics", "MetricEntry"]


@dataclass(frozen=True, slots=True)
class MetricEntry:
    """One compiled metric: its output (position in the flat outputs), whether weighted, its key in the logs."""

    metric: Any
    output: int
    weighted: bool
    key: str


class CompileMetrics:
    """The metrics of one `compile()`; listed in `model.metrics` under the name `compile_metrics`.

    Args:
        metrics, weighted_metrics: None, or a list, tuple or dict of names, functions, `Metric`s and `Loss`es.
        output_names: names of the flattened outputs; None where the model has none.

    Raises:
        ValueError, TypeError: what `compile` itself refuses.
    """

    name = "compile_metrics"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    def __init__(
        self, metrics: Any = None, weighted_metrics: Any = None, *, output_names: Sequence[str] | None = None
    ) -> None:
        check_metrics(metrics, weighted_metrics)
        self.user_metrics = metrics
        self.user_weighted_metrics = weighted_metrics
        self.given = metrics is not None or weighted_metrics is not None
        self.output_names = output_names
        self.entries: list[MetricEntry] = []
        self.built = False

    @property
    def metrics(self) -> list[Any]:
        """The `Metric` objects: unweighted ones first (Keras 3), or by output (tf_keras); none before a first batch."""
        return [entry.metric for entry in self.entries]

    @property
    def variables(self) -> list[Any]:
        return [variable for metric in self.metrics for variable in metric.variables]

    def reset_state(self) -> None:
        for entry in self.entries:
            entry.metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Return the results by log key, in declared order."""
        return {entry.key: entry.metric.result() for entry in self.entries}

    def resolve(self, y: Any, y_pred: Any, y_flat: Sequence[Any], pred_flat: Sequence[Any], term_losses: Any) -> None:
        """Find the entries; `y` and `y_pred` are numbered structures, `*_flat` the arrays they point to.

        Args:
            term_losses: `{output: Loss}`, what Keras 2.0 chooses an accuracy by.

        Raises:
            ValueError, TypeError: metrics do not fit the outputs, or a name is not known.
        """
        make = MetricMaker(y_flat, pred_flat, term_losses)
        if semantics.current().output_matching == "exact":
            self.entries = _exact_entries(self, y, y_pred, make)
        else:
            self.entries = _conforming_entries(self, y, y_pred, make)
        self.built = True


# -- Keras 3: a flat list is one entry per output, anything else has the outputs' structure -------


def _exact_entries(compiled: CompileMetrics, y: Any, y_pred: Any, make: MetricMaker) -> list[MetricEntry]:
    names = flat_names(y_pred, compiled.output_names)
    counters: dict[str, int] = {}
    entries: list[MetricEntry] = []
    for argument, given, weighted in (
        ("metrics", compiled.user_metrics, False),
        ("weighted_metrics", compiled.user_weighted_metrics, True),
    ):
        for found, target, output, prefix in _exact_places(given, y, y_pred, names, argument):
            for identifier in found if isinstance(found, (list, tuple)) else [found]:
                if identifier is None:
                    raise ValueError(f"Expected metric, received `None` in {argument}={given!r}.")
                metric, name = make.metric(identifier, target, output)
                entries.append(MetricEntry(metric, output, weighted, _unique(name, prefix, weighted, counters)))
    return entries


def flat_names(y_pred: Any, output_names: Sequence[str] | None) -> list[str] | None:
    """Return the names of the outputs in the order Keras 3 takes them: dict keys before layer names."""
    if isinstance(y_pred, dict) and not any(is_nested(item) for item in y_pred.values()):
        return list(output_names) if output_names and set(output_names) == set(y_pred) else sorted(y_pred)
    return None if output_names is None else list(output_names)


def flat_targets(y: Any, y_pred: Any, names: list[str] | None) -> list[Any]:
    """Return the targets in the order of the outputs, as Keras 3's metrics read them.

    Raises:
        KeyError: a dict of targets lacks an output.
    """
    count = len(tree.flatten(y_pred))
    if isinstance(y, dict) and count > 1 and is_nested(y_pred) and len(y_pred) == count and names is not None:
        for name in names:
            if name not in y:
                raise KeyError(name)
        return [y[name] for name in names]
    return tree.flatten(y)


Place = tuple[Any, "int | None", int, "str | None"]


def _exact_places(given: Any, y: Any, y_pred: Any, names: list[str] | None, argument: str) -> list[Place]:
    """Return `(metrics of the output, target, output, prefix)` for every output that has metrics."""
    if not given:
        return []
    outputs = tree.flatten(y_pred)
    if len(outputs) == 1:
        return [(tree.flatten(given), tree.flatten(y)[0], outputs[0], None)]
    per_output = None
    if len(y_pred) == len(outputs):
        if isinstance(given, (list, tuple)) and len(given) == len(outputs):
            per_output = given
        elif isinstance(given, dict) and names and set(given) <= set(names):
            per_output = [given.get(name) for name in names]
    if per_output is not None:
        predictions = [y_pred[name] for name in names or ()] if isinstance(y_pred, dict) else outputs
        prefixes: list[Any] = list(names) if names else [None] * len(outputs)
        places = zip(per_output, flat_targets(y, y_pred, names), predictions, prefixes, strict=False)
        return [place for place in places if place[0] is not None]
    label = tree.pack_as(y_pred, list(names) if names else [None] * len(outputs))
    try:
        return [place for place in _up_to(y_pred, given, y, y_pred, label) if place[0] is not None]
    except ValueError as error:
        raise ValueError(
            f"Invalid `{argument}`: {error} It should be a list with one entry per output, a dict by output name "
            f"{names}, or have the structure of the outputs. Received: {argument}={given!r}."
        ) from None


def _up_to(shallow: Any, *others: Any) -> Iterable[Any]:
    """Yield what stands in `others` at each leaf of `shallow` (`tree.map_structure_up_to`)."""
    if not is_nested(shallow):
        yield others
        return
    as_dict = isinstance(shallow, dict)
    for other in others:
        if not is_nested(other) or isinstance(other, dict) is not as_dict or len(other) != len(shallow):
            raise ValueError(f"{other!r} does not fit {len(shallow)} outputs.")
        if as_dict and set(other) != set(shallow):
            raise ValueError(f"keys {sorted(other)} are not the outputs {sorted(shallow)}.")
    for key in sorted(shallow) if as_dict else range(len(shallow)):
        yield from _up_to(shallow[key], *(other[key] for other in others))


def _unique(name: str, prefix: str | None, weighted: bool, counters: dict[str, int]) -> str:
    """Return the log key: `mae`, `mae_1`, ... and `weighted_mae` where the unweighted metric has the name."""
    key = f"{prefix}_{name}" if prefix else name
    if weighted and key in counters:
        key = f"{prefix}_weighted_{name}" if prefix else f"weighted_{name}"
    seen = counters.get(key, 0)
    counters[key] = seen + 1
    return f"{key}_{seen}" if seen else key


# -- tf_keras: one flat list serves every output --------------------------------------------------


def _conforming_entries(compiled: CompileMetrics, y: Any, y_pred: Any, make: MetricMaker) -> list[MetricEntry]:
    outputs = tree.flatten(y_pred)
    names = list(compiled.output_names or pseudo_names(y_pred))
    targets = tree.flatten(y)
    plain = _per_output(compiled.user_metrics, y_pred, names, "metrics")
    weighted = _per_output(compiled.user_weighted_metrics, y_pred, names, "weighted metrics")
    entries: list[MetricEntry] = []
    keys: set[str] = set()
    rules = semantics.current()
    refused = rules.duplicate_metrics == "refused"
    for output, name in enumerate(names[: len(outputs)]):
        if rules.resolved_at_compile and targets[output] is None:
            continue
        prefix = f"{name}_" if len(names) > 1 else ""
        for given, is_weighted in ((plain[output], False), (weighted[output], True)):
            for identifier in given:
                if identifier is None:
                    continue
                metric, label = make.metric(identifier, targets[output], output)
                key = prefix + label
                if is_weighted and key in keys:
                    key = f"{prefix}weighted_{label}"
                if key in keys and refused:
                    raise ValueError(
                        f"Found two {'weighted ' if is_weighted else ''}metrics with the same name: {key}. "
                        "All the metrics added to the model need to have unique names."
                    )
                keys.add(key)
                metric.name = key
                entries.append(MetricEntry(metric, output, is_weighted, key))
    return entries if refused else _numbered(entries)


def _numbered(entries: list[MetricEntry]) -> list[MetricEntry]:
    """Give metrics of one name the keys `mse_1`, `mse_2`, ... (Keras 2.0)."""
    keys = [entry.key for entry in entries]
    return [
        replace(entry, key=f"{key}_{keys[: i + 1].count(key)}") if keys.count(key) > 1 else entry
        for i, (entry, key) in enumerate(zip(entries, keys, strict=True))
    ]


def _per_output(given: Any, y_pred: Any, names: list[str], argument: str) -> list[list[Any]]:
    """Return the metrics of each output as flat lists."""
    outputs = tree.flatten(y_pred)
    if not is_nested(given) or (isinstance(given, (list, tuple)) and not any(map(is_nested, given))):
        leaves = tree.flatten(given)
        if len(outputs) == 1:
            return [leaves]
        return [[_copy(leaf) for leaf in leaves] for _ in outputs]
    if isinstance(given, dict) and semantics.current().resolved_at_compile:
        given = {key: found for key, found in given.items() if key in names}
    given = conform(y_pred, names, given, argument)
    require_same_shape(given, y_pred, argument)
    return [tree.flatten(found) for (found,) in _up_to(y_pred, given)]


def _copy(metric: Any) -> Any:
    return type(metric).from_config(metric.get_config()) if isinstance(metric, metrics.Metric) else metric
