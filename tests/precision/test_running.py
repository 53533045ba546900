"""What is made inside `precision.bars` has bars too."""

import numpy as np
import pytest

import refkeras
from refkeras import precision, semantics
from refkeras.precision import BarArray, compare
from refkeras.precision.rounding import COPIES

X = np.random.default_rng(3).normal(size=(5, 3)).astype("float32")
Y = np.random.default_rng(4).normal(size=(5, 2)).astype("float32")


def compiled(**arguments):
    refkeras.utils.set_random_seed(2)
    model = refkeras.Sequential([refkeras.Input((3,)), refkeras.layers.Dense(2)])
    model.compile(refkeras.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.7, **arguments), "mse")
    return model


@pytest.mark.parametrize("engine", ["keras-3@tensorflow", "tf_keras"])
@pytest.mark.parametrize("overwrite", [None, 2])
def test_an_optimizer_with_an_average_that_is_built_inside(engine, overwrite):
    """Whether averages begin with the weights or with zeros, the float32 run lies within the bars of every slot."""
    with semantics.use(engine):
        model, plain = (compiled(ema_overwrite_frequency=overwrite) for _ in range(2))
        assert not model.optimizer._averages
        with precision.bars(model) as found:
            for _ in range(3):
                model.train_on_batch(X, Y)
                plain.train_on_batch(X, Y)
            slots = found.slots
            bars, values = ([v.value.copy() for v in (*m.weights, *m.optimizer._averages)] for m in (model, plain))
        assert [bar.shape for bar in bars] == [(3, 2), (2,)] * 2
        assert sum(isinstance(slot, BarArray) for slot in slots) >= 2
        for bar, value in zip(bars, values, strict=True):
            assert (bar.sigma > 0).all() and compare(bar, value).agrees
        assert all(type(v.value) is np.ndarray for v in model.optimizer.variables)
        model.train_on_batch(X, Y)  # goes on without bars


def test_an_average_begins_with_the_bars_of_its_weight():
    """Weights that are known to a percent only, and a step that does not move them: the average errs as they do."""
    model = compiled()
    model.optimizer.learning_rate = 0.0
    errors = np.where(np.random.default_rng(0).random((COPIES, 3, 2)) < 0.5, -0.01, 0.01)
    kernel = model.weights[0]
    with precision.bars(model):
        kernel._value = BarArray.made(kernel.value.value, errors, None, kernel.value.machine)
        model.train_on_batch(X, Y)
        weight, average = kernel.value.copy(), model.optimizer._averages[0].value.copy()
    np.testing.assert_array_equal(weight.deviations, errors)
    own_rounding = (average - weight).sigma
    assert (own_rounding < 1e-6).all() and (average.sigma > 0.009).all()
