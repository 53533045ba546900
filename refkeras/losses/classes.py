"""The losses as classes (`keras.losses`)."""

from __future__ import annotations

from typing import Any

from refkeras.losses import functions
from refkeras.losses.loss import Loss, LossFunctionWrapper

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
]


class MeanSquaredError(LossFunctionWrapper):
    """The mean of `mean_squared_error` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 0.0]]))
    1.25
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(functions.mean_squared_error, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of `mean_absolute_error` over the samples.

    Args:
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(MeanAbsoluteError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [2.0, 0.0]]))
    0.75
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(functions.mean_absolute_error, reduction, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return Loss.get_config(self)


class BinaryCrossentropy(LossFunctionWrapper):
    """The mean of `binary_crossentropy` over the samples.

    Args:
        from_logits, label_smoothing, axis: as in `binary_crossentropy`.
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(BinaryCrossentropy(from_logits=True)([[1.0], [0.0]], [[1000.0], [1000.0]]))
    500.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Any = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            functions.binary_crossentropy,
            reduction,
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
        return {**Loss.get_config(self), **self._fn_kwargs}


class CategoricalCrossentropy(LossFunctionWrapper):
    """The mean of `categorical_crossentropy` over the samples.

    Args:
        from_logits, label_smoothing, axis: as in `categorical_crossentropy`.
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(CategoricalCrossentropy(from_logits=True)([[1.0, 0.0], [0.0, 1.0]], [[0.0, 60.0], [0.0, 60.0]]))
    30.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            functions.categorical_crossentropy,
            reduction,
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
        return {**Loss.get_config(self), **self._fn_kwargs}


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """The mean of `sparse_categorical_crossentropy` over the samples.

    Args:
        from_logits, ignore_class, axis: as in `sparse_categorical_crossentropy`.
        reduction, name, dtype: as in `Loss`.

    Source: Keras 3.15, `keras/src/losses/losses.py`.

    >>> float(SparseCategoricalCrossentropy(from_logits=True)([0, 1], [[0.0, 60.0], [0.0, 60.0]]))
    30.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            functions.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class

    def get_config(self) -> dict[str, Any]:
        # Keras 3.15 leaves `axis` out.
        return {**Loss.get_config(self), "from_logits": self.from_logits, "ignore_class": self.ignore_class}
