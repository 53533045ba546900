"""Whole training runs from the seed alone: one script, run on an engine or on refkeras.

Written against Keras's API, and importing NumPy alone, because the engine's
process runs it too.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

__all__ = ["EPOCHS", "draw_runs", "train"]

EPOCHS = 10


def draw_runs(engine: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Draw runs: model, data, optimizer and options of fit, all sizes unlike one another."""
    rng = np.random.default_rng([seed, count, len(engine)])
    return [{"kind": "whole run", "engine": engine, "number": i, **_draw(rng, engine)} for i in range(count)]


def _draw(rng: np.random.Generator, engine: str) -> dict[str, Any]:
    recurrent = bool(rng.random() < 0.6)
    dropout, recurrent_dropout = _rates(rng, engine)
    return {
        "seed": int(rng.integers(2**31)),
        "rows": int(rng.integers(23, 70)),
        "steps": int(rng.integers(3, 8)) if recurrent else 0,
        "features": int(rng.integers(2, 6)),
        "units": int(rng.integers(3, 9)),
        "layers": int(rng.integers(1, 3)),
        "dropout": dropout,
        "recurrent_dropout": recurrent_dropout,
        "between": float(rng.choice([0.0, 0.2, 0.45])),
        "kernel": str(rng.choice(["glorot_uniform", "he_uniform", "lecun_uniform", "glorot_normal", "he_normal"])),
        "classes": int(rng.integers(2, 5)),
        "head": str(rng.choice(["softmax", "sigmoid", "linear"])),
        "optimizer": str(rng.choice(["SGD", "Adam", "RMSprop"])),
        "rate": float(rng.choice([0.003, 0.01, 0.03])),
        "batch": int(rng.integers(5, 17)),
        "validation_split": float(rng.choice([0.0, 0.15, 0.3])),
    }


def _rates(rng: np.random.Generator, engine: str) -> tuple[float, float]:
    """LSTM's two rates; a recurrent dropout is what tf_keras itself does not repeat."""
    rates = float(rng.choice([0.0, 0.1, 0.3])), float(rng.choice([0.0, 0.0, 0.25]))
    return (rates[0], 0.0) if engine == "tf_keras" else rates


def train(keras: Any, case: dict[str, Any], dtype: str = "float32") -> list[np.ndarray]:
    """Train from the seed alone; return the History, one array a key in alphabetical order."""
    x, y = _data(case, dtype)
    keras.backend.clear_session()
    keras.utils.set_random_seed(case["seed"])
    model = _build(keras, case)
    losses = {"softmax": "categorical_crossentropy", "sigmoid": "binary_crossentropy", "linear": "mse"}
    optimizer = getattr(keras.optimizers, case["optimizer"])(learning_rate=case["rate"])
    model.compile(optimizer=optimizer, loss=losses[case["head"]], metrics=["accuracy", "mae"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(
            x, y, batch_size=case["batch"], epochs=EPOCHS, validation_split=case["validation_split"], verbose=0
        ).history
    return [np.asarray(history[key], np.float64) for key in sorted(history)]


def _build(keras: Any, case: dict[str, Any]) -> Any:
    layers = keras.layers
    shape = (case["steps"], case["features"]) if case["steps"] else (case["features"],)
    inputs = x = keras.Input(shape)
    for i in range(case["layers"]):
        last = i == case["layers"] - 1
        if case["steps"]:
            x = layers.LSTM(
                case["units"] + i,
                dropout=case["dropout"],
                recurrent_dropout=case["recurrent_dropout"],
                kernel_initializer=case["kernel"],
                return_sequences=not last,
            )(x)
        else:
            x = layers.Dense(case["units"] + 3 * i, activation="tanh", kernel_initializer=case["kernel"])(x)
        # A Dropout that follows an LSTM's sequence draws in another order on PyTorch.
        if case["between"] and (last or not case["steps"]):
            x = layers.Dropout(case["between"])(x)
    return keras.Model(inputs, layers.Dense(case["classes"], activation=case["head"])(x))


def _data(case: dict[str, Any], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(case["seed"])
    shape = (case["rows"], *((case["steps"],) if case["steps"] else ()), case["features"])
    x = rng.normal(size=shape)
    if case["head"] == "linear":
        y = rng.normal(size=(case["rows"], case["classes"]))
    else:
        y = np.eye(case["classes"])[rng.integers(case["classes"], size=case["rows"])]
    return x.astype("float32").astype(dtype), y.astype("float32").astype(dtype)
