"""What refkeras draws for the same cases, by the calls that its layers and its training loop make."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from parity_tests.replay.engine import Values
from parity_tests.replay.factoring import householder
from refkeras import initializers, random, semantics
from refkeras.precision import BarArray

__all__ = ["SEMANTICS", "orthogonal", "values"]

SEMANTICS = {
    "tensorflow": "keras-3@tensorflow",
    "jax": "keras-3@jax",
    "torch": "keras-3@torch",
    "numpy": "keras-3@numpy",
    "tf_keras": "tf_keras",
}


def values(case: dict[str, Any]) -> Values:
    """Return the case's draws, as `parity_tests.replay.engine.Engine` does."""
    with semantics.use(SEMANTICS[case["engine"]]), warnings.catch_warnings():
        warnings.simplefilter("error")
        return _KINDS[case["kind"]](case)


def _seeds(case: dict[str, Any]) -> Values:
    random.set_random_seed(case["seed"])
    made = [initializers.GlorotUniform() for _ in range(case["count"])]
    if case["engine"] == "tf_keras":
        for item in made:
            item((1,))
    return [np.array([item.seed for item in made])]


def _weights(case: dict[str, Any]) -> Values:
    initializer = getattr(initializers, case["class"])(**case["config"])
    return [initializer(tuple(case["shape"]), dtype=case["dtype"])]


def orthogonal(case: dict[str, Any]) -> BarArray:
    """Return the weights of a case of the kind "orthogonal weights", with the bars of a float32 factorization."""
    rows, columns = case["shape"]
    config = case["config"]
    with semantics.use(SEMANTICS[case["engine"]]):
        seed = initializers.Orthogonal(**config)._drawing_seed()
        normal = random.normal((max(rows, columns), min(rows, columns)), dtype="float32", seed=seed)
    q = householder(np.asarray(normal))
    return np.float32(config["gain"]) * (q.transpose() if rows < columns else q)


def _functions(case: dict[str, Any]) -> Values:
    shape = tuple(case["shape"])
    random.set_random_seed(case["seed"])
    seed: Any = {"int": case["seed"], "global": None}.get(case["source"])
    if case["source"] == "generator":
        seed = random.SeedGenerator(case["seed"])
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape) + 1
    first = (x,) if case["name"] in ("shuffle", "dropout") else (shape,)
    drawn = [getattr(random, case["name"])(*first, **case["arguments"], seed=seed) for _ in range(case["calls"])]
    return [value != 0 for value in drawn] if case["name"] == "dropout" else drawn


def _dropout(case: dict[str, Any]) -> Values:
    random.set_random_seed(case["set_seed"])
    generator = random.mask_generator(case["seed"])
    factor = random.keep_factor(case["rate"], case["dtype"])
    drawn = []
    for shape in case["calls"]:
        noise = shape if case["noise_shape"] is None else case["noise_shape"]
        keep = random.keep_mask(
            tuple(noise), case["rate"], generator, case["dtype"], noise_shape=case["noise_shape"] is not None
        )
        drawn.append(np.broadcast_to(keep, shape))
    met = np.unique(np.concatenate([keep.reshape(-1) for keep in drawn])) * factor
    return [met, *drawn, *_states(case, generator)]


def _dropout_under_xla(case: dict[str, Any]) -> Values:
    with random.Program(jit_compile=True):
        return _dropout(case)


def _lstm(case: dict[str, Any]) -> Values:
    random.set_random_seed(case["set_seed"])
    if case["engine"] != "tf_keras":
        for _ in range(2):
            initializers.GlorotUniform()
    generator = random.mask_generator(case["seed"])
    drawn: Values = []
    for batch, training in case["calls"]:
        masks = random.lstm_masks(
            generator,
            (batch, case["steps"], case["features"]),
            case["units"],
            dropout=case["dropout"],
            recurrent_dropout=case["recurrent_dropout"],
            training=training,
            unroll=case["unroll"],
            fused=not case["unroll"],
        )
        drawn += [mask != 0 for group in masks if group is not None for mask in group]
    return [*drawn, *_states(case, generator)]


def _order(case: dict[str, Any]) -> Values:
    random.set_random_seed(case["set_seed"])
    drawn: Values = []
    for fit in range(case["fits"]):
        for rows in _epochs(case, first_fit=fit == 0):
            indices = np.concatenate([np.arange(start, stop) for start, stop in rows.bounds] or [np.empty(0, int)])
            drawn += [
                indices if rows.indices is None else rows.indices[indices],
                np.array([stop - start for start, stop in rows.bounds]),
            ]
            if rows.ran_out and case["engine"] == "tf_keras":
                break
    return drawn


def _epochs(case: dict[str, Any], first_fit: bool) -> Any:
    """Go through a fit's epochs as the training loop does, validation included."""
    split = case["validation_split"]
    n = int(case["n"] * (1 - split)) if split else case["n"]
    orders = random.fit_order(
        n, case["batch_size"], case.get("shuffle", True), case.get("steps_per_epoch"), case["epochs"]
    )
    validation = random.fit_order(case["n"] - n, case["batch_size"], shuffle=False) if split else None
    if first_fit:
        orders.peek()
    for _ in range(case["epochs"]):
        yield orders.epoch()
        orders.end_epoch()
        if validation is not None:
            validation.reset()
            case.get("validate", lambda rows: None)(validation.epoch())
            validation.end_epoch()


def _masks_in_fit(case: dict[str, Any]) -> Values:
    random.set_random_seed(case["set_seed"])
    legacy = case["engine"] == "tf_keras"
    seeds = [11, 22, 33] if case["seeded"] and not legacy else [None] * 3
    generators = [random.mask_generator(seeds[0])]
    if not legacy:
        for _ in range(2):
            initializers.GlorotUniform()
    generators += [random.mask_generator(seed) for seed in seeds[1:]]
    program = random.Program()
    drawn: Values = []

    def step(batch: int, training: bool) -> None:
        inputs = (batch, case["steps"], case["features"])
        outputs = (batch, case["steps"], case["units"]) if case["sequences"] else (batch, case["units"])
        if training:
            drawn.append(random.keep_mask(inputs, case["rates"][0], generators[0]))
        masks = random.lstm_masks(
            generators[1],
            inputs,
            case["units"],
            dropout=case["rates"][1],
            recurrent_dropout=case["recurrent_dropout"],
            training=training,
            unroll=case["unroll"],
            fused=not case["unroll"],
        )
        drawn.extend(mask != 0 for group in masks if group is not None for mask in group)
        if training:
            drawn.append(random.keep_mask(outputs, case["rates"][2], generators[2], time_major=case["sequences"]))

    case = {**case, "validate": lambda rows: [step(stop - start, False) for start, stop in rows.bounds]}
    for rows in _epochs(case, first_fit=True):
        for start, stop in rows.bounds:
            with program:
                step(stop - start, True)
    return [*drawn, *(state for generator in generators for state in _states(case, generator))]


def _states(case: dict[str, Any], generator: Any) -> Values:
    return [] if case["engine"] == "tf_keras" else [generator.state.numpy()]


_KINDS = {
    "seeds": _seeds,
    "uniform weights": _weights,
    "normal weights": _weights,
    "orthogonal weights": _weights,
    "functions": _functions,
    "dropout": _dropout,
    "dropout under XLA": _dropout_under_xla,
    "lstm": _lstm,
    "order": _order,
    "masks in fit": _masks_in_fit,
}
