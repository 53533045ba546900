"""Learning-rate schedules beside their formulas in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

from refkeras import Variable, config
from refkeras.optimizers import SGD, schedules
from refkeras.tensor import Tensor

LR = 0.3


def growing(s: int) -> float:
    """Return how much of its period is over at step `s`: periods are 5, 10 and 20 steps long."""
    return s / 5 if s < 5 else (s - 5) / 10 if s < 15 else (s - 15) / 20


CASES = {
    "exponential": (schedules.ExponentialDecay(LR, 7, 0.8), lambda s: LR * 0.8 ** (s / 7)),
    "exponential stairs": (schedules.ExponentialDecay(LR, 7, 0.8, staircase=True), lambda s: LR * 0.8 ** (s // 7)),
    "inverse": (schedules.InverseTimeDecay(LR, 7, 0.8), lambda s: LR / (1 + 0.8 * s / 7)),
    "inverse stairs": (schedules.InverseTimeDecay(LR, 7, 0.8, staircase=True), lambda s: LR / (1 + 0.8 * (s // 7))),
    "polynomial": (
        schedules.PolynomialDecay(LR, 11, 0.1, power=2.0),
        lambda s: (LR - 0.1) * (1 - min(s, 11) / 11) ** 2 + 0.1,
    ),
    "polynomial cycles": (
        schedules.PolynomialDecay(LR, 7, 0.1, cycle=True),
        lambda s: (LR - 0.1) * (1 - s / (7 * max(1, math.ceil(s / 7)))) + 0.1,
    ),
    "piecewise": (
        schedules.PiecewiseConstantDecay([3, 9], [LR, 0.2, 0.1]),
        lambda s: LR if s <= 3 else 0.2 if s <= 9 else 0.1,
    ),
    "cosine": (
        schedules.CosineDecay(LR, 13, alpha=0.2),
        lambda s: LR * (0.8 * (1 + math.cos(math.pi * min(s, 13) / 13)) / 2 + 0.2),
    ),
    "cosine after a rise": (
        schedules.CosineDecay(0.1, 13, warmup_target=LR, warmup_steps=4),
        lambda s: 0.1 + (LR - 0.1) * s / 4 if s < 4 else LR * (1 + math.cos(math.pi * min(s - 4, 13) / 13)) / 2,
    ),
    "restarts": (
        schedules.CosineDecayRestarts(LR, 5, t_mul=1.0, m_mul=0.5),
        lambda s: LR * 0.5 ** (s // 5) * (1 + math.cos(math.pi * (s % 5) / 5)) / 2,
    ),
    "longer restarts": (
        schedules.CosineDecayRestarts(LR, 5, alpha=0.1),
        lambda s: LR * (0.9 * (1 + math.cos(math.pi * growing(s))) / 2 + 0.1),
    ),
}
cases = pytest.mark.parametrize(("schedule", "formula"), CASES.values(), ids=CASES)
# A formula rounds at most ten times, at most at the size of the rate; a cosine's angle up to π adds a few.
TOLERANCE = 16 * 2.0**-24 * LR


@cases
def test_values(schedule, formula):
    for step in range(33):
        rate = schedule(step)
        assert isinstance(rate, Tensor) and rate.dtype == np.float32 and rate.shape == ()
        assert abs(float(rate) - formula(step)) <= TOLERANCE, step
        assert rate == schedule(Variable(step, dtype="int64")) == schedule(np.int64(step))


@cases
def test_several_steps_at_once(schedule, formula):
    steps = np.arange(33)
    rates = schedule(steps)
    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, [formula(int(s)) for s in steps], rtol=0, atol=TOLERANCE)


@cases
def test_an_optimizer_follows(schedule, formula):
    """Its first update uses step 0."""
    optimizer, w = SGD(schedule), Variable(0.0)
    for step in range(20):
        assert optimizer.learning_rate == schedule(step)
        before = w.numpy()
        optimizer.apply([np.float32(-1)], [w])
        assert w.numpy() == before + schedule(step)


@cases
def test_config(schedule, formula):
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule) and again.get_config() == schedule.get_config()


def test_dtype_is_that_of_the_rate():
    with config.floatx_is("float64"):
        assert schedules.ExponentialDecay(0.1, 10, 0.5)(3).dtype == np.float32
    assert schedules.ExponentialDecay(np.float64(0.1), 10, 0.5)(3).dtype == np.float64


def test_refusals():
    with pytest.raises(ValueError, match="decay_steps=0"):
        schedules.PolynomialDecay(0.1, 0)
    with pytest.raises(ValueError, match="first_decay_steps=-1"):
        schedules.CosineDecayRestarts(0.1, -1)
    with pytest.raises(ValueError, match=r"length 2.*length 2"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(IndexError, match="boundary"):
        schedules.PiecewiseConstantDecay([], [0.1])(0)
    with pytest.raises(ValueError, match="initial_learning_rate=1"):
        schedules.ExponentialDecay(1, 10, 0.5)(0)
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(0)
    with pytest.raises(NotImplementedError, match="get_config"):
        schedules.LearningRateSchedule().get_config()
    with pytest.raises(TypeError, match="Linear"):
        schedules.deserialize({"class_name": "Linear", "config": {}})
