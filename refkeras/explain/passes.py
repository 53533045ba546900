"""`forward`: every intermediate of a forward pass, by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from refkeras import tree
from refkeras.explain.tables import Column, Table
from refkeras.layers import LSTM, Activation, Dense
from refkeras.layers.input_layer import InputLayer
from refkeras.ops.dense import dense
from refkeras.ops.lstm import lstm
from refkeras.tensor import unwrap
from refkeras.training import data
from refkeras.training.preserving import preserved

__all__ = ["Call", "Forward", "forward", "lstm_traces", "watching"]


class Call(NamedTuple):
    """One call of a layer: what went in, what came out, and the weights, masks and states of that moment."""

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Any]
    weights: list[Any]
    dropped: Any
    states: Any


class Intermediate(NamedTuple):
    """One array of a pass: its name, what it is, and its values."""

    name: str
    what: str
    value: Any


class Forward(Mapping[str, Any]):
    """The intermediates of a pass, by name, in the order in which they were computed.

    A layer's output is `layer` (`layer[0]`, `layer[1]` where there are several; `layer@2` for its second call). A
    `Dense` with an activation has `layer.z`, what the activation was given. An `LSTM` has its gates and states at
    each step, (batch, steps, units), in the order in which it takes the steps: `layer.i`, `layer.f`, `layer.g`
    (which Keras calls c), `layer.o`, `layer.c` and `layer.h`; and what dropout multiplied its inputs by, if
    anything.
    """

    def __init__(self, intermediates: list[Intermediate]) -> None:
        self.intermediates = intermediates
        self._by_name = {item.name: item.value for item in intermediates}

    def __getitem__(self, name: str) -> Any:
        if name not in self._by_name:
            raise KeyError(f"{name!r}; there are {', '.join(self._by_name)}")
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def table(self) -> Table:
        """The intermediates as a table: name, meaning, shape, and their numbers or what these range over."""
        rows = [(item.name, item.what, np.shape(item.value), item.value) for item in self.intermediates]
        return Table("forward pass", [Column("name"), Column("what"), Column("shape"), Column("values")], rows)

    def __str__(self) -> str:
        return str(self.table)

    def __rich__(self) -> Any:
        return self.table.__rich__()

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def to_dict(self) -> dict[str, Any]:
        """Return `{name: nested lists}`."""
        return {name: np.asarray(value).tolist() for name, value in self.items()}


def forward(model: Any, x: Any, *, training: bool = False) -> Forward:
    """Return every intermediate of a forward pass by its name; the model is left as it was.

    Args:
        model: a model; one that is not built yet is built, as `predict` would build it.
        x: a batch of inputs.
        training: whether dropout is active; the masks are those that the model's next training step would draw.

    Raises:
        ValueError: `x` does not fit the model.

    >>> import numpy as np, refkeras as keras
    >>> keras.utils.set_random_seed(7)
    >>> model = keras.Sequential([keras.Input((3, 2), name="given"), keras.layers.LSTM(4, name="lstm"),
    ...                           keras.layers.Dense(2, activation="softmax", name="dense")])
    >>> found = forward(model, np.ones((1, 3, 2), "float32"))
    >>> list(found)
    ['given', 'lstm.i', 'lstm.f', 'lstm.g', 'lstm.o', 'lstm.c', 'lstm.h', 'lstm', 'dense.z', 'dense']
    >>> found["lstm.i"].shape, bool((found["lstm.h"][:, -1] == found["lstm"]).all())
    ((1, 3, 4), True)
    """
    xs, _, _, _, structures = data.single_batch(x, None, None, None)
    inputs = model._input_binder(structures[0])(xs)
    with preserved(model), watching(model) as calls:
        model._run(inputs, training=training, gradient="none")
    return Forward(named(model, inputs, calls))


def lstm_traces(model: Any, inputs: Any, rows: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the gates and states of every LSTM for the first rows: `(name, {"i": (rows, steps, units), ...})`.

    Args:
        model: the model.
        inputs: a batch, as the model's own graph takes it.
        rows: how many of its rows are wanted.
    """
    with preserved(model), watching(model) as calls:
        model._run(inputs, training=False, gradient="none")
    found, seen = [], _Names()
    for call in calls:
        name = seen(call.layer)
        if isinstance(call.layer, LSTM):
            found.append((name, {key: value[:rows] for key, _, value in gates(call) if key in _GATES}))
    return found


# -- watching -------------------------------------------------------------------------------------


@contextlib.contextmanager
def watching(model: Any) -> Iterator[list[Call]]:
    """Collect the calls of all layers in the model, in the order in which they return."""
    calls: list[Call] = []
    watched: list[tuple[Any, str]] = []
    for layer in dict.fromkeys(model._flatten_layers()):
        if layer is model or isinstance(layer, InputLayer):
            continue
        from refkeras.layers import eager

        method = "forward" if eager.defines_forward(type(layer)) else "call"
        _watch(layer, method, calls)
        watched.append((layer, method))
        if isinstance(layer, LSTM):
            _keep_masks(layer)
            watched.append((layer, "_dropout_masks"))
    try:
        yield calls
    finally:
        for layer, method in watched:
            vars(layer).pop(method, None)
            vars(layer).pop("_masks_drawn", None)


def _watch(layer: Any, method: str, calls: list[Call]) -> None:
    inner = getattr(layer, method)

    def watched(*args: Any, **kwargs: Any) -> Any:
        weights = [None if w is None else w.copy() for w in _weights(layer)]
        states = [s.value.copy() for s in layer.states] if getattr(layer, "stateful", False) and layer.states else None
        result = inner(*args, **kwargs)
        outputs = result[0] if method == "forward" else result
        flat = [np.array(unwrap(leaf)[0]) for leaf in tree.flatten(outputs)]
        arrays = tree.map_structure(_copied, args)
        dropped = vars(layer).pop("_masks_drawn", None)
        calls.append(Call(layer, tuple(arrays), kwargs, flat, weights, dropped, states))
        return result

    vars(layer)[method] = watched  # not through __setattr__, which keeps track of layers and weights


