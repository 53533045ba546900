"""Update rules, beside the textbook's in plain float64 expressions."""

from __future__ import annotations

import numpy as np
import pytest

from refkeras.ops import optimizers as ops
from tests.optimizers.boxed import Boxed


def arrays(*names: str, shape: tuple[int, ...] = (4, 3)) -> list[np.ndarray]:
    rng = np.random.default_rng(len(names))
    return [np.abs(rng.normal(size=shape)) if name == "v" else rng.normal(size=shape) for name in names]


def scratch(count: int, shape: tuple[int, ...] = (4, 3)) -> list[np.ndarray]:
    return [np.full(shape, np.nan) for _ in range(count)]


def test_sgd():
    w, g = arrays("w", "g")
    expected = w - 0.3 * g
    ops.sgd(w, g, 0.3, *scratch(1))
    np.testing.assert_allclose(w, expected, rtol=1e-15)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov):
    w, g, m = arrays("w", "g", "m")
    velocity = 0.7 * m - 0.3 * g
    expected = w + (0.7 * velocity - 0.3 * g if nesterov else velocity)
    ops.momentum(w, g, m, 0.3, 0.7, nesterov, *scratch(2))
    np.testing.assert_allclose(m, velocity, rtol=1e-14)
    np.testing.assert_allclose(w, expected, rtol=1e-14)


@pytest.mark.parametrize("root", ["divide", "multiply", "epsilon outside", "epsilon first"])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("with_momentum", [False, True])
def test_rmsprop(root, centered, with_momentum):
    if root == "epsilon outside" and centered:
        pytest.skip("Keras 2.0 has no centered RMSprop")
    w, g, v, m = arrays("w", "g", "v", "m")
    a = 0.1 * arrays("a")[0] if centered else None
    m = m if with_momentum else None
    velocity = 0.6 * v + 0.4 * g**2
    mean = 0.6 * a + 0.4 * g if centered else None
    spread = velocity - mean**2 if centered else velocity
    size = np.sqrt(spread) + 0.05 if root == "epsilon outside" else np.sqrt(spread + 0.05)
    step = 0.3 * g / size + (0.7 * m if with_momentum else 0.0)
    expected = w - step
    ops.rmsprop(w, g, v, m, a, 0.3, 0.6, 0.4, 0.05, 0.7, root, *scratch(2))
    np.testing.assert_allclose(v, velocity, rtol=1e-14)
    np.testing.assert_allclose(w, expected, rtol=1e-13)
    if centered:
        np.testing.assert_allclose(a, mean, rtol=1e-14)
    if with_momentum:
        np.testing.assert_allclose(m, step, rtol=1e-13)


@pytest.mark.parametrize("average", [ops.lerp, ops.blend])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam(average, amsgrad):
    """Written as in the paper, with its bias-corrected moments; epsilon is the paper's epsilon hat."""
    w, g, m, v = arrays("w", "g", "m", "v")
    v_hat = np.abs(arrays("v", "h")[1]) if amsgrad else None
    b1, b2, t = 0.7, 0.9, 3
    first, second = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
    largest = np.maximum(v_hat, second) if amsgrad else second
    expected = w - 0.3 * (first / (1 - b1**t)) / (np.sqrt(largest / (1 - b2**t)) + 0.05 / np.sqrt(1 - b2**t))
    alpha = ops.adam_rate(0.3, b1, b2, t)
    ops.adam(w, g, m, v, v_hat, alpha, b1, 1 - b1, b2, 1 - b2, 0.05, average, *scratch(2))
    np.testing.assert_allclose(m, first, rtol=1e-13)
    np.testing.assert_allclose(v, second, rtol=1e-13)
    np.testing.assert_allclose(w, expected, rtol=1e-13)
    if amsgrad:
        np.testing.assert_array_equal(v_hat, largest)


def test_norms():
    g = np.array([[3.0, 0.0], [0.0, 4.0]])
    ops.clip_by_norm(g, 10.0, np.empty_like(g))
    np.testing.assert_array_equal(g, [[3, 0], [0, 4]])
    ops.clip_by_norm(g, 2.5, np.empty_like(g))
    np.testing.assert_array_equal(g, [[1.5, 0], [0, 2]])
    for clip in (ops.clip_by_global_norm, ops.clip_by_joint_norm):
        gs = [np.array([3.0]), np.array([[4.0], [12.0]])]
        clip(gs, 26.0, [np.empty_like(g) for g in gs])
        np.testing.assert_allclose(np.concatenate([g.ravel() for g in gs]), [3, 4, 12])
        clip(gs, 6.5, [np.empty_like(g) for g in gs])
        np.testing.assert_allclose(np.concatenate([g.ravel() for g in gs]), [1.5, 2, 6])
    zeros = np.zeros(3)
    ops.clip_by_global_norm([zeros], 1.0, [np.empty(3)])
    np.testing.assert_array_equal(zeros, 0)


def test_other_arrays_pass_through():
    """Nothing is turned into an ndarray on the way: an array type that dispatches goes through every rule."""

    def box(*names: str) -> list[Boxed]:
        return [Boxed(value) for value in arrays(*names)]

    plain, boxed = arrays("w", "g", "v", "m"), box("w", "g", "v", "m")
    for (w, g, v, m), (s, r) in ((plain, scratch(2)), (boxed, [Boxed(x) for x in scratch(2)])):
        ops.sgd(w, g, 0.3, s)
        ops.momentum(w, g, m, 0.3, 0.7, True, s, r)
        ops.rmsprop(w, g, v, m, None, 0.3, 0.6, 0.4, 0.05, 0.7, "multiply", s, r)
        ops.adam(w, g, m, v, None, 0.1, 0.7, 0.3, 0.9, 0.1, 0.05, ops.lerp, s, r)
        ops.decay_weights(w, 0.1, 0.3, s)
        ops.clip_by_norm(g, 1.0, s)
        ops.clip_by_global_norm([g, m], 0.5, [s, r])
        ops.clip_by_value(g, 0.1)
    for mine, theirs in zip(plain, boxed, strict=True):
        np.testing.assert_array_equal(mine, theirs.value)
