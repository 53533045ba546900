"""Plots, and the samples on the plateau."""

import matplotlib as mpl
import numpy as np
import pytest

import refkeras as keras
from refkeras import explain
from refkeras.datasets import iris
from refkeras.explain.plateau import find_courses

mpl.use("Agg")


@pytest.fixture(scope="module")
def run():
    x, labels = iris.load_data()
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    ledger = explain.Ledger()
    history = model.fit(x, labels, batch_size=20, epochs=15, validation_split=0.2, verbose=0, callbacks=[ledger])
    return model, history, ledger


def test_the_sample_whose_loss_falls_while_its_class_stays_behind(run):
    _, _, ledger = run
    course = find_courses(ledger.run)[0]
    assert course.phase == "validation" and course.fall > 0.05
    behind = range(course.first, course.last + 1)
    assert all(np.argmax(course.probabilities[e]) != course.target and not course.right[e] for e in behind)
    for e, epoch in enumerate(course.epochs):
        sample = ledger.explain("val_loss", epoch).inputs[course.batches[e]].inputs[course.places[e]]
        assert f"validation row {course.row})" in sample.name and float(sample.value) == course.losses[e]
        p = course.probabilities[e][course.target]
        assert np.isclose(course.losses[e], -np.log(p), rtol=1e-5)
        hit = ledger.explain("val_accuracy", epoch).inputs[course.batches[e]].inputs[course.places[e]]
        assert bool(hit.value) == course.right[e]


def test_plot_plateau(run):
    _, _, ledger = run
    course = find_courses(ledger.run)[0]
    ax = ledger.plot_plateau()
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), course.losses)
    assert f"row {course.row}:" in ax.get_title() and len(ax.lines) == 4
    other = find_courses(ledger.run)[1]
    assert f"row {other.row}:" in ledger.plot_plateau(sample=other.row).get_title()
    with pytest.raises(ValueError, match=r"The loss of sample 999 never .* Samples that do: \["):
        ledger.plot_plateau(sample=999)
    with pytest.raises(ValueError, match="No sample's loss falls while its class stays behind"):
        explain.Ledger().plot_plateau()


def test_history_plot(run):
    _, history, _ = run
    figure = history.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["accuracy", "loss"]
    loss = figure.axes[1]
    assert [line.get_label() for line in loss.lines] == ["loss", "val_loss"]
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), history.history["val_loss"])
    np.testing.assert_array_equal(loss.lines[1].get_xdata(), np.arange(1, 16))
    assert len(history.plot("loss").axes) == 1
    with pytest.raises(ValueError, match=r"no 'los'. Did you mean 'loss'\? There are: accuracy, loss, val_accuracy"):
        history.plot("los")


def test_history_plot_needs_matplotlib(run, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'refkeras\[plot\]'"):
        run[1].plot()
