"""The matrix products of an LSTM: one joint matrix from a step's inputs to all its gates.

    z = Rᵀ s,    s = [h; x; 1]  (n, B),    R = [U; W; b]  (n, 4u)

with n = u + F + 1 (u + F without bias). Everything is units-major, (units, batch):
OpenBLAS is faster that way round, and each gate is a contiguous block. Joining
the three terms saves two NumPy calls a step and the memory for x W of all steps,
and the gradients of U, W and b come out of one product for many steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.ops.block_rows import blocks, rows_at_once
from refkeras.ops.buffers import buffer

__all__ = ["GatewiseProduct", "JointProduct", "join", "split"]


def join(kernel: Any, recurrent_kernel: Any, bias: Any, negate_sigmoids: bool) -> Any:
    """R from Keras's weights: U (u, 4u), W (F, 4u), b (4u,) or None, columns i f c o; R's are o i f g."""
    u, columns = recurrent_kernel.shape
    terms = [recurrent_kernel, kernel] if bias is None else [recurrent_kernel, kernel, bias[np.newaxis]]
    R = buffer(recurrent_kernel, sum(len(term) for term in terms), columns)
    first = 0
    for term in terms:
        rows = R[first : first + len(term)]
        rows[:, :u] = term[:, 3 * u :]
        rows[:, u : 3 * u] = term[:, : 2 * u]
        rows[:, 3 * u :] = term[:, 2 * u : 3 * u]
        first += len(term)
    if negate_sigmoids:
        np.negative(R[:, : 3 * u], out=R[:, : 3 * u])
    return R


def split(dR: Any, u: int, F: int, negated_sigmoids: bool) -> tuple[Any, Any, Any]:
    """The gradients of W, U and b from that of R."""
    if negated_sigmoids:
        np.negative(dR[:, : 3 * u], out=dR[:, : 3 * u])
    d = buffer(dR, *dR.shape)
    d[:, : 2 * u] = dR[:, u : 3 * u]
    d[:, 2 * u : 3 * u] = dR[:, 3 * u :]
    d[:, 3 * u :] = dR[:, :u]
    return d[u : u + F], d[:u], d[u + F] if len(d) > u + F else None


# A product with Rᵀ laid out anew is faster, if there is more than one column: laying it out takes as long as is saved
# in so many steps, or in so few where it can then be cut into blocks (benchmarks/transposing.py).
WORTH_TRANSPOSING, WORTH_TRANSPOSING_FOR_BLOCKS = 32, 8


def transposed(R: Any) -> Any:
    """Rᵀ, laid out anew: sixteen rows of R at a time, whose numbers fill a line of the cache."""
    copy = buffer(R, *R.shape[::-1])
    for first in range(0, len(R), 16):
        copy[:, first : first + 16] = R[first : first + 16].T
    return copy


class JointProduct:
    """z = Rᵀ s, and its gradients, over T steps of B columns."""

    def __init__(self, R: Any, u: int, F: int, T: int, B: int) -> None:
        self._transposed = R.T
        cut = rows_at_once(4 * u, len(R), B, R) is not None
        steps_worth_it = WORTH_TRANSPOSING_FOR_BLOCKS if cut else WORTH_TRANSPOSING
        if B > 1 and steps_worth_it < T:
            self._transposed = transposed(R)
        self._Rh, self._Rx = R[:u], R[u : u + F]
        self._transposed_blocks, self._Rh_blocks = blocks(self._transposed, B), blocks(self._Rh, B)

    def forward(self, t: int, s: Any, z: Any) -> None:
        """z of step t, (4u, B)."""
        if self._transposed_blocks is None:
            np.matmul(self._transposed, s, out=z)
        else:
            np.matmul(self._transposed_blocks, s, out=z.reshape(*self._transposed_blocks.shape[:2], -1))

    def start_backward(self, steps: int, B: int) -> None:
        """Make room for `steps` steps side by side."""
        self._room = [buffer(self._Rh, size * steps * B) for size in self._transposed.shape]

    def pull_h(self, t: int, dz: Any, dh: Any) -> None:
        """dh of step t, (u, B)."""
        if self._Rh_blocks is None:
            np.matmul(self._Rh, dz, out=dh)
        else:
            np.matmul(self._Rh_blocks, dz, out=dh.reshape(*self._Rh_blocks.shape[:2], -1))

    def pull_x(self, first: int, dZ: Any, dX: Any) -> None:
        """dx of many steps, (steps, F, B), from their dz, (steps, 4u, B)."""
        np.matmul(self._Rx, dZ, out=dX)

    def pull_weights(self, first: int, dZ: Any, S: Any) -> Any:
        """The part of dR that many steps make: Σ s dzᵀ as one product over steps and batch."""
        dz, s = (_side_by_side(blocks, room) for blocks, room in zip((dZ, S), self._room, strict=True))
        return s @ dz.T


class GatewiseProduct:
    """z_k = R_kᵀ (m_k · s) for the gates k = o, i, f, g, each with a dropout mask of its own.

    Args:
        R: (n, 4u).
        M: (steps, 4, n, B), or (1, 4, n, B) for masks that stay.
    """

    def __init__(self, R: Any, M: Any, u: int, F: int) -> None:
        self._u, self._F = u, F
        self._K = transposed(R).reshape(4, u, -1)
        self._M = M
        self._masked = buffer(R, *M.shape[1:])

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
        """The part of dR that many steps make."""
        masked = self._masks(first, len(dZ)) * S[:, np.newaxis]
        gates = dZ.reshape(len(dZ), 4, self._u, -1)
        parts = []
        for k in range(4):
            dz, s = (_side_by_side(b[:, k], room) for b, room in zip((gates, masked), self._room, strict=True))
            parts.append(s @ dz.T)  # (n, u)
        return np.concatenate(parts, axis=1)


def _side_by_side(blocks: Any, room: Any) -> Any:
    """(steps, rows, B) as (rows, steps · B), laid out in `room`."""
    steps, rows, B = blocks.shape
    joined = room[: rows * steps * B]
    joined.reshape(rows, steps, B)[...] = blocks.transpose(1, 0, 2)
    return joined.reshape(rows, steps * B)
