"""Long short-term memory over a sequence, with its pullback.

    i = σ(x W_i + h U_i + b_i)      f = σ(x W_f + h U_f + b_f)
    g = φ(x W_c + h U_c + b_c)      o = σ(x W_o + h U_o + b_o)
    c' = f c + i g                  h' = o φ(c')

with σ the recurrent activation and φ the activation. `lstm_cell` has the step,
`lstm_product` the matrix products; here are the loop over time, masks and states.

Sources: Hochreiter and Schmidhuber 1997, with Gers et al.'s forget gate;
`keras/src/layers/rnn/lstm.py` and `keras/src/backend/tensorflow/rnn.py` (Keras 3.15).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from refkeras.ops.activations import sigmoid, tanh
from refkeras.ops.buffers import buffer
from refkeras.ops.lstm_cell import Activation, AnyCell, SigmoidTanhCell
from refkeras.ops.lstm_product import GatewiseProduct, JointProduct, join, split
from refkeras.ops.vanishing import Lift

__all__ = ["lstm"]

Pullback = Callable[..., tuple[Any, Any, Any, Any, Any, Any]]


def lstm(
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    h0: Any = None,
    c0: Any = None,
    *,
    activation: Activation = tanh,
    recurrent_activation: Activation = sigmoid,
    mask: Any = None,
    output_mask: Any = None,
    zero_output_for_mask: bool = False,
    first_output_is_state: bool = False,
    go_backwards: bool = False,
    input_dropout: Sequence[Any] | None = None,
    recurrent_dropout: Sequence[Any] | None = None,
    return_sequences: bool = False,
    pullback: bool = True,
    input_gradient: bool = True,
    watch: Callable[[Any], None] | None = None,
) -> tuple[tuple[Any, Any, Any], Pullback | None]:
    """Run an LSTM over x, and return (y, h, c) and the pullback.

    A masked step keeps h and c, and its output repeats the output before it
    (zero before the first step that counts, whatever h0 is), or is zero.

    Args:
        x: (B, T, F).
        kernel, recurrent_kernel, bias: W (F, 4u), U (u, 4u), b (4u,) or None; columns i f c o.
        h0, c0: states before the first step, (B, u); zeros by default.
        activation, recurrent_activation: functions of (B, u) that return value and pullback.
        mask: bool, (B, T); False where a step does not count.
        zero_output_for_mask: whether masked steps output zeros.
        first_output_is_state: whether masked steps before the first that counts output h0, not zeros.
        output_mask: bool, (B, T) in the order of processing; where False, y is zero too.
        go_backwards: process the steps from the last to the first; a sequence comes out in that order.
        input_dropout: what x is multiplied by: one array, or four for the gates i f c o; (B, F), or (B, T, F)
            in the order of processing.
        recurrent_dropout: what h is multiplied by, likewise: four arrays, (B, u) or (B, T, u).
        return_sequences: whether y holds all outputs, (B, T, u), or the last one, (B, u).
        pullback: whether a pullback is wanted. If not, nothing is kept but what is returned.
        input_gradient: whether the pullback returns dx (else None).
        watch: is given the gates and states of all steps (a `_Run`, read-only), where a pullback is wanted.

    Raises:
        ValueError: weights that do not fit x or each other.

    Returns:
        `(y, h, c), pullback`. `pullback(dy, dh, dc)` takes gradients of the same shapes, each may be
        None, and returns those of x, kernel, recurrent_kernel, bias, h0 and c0.

    Example:

        >>> import numpy as np
        >>> x, W, U = np.ones((1, 2, 1)), np.full((1, 4), 0.5), np.full((1, 4), 0.25)
        >>> (y, h, c), pullback = lstm(x, W, U)
        >>> print(y, h, c)
        [[0.29014563]] [[0.29014563]] [[0.49556913]]
        >>> dx, dW, dU, db, dh0, dc0 = pullback(np.ones((1, 1)))
        >>> print(dx.round(4).tolist(), dW.round(4).tolist(), db)
        [[[0.1168], [0.218]]] [[0.0987, 0.0334, 0.4237, 0.1138]] None
    """
    (B, F), u = x.shape[::2], recurrent_kernel.shape[0]
    if kernel.shape != (F, 4 * u) or recurrent_kernel.shape != (u, 4 * u):
        raise ValueError(
            f"x has {F} features; kernel {kernel.shape}, recurrent_kernel {recurrent_kernel.shape} do not fit"
        )
    fused = activation is tanh and recurrent_activation is sigmoid
    cell = SigmoidTanhCell(x, u, B) if fused else AnyCell(activation, recurrent_activation, u, keep=pullback)
    R = join(kernel, recurrent_kernel, bias, cell.negates_sigmoids)
    x, x_mask, M = _drop_inputs(x.transpose(1, 2, 0), input_dropout, recurrent_dropout, len(R), u, go_backwards)
    product = JointProduct(R, u, F, len(x), B) if M is None else GatewiseProduct(R, M, u, F)
    hidden, visible = _masked_steps(mask, zero_output_for_mask, go_backwards)
    if first_output_is_state and not zero_output_for_mask:
        visible = None
    if output_mask is not None:
        visible = output_mask.T if visible is None else visible & output_mask.T
    run = _forward(x, len(R), u, cell, product, hidden, h0, c0, keep=pullback, sequence=return_sequences)
    if watch is not None:
        watch(run)

    y = run.y
    if visible is not None:
        visible = visible[:, np.newaxis, :] if return_sequences else visible[-1]
        y = np.where(visible, y, 0)
    value = (y.transpose(2, 0, 1) if return_sequences else y.T, run.h.T, run.c.T)
    if not pullback:
        return value, None

    def pull(dy: Any = None, dh: Any = None, dc: Any = None) -> tuple[Any, Any, Any, Any, Any, Any]:
        if dy is not None:
            dy = dy.transpose(1, 2, 0) if return_sequences else dy.T
            if visible is not None:
                dy = np.where(visible, dy, 0)
        states = None if dh is None else dh.T, None if dc is None else dc.T
        by_output, features = not first_output_is_state, F if input_gradient else 0
        dx, dR, dh0, dc0 = _backward(run, u, cell, product, hidden, by_output, dy, *states, features)
        if input_gradient:
            if x_mask is not None:
                dx *= x_mask
            dx = (dx[::-1] if go_backwards else dx).transpose(2, 0, 1)
        d_kernel, d_recurrent_kernel, d_bias = split(dR, u, F, cell.negates_sigmoids)
        return dx, d_kernel, d_recurrent_kernel, None if bias is None else d_bias, dh0.T, dc0.T

    return value, pull


class _Run(NamedTuple):
    """A finished forward pass: outputs (T, u, B) or (u, B), final states (u, B), and residuals.

    Residuals are those of `_forward`: S (T + 1, n, B), G (T + 1, 5u, B), A (T + 1, u, B).
    """

    y: Any
    h: Any
    c: Any
    S: Any
    G: Any
    A: Any


_RING = 4


def _put_inputs(into: Any, x: Any) -> None:
    """Copy the inputs of some steps, (steps, F, B), whose memory is most often (B, T, F).

    The length of such a row is often a power of two, so that the inputs of all samples fall into one set of the cache,
    where each pushes another out. An odd number of steps to a row spreads them.
    """
    steps, F, B = x.shape
    if B < 16:
        into[...] = x
        return
    rows = buffer(x, B, steps + 1 + steps % 2, F)[:, :steps]
    rows[...] = x.transpose(2, 0, 1)
    into[...] = rows.transpose(1, 2, 0)


def _forward(
    x: Any, n: int, u: int, cell: Any, product: Any, hidden: Any, h0: Any, c0: Any, *, keep: bool, sequence: bool
) -> _Run:
    """Step t reads slot t of the buffers and writes h and c into slot t + 1.

    Without residuals to keep, the slots are a ring of a few.
    """
    T, F, B = x.shape
    slots = T + 1 if keep else _RING
    S = buffer(x, slots, n, B)
    G = buffer(x, slots, 5 * u, B)
    A = buffer(x, slots, u, B)
    S[:, u + F :] = 1
    S[0, :u] = 0 if h0 is None else h0.T
    G[0, 4 * u :] = 0 if c0 is None else c0.T

    H, C = S[:, :u], G[:, 4 * u :]
    H_next, C_next = itertools.chain(H[1:], H[:1]), itertools.chain(C[1:], C[:1])
    gates = G[:, : 4 * u], G[:, : 3 * u], G[:, 3 * u : 4 * u], G[:, u : 3 * u], G[:, 3 * u :], G[:, :u]
    views = zip(S, H_next, C_next, A, *gates, strict=True)
    y = None if keep or not sequence else buffer(x, T, u, B)
    packed = min(slots, max(_RING, 2**16 // (F * B + 1)))  # inputs of so many steps at once: what fits in a cache
    with np.errstate(over="ignore"):  # e^z may overflow to infinity, and the sigmoid is 0 then
        for t, view in enumerate(itertools.islice(views if keep else itertools.cycle(views), T)):
            s, h_next, c_next, act_c, z, oif, g, i_f, g_c, o = view
            if t % packed == 0:
                first = t % slots
                _put_inputs(S[first : first + min(packed, T - t), u : u + F], x[t : t + packed])
            product.forward(t, s, z)
            cell.forward(oif, g, i_f, g_c, o, c_next, act_c, h_next)
            if hidden is not None and hidden[t] is not None:
                np.copyto(h_next, H[t % slots], where=hidden[t])
                np.copyto(c_next, C[t % slots], where=hidden[t])
            if y is not None:
                y[t] = h_next
    h, c = H[T % slots], C[T % slots]
    if y is None:
        y = H[1:] if sequence else h
    return _Run(y, h, c, S, G, A)


def _backward(
    run: _Run, u: int, cell: Any, product: Any, hidden: Any, by_output: bool, dy: Any, dh_T: Any, dc_T: Any, F: int
) -> tuple[Any, Any, Any, Any]:
    """Gradients of x (T, F, B) (none if F is 0), R, h0 and c0, the last two (u, B).

    The steps are taken in stretches, for each of which what needs no gradient
    is done at once before, and the gradients of x and R at once after.

    A masked step repeats an output: the one before it (`by_output`), so that its gradient is added to that one's, and
    both to the state's; or the state, so that the state's comes first. Three numbers that cancel tell the order.
    """
    S, G, A = run.S[:-1], run.G[:-1], run.A[:-1]
    T, _, B = S.shape
    dh, dc, dX = buffer(S, u, B), buffer(S, u, B), buffer(S, T, F, B)
    dh[...] = 0 if dh_T is None else dh_T
    dc[...] = 0 if dc_T is None else dc_T
    if dy is not None and dy.ndim == 2:
        dh += dy
        dy = None
    stretch = _stretch(T, u, B)
    product.start_backward(stretch, B)
    dZ_stretch = buffer(S, stretch, 4 * u, B)
    dR, lift, repeated = None, Lift(dh, dc), None
    for first in range((T - 1) // stretch * stretch, -1, -stretch):
        if dy is None and first + stretch < T:
            lift.raise_()
        now = slice(first, min(first + stretch, T))
        dZ = dZ_stretch[: now.stop - first]
        steps = cell.prepare(first, G[now], A[now], dZ)
        for t in range(now.stop - 1, first - 1, -1):
            masked = hidden is not None and hidden[t] is not None
            if dy is not None:
                dy_t = dy[t] if repeated is None else dy[t] + repeated
                repeated = np.where(hidden[t], dy_t, 0) if masked and by_output else None
                np.add(dh, dy_t if repeated is None else np.where(hidden[t], 0, dy_t), out=dh)
            kept = None
            if masked:
                kept = np.where(hidden[t], dh, 0), np.where(hidden[t], dc, 0)
                np.copyto(dh, 0, where=hidden[t])
                np.copyto(dc, 0, where=hidden[t])
            cell.pull(steps[t - first], dh, dc)
            product.pull_h(t, dZ[t - first], dh)
            if kept is not None:
                dh += kept[0]
                dc += kept[1]
        if F:
            product.pull_x(first, dZ, dX[now])
            lift.lower(dX[now])
        part = lift.lower(product.pull_weights(first, dZ, S[now]))
        dR = part if dR is None else np.add(dR, part, out=dR)
    return (dX if F else None), dR, lift.lower(dh), lift.lower(dc)


def _stretch(T: int, u: int, B: int) -> int:
    """How many steps to take at once: what fits in a cache (2¹⁷ values), but 1024 columns, which products like.

    And no more than 64, after which a gradient may have vanished.
    """
    return min(T, 64, max(2**17 // (4 * u * max(B, 1)), -(-1024 // max(B, 1))))


def _masked_steps(mask: Any, zero_output: bool, go_backwards: bool) -> tuple[Any, Any]:
    """Which samples each step leaves as they are, None where it is none of them, and where outputs show, (T, B)."""
    if mask is None or mask.all():
        return None, None
    counts = mask.T[::-1] if go_backwards else mask.T
    hidden = [None if row.all() else ~row for row in counts]
    return hidden, counts if zero_output else np.logical_or.accumulate(counts)


def _drop_inputs(
    x: Any, input_dropout: Any, recurrent_dropout: Any, n: int, u: int, go_backwards: bool
) -> tuple[Any, Any, Any]:
    """x (T, F, B) in the order of processing, with what it was multiplied by, and masks for `GatewiseProduct`."""
    if go_backwards:
        x = x[::-1]
    F, B = x.shape[1:]
    inputs = [_units_major(m) for m in input_dropout or ()]
    states = [_units_major(m) for m in recurrent_dropout or ()]
    multiplier = inputs[0] if len(inputs) == 1 else None
    if multiplier is not None:
        x = x * multiplier
    if len(inputs) < 4 and not states:
        return x, multiplier, None
    M = buffer(x, max(len(m) for m in (*inputs, *states)), 4, n, B)
    M[...] = 1
    for k, gate in enumerate((3, 0, 1, 2)):  # o i f g
        if states:
            M[:, k, :u] = states[gate]
        if len(inputs) == 4:
            M[:, k, u : u + F] = inputs[gate]
    return x, multiplier, M


def _units_major(mask: Any) -> Any:
    """(B, size) or (B, T, size) as (1, size, B) or (T, size, B)."""
    return mask.T[np.newaxis] if mask.ndim == 2 else mask.transpose(1, 2, 0)
