"""Methods of models that Kerases before 3 have (`keras/engine/training.py` and `models.py`, Keras 2.0.4).

There `fit` takes arrays, and generators have methods of their own; in tf_keras, whose `fit` takes them, those are
deprecated and call it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from refkeras import semantics
from refkeras.older import where
from refkeras.training.arguments import arguments

__all__ = ["ClassPredictions", "GeneratorMethods"]

#: Names of Keras 1, which Keras 2.0's methods take.
_OF_KERAS_1 = {
    "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
}


class GeneratorMethods:
    """The part of `Model` that older scripts train with."""

    @where(lambda rules: rules.generator_methods != "none")
    @arguments(
        tf_keras="generator steps_per_epoch epochs verbose callbacks validation_data validation_steps validation_freq "
        "class_weight max_queue_size workers use_multiprocessing shuffle initial_epoch",
        keras_2_0="generator steps_per_epoch epochs verbose callbacks validation_data validation_steps class_weight "
        "max_q_size workers pickle_safe initial_epoch",
        renamed_2_0=_OF_KERAS_1,
        positional_2_0=3,
    )
    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: dict[int, float] | None = None,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> Any:
        """Train on batches that a generator yields; see `fit`.

        Of tf_keras, deprecated, and of Keras 2.0, where `steps_per_epoch` must be given, and arrays for validation
        come in batches as large as the last one of the epoch.

        Args:
            generator: yields `(x, y)` or `(x, y, sample_weight)`; in tf_keras whatever `fit` takes.
            steps_per_epoch, epochs, verbose, callbacks, validation_steps, validation_freq, class_weight, shuffle,
                initial_epoch: as in `fit`.
            validation_data: arrays, or a generator, which in Keras 2.0 needs `validation_steps`.

        Returns:
            History: as from `fit`.

        Raises:
            TypeError: (Keras 2.0) `steps_per_epoch` is missing.
            ValueError: (Keras 2.0) a batch is something else, or there are not as many as are asked for.
        """
        if _is_own():
            _require("fit_generator", "steps_per_epoch", steps_per_epoch)
            if hasattr(validation_data, "__next__"):
                if not validation_steps:
                    raise ValueError(
                        "When using a generator for validation data, you must specify a value for `validation_steps`."
                    )
                validation_data = _checked(validation_data)
            generator, shuffle = _checked(generator), False
        else:
            _deprecated("fit")
        return self.fit(  # type: ignore[attr-defined]
            generator,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            class_weight=class_weight,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
        )

    @where(lambda rules: rules.generator_methods != "none")
    @arguments(
        tf_keras="generator steps callbacks max_queue_size workers use_multiprocessing verbose",
        keras_2_0="generator steps max_q_size workers pickle_safe",
        renamed_2_0=_OF_KERAS_1,
        positional_2_0=3,
    )
    def evaluate_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, verbose: int = 0
    ) -> Any:
        """Return the loss and the metrics on batches that a generator yields; see `evaluate` and `fit_generator`."""
        if _is_own():
            _require("evaluate_generator", "steps", steps)
            generator = _checked(generator)
        else:
            _deprecated("evaluate")
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)  # type: ignore[attr-defined]

    @where(lambda rules: rules.generator_methods != "none")
    @arguments(
        tf_keras="generator steps callbacks max_queue_size workers use_multiprocessing verbose",
        keras_2_0="generator steps max_q_size workers pickle_safe verbose",
        renamed_2_0=_OF_KERAS_1,
        positional_2_0=3,
    )
    def predict_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, verbose: int = 0
    ) -> Any:
        """Return the outputs for batches that a generator yields; see `predict` and `fit_generator`.

        In Keras 2.0 a batch that is no tuple is the inputs, and the outputs of a model of several are in lists of one
        if there is one step.
        """
        if _is_own():
            _require("predict_generator", "steps", steps)
            found = self.predict(_inputs(generator), steps=steps, callbacks=callbacks, verbose=verbose)  # type: ignore[attr-defined]
            return [[output] for output in found] if steps == 1 and isinstance(found, list) else found
        _deprecated("predict")
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)  # type: ignore[attr-defined]


class ClassPredictions:
    """What a `Sequential` of Keras 2.0 has beside `predict`."""

    @where(lambda rules: rules.class_predictions)
    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 1) -> Any:
        """Return what `predict` does, with a warning if that are no probabilities (Keras 2.0)."""
        found = self.predict(x, batch_size, verbose)  # type: ignore[attr-defined]
        if (found < 0.0).any() or (found > 1.0).any():
            warnings.warn(
                "Network returning invalid probability values. The last layer might not normalize predictions into "
                "probabilities (like softmax or sigmoid would).",
                stacklevel=2,
            )
        return found

    @where(lambda rules: rules.class_predictions)
    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 1) -> Any:
        """Return the class of the largest output of each sample, or whether its one output is above 0.5 (Keras 2.0).

        Returns:
            int64 without the last axis; or, of one output, int32 of 0 and 1.
        """
        found = self.predict(x, batch_size=batch_size, verbose=verbose)  # type: ignore[attr-defined]
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")


def _is_own() -> bool:
    return semantics.current().generator_methods == "own"


def _deprecated(method: str) -> None:
    warnings.warn(
        f"`Model.{method}_generator` is deprecated and will be removed in a future version. "
        f"Please use `Model.{method}`, which supports generators.",
        stacklevel=4,
    )


def _require(method: str, name: str, value: Any) -> None:
    if value is None:
        raise TypeError(f"{method}() missing 1 required argument: {name!r}, the number of batches to take.")


def _taken(generator: Iterator[Any]) -> Iterator[Any]:
    """What a generator yields, with Keras 2.0's error where it is none, or has none left."""
    if not hasattr(generator, "__next__"):
        raise ValueError(f"generator is a {type(generator).__name__}; expected an iterator, which iter() makes of it.")
    yield from generator
    raise _no_batch(None)


def _checked(generator: Iterator[Any]) -> Iterator[Any]:
    """The batches of a generator, with Keras 2.0's error where one is no pair or triple."""
    for batch in _taken(generator):
        if not hasattr(batch, "__len__") or len(batch) not in (2, 3):
            raise _no_batch(batch)
        yield tuple(batch)


def _inputs(generator: Iterator[Any]) -> Iterator[Any]:
    """The inputs of the batches of a generator, which may have targets and weights, too."""
    for batch in _taken(generator):
        if isinstance(batch, tuple) and len(batch) not in (2, 3):
            raise _no_batch(batch)
        yield (batch[0] if isinstance(batch, tuple) else batch,)


def _no_batch(found: Any) -> ValueError:
    return ValueError(f"output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. Found: {found}")
