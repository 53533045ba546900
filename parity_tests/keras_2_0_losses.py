"""Losses and metrics of Keras 2.0.4, recorded: it has no place in an environment with today's Keras.

In an environment of its own (Python 3.11; numpy 1.23.5, scipy below 1.10, Theano 1.0.5, six,
keras 2.0.4), with `THEANO_FLAGS=cxx=,blas.ldflags=` and `KERAS_BACKEND=theano`, run

    python parity_tests/keras_2_0_losses.py

which writes `keras_2_0_losses.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RECORD = Path(__file__).with_suffix(".json")

RNG = np.random.RandomState(20170505)
ONE_HOT = np.eye(4)[[2, 0, 3, 1, 2, 2]]
LABELS = np.array([[2.0], [0.0], [3.0], [1.0], [2.0], [2.0]])
SOFT = RNG.uniform(size=(6, 4))
PROBABILITIES = RNG.uniform(0.05, 1.0, size=(6, 4))
# The label's probability is at the clip, and the row's sum is not 1.
PROBABILITIES[1] = [0.0, 0.4, 0.9, 0.7]
PROBABILITIES[2] = [1.0, 0.0, 1.0, 1.0]
PROBABILITIES[4] = [0.0, 0.0, 1.0, 0.0]
NUMBERS = np.array([[0.5], [1.5], [2.5], [0.49], [3.2], [-0.6]])
WHOLE = np.array([[0.0], [2.0], [2.0], [0.0], [3.0], [-1.0]])
STEPS_TRUE, STEPS_PRED = RNG.normal(size=(2, 5, 3, 2))
MASK = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 1, 1]])

FUNCTIONS = {
    "mean_squared_error": (SOFT, PROBABILITIES),
    "mean_absolute_error": (SOFT, PROBABILITIES),
    "binary_crossentropy": (SOFT, PROBABILITIES),
    "categorical_crossentropy": (ONE_HOT, PROBABILITIES),
    "sparse_categorical_crossentropy": (LABELS, PROBABILITIES),
}
SIGNED = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
WIDE = 3.0 * RNG.normal(size=(3, 4))
WIDE[2, 1] = 100.0
# By the names of Keras 2.0.4; what follows them is refkeras's name.
MORE_FUNCTIONS = {
    "mean_absolute_percentage_error": (SIGNED, WIDE, "mean_absolute_percentage_error"),
    "mean_squared_logarithmic_error": (SIGNED, WIDE, "mean_squared_logarithmic_error"),
    "hinge": (SIGNED, WIDE, "hinge"),
    "squared_hinge": (SIGNED, WIDE, "squared_hinge"),
    "logcosh": (SIGNED, WIDE, "log_cosh"),
    "kullback_leibler_divergence": (SOFT, PROBABILITIES, "kl_divergence"),
    "poisson": (SOFT, PROBABILITIES, "poisson"),
    "cosine_proximity": (SOFT, PROBABILITIES, "cosine_similarity"),
}
METRICS = {
    "binary_accuracy": (WHOLE, NUMBERS),
    "categorical_accuracy": (ONE_HOT, PROBABILITIES),
    "sparse_categorical_accuracy": (LABELS, PROBABILITIES),
}
# Loss, targets, predictions, weights, mask.
WEIGHTED = {
    "weights": ("mean_squared_error", SOFT, PROBABILITIES, np.array([1.0, 2.0, 0.0, 0.5, 0.0, 3.0]), None),
    "no weight": ("mean_squared_error", SOFT, PROBABILITIES, np.zeros(6), None),
    "mask": ("mean_squared_error", STEPS_TRUE, STEPS_PRED, np.ones(5), MASK),
    "both": ("mean_absolute_error", STEPS_TRUE, STEPS_PRED, np.array([1.0, 0.0, 2.0, 0.25, 0.5]), MASK),
    "empty mask": ("mean_absolute_error", STEPS_TRUE, STEPS_PRED, np.ones(5), 0 * MASK),
    "steps": ("mean_squared_error", STEPS_TRUE, STEPS_PRED, 0.5 + MASK * 2.0, None),
}
LOGITS = np.array([[60.0, 0.0, -60.0, 1.0], [-40.0, 40.0, 0.0, 30.0]])


def record() -> dict[str, dict[str, list[float]]]:
    from fixtures.keras_on_theano import revive

    revive()
    import keras
    from keras import backend, losses, metrics
    from keras.engine.training import _weighted_masked_objective

    def value(tensor):
        return np.asarray(backend.eval(tensor), dtype="float64").tolist()

    found: dict[str, dict[str, list[float]]] = {"version": keras.__version__, "functions": {}, "metrics": {}}
    for name, (t, p) in FUNCTIONS.items():
        found["functions"][name] = value(getattr(losses, name)(backend.variable(t), backend.variable(p)))
    found["more functions"] = {
        name: value(getattr(losses, name)(backend.variable(t), backend.variable(p)))
        for name, (t, p, _) in MORE_FUNCTIONS.items()
    }
    for name, (t, p) in METRICS.items():
        found["metrics"][name] = value(getattr(metrics, name)(backend.variable(t), backend.variable(p)))
    found["weighted"] = {}
    for key, (name, t, p, w, mask) in WEIGHTED.items():
        objective = _weighted_masked_objective(getattr(losses, name))
        m = None if mask is None else backend.variable(mask)
        found["weighted"][key] = value(objective(backend.variable(t), backend.variable(p), backend.variable(w), m))
    activated = backend.softmax(backend.variable(LOGITS))
    found["softmax"] = {
        "categorical_crossentropy": value(losses.categorical_crossentropy(backend.variable(ONE_HOT[:2]), activated))
    }
    return found


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), indent=1) + "\n")
