"""The ledger: it changes nothing, and every number of the log can be taken apart."""

import dataclasses
import io
import json

import numpy as np
import pytest
from hypothesis import example, given, settings

import refkeras as keras
from refkeras import explain, semantics
from refkeras.explain.derivation import derive
from refkeras.explain.derivation import given as recorded
from refkeras.explain.recording import every_fit

from . import checking, runs

PLAIN = runs.Kind(
    "keras-3@tensorflow", "float32", ("categorical_crossentropy",), False, False, False, "none", "sum_over_batch_size",
    False, True, 17, 5, 0.3, 1,
)  # fmt: skip
TWO = dataclasses.replace(PLAIN, losses=("categorical_crossentropy", "mse"), loss_weights=True)


def recorded_run(kind, **options):
    ledger = explain.Ledger(**options)
    with runs.settings(kind):
        model, history = runs.fit(kind, [ledger])
    return model, history, ledger


@settings(deadline=None, max_examples=25)
@given(runs.kinds)
@example(TWO)
@example(dataclasses.replace(PLAIN, sequences=True, masked=True, weights="sample", regularized=True))
@example(dataclasses.replace(TWO, semantics="keras-2.0", weights="some zero", regularized=True))
@example(dataclasses.replace(PLAIN, semantics="tf_keras", weights="class", dtype="float64"))
def test_every_figure_follows_from_its_inputs(kind):
    with runs.settings(kind):
        before, plain_history = runs.fit(kind)
        ledger = explain.Ledger()
        model, history = runs.fit(kind, [ledger])
    assert history == plain_history or json.dumps(history) == json.dumps(plain_history)  # NaN is not itself
    for a, b in zip(before.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    read = explain.load(saved(ledger))[0]
    for key, values in history.items():
        for epoch, value in enumerate(values, 1):
            found = ledger.explain(key, epoch)
            assert float(found.value) == value or np.isnan(value), (key, epoch)
            assert found.verify() == checking.check(found)
            assert not [d for d in found.walk() if any("not kept" in note or "As it was" in note for note in d.notes)]
            assert found.formula != "given" or np.isnan(value)
        assert read.explain(key) == found
        assert explain.Derivation.from_json(found.to_json()) == found


_folder = None


@pytest.fixture(autouse=True)
def folder(tmp_path_factory):
    global _folder
    _folder = _folder or tmp_path_factory.mktemp("ledgers")


def saved(ledger):
    ledger.save(_folder / "run.json")
    return _folder / "run.json"


@pytest.mark.parametrize("mistake", ["value", "input", "formula"])
def test_a_wrong_figure_is_found(mistake):
    _, _, ledger = recorded_run(PLAIN)
    found = ledger.explain("val_loss").to_dict()
    node = found["inputs"][0]["inputs"][0]
    if mistake == "value":
        node["value"] = float(np.nextafter(np.float32(node["value"]), np.float32(9)))
    elif mistake == "input":
        node["inputs"][0]["value"] += 1e-3
    else:
        found["inputs"][0]["formula"] = "sum"
        del found["inputs"][0]["params"]
    wrong = explain.Derivation.from_dict(found)
    with pytest.raises(explain.DerivationError, match="but"):
        wrong.verify()
    if mistake != "value":  # one bit is within the other check's roundings
        with pytest.raises(AssertionError):
            checking.check(wrong)


def test_the_other_check_finds_the_seventh_digit():
    node = derive("m", "mean", [recorded("a", np.float32(1)), recorded("b", np.float32(2))], "float32", divisor=2)
    checking.check(node)
    node.value = np.float32(1.50001)
    with pytest.raises(AssertionError):
        checking.check(node)


def test_from_the_log_down_to_the_softmax():
    _, history, ledger = recorded_run(TWO)
    found = ledger.explain("val_loss", epoch=2)
    assert f"{found.value:.4f}" == f"{history['val_loss'][1]:.4f}"
    batch = found.inputs[0]
    assert batch.numbers.startswith("0.4 × ") and " + 0.6 × " in batch.numbers
    sample = batch.find("out_0_loss").inputs[0]
    assert sample.name == "loss of sample 1 (validation row 1)" and sample.formula == "minus_log_softmax"
    p = sample.also[0]
    assert p.formula == "softmax" and float(sample.value) == pytest.approx(-np.log(float(p.value)), rel=1e-6)
    error = batch.find("out_1_loss").inputs[0].inputs[0]
    assert error.formula == "squared_difference"


def test_unequal_batches_and_the_parts_of_keras_3():
    kind = dataclasses.replace(TWO, rows=11, batch_size=5, validation=0.0)  # 5 + 5 + 1
    _, history, ledger = recorded_run(kind)
    logged, by_rows = ledger.explain("loss", epoch=1).also
    loss = history["loss"][0]
    sum_of_logged = 0.4 * history["out_0_loss"][0] + 0.6 * history["out_1_loss"][0]
    assert abs(float(logged.value) - sum_of_logged) < 1e-6 < abs(sum_of_logged - loss)
    assert abs(float(by_rows.value) - loss) < 1e-6
    (note,) = logged.notes
    assert "not consistent" in note and logged.shown in note and by_rows.shown in note
    for name in ("tf_keras", "keras-3@jax"):
        _, _, ledger = recorded_run(dataclasses.replace(kind, semantics=name))
        (parts,) = ledger.explain("loss").also
        assert abs(float(parts.value) - float(ledger.explain("loss").value)) < 1e-6


def test_a_batch_of_its_own():
    _, _, ledger = recorded_run(PLAIN)
    first = ledger.explain("loss", epoch=1, batch=1)
    assert first.name == "loss of batch 1 (5 rows)" and first == ledger.explain("loss", epoch=1, batch=1)
    assert float(first.value) == float(ledger.explain("loss", epoch=1).inputs[0].value)
    hits = ledger.explain("accuracy", epoch=1, batch=2)
    assert float(hits.value) == np.mean([float(d.value) for d in hits.inputs[0].inputs]).astype("float32")
    assert ledger.explain("gradient_norm", batch=1).verify() == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("val_los", 1), r"epoch 1 has no 'val_los'. Did you mean 'val_loss'\? There are: accuracy, loss, mae, "),
        (("loss", 3), r"There is no epoch 3; there are 1 to 2 \(counted from 1, as the log prints them\)"),
        (("loss", 0), "There is no epoch 0"),
        (("loss", 1, 9), "has 3 batches of 'loss', counted from 1; 9 is none"),
    ],
)
def test_what_there_is_not(arguments, message):
    _, _, ledger = recorded_run(PLAIN)
    with pytest.raises(ValueError, match=message):
        ledger.explain(*arguments)


