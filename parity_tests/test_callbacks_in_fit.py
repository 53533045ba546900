"""Callbacks in whole runs: the calls, the logs, the decisions and the printed lines of real fits."""

from __future__ import annotations

import contextlib
import io
import re
import time

import numpy as np
import pytest

import refkeras
from parity_tests.engines import BACKEND, ENGINES, differs, keras, trains
from parity_tests.model_zoo import built
from parity_tests.shows import shows
from refkeras import semantics

pytestmark = trains
both = pytest.mark.parametrize("engine", ENGINES)

RNG = np.random.default_rng(5)
X = RNG.normal(size=(10, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[RNG.integers(0, 3, 10)]
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in ((4, 5), (5,), (5, 3), (3,))]


def model(k, metrics=("accuracy", "mse"), rate=0.3):
    def make(k):
        return k.Sequential([k.Input((4,)), k.layers.Dense(5, "tanh"), k.layers.Dense(3, "softmax")])

    made = built(k, make)
    made.set_weights(WEIGHTS)
    # Without a graph to trace, a real fit takes a tenth of the time.
    made.compile(k.optimizers.SGD(rate), "categorical_crossentropy", metrics=list(metrics), run_eagerly=True)
    return made


HOOKS = [
    f"on_{what}_{end}"
    for what in ("train", "test", "predict", "epoch", "train_batch", "test_batch", "predict_batch", "batch")
    for end in ("begin", "end")
]


def note(k, calls, **attributes):
    """A callback that notes each call: hook, index, keys of the logs."""

    class Note(k.callbacks.Callback):
        pass

    def make(hook):
        def noted(self, *args, logs=None):
            index = args[0] if "epoch" in hook or "batch" in hook else None
            logs = args[-1] if len(args) > (index is not None) else logs
            calls.append((hook, index, None if logs is None else list(logs)))
            attributes.get(hook, lambda *_: None)(self, index)

        return noted

    for hook in HOOKS:
        setattr(Note, hook, make(hook))
    return Note()


def run_both(engine, run):
    theirs = run(ENGINES[engine])
    with semantics.use(engine):
        return run(refkeras), theirs


@shows("batch_logs")
@both
def test_the_order_of_calls(engine):
    def run(k):
        calls = []
        made = model(k)
        options = {"batch_size": 4, "verbose": 0, "callbacks": [note(k, calls)]}
        made.fit(X, Y, epochs=2, shuffle=False, validation_data=(X[:5], Y[:5]), validation_freq=2, **options)
        made.evaluate(X, Y, **options)
        made.predict(X, **options)
        return calls

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@both
@pytest.mark.parametrize("where", ["on_train_begin", "on_train_batch_end", "on_epoch_end", "on_test_batch_end"])
def test_stopping(engine, where):
    def stop(self, index):
        if index in (None, 1):
            self.model.stop_training = True

    def run(k):
        calls = []
        callbacks = [note(k, calls, **{where: stop})]
        history = model(k).fit(
            X, Y, batch_size=4, epochs=3, verbose=0, shuffle=False, validation_split=0.3, callbacks=callbacks
        )
        return calls, history.epoch

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@differs("torch", reason="steps_per_execution must be 1")
@both
def test_groups_of_batches(engine):
    def run(k):
        calls = []
        made = model(k)
        made.compile("sgd", "mse", steps_per_execution=3)
        made.fit(X, Y, batch_size=2, verbose=0, callbacks=[note(k, calls)], shuffle=False)
        return calls

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@both
def test_what_callbacks_add_to_the_logs(engine):
    def run(k):
        ends = []

        class Add(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["zeta"] = logs["Alpha"] = epoch + 0.5

            def on_train_end(self, logs=None):
                ends.append(sorted(logs))

        scheduler = k.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        plateau = k.callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5, verbose=1, min_delta=10.0)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            history = model(k).fit(X, Y, epochs=3, verbose=0, callbacks=[Add(), scheduler, plateau])
        rates = {
            key: value for key, value in history.history.items() if key in ("lr", "learning_rate", "zeta", "Alpha")
        }
        return list(history.history), repr(rates), ends, output.getvalue()

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@both
@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss", "accuracy", "mse", "loss", "val_nothing"])
def test_directions_that_the_compiled_metrics_tell(engine, monitor):
    def run(k):
        stop = k.callbacks.EarlyStopping(monitor, patience=1, verbose=1, restore_best_weights=True)
        made = model(k, rate=2.5)
        try:
            history = made.fit(X, Y, epochs=8, verbose=0, validation_split=0.4, callbacks=[stop], shuffle=False)
        except ValueError:
            return ValueError
        return history.epoch, stop.stopped_epoch, stop.best_epoch

    ours, theirs = run_both(engine, run)
    assert ours == theirs


def lines(text):
    """The last state of each line, without times; digits beyond the fourth significant one may be rounded."""
    kept = [re.sub(r"\d+(us|ms|s)\b", "0s", line.rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    return [re.sub(r"(\d\.\d{2,3})\d(e-\d+)?", r"\1\2", line) for line in kept]


def in_order(k):
    """A callback that asks for batches, so that Keras tells of them one after the other (docs/findings.md)."""

    class InOrder(k.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    return InOrder()


@shows("predict_verbose")
@both
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_printed_lines(engine, verbose):
    def run(k):
        output = io.StringIO()
        made = model(k)
        with contextlib.redirect_stdout(output):
            made.fit(X, Y, batch_size=4, epochs=2, verbose=verbose, validation_split=0.3, shuffle=False)
            made.fit(X, Y, verbose=verbose, shuffle=False)
            made.fit((pair for pair in [(X, Y)] * 3), verbose=verbose, shuffle=False, callbacks=[in_order(k)])
            made.evaluate(X, Y, batch_size=3, verbose=verbose)
            made.predict(X, batch_size=4, verbose=verbose)
        return lines(output.getvalue())

    ours, theirs = run_both(engine, run)
    assert ours == theirs
    assert len(ours) >= 8


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("waits", [False, True])
def test_batches_are_counted_when_one_is_held_up(waits, monkeypatch):
    """Where it has threads, Keras takes the batch told of last for their number, unless a callback makes it wait."""

    def run(k):
        at_end, output = k.callbacks.ProgbarLogger.on_train_batch_end, io.StringIO()

        def slowly(self, batch, logs=None):
            time.sleep(0.2 if batch == 0 else 0)
            at_end(self, batch, logs)

        monkeypatch.setattr(k.callbacks.ProgbarLogger, "on_train_batch_end", slowly)
        made = model(k)
        with contextlib.redirect_stdout(output):
            made.fit((pair for pair in [(X, Y)] * 3), verbose=2, callbacks=[in_order(k)] if waits else [])
        return output.getvalue().split()[0]

    assert run(refkeras) == "3/3"
    assert run(keras) == ("3/3" if waits or BACKEND == "tensorflow" else "1/1")


@shows("verbose_auto")
@both
@pytest.mark.parametrize("options", [{}, {"verbose": 0}, {"verbose": 2}])
def test_history(engine, options):
    def run(k):
        made = model(k)
        with contextlib.redirect_stdout(io.StringIO()):
            history = made.fit(X, Y, epochs=2, **options)
        return history.params, history.epoch, history is made.history, history.model is made

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@shows("history_restarts")
@both
def test_a_history_that_is_used_again(engine):
    def run(k):
        made, history = model(k), k.callbacks.History()
        for epochs in (2, 1):
            made.fit(X, Y, epochs=epochs, verbose=0, shuffle=False, callbacks=[history])
        return history.epoch, list(history.history), [len(values) for values in history.history.values()]

    ours, theirs = run_both(engine, run)
    assert ours == theirs


@both
def test_checkpoints(engine, tmp_path):
    """Which epochs are saved, in a fit whose accuracy goes up and down."""

    def run(k):
        calls = []

        class Saving(k.Sequential):
            def save(self, filepath, *args, **kwargs):
                calls.append(re.sub(r".*/", "", str(filepath)))

        made = Saving([k.Input((4,)), k.layers.Dense(5, "tanh"), k.layers.Dense(3, "softmax")])
        made.set_weights(WEIGHTS)
        made.compile(k.optimizers.SGD(2.5), "categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
        checkpoint = k.callbacks.ModelCheckpoint(
            str(tmp_path / "{epoch}-{accuracy:.1f}.keras"), monitor="accuracy", save_best_only=True
        )
        made.fit(X, Y, epochs=6, verbose=0, callbacks=[checkpoint], shuffle=False)
        return calls

    ours, theirs = run_both(engine, run)
    assert ours == theirs
    assert ours
