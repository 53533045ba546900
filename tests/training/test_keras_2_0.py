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


# -- arguments, as Keras 2.0.4's sources have them ------------------------------------------------------------


def one_unit(sequential=True):
    x = refkeras.Input((2,))
    if sequential:
        return refkeras.Sequential([x, refkeras.layers.Dense(1, kernel_initializer="ones")])
    return refkeras.Model(x, refkeras.layers.Dense(1, kernel_initializer="ones")(x))


X, Y = np.arange(8.0).reshape(4, 2) / 4, np.ones((4, 1))


def test_arguments_of_compile_by_position():
    with semantics.use("keras-2.0"):
        plain, weighed, sequential = one_unit(), one_unit(sequential=False), one_unit()
        plain.compile("sgd", "mse", ["mae"])
        weighed.compile("sgd", "mse", ["mae"], [0.5])
        sequential.compile("sgd", "mse", ["mae"], None, loss_weights=[0.5])
        losses = [model.evaluate(X, Y, 4, 0) for model in (plain, weighed, sequential)]
        assert losses[1] == losses[2] == [losses[0][0] / 2, losses[0][1]]
        with pytest.raises(TypeError, match=r"compile\(\) takes at most 4 positional arguments"):
            sequential.compile("sgd", "mse", ["mae"], None, None)
        with pytest.raises(TypeError, match="unexpected keyword argument 'no_such'"):
            sequential.compile("sgd", "mse", no_such=1)
        with pytest.raises(TypeError, match="multiple values for argument 'loss'"):
            sequential.compile("sgd", "mse", loss="mae")


def test_epochs():
    """Ten of a Sequential, one of a Model; `nb_epoch` is their old name."""
    with semantics.use("keras-2.0"):
        for sequential, epochs in ((True, 10), (False, 1)):
            model = one_unit(sequential)
            model.compile("sgd", "mse")
            assert len(model.fit(X, Y, verbose=0).epoch) == epochs
            assert len(model.fit(X, Y, 2, 3, 0).epoch) == 3
            with pytest.warns(UserWarning, match="`nb_epoch` argument in `fit` has been renamed `epochs`"):
                assert len(model.fit(X, Y, nb_epoch=2, verbose=0).epoch) == 2


def test_weights_of_a_batch_by_position():
    """A Sequential takes those of classes first, a Model those of samples."""
    weights, classes = np.array([1.0, 2.0, 3.0, 0.5]), {1: 3.0}
    with semantics.use("keras-2.0"):
        seen = []
        for sequential, given in (
            (True, [None, weights]),
            (False, [weights, None]),
            (True, [classes]),
            (False, [None]),
            (False, [weights, classes]),  # those of samples count, those of classes do not
        ):
            model = one_unit(sequential)
            model.compile("sgd", "mse")
            seen.append(model.train_on_batch(X, Y, *given))
    assert seen[0] == seen[1] == seen[4] != seen[3]
    assert seen[2] == pytest.approx(3 * seen[3])
