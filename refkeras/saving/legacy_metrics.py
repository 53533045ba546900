"""How tf_keras writes the metrics of a model with several outputs into legacy `.h5` files.

It writes them as they are after the first batch: each an object, named after
its output. A loaded model takes them as they are.
"""

from __future__ import annotations

from typing import Any

from refkeras import metrics
from refkeras.saving.registration import get_registered_name
from refkeras.saving.serialization import serialize_keras_object

__all__ = ["function_name", "metrics_by_output", "without_prefixes"]


def metrics_by_output(model: Any, given: Any) -> Any:
    """Return records of metrics, in a list for each output of a model that has several.

    Args:
        model: a compiled functional model.
        given: `metrics` or `weighted_metrics` as given to `compile`.
    """
    if given is None:
        return None
    names = model.output_names
    if isinstance(given, dict):
        each = [given.get(name) for name in names]
    elif isinstance(given, (list, tuple)) and any(isinstance(item, (list, tuple)) for item in given):
        each = list(given)
    else:
        each = [given] * len(names)
    made = {metric.name: metric for metric in model.metrics}
    rows = zip(names, model.outputs, each, strict=False)
    return [[_record(metric, name, output, made) for metric in _listed(own)] for name, output, own in rows]


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _record(metric: Any, output_name: str, output: Any, made: dict[str, Any]) -> dict[str, Any]:
    key = _key(metric)
    full = key if key.startswith(f"{output_name}_") else f"{output_name}_{key}"
    found = made.get(full)
    if found is None:
        found = _made(metric, full, output)
    config = {name: function_name(value) for name, value in serialize_keras_object(found.get_config()).items()}
    return {"class_name": get_registered_name(type(found)), "config": {**config, "name": full}}


def _key(metric: Any) -> str:
    if isinstance(metric, str) and metric.lower() not in ("accuracy", "acc"):
        found = metrics.get(metric)
        return found.name if hasattr(found, "get_config") else metric
    return metric if isinstance(metric, str) else getattr(metric, "name", None) or metric.__name__


def _made(metric: Any, name: str, output: Any) -> Any:
    if isinstance(metric, str) and metric.lower() in ("accuracy", "acc"):
        # tf_keras takes the targets to be shaped as the outputs, until it sees them.
        metric = f"{metrics.resolve_accuracy(output.shape, output.shape)}_accuracy"
    found = metrics.get(metric)
    return found if hasattr(found, "get_config") else metrics.MeanMetricWrapper(found, name=name)


def function_name(value: Any) -> Any:
    """Return a function's name instead of its record, and anything else as it is."""
    is_record = isinstance(value, dict) and value.get("class_name") == "function"
    return value["config"] if is_record else value


def without_prefixes(config: dict[str, Any], output_names: list[str]) -> dict[str, Any]:
    """Return a `training_config` whose metrics do not bear the names of outputs, which `compile` puts before them."""
    if len(output_names) < 2:
        return config
    found = dict(config)
    for key in ("metrics", "weighted_metrics"):
        by_output = config.get(key)
        if isinstance(by_output, list) and all(isinstance(item, list) for item in by_output):
            pairs = zip(output_names, by_output, strict=False)
            found[key] = [[_without_prefix(metric, f"{name}_") for metric in own] for name, own in pairs]
    return found


def _without_prefix(metric: Any, prefix: str) -> Any:
    name = metric["config"].get("name") if isinstance(metric, dict) and isinstance(metric.get("config"), dict) else None
    if not isinstance(name, str) or not name.startswith(prefix):
        return metric
    return {**metric, "config": {**metric["config"], "name": name.removeprefix(prefix)}}
