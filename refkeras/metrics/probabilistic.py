"""The cross-entropies as metrics."""

from __future__ import annotations

from typing import Any

from refkeras import semantics
from refkeras.losses.divergences import kl_divergence, poisson
from refkeras.losses.functions import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from refkeras.metrics.metric import Metric
from refkeras.metrics.reduction import MeanMetricWrapper

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson", "SparseCategoricalCrossentropy"]


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `binary_crossentropy` over all samples.

    Args:
        name, dtype: as in `Metric`.
        from_logits, label_smoothing: as in `binary_crossentropy`.

    Source: Keras 3.15, `keras/src/metrics/probabilistic_metrics.py`.

    >>> round(float(BinaryCrossentropy()([[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    0.8149
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `categorical_crossentropy` over all samples.

    Args:
        name, dtype: as in `Metric`.
        from_logits, label_smoothing, axis: as in `categorical_crossentropy`.

    Source: Keras 3.15, `keras/src/metrics/probabilistic_metrics.py`.

    >>> round(float(CategoricalCrossentropy()([[0, 1, 0], [0, 0, 1]], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])), 4)
    1.1769
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `sparse_categorical_crossentropy` over all samples.

    Without a `sample_weight`, Keras 3 counts the samples of `ignore_class` too, with 0.

    Args:
        name, dtype: as in `Metric`.
        from_logits, ignore_class, axis: as in `sparse_categorical_crossentropy`.

    Source: Keras 3.15, `keras/src/metrics/probabilistic_metrics.py`.

    >>> round(float(SparseCategoricalCrossentropy()([1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]])), 4)
    1.1769
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}


class Poisson(MeanMetricWrapper):
    """The mean of `poisson` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/probabilistic_metrics.py`.

    >>> round(float(Poisson()([[2.0, 0.0]], [[1.0, 3.0]])), 4)
    2.0
    """

    def __init__(self, name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class KLDivergence(MeanMetricWrapper):
    """The mean of `kl_divergence` over all samples.

    Args:
        name: defaults to `"kl_divergence"`; in tf_keras to `"kullback_leibler_divergence"`.
        dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/probabilistic_metrics.py`.

    >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.5]])), 4)
    0.3466
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(kl_divergence, name or semantics.current().divergence_metric_name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}
