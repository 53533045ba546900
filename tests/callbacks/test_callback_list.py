"""Which hooks are called, in which order, and what a batch that nobody listens to costs."""

import timeit

import pytest

from refkeras import callbacks, semantics
from refkeras.callbacks import Callback, CallbackList, History, LambdaCallback, ModelCheckpoint, ProgbarLogger


class Model:
    metrics = ()
    stop_training = False


class Note(Callback):
    def __init__(self, calls, name):
        super().__init__()
        self.calls, self.name = calls, name

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((self.name, dict(logs)))
        logs[self.name] = epoch


def test_callbacks_share_one_dict_and_come_before_history(capsys):
    calls, model = [], Model()
    hooks = CallbackList(
        [Note(calls, "a"), [Note(calls, "b")]],
        add_history=True,
        add_progbar=True,
        model=model,
        verbose=2,
        epochs=1,
        steps=1,
    )
    assert [type(callback) for callback in hooks][:3] == [Note, Note, History]
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    given = {"loss": 0.5}
    hooks.on_epoch_end(0, given)
    assert calls == [("a", {"loss": 0.5}), ("b", {"loss": 0.5, "a": 0})]
    assert model.history.history == {"loss": [0.5], "a": [0], "b": [0]}
    assert given == {"loss": 0.5}
    assert "loss: 0.5000 - a: 0.0000e+00 - b: 0.0000e+00" in capsys.readouterr().out


def test_own_history_and_progress_line_are_kept():
    history, line = History(), ProgbarLogger()
    hooks = CallbackList([line, history], add_history=True, add_progbar=True, model=Model())
    assert list(hooks) == [line, history]


def test_logs_are_not_asked_for_where_nobody_listens():
    def logs():
        raise AssertionError("asked")

    quiet = [LambdaCallback(on_epoch_end=print), ModelCheckpoint("m.keras"), callbacks.EarlyStopping("loss")]
    hooks = CallbackList(quiet, add_history=True, add_progbar=True, model=Model(), verbose=2, epochs=1, steps=3)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    for step in range(3):
        hooks.on_train_batch_begin(step, logs)
        hooks.on_train_batch_end(step, logs)
        hooks.on_test_batch_end(step, logs)
        hooks.on_predict_batch_end(step, logs)


def test_a_function_of_logs_is_asked_once_for_all():
    asked = []

    def logs():
        asked.append(1)
        return {"loss": 0.5}

    seen = []
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs))
    hooks = CallbackList([note, LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs))])
    hooks.on_train_begin()
    hooks.on_train_batch_end(0, logs)
    assert len(asked) == 1
    assert seen[0] is seen[1]


def test_a_hook_that_is_assigned_later_is_found():
    seen = []

    class Late(Callback):
        def on_train_begin(self, logs=None):
            self.on_train_batch_end = lambda batch, logs=None: seen.append(batch)

    hooks = CallbackList([Late()])
    hooks.on_train_batch_end(0)
    hooks.on_train_begin()
    hooks.on_train_batch_end(1)
    assert seen == [1]


def test_append():
    seen = []
    hooks = CallbackList()
    hooks.append(LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch)))
    hooks.on_train_batch_end(3)
    assert seen == [3]
    with pytest.raises(TypeError, match="History is a class"):
        hooks.append(History)


def test_a_silent_batch_costs_next_to_nothing():
    hooks = CallbackList([], add_history=True, model=Model(), verbose=0, epochs=1, steps=10**9)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)

    def batch():
        hooks.on_train_batch_begin(5)
        hooks.on_train_batch_end(5, dict)

    # About 0.2 µs; a machine ten times as slow still passes.
    assert min(timeit.repeat(batch, number=1000, repeat=20)) / 1000 < 3e-6


def test_a_batch_between_two_redraws_costs_little(capsys):
    hooks = CallbackList([], add_progbar=True, model=Model(), verbose=1, epochs=1, steps=10**9)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)

    def batch():
        hooks.on_train_batch_begin(5)
        hooks.on_train_batch_end(5, dict)

    assert min(timeit.repeat(batch, number=1000, repeat=20)) / 1000 < 5e-6


def test_what_is_announced_in_keras_2_0(capsys):
    with semantics.use("keras-2.0"):
        hooks = CallbackList(
            [],
            add_progbar=True,
            model=Model(),
            verbose=1,
            epochs=2,
            samples=120,
            metrics=["loss"],
            validation_samples=30,
        )
        hooks.on_train_begin()
        hooks.on_epoch_begin(0)
    assert capsys.readouterr().out == "Train on 120 samples, validate on 30 samples\nEpoch 1/2\n"
    assert "validation_samples" not in hooks.params


def test_keras_2_0_counts_steps_where_samples_are_unknown(capsys):
    with semantics.use("keras-2.0"):
        hooks = CallbackList([], add_progbar=True, model=Model(), verbose=1, epochs=1, steps=2, metrics=["loss"])
        hooks.on_train_begin()
        hooks.on_epoch_begin(0)
        for step in range(2):
            hooks.on_train_batch_begin(step, {"batch": step, "size": 5})
            hooks.on_train_batch_end(step, {"batch": step, "size": 5, "loss": 0.5})
        hooks.on_epoch_end(0, {})
    assert capsys.readouterr().out.endswith("2/2 [==============================] - 0s - loss: 0.5000     \n")


def test_keras_2_0_evaluates_without_metrics(capsys):
    with semantics.use("keras-2.0"):
        hooks = CallbackList([], add_progbar=True, model=Model(), verbose=1, epochs=1, samples=4, metrics=["loss"])
        hooks.on_test_begin()
        hooks.on_test_batch_end(0, {"size": 4, "loss": 0.5})
        hooks.on_test_end({"loss": 0.5})
    assert capsys.readouterr().out == "\r4/4 [==============================] - 0s\n"
