"""`LSTMCell`: one step of an LSTM, and the owner of its weights (`keras/src/layers/rnn/lstm.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras import activations, constraints, initializers, random, regularizers, semantics
from refkeras.layers.attributes import ActivationAttribute
from refkeras.layers.base import Layer, Pass
from refkeras.ops.lstm import lstm
from refkeras.variable import Variable

__all__ = ["DEFAULT_RECURRENT_ACTIVATION", "LSTMCell"]


class _Default(str):
    """A default value that can be told from the same value given."""


DEFAULT_RECURRENT_ACTIVATION = _Default("sigmoid")


class LSTMCell(Layer):
    """One step of an LSTM: (x, [h, c]) to (h', [h', c']).

        i = σ(x W_i + h U_i + b_i)      f = σ(x W_f + h U_f + b_f)
        g = φ(x W_c + h U_c + b_c)      o = σ(x W_o + h U_o + b_o)
        c' = f c + i g                  h' = o φ(c')

    Args:
        units: size of h and c.
        activation, recurrent_activation: φ and σ (in Keras 2.0, σ was `"hard_sigmoid"` by default).
        use_bias: whether there are b.
        kernel_initializer, recurrent_initializer, bias_initializer: initial W, U and b.
        unit_forget_bias: b_f starts at 1, whatever the bias_initializer.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: shares of x and of h that are dropped in training, at every step the same.
        seed: int for the dropout masks; drawn from Python's `random` by default.
        implementation: 1 gives each gate a dropout mask of its own; so does a recurrent_dropout.

    Input: x (batch, F), h and c (batch, units). Weights: kernel (F, 4 units), recurrent_kernel
    (units, 4 units), bias (4 units,), columns in the order i f c o.

    Raises:
        ValueError: `units` is not positive, an unknown name.

    Source: `keras/src/layers/rnn/lstm.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> cell = refkeras.layers.LSTMCell(4)
        >>> states = [np.zeros((2, 4), "float32")] * 2
        >>> h, (_, c) = cell(np.ones((2, 3), "float32"), states)
        >>> h.shape, c.shape
        ((2, 4), (2, 4))
    """

    activation = ActivationAttribute()
    recurrent_activation = ActivationAttribute()
    _activation_forward: Any
    _recurrent_activation_forward: Any

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = DEFAULT_RECURRENT_ACTIVATION,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        if units <= 0:
            raise ValueError(
                f"Received an invalid value for argument `units`, expected a positive integer, got {units}."
            )
        implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        if recurrent_activation is DEFAULT_RECURRENT_ACTIVATION:
            recurrent_activation = semantics.current().lstm_recurrent_activation
        self.recurrent_activation = recurrent_activation
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.implementation = 1 if self.recurrent_dropout != 0 else implementation
        self.seed = seed
        self.seed_generator = random.mask_generator(seed)
        self.state_size = [units, units]
        self.output_size = units
        self.kernel: Variable | None = None
        self.recurrent_kernel: Variable | None = None
        self.bias: Variable | None = None
        self._dropout_mask: list[np.ndarray] | None = None
        self._recurrent_dropout_mask: list[np.ndarray] | None = None

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 4 * self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, 4 * self.units),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(4 * self.units,),
                name="bias",
                initializer=self._initial_bias if self.unit_forget_bias else self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _initial_bias(self, shape: Any, dtype: Any = None) -> np.ndarray:
        u, start = self.units, self.bias_initializer or initializers.Zeros()
        return np.concatenate([start((u,), dtype=dtype), np.ones(u, dtype), start((2 * u,), dtype=dtype)])

    def _weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        bias = None if self.bias is None else self.bias.value
        return self.kernel.value, self.recurrent_kernel.value, bias  # type: ignore[union-attr]

    def forward(self, inputs: Any, states: Any, training: bool = False, *, gradient: str = "all") -> Pass:
        h, c = states[0], states[1]
        masks = recurrent_masks = None
        if training and 0 < self.dropout < 1:
            masks = self.get_dropout_mask(inputs)
        if training and 0 < self.recurrent_dropout < 1:
            recurrent_masks = self.get_recurrent_dropout_mask(h)
        (_, h, c), pull = lstm(
            inputs[:, np.newaxis],
            *self._weights(),
            h,
            c,
            activation=self._activation_forward,
            recurrent_activation=self._recurrent_activation_forward,
            input_dropout=masks,
            recurrent_dropout=recurrent_masks,
            pullback=gradient != "none",
            input_gradient=gradient == "all",
        )
        outputs = (h, [h, c])
        if pull is None:
            return Pass(outputs)

        def pullback(d_outputs: list[Any]) -> tuple[list[Any], list[Any]]:
            d_output, dh, dc = d_outputs
            dx, dW, dU, db, dh0, dc0 = pull(d_output, dh, dc)
            return [None if dx is None else dx[:, 0], dh0, dc0], [dW, dU] if self.bias is None else [dW, dU, db]

        return Pass(outputs, pullback)

    # -- dropout: masks are kept over the steps, until they are reset --------------------

    def get_dropout_mask(self, step_input: Any) -> list[np.ndarray] | None:
        """Return what x is multiplied by in training: one array, or one for each of the gates i, f, c, o."""
        if self._dropout_mask is None and self.dropout > 0:
            self._dropout_mask = self._draw(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> list[np.ndarray] | None:
        """Return what h is multiplied by in training."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._recurrent_dropout_mask = self._draw(step_input, self.recurrent_dropout)
        return self._recurrent_dropout_mask

    def _draw(self, values: Any, rate: float) -> list[np.ndarray]:
        factor = random.keep_factor(rate, values.dtype, self.seed_generator) if rate < 1 else 0.0
        count = 4 if self.implementation == 1 else 1
        keeps = [random.keep_mask(values.shape, rate, self.seed_generator, values.dtype) for _ in range(count)]
        return [np.where(keep, factor, 0).astype(values.dtype) for keep in keeps]

    def reset_dropout_mask(self) -> None:
        """Draw a new mask at the next step."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Draw a new recurrent mask at the next step."""
        self._recurrent_dropout_mask = None

    # -- shapes and configuration ----------------------------------------------------

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        state = (inputs_shape[0], self.units)
        return state, [state, state]

    def get_initial_state(self, batch_size: int | None = None) -> list[np.ndarray]:
        """Return h and c of zeros."""
        return [np.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]  # type: ignore[arg-type]

    def get_config(self) -> dict[str, Any]:
        config = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "use_bias": self.use_bias,
            "unit_forget_bias": self.unit_forget_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
        }
        if semantics.current().layer_config == "keras-3":
            config["seed"] = self.seed
        else:
            config["implementation"] = self.implementation
        return {**super().get_config(), **config}
