"""The drawn cases: what is asked of an engine and of refkeras alike, as plain data."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

__all__ = ["ENGINES", "EXACT_KINDS", "draw_cases"]

ENGINES = ("tensorflow", "jax", "torch", "numpy", "tf_keras")
EXACT_KINDS = ("seeds", "uniform weights", "functions", "dropout", "dropout under XLA", "lstm", "order", "masks in fit")

Case = dict[str, Any]

_UNIFORM = ("GlorotUniform", "HeUniform", "LecunUniform", "RandomUniform")
_NORMAL = ("RandomNormal", "TruncatedNormal", "GlorotNormal", "HeNormal", "LecunNormal")


def draw_cases(engine: str, counts: dict[str, int], campaign_seed: int) -> list[Case]:
    """Draw `counts[kind]` cases of each kind.

    Args:
        engine: one of `ENGINES`.
        counts: number of cases by kind.
        campaign_seed: the same seed draws the same cases.
    """
    rng = random.Random(f"{engine} {campaign_seed}")
    return [
        {"kind": kind, "engine": engine, **_MAKERS[kind](rng, engine)} for kind, n in counts.items() for _ in range(n)
    ]


def _seed(rng: random.Random) -> int:
    return rng.choice([0, 1, 7, 2**31 - 1, 2**31 - 2, 2**32 - 1, *(rng.randrange(2**32) for _ in range(12))])


# JAX compiles for each shape anew, which takes a second or two.
_JAX_SHAPES = [[1], [16], [101], [2, 3], [5, 7], [17, 31], [64, 13], [7, 1], [3, 4, 5], [8, 16, 2], [2, 3, 4, 5]]


def _shape(rng: random.Random, engine: str, rank: int | None = None, limit: int = 3000) -> list[int]:
    if engine == "jax":
        return list(rng.choice([shape for shape in _JAX_SHAPES if rank in (None, len(shape))]))
    rank = rng.choice([1, 2, 2, 2, 3]) if rank is None else rank
    while True:
        shape = [rng.choice([1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 64, 101, 200]) for _ in range(rank)]
        size = 1
        for dim in shape:
            size *= dim
        if size <= limit:
            return shape


def _rate(rng: random.Random) -> float:
    return rng.choice([0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 0.9, rng.random() * 0.98 + 0.01])


def _seeds(rng: random.Random, engine: str) -> Case:
    return {"seed": _seed(rng), "count": rng.randrange(1, 9)}


def _weights(names: tuple[str, ...]) -> Callable[[random.Random, str], Case]:
    def make(rng: random.Random, engine: str) -> Case:
        name = rng.choice(names)
        config: dict[str, Any] = {"seed": rng.choice([rng.randrange(1, 10**9), rng.randrange(2**31 - 1)])}
        if name == "RandomUniform" and rng.random() < 0.7:
            low = rng.uniform(-2, 1)
            config |= {"minval": low, "maxval": low + rng.random() * 3}
        if name in ("RandomNormal", "TruncatedNormal") and rng.random() < 0.7:
            config |= {"mean": rng.uniform(-1, 1), "stddev": rng.random() * 2}
        wide = engine in ("tensorflow", "tf_keras", "torch") and rng.random() < 0.15
        large = rng.random() < 0.03
        return {
            "class": name,
            "config": config,
            "shape": [211, 487] if large else _shape(rng, engine),
            "dtype": "float64" if wide else "float32",
        }

    return make


def _orthogonal(rng: random.Random, engine: str) -> Case:
    units = rng.choice([1, 2, 7, 8, 31, 47, 48, 64, 100, 128])
    square = rng.random() < 0.3
    shape = [units, units if square else 4 * units]
    config = {"seed": rng.randrange(1, 10**9), "gain": rng.choice([1.0, 1.0, 0.5, 1.7])}
    return {"class": "Orthogonal", "config": config, "shape": shape, "dtype": "float32", "square": square}


def _functions(rng: random.Random, engine: str) -> Case:
    name = rng.choice(["uniform", "uniform", "randint", "shuffle", "dropout"])
    shape = _shape(rng, engine)
    low = rng.randrange(-50, 50)
    arguments: dict[str, Any] = {
        "uniform": {"minval": rng.uniform(-1, 0.5), "maxval": rng.uniform(0.5, 2)},
        "randint": {"minval": low, "maxval": low + rng.choice([1, 2, 7, 1000, 65537, 2**30])},
        "shuffle": {"axis": rng.randrange(len(shape))},
        "dropout": {"rate": _rate(rng)},
    }[name]
    return {
        "name": name,
        "shape": shape,
        "arguments": arguments,
        "seed": _seed(rng) % (2**31),
        "source": rng.choice(["int", "generator", "global"]),
        "calls": rng.randrange(1, 4),
    }


def _dropout(rng: random.Random, engine: str) -> Case:
    shape = _shape(rng, engine, rank=rng.choice([2, 2, 3, 4]))
    noise = [dim if rng.random() < 0.6 else 1 for dim in shape] if rng.random() < 0.2 else None
    calls = [shape] * rng.randrange(1, 6)
    if engine == "jax":
        noise = None
        calls = [*calls, _shape(rng, engine, rank=len(shape))]
    elif noise is None and shape[0] > 1:
        calls = [*calls, [rng.randrange(1, shape[0]), *shape[1:]]]
    wide = engine in ("tensorflow", "tf_keras") and rng.random() < 0.15
    return {
        "set_seed": _seed(rng),
        "seed": rng.choice([None, rng.randrange(10**9)]),
        "rate": _rate(rng),
        "noise_shape": noise,
        "calls": calls,
        "dtype": "float64" if wide else "float32",
    }


def _dropout_under_xla(rng: random.Random, engine: str) -> Case:
    return {**_dropout(rng, engine), "dtype": "float32"}


def _lstm(rng: random.Random, engine: str) -> Case:
    form = rng.choice(["inputs", "recurrent", "both"])
    batch = rng.randrange(1, 9)
    calls = [(batch, True), (batch, False), (rng.randrange(1, 9), True), (batch, True)]
    sizes: dict[str, Any] = {
        "features": rng.randrange(1, 12),
        "units": rng.randrange(1, 12),
        "unroll": rng.random() < 0.5,
    }
    if engine == "jax":
        calls = [(3, True), (3, False), (2, True), (3, True)]
        sizes = {"features": 5, "units": rng.choice([2, 7]), "unroll": True}
    return {
        "set_seed": _seed(rng),
        "seed": rng.choice([None, rng.randrange(10**9)]),
        "dropout": 0.0 if form == "recurrent" else _rate(rng),
        "recurrent_dropout": 0.0 if form == "inputs" else _rate(rng),
        "steps": 1 if engine == "jax" else rng.randrange(1, 5),
        **sizes,
        "calls": calls[: rng.randrange(2, 5)],
    }


def _order(rng: random.Random, engine: str) -> Case:
    n = rng.choice([2, 5, 8, 16, 17, 33, 64, 100, rng.randrange(2, 70)])
    batch_size = rng.choice([1, 2, 3, 4, 5, 8, 16, n, n + 3])
    batches = -(-n // batch_size)
    steps = rng.choice([None, None, None, max(1, batches // 2), max(1, batches - 1), batches])
    batch = engine != "tf_keras" and rng.random() < 0.2
    return {
        "set_seed": _seed(rng),
        "n": n,
        "batch_size": batch_size,
        "shuffle": "batch" if batch else rng.random() < 0.9,
        "steps_per_epoch": steps,
        "epochs": rng.randrange(1, 4),
        "validation_split": rng.choice([0.0, 0.0, 0.25]) if n >= 8 else 0.0,
        "fits": rng.choice([1, 1, 2]),
    }


def _masks_in_fit(rng: random.Random, engine: str) -> Case:
    n = rng.randrange(5, 14)
    recurrent = rng.choice([0.0, 0.3]) if engine != "tf_keras" else 0.0
    return {
        "set_seed": _seed(rng),
        "n": n,
        "batch_size": rng.choice([2, 3, 4]),
        "epochs": rng.randrange(1, 3),
        "steps": rng.randrange(1, 4),
        "features": rng.randrange(1, 6),
        "units": rng.randrange(1, 6),
        "rates": [_rate(rng), _rate(rng), _rate(rng)],
        "recurrent_dropout": recurrent,
        "unroll": engine == "tf_keras" and rng.random() < 0.3,
        "sequences": rng.random() < 0.5,
        "validation_split": rng.choice([0.0, 0.3]),
        "seeded": rng.random() < 0.3,
    }


_MAKERS: dict[str, Callable[[random.Random, str], Case]] = {
    "seeds": _seeds,
    "uniform weights": _weights(_UNIFORM),
    "normal weights": _weights(_NORMAL),
    "orthogonal weights": _orthogonal,
    "functions": _functions,
    "dropout": _dropout,
    "dropout under XLA": _dropout_under_xla,
    "lstm": _lstm,
    "order": _order,
    "masks in fit": _masks_in_fit,
}
