"""Optimizers to and from records."""

from __future__ import annotations

import numpy as np
import pytest

from refkeras import Variable, naming, optimizers, saving, semantics
from refkeras.optimizers import SGD, Adam, AdamW, RMSprop, schedules

MAKERS = {
    "SGD": lambda: SGD(momentum=0.5, nesterov=True, clipvalue=0.5),
    "RMSprop": lambda: RMSprop(schedules.InverseTimeDecay(0.1, 10, 0.5), centered=True),
    "Adam": lambda: Adam(0.25, amsgrad=True, name="mine"),
}
PRESETS = ["keras-3@tensorflow", "tf_keras", "keras-2.0"]


@pytest.mark.parametrize("preset", ["keras-3@tensorflow", "tf_keras"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_there_and_back(make, preset):
    with semantics.use(preset):
        optimizer = make()
        record = optimizers.serialize(optimizer)
        again = optimizers.deserialize(record)
        assert type(again) is type(optimizer)
        assert optimizers.serialize(again) == record
        assert optimizers.serialize(optimizers.get(record)) == record
        assert record["module"] == "keras.optimizers"


@pytest.mark.parametrize("preset", PRESETS)
def test_names(preset):
    with semantics.use(preset):
        for name, cls in {"sgd": SGD, "SGD": SGD, "rmsprop": RMSprop, "Adam": Adam, "aDAM": Adam}.items():
            assert type(optimizers.get(name)) is cls
        assert type(optimizers.get({"class_name": "SGD"})) is SGD


def test_automatic_names():
    naming.reset()
    assert [make().name for make in (Adam, Adam, RMSprop, AdamW, SGD)] == [
        "adam",
        "adam_1",
        "rm_sprop",
        "adam_w",
        "sgd",
    ]
    with semantics.use("tf_keras"):
        assert [make().name for make in (Adam, Adam, RMSprop)] == ["Adam", "Adam", "RMSprop"]


@saving.register_keras_serializable("mine")
class Plain(optimizers.Optimizer):
    def __init__(self, learning_rate=0.5, bonus=1.0, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.bonus = bonus

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, (learning_rate + self.bonus) * gradient)

    def get_config(self):
        return {**super().get_config(), "bonus": self.bonus}


def test_optimizers_of_ones_own():
    again = optimizers.get(optimizers.serialize(Plain(bonus=3.0, weight_decay=0.5)))
    assert (again.bonus, again.weight_decay) == (3.0, 0.5)
    assert type(optimizers.get("mine>Plain")) is Plain
    w = Variable(1.0)
    Plain().apply([np.ones(())], [w])
    assert float(w) == -0.5
    with pytest.raises(ValueError, match=r"bonos.*learning_rate"):
        Plain(bonos=3.0)
