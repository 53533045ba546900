"""The batches that fit, evaluate and predict take from data, in which order, and what they tell it of epochs.

Keras looks at batches before the first one counts, and PyTorch and JAX take one to build a model from: that calls a
PyDataset's methods, and moves the generators that later orders are drawn from.
"""

from __future__ import annotations

import random
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, differs
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import semantics

N = 5
#: TensorFlow's data sets take batches of a PyDataset in a thread, and some before they are asked for.
IN_ORDER = BACKEND != "tensorflow"


def dataset(k: Any, events: list[Any], shape: str = "PyDataset", **settings: Any) -> Any:
    """Batches of two rows, all numbers of batch i are i + 1; it writes down what it is asked and told."""
    taken = IN_ORDER and not settings

    class Batches(k.utils.PyDataset if hasattr(k.utils, "PyDataset") else k.utils.Sequence):
        if shape == "endless":
            num_batches = None
        else:

            def __len__(self):
                return N

        def __getitem__(self, index):
            if taken:
                events.append(index)
            return np.full((2, 1), index + 1, "float32"), np.full((2, 1), index + 1, "float32")

        def on_epoch_begin(self):
            events.append("begin")

        def on_epoch_end(self):
            events.append("end")

    return Batches(**settings)


def generator() -> Any:
    for index in range(4 * N):
        yield np.full((2, 1), index + 1, "float32"), np.full((2, 1), index + 1, "float32")


ROWS = np.arange(1, N + 1, dtype="float32")[:, None]


def mean_of_batches(loss: Any) -> Fraction:
    """The mean of at most 4 N whole numbers, (i + 1)² of batch i, that a float32 stands for.

    Two such means are at least 1 / (4 N)² = 0.0025 apart, and the largest, (4 N)² = 400, rounds by 0.00002.
    """
    return Fraction(float(loss)).limit_denominator(4 * N)


class Order:
    """A callback that writes down which batches were taken, the loss of batch i being (i + 1)²; it may stop loops."""

    def __init__(self, seen: list[Any], stop: int | None = None) -> None:
        super().__init__()
        self.seen, self.stop, self.total = seen, stop, 0.0

    def begins(self, name: str) -> None:
        self.seen.append(name)
        self.total = 0.0

    def ends(self, batch: int, logs: Any) -> None:
        total = float(logs["loss"]) * (batch + 1)
        self.seen.append(round(total - self.total))
        self.total = total

    def on_epoch_begin(self, epoch, logs=None):
        self.begins("epoch")

    def on_train_batch_end(self, batch, logs=None):
        self.ends(batch, logs)
        if batch == self.stop:
            self.model.stop_training = True

    def on_test_begin(self, logs=None):
        self.kept = self.total
        self.begins("test")

    def on_test_batch_end(self, batch, logs=None):
        self.ends(batch, logs)
        if batch == self.stop:
            self.model.stop_evaluating = True

    def on_test_end(self, logs=None):
        self.total = self.kept


