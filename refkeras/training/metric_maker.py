"""Making the `Metric` objects that `compile(metrics=)` asks for, and their names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refkeras import losses, metrics, semantics
from refkeras.metrics.names import resolve_accuracy
from refkeras.training.compile_checks import is_accuracy
from refkeras.training.compile_losses import is_crossentropy, object_name

__all__ = ["MetricMaker"]


class MetricMaker:
    """Makes `Metric` objects for one resolution."""

    def __init__(self, y_flat: Sequence[Any], pred_flat: Sequence[Any], term_losses: dict[int, Any]) -> None:
        self.y_flat = y_flat
        self.pred_flat = pred_flat
        self.term_losses = term_losses

    def metric(self, identifier: Any, y: int | None, output: int) -> tuple[Any, str]:
        """Return the metric object and its name, without any output prefix."""
        rules = semantics.current()
        found, standard = self.find(identifier, y, output)
        if isinstance(found, metrics.Metric):
            name = identifier if isinstance(identifier, str) and rules.metric_names == "as given" else found.name
        elif rules.metric_names == "function name":
            found, name = (
                metrics.MeanMetricWrapper(found),
                standard or _OLD_LABELS.get(object_label(found), object_label(found)),
            )
        else:
            name = identifier if isinstance(identifier, str) else self.label(found)
            found = metrics.MeanMetricWrapper(found, name=name)
        if rules.metric_names == "as given":
            found.name = name
        return found, name

    def find(self, identifier: Any, y: int | None, output: int) -> tuple[Any, str | None]:
        """Return what the identifier names, and the standard name where Keras 2.0 logs that."""
        rules = semantics.current()
        if isinstance(identifier, str):
            if is_accuracy(identifier):
                kind = self.kind(y, output)
                if rules.metric_names == "as given":
                    return getattr(metrics, _ACCURACY[kind])(name=identifier), None
                return metrics.get(f"{kind}_accuracy"), "acc"
            if is_crossentropy(identifier) and rules.crossentropy_by_shape == "metric":
                return metrics.get(f"{self.kind(y, output)}_crossentropy"), None
        if isinstance(identifier, type) and not rules.loss_class_is_instantiated:
            name = identifier.__name__
            raise TypeError(f"metrics contains the class {name}: pass an object, {name}().")
        try:
            return metrics.get(identifier), None
        except ValueError as error:
            if isinstance(identifier, str) and rules.unknown_metric == "TypeError":
                raise TypeError(str(error)) from None
            raise

    def kind(self, y: int | None, output: int) -> str:
        target = None if y is None else self.y_flat[y]
        prediction = self.pred_flat[output]
        if semantics.current().accuracy_from_loss:
            return self.kind_by_loss(output, prediction)
        if target is None:
            raise ValueError("metrics=['accuracy'] needs targets y.")
        return resolve_accuracy(expand_target(target, prediction).shape, prediction.shape)

    def kind_by_loss(self, output: int, prediction: Any) -> str:
        loss = self.term_losses.get(output)
        function = getattr(loss, "fn", None)
        if prediction.shape[-1] == 1 or function is losses.binary_crossentropy:
            return "binary"
        return "sparse_categorical" if function is losses.sparse_categorical_crossentropy else "categorical"

    def label(self, target: Any) -> str:
        return object_name(target) if semantics.current().metric_names == "as given" else object_label(target)


_ACCURACY = {
    "binary": "BinaryAccuracy",
    "sparse_categorical": "SparseCategoricalAccuracy",
    "categorical": "CategoricalAccuracy",
}
# What Keras 2.0 called these functions.
_OLD_LABELS = {
    "cosine_similarity": "cosine_proximity",
    "kl_divergence": "kullback_leibler_divergence",
    "log_cosh": "logcosh",
}


def object_label(target: Any) -> str:
    """Return the name that tf_keras logs a function or object under (`get_custom_object_name`)."""
    if hasattr(target, "name"):
        return target.name
    return getattr(target, "__name__", None) or object_name(target)


def expand_target(y: Any, y_pred: Any) -> Any:
    """Return `y` (B,) as (B, 1) where tf_keras compares it with predictions of rank 2."""
    if semantics.current().targets_match_predictions and y.ndim == 1 and y_pred.ndim == 2:
        return y[:, None]
    return y
