"""Every hostile file ends in a ValueError that names it: no code runs, and time and memory stay small."""

from __future__ import annotations

import sys
import time
import tracemalloc
import warnings

import pytest

import refkeras
from tests.saving.files import good_dense, good_legacy, good_weights, keras_file, model
from tests.saving.hostile import CANARY, CASES

#: Of CPU, with memory traced, which takes several times as long.
SECONDS, MEGABYTES = 20.0, 150
#: Words in the names of cases that ask for memory.
GREEDY = [
    "bomb",
    "claims",
    "units",
    "features",
    "shape",
    "million",
    "thousand",
    "models in models",
    "heap",
    "of dtype",
    "states",
]


@pytest.fixture(scope="module")
def attack_module(tmp_path_factory):
    """A module that runs code when it is imported, on the path."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "refkeras_attack_module.py").write_text(f"open({str(CANARY)!r}, 'w')\ndef attack(*a, **k): pass\n")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def load(path, extension):
    if extension == ".weights.h5":
        target = model()
        return lambda: target.load_weights(path)
    return lambda: refkeras.models.load_model(path)


@pytest.mark.parametrize("name", CASES)
def test_hostile_file(name, tmp_path, attack_module):
    extension, make = CASES[name]
    path = tmp_path / f"model{extension}"
    make(path)
    action = load(path, extension)
    before = set(tmp_path.parent.rglob("*"))
    if any(word in name for word in GREEDY):  # tracing takes time
        tracemalloc.start()
    start = time.process_time()
    try:
        with warnings.catch_warnings(), pytest.raises(ValueError) as caught:
            warnings.simplefilter("ignore")
            action()
        seconds = time.process_time() - start
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6 if tracemalloc.is_tracing() else 0.0
    finally:
        tracemalloc.stop()
    assert not CANARY.exists(), "code of the file has run"
    assert "refkeras_attack_module" not in sys.modules
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
    assert set(tmp_path.parent.rglob("*")) == before, "something was written"
    text = str(caught.value)
    assert str(path) in text and 20 < len(text) < 2500, text


def test_the_good_files_load(tmp_path):
    """What the corpus is made of is loaded, so that what is refused is the attack."""
    keras_file(tmp_path / "good.keras")
    (tmp_path / "good.h5").write_bytes(good_legacy())
    (tmp_path / "dense.h5").write_bytes(good_dense())
    (tmp_path / "good.weights.h5").write_bytes(good_weights())
    for name in ("good.keras", "good.h5", "dense.h5"):
        loaded = refkeras.models.load_model(tmp_path / name)
        assert loaded.name == "good"
        assert len(loaded.optimizer.variables) > 10
    model().load_weights(tmp_path / "good.weights.h5")


def test_safe_mode_makes_no_difference(tmp_path):
    CASES["a Lambda layer"][1](tmp_path / "m.keras")
    for safe_mode in (True, False):
        with pytest.raises(ValueError, match="Lambda layer is code in a file"):
            refkeras.models.load_model(tmp_path / "m.keras", safe_mode=safe_mode)


def test_unknown_classes_are_type_errors_too(tmp_path):
    """As in Keras; and the message says where the class stands, and what would do."""
    CASES["subprocess.Popen as a layer, way 3"][1](tmp_path / "m.keras")
    with pytest.raises(TypeError, match=r"'Popen' of 'subprocess'.*layer \d \('dense'\) of model 'good'"):
        refkeras.models.load_model(tmp_path / "m.keras")


def test_an_hdf5_file_under_the_new_name_is_recognized(tmp_path):
    """What `model.save("model.keras")` of Keras 2.12 and before left."""
    (tmp_path / "m.keras").write_bytes(good_legacy())
    with pytest.raises(ValueError, match=r"It is an HDF5 file.*name that ends in `\.h5`"):
        refkeras.models.load_model(tmp_path / "m.keras")
