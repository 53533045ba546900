"""`LSTM` (`keras/src/layers/rnn/lstm.py` and `rnn.py`)."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from refkeras import activations, random, regularizers, semantics, tree
from refkeras.errors import InvalidArgumentError
from refkeras.layers.base import Layer, Pass
from refkeras.layers.containers import not_tracked
from refkeras.layers.input_spec import InputSpec
from refkeras.layers.lstm_cell import DEFAULT_RECURRENT_ACTIVATION, LSTMCell
from refkeras.layers.states import states_are_kept
from refkeras.older import where
from refkeras.ops.lstm import lstm
from refkeras.saving.limits import charge_state
from refkeras.variable import Variable

__all__ = ["LSTM"]


def _of_cell(name: str) -> Any:
    return property(attrgetter(f"cell.{name}"), doc=f"`{name}` of the cell.")


class LSTM(Layer):
    """Long short-term memory over a sequence.

    Args:
        units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
        bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
        kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
        implementation: see `LSTMCell`.
        activity_regularizer: penalty on the output.
        return_sequences: return the outputs of all steps, not of the last alone.
        return_state: return h and c of the last step too.
        go_backwards: process the steps from the last to the first; a sequence comes out in that order.
        stateful: start each batch from where the batch before ended; needs a fixed batch size. Under JAX's semantics
            that holds for direct calls only (`loops_keep_states`).
        unroll: accepted; the numbers are the same.
        use_cudnn: `"auto"` or False; True is an error at the first call, as on any machine without a
            GPU (on PyTorch, only with a mask or recurrent_dropout).
        zero_output_for_mask: output zeros at masked steps, rather than the output before.

    Call arguments:
        sequences: (batch, T, F).
        initial_state: [h, c], each (batch, units); zeros by default.
        mask: bool, (batch, T), False at steps that are skipped.
        training: whether dropout is active.

    Returns:
        (batch, units), or (batch, T, units) with return_sequences; with return_state, a tuple of that, h and c.

    Raises:
        ValueError: units ≤ 0, inputs of another rank or F, initial states of the wrong shape or number, a stateful
            layer without a batch size or with another one, use_cudnn=True.

    Source: `keras/src/layers/rnn/lstm.py`, Keras 3.15.

    Example:

        >>> import numpy as np, refkeras
        >>> layer = refkeras.layers.LSTM(4, return_sequences=True, return_state=True)
        >>> y, h, c = layer(np.ones((2, 3, 5), "float32"))
        >>> y.shape, h.shape, bool((y[:, -1] == h).all())
        ((2, 3, 4), (2, 4), True)
    """

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
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if use_cudnn not in ("auto", True, False):
            raise ValueError(
                "Invalid value received for argument `use_cudnn`. Expected one of {'auto', True, False}. "
                f"Received: use_cudnn={use_cudnn}"
            )
        cell = LSTMCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            implementation=kwargs.pop("implementation", 2),
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="lstm_cell",
        )
        if kwargs.get("time_major") is False and semantics.current().layer_config == "tf_keras":
            del kwargs["time_major"]
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.use_cudnn = use_cudnn
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.input_spec = InputSpec(ndim=3)
        self.state_size = list(cell.state_size)
        self.states: list[Variable] | None = None

    units = _of_cell("units")
    activation = _of_cell("activation")
    recurrent_activation = _of_cell("recurrent_activation")
    use_bias = _of_cell("use_bias")
    unit_forget_bias = _of_cell("unit_forget_bias")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")
    implementation = _of_cell("implementation")

    # -- states --------------------------------------------------------------------------

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        batch, _, features = sequences_shape
        if features is None:
            raise ValueError(f"The last dimension of the inputs to an LSTM should be defined. Found {sequences_shape}.")
        self.input_spec = InputSpec(ndim=3, axes={-1: features})
        if not self.cell.built:
            self.cell.build((batch, features))
        if self.stateful and self.states is None:
            if batch is None:
                raise ValueError(
                    "When using `stateful=True` in a RNN, the batch size must be static. "
                    f"Found dynamic batch size: sequence.shape={sequences_shape}"
                )
            for size in self.cell.state_size:
                charge_state((batch, size), np.dtype(self.compute_dtype).itemsize, f"{self.name}/rnn_state")
            with not_tracked():  # states are no weights
                self.states = [
                    Variable(zeros, trainable=False, name="rnn_state", path=f"{self.name}/rnn_state")
                    for zeros in self.get_initial_state(batch)
                ]

    def get_initial_state(self, batch_size: int) -> list[np.ndarray]:
        """Return h and c of zeros."""
        return self.cell.get_initial_state(batch_size)

    @where(lambda rules: not rules.states_are_given)
    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        self._set_states(None)

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer to zero; or, in tf_keras, to those given.

        Args:
            states: h and c, arrays of shape (batch, units).

        Raises:
            TypeError: states, which Keras 3 does not take.
            AttributeError: in tf_keras, a layer that is not stateful.
            ValueError: in tf_keras, one that is not built, or states of another number or shape.
        """
        if not semantics.current().states_are_given:
            if states is not None:
                raise TypeError("reset_states() takes no states in Keras 3; assign to the variables in `states`.")
        elif not self.stateful:
            raise AttributeError("Layer must be stateful.")
        elif self.states is None:
            raise ValueError(
                f"If a RNN is stateful, it needs to know its batch size, and {self.name!r} is not built. Specify the "
                "batch size of the inputs with `batch_shape` of Input."
            )
        self._set_states(states)

    def _set_states(self, states: Any) -> None:
        kept = self.states or ()
        if states is None:
            given = [np.zeros(state.shape, state.dtype) for state in kept]
        else:
            given = tree.flatten(states)
            if len(given) != len(kept):
                raise ValueError(
                    f"Layer {self.name} expects {len(kept)} states, but it received {len(given)} state values. States "
                    f"received: {states}"
                )
        for i, (state, value) in enumerate(zip(kept, given, strict=True)):
            if np.shape(value) != state.shape:
                raise ValueError(
                    f"State {i} is incompatible with layer {self.name}: expected shape={state.shape} but found "
                    f"shape={np.shape(value)}"
                )
        for state, value in zip(kept, given, strict=True):
            state.assign(value)

    def _initial_state(self, initial_state: Any, batch: int) -> list[Any]:
        if self.stateful:
            expected = self.states[0].shape[0]  # type: ignore[index]
            if batch != expected:
                raise ValueError(
                    "If an RNN is stateful, the batch size of the input sequences must be the same as the batch size "
                    f"of the initial state. Expected batch size: {expected}. Received batch size: {batch}."
                )
            stored = [state.value.copy() for state in self.states]  # type: ignore[union-attr]
            prefers_stored = semantics.current().stored_state_wins and any(state.any() for state in stored)
            if initial_state is None or prefers_stored:
                return stored
        if initial_state is None:
            return [None, None]
        states = list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
        if len(states) != 2:
            error = IndexError if semantics.current().state_count_error == "IndexError" else ValueError
            raise error(f"Layer {self.name!r} has 2 states (h and c), but was passed {len(states)} initial states.")
        for name, state in zip("hc", states, strict=True):
            if tuple(state.shape) != (batch, self.units):
                raise InvalidArgumentError(
                    f"initial_state {name} of layer {self.name!r} must have shape {(batch, self.units)}, "
                    f"and has shape {tuple(state.shape)}."
                )
        return [state.astype(self.compute_dtype, copy=False) for state in states]

    def __call__(self, sequences: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the layer; tf_keras takes `[x, h, c]` for `x, initial_state=[h, c]`."""
        if isinstance(sequences, list) and len(sequences) > 1 and semantics.current().lists_hold_states:
            sequences, kwargs["initial_state"] = sequences[0], sequences[1:]
        return super().__call__(sequences, *args, **kwargs)

    # -- computing -----------------------------------------------------------------------

    def forward(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
        *,
        gradient: str = "all",
    ) -> Pass:
        cell, (batch, steps) = self.cell, sequences.shape[:2]
        rules = semantics.current()
        if steps == 0 or (batch == 0 and not rules.empty_batch_runs):
            kind = IndexError if steps == 0 and rules.no_steps_error == "IndexError" else InvalidArgumentError
            raise kind(f"Layer {self.name!r} needs at least one sample and one step: {sequences.shape}.")
        if sequences.dtype != cell.compute_dtype:
            sequences = sequences.astype(cell.compute_dtype)
        h, c = self._initial_state(initial_state, batch)
        mask = self._checked_mask(mask, batch, steps)
        alone = mask is None and not cell.recurrent_dropout
        if self.use_cudnn is True and (rules.use_cudnn_needs_gpu or not alone):
            raise ValueError(
                "use_cudnn=True was specified, but cuDNN is not supported for this layer configuration with this "
                "backend. Pass use_cudnn='auto' to fallback to a non-cuDNN implementation."
            )
        masks = self._dropout_masks(sequences, training)
        # Unrolled, Keras zeroes a backward sequence with the mask the wrong way round.
        if mask is not None and self.unroll and self.go_backwards and rules.unrolled_backwards_mask_fails:
            raise AttributeError("'tuple' object has no attribute 'shape'")
        zeroed = self.zero_output_for_mask and (rules.unrolled_output_is_zeroed or not self.unroll)
        wrong_way_round = self.unroll and self.go_backwards and zeroed and self.return_sequences
        (y, h, c), pull = lstm(
            sequences,
            *cell._weights(),
            h,
            c,
            activation=cell._activation_forward,
            recurrent_activation=cell._recurrent_activation_forward,
            mask=mask,
            output_mask=mask if wrong_way_round else None,
            zero_output_for_mask=zeroed and not wrong_way_round,
            first_output_is_state=not self.unroll and rules.masked_first_output == "initial state",
            go_backwards=self.go_backwards,
            input_dropout=masks.inputs,
            recurrent_dropout=masks.recurrent,
            return_sequences=self.return_sequences,
            pullback=gradient != "none",
            input_gradient=gradient == "all",
        )
        if self.stateful and states_are_kept():
            for variable, state in zip(self.states, (h, c), strict=True):  # type: ignore[arg-type]
                variable.assign(state)
        outputs = _with_states(y, h, c) if self.return_state else y
        if pull is None:
            return Pass(outputs)

        def pullback(d_outputs: list[Any]) -> tuple[list[Any], list[Any]]:
            dx, dW, dU, db, dh0, dc0 = pull(*d_outputs)
            d_states = [] if initial_state is None else [dh0, dc0]
            return [dx, *d_states], [dW, dU] if cell.bias is None else [dW, dU, db]

        return Pass(outputs, pullback)

    def _checked_mask(self, mask: Any, batch: int, steps: int) -> Any:
        mask = tree.flatten(mask)[0] if mask is not None else None
        if mask is None:
            return None
        if mask.shape == (batch, steps, 1):
            mask = mask[:, :, 0]
        if mask.shape != (batch, steps):
            raise InvalidArgumentError(
                f"The mask of layer {self.name!r} must have shape {(batch, steps)}, and has shape {mask.shape}."
            )
        return mask.astype(bool, copy=False)

    def _dropout_masks(self, sequences: Any, training: bool) -> random.LSTMMasks:
        cell = self.cell
        if cell.dropout == 0 and cell.recurrent_dropout == 0:
            return _NO_MASKS
        alone = cell.implementation == 1 and cell.recurrent_dropout == 0
        if alone and training and self.use_cudnn and semantics.current().gatewise_dropout_fails:
            raise InvalidArgumentError(
                "LSTM(implementation=1, dropout=...) without recurrent_dropout cannot be trained with use_cudnn='auto' "
                "in Keras 3, which mistakes the four masks for one. Pass use_cudnn=False or implementation=2."
            )
        usual = (cell.activation, cell.recurrent_activation) == (activations.tanh, activations.sigmoid)
        plain = usual and cell.use_bias
        return random.lstm_masks(
            cell.seed_generator,
            sequences.shape,
            cell.units,
            dropout=cell.dropout,
            recurrent_dropout=cell.recurrent_dropout,
            training=training,
            implementation=cell.implementation,
            unroll=self.unroll,
            fused=plain and not self.unroll and cell.recurrent_dropout == 0,
            go_backwards=self.go_backwards,
            dtype=sequences.dtype,
        )

    # -- shapes and configuration ----------------------------------------------------------

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = sequences_shape[:2]
        state = (batch, self.units)
        output = (batch, steps, self.units) if self.return_sequences else state
        return _with_states(output, state, state) if self.return_state else output

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        mask = tree.flatten(mask)[0] if self.return_sequences else None
        return [mask, None, None] if self.return_state else mask

    def get_config(self) -> dict[str, Any]:
        config = {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
        }
        if semantics.current().layer_config == "keras-3":
            config["zero_output_for_mask"] = self.zero_output_for_mask
        else:
            config["time_major"] = False
            if self.zero_output_for_mask:
                config["zero_output_for_mask"] = True
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        of_cell = {
            key: value for key, value in self.cell.get_config().items() if key not in ("name", "trainable", "dtype")
        }
        return {**super().get_config(), **config, **of_cell}

    def get_build_config(self) -> dict[str, Any] | None:
        found = super().get_build_config()
        shapes = (found or {}).get("shapes_dict")
        if shapes is None or semantics.current().layer_config == "keras-3":
            return found
        return {"input_shape": [shapes["sequences_shape"], *shapes["initial_state_shape"]]}

    def build_from_config(self, config: dict[str, Any]) -> None:
        shape = config.get("input_shape")
        if shape and isinstance(shape[0], (list, tuple)):
            config = {"input_shape": shape[0]}  # tf_keras lists the states' shapes behind it
        super().build_from_config(config)


_NO_MASKS = random.LSTMMasks(None, None)


def _with_states(y: Any, h: Any, c: Any) -> Any:
    return (y, h, c) if semantics.current().recurrent_outputs == "tuple" else [y, h, c]
