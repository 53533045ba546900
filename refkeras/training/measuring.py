"""`compute_loss`, `compute_metrics` and what the metrics have come to (`keras/src/trainers/trainer.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import semantics, tree
from refkeras.tensor import wrap
from refkeras.training.arrays import to_floatx
from refkeras.training.compile_metrics import CompileMetrics
from refkeras.training.compiled import results_of
from refkeras.training.steps import with_penalties

__all__ = ["Measuring"]


class Measuring:
    """The part of `Trainer` that takes a step apart: the loss and the metrics of outputs that are at hand."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss that a step minimizes: Σ weight · loss over the outputs, and the penalties of `losses`.

        The running means of the parts of a loss over several outputs count it, in tf_keras that of the whole, too.

        Args:
            x: not looked at.
            y: targets.
            y_pred: what the model returned for `x`; a mask that it carries counts.
            sample_weight: one weight per row (or per row and step).
            training: whether it is for training.

        Returns:
            A scalar Tensor.

        Raises:
            ValueError: `compile` was not called (RuntimeError in tf_keras), there is no loss, or it does not fit `y`.

        Example:

            >>> import numpy as np, refkeras
            >>> model = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1)])
            >>> model.compile(loss="mse")
            >>> model.compute_loss(y=np.array([[1.0], [3.0]]), y_pred=np.zeros((2, 1))).item()
            5.0
        """
        compiled = self._ready("compute_loss").compiled  # type: ignore[attr-defined]
        penalties = self.losses  # type: ignore[attr-defined]
        data = _arrays(y, y_pred, sample_weight)
        bound = compiled.bind(*data, training=training, regularized=bool(penalties), wanted=["losses"])
        ys, preds, ws = _flat(data)
        with np.errstate(all="ignore"):
            total, parts = bound.value(ys, preds, ws)
            total = with_penalties(total, penalties)
            whole = total if semantics.current().output_matching == "conform" else None
            compiled.track(whole, parts, len(preds[0]), rows_are_known=True)
        return total if hasattr(total, "_keras_logits") else wrap(np.asarray(total))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the compiled metrics, and return what all metrics have come to; arguments as in `compute_loss`."""
        compiled = self._ready("compute_metrics").compiled  # type: ignore[attr-defined]
        data = _arrays(y, y_pred, sample_weight)
        with np.errstate(all="ignore"):
            compiled.bind(*data, wanted=["metrics"]).update(*_flat(data))
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the results of `metrics` by their names: of all batches since they were reset.

        Raises:
            ValueError: (Keras 3) the compiled metrics have seen no batch yet.
        """
        metrics = self.metrics  # type: ignore[attr-defined]
        if any(isinstance(metric, CompileMetrics) and not metric.built for metric in metrics):
            raise ValueError("The compiled metrics have no result yet: they are built with the first batch.")
        return results_of(metrics)


def _arrays(*data: Any) -> list[Any]:
    return [None if part is None else tree.map_structure(_array, part) for part in data]


def _flat(data: list[Any]) -> list[Any]:
    return [None if part is None else tree.flatten(part) for part in data]


def _array(value: Any) -> Any:
    """An array as batches have it: float64 becomes `floatx()`, a Tensor keeps its mask."""
    if value is None or (hasattr(value, "dtype") and type(value) is not np.ndarray):
        return value
    return to_floatx(np.asarray(value))
