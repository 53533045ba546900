"""Under `keras-2.0` batches log their own values, and the line counts samples."""

import numpy as np
import pytest

import refkeras
from refkeras import semantics


@pytest.fixture
def keras_2_0():
    with semantics.use("keras-2.0"):
        yield


@pytest.fixture
def run(keras_2_0):
    """A model, its data in batches of 4, 4 and 2, and the logs of every batch."""
    refkeras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(13, 5)).astype("float32"), rng.normal(size=(13, 1)).astype("float32")
    model = refkeras.Sequential([refkeras.layers.Input((5,)), refkeras.layers.Dense(1)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    seen = []
    callback = refkeras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(dict(logs)))

    def fit(**options):
        return model.fit(x, y, batch_size=4, epochs=1, validation_split=0.2, callbacks=[callback], **options)

    return fit, seen, model, (x, y)


def test_batches_log_their_own_values_and_epochs_their_mean(run):
    fit, seen, _, _ = run
    history = fit(verbose=0).history
    assert [(logs["batch"], logs["size"]) for logs in seen] == [(0, 4), (1, 4), (2, 2)]
    for key in ("loss", "mean_absolute_error"):
        mean = sum(logs[key] * logs["size"] for logs in seen) / 10
        assert history[key] == [pytest.approx(mean, rel=1e-15)]
        assert len({logs[key] for logs in seen}) == 3
    assert list(history) == ["val_loss", "val_mean_absolute_error", "loss", "mean_absolute_error"]


def test_the_line_counts_samples(run, capsys):
    fit, _, model, (x, y) = run
    history = fit(verbose=1).history
    said = capsys.readouterr().out
    assert said.startswith("Train on 10 samples, validate on 3 samples\nEpoch 1/1\n")
    values = " - ".join(f"{key}: {history[key][0]:.4f}" for key in ("loss", "mean_absolute_error"))
    assert f"\r10/10 [==============================] - 0s - {values}" in said
    model.evaluate(x, y, batch_size=4, verbose=1)
    assert "\r 4/13 [========>" in capsys.readouterr().out
    model.predict(x, batch_size=8, verbose=1)
    assert "\r 8/13 [=================>" in capsys.readouterr().out
