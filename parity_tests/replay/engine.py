"""What a real engine draws: run as a process of its own, since Keras has one backend a process.

python -m parity_tests.replay.engine ENGINE CASES.json OUT.npz
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.replay.recording import Recorder
from parity_tests.replay.training import train

__all__ = ["Values", "ask"]

Values = list[np.ndarray]


def ask(engine: str, cases: list[dict[str, Any]]) -> list[Values]:
    """Return what the engine draws for each case, from a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "cases.json", Path(folder) / "values.npz"
        asked.write_text(json.dumps(cases))
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow" if engine == "tf_keras" else engine,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "JAX_PLATFORMS": "cpu",
            "JAX_ENABLE_X64": str(
                int(any(case["kind"] == "whole run" and case["dtype"] == "float64" for case in cases))
            ),
        }
        command = [sys.executable, "-m", "parity_tests.replay.engine", engine, str(asked), str(answered)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The {engine} process failed with status {done.returncode}:\n{done.stderr[-4000:]}")
        with np.load(answered) as stored:
            sizes = stored["sizes"]
            return [[stored[f"{i}.{j}"] for j in range(size)] for i, size in enumerate(sizes)]


class Engine(Recorder):
    """A Keras in this process, asked for its draws."""

    def values(self, case: dict[str, Any]) -> Values:
        """Return the case's draws, as arrays in a fixed order."""
        return getattr(self, case["kind"].replace(" ", "_"))(case)

    # -- weights and functions ---------------------------------------------------

    def seeds(self, case: dict[str, Any]) -> Values:
        keras = self.keras
        keras.utils.set_random_seed(case["seed"])
        made = [keras.initializers.GlorotUniform() for _ in range(case["count"])]
        if not self.legacy:
            return [np.array([item.seed for item in made])]
        for item in made:
            item((1,))
        return [np.array([item._random_generator._seed for item in made])]

    def uniform_weights(self, case: dict[str, Any]) -> Values:
        initializer = getattr(self.keras.initializers, case["class"])(**case["config"])
        return [self.array(initializer(tuple(case["shape"]), dtype=case["dtype"]))]

    normal_weights = orthogonal_weights = uniform_weights

    def functions(self, case: dict[str, Any]) -> Values:
        random, shape = self.keras.random, tuple(case["shape"])
        self.keras.utils.set_random_seed(case["seed"])
        seed = {"int": case["seed"], "global": None}.get(case["source"])
        if case["source"] == "generator":
            seed = random.SeedGenerator(case["seed"])
        x = np.arange(np.prod(shape), dtype="float32").reshape(shape) + 1
        first = (self.keras.ops.convert_to_tensor(x),) if case["name"] in ("shuffle", "dropout") else (shape,)
        function = getattr(random, case["name"])
        drawn = [self.array(function(*first, **case["arguments"], seed=seed)) for _ in range(case["calls"])]
        return [value != 0 for value in drawn] if case["name"] == "dropout" else drawn

    # -- layers, called eagerly ----------------------------------------------------

    def dropout(self, case: dict[str, Any], compiled: Any = None) -> Values:
        keras = self.keras
        keras.utils.set_random_seed(case["set_seed"])
        layer = keras.layers.Dropout(
            case["rate"], noise_shape=case["noise_shape"], seed=case["seed"], dtype=case["dtype"]
        )
        call = (compiled or (lambda function: function))(lambda x: layer(x, training=True))
        drawn = [self.array(call(self._tensor(np.ones(shape, case["dtype"])))) for shape in case["calls"]]
        return [np.unique(np.concatenate([value.reshape(-1) for value in drawn])), *(value != 0 for value in drawn)] + (
            [] if self.legacy else [self.array(layer.seed_generator.state)]
        )

    def dropout_under_XLA(self, case: dict[str, Any]) -> Values:  # noqa: N802
        import tensorflow as tf

        return self.dropout(case, compiled=lambda function: tf.function(function, jit_compile=True))

    def lstm(self, case: dict[str, Any]) -> Values:
        keras = self.keras
        keras.utils.set_random_seed(case["set_seed"])
        layer = keras.layers.LSTM(
            case["units"],
            dropout=case["dropout"],
            recurrent_dropout=case["recurrent_dropout"],
            unroll=case["unroll"],
            seed=case["seed"],
            **({} if self.legacy else {"use_cudnn": False}),
        )
        layer.build((None, case["steps"], case["features"]))
        self.recorded.clear()
        with self.masks_of_cells_recorded(first_only=case["recurrent_dropout"] == 0):
            for batch, training in case["calls"]:
                self.recording = training
                layer(self._tensor(np.ones((batch, case["steps"], case["features"]), "float32")), training=training)
        self.stop()
        return [*self.recorded, *([] if self.legacy else [self.array(layer.cell.seed_generator.state)])]

    # -- fit -------------------------------------------------------------------------

    def order(self, case: dict[str, Any]) -> Values:
        """Return, for each epoch of each fit, the rows in the order met, and the batches' sizes."""
        keras, n, model = self.keras, case["n"], self.recorder_model()
        epochs = self._rows
        epochs.clear()
        model.compile("sgd", "mse", run_eagerly=True)
        keras.utils.set_random_seed(case["set_seed"])
        x = np.arange(n, dtype="float32")[:, None]
        callback = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append([]))
        for _ in range(case["fits"]):
            model.fit(
                x,
                x,
                batch_size=case["batch_size"],
                epochs=case["epochs"],
                shuffle=case["shuffle"],
                steps_per_epoch=case["steps_per_epoch"],
                validation_split=case["validation_split"],
                verbose=0,
                callbacks=[callback],
            )
        return [part for epoch in epochs for part in (_joined(epoch), np.array([len(batch) for batch in epoch]))]

    def masks_in_fit(self, case: dict[str, Any]) -> Values:
        """Return the masks of a compiled fit, Dropout's and LSTM's, in the order drawn, and the generators' states."""
        keras = self.keras
        keras.utils.set_random_seed(case["set_seed"])
        rates, seeds = case["rates"], [11, 22, 33] if case["seeded"] and not self.legacy else [None] * 3
        record = self.record_layer()
        inputs = keras.Input((case["steps"], case["features"]))
        dropouts = [keras.layers.Dropout(rates[0], seed=seeds[0])]
        lstm = keras.layers.LSTM(
            case["units"],
            dropout=rates[1],
            recurrent_dropout=case["recurrent_dropout"],
            unroll=case["unroll"],
            seed=seeds[1],
            return_sequences=case["sequences"],
            **({} if self.legacy else {"use_cudnn": False}),
        )
        dropouts.append(keras.layers.Dropout(rates[2], seed=seeds[2]))
        ones = keras.layers.Lambda(lambda x: x * 0 + 1)
        x = record()(dropouts[0](inputs))
        x = record()(dropouts[1](ones(lstm(x))))
        model = keras.Model(inputs, keras.layers.Dense(1)(x))
        model.compile("sgd", "mse")
        outputs = (case["steps"], 1) if case["sequences"] else (1,)
        switch = keras.callbacks.LambdaCallback(on_train_batch_begin=self.start, on_train_batch_end=self.stop)
        self.recorded.clear()
        with self.masks_of_cells_recorded(first_only=case["recurrent_dropout"] == 0):
            model.fit(
                np.ones((case["n"], case["steps"], case["features"]), "float32"),
                np.zeros((case["n"], *outputs), "float32"),
                batch_size=case["batch_size"],
                epochs=case["epochs"],
                validation_split=case["validation_split"],
                verbose=0,
                callbacks=[switch],
            )
        if self.legacy:
            return list(self.recorded)
        generators = [dropouts[0].seed_generator, lstm.cell.seed_generator, dropouts[1].seed_generator]
        return [*self.recorded, *(self.array(generator.state) for generator in generators)]

    def whole_run(self, case: dict[str, Any]) -> Values:
        """Return the History of a run from the seed alone."""
        self.keras.backend.clear_session()
        self.keras.backend.set_floatx(case["dtype"])
        try:
            return train(self.keras, case, case["dtype"])
        finally:
            self.keras.backend.set_floatx("float32")

    def _tensor(self, x: np.ndarray) -> Any:
        if self.legacy:
            import tensorflow as tf

            return tf.constant(x)
        return self.keras.ops.convert_to_tensor(x)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def main(name: str, asked: str, answered: str) -> None:
    import warnings

    warnings.simplefilter("ignore")
    engine = Engine(name)
    answers = [engine.values(case) for case in json.loads(Path(asked).read_text())]
    arrays = {f"{i}.{j}": value for i, values in enumerate(answers) for j, value in enumerate(values)}
    np.savez(answered, sizes=np.array([len(values) for values in answers]), **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:4])
