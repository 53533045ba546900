"""Run a script in a Python whose Keras makes one mistake.

    python mistakes.py MISTAKE WORKER FOLDER

Each mistake is one that a port or an upgrade may bring.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def step_by_step() -> None:
    """Let every backend run its LSTM through the cell: the loop that PyTorch has beside it would know of no mistake."""

    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError  # Keras falls back on the cell

    importlib.import_module("keras.src.backend").lstm = missing


def swap_gates(keras: Any) -> None:
    """The input gate and the forget gate of the LSTM change places."""
    step_by_step()
    cell = keras.layers.LSTMCell
    compute = cell._compute_carry_and_output_fused

    def swapped(self: Any, z: Any, carry: Any) -> Any:
        i, f, c, o = z
        return compute(self, (f, i, c, o), carry)

    cell._compute_carry_and_output_fused = swapped


def move_epsilon(keras: Any) -> None:
    """Adam divides by the root of v + epsilon, instead of by the root of v, plus epsilon."""
    ops, adam = keras.ops, keras.optimizers.Adam

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        power_1, power_2 = (ops.power(ops.cast(beta, variable.dtype), step) for beta in (self.beta_1, self.beta_2))
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        alpha = ops.cast(learning_rate, variable.dtype) * ops.sqrt(1 - power_2) / (1 - power_1)
        self.assign_add(m, (gradient - m) * (1 - self.beta_1))
        self.assign_add(v, (ops.square(gradient) - v) * (1 - self.beta_2))
        self.assign_sub(variable, m * alpha / ops.sqrt(v + self.epsilon))

    adam.update_step = update_step
    if keras.backend.backend() == "torch":  # which updates all variables at once, in code of its own

        def each(self: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
            for gradient, variable in zip(gradients, variables, strict=True):
                update_step(self, gradient, variable, learning_rate)

        importlib.import_module("keras.src.backend.torch.optimizers.torch_adam").Adam._parallel_update_step = each


def multiply_in_tf32(keras: Any) -> None:
    """Matrix products round their inputs to TF32's 10 bits after the point, as some GPUs do."""
    step_by_step()
    ops = importlib.import_module("keras.src.ops")
    matmul = ops.matmul

    def rounded(x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        large = x * 8193.0  # Dekker's splitting: 2¹³ + 1 leaves 11 significant bits
        return large - (large - x)

    ops.matmul = lambda a, b: matmul(rounded(a), rounded(b))


def err_in_softmax(keras: Any) -> None:
    """Softmax is off by a hundred-thousandth."""
    nn = importlib.import_module("keras.src.backend").nn
    softmax = nn.softmax
    nn.softmax = lambda x, axis=-1: softmax(x, axis=axis) * (1 + 1e-5)


MISTAKES = {"gate": swap_gates, "epsilon": move_epsilon, "tf32": multiply_in_tf32, "softmax": err_in_softmax}


def main() -> None:
    mistake, worker, folder = sys.argv[1:]
    engine = json.loads((Path(folder) / "job.json").read_text())["engine"]
    name, _, backend = engine.partition("@")
    os.environ["KERAS_BACKEND"] = backend
    MISTAKES[mistake](importlib.import_module(name))
    sys.argv = [worker, folder]
    runpy.run_path(worker, run_name="__main__")


if __name__ == "__main__":
    main()
