"""How many units, which learning rate, batch size and optimizer? Let cross-validation say.

The irises, in three folds; every setting of the grid is trained on two of them
and judged on the third, in turn. The function that makes the model sets the
seed, so that two settings differ in nothing else, and so that worker processes
draw what this one draws.

    python examples/grid_search.py                        # on Keras 3 (TensorFlow)
    refkeras run examples/grid_search.py                  # on refkeras
    refkeras run examples/grid_search.py --jobs 2         # on two processes
"""

import argparse
import contextlib
import io

from keras.layers import Dense, Input
from keras.models import Sequential
from keras.optimizers import SGD, Adam, RMSprop
from keras.utils import set_random_seed
from keras.wrappers import SKLearnClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from refkeras.datasets import iris

OPTIMIZERS = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}


def build(X, y, units, optimizer, learning_rate):
    set_random_seed(7)
    model = Sequential([Input((X.shape[1],)), Dense(units, activation="tanh"), Dense(y.shape[1], activation="softmax")])
    model.compile(OPTIMIZERS[optimizer](learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    jobs = parser.parse_args().jobs
    x, names = iris.load_data()
    grid = {
        "model_kwargs": [
            {"units": units, "optimizer": optimizer, "learning_rate": rate}
            for units in (4, 16)
            for optimizer in ("sgd", "adam")
            for rate in (0.001, 0.03)
        ],
        # In the grid: what is given to the wrapper itself, scikit-learn's clones lose.
        "fit_kwargs": [{"epochs": 15, "batch_size": size, "verbose": 0} for size in (5, 30)],
    }
    folds = StratifiedKFold(3, shuffle=True, random_state=7)
    search = GridSearchCV(SKLearnClassifier(build), grid, cv=folds, n_jobs=jobs)
    with contextlib.redirect_stdout(io.StringIO()):  # each prediction shows a progress line
        search.fit(x, names)

    print("accuracy on the rows left out, the mean of three folds:\n")
    print(f"{'units':>6} {'optimizer':>10} {'learning rate':>14} {'batch size':>11} {'accuracy':>9}")
    for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        of_model, of_fit = params["model_kwargs"], params["fit_kwargs"]
        print(
            f"{of_model['units']:>6} {of_model['optimizer']:>10} {of_model['learning_rate']:>14} "
            f"{of_fit['batch_size']:>11} {score:>9.4f}"
        )
    best = search.best_params_
    print(f"\nbest: {best['model_kwargs']}, batch_size {best['fit_kwargs']['batch_size']}: {search.best_score_:.4f}")


if __name__ == "__main__":
    main()
