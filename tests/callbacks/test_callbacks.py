"""Arguments, messages and errors of the callbacks."""

import os

import numpy as np
import pytest

from refkeras import callbacks, semantics
from refkeras.callbacks.checkpoint_files import newest_match


class Optimizer:
    def __init__(self, rate, name="sgd"):
        self.learning_rate = rate
        self.name = name


class Model:
    def __init__(self, *optimizers):
        self.metrics = []
        self.loaded = []
        if len(optimizers) == 1:
            self.optimizer = optimizers[0]
        else:
            self.optimizer = type("Many", (), {"optimizers": list(optimizers)})()

    def load_weights(self, path):
        if "broken" in path:
            raise OSError("no weights in it")
        self.loaded.append(path)

    def save(self, path, overwrite=True):
        raise IsADirectoryError(path)


def with_model(callback, *optimizers):
    callback.set_model(Model(*optimizers))
    callback.on_train_begin()
    return callback


def test_an_unknown_direction_names_what_is_compiled():
    stop = with_model(callbacks.EarlyStopping("val_a_loss"), Optimizer(0.1))
    with pytest.raises(ValueError, match=r"monitor=val_a_loss.*compiled metrics are: none.*mode='min'"):
        stop.on_epoch_end(0, {"val_a_loss": 1.0})


def test_a_misspelt_argument_is_named():
    with pytest.raises(TypeError, match=r"'patiense'\. Did you mean 'patience'"):
        callbacks.EarlyStopping(patiense=3)
    with pytest.raises(TypeError, match="multiple values for argument 'monitor'"):
        callbacks.EarlyStopping("loss", monitor="loss")
    with pytest.raises(TypeError, match="at most 1 positional"):
        callbacks.TerminateOnNaN(True, False)


def test_batches_are_compared_only_when_the_direction_is_known():
    checkpoint = with_model(callbacks.ModelCheckpoint("m.keras", save_best_only=True, save_freq=1), Optimizer(0.1))
    checkpoint.best = 0.5
    with pytest.raises(TypeError, match="before the end of the first epoch"):
        checkpoint.on_train_batch_end(0, {"val_loss": 0.4})


def test_a_field_that_is_not_logged_is_named():
    checkpoint = with_model(callbacks.ModelCheckpoint("{nothing}.keras"), Optimizer(0.1))
    with pytest.raises(KeyError, match=r"nothing.*Available: epoch, loss"):
        checkpoint.on_epoch_end(0, {"loss": 0.4})


def test_a_directory_in_the_place_of_the_file(tmp_path):
    checkpoint = with_model(callbacks.ModelCheckpoint(tmp_path / "m.keras"), Optimizer(0.1))
    with pytest.raises(OSError, match="non-directory filepath"):
        checkpoint.on_epoch_end(0, {"loss": 0.4})


def test_options_are_refused():
    with semantics.use("tf_keras"), pytest.raises(TypeError, match="options=3 is not supported"):
        callbacks.ModelCheckpoint("m", options=3)


def test_newest_match(tmp_path):
    for i, name in enumerate(["m-01-a.keras", "m-02-b.keras", "other.keras"]):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (i, i))
    pattern = str(tmp_path / "m-{epoch:02d}-{loss}.keras")
    assert newest_match(pattern) == str(tmp_path / "m-02-b.keras")
    os.utime(tmp_path / "m-01-a.keras", (9, 9))
    assert newest_match(pattern) == str(tmp_path / "m-01-a.keras")
    assert newest_match(str(tmp_path / "none-{epoch}.keras")) is None


def test_weights_are_loaded_on_restart(tmp_path):
    (tmp_path / "m-1.h5").write_text("")
    with semantics.use("tf_keras"):
        checkpoint = callbacks.ModelCheckpoint(tmp_path / "m-{epoch}.h5", load_weights_on_restart=True)
        assert with_model(checkpoint, Optimizer(0.1)).model.loaded == [str(tmp_path / "m-1.h5")]
        (tmp_path / "broken.h5").write_text("")
        checkpoint = callbacks.ModelCheckpoint(tmp_path / "broken.h5", load_weights_on_restart=True)
        with pytest.raises(ValueError, match="Error loading file"):
            with_model(checkpoint, Optimizer(0.1))


def test_several_optimizers(capsys):
    parts = Optimizer(0.5, "a"), Optimizer(0.25, "b")
    scheduler = with_model(callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), *parts)
    scheduler.on_epoch_begin(0)
    logs = {}
    scheduler.on_epoch_end(0, logs)
    assert logs == {"learning_rate_a": 0.25, "learning_rate_b": 0.125}
    assert "setting b learning rate to 0.125." in capsys.readouterr().out
    plateau = with_model(callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1), *parts)
    for epoch in range(2):
        plateau.on_epoch_end(epoch, {"loss": 1.0})
    assert [part.learning_rate for part in parts] == [0.125, 0.0625]
    assert "reducing a learning rate to 0.125." in capsys.readouterr().out


def test_an_optimizer_without_a_rate():
    scheduler = callbacks.LearningRateScheduler(lambda epoch: 0.1)
    scheduler.set_model(type("Model", (), {"optimizer": None})())
    with pytest.raises(ValueError, match='Optimizer must have a "learning_rate" attribute'):
        scheduler.on_epoch_begin(0)


def test_a_monitored_array_is_no_best(tmp_path):
    checkpoint = with_model(callbacks.ModelCheckpoint("m.keras", "loss", save_best_only=True), Optimizer(0.1))
    with pytest.warns(UserWarning, match="scalar value"):
        assert checkpoint._should_save_model(0, {"loss": np.ones(3)}, "m.keras")


def test_the_best_weights_come_back(capsys):
    class Weights(Model):
        weights = 0

        def get_weights(self):
            return [self.weights]

        def set_weights(self, weights):
            self.weights = weights[0]

    stop = callbacks.EarlyStopping("loss", restore_best_weights=True, verbose=1)
    model = Weights(Optimizer(0.1))
    stop.set_model(model)
    stop.on_train_begin()
    for epoch, loss in enumerate([3.0, 1.0, 2.0]):
        model.weights = epoch
        stop.on_epoch_end(epoch, {"loss": loss})
    stop.on_train_end()
    assert model.weights == 1
    assert capsys.readouterr().out == (
        "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )
