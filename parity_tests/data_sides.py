"""The batches that fit() draws from data: on refkeras, on Keras 3, and on tf_keras."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from keras.src.backend.tensorflow.trainer import TFEpochIterator
from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight
from tf_keras.src.engine.data_adapter import DataHandler

import refkeras
from refkeras import semantics, tree
from refkeras.errors import InvalidArgumentError
from refkeras.training import data

Epochs = list[list[list[Any]]]
SEED = 11


def ours(dialect: str, make: Callable[[Any], tuple[Any, ...]], **arguments: Any) -> Epochs | str:
    """Return the flat arrays of every batch of every epoch, or the name of the exception.

    Args:
        make: given `refkeras` or the engine, returns `(x, y, sample_weight)`.
        arguments: of `fit`.
    """
    with semantics.use(dialect):
        refkeras.utils.set_random_seed(SEED)
        return _named(lambda: _ours(*make(refkeras), **arguments))


def _ours(x: Any, y: Any, weight: Any, epochs: int = 1, steps_per_epoch: int | None = None, **arguments: Any) -> Epochs:
    feed = data.make_feed(x, y, weight, steps=steps_per_epoch, epochs=epochs, **arguments)
    found: Epochs = []
    for _ in feed.epochs():
        found.append([])
        for step, xs, ys, ws, size in feed.batches():
            assert step == len(found[-1])
            assert size == len(next(a for a in xs if a is not None))
            found[-1].append([None if a is None else np.array(a) for a in [*xs, *(ys or ()), *(ws or ())]])
    return found


def keras_3(make: Callable[[Any], tuple[Any, ...]], **arguments: Any) -> Epochs | str:
    """The same from Keras 3's iterator on TensorFlow."""
    keras.utils.set_random_seed(SEED)
    return _named(lambda: _keras_3(*make(keras), **arguments))


def _keras_3(x: Any, y: Any, weight: Any, epochs: int = 1, **arguments: Any) -> Epochs:
    iterator = TFEpochIterator(
        x=x, y=y, sample_weight=weight, distribute_strategy=tf.distribute.get_strategy(), **arguments
    )
    iterator.reset()
    found: Epochs = []
    for _ in range(epochs):
        found.append([])
        with iterator.catch_stop_iteration():
            for _, _, batches in iterator:
                found[-1].append(_flat(next(batches)))
    return found


def tf_keras_(make: Callable[[Any], tuple[Any, ...]], **arguments: Any) -> Epochs | str:
    """The same from tf_keras's data handler."""
    tf_keras.utils.set_random_seed(SEED)
    return _named(lambda: _tf_keras(*make(tf_keras), **arguments))


def _tf_keras(x: Any, y: Any, weight: Any, **arguments: Any) -> Epochs:
    handler = DataHandler(x, y, weight, steps_per_execution=tf.Variable(1), **arguments)
    found: Epochs = []
    for _, iterator in handler.enumerate_epochs():
        found.append([])
        with handler.catch_stop_iteration():
            for _ in handler.steps():
                found[-1].append(_flat(next(iterator)))
    return found


def _flat(batch: Any) -> list[Any]:
    parts = [part for part in unpack_x_y_sample_weight(batch) if part is not None]
    leaves = [leaf for part in parts for leaf in tree.flatten(part)]
    return [None if leaf is None or isinstance(leaf, tf.experimental.Optional) else leaf.numpy() for leaf in leaves]


def _named(run: Callable[[], Epochs]) -> Epochs | str:
    random.seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except (tf.errors.InvalidArgumentError, InvalidArgumentError):
            return "InvalidArgumentError"
        except Exception as error:  # every type is compared
            return type(error).__name__


ENGINES: dict[str, Callable[..., Epochs | str]] = {"keras-3@tensorflow": keras_3, "tf_keras": tf_keras_}


def assert_same(mine: Epochs | str, real: Epochs | str) -> None:
    """Assert that the two have the same batches, value for value, or failed in the same way."""
    if isinstance(real, str) or isinstance(mine, str):
        assert mine == real
        return
    assert [len(epoch) for epoch in mine] == [len(epoch) for epoch in real]
    for number, (epoch, other) in enumerate(zip(mine, real, strict=True)):
        for step, (batch, theirs) in enumerate(zip(epoch, other, strict=True)):
            assert len(batch) == len(theirs), f"epoch {number} step {step}"
            for a, b in zip(batch, theirs, strict=True):
                assert (a is None) is (b is None)
                assert a is None or (a.shape == b.shape and np.array_equal(a, b)), f"epoch {number} step {step}"