def played(
    k: Any,
    script: list[str],
    kind: str,
    shuffle: bool | str,
    built: bool,
    stop: int | None = None,
    at_once: int = 1,
    **settings: Any,
) -> tuple[list[Any], Any]:
    """Return what data and callback saw of a script of loops, and the next numbers of Python and NumPy."""
    events: list[Any] = []
    k.utils.set_random_seed(3)
    layers = [k.layers.Dense(1, kernel_initializer="zeros")]
    model = k.Sequential([k.Input((1,)), *layers] if built else layers)
    if BACKEND == "numpy":
        model.compile(loss="mse", steps_per_execution=at_once)
    else:
        model.compile(k.optimizers.SGD(0.0), "mse", steps_per_execution=at_once)
    callback = type("Order", (Order, k.callbacks.Callback), {})(events, stop)
    data: Any = None

    def taken() -> dict[str, Any]:
        if kind == "arrays":
            return {"x": ROWS, "y": ROWS, "batch_size": 1}
        return {"x": generator() if kind == "generator" else data}

    def losses(history: Any) -> None:
        events.append([mean_of_batches(loss) for loss in history.history.get("loss", ())])

    quiet = {"verbose": 0, "callbacks": [callback]}
    loops = {
        "fit": lambda: losses(model.fit(**taken(), epochs=2, shuffle=shuffle, **quiet)),
        "fit in steps": lambda: model.fit(**taken(), epochs=3, steps_per_epoch=3, shuffle=shuffle, **quiet),
        "validation": lambda: model.fit(
            ROWS, ROWS, epochs=2, batch_size=2, shuffle=False, verbose=0, validation_data=data or (ROWS, ROWS)
        ),
        "fit arrays": lambda: model.fit(ROWS, ROWS, epochs=2, batch_size=1, **quiet),
        "evaluate": lambda: model.evaluate(**taken(), **quiet),
        "evaluate in steps": lambda: model.evaluate(**taken(), steps=2, **quiet),
        "predict": lambda: events.append(len(model.predict(**_x(taken()), **quiet))),
        "predict in steps": lambda: events.append(len(model.predict(**_x(taken()), steps=2, **quiet))),
        "train_on_batch": lambda: model.train_on_batch(ROWS, ROWS),
        "test_on_batch": lambda: model.test_on_batch(ROWS, ROWS),
    }
    for step in script:
        events.append(step)
        if kind not in ("arrays", "generator"):
            data = dataset(k, events, kind, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                loops[step]()
            except Exception as error:
                events.append(type(error).__name__)
    return events, (random.random(), np.random.random())


def _x(taken: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in taken.items() if name != "y"}


def assert_alike(engine: str, *what: Any, **settings: Any) -> list[Any]:
    """Assert that a script runs alike in refkeras and in an engine; return what was seen."""
    theirs = played(ENGINES[engine], *what, **settings)
    with semantics.use(engine):
        ours = played(refkeras, *what, **settings)
    assert ours == theirs
    return ours[0]


TRAINING = ["fit", "fit in steps", "validation", "fit arrays", "train_on_batch"]
LOOPS = [
    "evaluate",
    "evaluate in steps",
    "predict",
    "predict in steps",
    "test_on_batch",
    *(TRAINING if BACKEND != "numpy" else []),
]


@shows("batches_looked_at", "sequence_hooks", "data_is_reset", "builds_from_batches", "first_batch_is_put_back")
@shows("every_loop_stops", "executions_are_whole")
@pytest.mark.parametrize("engine", ENGINES)
@given(
    script=st.lists(st.sampled_from(LOOPS), min_size=1, max_size=4),
    kind=st.sampled_from(["PyDataset", "endless", "generator", "arrays"]),
    shuffle=st.sampled_from([False, True, "batch"]),
    built=st.booleans(),
    stop=st.sampled_from([None, None, 0, 1, 3]),
    at_once=st.sampled_from([1, 1, 2, 3] if BACKEND in ("tensorflow", "jax") else [1]),
)
@examples(10)
def test_loops_take_the_same_batches(engine, script, kind, shuffle, built, stop, at_once):
    if kind == "endless" and engine == "tf_keras":  # its Sequence has a length
        kind = "PyDataset"
    if at_once > 1 and engine == "tf_keras":  # its methods of one batch ask for more of them (docs/findings.md)
        script = [step for step in script if not step.endswith("on_batch")]
    if shuffle == "batch" and engine == "tf_keras":  # of arrays it draws numbers that refkeras does not, and says so
        shuffle = True
    if kind == "endless":  # without steps it has no end
        script = [step for step in script if step not in ("fit", "evaluate", "predict", "validation")]
    assert_alike(engine, script, kind, shuffle, built, stop=stop, at_once=at_once)


@shows("builds_from_batches", "first_batch_is_put_back", "data_is_reset")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("kind", ["PyDataset", "generator", "arrays"])
def test_each_loop_takes_the_same_batches(kind, built, engine):
    """Each of a model that has not run."""
    for loop in LOOPS:
        assert_alike(engine, [loop], kind, True, built)


@shows("executions_are_whole")
@differs("torch", reason="steps_per_execution must be 1")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["PyDataset", "generator", "arrays"])
def test_steps_that_are_not_whole_executions(kind, engine):
    if BACKEND == "numpy" and kind == "PyDataset":  # it is told twice that the epoch is over
        kind = "endless"
    loops = ["evaluate in steps"] if kind == "endless" else ["evaluate in steps", "evaluate"]
    for loop in loops if BACKEND == "numpy" else ["fit in steps", *loops]:
        assert_alike(engine, [loop], kind, False, True, at_once=2)
        assert_alike(engine, [loop], kind, False, True, at_once=3)


