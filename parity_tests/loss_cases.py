"""Inputs for the parity tests of losses, and the losses of both sides on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity_tests import elementwise_cases
from parity_tests.agreement import assert_agrees, exactly
from parity_tests.engines import BACKEND, DTYPES, keras, tensor, value_and_gradients, with_mask
from parity_tests.soundness import names

EPSILON = 1e-7


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
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(DTYPES))
    shape = draw(shapes())
    t, p = (rng.normal(size=shape, scale=draw(st.sampled_from([0.1, 3.0, 1e4]))) for _ in range(2))
    ties = rng.random(shape) < 0.2
    p = np.where(ties, t, p)
    name = name or draw(st.sampled_from(["mean_squared_error", "mean_absolute_error"]))
    return Case(name, t.astype(dtype), p.astype(dtype))


@st.composite
def crossentropies(draw: st.DrawFn, kind: str | None = None) -> Case:
    """A cross-entropy: hard or soft targets, probabilities with some at and beyond the clip, or logits."""
    rng, dtype = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(DTYPES))
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
        if kind == "sparse_categorical":  # whether rounded numbers that cancel add up to 0 is chance
            cancels = 1000 * np.abs(p.sum(-1, keepdims=True)) < np.abs(p).sum(-1, keepdims=True)
            p = np.where(cancels, np.abs(p), p)
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


def evaluated(loss: Any, t: Any, p: Any, weights: Any = None, *, logits: Any = None, mask: Any = None) -> list[Any]:
    """Return the value of a refkeras loss and what its pullback returns, with the error bars of the predictions' dtype.

    The same is computed on plain arrays, which must lie within the bars.
    """
    machine, results = p.dtype.name, []
    for arrays in ((t, p, weights, logits), exactly((t, p, weights, logits), machine)):
        y_true, y_pred, w, z = arrays
        with np.errstate(all="ignore"), names.derivatives_of(BACKEND):
            value, pullback = loss.value_and_pullback(y_true, y_pred, w, logits=z, mask=mask)
            results.append([value, *pullback()])
    for plain, bar in zip(*results, strict=True):
        if plain is None:
            assert bar is None
        else:
            assert_agrees(bar, plain, what="on plain arrays")
    return results[1]


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
