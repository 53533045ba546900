"""The matrix products of an LSTM: one joint matrix from a step's inputs to all its gates.

    z = K s,    s = [h; x; 1]  (n, B),    K = [U W b]ᵀ  (4u, n)

with n = u + F + 1 (u + F without bias). Everything is units-major, (units, batch):
OpenBLAS is faster that way round, and each gate is a contiguous block. Joining
the three terms saves two NumPy calls a step and the memory for x W of all steps,
and the gradients of U, W and b come out of one product for many steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["GatewiseProduct", "JointProduct", "buffer", "join", "split"]


def buffer(like: Any, *shape: int) -> Any:
    """An uninitialized array of this shape, in C order (`empty_like` would copy the order of `like`'s axes)."""
    return np.empty_like(like, shape=shape, order="C")


def join(kernel: Any, recurrent_kernel: Any, bias: Any, negate_sigmoids: bool) -> Any:
    """K from Keras's weights: W (F, 4u), U (u, 4u), b (4u,) or None, columns i f c o; rows o i f g."""
    u = recurrent_kernel.shape[0]
    terms = [recurrent_kernel, kernel] if bias is None else [recurrent_kernel, kernel, bias[np.newaxis]]
    columns = np.concatenate(terms).T
    K = buffer(columns, *columns.shape)
    K[:u] = columns[3 * u :]
    K[u : 3 * u] = columns[: 2 * u]
    K[3 * u :] = columns[2 * u : 3 * u]
    if negate_sigmoids:
        np.negative(K[: 3 * u], out=K[: 3 * u])
    return K


def split(dK: Any, u: int, F: int, negated_sigmoids: bool) -> tuple[Any, Any, Any]:
    """The gradients of W, U and b from that of K."""
    if negated_sigmoids:
        np.negative(dK[: 3 * u], out=dK[: 3 * u])
    rows = dK.T
    d = buffer(dK, *rows.shape)
    d[:, : 2 * u] = rows[:, u : 3 * u]
    d[:, 2 * u : 3 * u] = rows[:, 3 * u :]
    d[:, 3 * u :] = rows[:, :u]
    return d[u : u + F], d[:u], d[u + F] if len(d) > u + F else None


class JointProduct:
    """z = K s, and its gradients."""

    def __init__(self, K: Any, u: int, F: int) -> None:
        self._K = K
        self._Kx = K[:, u : u + F].T
        self._Kh = K[:, :u].T

    def forward(self, t: int, s: Any, z: Any) -> None:
        """z of step t, (4u, B)."""
        np.matmul(self._K, s, out=z)

    def start_backward(self, steps: int, B: int) -> None:
        """Lay out once what every backward step multiplies with, and make room for `steps` steps side by side."""
        Kh = buffer(self._Kh, *self._Kh.shape)
        Kh[...] = self._Kh
        self._Kh = Kh
        self._room = [buffer(Kh, size * steps * B) for size in self._K.shape]

    def pull_h(self, t: int, dz: Any, dh: Any) -> None:
        """dh of step t, (u, B)."""
        np.matmul(self._Kh, dz, out=dh)

    def pull_x(self, first: int, dZ: Any, dX: Any) -> None:
        """dx of many steps, (steps, F, B), from their dz, (steps, 4u, B)."""
        np.matmul(self._Kx, dZ, out=dX)

    def pull_weights(self, first: int, dZ: Any, S: Any) -> Any:
        """The part of dK that many steps make: Σ dz sᵀ as one product over steps and batch."""
        dz, s = (_side_by_side(blocks, room) for blocks, room in zip((dZ, S), self._room, strict=True))
        return dz @ s.T


class GatewiseProduct:
    """z_k = K_k (m_k · s) for the gates k = o, i, f, g, each with a dropout mask of its own.

    Args:
        K: (4u, n).
        M: (steps, 4, n, B), or (1, 4, n, B) for masks that stay.
    """

    def __init__(self, K: Any, M: Any, u: int, F: int) -> None:
        self._u, self._F = u, F
        self._K = K.reshape(4, u, -1)
        self._M = M
        self._masked = buffer(K, *M.shape[1:])

    def _masks(self, first: int, steps: int) -> Any:
        return self._M if len(self._M) == 1 else self._M[first : first + steps]

    def forward(self, t: int, s: Any, z: Any) -> None:
        """z of step t, (4u, B)."""
        np.multiply(self._masks(t, 1)[0], s, out=self._masked)
        np.matmul(self._K, self._masked, out=z.reshape(4, self._u, -1))

    def start_backward(self, steps: int, B: int) -> None:
        """Make room for `steps` steps side by side."""
        _, u, n = self._K.shape
        self._room = [buffer(self._K, size * steps * B) for size in (u, n)]

    def pull_h(self, t: int, dz: Any, dh: Any) -> None:
        """dh of step t, (u, B)."""
        u = self._u
        per_gate = np.matmul(self._K[:, :, :u].transpose(0, 2, 1), dz.reshape(4, u, -1))
        np.add.reduce(per_gate * self._masks(t, 1)[0, :, :u], axis=0, out=dh)

    def pull_x(self, first: int, dZ: Any, dX: Any) -> None:
        """dx of many steps, (steps, F, B), from their dz, (steps, 4u, B)."""
        steps, u = len(dZ), self._u
        x = slice(u, u + self._F)
        per_gate = np.matmul(self._K[:, :, x].transpose(0, 2, 1), dZ.reshape(steps, 4, u, -1))
        np.add.reduce(per_gate * self._masks(first, steps)[:, :, x], axis=1, out=dX)

    def pull_weights(self, first: int, dZ: Any, S: Any) -> Any:
        """The part of dK that many steps make."""
        masked = self._masks(first, len(dZ)) * S[:, np.newaxis]
        gates = dZ.reshape(len(dZ), 4, self._u, -1)
        parts = []
        for k in range(4):
            dz, s = (_side_by_side(b[:, k], room) for b, room in zip((gates, masked), self._room, strict=True))
            parts.append(dz @ s.T)  # (u, n)
        return np.concatenate(parts)


def _side_by_side(blocks: Any, room: Any) -> Any:
    """(steps, rows, B) as (rows, steps · B), laid out in `room`."""
    steps, rows, B = blocks.shape
    joined = room[: rows * steps * B]
    joined.reshape(rows, steps, B)[...] = blocks.transpose(1, 0, 2)
    return joined.reshape(rows, steps * B)
