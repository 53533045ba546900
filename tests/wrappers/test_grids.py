"""Cross-validation and grid search, on each of joblib's engines: the same scores whoever computes them."""

import contextlib
import io
import os

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from refkeras.datasets import iris
from refkeras.wrappers import SKLearnClassifier
from tests.wrappers.models import seeded

# The fourth question's advice: units, learning rate, batch size, optimizer.
GRID = {
    "model_kwargs": [
        {"units": 1, "learning_rate": 0.001},
        {"units": 8, "learning_rate": 0.03},
        {"units": 8, "learning_rate": 0.03, "optimizer": "rmsprop"},
    ],
    "fit_kwargs": [{"epochs": 6, "batch_size": size, "verbose": 0} for size in (5, 30)],
}
FOLDS = KFold(3, shuffle=True, random_state=1)


def search(**options):
    rows, names = iris.load_data()
    # The names are numbers here: a Dask worker would warn of pandas otherwise.
    labels = np.unique(names, return_inverse=True)[1]
    found = GridSearchCV(SKLearnClassifier(seeded), GRID, cv=FOLDS, error_score="raise", **options)
    return found.fit(rows, labels)


@pytest.fixture(scope="module")
def alone():
    with contextlib.redirect_stdout(io.StringIO()):
        return search()


@contextlib.contextmanager
def dask_cluster():
    """A cluster of processes on this machine, which nobody else can reach."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    options = {"host": "127.0.0.1", "dashboard_address": None, "worker_dashboard_address": None}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=120)
        places = client.run(os.getpid)
        assert len(set(places.values()) - {os.getpid()}) == 2
        assert all(address.startswith("tcp://127.0.0.1:") for address in places)
        with joblib.parallel_config("dask", wait_for_workers_timeout=60):
            yield


ENGINES = {
    "dask": dask_cluster,
    "loky": lambda: joblib.parallel_config("loky", n_jobs=2),
    "threading": lambda: joblib.parallel_config("threading", n_jobs=4),
}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_finds_the_same(alone, engine, capfd):
    with ENGINES[engine]():
        found = search()
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert found.best_params_ == alone.best_params_


def test_a_grid_tells_good_from_bad(alone):
    scores = alone.cv_results_["mean_test_score"]
    assert len(scores) == 6
    assert max(scores) > min(scores)
    assert alone.best_params_["model_kwargs"]["units"] == 8
    assert len(alone.best_estimator_.history_.epoch) == 6


def test_cross_val_score_takes_arguments_of_fit(capsys):
    rows, names = iris.load_data()
    more = {"epochs": 30, "verbose": 0}
    estimator = SKLearnClassifier(seeded, model_kwargs={"units": 8})
    long = cross_val_score(estimator, rows, names, cv=FOLDS, params=more)
    short = cross_val_score(estimator, rows, names, cv=FOLDS, params=more | {"epochs": 1})
    assert long.mean() > short.mean()
