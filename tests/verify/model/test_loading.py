"""A layer that refkeras does not have is named with its place; what holds code is refused."""

import numpy as np
import pytest

import refkeras
from refkeras.saving.errors import ModelFileError
from refkeras.verify.model.loading import load
from tests.verify.model.made import edited, record, saved, verified


def unknown(name, class_name="Twirl", module="keras.layers"):
    def change(config):
        record(config, name).update(class_name=class_name, module=module)

    return change


def test_a_whole_model(tmp_path):
    loaded = load(saved(tmp_path))
    assert not loaded.missing
    assert [(i.name, i.shape, i.dtype) for i in loaded.inputs] == [("sequence", (None, 6, 2), "float32")]
    assert loaded.outputs == ["classes", "value"]
    assert "encoder/inner_lstm" in loaded.layers and "sequence" not in loaded.layers


@pytest.mark.parametrize(
    ("name", "path", "place"),
    [("second", "second", "of model 'made'"), ("inner_dense", "encoder/inner_dense", "layer 3 of model 'encoder'")],
)
def test_an_unknown_layer_is_named_and_the_others_are_verified(tmp_path, monkeypatch, name, path, place):
    file = saved(tmp_path)
    whole = verified(file, monkeypatch)
    loaded = load(edited(file, unknown(name)))
    (missing,) = loaded.missing
    assert (missing.path, missing.class_name) == (path, "Twirl")
    assert place in missing.place
    assert "Could not locate class 'Twirl'" in missing.why
    assert loaded.model is None
    assert path not in loaded.layers
    assert [i.shape for i in loaded.inputs] == [(None, 6, 2)]
    # The engine knows the layer: here the file as it was stands in for it.
    (tmp_path / "whole").mkdir()
    original = refkeras.models.load_model(saved(tmp_path / "whole"))
    monkeypatch.setattr("refkeras.verify.model.probe._load", lambda engine, job, compile: original)
    outcome = verified(file, monkeypatch)
    assert outcome.agrees and not outcome.complete
    judged = {finding.place for finding in outcome.outcomes[0].findings}
    assert judged == {f.place for f in whole.outcomes[0].findings if f.stage == "layer"} - {path}
    assert {call.place for call in outcome.outcomes[0].calls} >= {path}


def test_an_operation_is_named(tmp_path):
    def change(config):
        item = record(config, "joined")
        item.update(module="keras.src.ops.numpy", class_name="Sqrt", registered_name="Sqrt")

    (missing,) = load(edited(saved(tmp_path), change)).missing
    assert missing.path == "joined"
    assert "The model calls the operation 'Sqrt'" in missing.why


def test_with_training_a_missing_layer_is_an_error(tmp_path):
    with pytest.raises(TypeError, match="Could not locate class 'Twirl'"):
        load(edited(saved(tmp_path), unknown("second")), compile=True)


@pytest.mark.parametrize(
    ("class_name", "module", "message"),
    [
        ("Lambda", "keras.layers", "holds code"),
        ("__lambda__", None, "runs no code that comes out of a file"),
        ("Popen", "subprocess", "comes from 'subprocess', which is not Keras"),
        ("Twirl", "keras_evil.layers", "comes from 'keras_evil.layers'"),
    ],
)
def test_no_engine_is_asked_to_run_code(tmp_path, class_name, module, message):
    with pytest.raises(ModelFileError, match=message):
        load(edited(saved(tmp_path), unknown("second", class_name, module)))


def test_code_behind_an_unknown_layer_is_seen(tmp_path):
    def change(config):
        record(config, "second").update(class_name="Twirl")
        record(config, "second")["config"]["activation"] = {"class_name": "__lambda__", "config": {"value": "x"}}

    with pytest.raises(ModelFileError, match="holds code"):
        load(edited(saved(tmp_path), change))


def test_a_damaged_file_is_an_error(tmp_path):
    file = saved(tmp_path)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"model\.keras"):
        load(file)


def test_a_sequential_model_in_parts(tmp_path):
    layers = refkeras.layers
    made = refkeras.Sequential([refkeras.Input((5, 3)), layers.LSTM(4), layers.Dense(2, name="last")])
    made.predict(np.zeros((1, 5, 3), "float32"), verbose=0)
    loaded = load(edited(saved(tmp_path, made), unknown("last")))
    assert [m.path for m in loaded.missing] == ["last"]
    assert [i.shape for i in loaded.inputs] == [(None, 5, 3)]
