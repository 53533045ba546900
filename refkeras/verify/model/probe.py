"""What an engine is asked about a model file: every call of a layer, the outputs, and training steps.

The worker loads this file by its path, in whatever Python has the engine, so it
imports NumPy alone and asks of a Keras only what all of them have.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["run"]

Arrays = dict[str, np.ndarray]


def run(engine: Any, job: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """Load the model, run it, and train it; return what was seen, and the arrays that this names.

    A structure of tensors is JSON in which `{"array": NAME}` stands for a tensor.
    """
    kept = _Kept(arrays)
    x, y = kept.unpack(job["x"]), kept.unpack(job["y"])
    engine.progress("loading the model")
    model = _load(engine, job, compile=False)
    seen: dict[str, Any] = {"weights": _weights(model, kept, "loaded")}
    engine.progress("layer by layer")
    seen["calls"] = _calls(engine, model, x, kept)
    engine.progress("end to end")
    _reset_states(model)
    rows = len(_first(x))
    seen["outputs"] = kept.pack(model.predict(x, batch_size=rows, verbose=0), "outputs")
    if job["train"]:
        seen["training"] = _training(engine, job, x, y, kept)
    return seen, kept.found


class _Kept:
    """The arrays that go back, by name."""

    def __init__(self, given: Arrays) -> None:
        self._given = given
        self.found: Arrays = {}

    def unpack(self, structure: Any) -> Any:
        if isinstance(structure, dict) and set(structure) == {"array"}:
            return self._given[structure["array"]]
        if isinstance(structure, dict):
            return {key: self.unpack(value) for key, value in structure.items()}
        return [self.unpack(item) for item in structure] if isinstance(structure, list) else structure

    def pack(self, value: Any, name: str) -> Any:
        """Keep the tensors in `value`; return the structure that names them."""
        if isinstance(value, dict):
            return {key: self.pack(item, f"{name}/{key}") for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.pack(item, f"{name}/{i}") for i, item in enumerate(value)]
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        self.found[name] = _to_numpy(value)
        return {"array": name}


def _to_numpy(value: Any) -> np.ndarray:
    if hasattr(value, "indices") and hasattr(value, "dense_shape"):  # the sparse gradient of an embedding
        dense = np.zeros(tuple(int(size) for size in value.dense_shape), value.values.dtype.as_numpy_dtype)
        np.add.at(dense, np.asarray(value.indices), np.asarray(value.values))
        return dense
    if hasattr(value, "assign"):  # a variable; `value` is a method of TensorFlow's
        value = value.value() if callable(value.value) else value.value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    array = np.array(value)
    # NumPy cannot write bfloat16 down; every one of its values is a float32.
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def _load(engine: Any, job: dict[str, Any], *, compile: bool) -> Any:
    engine.fresh(job["seed"])
    return engine.keras.models.load_model(job["file"], compile=compile)


def _first(x: Any) -> Any:
    while isinstance(x, (list, dict)):
        x = x[0] if isinstance(x, list) else next(iter(x.values()))
    return x


def _reset_states(model: Any) -> None:
    for _, layer in _leaves(model):
        reset = getattr(layer, "reset_state", None) or getattr(layer, "reset_states", None)
        if getattr(layer, "stateful", False) and reset is not None:
            reset()


def _leaves(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(path, layer)` of the layers of a model; those of a model inside it by `inner/layer`."""
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        if hasattr(layer, "layers") and hasattr(layer, "predict"):
            yield from _leaves(layer, f"{path}/")
        elif type(layer).__name__ != "InputLayer":
            yield path, layer


def _weights(model: Any, kept: _Kept, name: str) -> dict[str, Any]:
    return {path: kept.pack(layer.get_weights(), f"{name}/{path}") for path, layer in _leaves(model)}


# -- layer by layer ------------------------------------------------------------------


def _calls(engine: Any, model: Any, x: Any, kept: _Kept) -> list[dict[str, Any]]:
    """Run the model once, call by call, and keep what goes into every layer and what comes out."""
    calls: list[dict[str, Any]] = []
    method = "forward" if engine.name == "refkeras" else "call"
    leaves = list(dict(_leaves(model)).items())
    for path, layer in leaves:
        setattr(layer, method, _recorder(layer, getattr(layer, method), path, calls, kept))
    tensors = _map(getattr(getattr(engine.keras, "ops", None), "convert_to_tensor", lambda array: array), x)
    model(tensors, training=False)
    for _, layer in leaves:
        delattr(layer, method)
    return calls


