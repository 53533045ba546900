"""Whole trainings, and one-sample predictions."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines import ENGINES

__all__ = ["call", "iris", "predict", "two_outputs"]

Run = Callable[[], object]


def _keras(engine: str) -> tuple[Any, dict[str, Any]]:
    """Return the engine's Keras, freshly seeded, and what `compile` is told beside the model's own."""
    keras = importlib.import_module(ENGINES[engine].module)
    keras.utils.set_random_seed(7)
    return keras, {"jit_compile": True} if engine.endswith("jit") else {}


def _classifier(keras: Any) -> Any:
    """The classifier of examples/iris.py."""
    layers = keras.layers
    return keras.models.Sequential(
        [layers.Input(shape=(4,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")]
    )


def iris(engine: str, epochs: int) -> Run:
    """Train the irises: 120 rows in batches of 5, validated on the other 30 after each epoch."""
    from refkeras.datasets import iris as data

    keras, options = _keras(engine)
    x, classes = data.load_data()
    y = np.eye(3, dtype="float32")[classes]
    model = _classifier(keras)
    model.compile(
        optimizer=keras.optimizers.Adam(0.0005), loss="categorical_crossentropy", metrics=["accuracy"], **options
    )
    return lambda: model.fit(x, y, batch_size=5, epochs=epochs, validation_split=0.2, verbose=0)


def two_outputs(engine: str, epochs: int) -> Run:
    """Train the LSTM of examples/three_losses.py: 100 samples of 15 steps, output and cell state, dropout."""
    keras, options = _keras(engine)
    layers = keras.layers
    inputs = layers.Input(shape=(15, 5))
    output, _, state_c = layers.LSTM(7, dropout=0.1, return_state=True)(inputs)
    answer = layers.Activation("relu")(layers.Dense(4)(output))
    model = keras.Model(inputs, [answer, state_c])
    model.compile(optimizer="adam", loss="mse", metrics=[["accuracy"], ["accuracy"]], **options)
    random = np.random.default_rng(7)
    x = random.normal(size=(100, 15, 5)).astype("float32")
    y = [random.uniform(size=(100, n)).astype("float32") for n in (4, 7)]
    return lambda: model.fit(x, y, batch_size=20, epochs=epochs, validation_split=0.2, verbose=0)


def predict(engine: str) -> Run:
    """`model.predict` on one sample."""
    keras, options = _keras(engine)
    model = _classifier(keras)
    model.compile(optimizer="adam", loss="mse", **options)
    x = np.random.default_rng(7).normal(size=(1, 4)).astype("float32")
    return lambda: model.predict(x, verbose=0)


def call(engine: str) -> Run:
    """`model(x)` on one sample, the result as an array."""
    keras, _ = _keras(engine)
    model = _classifier(keras)
    x = np.random.default_rng(7).normal(size=(1, 4)).astype("float32")
    if engine == "keras@torch":
        return lambda: model(x).detach().numpy()
    return lambda: np.asarray(model(x))
