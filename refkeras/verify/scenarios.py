"""The four questions as models that any engine can be asked to train.

Written against Keras's API alone, and importing NumPy alone: the worker loads
this file by its path, in whatever Python runs the engine.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "make_data", "run"]

EPOCHS = 20

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model of one question.

    Attributes:
        name, title: what the reports call it.
        dialects: the Kerases that the question concerns.
        data: makes `x`, `y0`, `y1`, ... and, if the case validates on data of
            its own, `val_x`, `val_y0`, ...
        build: makes the model, `build(keras)`.
        compile: makes the arguments of compile but for the optimizer,
            `compile(dialect)`.
        optimizer, learning_rate: the optimizer's class and rate.
        fit: arguments of fit besides the data.
        weights: a label for each weight, in Keras's order.
        time_steps: how often the recurrent part is applied.
    """

    name: str
    title: str
    dialects: tuple[str, ...]
    data: Callable[[np.random.Generator], Arrays]
    build: Callable[[Any], Any]
    compile: Callable[[str], dict[str, Any]]
    optimizer: str
    learning_rate: float
    fit: dict[str, Any]
    weights: tuple[str, ...]
    time_steps: int = 1
    observe: Callable[[Any, Any, Arrays], Any] | None = None


def make_data(case: Case, seed: int, dtype: str) -> Arrays:
    """Return the case's arrays in `dtype`; the same numbers in float32 as in float64, rounded."""
    arrays = case.data(np.random.default_rng(seed))
    return {name: array.astype("float32").astype(dtype) for name, array in arrays.items()}


