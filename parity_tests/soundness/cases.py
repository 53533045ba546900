"""Generated comparisons of numbers with error bars with a real Keras's, in one process of one backend.

A case yields `(what, bar, engine's array)`. Weights, inputs and gradients are drawn from the generator that
it is given, at sizes that are drawn too; refkeras and the engine get the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import refkeras
from parity_tests.engines import BACKEND, numpy, tensor, value_and_gradients
from parity_tests.soundness.names import as_computed
from parity_tests.soundness.narrow import NARROW
from refkeras import activations, losses, precision
from refkeras.precision import exact

__all__ = ["CASES", "TRAININGS", "Item", "build_both", "trained"]

Item = tuple[str, Any, Any]
Rng = np.random.Generator
Case = Callable[[Any, Rng], Iterator[Item]]

ACTIVATIONS = (
    *("relu", "sigmoid", "tanh", "softplus", "softsign", "elu", "selu", "gelu", "silu", "exponential", "mish"),
    *("hard_sigmoid", "leaky_relu", "relu6", "celu", "log_sigmoid", "tanh_shrink", "squareplus", "softmax"),
    "log_softmax",
)


def activation(name: str) -> Case:
    """Values and gradients of an activation, at arguments from tiny to large."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        function = getattr(keras.activations, name, None)
        if function is None:  # tf_keras lacks the newer ones
            return
        x = (rng.normal(size=(60, 20)) * 10.0 ** rng.uniform(-3, 1, size=(60, 1))).astype("float32")
        dy = rng.normal(size=x.shape).astype("float32")
        y, pullback = activations.forward_of(activations.get(name))(exact(x))
        found = value_and_gradients(function, [x], (), [dy])
        backend = BACKEND if hasattr(keras, "ops") else "tf_keras"
        for what, bar, value in (
            (name, y, found.values[0]),
            (f"{name} gradient", pullback(exact(dy)), found.gradients[0]),
        ):
            yield what, as_computed(backend, what, bar, exact(x), exact(dy)), value

    return case


def loss(name: str, from_logits: bool = False) -> Case:
    """Values of the samples and gradients of a loss."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        n, c = 300, int(rng.integers(2, 30))
        z = (rng.normal(size=(n, c)) * 10.0 ** rng.uniform(-1, 1)).astype("float32")
        t = np.eye(c, dtype="float32")[rng.integers(c, size=n)]
        arguments = {"from_logits": True} if from_logits else {}
        if name == "binary_crossentropy":
            t = (rng.random((n, c)) < 0.5).astype("float32")
        p = z
        if "crossentropy" in name and not from_logits:
            p = np.clip(1 / (1 + np.exp(-z)), 1e-4, 1 - 1e-4).astype("float32")
            if name != "binary_crossentropy":
                p = (p / p.sum(-1, keepdims=True)).astype("float32")
        if name.startswith("sparse"):
            t = t.argmax(-1).astype("int32")
        if "crossentropy" not in name:
            t = rng.normal(size=(n, c)).astype("float32")
        d = rng.normal(size=n).astype("float32")
        pass_ = getattr(losses, name).with_logits
        values, pullback, _ = pass_(t, exact(p), None, **arguments)
        found = value_and_gradients(lambda v: getattr(keras.losses, name)(tensor(t), v, **arguments), [p], (), [d])
        label = f"{name}{' from logits' if from_logits else ''}"
        yield label, values, found.values[0]
        yield f"{label} gradient", pullback(exact(d)), found.gradients[0]

    return case


def build_both(keras: Any, build: Callable[[Any], Any], rng: Rng, scale: float = 1.0) -> tuple[Any, Any]:
    """Build a model on refkeras and on the engine, with the same random weights."""
    ours, theirs = build(refkeras), build(keras)
    weights = []
    for w in ours.get_weights():
        fan_in = w.shape[0] if w.ndim > 1 else 4
        weights.append((rng.normal(size=w.shape) * scale / np.sqrt(fan_in)).astype("float32"))
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


def layer(
    name: str, make: Callable[[Any, int], Any], shape: Callable[[Rng], tuple[int, ...]], units: tuple[int, int]
) -> Case:
    """Outputs of a layer, and gradients of its weights and its input."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        size, x_shape = int(rng.integers(*units)), shape(rng)

        def build(K: Any) -> Any:
            return K.Sequential([K.Input(x_shape[1:]), make(K, size)])

        ours, theirs = build_both(keras, build, rng, 1.5)
        x = rng.normal(size=x_shape).astype("float32")
        with precision.bars(ours):
            result = ours.layers[0].forward(exact(x), gradient="all")
            dy = rng.normal(size=result.outputs.shape).astype("float32")
            d_inputs, d_weights = result.pullback([exact(dy)])
        found = value_and_gradients(lambda v: theirs(v), [x], theirs.trainable_variables, [dy])
        yield name, result.outputs, found.values[0]
        yield f"{name} gradient of x", d_inputs[0], found.gradients[0]
        for d, e in zip(d_weights, found.gradients[1:], strict=True):
            yield f"{name} gradients of weights", d, e

    return case


