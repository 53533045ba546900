"""What goes into the model."""

import numpy as np
import pytest

import refkeras
from refkeras.verify.model.data import BATCH, Data, draw_data, read_data
from refkeras.verify.model.loading import load
from tests.verify.model.made import saved


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load(saved(tmp_path_factory.mktemp("model")), compile=True)


def test_drawn_data_fit_the_model_and_its_losses(loaded):
    data = draw_data(loaded, 9, 7, targets=True)
    assert [a.shape for a in data.inputs] == [(9, 6, 2)]
    classes, value = data.targets
    assert classes.shape == (9, 4) and (classes.sum(axis=1) == 1).all() and set(classes.ravel()) == {0, 1}
    assert value.shape == (9, 1) and len(set(value.ravel())) == 9
    again = draw_data(loaded, 9, 7, targets=True)
    assert all((a == b).all() for a, b in zip(data.inputs + data.targets, again.inputs + again.targets, strict=True))
    assert (draw_data(loaded, 9, 8, targets=False).inputs[0] != data.inputs[0]).any()


@pytest.mark.parametrize(
    ("loss", "allowed"),
    [
        ("sparse_categorical_crossentropy", set(range(3))),
        ("binary_crossentropy", {0, 1}),
        ("hinge", {-1, 1}),
        ("poisson", set(range(5))),
    ],
)
def test_targets_by_loss(tmp_path, loss, allowed):
    model = refkeras.Sequential([refkeras.Input((None, 4)), refkeras.layers.Dense(3, activation="sigmoid")])
    model.compile("sgd", loss)
    data = draw_data(load(saved(tmp_path, model), compile=True), 20, 1, targets=True)
    (targets,) = data.targets
    assert data.inputs[0].shape == (20, 7, 4)
    assert targets.shape == ((20, 7) if loss.startswith("sparse") else (20, 7, 3))
    assert set(np.unique(targets)) == allowed


def test_batches_go_round():
    data = Data([np.zeros((2 * BATCH + 5, 1))], [], "")
    assert data.batches(4) == [(0, 32), (32, 64), (64, 69), (0, 32)]


@pytest.mark.parametrize("names", [("sequence", "classes", "value"), ("x", "y0", "y1")])
def test_arrays_by_name_or_number(tmp_path, loaded, names):
    x, y0, y1 = np.ones((3, 6, 2)), np.ones((3, 4)), np.zeros((3, 1))
    np.savez(tmp_path / "data.npz", **dict(zip(names, (x, y0, y1), strict=True)))
    data = read_data(tmp_path / "data.npz", loaded, targets=True)
    assert data.rows == 3
    assert data.inputs[0].dtype == "float32"
    assert [a.shape for a in data.targets] == [(3, 4), (3, 1)]
    assert read_data(tmp_path / "data.npz", loaded, targets=False).targets == []


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": np.ones(3)}, r"lacks \['sequence'\] \(or \['x'\]\): it has \['z'\]"),
        ({"x": np.ones((3, 6, 2))}, r"lacks \['classes', 'value'\] \(or \['y0', 'y1'\]\)"),
        ({"x": np.ones((3, 6, 2)), "y0": np.ones((3, 4)), "y1": np.ones((2, 1))}, "an target|a target"),
        ({"x": np.ones((3, 6, 3)), "y0": np.ones((3, 4)), "y1": np.ones((3, 1))}, r"takes \(None, 6, 2\)"),
        ({"x": np.ones((3, 6, 2)), "y0": np.ones((3, 4)), "y1": np.ones((3, 1)), "valeu": np.ones(3)}, "Did you mean"),
        ({"x": np.array([None]), "y0": np.ones(1), "y1": np.ones(1)}, "no .npz file of numbers"),
        ({"x": np.ones((0, 6, 2)), "y0": np.ones((0, 4)), "y1": np.ones((0, 1))}, "0 rows"),
    ],
)
def test_bad_data_are_told(tmp_path, loaded, arrays, message):
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_data(tmp_path / "data.npz", loaded, targets=True)


def test_no_npz_file(tmp_path, loaded):
    np.save(tmp_path / "data.npy", np.ones(3))
    with pytest.raises(ValueError, match=r"no \.npz file of numbers"):
        read_data(tmp_path / "data.npy", loaded, targets=False)
