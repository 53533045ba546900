"""A Keras with a mistake in it, to see whether `refkeras verify MODEL` finds it.

    python -m parity_tests.sabotage [--engine NAME]

The mistakes are made in the engine's process alone: `python_with` makes a
Python (for `--python`) that runs `mistakes.py` before it does what it is told.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np

import refkeras
from parity_tests.sabotage.mistakes import MISTAKES

__all__ = ["MISTAKES", "python_with", "save_model"]


def python_with(mistake: str, folder: Path) -> str:
    """Return the path of a Python whose Keras makes that mistake; none for the empty name."""
    if not mistake:
        return sys.executable
    path = folder / f"python-{mistake}"
    code = Path(__file__).with_name("mistakes.py")
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(code))} {mistake} "$@"\n')
    path.chmod(0o755)
    return str(path)


def save_model(path: Path) -> None:
    """Save a model of two LSTMs and two Dense layers, all weights distinct, compiled with Adam."""
    keras = refkeras
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 5)),
            layers.LSTM(7, return_sequences=True, name="first_lstm"),
            layers.LSTM(6, name="second_lstm"),
            layers.Dense(9, activation="tanh", name="hidden"),
            layers.Dense(4, activation="softmax", name="answer"),
        ],
        name="classifier",
    )
    rng = np.random.default_rng(5)
    model.set_weights([w + rng.normal(scale=0.1, size=w.shape).astype("float32") for w in model.get_weights()])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="categorical_crossentropy")
    model.save(path)
