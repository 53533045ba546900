"""Callbacks, progress lines and utilities against what Keras 2.0.4 itself did (see `keras_2_0_cases`)."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import refkeras
from parity_tests import keras_2_0_cases as cases
from parity_tests.callback_runs import play, refkeras_engine
from parity_tests.engines import tensorflow_only
from parity_tests.model_zoo import ZOO, built
from parity_tests.shows import shows
from refkeras import callbacks, semantics, utils

pytestmark = tensorflow_only("compares with what Keras 2.0.4 did, recorded; no engine runs")

RECORDED = json.loads(cases.RECORD.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def keras_2_0(fresh_semantics):
    with semantics.use("keras-2.0"):
        yield


@shows("progress_line")
def test_bars():
    for case, theirs in zip(cases.bar_cases(), RECORDED["bars"], strict=True):
        assert cases.play_bar(utils.Progbar, case) == theirs, case


@shows(
    "batch_logs",
    "batch_hook_logs",
    "hook_logs",
    "callback_messages",
    "callback_warnings",
    "early_stopping_direction",
    "early_stopping_min_delta",
    "patience_counts",
    "plateau_min_rate",
    "plateau_rate",
    "plateau_direction",
    "rate_log_key",
    "scheduler_sees_rate",
    "checkpoint_first_epoch",
    "checkpoint_folder",
    "checkpoint_missing",
    "csv_validation_columns",
    "csv_columns_kept",
)
@pytest.mark.parametrize("index", range(len(RECORDED["fits"])))
def test_fits(index):
    run = cases.fit_cases()[index]
    assert play(refkeras_engine(keras_2_0=True), run) == RECORDED["fits"][index], run


@shows("to_categorical_arguments", "to_categorical_shape", "normalize_axis_0")
def test_numbers():
    for case, theirs in zip(cases.numeric_cases(), RECORDED["numbers"], strict=True):
        assert cases.play_numeric(utils, *case) == theirs, case


X, Y = np.ones((7, 4), "float32"), np.ones((7, 2), "float32")


def fitted(**options):
    model = built(refkeras, lambda k: k.Sequential([k.layers.Dense(2, input_shape=(4,))]))
    model.compile("sgd", "mse", metrics=["accuracy"])
    return model, model.fit(X, Y, batch_size=3, **options)


@shows("predict_verbose")
@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_which_methods_print_by_default(capsys):
    model, _ = fitted()
    assert RECORDED["defaults"]["fit"]["verbose"] == 1
    assert "Epoch 1/1" in capsys.readouterr().out
    model.evaluate(X, Y)
    assert RECORDED["defaults"]["evaluate"]["verbose"] == 1
    assert "/7" in capsys.readouterr().out
    model.predict(X)
    assert RECORDED["defaults"]["predict"]["verbose"] == 0
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_a_whole_fit(capsys):
    """What `Model._fit_loop` of Keras 2.0.4 prints, passes to callbacks and records."""
    _, history = fitted(epochs=2, validation_data=(X[:5], Y[:5]), verbose=1)
    out = capsys.readouterr().out
    assert out.startswith(
        "Train on 7 samples, validate on 5 samples\nEpoch 1/2\n\r3/7 [===========>..................] - ETA: "
    )
    last = r"\r7/7 \[={30}\] - \d+s - loss: \S+ - acc: \S+ - val_loss: \S+ - val_acc: \S+ *\n$"
    assert re.search(last, out)
    assert list(history.history) == ["val_loss", "val_acc", "loss", "acc"]
    assert history.params == {
        "batch_size": 3,
        "epochs": 2,
        "samples": 7,
        "verbose": 1,
        "do_validation": True,
        "metrics": ["loss", "acc", "val_loss", "val_acc"],
    }


@shows("summary_style", "plot_style")
@pytest.mark.parametrize("name", cases.model_cases())
@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_models(name):
    assert cases.model_texts(built(refkeras, ZOO[name])) == RECORDED["models"][name]


@shows("callback_arguments")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("EarlyStopping", {"baseline": 0.5}),
        ("EarlyStopping", {"restore_best_weights": True}),
        ("ModelCheckpoint", {"filepath": "m", "save_freq": 3}),
        ("ReduceLROnPlateau", {"min_delta": 0.5}),
        ("ReduceLROnPlateau", {"anything": 1}),
        ("LearningRateScheduler", {"schedule": len, "verbose": 1}),
    ],
)
def test_arguments_it_did_not_have(name, arguments):
    with pytest.raises(TypeError, match=f"{name}.. got an unexpected keyword argument {sorted(arguments)[-1]!r}"):
        getattr(callbacks, name)(**arguments)


@shows("history_restarts")
def test_a_history_used_again_is_emptied():
    """`History.on_train_begin` of Keras 2.0.4 makes a new dict."""
    history = callbacks.History()
    history.set_model(type("Model", (), {})())
    for loss in (0.5, 0.25):
        history.on_train_begin()
        history.on_epoch_end(0, {"loss": loss})
    assert history.history == {"loss": [0.25]}