def _recorder(
    layer: Any, call: Callable[..., Any], path: str, calls: list[dict[str, Any]], kept: _Kept
) -> Callable[..., Any]:
    def record(*args: Any, **kwargs: Any) -> Any:
        name = f"calls/{len(calls)}"
        entry: dict[str, Any] = {"layer": path, "class": type(layer).__name__, "args": kept.pack(args, f"{name}/args")}
        calls.append(entry)
        given = {key: value for key, value in kwargs.items() if key not in ("training", "gradient")}
        entry["kwargs"] = kept.pack(given, f"{name}/kwargs")
        states = getattr(layer, "states", None) if getattr(layer, "stateful", False) else None
        entry["states"] = kept.pack(states, f"{name}/states")
        outputs = call(*args, **kwargs)
        entry["outputs"] = kept.pack(getattr(outputs, "outputs", outputs), f"{name}/outputs")
        if hasattr(layer, "cell") and not layer.return_sequences and states is None:
            entry["steps"] = kept.pack(_every_step(layer, call, args, kwargs), f"{name}/steps")
        return outputs

    return record


def _every_step(layer: Any, call: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Return the outputs of a recurrent layer after each time step."""
    states = layer.return_state
    layer.return_sequences, layer.return_state = True, False
    try:
        outputs = call(*args, **kwargs)
    finally:
        layer.return_sequences, layer.return_state = False, states
    return getattr(outputs, "outputs", outputs)


def _map(function: Callable[[Any], Any], structure: Any) -> Any:
    if isinstance(structure, dict):
        return {key: _map(function, value) for key, value in structure.items()}
    return [_map(function, item) for item in structure] if isinstance(structure, list) else function(structure)


# -- training ------------------------------------------------------------------------


def _training(engine: Any, job: dict[str, Any], x: Any, y: Any, kept: _Kept) -> dict[str, Any]:
    """Train `job["train"]` steps twice: step by step, and as the engine compiles them."""
    if engine.name == "keras@numpy":
        return {"refused": "Keras's NumPy backend has no training"}
    batches = [_map(operator.itemgetter(slice(*rows)), [x, y]) for rows in job["batches"]]
    found: dict[str, Any] = {}
    for way, eagerly in (("eager", True), ("compiled", False)):
        model = _load(engine, job, compile=True)
        optimizer = model.optimizer
        gradients: list[Any] = []
        if eagerly:
            model.run_eagerly = True
            _keep_gradients(optimizer, gradients)
        steps = [_state(model, optimizer, kept, f"{way}/start")]
        for k, (inputs, targets) in enumerate(batches):
            engine.progress(f"training step {k + 1} of {len(batches)}, {way}")
            _reset_metrics(model)
            logs = model.train_on_batch(inputs, targets, return_dict=True)
            step = _state(model, optimizer, kept, f"{way}/{k}") if eagerly or k + 1 == len(batches) else {}
            step["logs"] = {key: float(value) for key, value in logs.items()}
            if eagerly:
                step["gradients"] = kept.pack(gradients, f"{way}/{k}/gradients")
            steps.append(step)
        found[way] = steps
    return found


def _reset_metrics(model: Any) -> None:
    # Otherwise the loss of a batch is the mean over all batches so far.
    model.reset_metrics()


def _state(model: Any, optimizer: Any, kept: _Kept, name: str) -> dict[str, Any]:
    build = getattr(optimizer, "build", None)
    if build is not None and not getattr(optimizer, "built", True):
        build(model.trainable_variables)
    slots = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    return {
        "weights": kept.pack([_to_numpy(w) for w in model.weights], f"{name}/weights"),
        "slots": kept.pack([_to_numpy(slot) for slot in slots], f"{name}/slots"),
        "states": {
            path: kept.pack(getattr(layer, "states", None), f"{name}/states/{path}")
            for path, layer in _leaves(model)
            if getattr(layer, "stateful", False)
        },
    }


def _keep_gradients(optimizer: Any, kept: list[Any]) -> None:
    """Have the optimizer put the gradients that it is handed into `kept`, before it uses them."""
    if hasattr(optimizer, "apply"):
        apply = optimizer.apply

        def keep(grads: Any, *args: Any, **kwargs: Any) -> Any:
            kept[:] = [None if g is None else _to_numpy(g) for g in grads]
            return apply(grads, *args, **kwargs)

        optimizer.apply = keep
        return
    apply_pairs = optimizer.apply_gradients

    def keep_pairs(grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
        pairs = list(grads_and_vars)
        kept[:] = [None if g is None else _to_numpy(g) for g, _ in pairs]
        return apply_pairs(pairs, *args, **kwargs)

    optimizer.apply_gradients = keep_pairs