def _weights(layer: Any) -> tuple[Any, ...]:
    if isinstance(layer, LSTM):
        return layer.cell._weights()
    if type(layer) is Dense:
        return layer.kernel.value, None if layer.bias is None else layer.bias.value
    return ()


def _copied(value: Any) -> Any:
    return np.array(unwrap(value)[0]) if isinstance(value, np.ndarray) else value


def _keep_masks(layer: LSTM) -> None:
    inner = layer._dropout_masks

    def drawing(sequences: Any, training: bool) -> Any:
        vars(layer)["_masks_drawn"] = masks = inner(sequences, training)
        return masks

    vars(layer)["_dropout_masks"] = drawing


# -- naming ---------------------------------------------------------------------------------------


class _Names:
    """Names calls: `layer`, then `layer@2`, ..."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def __call__(self, layer: Any) -> str:
        count = self._counts[id(layer)] = self._counts.get(id(layer), 0) + 1
        return layer.name if count == 1 else f"{layer.name}@{count}"


def named(model: Any, inputs: list[Any], calls: list[Call]) -> list[Intermediate]:
    """Return the intermediates of the calls, inputs first."""
    symbolic = getattr(model, "inputs", None) or []
    found = []
    for i, value in enumerate(inputs):
        name = symbolic[i]._keras_history.operation.name if i < len(symbolic) else f"input[{i}]"
        found.append(Intermediate(name, "input", np.array(value)))
    names = _Names()
    for call in calls:
        name = names(call.layer)
        found += [Intermediate(f"{name}.{key}", what, value) for key, what, value in _inside(call)]
        what = f"output of {type(call.layer).__name__}"
        several = len(call.outputs) > 1
        for i, value in enumerate(call.outputs):
            found.append(Intermediate(f"{name}[{i}]" if several else name, what, value))
    return found


def _inside(call: Call) -> Iterator[Intermediate]:
    layer = call.layer
    if isinstance(layer, LSTM):
        yield from gates(call)
    elif type(layer) is Dense and layer.activation.__name__ != "linear":
        kernel, bias = call.weights
        z, _ = dense(call.args[0].astype(kernel.dtype, copy=False), kernel, bias, False)
        yield Intermediate("z", f"x·kernel + bias, what {layer.activation.__name__} is given", z)
    elif type(layer) is Activation:
        yield Intermediate("z", f"what {layer.activation.__name__} is given", call.args[0])


_GATES = {
    "i": "input gate, σ(x W_i + h U_i + b_i)",
    "f": "forget gate, σ(x W_f + h U_f + b_f)",
    "g": "candidate, φ(x W_c + h U_c + b_c); Keras's c gate",
    "o": "output gate, σ(x W_o + h U_o + b_o)",
    "c": "cell state, f c + i g",
    "h": "output, o φ(c)",
}


def gates(call: Call) -> Iterator[Intermediate]:
    """Yield the gates and states of an LSTM's call at each step, (batch, steps, units)."""
    cell = call.layer.cell
    arguments = _lstm_arguments(call)
    kept: list[Any] = []
    lstm(*arguments.pop("arrays"), **arguments, return_sequences=True, pullback=True, watch=kept.append)
    S, G = kept[0].S, kept[0].G
    u = cell.units
    rows = {"o": G[:-1, :u], "i": G[:-1, u : 2 * u], "f": G[:-1, 2 * u : 3 * u], "g": G[:-1, 3 * u : 4 * u]}
    rows |= {"c": G[1:, 4 * u :], "h": S[1:, :u]}
    for key, what in _GATES.items():
        yield Intermediate(key, what, np.ascontiguousarray(rows[key].transpose(2, 0, 1)))
    if call.dropped is not None:
        for key, masks in (("input_dropout", call.dropped.inputs), ("recurrent_dropout", call.dropped.recurrent)):
            for gate, mask in zip(("", *"fco") if masks and len(masks) == 1 else "ifco", masks or (), strict=False):
                name = f"{key}.{gate}" if gate else key
                yield Intermediate(name, "what dropout multiplies by", np.array(mask))


def _lstm_arguments(call: Call) -> dict[str, Any]:
    """Return what `LSTM.forward` hands to `ops.lstm` for this call."""
    layer, cell = call.layer, call.layer.cell
    x = call.args[0].astype(cell.compute_dtype, copy=False)
    given = call.args[1] if len(call.args) > 1 else call.kwargs.get("initial_state")
    mask = call.kwargs.get("mask")
    states = layer._initial_state(given, len(x)) if call.states is None else _stateful(call, given)
    masks = call.dropped
    return {
        "arrays": (x, *call.weights, *states),
        "activation": cell._activation_forward,
        "recurrent_activation": cell._recurrent_activation_forward,
        "mask": layer._checked_mask(mask, *x.shape[:2]),
        "go_backwards": layer.go_backwards,
        "input_dropout": None if masks is None else masks.inputs,
        "recurrent_dropout": None if masks is None else masks.recurrent,
    }


def _stateful(call: Call, given: Any) -> list[Any]:
    """Return the states that a stateful LSTM started from."""
    layer = call.layer
    later = [state.value.copy() for state in layer.states]
    try:
        for state, value in zip(layer.states, call.states, strict=True):
            state.assign(value)
        return layer._initial_state(given, len(call.args[0]))
    finally:
        for state, value in zip(layer.states, later, strict=True):
            state.assign(value)
