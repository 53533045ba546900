"""One LSTM over a batch of sequences: forward, or forward and backward to the weights and the input."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["both", "cell", "forward"]

Run = Callable[[], object]


def cell(text: str) -> tuple[int, int, int]:
    """Read batch x steps x units, such as 32x128x256, from a command line."""
    sizes = text.split("x")
    if len(sizes) != 3 or not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"{text!r} is no cell. Expected batch x steps x units, such as 32x128x256.")
    batch, steps, units = map(int, sizes)
    return batch, steps, units


def forward(engine: str, batch: int, steps: int, features: int, units: int) -> Run:
    """The last output, nothing kept for a gradient."""
    return _MAKERS[engine](*_arrays(batch, steps, features, units))[0]


def both(engine: str, batch: int, steps: int, features: int, units: int) -> Run:
    """The last output, then the gradients of the weights and of the input."""
    return _MAKERS[engine](*_arrays(batch, steps, features, units))[1]


def _arrays(B: int, T: int, F: int, u: int) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    random = np.random.default_rng(0)
    sizes = (B, T, F), (F, 4 * u), (u, 4 * u), (4 * u,), (B, u)
    scale = min(0.3, u**-0.5)  # so that states stay in the sigmoids' middle, as in a trained network
    x, *weights, dy = (random.uniform(-scale, scale, size).astype("float32") for size in sizes)
    return x, weights, dy


def _refkeras(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Run, Run]:
    from refkeras.ops.lstm import lstm

    def both() -> object:
        _, pullback = lstm(x, *weights)
        assert pullback is not None
        return pullback(dy)

    return lambda: lstm(x, *weights, pullback=False), both


def _products(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Run, Run]:
    """The passes' matrix products and nothing else, units-major: what no LSTM in this BLAS can go below.

    In blocks of rows where that is faster, as in refkeras.
    """
    from refkeras.ops.block_rows import blocks

    def product_of(matrix: np.ndarray, columns: np.ndarray, out: np.ndarray) -> Run:
        cut = blocks(matrix, B)
        if cut is None:
            return lambda: np.matmul(matrix, columns, out=out)
        return lambda: np.matmul(cut, columns, out=out.reshape(*cut.shape[:2], B))

    (B, T, F), u = x.shape, dy.shape[1]
    U, W = np.ascontiguousarray(weights[1].T), weights[0]
    h, z, dh = np.ones((u, B), x.dtype), np.empty((4 * u, B), x.dtype), np.empty((u, B), x.dtype)
    flat, dz, hs = x.reshape(B * T, F), np.ones((B * T, 4 * u), x.dtype), np.ones((B * T, u), x.dtype)

    step, step_back = product_of(U, h, z), product_of(weights[1], z, dh)

    def forward() -> object:
        product = flat @ W
        for _ in range(T):
            step()
        return product

    def both() -> object:
        forward()
        for _ in range(T):
            step_back()
        return dz @ W.T, flat.T @ dz, hs.T @ dz

    return forward, both


def _keras(jit: bool) -> Callable[..., tuple[Run, Run]]:
    def make(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Run, Run]:
        import keras
        import tensorflow as tf

        layer: Any = keras.layers.LSTM(dy.shape[1])
        layer.build(x.shape)
        layer.set_weights(weights)
        tx, tdy = tf.constant(x), tf.constant(dy)
        variables = [v.value for v in layer.trainable_variables]
        forward = tf.function(lambda a: layer(a), jit_compile=jit)

        @tf.function(jit_compile=jit)
        def both(a: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(a)
                y = layer(a)
            return tape.gradient(y, [a, *variables], output_gradients=tdy)

        return lambda: forward(tx).numpy(), lambda: [g.numpy() for g in both(tx)]

    return make


def _keras_jax(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Run, Run]:
    import jax
    import keras

    layer: Any = keras.layers.LSTM(dy.shape[1])
    layer.build(x.shape)
    layer.set_weights(weights)
    values = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]

    def run(w: Any, a: Any) -> Any:
        return layer.stateless_call(w, rest, a)[0]

    forward = jax.jit(run)
    both = jax.jit(lambda w, a, d: jax.vjp(run, w, a)[1](d))
    return (
        lambda: np.asarray(forward(values, x)),
        lambda: jax.block_until_ready(both(values, x, dy)),
    )


def _torch(x: np.ndarray, weights: list[np.ndarray], dy: np.ndarray) -> tuple[Run, Run]:
    import torch

    module = torch.nn.LSTM(x.shape[2], dy.shape[1], batch_first=True)
    with torch.no_grad():  # torch's gates are i f g o, Keras's i f c o; its second bias is zero
        for parameter, value in zip(
            module.parameters(), (weights[0].T, weights[1].T, weights[2], 0 * weights[2]), strict=True
        ):
            parameter.copy_(torch.tensor(np.ascontiguousarray(value)))
    tx, tdy = torch.tensor(x, requires_grad=True), torch.tensor(dy)

    def forward() -> object:
        with torch.no_grad():
            return module(tx)[0][:, -1].numpy()

    def both() -> object:
        module.zero_grad()
        tx.grad = None
        module(tx)[0][:, -1].backward(tdy)
        return tx.grad

    return forward, both


_MAKERS: dict[str, Callable[..., tuple[Run, Run]]] = {
    "refkeras": _refkeras,
    "products": _products,
    "keras@tensorflow": _keras(jit=False),
    "keras@tensorflow jit": _keras(jit=True),
    "keras@jax": _keras_jax,
    "torch": _torch,
}