def run(engine: Any, job: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """Train each case that the job names; return what was seen, and the arrays."""
    seen: dict[str, Any] = {}
    found: Arrays = {}
    for name in job["cases"]:
        engine.progress(name)
        data = {key.partition("/")[2]: value for key, value in arrays.items() if key.partition("/")[0] == name}
        seen[name], tensors = _train(engine, CASES[name], data, job["seed"])
        found.update({f"{name}/{key}": value for key, value in tensors.items()})
    return seen, found


def _train(engine: Any, case: Case, data: Arrays, seed: int) -> tuple[dict[str, Any], Arrays]:
    x, y = _xy(data, "")
    engine.fresh(seed)
    model = case.build(engine.keras)
    first = slice(case.fit["batch_size"])
    gradients = engine.gradients(model, case.compile(engine.dialect), x[first], _each(y, lambda a: a[first]))

    engine.fresh(seed)
    model = case.build(engine.keras)
    rate = {"lr" if engine.dialect == "keras-2.0" else "learning_rate": case.learning_rate}
    optimizer = getattr(engine.keras.optimizers, case.optimizer)(**rate)
    model.compile(optimizer=optimizer, **case.compile(engine.dialect))
    initial = model.get_weights()
    watch = case.observe(engine.keras, model, data) if case.observe else None
    validation = {"validation_data": _xy(data, "val_")} if "val_x" in data else {}
    callbacks = [watch] if watch else []
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        history = model.fit(x, y, epochs=EPOCHS, verbose=1, callbacks=callbacks, **validation, **case.fit)
    seen = {
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
        "printed": printed.getvalue(),
        "steps": history.params.get("steps"),
        "observed": watch.observed if watch else {},
        "misspelt": _misspell(engine, model, case, x, y),
    }
    tensors = {}
    for what, values in (("gradient", gradients), ("initial", initial), ("final", history.model.get_weights())):
        for label, value in zip(case.weights, values, strict=True):
            tensors[f"{what}/{label}"] = np.asarray(value)
    return seen, tensors


def _misspell(engine: Any, model: Any, case: Case, x: np.ndarray, y: Any) -> str | None:
    """Return what is said of a misspelt loss, where the question was about that."""
    arguments = case.compile(engine.dialect)
    if "categorical_crossentropy" not in arguments["loss"] or isinstance(arguments["loss"], str):
        return None
    loss = ["categorial_crossentropy" if name == "categorical_crossentropy" else name for name in arguments["loss"]]
    try:
        model.compile(optimizer=case.optimizer.lower(), **{**arguments, "loss": loss})
        model.fit(x, y, epochs=1, verbose=0)
    except Exception as error:
        line = next((line for line in str(error).splitlines() if "categorial" in line), str(error))
        return f"{type(error).__name__}: {line.strip().removeprefix('ValueError: ')}"
    return "accepted"


def _xy(data: Arrays, prefix: str) -> tuple[np.ndarray, Any]:
    targets = [data[key] for key in sorted(data) if key.startswith(f"{prefix}y")]
    return data[f"{prefix}x"], targets if len(targets) > 1 else targets[0]


def _each(y: Any, function: Callable[[np.ndarray], np.ndarray]) -> Any:
    return [function(a) for a in y] if isinstance(y, list) else function(y)


# -- three losses ------------------------------------------------------------


def _two_outputs(activation: str) -> Callable[[Any], Any]:
    def build(keras: Any) -> Any:
        inputs = keras.layers.Input(shape=(15, 5))
        output, _, state_c = keras.layers.LSTM(7, dropout=0.1, return_state=True, name="lstm")(inputs)
        scores = keras.layers.Dense(4, name="dense")(output)
        answer = keras.layers.Activation(activation, name="activation")(scores)
        return keras.models.Model(inputs=inputs, outputs=[answer, state_c])

    return build


def _sequences(rng: np.random.Generator, one_hot: bool) -> Arrays:
    arrays = {}
    for prefix, n in (("", 100), ("val_", 40)):
        arrays[f"{prefix}x"] = rng.normal(size=(n, 15, 5))
        arrays[f"{prefix}y0"] = np.eye(4)[rng.integers(4, size=n)] if one_hot else rng.uniform(size=(n, 4))
        arrays[f"{prefix}y1"] = rng.normal(scale=0.5, size=(n, 7))
    return arrays


def _accuracy_per_output(dialect: str) -> list[Any]:
    """Keras 2 hands ['accuracy'] to each output; Keras 3 wants a list for each."""
    return [["accuracy"], ["accuracy"]] if dialect == "keras-3" else ["accuracy"]


# -- iris --------------------------------------------------------------------


def _irises(rng: np.random.Generator) -> Arrays:
    from refkeras.datasets import iris

    x, classes = iris.load_data()
    return {"x": x.astype("float64"), "y0": np.eye(3)[classes]}


def _iris_model(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [layers.Input(shape=(4,)), layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")]
    )


def _watch_validation_rows(keras: Any, model: Any, data: Arrays) -> Any:
    """Keeps what the model says of the validation rows, before and after."""
    rows = data["x"][int(len(data["x"]) * 0.8) :]

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.observed = {"before": self.model.predict(rows, verbose=0).tolist()}

        def on_train_end(self, logs: Any = None) -> None:
            self.observed["after"] = self.model.predict(rows, verbose=0).tolist()

    return Watch()


# -- the definition of the loss ------------------------------------------------


def _ten_samples(rng: np.random.Generator) -> Arrays:
    return {"x": rng.normal(size=(10, 6)), "y0": np.eye(4)[rng.integers(4, size=10)]}


def _small_classifier(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [layers.Input(shape=(6,)), layers.Dense(8, activation="tanh"), layers.Dense(4, activation="softmax")]
    )


def _watch_loss_by_hand(keras: Any, model: Any, data: Arrays) -> Any:
    """Works out the mean cross-entropy by hand before each epoch's one update."""
    x, y = data["x"], data["y0"].astype("float64")

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.observed: dict[str, list[float]] = {"by_hand": []}

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            p = self.model.predict(x, verbose=0).astype("float64")
            self.observed["by_hand"].append(float(-(y * np.log(p)).sum(axis=1).mean()))

    return Watch()


# -- reading the log -----------------------------------------------------------


def _waves(rng: np.random.Generator) -> Arrays:
    x = rng.normal(size=(1213, 8))
    y = np.sin(0.4 * x @ rng.normal(size=(8, 1))) + 0.1 * rng.normal(size=(1213, 1))
    return {"x": x, "y0": y}


def _regressor(keras: Any) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [layers.Input(shape=(8,)), layers.Dense(16, activation="tanh"), layers.Dropout(0.1), layers.Dense(1)]
    )


_LSTM_WEIGHTS = ("lstm kernel", "lstm recurrent_kernel", "lstm bias", "dense kernel", "dense bias")
_DENSE_WEIGHTS = ("dense kernel", "dense bias", "dense_1 kernel", "dense_1 bias")

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case(
            name="three_losses",
            title="three losses: mse + mse",
            dialects=("keras-3", "tf_keras"),
            data=lambda rng: _sequences(rng, one_hot=False),
            build=_two_outputs("relu"),
            compile=lambda dialect: {
                "loss": "mse" if dialect == "tf_keras" else ["mse", "mse"],
                "metrics": _accuracy_per_output(dialect),
            },
            optimizer="Adam",
            learning_rate=0.001,
            fit={"batch_size": 20},
            weights=_LSTM_WEIGHTS,
            time_steps=15,
        ),
        Case(
            name="three_losses_weighted",
            title="three losses: 0.4 cross-entropy + 0.6 mse",
            dialects=("keras-3", "tf_keras"),
            data=lambda rng: _sequences(rng, one_hot=True),
            build=_two_outputs("softmax"),
            compile=lambda dialect: {
                "loss": ["categorical_crossentropy", "mse"],
                "loss_weights": [0.4, 0.6],
                "metrics": _accuracy_per_output(dialect),
            },
            optimizer="Adam",
            learning_rate=0.001,
            fit={"batch_size": 20},
            weights=_LSTM_WEIGHTS,
            time_steps=15,
        ),
        Case(
            name="iris",
            title="iris: batch 5, validation_split 0.2",
            dialects=("keras-3",),
            data=_irises,
            build=_iris_model,
            compile=lambda dialect: {"loss": "categorical_crossentropy", "metrics": ["accuracy"]},
            optimizer="Adam",
            learning_rate=0.0005,
            fit={"batch_size": 5, "validation_split": 0.2},
            weights=_DENSE_WEIGHTS,
            observe=_watch_validation_rows,
        ),
        Case(
            name="loss_definition",
            title="definition of the loss: one batch of 10",
            dialects=("keras-3",),
            data=_ten_samples,
            build=_small_classifier,
            compile=lambda dialect: {"loss": "categorical_crossentropy"},
            optimizer="Adam",
            learning_rate=0.05,
            fit={"batch_size": 10},
            weights=_DENSE_WEIGHTS,
            observe=_watch_loss_by_hand,
        ),
        Case(
            name="reading_the_log",
            title="reading the log: 1213 samples, rmsprop",
            dialects=("keras-3", "tf_keras"),
            data=_waves,
            build=_regressor,
            compile=lambda dialect: {"loss": "mse"},
            optimizer="RMSprop",
            learning_rate=0.001,
            fit={"batch_size": 32},
            weights=_DENSE_WEIGHTS,
        ),
    )
}
