"""An LSTM as the textbook writes it: one step at a time, batch first, nothing shared, nothing in place."""

import numpy as np


def lstm(x, kernel, recurrent_kernel, bias, h0, c0, activation, recurrent_activation, options):
    """Return (y, h, c); `activation` functions return values only."""
    batch, steps, _ = x.shape
    units = recurrent_kernel.shape[0]
    mask = options.get("mask")
    h = np.zeros((batch, units), x.dtype) if h0 is None else h0
    c = np.zeros((batch, units), x.dtype) if c0 is None else c0
    bias = np.zeros(4 * units) if bias is None else bias
    inputs, states = options.get("input_dropout"), options.get("recurrent_dropout")
    output = np.zeros_like(h)
    outputs = []
    order = range(steps - 1, -1, -1) if options.get("go_backwards") else range(steps)
    for n, t in enumerate(order):
        gate = {}
        for k, name in enumerate("ifco"):
            block = slice(k * units, (k + 1) * units)
            x_t = x[:, t] * at(inputs[k % len(inputs)], n) if inputs else x[:, t]
            h_t = h * at(states[k], n) if states else h
            gate[name] = x_t @ kernel[:, block] + h_t @ recurrent_kernel[:, block] + bias[block]
        i, f, o = (recurrent_activation(gate[name]) for name in "ifo")
        new_c = f * c + i * activation(gate["c"])
        new_h = o * activation(new_c)
        counts = np.ones((batch, 1), bool) if mask is None else mask[:, t, np.newaxis]
        output = np.where(counts, new_h, np.zeros_like(h) if options.get("zero_output_for_mask") else output)
        h, c = np.where(counts, new_h, h), np.where(counts, new_c, c)
        outputs.append(output)
    if options.get("output_mask") is not None:
        outputs = [np.where(options["output_mask"][:, n, np.newaxis], y, 0) for n, y in enumerate(outputs)]
    return (np.stack(outputs, 1) if options.get("return_sequences") else outputs[-1]), h, c


def at(mask, t):
    return mask if mask.ndim == 2 else mask[:, t]
