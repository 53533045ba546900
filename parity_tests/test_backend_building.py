"""Where engines differ in the shapes of a model that is built by the data: fields of `Semantics`, on each engine."""

from __future__ import annotations

import numpy as np
import pytest

import refkeras
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, MODE
from parity_tests.shows import shows
from refkeras import semantics

#: Method of the field → calls that build the model.
CALLS = {
    "fit": {
        "fit": lambda m, x, y: m.fit(x, y, batch_size=2, verbose=0),
        "evaluate": lambda m, x, y: m.evaluate(x, y, batch_size=2, verbose=0),
    },
    "predict": {"predict": lambda m, x, y: m.predict(x, batch_size=2, verbose=0)},
    "on_batch": {
        "train_on_batch": lambda m, x, y: m.train_on_batch(x[:2], y[:2]),
        "test_on_batch": lambda m, x, y: m.test_on_batch(x[:2], y[:2]),
        "predict_on_batch": lambda m, x, y: m.predict_on_batch(x[:2]),
    },
}


@shows("built_for_batch_size")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows", [6, 5])
@pytest.mark.parametrize("method", CALLS)
def test_a_model_that_its_first_batch_builds(engine, rows, method):
    """Two rows a batch; of five rows, one is left."""
    x, y = np.ones((rows, 4), "float32"), np.ones((rows, 2), "float32")
    for name, call in CALLS[method].items():
        if BACKEND == "numpy" and name in ("fit", "train_on_batch"):
            continue
        shapes = []
        for k in (refkeras, ENGINES[engine]):
            with semantics.use(engine):
                model = k.Sequential([k.layers.Dense(3), k.layers.Dense(2)])
                model.compile(loss="mse") if BACKEND == "numpy" else model.compile("sgd", "mse")
                call(model, x, y)
                shapes.append((tuple(model.input_shape), tuple(model.layers[0].output.shape), model.output_shape))
                assert model.predict(x, verbose=0).shape == (rows, 2)  # batches of other sizes run
        assert shapes[0] == shapes[1], name
        sized = (MODE == "eager" and engine == KERAS_3) or method in semantics.get(engine).built_for_batch_size
        assert shapes[0][0] == (2 if sized or rows == 6 else None, 4), name
