"""What callbacks decide, print, write and warn, against Keras 3 and tf_keras."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.trainers import compile_utils

from parity_tests.callback_runs import Engine, FakeModel, play, refkeras_engine
from parity_tests.engines import KERAS_3, keras, tf, tf_keras
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import callbacks, semantics

many = examples(100)


class Keras3(Engine):
    logger = "absl"

    def metrics(self, metrics):
        group = compile_utils.MetricsList([])
        group.metrics = metrics
        return [group]


class TfKeras(Engine):
    logger = "tensorflow"

    class Optimizer:
        def __init__(self, rate):
            self.lr = tf.Variable(rate, dtype="float32")

    def optimizer(self, rate):
        return self.Optimizer(rate)

    def model(self, rate, metrics):
        model = super().model(rate, metrics)
        model.distribute_strategy = tf.distribute.get_strategy()
        return model

    def rate(self, model):
        return float(model.optimizer.lr.numpy())


ENGINES = {KERAS_3: Keras3(keras.callbacks)} | ({"tf_keras": TfKeras(tf_keras.callbacks)} if tf_keras else {})
both = pytest.mark.parametrize("name", ENGINES)

values = st.one_of(
    st.sampled_from([0.5, 0.4, 0.3, 0.30000000001, 0.3000001, 0.29999999, 0.2, 0.1, 0.0, -0.1, 1.0]),
    st.sampled_from([float("nan"), float("inf"), -float("inf")]),
    st.floats(0, 1, width=32),
)
METRICS = [["accuracy", "up"], ["mse", "down"], ["auc", "up"], ["plain", None], ["fmeasure", "up"]]
keys = ["loss", "val_loss", "accuracy", "val_accuracy", "mse", "val_auc", "auc", "plain", "fmeasure", "a_acc", "acc_b"]
monitors = st.sampled_from([*keys, "missing"])
modes = st.sampled_from(["auto", "auto", "min", "max", "least"])


@st.composite
def runs(draw, *specs, max_batches=1):
    """A run of these callbacks, in which the monitored values are there in most epochs."""
    callbacks = [draw(spec) for spec in specs]
    monitored = {arguments["monitor"] for _, arguments in callbacks if "monitor" in arguments} & set(keys)
    batches = draw(st.integers(1, max_batches))
    epochs = []
    for _ in range(draw(st.integers(1, 6))):
        ends = {key: draw(values) for key in sorted({"loss", *monitored})}
        if draw(st.integers(0, 7)) == 0:
            ends = {"loss": draw(values)}
        if draw(st.booleans()):
            ends |= {"val_loss": draw(values)}
        logs = [{key: draw(values) for key in sorted({"loss", *monitored})} for _ in range(batches)]
        epochs.append({"batches": logs, "end": ends})
    return {
        "callbacks": callbacks,
        "metrics": METRICS,
        "rate": draw(st.sampled_from([0.1, 0.01, 1e-3, 5e-9])),
        "verbose": 0,
        "sizes": [3] * batches,
        "epochs": epochs,
    }


def spec(name, /, **arguments):
    """A callback with any of these arguments; the others at their defaults."""
    needed = {key: value for key, value in arguments.items() if key in ("filepath", "filename", "schedule", "monitor")}
    rest = {key: value for key, value in arguments.items() if key not in needed}
    return st.tuples(st.just(name), st.fixed_dictionaries(needed, optional=rest)).map(list)


def assert_same(name, run, but=()):
    theirs = play(ENGINES[name], run)
    with semantics.use(name):
        ours = play(refkeras_engine(), run)
    assert {key: ours[key] for key in ours if key not in but} == {key: theirs[key] for key in theirs if key not in but}


early_stopping = spec(
    "EarlyStopping",
    monitor=monitors,
    min_delta=st.sampled_from([0, 1e-9, 0.05, -0.05, 0.1]),
    patience=st.integers(0, 3),
    verbose=st.just(1),
    mode=modes,
    baseline=st.sampled_from([None, 0.35, 0.3]),
    restore_best_weights=st.booleans(),
    start_from_epoch=st.integers(0, 2),
)
plateau = spec(
    "ReduceLROnPlateau",
    monitor=monitors,
    factor=st.sampled_from([0.1, 0.5, 1 / 3, 1.0]),
    patience=st.integers(0, 2),
    verbose=st.just(1),
    mode=modes,
    min_delta=st.sampled_from([0, 1e-4, 0.1, -0.1, 1e-9]),
    cooldown=st.integers(0, 2),
    min_lr=st.sampled_from([0.0, 1e-3, 0.005]),
)


@shows(
    "monitor_first_value",
    "monitor_precision",
    "early_stopping_direction",
    "early_stopping_min_delta",
    "callback_warnings",
    "patience_counts",
)
@both
@many
@given(run=runs(early_stopping))
def test_early_stopping(name, run):
    assert_same(name, run)


@shows("plateau_direction", "plateau_min_delta", "plateau_rate", "plateau_min_rate", "rate_log_key")
@both
@many
@given(run=runs(plateau))
def test_reduce_lr_on_plateau(name, run):
    assert_same(name, run)


def fitted(callback, losses, rate=0.1, key="loss", **arguments):
    """A run of epochs of one batch, in which a callback that says what it does watches this loss."""
    needed = {"mode": "min", "verbose": 1} if callback != "ModelCheckpoint" else {"verbose": 1}
    return {
        "callbacks": [[callback, {"monitor": key, **needed, **arguments}]],
        "metrics": METRICS,
        "rate": rate,
        "verbose": 0,
        "sizes": [1],
        "epochs": [{"batches": [{"loss": 1.0}], "end": {"loss": value}} for value in losses],
    }


FALLING = [0.5, 0.48, 0.46, 0.45, 0.3]
DECISIONS = {
    "a negative delta of stopping": fitted("EarlyStopping", FALLING, min_delta=-0.05, patience=1),
    "a negative delta of a plateau": fitted("ReduceLROnPlateau", FALLING, min_delta=-0.05, patience=1),
    "a delta that is just reached": fitted("ReduceLROnPlateau", [0.4, 0.3, 0.2, 0.1], min_delta=0.1, patience=1),
    "a rate just above the smallest": fitted("ReduceLROnPlateau", [1, 1, 1], 0.100005, min_lr=0.1, patience=1),
    "a rate just below the smallest": fitted("ReduceLROnPlateau", [1, 1, 1], 0.3, min_lr=0.1 * 3 + 1e-9, patience=1),
    "an old name of a delta": fitted("ReduceLROnPlateau", FALLING, epsilon=0.05, patience=1),
    "a period": fitted("ModelCheckpoint", FALLING, filepath="{epoch}.keras", period=2),
    "a third of a rate": fitted("ReduceLROnPlateau", [1, 1, 1], factor=1 / 3, patience=1),
    "a best of nothing": fitted(
        "ModelCheckpoint", [1.0], key="x", filepath="a/m.keras", save_best_only=True, mode="min"
    ),
    "each in a folder": fitted("ModelCheckpoint", [1.0, 0.5], filepath="a/{epoch}/m.keras"),
    "a best that does not come": fitted(
        "ModelCheckpoint", [1.0], filepath="a/m.keras", save_best_only=True, initial_value_threshold=0.5, mode="min"
    ),
}


@shows(
    "callback_arguments",
    "checkpoint_first_epoch",
    "early_stopping_min_delta",
    "plateau_min_delta",
    "plateau_rate",
    "plateau_min_rate",
    "checkpoint_folder",
    "checkpoint_missing",
)
@both
@pytest.mark.parametrize("decision", DECISIONS)
def test_decisions_on_an_edge(name, decision):
    # Of arguments that Keras 3 ignores refkeras warns.
    assert_same(name, DECISIONS[decision], ["complaints"] if "old name" in decision and name == KERAS_3 else [])


OWN_PRECISION = ("tf_keras", "keras-3@numpy")


@shows("monitor_precision")
@both
def test_a_difference_below_float32(name):
    """Keras 3 compares in float32, where the second value is no improvement; its NumPy backend as they are."""
    run = fitted("EarlyStopping", [0.3, 0.3 - 1e-9, 0.1])
    seen = play(ENGINES[name], run)
    assert seen["stopped"] == (semantics.get(name).monitor_precision == "float32") == (name not in OWN_PRECISION)
    assert_same(name, run)


FILES = {
    KERAS_3: [
        "m.keras",
        "deep/er/m-{epoch:02d}.keras",
        "m-{epoch}-{loss:.2f}.h5",
        "m.weights.h5",
        "m",
        "m.txt",
    ],
    "tf_keras": ["m.keras", "deep/er/m-{epoch:02d}", "m-{epoch}-{loss:.2f}.h5", "m.weights.h5", "{accuracy}.keras"],
}


@shows(
    "callback_messages",
    "checkpoint_direction",
    "checkpoint_missing",
    "checkpoint_names",
    "checkpoint_first_epoch",
    "checkpoint_folder",
)
@both
@many
@given(data=st.data())
def test_model_checkpoint(name, data):
    checkpoint = spec(
        "ModelCheckpoint",
        filepath=st.sampled_from([*FILES[name], "m-{batch}.keras", "{nothing}.keras"]),
        monitor=monitors,
        verbose=st.just(1),
        save_best_only=st.booleans(),
        save_weights_only=st.booleans(),
        mode=modes,
        save_freq=st.sampled_from(["epoch", 1, 2, 3, "batch", 2.0]),
        initial_value_threshold=st.sampled_from([None, 0.35, 0, 1]),
        **({"period": st.integers(1, 3)} if name == "tf_keras" else {}),
    )
    assert_same(name, data.draw(runs(checkpoint, max_batches=3)))


@shows("scheduler_sees_rate")
@both
@given(
    run=runs(
        spec(
            "LearningRateScheduler",
            schedule=st.sampled_from(["halve", "by epoch", "float32", "integer", "keep"]),
            verbose=st.just(1),
        )
    )
)
def test_learning_rate_scheduler(name, run):
    assert_same(name, run)


@both
@many
@given(data=st.data())
@shows("csv_validation_columns")
def test_csv_logger(name, data):
    logger = spec(
        "CSVLogger",
        filename=st.sampled_from(["new.csv", "old.csv", "empty.csv"]),
        separator=st.sampled_from([",", ";", "\t"]),
        append=st.booleans(),
    )
    rate = spec("LearningRateScheduler", schedule=st.just("halve"))
    run = data.draw(st.one_of(runs(logger), runs(rate, logger)))
    extra = st.sampled_from(["text", "a,b", 'quo"te', [1, 2], np.float32(0.1), np.arange(3), np.array(2.5), None])
    for epoch in run["epochs"][1:]:
        if data.draw(st.booleans()):
            epoch["end"]["loss"] = data.draw(extra)
    theirs = play(ENGINES[name], run)
    with semantics.use(name):
        ours = play(refkeras_engine(), run)
    assert ours["files"] == theirs["files"]
    assert ours["error"] == theirs["error"]


@both
@given(run=runs(spec("TerminateOnNaN"), max_batches=4))
def test_terminate_on_nan(name, run):
    assert_same(name, run)


@given(run=runs(spec("TerminateOnNaN", raise_error=st.just(True)), max_batches=4))
def test_terminate_on_nan_with_an_error(run):
    assert_same(KERAS_3, run)


@both
@given(run=runs(plateau, early_stopping, spec("LearningRateScheduler", schedule=st.just("keep")), max_batches=2))
def test_callbacks_share_their_logs(name, run):
    assert_same(name, run)


HOOKS = ["on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end"]
BATCH_HOOKS = ["on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"]
TEST_HOOKS = ["on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end"]


@shows("batch_hook_logs", "callback_arguments")
@both
@pytest.mark.parametrize("hook", HOOKS + BATCH_HOOKS)
@pytest.mark.parametrize("second", ["logs", "other"])
def test_how_functions_are_called(name, hook, second):
    """The second parameter of a batch hook must be named `logs` where it is passed by keyword."""

    def run(engine):
        calls = []
        if "epoch" in hook or "batch" in hook:
            function = eval(f"lambda index, {second}: calls.append((index, {second}))", {"calls": calls})
        else:
            function = eval(f"lambda {second}: calls.append({second})", {"calls": calls})
        callback = engine.callbacks.LambdaCallback(**{hook: function}, note="kept")
        hooks = engine.callbacks.CallbackList([callback])
        hooks._async_train = False
        try:
            hooks.on_train_begin()
            hooks.on_epoch_begin(0)
            hooks.on_train_batch_begin(0)
            hooks.on_train_batch_end(0, {"loss": 0.5})
            hooks.on_epoch_end(0, {"loss": 0.25})
            hooks.on_train_end({"loss": 0.25})
        except Exception as error:
            return type(error)
        return calls, callback.note

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


@both
def test_functions_by_position(name):
    def run(engine):
        calls = []
        make = [lambda *args, i=i, **kwargs: calls.append((i, len(args), sorted(kwargs))) for i in range(6)]
        callback = engine.callbacks.LambdaCallback(*make)
        hooks = engine.callbacks.CallbackList([callback])
        hooks._async_train = False
        hooks.on_train_begin()
        hooks.on_epoch_begin(0)
        hooks.on_train_batch_begin(0)
        hooks.on_train_batch_end(0)
        hooks.on_epoch_end(0)
        hooks.on_train_end()
        return calls

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


class Raw:
    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)


@shows("hook_logs")
@both
@pytest.mark.parametrize(
    "logs",
    [
        None,
        {},
        {"loss": np.float32(0.1), "accuracy": 0.5},
        {"b": np.array(0.5), "a": 1, "c": np.float64(2.5), "d": np.int64(3)},
        {"text": "word", "number": "2.5", "list": [1, 2], "none": None, "flag": True},
        {"outer": {"z": 1, "y": np.float32(2)}, "inner": 3.5},
        {"array": np.array([1.0, 2.0]), "one": np.array([1.5])},
    ],
)
def test_what_becomes_of_logs(name, logs):
    def run(engine):
        seen = []
        note = engine.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: seen.append(repr(logs)),
            on_train_batch_end=lambda batch, logs: seen.append(repr(logs)),
            on_train_end=lambda logs: seen.append(repr(logs)),
        )
        hooks = engine.callbacks.CallbackList([note])
        hooks._async_train = False
        hooks.on_train_begin()
        hooks.on_train_batch_end(0, logs)
        hooks.on_epoch_end(0, logs)
        hooks.on_train_end(logs)
        return seen

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


@shows("callback_blocks")
@both
def test_an_end_without_a_begin(name):
    def run(engine):
        try:
            engine.callbacks.CallbackList([]).on_test_end()
        except ValueError:
            return "refused"
        return "accepted"

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name]) == ("accepted" if name == "tf_keras" else "refused")


@shows("callback_model_settable")
@both
def test_assigning_the_model(name):
    def run(engine):
        callback = engine.callbacks.Callback()
        try:
            callback.model = 3
        except AttributeError:
            return "refused"
        return callback.model

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


@both
def test_a_history_used_again_goes_on(name):
    def run(engine):
        history = engine.callbacks.History()
        for loss in (0.5, 0.25):
            hooks = engine.callbacks.CallbackList([history], add_history=True, model=FakeModel(None, []))
            hooks.on_train_begin()
            hooks.on_epoch_end(0, {"loss": loss})
            hooks.on_train_end()
        return history.history, history.epoch, hooks.callbacks == [history]

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


@shows("csv_columns_kept")
@both
def test_a_csv_logger_used_again(name, tmp_path):
    def run(engine, path):
        logger = engine.callbacks.CSVLogger(path)
        for logs in ({"loss": 0.5, "val_loss": 1.0}, {"loss": 0.25, "mae": 2.0, "val_loss": 3.0}):
            logger.on_train_begin()
            try:
                logger.on_epoch_end(0, logs)
            finally:
                logger.on_train_end()
        return path.read_bytes()

    with semantics.use(name):
        assert run(refkeras_engine(), tmp_path / "a") == run(ENGINES[name], tmp_path / "b")


ARGUMENTS = {
    "EarlyStopping": ({"min_delat": 1}, {"period": 2}),
    "ModelCheckpoint": ({"filepath": "m.keras", "save_freqs": 1}, {"filepath": "m.keras", "period": 2}, {}),
    "LearningRateScheduler": ({}, {"schedule": len, "rate": 1}),
    "CSVLogger": ({}, {"filename": "a", "sep": ";"}),
    "TerminateOnNaN": ({"raise_error": True}, {"rais": 1}),
    "ReduceLROnPlateau": ({"factor": 2}, {"epsilon": 0.1}, {"unknown": 1}),
    "ProgbarLogger": ({"count_mode": "samples"}, {}),
}


@both
@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau ignores")
@pytest.mark.parametrize(("cls", "arguments"), [(cls, item) for cls, items in ARGUMENTS.items() for item in items])
def test_arguments(name, cls, arguments):
    def run(engine):
        try:
            getattr(engine.callbacks, cls)(**arguments)
        except Exception as error:
            return type(error)
        return None

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])


@pytest.mark.parametrize(
    ("given", "hint"), [("epsilon", " Did you mean 'min_delta'?"), ("patiense", " Did you mean 'patience'?")]
)
def test_what_keras_ignores_without_a_word(given, hint):
    with pytest.warns(UserWarning) as caught:
        callbacks.ReduceLROnPlateau(**{given: 1})
    assert str(caught[0].message) == f"ReduceLROnPlateau ignores the unknown argument {given!r}, as Keras does.{hint}"
    if "parity_tests.arguments.watch" not in sys.modules:  # it stands between this line and what it calls
        assert caught[0].filename == __file__


@pytest.mark.parametrize("wrong", [callbacks.History, "History", 3, None, len])
def test_what_is_no_callback(wrong):
    for module in (keras.callbacks, callbacks):
        with pytest.raises((TypeError, AttributeError)) as caught:
            module.CallbackList([wrong], model=FakeModel(None, []), epochs=1)
        assert caught.type is (TypeError if isinstance(wrong, type) else AttributeError)


def _order(module, base):
    """A fit's calls in order, with validation, and a callback's own hooks among them."""
    calls = []

    class Note(base):
        pass

    for hook in [*HOOKS, *BATCH_HOOKS, *TEST_HOOKS]:

        def note(self, *args, hook=hook, **kwargs):
            calls.append((hook, args, kwargs))

        setattr(Note, hook, note)
    return calls, Note()


@shows("list_batch_hooks")
@both
def test_which_of_two_batch_hooks_is_called(name):
    def run(engine):
        calls, note = _order(engine, engine.callbacks.Callback)
        hooks = engine.callbacks.CallbackList([note])
        hooks._async_train = hooks._async_test = False
        hooks.on_train_begin()
        hooks.on_epoch_begin(0)
        hooks.on_train_batch_begin(0)
        hooks.on_train_batch_end(0, {"loss": 1.5})
        hooks.on_batch_end(1, {"loss": 1.5})
        hooks.on_test_begin()
        hooks.on_test_batch_begin(0)
        hooks.on_test_batch_end(0, {"loss": 2.5})
        hooks.on_test_end({"loss": 2.5})
        hooks.on_epoch_end(0, {"loss": 1.5, "val_loss": 2.5})
        hooks.on_train_end({"loss": 1.5})
        return calls

    with semantics.use(name):
        assert run(refkeras_engine()) == run(ENGINES[name])
