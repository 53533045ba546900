"""What happens inside one LSTM step, between the matrix products.

A step's values lie in one block of rows: a row is a unit, a column a sample of
the batch. Keras's weights keep the gates in the order i f c o; here they are

    rows   0 … u   u … 2u   2u … 3u   3u … 4u   4u … 5u
    value  o       i        f         g         c_{t−1}

(g is what Keras calls the c gate), so that the sigmoids, and the products i g
and f c, and the gradients of i, f and g are each one NumPy call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from refkeras.ops.buffers import buffer

__all__ = ["AnyCell", "SigmoidTanhCell"]

Activation = Callable[[Any], tuple[Any, Callable[[Any], Any]]]


class SigmoidTanhCell:
    """o, i, f = sigmoid(z), g = tanh(z), c' = f c + i g, h' = o tanh(c'): all in place.

    The rows of z for o, i and f come in negated, so that the sigmoid is 1 / (1 + e^z).
    """

    negates_sigmoids = True

    def __init__(self, like: Any, u: int, B: int) -> None:
        self._one = np.ones_like(like, shape=())
        self._products = buffer(like, 2 * u, B)
        self._ig, self._fc = self._products[:u], self._products[u:]

    def forward(self, oif: Any, g: Any, i_f: Any, g_c: Any, o: Any, c_next: Any, tanh_c: Any, h_next: Any) -> None:
        """Turn z into gates where it stands, and write c', tanh(c') and h'."""
        np.exp(oif, out=oif)
        np.add(oif, self._one, out=oif)
        np.divide(self._one, oif, out=oif)
        np.tanh(g, out=g)
        np.multiply(i_f, g_c, out=self._products)
        np.add(self._ig, self._fc, out=c_next)
        np.tanh(c_next, out=tanh_c)
        np.multiply(o, tanh_c, out=h_next)

    def prepare(self, first: int, G: Any, A: Any, dZ: Any) -> list[Any]:
        """Do for many steps at once what needs no gradient: fill dZ with each gate's factor.

            dz_o = dh · tanh(c') o (1 − o)      dz_f = dc' · c f (1 − f)
            dz_i = dc' · g i (1 − i)            dz_g = dc' · i (1 − g²)
            dc' += dh · o (1 − tanh²(c'))       dc = dc' · f

        Args:
            first: number of the first step.
            G: gates and c of the steps, (steps, 5u, B).
            A: tanh(c') of the steps, (steps, u, B).
            dZ: buffer, (steps, 4u, B).

        Returns:
            One entry per step, for `pull`.
        """
        steps, u, B = A.shape
        oif, dz_oif = G[:, : 3 * u], dZ[:, : 3 * u]
        np.multiply(oif, oif, out=dz_oif)
        np.subtract(dz_oif, oif, out=dz_oif)  # −σ', as z is −(…) there
        g, dz_g = G[:, 3 * u : 4 * u], dZ[:, 3 * u :]
        np.multiply(g, g, out=dz_g)
        np.subtract(self._one, dz_g, out=dz_g)
        dZ[:, :u] *= A
        dZ[:, u : 3 * u] *= G[:, 3 * u :]
        dz_g *= G[:, u : 2 * u]
        dc_dh = np.multiply(A, A, out=buffer(A, *A.shape))
        np.subtract(self._one, dc_dh, out=dc_dh)
        dc_dh *= G[:, :u]
        return list(zip(dZ[:, :u], dZ[:, u:].reshape(steps, 3, u, B), dc_dh, G[:, 2 * u : 3 * u], strict=True))

    def pull(self, step: Any, dh: Any, dc: Any) -> None:
        """Finish the step's dz from the gradients of h' and c', and turn dc' into dc."""
        dz_o, dz_ifg, dc_dh, f = step
        np.multiply(dh, dc_dh, out=dc_dh)
        np.add(dc, dc_dh, out=dc)
        np.multiply(dz_o, dh, out=dz_o)
        np.multiply(dz_ifg, dc, out=dz_ifg)
        np.multiply(dc, f, out=dc)


class AnyCell:
    """The same step with any activations, given as functions `x -> (y, pullback)` of arrays (B, u)."""

    negates_sigmoids = False

    def __init__(self, activation: Activation, recurrent_activation: Activation, u: int, keep: bool) -> None:
        self._activation = activation
        self._recurrent_activation = recurrent_activation
        self._u = u
        self._pullbacks: list[Any] | None = [] if keep else None

    def forward(self, oif: Any, g: Any, i_f: Any, g_c: Any, o: Any, c_next: Any, act_c: Any, h_next: Any) -> None:
        """Turn z into gates where it stands, and write c', activation(c') and h'."""
        u = self._u
        i, f, c = i_f[:u], i_f[u:], g_c[u:]
        pulls = [_replace(gate, gate, self._recurrent_activation) for gate in (o, i, f)]
        pulls.append(_replace(g, g, self._activation))
        np.add(f * c, i * g, out=c_next)
        pulls.append(_replace(c_next, act_c, self._activation))
        np.multiply(o, act_c, out=h_next)
        if self._pullbacks is not None:
            self._pullbacks.append(pulls)

    def prepare(self, first: int, G: Any, A: Any, dZ: Any) -> list[Any]:
        """Return one entry per step, for `pull`; arguments as in `SigmoidTanhCell`."""
        assert self._pullbacks is not None
        return [(self._pullbacks[first + k], *views) for k, views in enumerate(zip(G, A, dZ, strict=True))]

    def pull(self, step: Any, dh: Any, dc: Any) -> None:
        """Write the step's dz from the gradients of h' and c', and turn dc' into dc."""
        (pull_o, pull_i, pull_f, pull_g, pull_c), gates, act_c, dz = step
        o, i, f, g, c = (gates[k * self._u : (k + 1) * self._u] for k in range(5))
        dz_o, dz_i, dz_f, dz_g = (dz[k * self._u : (k + 1) * self._u] for k in range(4))
        dc += pull_c((dh * o).T).T
        dz_o[...] = pull_o((dh * act_c).T).T
        dz_i[...] = pull_i((dc * g).T).T
        dz_f[...] = pull_f((dc * c).T).T
        dz_g[...] = pull_g((dc * i).T).T
        dc *= f


def _replace(z: Any, out: Any, activation: Activation) -> Callable[[Any], Any]:
    """Write activation(z) into `out`, and return its pullback."""
    value, pullback = activation(z.T.copy())  # a copy: the pullback may keep it, and z is overwritten
    out[...] = value.T
    return pullback