def test_an_empty_ledger_says_so():
    with pytest.raises(ValueError, match="no evaluation yet: pass it to fit or evaluate"):
        explain.Ledger().explain("loss")
    with pytest.raises(ValueError, match="max_bytes=-1"):
        explain.Ledger(max_bytes=-1)


def test_the_learning_rate_of_a_schedule_and_of_callbacks():
    x, y = np.eye(4, dtype="float32"), np.ones((4, 1), "float32")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    ledger = explain.Ledger()
    model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[ledger])
    rate = ledger.explain("learning_rate", epoch=2, batch=2)
    assert rate.formula == "schedule" and float(rate.inputs[0].value) == 3 and float(rate.value) == np.float32(0.05)
    rate.verify()
    model.compile(keras.optimizers.SGD(0.5), "mse")
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = model.fit(x, y, epochs=2, verbose=0, callbacks=[ledger, halve]).history
    assert (
        [float(ledger.explain("learning_rate", e).value) for e in (1, 2)] == history["learning_rate"] == [0.25, 0.125]
    )


def test_evaluate_alone():
    model, _, _ = recorded_run(PLAIN)
    ledger = explain.Ledger()
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 5, 3)).astype("float32"), np.eye(4, dtype="float32")[rng.integers(4, size=7)]
    logs = [model.evaluate(x, y, batch_size=3, verbose=0, return_dict=True, callbacks=[ledger]) for _ in range(2)]
    for key, value in logs[1].items():
        found = ledger.explain(key, evaluation=2)
        assert float(found.value) == value and found.verify() > 7
    with pytest.raises(ValueError, match="There is no evaluation 3; there are 1 to 2"):
        ledger.explain("loss", evaluation=3)


