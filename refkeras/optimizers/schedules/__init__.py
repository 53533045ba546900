"""Learning-rate schedules (`keras.optimizers.schedules`)."""

from __future__ import annotations

from typing import Any

from refkeras.optimizers.schedules.cosine_decay import CosineDecay, CosineDecayRestarts
from refkeras.optimizers.schedules.exponential_decay import ExponentialDecay
from refkeras.optimizers.schedules.inverse_time_decay import InverseTimeDecay
from refkeras.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from refkeras.optimizers.schedules.piecewise_constant_decay import PiecewiseConstantDecay
from refkeras.optimizers.schedules.polynomial_decay import PolynomialDecay
from refkeras.saving import serialization

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}
serialization.public_module("keras.optimizers.schedules", lambda: dict(_CLASSES))


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return the record of a schedule.

    >>> serialize(ExponentialDecay(0.1, 10, 0.5))["class_name"]
    'ExponentialDecay'
    """
    return serialization.serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> LearningRateSchedule:
    """Return the schedule that a record describes.

    Raises:
        TypeError: an unknown class.
    """
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=_CLASSES)
