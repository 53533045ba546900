"""Files of older releases of Keras: models are as they were, and go on training with the same numbers.

`recorded/record.py` recorded them, in float64. No number in them is larger than
8, and fewer than a thousand roundings lead to one: 8 · 1000 · 2**-53 < 1e-12.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import refkeras
from refkeras import semantics

ARCHIVE = zipfile.ZipFile(Path(__file__).parent / "recorded" / "recorded.zip")
RELEASES = sorted(name.removesuffix(".json") for name in ARCHIVE.namelist() if name.endswith(".json"))


@pytest.fixture
def float64():
    refkeras.backend.clear_session()
    refkeras.backend.set_floatx("float64")
    yield
    refkeras.backend.set_floatx("float32")
    refkeras.backend.clear_session()


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@pytest.mark.parametrize("release", RELEASES)
def test_models_of_older_releases_go_on(release, extension, tmp_path, float64):
    expected = json.loads(ARCHIVE.read(f"{release}.json"))
    path = ARCHIVE.extract(f"{release}{extension}", tmp_path)
    x, targets = ([np.array(array) for array in expected[name]] for name in ("inputs", "targets"))
    with semantics.use("tf_keras" if release.startswith("2.") else "keras-3@tensorflow"):
        model = refkeras.models.load_model(path)
        for ours, theirs in zip(model.predict(x, verbose=0), expected["predict"], strict=True):
            assert np.abs(ours - theirs).max() < 1e-12
        assert int(model.optimizer.iterations) == 3
        for _ in range(2):
            model.train_on_batch(x, targets)
        for ours, theirs in zip(model.get_weights(), expected["after"], strict=True):
            assert np.abs(ours - np.array(theirs)).max() < 1e-12


def test_optimizers_that_keras_saved_on_pytorch():
    """Keras's PyTorch backend has optimizer classes of its own, and writes where they are."""
    for name in ("Adam", "AdamW", "RMSprop", "SGD"):
        module = f"keras.src.backend.torch.optimizers.torch_{name.lower()}"
        record = {"module": module, "class_name": name, "config": {"learning_rate": 0.5}, "registered_name": name}
        optimizer = refkeras.saving.deserialize_keras_object(record)
        assert type(optimizer) is getattr(refkeras.optimizers, name)
        assert float(optimizer.learning_rate) == 0.5
