"""Models, files and runs that these tests share."""

import json
import zipfile

import numpy as np

import refkeras
from refkeras.verify.engines import Engine, Result
from refkeras.verify.model import probe
from refkeras.verify.model.command import verify_model

REFKERAS = Engine("refkeras", "keras-3", "keras-3@tensorflow")


def model():
    """An LSTM inside a model, a masked one, a layer that is called twice, two outputs; all weights distinct."""
    layers = refkeras.layers
    refkeras.utils.set_random_seed(3)
    encoder = refkeras.Sequential(
        [refkeras.Input((6, 5)), layers.LSTM(4, name="inner_lstm"), layers.Dense(3, name="inner_dense")], name="encoder"
    )
    inputs = refkeras.Input((6, 2), name="sequence")
    first = layers.LSTM(5, return_sequences=True, name="first")(layers.Masking(name="masking")(inputs))
    shared = layers.Dense(3, activation="relu", name="shared")
    joined = layers.Add(name="joined")([shared(encoder(first)), shared(layers.LSTM(3, name="second")(first))])
    outputs = [
        layers.Dense(4, activation="softmax", name="classes")(layers.Dropout(0.2, name="dropout")(joined)),
        layers.Dense(1, name="value")(joined),
    ]
    made = refkeras.Model(inputs, outputs, name="made")
    rng = np.random.default_rng(5)
    made.set_weights([w + rng.normal(scale=0.2, size=w.shape).astype("float32") for w in made.get_weights()])
    made.compile(refkeras.optimizers.Adam(0.01), loss=["categorical_crossentropy", "mse"])
    return made


def saved(folder, made=None):
    path = folder / "model.keras"
    (model() if made is None else made).save(path)
    return path


def edited(path, change):
    """Change the configuration of a `.keras` file: `change(config)`."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def record(config, name):
    """Return the record of a layer, wherever it stands."""
    for item in config["config"]["layers"]:
        if item["config"].get("name") == name:
            return item
        if "layers" in item["config"]:
            found = record(item, name)
            if found is not None:
                return found
    return None


class InProcess:
    """What the worker gives the probe, without a process."""

    name, keras = "refkeras", refkeras

    def fresh(self, seed):
        refkeras.utils.clear_session()
        refkeras.utils.set_random_seed(seed)

    def progress(self, step):
        pass


def verified(path, monkeypatch, spoil=lambda arrays: None, **options):
    """Verify a file on refkeras itself in this process; `spoil` changes what the engine sends back."""

    def run_all(jobs, on_step):
        results = []
        for job in jobs:
            with refkeras.config.floatx_is(job.dtype):  # as the worker does
                seen, arrays = probe.run(InProcess(), job.settings, job.arrays)
            spoil(arrays)
            results.append(Result({"engine": "refkeras", "version": "0"}, seen, arrays))
        return results

    monkeypatch.setattr("refkeras.verify.model.command.run_all", run_all)
    return verify_model(path, [REFKERAS], samples=8, **options)
