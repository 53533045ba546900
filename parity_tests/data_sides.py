"""The batches that fit() draws from data: on refkeras, on Keras 3, and on tf_keras."""

from __future__ import annotations

import importlib
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight

import refkeras
from parity_tests.engines import BACKEND, KERAS_3, NATIVE_ERRORS, keras, numpy, tf, tf_keras
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
    """The same from the iterator of Keras 3's backend."""
    keras.utils.set_random_seed(SEED)
    return _named(lambda: _keras_3(*make(keras), **arguments))


def _keras_3(x: Any, y: Any, weight: Any, epochs: int = 1, **arguments: Any) -> Epochs:
    iterator = _iterator(x=x, y=y, sample_weight=weight, **arguments)
    iterator.reset()
    found: Epochs = []
    for _ in range(epochs):
        found.append([])
        with iterator.catch_stop_iteration():
            for _, _, batches in iterator:  # an iterator on TensorFlow and JAX; the batches of one execution elsewhere
                found[-1].append(_flat(batches[0] if isinstance(batches, list) else next(batches)))
    return found


def _iterator(**arguments: Any) -> Any:
    """The iterator that fit() of this backend takes."""
    trainer = importlib.import_module(f"keras.src.backend.{BACKEND}.trainer")
    if BACKEND == "tensorflow":
        return trainer.TFEpochIterator(distribute_strategy=tf.distribute.get_strategy(), **arguments)
    names = {"jax": "JAXEpochIterator", "torch": "TorchEpochIterator", "numpy": "EpochIterator"}
    return getattr(trainer, names[BACKEND])(**arguments)


def tf_keras_(make: Callable[[Any], tuple[Any, ...]], **arguments: Any) -> Epochs | str:
    """The same from tf_keras's data handler."""
    tf_keras.utils.set_random_seed(SEED)
    return _named(lambda: _tf_keras(*make(tf_keras), **arguments))


def _tf_keras(x: Any, y: Any, weight: Any, **arguments: Any) -> Epochs:
    from tf_keras.src.engine.data_adapter import DataHandler

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
    missing = (type(None), tf.experimental.Optional) if tf else type(None)
    return [None if isinstance(leaf, missing) else numpy(leaf) for leaf in leaves]


def _named(run: Callable[[], Epochs]) -> Epochs | str:
    random.seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except (*NATIVE_ERRORS, InvalidArgumentError):
            return "InvalidArgumentError"
        except Exception as error:  # every type is compared
            return type(error).__name__


ENGINES: dict[str, Callable[..., Epochs | str]] = {
    KERAS_3: keras_3,
} | ({"tf_keras": tf_keras_} if tf_keras else {})


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