def test_evaluating_within_fit_does_not_confuse_it():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 3)).astype("float32"), rng.normal(size=(6, 1)).astype("float32")

    class Probe(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(x, y, verbose=0)
            self.model.test_on_batch(x, y)

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    ledger = explain.Ledger()
    history = model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[Probe(), ledger]).history
    for epoch in (1, 2):
        found = ledger.explain("loss", epoch)
        assert len(found.inputs) == 3 and float(found.value) == history["loss"][epoch - 1]
    assert model._steps.watchers == ()


def test_losses_and_metrics_of_ones_own():
    class Largest(keras.Metric):
        def __init__(self):
            super().__init__(name="largest")
            self.value = self.add_variable((), np.zeros, name="value")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.value.assign(max(float(self.value), float(np.max(y_pred))))

        def result(self):
            return self.value

    def quartic(y_true, y_pred):
        return ((y_pred - y_true) ** 4).mean(-1)

    quartic.forward = lambda t, p: (((p - t) ** 4).mean(-1), lambda d: d[..., None] * 4 * (p - t) ** 3 / p.shape[-1])
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", quartic, metrics=[Largest(), quartic, keras.metrics.RootMeanSquaredError()])
    ledger = explain.Ledger()
    x, y = np.eye(3, dtype="float32"), np.ones((3, 2), "float32")
    history = model.fit(x, y, batch_size=2, verbose=0, callbacks=[ledger]).history
    for key, (value,) in history.items():
        found = ledger.explain(key)
        assert float(found.value) == value
        assert found.verify() == checking.check(found)
    assert "not a mean of a function's values" in ledger.explain("largest").notes[0]
    assert len(ledger.explain("loss").inputs[0].inputs) == 2


def test_memory_is_bounded_and_what_is_dropped_is_said():
    kind = dataclasses.replace(PLAIN, rows=200, batch_size=20)
    with runs.settings(kind):
        full, small = explain.Ledger(traces=0), explain.Ledger(traces=0, max_bytes=300_000)
        _, history = runs.fit(kind, [full, small], epochs=12)
    assert full.dropped == [] and small._bytes <= 300_000 < full._bytes
    said = small.dropped
    assert any("the samples of 7 batches of its training dropped" in line for line in said)
    assert not any(line.startswith(("Epoch 1:", "Epoch 12:")) for line in said)
    for epoch in range(1, 13):
        found = small.explain("loss", epoch)
        assert float(found.value) == history["loss"][epoch - 1]
        found.verify()
    assert small.explain("loss", 12) == full.explain("loss", 12)
    assert "What it was computed from is not kept." in next(iter(small.explain("loss", 6).inputs)).notes
    tiny = explain.Ledger(traces=0, max_bytes=0)
    with runs.settings(kind):
        runs.fit(kind, [tiny])
    found = tiny.explain("loss", 1)
    assert found.formula == "given" and "dropped to stay within max_bytes" in found.notes[0]
    assert "Epoch 1: 7 batches of its training dropped." in tiny.dropped


def test_text_and_html_escape_names():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a<b>")])
    model.compile("sgd", "mse")
    ledger = explain.Ledger()
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0, callbacks=[ledger])
    found = ledger.explain("loss")
    assert "a<b>" in str(found) and "a&lt;b&gt;" in found._repr_html_() and "a<b>" not in found._repr_html_()
    from rich.console import Console

    console = Console(width=100, file=io.StringIO())
    console.print(found)
    assert "loss of epoch 1 = " in console.file.getvalue()


