"""Models in pickles: for `copy.deepcopy`, for worker processes, and for what they compute with.

A model goes into a pickle as it goes into a `.keras` file: configuration, how
it was compiled, weights and optimizer state, but neither `history` nor the
state of its seed generators (`keras/src/saving/keras_saveable.py`, Keras
3.15). h5py is not needed. Classes and functions of your own that the model
uses go with it as pickle takes any class, by reference; Keras wants them
registered.

A pickle can run any code: load only those that you trust, and keep models in
`.keras` files (`refkeras.saving`), which are read without trusting them.
"""

from __future__ import annotations

import json
import types
from typing import Any

from refkeras import semantics
from refkeras.saving import sharing
from refkeras.saving.dialects import generation_of, translate
from refkeras.saving.errors import ModelFileError
from refkeras.saving.saveables import saveables
from refkeras.saving.serialization import deserialize_keras_object, get_registered_name, serialize_keras_object
from refkeras.saving.weights_file import array_of, load_own, save_own

__all__ = ["pack_model", "unpack_model"]

State = dict[str, dict[str, Any]]


def pack_model(model: Any) -> tuple[str, str, State, dict[str, Any]]:
    """Return what makes the model anew: `(Keras version, record as JSON, arrays by path, own classes by name)`.

    Raises:
        ValueError: it holds something that has no record, such as a lambda.
        NotImplementedError: a layer of your own has no `get_config`.

    Example:

        >>> import pickle, refkeras
        >>> model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3)])
        >>> copy = pickle.loads(pickle.dumps(model))
        >>> bool((copy.get_weights()[0] == model.get_weights()[0]).all())
        True
    """
    from refkeras.optimizers import Optimizer

    with sharing.object_sharing() as shared:
        record = json.dumps(serialize_keras_object(model))
        own = _own_classes(shared.kept)
    state: State = {}
    if model.built:
        for path, obj in saveables(model):
            if isinstance(obj, Optimizer) and not obj.built:
                continue  # its copy starts anew as well
            store: dict[str, Any] = {}
            save_own(obj, store)
            # Copies: the pickle of a deep copy is never written, and must not share memory with the model.
            state[path] = {key: array_of(value).copy() for key, value in store.items()}
    return semantics.current().keras_version, record, state, own


def unpack_model(version: str, record: str, state: State, own: dict[str, Any]) -> Any:
    """Make the model that `pack_model` was given.

    Raises:
        ValueError: the state does not fit the model.
    """
    from refkeras.optimizers import Optimizer

    config = json.loads(record)
    with sharing.object_sharing():
        model = deserialize_keras_object(translate(config, generation_of(version, config)), own)
    if state:
        for path, obj in saveables(model):
            if isinstance(obj, Optimizer) and path not in state:
                continue
            try:
                load_own(obj, state.get(path, {}))
            except Exception as error:
                raise ModelFileError(f"The pickled state of {obj} does not fit it: {error}") from error
    return model


def _own_classes(written: list[Any]) -> dict[str, Any]:
    """Return the classes and functions that refkeras does not define, by the name that their records have."""
    targets = (obj if isinstance(obj, types.FunctionType) else type(obj) for obj in written)
    return {get_registered_name(t): t for t in targets if t.__module__.partition(".")[0] != "refkeras"}
