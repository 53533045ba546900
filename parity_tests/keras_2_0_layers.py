"""Layers of Keras 2.0.4, recorded: it has no place in an environment with today's Keras.

In an environment of its own (Python 3.11; numpy 1.23.5, scipy below 1.10, Theano 1.0.5, six,
keras 2.0.4), with `THEANO_FLAGS=cxx=,blas.ldflags=,floatX=float64`, and `{"backend": "theano",
"floatx": "float64", "epsilon": 1e-07}` in `~/.keras/keras.json`, run

    python parity_tests/keras_2_0_layers.py

which writes `keras_2_0_layers.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

RECORD = Path(__file__).with_suffix(".json")

RNG = np.random.RandomState(20170505)
X = RNG.normal(size=(3, 4, 2))
X[0, 1:] = X[1, :2] = X[2] = 0
WEIGHTS = [RNG.normal(size=shape) for shape in ((2, 20), (5, 20), (20,))]
LSTMS = {
    "defaults": {},
    "sequences": {"return_sequences": True},
    "backwards": {"return_sequences": True, "go_backwards": True},
    "sigmoid": {"recurrent_activation": "sigmoid", "unroll": True},
    "softsign": {"activation": "softsign", "recurrent_activation": "tanh"},
}
NAMES = ("elu", "hard_sigmoid", "linear", "relu", "sigmoid", "softmax", "softplus", "softsign", "tanh")
NOT_NAMES = ("selu", "gelu", "swish", "silu", "mish", "relu6", "leaky_relu", "exponential", "LeakyReLU", "foo")
VALUES = np.array([[-4.0, -2.5, -1.0, -0.3], [0.0, 0.2, 2.5, 4.0]])


def record() -> dict:
    from fixtures.keras_on_theano import revive

    revive()
    import keras
    from keras import activations, backend, layers

    assert backend.floatx() == "float64"

    def value(tensor) -> list:
        return np.asarray(backend.eval(tensor), dtype="float64").tolist()

    found: dict = {"version": keras.__version__, "lstm": {}, "activations": {}, "unknown": {}}
    for name, options in LSTMS.items():
        for masked in (False, True):
            layer = layers.LSTM(5, input_shape=(4, 2), **options)
            x = keras.layers.Input((4, 2))
            y = layer(layers.Masking()(x) if masked else x)
            layer.set_weights(WEIGHTS)
            found["lstm"][f"{name}, masked" if masked else name] = keras.models.Model(x, y).predict(X).tolist()
    for name in NAMES:
        found["activations"][name] = value(activations.get(name)(backend.variable(VALUES)))
    for identifier in (*NOT_NAMES, 3):
        try:
            activations.get(identifier)
        except Exception as error:
            found["unknown"][str(identifier)] = type(error).__name__
    return found


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), indent=1) + "\n")
