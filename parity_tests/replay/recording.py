"""Noting what a real Keras draws inside its compiled steps: masks, and the rows of each batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["Recorder"]


class Recorder:
    """A Keras in this process whose layers can be made to note their values.

    Args:
        name: `tensorflow`, `jax`, `torch`, `numpy` or `tf_keras`; decides which Keras is imported.

    Attributes:
        recorded: what was noted while `recording` was True, as masks.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.legacy = name == "tf_keras"
        if self.legacy:
            import tf_keras as keras
        else:
            import keras  # type: ignore[no-redef]
        self.keras: Any = keras
        self.recorded: list[np.ndarray] = []
        self.recording = False
        self._recorder: Any = None
        self._rows: list[list[np.ndarray]] = []

    def start(self, batch: int, logs: Any) -> None:
        self.recording = True

    def stop(self, batch: int = 0, logs: Any = None) -> None:
        if self.name == "jax":
            import jax

            jax.effects_barrier()
        self.recording = False

    def _note(self, value: Any) -> Any:
        if self.recording:
            self.recorded.append(np.asarray(value) != 0)
        return value

    def _passed(self, x: Any) -> Any:
        """Return `x`, noting its value whenever it is computed, in graphs too."""
        if self.name == "torch":
            if x.device.type != "meta":
                self._note(x.detach().cpu().numpy())
            return x
        if self.name == "jax":
            import jax

            jax.debug.callback(self._note, x, ordered=True)
            return x
        import tensorflow as tf

        noted = tf.numpy_function(self._note, [x], x.dtype)
        noted.set_shape(x.shape)
        return noted

    def record_layer(self) -> Any:
        passed = self._passed

        class Record(self.keras.layers.Layer):  # type: ignore[misc, name-defined]
            def call(self, x: Any) -> Any:
                return passed(x)

            def compute_output_shape(self, shape: Any) -> Any:
                return shape

        return Record

    @contextmanager
    def masks_of_cells_recorded(self, first_only: bool) -> Iterator[None]:
        """Let every LSTM cell pass its masks through the recorder as it makes them.

        Args:
            first_only: only the first of four; without recurrent dropout tf_keras uses no other.
        """
        if self.legacy:
            from tf_keras.src.layers.rnn import dropout_rnn_cell_mixin

            home, name = dropout_rnn_cell_mixin, "_generate_dropout_mask"
        else:
            from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

            home, name = DropoutRNNCell, "_create_dropout_mask"
        make = getattr(home, name)

        def recorded(*arguments: Any, **named: Any) -> Any:
            made = make(*arguments, **named)
            if not isinstance(made, list):
                return self._passed(made)
            used = 1 if self.legacy and first_only else len(made)
            return [*map(self._passed, made[:used]), *made[used:]]

        setattr(home, name, recorded)
        try:
            yield
        finally:
            setattr(home, name, make)

    def recorder_model(self) -> Any:
        """Return a model whose training step only notes which rows it was given."""
        array, epochs = self.array, self._rows
        if self._recorder is None:

            class Recorder(self.keras.Model):  # type: ignore[misc, name-defined]
                def train_step(self, *arguments: Any) -> Any:
                    rows = array(arguments[-1][0])
                    epochs[-1].append(rows[:, 0].astype(np.int64))
                    return ({"loss": 0.0}, arguments[0]) if len(arguments) == 2 else {"loss": 0.0}

            inputs = self.keras.Input((1,))
            self._recorder = Recorder(inputs, self.keras.layers.Activation("linear")(inputs))
        return self._recorder

    def array(self, x: Any) -> np.ndarray:
        if self.legacy or isinstance(x, np.ndarray):
            return np.asarray(x)
        return np.asarray(self.keras.ops.convert_to_numpy(x))
