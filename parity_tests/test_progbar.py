"""Progress lines, character by character, against Keras 3, tf_keras and Keras 2.0.4."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.clock import Clock, printed
from parity_tests.engines import ENGINES, keras
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import semantics
from refkeras.callbacks import CallbackList, ProgbarLogger
from refkeras.utils import Progbar

# A case takes well under a millisecond.
many = examples(200)

values = st.one_of(
    st.floats(-2000, 2000, width=32),
    st.floats(-2e-3, 2e-3),
    st.sampled_from([0.0, -0.0, 1e-3, -1e-3, float("nan"), float("inf"), -float("inf"), 3, 1e-3 + 1e-9]),
    st.floats(0, 10, width=32).map(np.float32),
)
pauses = st.one_of(
    st.sampled_from([0.0, 1e-6, 0.049, 0.05, 0.051]),
    st.floats(1e-7, 0.2),
    st.floats(0.2, 90),
    st.floats(0, 9e4),
)
names = st.sampled_from(["loss", "accuracy", "val_loss", "a_mse"])


@st.composite
def runs(draw):
    """A target, and updates of a bar: a pause, the step it reaches, its values, and how it is finalized."""
    target = draw(st.one_of(st.none(), st.integers(1, 12), st.integers(1, 12000)))
    steps = sorted(draw(st.lists(st.integers(0, target or 50), min_size=1, max_size=8)))
    if draw(st.booleans()):
        steps = [1, *[max(step, 1) for step in steps]]
    if draw(st.booleans()) and target:
        steps.append(target)
    updates = []
    for step in steps:
        pairs = draw(st.lists(st.tuples(names, values), max_size=4))
        updates.append((draw(pauses), step, pairs, draw(st.sampled_from([None, None, False, True]))))
    return target, updates


def lines(make, target, updates, **arguments):
    clock = Clock()
    with printed(clock) as output:
        bar = make(target, **arguments)
        for pause, step, pairs, finalize in updates:
            clock.advance(pause)
            if finalize is None:
                bar.add(step - bar._seen_so_far, pairs)
            else:
                bar.update(step, pairs, finalize=finalize)
    return output.getvalue()


@shows("progress_line")
@pytest.mark.parametrize("engine", ENGINES)
@many
@given(
    run=runs(),
    verbose=st.sampled_from([0, 1, 1, 1, 2]),
    width=st.sampled_from([None, 1, 7, 33]),
    interval=st.sampled_from([0.05, 0.0, 1.0]),
    stateful=st.sampled_from([None, [], ["loss"], ["loss", "a_mse"]]),
    unit=st.sampled_from(["step", "sample"]),
)
def test_bar(engine, run, verbose, width, interval, stateful, unit):
    target, updates = run
    if verbose == 2 and target is None and engine == "tf_keras":
        return  # it takes the logarithm of None
    arguments = {"verbose": verbose, "interval": interval, "stateful_metrics": stateful, "unit_name": unit}
    if width is not None:
        arguments["width"] = width
    theirs = lines(ENGINES[engine].utils.Progbar, target, updates, **arguments)
    with semantics.use(engine):
        ours = lines(Progbar, target, updates, **arguments)
    assert ours == theirs


@many
@given(run=runs(), stateless=st.sampled_from([[], ["loss"], ["loss", "a_mse"]]))
def test_stateless_metrics(run, stateless):
    target, updates = run
    theirs = lines(keras.utils.Progbar, target, updates, stateless_metrics=stateless)
    assert lines(Progbar, target, updates, stateless_metrics=stateless) == theirs


def test_both_lists_of_metrics_are_refused():
    for bar in (keras.utils.Progbar, Progbar):
        with pytest.raises(ValueError, match="Only one of `stateful_metrics` or `stateless_metrics`"):
            bar(3, stateful_metrics=["loss"], stateless_metrics=["loss"])


def test_output_that_cannot_encode_the_bar(capsysbinary, monkeypatch):
    import io
    import sys

    written = []
    for bar in (keras.utils.Progbar, Progbar):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        clock = Clock()
        monkeypatch.setattr("time.time", clock)
        bar(4).update(4, [("loss", 0.5)])
        sys.stdout.flush()
        written.append(raw.getvalue())
        monkeypatch.undo()
    assert written[0] == written[1]
    assert b"====" in written[0]


class _Metric:
    def __init__(self, name):
        self.name = name


class _Model:
    """As much of a model as the progress callback looks at."""

    metrics = (_Metric("loss"), _Metric("accuracy"))


@st.composite
def fits(draw):
    """Epochs of batches with running logs, the same keys in each, and validation logs at some ends."""
    steps = draw(st.integers(1, 5))
    epochs = []
    for _ in range(draw(st.integers(1, 3))):
        batches = [(draw(pauses), {"accuracy": draw(values), "loss": draw(values)}) for _ in range(steps)]
        ends = {"accuracy": draw(values), "loss": draw(values)}
        if draw(st.booleans()):
            ends |= {"val_accuracy": draw(values), "val_loss": draw(values)}
        epochs.append((batches, draw(pauses), ends))
    return steps, epochs


def fit_lines(make_list, model, fit, verbose, known, added):
    """What a fit prints; callbacks add `added` to the epoch logs."""
    steps, epochs = fit
    clock = Clock()
    with printed(clock) as output:
        hooks = make_list(
            [],
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=len(epochs),
            steps=steps if known else None,
        )
        hooks._async_train = hooks._async_test = hooks._async_predict = False
        hooks.on_train_begin()
        for epoch, (batches, pause, ends) in enumerate(epochs):
            hooks.on_epoch_begin(epoch)
            for step, (wait, logs) in enumerate(batches):
                hooks.on_train_batch_begin(step)
                clock.advance(wait)
                hooks.on_train_batch_end(step, logs)
            hooks.on_test_begin()
            clock.advance(pause)
            hooks.on_test_batch_begin(0)
            hooks.on_test_batch_end(0, {"loss": 7.0})
            hooks.on_test_end({"loss": 7.0})
            hooks.on_epoch_end(epoch, ends | added)
        hooks.on_train_end(ends)
    return output.getvalue()


@pytest.mark.parametrize("engine", ENGINES)
@many
@given(
    fit=fits(),
    verbose=st.sampled_from([0, 1, 1, 2, "auto"]),
    known=st.booleans(),
    added=st.sampled_from([{}, {"learning_rate": 0.01, "lr": 0.025}]),
)
def test_fit(engine, fit, verbose, known, added):
    if engine == "tf_keras":
        known = known or verbose == 2  # it asks the model's own counter
        if verbose == "auto":
            verbose = 1  # its fit resolves it
    theirs = fit_lines(ENGINES[engine].callbacks.CallbackList, _Model(), fit, verbose, known, added)
    with semantics.use(engine):
        ours = fit_lines(CallbackList, _Model(), fit, verbose, known, added)
    assert ours == theirs
    assert ours or verbose == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("mode", ["test", "predict"])
@many
@given(waits=st.lists(st.tuples(pauses, values), min_size=1, max_size=5), verbose=st.sampled_from([1, 2]), end=pauses)
def test_evaluate_and_predict(engine, mode, waits, verbose, end):
    def run(make_list):
        clock = Clock()
        with printed(clock) as output:
            hooks = make_list([], add_progbar=True, model=_Model(), verbose=verbose, epochs=1, steps=len(waits))
            hooks._async_train = hooks._async_test = hooks._async_predict = False
            getattr(hooks, f"on_{mode}_begin")()
            for step, (wait, value) in enumerate(waits):
                getattr(hooks, f"on_{mode}_batch_begin")(step)
                clock.advance(wait)
                logs = {"loss": value} if mode == "test" else {"outputs": np.zeros((3, 2))}
                getattr(hooks, f"on_{mode}_batch_end")(step, logs)
            clock.advance(end)
            getattr(hooks, f"on_{mode}_end")({"loss": waits[-1][1]} if mode == "test" else None)
        return output.getvalue()

    theirs = run(ENGINES[engine].callbacks.CallbackList)
    with semantics.use(engine):
        assert run(CallbackList) == theirs


def test_logs_are_asked_for_only_when_the_line_is_drawn():
    clock, asked = Clock(), []

    def logs():
        asked.append(clock.now)
        return {"loss": 0.5}

    with printed(clock):
        hooks = CallbackList([], add_history=True, add_progbar=True, model=_Model(), verbose=1, epochs=1, steps=50)
        hooks.on_train_begin()
        hooks.on_epoch_begin(0)
        for step in range(50):
            clock.advance(0.01)
            hooks.on_train_batch_end(step, logs)
    assert len(asked) == 9  # the first step, and every 0.06 s after it (five steps fall short by rounding)


@pytest.mark.parametrize("engine", ENGINES)
def test_count_mode(engine):
    for make in (ENGINES[engine].callbacks.ProgbarLogger, ProgbarLogger):
        with semantics.use(engine), pytest.raises(ValueError if engine == "tf_keras" else TypeError):
            make(count_mode="rows")
