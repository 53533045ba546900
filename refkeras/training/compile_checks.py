"""What `compile` itself refuses; everything else is found when the first batch shows the outputs.

`keras/src/trainers/compile_utils.py` (Keras 3.15); `keras/engine/training.py` (Keras 2.0.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refkeras import losses, metrics, semantics, tree
from refkeras.naming import did_you_mean

__all__ = ["check_loss", "check_metrics", "is_accuracy"]


def check_loss(loss: Any, loss_weights: Any, output_names: Sequence[str] | None) -> None:
    """Refuse what `compile` refuses as `loss` and `loss_weights`.

    Raises:
        ValueError: weights of a type that Keras 3 does not take (it takes a Python float, a list, a tuple or a dict);
            in Keras 2.0 also a list of other than one entry per output, an unknown output or an unknown loss.
        TypeError: weights that are neither list nor dict (Keras 2.0).
    """
    rules = semantics.current()
    if rules.loss_weights_checked and loss_weights and not isinstance(loss_weights, (list, tuple, dict, float)):
        raise ValueError(
            f"loss_weights={loss_weights!r} of type {type(loss_weights).__name__} is not accepted. Expected a Python "
            "float (for every loss), or a list, tuple or dict with one float per loss."
        )
    if rules.resolved_at_compile:
        names = list(output_names or ())
        _check_entries("loss", loss, names)
        for entry in tree.flatten(loss):
            if entry is not None:
                losses.get(entry)
        if loss_weights is not None and not isinstance(loss_weights, (list, dict)):
            raise TypeError(f"Could not interpret loss_weights argument: {loss_weights!r}; expected a list or a dict.")
        _check_entries("loss_weights", loss_weights, names)


def _check_entries(argument: str, given: Any, names: list[str]) -> None:
    if isinstance(given, dict):
        for key in given:
            if key not in names:
                raise ValueError(
                    f"Unknown entry in {argument} dictionary: {key!r}. Only expected the following keys: {names}."
                    f"{did_you_mean(key, names)}"
                )
    elif isinstance(given, list) and len(given) != len(names):
        raise ValueError(
            f"When passing a list as {argument}, it should have one entry per model outputs. "
            f"The model has {len(names)} outputs, but you passed {argument}={given!r}."
        )


def check_metrics(given: Any, weighted: Any) -> None:
    """Refuse what `compile` refuses as `metrics` and `weighted_metrics`.

    Raises:
        ValueError: neither list, tuple nor dict (Keras 3); one `Metric` object twice (tf_keras); an unknown name, or
            a list in a list (Keras 2.0).
        TypeError: neither list nor dict (Keras 2.0).
    """
    rules = semantics.current()
    for argument, value in (("metrics", given), ("weighted_metrics", weighted)):
        if rules.metrics_are_listed and value and not isinstance(value, (list, tuple, dict)):
            raise ValueError(
                f"Expected `{argument}` argument to be a list, tuple, or dict. "
                f"Received instead: {argument}={value!r} of type {type(value).__name__}."
            )
    if rules.duplicate_metrics == "refused":
        _refuse_shared_objects(given, weighted)
    if rules.resolved_at_compile and given:
        if not isinstance(given, (list, dict)):
            raise TypeError(
                f"Type of `metrics` argument not understood. Expected a list or dictionary, found: {given!r}"
            )
        entries = given if isinstance(given, list) else tree.flatten(given)
        for entry in entries:
            if isinstance(entry, str) and entry.lower() in _ACCURACY and not is_accuracy(entry):
                raise ValueError(f"Unknown metric function: {entry!r}. Did you mean {entry.lower()!r}?")
            if not is_accuracy(entry):
                metrics.get(entry)


_ACCURACY = ("accuracy", "acc")


def is_accuracy(identifier: Any) -> bool:
    """Whether this is the name that stands for the accuracy that fits the output."""
    if not isinstance(identifier, str):
        return False
    any_case = semantics.current().metric_names != "function name"
    return (identifier.lower() if any_case else identifier) in _ACCURACY


def _refuse_shared_objects(*arguments: Any) -> None:
    seen: list[Any] = []
    for item in (leaf for argument in arguments for leaf in tree.flatten(argument)):
        if isinstance(item, metrics.Metric):
            if any(item is other for other in seen):
                raise ValueError(
                    f"The metric object {item.name!r} was given twice in metrics and weighted_metrics; "
                    "it would be updated twice per batch. Make one object for each."
                )
            seen.append(item)
