"""Dropout's masks, as layers ask for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.random import family as families
from refkeras.random.family import LSTMDropout, LSTMMasks, MaskGenerator

__all__ = ["keep_factor", "keep_mask", "lstm_masks", "mask_generator", "symbolic_call"]


def mask_generator(seed: int | None = None) -> Any:
    """Return what a layer draws its masks from; to be made in the layer's constructor.

    Keras 3 draws a seed for it there, if it has none; tf_keras draws nothing.

    Raises:
        ValueError: `seed` is no int.
    """
    return families.current().mask_generator(seed)


def keep_mask(
    shape: tuple[int, ...],
    rate: float,
    generator: MaskGenerator,
    dtype: Any = "float32",
    time_major: bool = False,
    noise_shape: bool = False,
) -> np.ndarray:
    """Draw a mask that is True where dropout keeps a value.

    keep = u ≥ rate, for one uniform u per value.

    Args:
        shape: of the mask.
        rate: share of values to drop. A rate of 1 drops all and draws nothing, one of 0 keeps all.
        generator: from `mask_generator`; it advances.
        dtype: of the values to be dropped; TensorFlow draws u in it.
        time_major: the engine holds these values (batch, steps, ...) with steps outermost
            in memory, as a PyTorch LSTM leaves them; its mask is filled in that order.
        noise_shape: whether `shape` is one that the layer was given: PyTorch then draws
            from the layer's generator even if that has no seed.

    Returns:
        bool array of `shape`, not to be written to.

    Example:
        >>> from refkeras import random
        >>> random.keep_mask((3, 5), 0.4, random.mask_generator(seed=7)).astype(int)
        array([[1, 1, 0, 1, 0],
               [1, 1, 1, 1, 1],
               [1, 1, 1, 1, 0]])
    """
    if rate >= 1:
        return np.zeros(shape, bool)
    if rate <= 0:
        return np.ones(shape, bool)
    return generator.family.keep(generator, shape, rate, dtype, time_major, noise_shape)


def keep_factor(rate: float, dtype: Any = "float32", generator: MaskGenerator | None = None) -> Any:
    """Return 1 / (1 - rate) as the engine rounds it: what dropout multiplies kept values by."""
    family = families.current() if generator is None else generator.family
    return family.keep_factor(rate, dtype)


def symbolic_call(generator: MaskGenerator, draws: int = 1) -> None:
    """Note that the layer of `generator` was called on symbolic tensors, as when a functional model is put together.

    Only tf_keras's seeded layers count these calls: each takes one of their seeds per mask (an LSTM's 4 or 8).
    """
    generator.family.symbolic_call(generator, draws)


def lstm_masks(
    generator: MaskGenerator,
    input_shape: tuple[int, int, int],
    units: int,
    *,
    dropout: float,
    recurrent_dropout: float,
    training: bool,
    implementation: int = 2,
    unroll: bool = False,
    fused: bool = True,
    go_backwards: bool = False,
    dtype: Any = "float32",
) -> LSTMMasks:
    """Draw the masks of one LSTM call; to be called for inference too, where Keras 3 draws and does not use them.

    Args:
        generator: from `mask_generator`; it advances.
        input_shape: (batch, steps, features).
        units: size of the state.
        dropout, recurrent_dropout: rates; one outside (0, 1) drops nothing, as in Keras's cell.
        training: whether the masks are wanted.
        implementation: 1 gives every gate a mask of its own, as a recurrent dropout does too.
        unroll: whether the layer unrolls its loop (tf_keras draws otherwise inside a loop).
        fused: whether the layer could run as cuDNN's (tanh, sigmoid, bias, no unroll, no
            recurrent dropout): tf_keras then masks all steps at once.
        go_backwards: whether the layer takes the steps in reverse.
        dtype: of the masks.

    Returns:
        `LSTMMasks(inputs, recurrent)`, each None, or one array for all gates, or four (i, f, c, o), of values
        0 and the keep factor; (batch, features) and (batch, units), with a steps axis after the batch's
        where the engine draws anew at every step (in the order in which the layer takes the steps).

    Example:
        >>> from refkeras import random
        >>> masks = random.lstm_masks(random.mask_generator(seed=7), (2, 4, 3), 5, dropout=0.5,
        ...                           recurrent_dropout=0.0, training=True)
        >>> masks.inputs[0]
        array([[2., 2., 0.],
               [2., 0., 2.]], dtype=float32)
        >>> masks.recurrent is None
        True
    """
    if dropout == 0 and recurrent_dropout == 0:
        return LSTMMasks(None, None)
    return generator.family.lstm_masks(
        generator,
        LSTMDropout(
            *input_shape,
            units,
            dropout,
            recurrent_dropout,
            training,
            implementation,
            unroll,
            fused,
            go_backwards,
            np.dtype(dtype).name,
        ),
    )