def optimizer(name: str, **arguments: Any) -> Case:
    """Ten updates by an optimizer from given gradients: weights and slots."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        if not hasattr(keras.optimizers, name):
            return
        build = lambda K: K.Sequential([K.Input((30,)), K.layers.Dense(40)])  # noqa: E731
        ours, theirs = build_both(keras, build, rng)
        mine, real = getattr(refkeras.optimizers, name)(**arguments), getattr(keras.optimizers, name)(**arguments)
        ours.compile(mine, "mse")
        mine.build(ours.trainable_variables)
        steps = [
            [
                (rng.normal(size=w.shape) * 10.0 ** rng.uniform(-4, 1, w.shape)).astype("float32")
                for w in ours.get_weights()
            ]
            for _ in range(10)
        ]
        with precision.bars(ours) as found:
            for gradients in steps:
                mine.apply([exact(g) for g in gradients], ours.trainable_variables)
            weights, slots = found.weights, found.slots
        for gradients in steps:
            real.apply_gradients([(tensor(g), v) for g, v in zip(gradients, theirs.trainable_variables, strict=True)])
        label = name + "".join(f" {key}" for key in arguments if key != "learning_rate")
        for bar, engine in zip(weights, theirs.get_weights(), strict=True):
            yield label, bar, engine
        if not hasattr(keras, "ops"):
            return  # tf_keras keeps its slots in another order
        for bar, engine in zip(slots, real.variables, strict=True):
            if isinstance(bar, precision.BarArray):
                yield f"{label} slots", bar, numpy(engine)

    return case


# -- whole models ------------------------------------------------------------------------------


def classifier(K: Any) -> Any:
    model = K.Sequential([K.Input((6, 5)), K.layers.LSTM(7), K.layers.Dense(4, activation="softmax")])
    model.compile(optimizer=K.optimizers.Adam(0.01), loss="categorical_crossentropy")
    return model


def regressor(K: Any) -> Any:
    model = K.Sequential([K.Input((12,)), K.layers.Dense(40, "relu"), K.layers.Dense(30, "tanh"), K.layers.Dense(3)])
    model.compile(optimizer=K.optimizers.RMSprop(0.001), loss="mse")
    return model


def detector(K: Any) -> Any:
    model = K.Sequential([K.Input((12,)), K.layers.Dense(25, "sigmoid"), K.layers.Dense(1, "sigmoid")])
    model.compile(optimizer=K.optimizers.SGD(0.05, momentum=0.9), loss="binary_crossentropy")
    return model


def _data(model: Any, rng: Rng, rows: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    outputs = model.output_shape[-1]
    if outputs == 4:
        return x, np.eye(4, dtype="float32")[rng.integers(4, size=rows)]
    y = rng.normal(size=(rows, outputs))
    return x, (y > 0 if outputs == 1 else y).astype("float32")


def inference(name: str, build: Callable[[Any], Any]) -> Case:
    """The outputs of a whole model."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        ours, theirs = build_both(keras, build, rng, 1.5)
        x, _ = _data(ours, rng, 300)
        yield f"model {name}", precision.evaluate(ours, x), numpy(theirs(tensor(x)))

    return case


