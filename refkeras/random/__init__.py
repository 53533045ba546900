"""The generators Keras draws from, bit for bit, and `keras.random`'s functions on them.

Which family draws is `semantics.current().rng`: Philox for TensorFlow
(Keras 3, and tf_keras in its own way), Threefry for JAX, MT19937 for PyTorch,
PCG64 for NumPy. Callers never ask which one it is; an object made under one
semantics keeps its family.

Seeds
    `set_random_seed(s)` is all a run needs. Initializers draw a seed for
    themselves from Python's global `random`: Keras 3 when they are made,
    tf_keras when they are first called. So a layer resolves its initializers
    in its constructor, in Keras's order.

Layers
    In the constructor: `self.seed_generator = mask_generator(seed)`; Dropout
    only if its rate is above 0, LSTM always, after its initializers.

    Dropout, in training, keeps `keep_mask(shape, rate, self.seed_generator)`
    and multiplies by `keep_factor(rate, x.dtype)`:

        y = np.where(keep, x * factor, 0)

    LSTM asks for `lstm_masks(...)` at every call with a dropout above 0,
    inference included: Keras 3 advances the generator there too.

Training loop
    `programs = Programs(jit_compile)` is made where Keras makes its train
    function (after `compile`), and a compiled training step runs inside
    `with programs(structure, orders.fixed_batch_size):`, or in
    `train_on_batch` `with programs(structure, batch_size):`. tf_keras's draws
    depend on an operation's place in that function, and XLA's on
    `jit_compile`. A step that is run eagerly has none.
    `clear_session` under tf_keras calls `restart_operations`.

    Rows come from `orders = fit_order(n, batch_size, ...)`, one for each
    iterator that Keras makes (training, and validation, evaluation and
    prediction with shuffle=False: PyTorch's generator moves there too):

        orders.peek()           # where Keras builds a model from a first batch
        rows = orders.epoch()   # Rows(indices, bounds, ran_out), at an epoch's start
        for start, stop in rows.bounds:
            batch = slice(start, stop) if rows.indices is None else rows.indices[start:stop]
        orders.end_epoch()      # after its last batch, unless it was interrupted
        orders.reset()          # where each evaluate starts on a kept iterator

    A pass over a generator or PyDataset begins with `stream_starts()`: PyTorch's generator moves there, too.

A draw that the engine itself does not repeat is made anyway, with one warning
per process.
"""

from __future__ import annotations

from typing import Any

from refkeras import semantics as _semantics
from refkeras.random import family as _families
from refkeras.random.distributions import categorical, dropout, normal, randint, shuffle, truncated_normal, uniform
from refkeras.random.family import LSTMMasks
from refkeras.random.masks import keep_factor, keep_mask, lstm_masks, mask_generator, symbolic_call
from refkeras.random.order import FitOrder, Rows
from refkeras.random.program import Program, Programs
from refkeras.random.program import restart as restart_operations
from refkeras.random.seeds import (
    SeedGenerator,
    get_random_seed,
    make_default_seed,
    set_backend_seed,
    set_random_seed,
)
from refkeras.saving import serialization as _serialization

__all__ = [
    "FitOrder",
    "LSTMMasks",
    "Program",
    "Programs",
    "Rows",
    "SeedGenerator",
    "categorical",
    "dropout",
    "fit_order",
    "get_random_seed",
    "keep_factor",
    "keep_mask",
    "lstm_masks",
    "make_default_seed",
    "mask_generator",
    "normal",
    "randint",
    "restart_operations",
    "set_backend_seed",
    "set_random_seed",
    "shuffle",
    "stream_starts",
    "symbolic_call",
    "truncated_normal",
    "uniform",
]

_serialization.public_module("keras.random", lambda: {"SeedGenerator": SeedGenerator})

_NOT_MATCHED = ("beta", "binomial", "gamma")


def fit_order(
    n: int,
    batch_size: int,
    shuffle: bool | str = True,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
) -> FitOrder:
    """Return the order in which an iterator over `n` rows takes them; made where Keras makes the iterator.

    Args:
        n: rows, those set aside for validation not counted.
        batch_size: rows in a batch.
        shuffle: True, False, or `"batch"`.
        steps_per_epoch: batches in an epoch; None for one pass over the rows.
        epochs: epochs that will be run (tf_keras repeats the data so often).

    Example:
        >>> from refkeras import random
        >>> random.set_random_seed(7)
        >>> random.fit_order(10, 4).epoch()
        Rows(indices=array([7, 5, 4, 0, 3, 6, 9, 2, 8, 1]), bounds=[(0, 4), (4, 8), (8, 10)], ran_out=False)
    """
    if _semantics.current().order_drawn_by == "np.random.shuffle":
        from refkeras.random.keras_2_0 import Keras20Order

        return Keras20Order(n, batch_size, shuffle, steps_per_epoch)
    return _families.current().fit_order(n, batch_size, shuffle, steps_per_epoch, epochs)


def stream_starts() -> None:
    """Draw what the engine does where it starts to iterate over a stream of batches."""
    _families.current().stream_starts()


def __getattr__(name: str) -> Any:
    if name in _NOT_MATCHED:
        raise AttributeError(
            f"refkeras.random.{name} does not exist: its draws depend on the engine's own logarithms and rejections, "
            "and cannot be matched."
        )
    raise AttributeError(f"module 'refkeras.random' has no attribute {name!r}")