def test_the_text_follows_the_first_of_many_and_counts_the_rest():
    kind = dataclasses.replace(TWO, rows=60, batch_size=5)
    _, _, ledger = recorded_run(kind)
    loss = ledger.explain("loss")
    lines = str(loss).split("\n")
    assert len(lines) < 80 and lines == loss.text().split("\n")
    assert "also loss as the sum of its parts" in lines[4]
    assert [line for line in lines if line.startswith("├─ …")] == ["├─ … 5 more, all of the same form"]  # of 9 batches
    batches = [line for line in lines if line.startswith(("├─ loss of", "└─ loss of"))]
    assert [line.split()[4] for line in batches] == ["1", "2", "3", "9"]
    second = loss.inputs[1]
    assert batches[1] == f"├─ {second.name} = {second.shown} = {second.numbers}"
    # Both outputs' losses are followed down, for they are not of the same form.
    assert any("−ln softmax" in line for line in lines) and any("(p − t)²" in line for line in lines)
    assert lines[-1].startswith("Of inputs of the same form the first is followed down")
    every = loss.text(every=True)
    assert "more" not in every and every.count("(p − t)²") == sum(
        n.formula == "squared_difference" for n in loss.walk()
    )
    assert "squared" not in loss.text(depth=1) and "batch 9" in loss.text(depth=1)
    assert len(loss.text(depth=1, width=2).split("\n")) == len(loss.text(depth=1).split("\n")) - 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "has no 'refkeras ledger' in it"),
        ("{", "is no file of ledgers"),
        ('{"format": "refkeras ledger", "version": 9, "runs": []}', "of version 9; this refkeras reads version 1"),
        ('{"format": "refkeras ledger", "version": 1, "runs": [{"modle": 1}]}', "no field 'modle'"),
    ],
)
def test_files_that_are_none(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        explain.load(tmp_path / "x.json")


def test_semantics_stay():
    before = semantics.current()
    recorded_run(PLAIN)
    assert semantics.current() is before


def test_an_interrupted_epoch_is_left_out():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations.numpy() == 4:
                raise KeyboardInterrupt

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt), every_fit() as ledgers:
        model.fit(np.ones((6, 2)), np.ones((6, 1)), batch_size=2, epochs=3, verbose=0, callbacks=[Stop()])
    (ledger,) = ledgers
    assert ledger.epochs == [1] and ledger.log().count("Epoch") == 1 and len(ledger.explain("loss").inputs) == 3
    with pytest.raises(ValueError, match="There is no epoch 2; there are 1"):
        ledger.explain("loss", 2)


def stateful():
    keras.utils.set_random_seed(7)
    inputs = {"b": keras.Input(batch_shape=(4, 5, 2), name="b"), "a": keras.Input(batch_shape=(4, 5, 3), name="a")}
    y = keras.layers.Concatenate()(
        [keras.layers.LSTM(3, stateful=True, dropout=0.2, name=f"of_{key}")(inputs[key]) for key in ("b", "a")]
    )
    model = keras.Model(inputs, keras.layers.Dense(1)(y))
    model.compile("adam", "mse")
    return model


class Own(keras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.lstm, self.dense = keras.layers.LSTM(3, name="of_x"), keras.layers.Dense(1)

    def call(self, x):
        return self.dense(self.lstm(x))


@pytest.mark.parametrize("kind", ["stateful", "own"])
def test_gates_of_inputs_by_name_of_stateful_layers_and_of_own_models(kind):
    rng = np.random.default_rng(3)
    x = {"b": rng.normal(size=(8, 5, 2)).astype("float32"), "a": rng.normal(size=(8, 5, 3)).astype("float32")}
    x = x if kind == "stateful" else x["a"]
    y = rng.normal(size=(8, 1)).astype("float32")
    histories = []
    ledger = explain.Ledger(traces=2)
    for callbacks in ([], [ledger]):
        keras.utils.set_random_seed(7)
        model = stateful() if kind == "stateful" else Own()
        if kind == "own":
            model.compile("adam", "mse")
        histories.append(model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=callbacks).history)
    assert histories[0] == histories[1]
    traces = ledger.run.history[1].traces
    assert sorted(trace.layer for trace in traces) == (["of_a", "of_b"] if kind == "stateful" else ["of_x"])
    assert all(trace.values["i"].shape == (2, 5, 3) for trace in traces)
    first = x["a"][:4] if kind == "stateful" else x[:2]
    lstm = model.get_layer(traces[-1].layer) if kind == "own" else model.get_layer("of_a")
    found = next(trace for trace in traces if trace.layer == lstm.name).values["i"][:, 0]
    weights = [w.value.astype("float64") for w in (lstm.cell.kernel, lstm.cell.bias)]
    if kind == "own":  # the stateful layer does not start from zero
        expected = 1 / (1 + np.exp(-(first[:, 0] @ weights[0] + weights[1])[:, :3]))
        # One rounding for each of 3 products and sums, and a few for the sigmoid, whose slope is at most 1/4.
        size = (np.abs(first[:, 0]) @ np.abs(weights[0]) + np.abs(weights[1]) + 1)[:, :3]
        assert (np.abs(found - expected) <= (3 + 8) * 2.0**-24 * size).all()
