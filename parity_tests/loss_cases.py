"""Inputs for the parity tests of losses and metrics, and how far two evaluations of a loss may be apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity_tests import elementwise_cases
from parity_tests.engines import keras, tensor, value_and_gradients, with_mask

EPSILON = 1e-7
# A logarithm or exponential of NumPy or of TensorFlow's kernels is within this many roundings.
TRANSCENDENTAL = 4


@dataclass
class Case:
    """A loss, its arguments, and one batch."""

    loss: str
    t: np.ndarray
    p: np.ndarray
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def dtype(self) -> str:
        return self.p.dtype.name

    @property
    def from_logits(self) -> bool:
        return bool(self.arguments.get("from_logits"))


def shapes(features: int = 1) -> st.SearchStrategy[tuple[int, ...]]:
    """(batch, ..., features), sizes that are most often all different; at least so many features."""
    side, last = st.integers(1, 6), st.integers(features, 6)
    return st.one_of(st.tuples(side, last), st.tuples(side, side, last), st.tuples(last))


@st.composite
def regressions(draw: st.DrawFn, name: str | None = None) -> Case:
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(["float32", "float64"]))
    shape = draw(shapes())
    t, p = (rng.normal(size=shape, scale=draw(st.sampled_from([0.1, 3.0, 1e4]))) for _ in range(2))
    ties = rng.random(shape) < 0.2
    p = np.where(ties, t, p)
    name = name or draw(st.sampled_from(["mean_squared_error", "mean_absolute_error"]))
    return Case(name, t.astype(dtype), p.astype(dtype))


@st.composite
def crossentropies(draw: st.DrawFn, kind: str | None = None) -> Case:
    """A cross-entropy: hard or soft targets, probabilities with some at and beyond the clip, or logits."""
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(["float32", "float64"]))
    kind = kind or draw(st.sampled_from(["binary", "categorical", "sparse_categorical"]))
    shape = draw(shapes(1 if kind == "binary" else 2).filter(lambda shape: kind == "binary" or len(shape) > 1))
    arguments: dict[str, Any] = {"from_logits": draw(st.booleans())}
    axes = range(-len(shape), len(shape))
    if kind == "binary":
        t = (rng.random(shape) > 0.5).astype(dtype) if draw(st.booleans()) else rng.random(shape)
        arguments |= {"label_smoothing": draw(st.sampled_from([0.0, 0.1, 0.37])), "axis": draw(st.sampled_from(axes))}
    elif kind == "categorical":
        t = np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])] if draw(st.booleans()) else rng.random(shape)
        arguments |= {"label_smoothing": draw(st.sampled_from([0.0, 0.1, 0.37]))}
    else:
        t = rng.integers(0, shape[-1], shape[:-1])
        if draw(st.booleans()):
            t = t[..., None]
    if arguments["from_logits"]:
        p = rng.normal(size=shape, scale=draw(st.sampled_from([0.5, 5.0, 60.0])))
    else:
        p = rng.random(shape)
        if kind != "categorical":
            edge = rng.choice([0.0, 1.0, -0.5, 1.5, EPSILON, 1 - EPSILON], shape)
            p = np.where(rng.random(shape) < 0.3, edge, p)
        elif draw(st.booleans()):
            p = p / p.sum(-1, keepdims=True)
    return Case(f"{kind}_crossentropy", t if kind[0] == "s" else t.astype(dtype), p.astype(dtype), arguments)


@st.composite
def elementwise(draw: st.DrawFn, name: str | None = None) -> Case:
    """Another loss that compares numbers one by one."""
    return Case(*draw(elementwise_cases.batches(shapes(), name)))


def of_loss(name: str) -> st.SearchStrategy[Case]:
    """Cases of one loss."""
    if name in elementwise_cases.NAMES:
        return elementwise(name)
    return crossentropies(name.removesuffix("_crossentropy")) if name.endswith("crossentropy") else regressions(name)


def spread(case: Case) -> tuple[np.ndarray, np.ndarray, float]:
    """Return (the largest magnitude met on the way to each value, that on the way to each gradient, roundings).

    Both are computed in float64. The roundings are those of one side: a sum of n numbers
    rounds n times, a product, quotient or difference once, a logarithm or exponential
    `TRANSCENDENTAL` times. A sum of logarithms inherits the relative errors of what the
    logarithms are taken of as absolute errors.
    """
    if case.loss in elementwise_cases.NAMES:
        return elementwise_cases.spread(case.loss, case.t, case.p, case.arguments)
    t, p = case.t.astype(np.float64), case.p.astype(np.float64)
    axis = case.arguments.get("axis", -1)
    n = p.shape[axis]
    base = 2 * n + 4 * TRANSCENDENTAL + 12
    if case.loss == "mean_squared_error":
        return ((t - p) ** 2).mean(-1), 2 * np.abs(p - t) / n, base
    if case.loss == "mean_absolute_error":
        return np.abs(t - p).mean(-1), np.full_like(p, 1 / n), base
    smoothing = case.arguments.get("label_smoothing", 0.0)
    if case.loss == "binary_crossentropy":
        t = t * (1 - smoothing) + smoothing / 2
        if case.from_logits:
            terms = np.maximum(p, 0) + np.abs(p * t) + np.log1p(np.exp(-np.abs(p)))
            return terms.mean(axis), np.full_like(p, 2 / n), base
        q = np.clip(p, np.array(EPSILON, case.dtype), np.array(1 - EPSILON, case.dtype))
        terms = np.abs(t * np.log(q)) + np.abs((1 - t) * np.log(1 - q))
        return terms.mean(axis), (np.abs(t / q) + np.abs((1 - t) / (1 - q))) / n, base
    if case.loss == "sparse_categorical_crossentropy":
        labels = case.t[..., 0] if case.t.ndim == p.ndim else case.t
        t = np.eye(p.shape[-1])[labels]
    else:
        t = np.abs(t * (1 - smoothing) + smoothing / n)
    if case.from_logits:
        shifted = p - p.max(-1, keepdims=True)
        size = np.log(np.exp(shifted).sum(-1, keepdims=True)) + np.abs(shifted) + 1
        return (t * size).sum(-1), 1 + t, base
    if case.loss == "categorical_crossentropy":
        total = p.sum(-1, keepdims=True)
        q = np.clip(p / total, EPSILON, 1 - EPSILON)
        g = t / q
        return (t * (1 + np.abs(np.log(q)))).sum(-1), (g + (g * q).sum(-1, keepdims=True)) / total, base
    q = np.clip(p, EPSILON, 1 - EPSILON)
    size = 1 + np.abs(np.log(q)).max(-1) + np.abs(np.log(q.sum(-1)))
    return size, (1 + t) / q, base


def run(engine: Any, case: Case, weights: Any = None, mask: Any = None, **loss_arguments: Any) -> tuple[Any, Any]:
    """Return the engine's loss and the gradient of its sum by the predictions."""
    extra = {"dtype": case.dtype} if engine is keras else {}
    loss = loss_object(engine, case)(**case.arguments, **extra, **loss_arguments)

    def call(p: Any) -> Any:
        return loss(tensor(case.t), with_mask(p, mask), None if weights is None else tensor(weights))

    derived = value_and_gradients(call, [case.p])
    return derived.values[0], derived.gradients[0]


def loss_object(module: Any, case: Case) -> Any:
    name = elementwise_cases.CLASSES.get(case.loss) or "".join(word.capitalize() for word in case.loss.split("_"))
    return getattr(module.losses, name)
