"""Ctrl-C in fit: whole steps only, and a history that can be used."""

import os
import signal

import numpy as np
import pytest

import refkeras
from refkeras.training.interrupts import Interrupts


def make():
    refkeras.utils.set_random_seed(5)
    model = refkeras.Sequential(
        [refkeras.Input((4,)), refkeras.layers.Dense(3, activation="tanh"), refkeras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    return model


X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = X[:, :1].copy()


class InterruptedUpdate(refkeras.callbacks.Callback):
    """Sends Ctrl-C from inside the update of step `at`."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.at and int(self.model.optimizer.iterations) == self.at + 5:
            plain = self.model.optimizer.apply

            def apply(gradients, variables):
                os.kill(os.getpid(), signal.SIGINT)
                plain(gradients, variables)

            self.model.optimizer.apply = apply


@pytest.mark.parametrize("at", [0, 2, 4])
def test_ctrl_c_in_the_middle_of_an_update(at):
    model = make()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=4, epochs=5, shuffle=False, verbose=0, callbacks=[InterruptedUpdate(at)])
    assert int(model.optimizer.iterations) == 5 + at + 1
    assert model.history.epoch == [0]
    assert len(model.history.history["loss"]) == 1
    reference = make()
    steps = 0
    for _ in range(2):
        for start in range(0, 20, 4):
            if steps < 5 + at + 1:
                reference.train_on_batch(X[start : start + 4], Y[start : start + 4])
                steps += 1
    for a, b in zip(model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_handler_is_put_back():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_interrupt_outside_an_update_is_immediate():
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), signal.SIGINT)


def test_somebody_elses_handler_is_left_alone():
    def own(number, frame):
        pass

    signal.signal(signal.SIGINT, own)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