def trained(keras: Any, build: Callable[[Any], Any], rng: Rng, rows: int, **fit: Any) -> Iterator[tuple[str, Any, Any]]:
    """Losses and weights of a whole training run."""
    ours, theirs = build_both(keras, build, rng)
    x, y = _data(ours, rng, rows)
    fit = {"shuffle": False, **fit}
    run = precision.train(ours, x, y, **fit)
    history = theirs.fit(x, y, verbose=0, **fit).history
    yield "losses", np.stack(run.history["loss"]), np.array(history["loss"])
    for bar, engine in zip(run.weights, theirs.get_weights(), strict=True):
        yield "weights", bar, engine


def training(name: str, build: Callable[[Any], Any], **fit: Any) -> Case:
    """As `trained`, but only where the backend has gradients."""

    def case(keras: Any, rng: Rng) -> Iterator[Item]:
        if hasattr(keras, "backend") and keras.backend.backend() == "numpy":
            return
        for what, bar, engine in trained(keras, build, rng, 30, **fit):
            yield f"20 epochs {name}, {what}", bar, engine

    return case


def _sequences(rng: Rng) -> tuple[int, ...]:
    return int(rng.integers(2, 6)), int(rng.integers(2, 12)), int(rng.integers(2, 9))


#: Whole training runs, which take longer than all the rest.
TRAININGS: list[tuple[Case, int]] = [
    (training("classifier", classifier, epochs=20, batch_size=10), 1),
    (training("regressor", regressor, epochs=20, batch_size=10), 1),
    (training("detector", detector, epochs=20, batch_size=10), 1),
]
#: The cases, and how often each is generated.
CASES: list[tuple[Case, int]] = [
    *((activation(name), 3) for name in ACTIVATIONS),
    *((loss(name), 2) for name in ("mean_squared_error", "mean_absolute_error")),
    *((loss(f"{kind}_crossentropy", z), 2) for kind in ("binary", "categorical", "sparse_categorical") for z in (0, 1)),  # type: ignore[arg-type]
    (
        layer(
            "Dense",
            lambda K, u: K.layers.Dense(u),
            lambda rng: (int(rng.integers(2, 60)), int(rng.integers(2, 200))),
            (2, 60),
        ),
        6,
    ),
    (
        layer(
            "Dense tanh", lambda K, u: K.layers.Dense(u, "tanh"), lambda rng: (20, 2, int(rng.integers(2, 60))), (2, 40)
        ),
        3,
    ),
    (
        layer(
            "Dense relu", lambda K, u: K.layers.Dense(u, "relu"), lambda rng: (20, int(rng.integers(2, 60))), (2, 40)
        ),
        3,
    ),
    (layer("LSTM", lambda K, u: K.layers.LSTM(u), _sequences, (2, 24)), 3),
    (layer("LSTM sequences", lambda K, u: K.layers.LSTM(u, return_sequences=True), _sequences, (2, 24)), 3),
    (optimizer("SGD", learning_rate=0.1), 1),
    (optimizer("SGD", learning_rate=0.1, momentum=0.9), 1),
    (optimizer("SGD", learning_rate=0.1, momentum=0.9, nesterov=True), 1),
    (optimizer("RMSprop", learning_rate=0.01), 1),
    (optimizer("RMSprop", learning_rate=0.01, momentum=0.9, centered=True), 1),
    (optimizer("Adam", learning_rate=0.01), 1),
    (optimizer("Adam", learning_rate=0.01, amsgrad=True), 1),
    (optimizer("AdamW", learning_rate=0.01), 1),
    *NARROW,
    *((inference(build.__name__, build), 4) for build in (classifier, regressor, detector)),
    *TRAININGS,
]
