"""The hinge losses as metrics."""

from __future__ import annotations

from typing import Any

from refkeras.losses.margins import categorical_hinge, hinge, squared_hinge
from refkeras.metrics.reduction import MeanMetricWrapper

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class Hinge(MeanMetricWrapper):
    """The mean of `hinge` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/hinge_metrics.py`.

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.125
    """

    def __init__(self, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class SquaredHinge(MeanMetricWrapper):
    """The mean of `squared_hinge` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/hinge_metrics.py`.

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    def __init__(self, name: str = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


class CategoricalHinge(MeanMetricWrapper):
    """The mean of `categorical_hinge` over all samples.

    Args:
        name, dtype: as in `Metric`.

    Source: Keras 3.15, `keras/src/metrics/hinge_metrics.py`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]]))
    1.25
    """

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}