@shows("every_loop_stops")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["PyDataset", "generator", "arrays"])
def test_loops_that_are_stopped(kind, engine):
    for loop in LOOPS:
        assert_alike(engine, [loop], kind, False, True, stop=1)


def test_the_comparison_can_fail(monkeypatch):
    seen = assert_alike(KERAS_3, ["evaluate"], "PyDataset", False, True)
    monkeypatch.setattr(refkeras.Sequential, "evaluate", lambda self, *given, **named: None)
    with pytest.raises(AssertionError):
        assert_alike(KERAS_3, ["evaluate"], "PyDataset", False, True)
    assert len(seen) > N


@shows("batches_looked_at")
@pytest.mark.parametrize("engine", ENGINES)
def test_how_often_a_batch_is_made(engine):
    def made(k):
        asked = []

        class Batches(k.utils.PyDataset if engine == KERAS_3 else k.utils.Sequence):
            def __len__(self):
                return N

            def __getitem__(self, index):
                asked.append(index)
                return (np.ones((2, 1), "float32"),)

        model = k.Sequential([k.Input((1,)), k.layers.Dense(1)])
        model.predict(Batches(), verbose=0)
        return sorted(asked)

    with semantics.use(engine):
        ours, looks = made(refkeras), semantics.current().batches_looked_at
    assert ours == made(ENGINES[engine]) == sorted([*range(looks), *range(N)])


# -- workers ---------------------------------------------------------------------------------------

#: Where an epoch takes kept batches alone, it is up to chance whether workers have begun.
WORKING = [step for step in LOOPS if not step.endswith("on_batch") and step != "fit in steps"]


@shows("builds_from_batches", "data_is_reset")
@given(
    script=st.lists(st.sampled_from(WORKING), min_size=1, max_size=3),
    shuffle=st.booleans(),
    built=st.booleans(),
    workers=st.integers(2, 4),
    queue_size=st.integers(N, 10),
)
@examples(4)
def test_workers_take_the_same_batches(script, shuffle, built, workers, queue_size):
    """All batches have their place in the queue: if a thread is late, Keras has another order, and may try again."""
    given_ = script, "PyDataset", shuffle, built
    settings = {"workers": workers, "max_queue_size": queue_size}
    with semantics.use(KERAS_3):
        ours = played(refkeras, *given_, **settings)
    assert any(played(ENGINES[KERAS_3], *given_, **settings) == ours for _ in range(4))


@pytest.mark.skipif(BACKEND == "numpy", reason="Keras's NumPy backend does not train")
@pytest.mark.parametrize("queue_size", [1, 2, 3])
def test_workers_that_wait_for_the_queue(queue_size):
    """How far they are when an epoch ends is up to chance in Keras; as far as they may be is one of its outcomes.

    Each outcome of a run comes about half of the time: that twenty runs have other outcomes has a chance of 1e-6.
    """
    script = ["fit"], "PyDataset", False, True
    settings = {"workers": 2, "max_queue_size": queue_size}
    with semantics.use(KERAS_3):
        ours = played(refkeras, *script, **settings)
    assert any(played(ENGINES[KERAS_3], *script, **settings) == ours for _ in range(20))
    losses = [step for step in ours[0] if isinstance(step, int)]
    # Where a first batch was taken to build from, some batches come twice and others never.
    assert (sorted(losses[:N]) == [(i + 1) ** 2 for i in range(N)]) == (BACKEND == "tensorflow" or queue_size == 3)
