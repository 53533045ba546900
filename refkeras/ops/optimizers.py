"""Parameter updates: one step of each rule, in place.

A rule advances the weights `w` and its slots by one step from the gradient
`g`. All arrays of one call have one shape and dtype; that shape may be one
variable's, or one vector that holds many variables, since every rule works
element by element. Scalars come as the caller rounded them. `s` and `r` are
scratch arrays, so that a step allocates nothing. The order of operations is
that of Keras 3.15 (`keras/src/optimizers`), rounding for rounding.

`average` is one of two ways to move an average a towards x, equal but for
rounding: `lerp`, a += (x − a)·d, and `blend`, a = ρ·a + d·x, where d = 1 − ρ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import add, maximum, multiply, reciprocal, sqrt, square, subtract

__all__ = [
    "adam",
    "adam_rate",
    "blend",
    "clip_by_global_norm",
    "clip_by_joint_norm",
    "clip_by_norm",
    "clip_by_value",
    "decay_weights",
    "lerp",
    "momentum",
    "rmsprop",
    "sgd",
    "shrink_weights",
]

Array = Any
Average = Callable[[Array, Array, Any, Any, Array], None]


def lerp(a: Array, x: Array, rho: Any, d: Any, s: Array) -> None:
    """a += (x − a)·d. `s` may be `x`."""
    subtract(x, a, out=s)
    s *= d
    a += s


def blend(a: Array, x: Array, rho: Any, d: Any, s: Array) -> None:
    """a = ρ·a + d·x. `s` may be `x`."""
    multiply(x, d, out=s)
    a *= rho
    a += s


def sgd(w: Array, g: Array, lr: Any, s: Array) -> None:
    """w −= lr·g.

    Source: `keras/src/optimizers/sgd.py`, Keras 3.15.

        >>> w, g = np.array([1.0, 2.0]), np.array([0.5, -1.0])
        >>> sgd(w, g, 0.1, np.empty(2))
        >>> w
        array([0.95, 2.1 ])
    """
    multiply(g, lr, out=s)
    w -= s


def momentum(w: Array, g: Array, m: Array, lr: Any, mu: Any, nesterov: bool, s: Array, r: Array) -> None:
    """m = μ·m − lr·g; w += m, or with Nesterov's look-ahead w += μ·m − lr·g.

    Args:
        w, g, m: weights, gradient, velocity.
        lr, mu: learning rate and momentum μ.
        nesterov: take the look-ahead step, with the new m.
        s, r: scratch.

    Source: `keras/src/optimizers/sgd.py`, Keras 3.15; Sutskever et al., ICML 2013.

        >>> w, g, m = np.array([1.0]), np.array([0.5]), np.array([-0.2])
        >>> momentum(w, g, m, 0.1, 0.9, False, np.empty(1), np.empty(1))
        >>> m.round(6), w.round(6)
        (array([-0.23]), array([0.77]))
    """
    multiply(g, lr, out=s)
    m *= mu
    m -= s
    if nesterov:
        multiply(m, mu, out=r)
        r -= s
        w += r
    else:
        w += m


def rmsprop(
    w: Array,
    g: Array,
    v: Array,
    m: Array | None,
    a: Array | None,
    lr: Any,
    rho: Any,
    d: Any,
    epsilon: Any,
    mu: Any,
    root: str,
    s: Array,
    r: Array,
) -> None:
    """v = ρ·v + d·g²; w −= lr·g / √(v + ε).

    Args:
        w, g, v: weights, gradient, mean of the squared gradient.
        m: velocity, or None: m = μ·m + lr·g / √(...), w −= m.
        a: mean of the gradient, or None: a = ρ·a + d·g, and v − a² stands for v in the root (centered).
        lr, rho, d, epsilon, mu: learning rate, ρ, 1 − ρ, ε, μ.
        root: `"divide"`: lr·g / √(v + ε); `"multiply"`: lr·g · (1 / √(v + ε)); `"epsilon outside"`: lr·g / (√v + ε);
            `"epsilon first"`: `"divide"`, where it is centered by (v + ε) − a² rather than (v − a²) + ε.
        s, r: scratch.

    Source: `keras/src/optimizers/rmsprop.py`, Keras 3.15; Hinton, lecture 6 (2012).

        >>> w, g, v = np.array([1.0]), np.array([0.5]), np.array([0.0])
        >>> rmsprop(w, g, v, None, None, 0.1, 0.9, 0.1, 1e-7, 0.0, "divide", np.empty(1), np.empty(1))
        >>> v.round(6), w.round(6)
        (array([0.025]), array([0.683773]))
    """
    square(g, out=s)
    blend(v, s, rho, d, s)
    if root == "epsilon outside":
        sqrt(v, out=s)
        s += epsilon
    else:
        if a is None:
            add(v, epsilon, out=s)
        else:
            blend(a, g, rho, d, s)
            square(a, out=s)
            if root == "epsilon first":
                add(v, epsilon, out=r)
                subtract(r, s, out=s)
            else:
                subtract(v, s, out=s)
                s += epsilon
        sqrt(s, out=s)
    multiply(g, lr, out=r)
    if root == "multiply":
        r *= reciprocal(s, out=s)
    else:
        r /= s
    if m is None:
        w -= r
    else:
        m *= mu
        m += r
        w -= m


def adam_rate(lr: Any, beta_1: Any, beta_2: Any, t: Any) -> Any:
    """Return α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ), all in the dtype of the scalars given.

    Source: Kingma & Ba, ICLR 2015, end of section 2.

        >>> float(adam_rate(0.001, 0.9, 0.999, 1).round(9))
        0.000316228
    """
    return lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)


def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    v_hat: Array | None,
    alpha: Any,
    beta_1: Any,
    d_1: Any,
    beta_2: Any,
    d_2: Any,
    epsilon: Any,
    average: Average,
    s: Array,
    r: Array,
) -> None:
    """m → g and v → g² as moving averages; w −= α·m / (√v + ε).

    Args:
        w, g: weights and gradient.
        m, v: first and second moment; m moves to g by d₁ = 1 − β₁, v to g² by d₂ = 1 − β₂.
        v_hat: the largest v so far, which then stands for v in the root (AMSGrad), or None.
        alpha: `adam_rate` of this step, which holds the bias corrections.
        average: `lerp` or `blend`.
        s, r: scratch.

    Source: `keras/src/optimizers/adam.py`, Keras 3.15; Kingma & Ba, ICLR 2015; Reddi et al., ICLR 2018.

        >>> w, g, m, v = np.array([1.0]), np.array([0.5]), np.array([0.0]), np.array([0.0])
        >>> alpha = adam_rate(0.001, 0.9, 0.999, 1)
        >>> adam(w, g, m, v, None, alpha, 0.9, 0.1, 0.999, 0.001, 1e-7, lerp, np.empty(1), np.empty(1))
        >>> m.round(6), v.round(6), w.round(6)
        (array([0.05]), array([0.00025]), array([0.999]))
    """
    average(m, g, beta_1, d_1, s)
    square(g, out=s)
    average(v, s, beta_2, d_2, s)
    if v_hat is not None:
        v = maximum(v_hat, v, out=v_hat)
    sqrt(v, out=s)
    s += epsilon
    multiply(m, alpha, out=r)
    r /= s
    w -= r


def decay_weights(w: Array, wd: Any, lr: Any, s: Array) -> None:
    """w −= w·wd·lr.

    Source: `_apply_weight_decay` in `keras/src/optimizers/base_optimizer.py`, Keras 3.15.

        >>> w = np.array([10.0])
        >>> decay_weights(w, 0.1, 0.5, np.empty(1))
        >>> w
        array([9.5])
    """
    multiply(w, wd, out=s)
    s *= lr
    w -= s


def shrink_weights(w: Array, factor: Any) -> None:
    """w = w·factor, where factor is 1 − wd·lr.

    Source: `_apply_weight_decay` in `keras/src/backend/torch/optimizers/torch_optimizer.py`, Keras 3.15.

        >>> w = np.array([10.0])
        >>> shrink_weights(w, 1 - 0.1 * 0.5)
        >>> w
        array([9.5])
    """
    w *= factor


def clip_by_norm(g: Array, c: float, s: Array) -> None:
    """g = g·c / max(‖g‖, c).

    Source: `tf.clip_by_norm`.

        >>> g = np.array([3.0, 4.0])
        >>> clip_by_norm(g, 1.0, np.empty(2))
        >>> g
        array([0.6, 0.8])
    """
    norm = sqrt(np.sum(square(g, out=s)))
    g *= c
    g /= maximum(norm, c)


def clip_by_global_norm(gs: Sequence[Array], c: float, scratch: Sequence[Array]) -> None:
    """g = g·c·min(1/n, 1/c) for every g, where n² = Σ‖g‖²; NaN everywhere when n is not finite.

    Source: `clip_by_global_norm` of `keras/src/optimizers/base_optimizer.py`, Keras 3.15.

        >>> a, b = np.array([3.0]), np.array([4.0])
        >>> clip_by_global_norm([a, b], 1.0, [np.empty(1), np.empty(1)])
        >>> a, b
        (array([0.6]), array([0.8]))
    """
    n = _joint_norm(gs, scratch)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = c * np.minimum(1.0 / n, 1.0 / c) + (n - n)
    for g in gs:
        g *= scale


def clip_by_joint_norm(gs: Sequence[Array], c: float, scratch: Sequence[Array]) -> None:
    """g = g·c / n for every g if n ≥ c, where n² = Σ‖g‖².

    Source: `clip_norm` of `keras/optimizers.py`, Keras 2.0.4.

        >>> a, b = np.array([3.0]), np.array([4.0])
        >>> clip_by_joint_norm([a, b], 1.0, [np.empty(1), np.empty(1)])
        >>> a, b
        (array([0.6]), array([0.8]))
    """
    n = _joint_norm(gs, scratch)
    if n >= c:
        for g in gs:
            g *= c
            g /= n


def clip_by_value(g: Array, c: float) -> None:
    """g = min(max(g, −c), c); NaN stays.

    >>> g = np.array([3.0, -0.5])
    >>> clip_by_value(g, 1.0)
    >>> g
    array([ 1. , -0.5])
    """
    np.clip(g, -c, c, out=g)


def _joint_norm(gs: Sequence[Array], scratch: Sequence[Array]) -> Any:
    total = np.sum(square(gs[0], out=scratch[0]))
    for g, s in zip(gs[1:], scratch[1:], strict=True):
        total = total + np.sum(square(g, out=s))
    return sqrt(total)
