"""Layers of one's own, drawn, that take and return several tensors: states, vectors, lists, dicts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from parity_tests.engines import ENGINES, KEEPS_PENALTIES, trains
from parity_tests.profiles import examples
from parity_tests.test_own_layers import FEATURES, STEPS, assert_runs_alike, run, sequences
from parity_tests.test_training import widest

pytestmark = trains
#: What a step takes (sequences, vectors) and returns.
KINDS = {
    "dense": (1, 0),
    "masking": (1, 0),
    "add": (2, 0),
    "concatenate": (2, 0),
    "last": (1, 0),
    "states": (1, 0),
    "continued": (1, 2),
    "cell": (0, 3),
    "repeat": (0, 1),
    "dense of vectors": (0, 1),
    "subtract": (0, 2),
}
FORMS = ("one", "tuple", "list", "dict", "nested")


def structured(form, items):
    """The tensors in a structure; one alone where the form says so."""
    if form == "one":
        return items[0]
    if form == "nested":
        return {"z": items[0], "b": tuple(items[1:])}
    if form == "dict":
        return dict(zip("zba", items, strict=False))
    return tuple(items) if form == "tuple" else list(items)


def flat(structure):
    """The tensors of a structure, in the order that they are written in."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return [leaf for part in structure for leaf in flat(part)]
    return [structure]


def layers_for(k, kind):
    """The layers that a step calls."""
    return {
        "dense": lambda: k.layers.Dense(FEATURES, "tanh", activity_regularizer="l2" if KEEPS_PENALTIES else None),
        "masking": k.layers.Masking,
        "add": k.layers.Add,
        "concatenate": lambda: k.Sequential([k.layers.Dense(FEATURES)]),
        "last": lambda: k.layers.LSTM(FEATURES),
        "states": lambda: k.layers.LSTM(FEATURES, return_sequences=True, return_state=True),
        "continued": lambda: k.layers.LSTM(FEATURES, return_sequences=True, go_backwards=True, unroll=True),
        "cell": lambda: k.layers.LSTMCell(FEATURES),
        "repeat": lambda: k.layers.RepeatVector(STEPS),
        "dense of vectors": lambda: k.layers.Dense(FEATURES, kernel_regularizer="l1"),
        "subtract": k.layers.Subtract,
    }[kind]()


def applied(k, step, kind, sequences, vectors):
    """The sequences and the vectors that a step returns."""
    if kind == "concatenate":
        return [step(k.layers.Concatenate()(sequences))], []
    if kind == "states":
        found = step(sequences[0])
        return [found[0]], list(found[1:])
    if kind == "continued":
        return [step(sequences[0], initial_state=vectors)], []
    if kind == "cell":
        output, states = step(vectors[0], vectors[1:])
        return [], [output, states[1]]
    taken = [*sequences, *vectors]
    found = step(taken if len(taken) > 1 else taken[0])
    return ([], [found]) if kind in ("last", "dense of vectors", "subtract") else ([found], [])


@st.composite
def plans(draw, inputs):
    """What a layer's call does, what it returns, and in which form."""
    sequences, vectors, plan = inputs, 0, []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([kind for kind, (_, needed) in KINDS.items() if vectors or not needed]))
        of_sequences, of_vectors = KINDS[kind]
        taken = [draw(st.integers(0, sequences - 1)) for _ in range(of_sequences)]
        plan.append((kind, taken, [draw(st.integers(0, vectors - 1)) for _ in range(of_vectors)]))
        more = {"states": (1, 2), "cell": (0, 2), "last": (0, 1), "dense of vectors": (0, 1), "subtract": (0, 1)}
        sequences, vectors = (n + m for n, m in zip((sequences, vectors), more.get(kind, (1, 0)), strict=True))
    form = draw(st.sampled_from(FORMS))
    count = 1 if form == "one" else draw(st.integers(2, 3))
    which = [draw(st.integers(0, sequences + vectors - 1)) for _ in range(count)]
    return {"plan": plan, "form": form, "which": which}


def own_layer(k, drawn):
    """The class of a layer that does what was drawn."""
    plan, form, which = drawn["does"]["plan"], drawn["does"]["form"], drawn["does"]["which"]

    class Own(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = drawn["supports"]
            if drawn["where"] == "init":
                self.make()

        def make(self):
            self.steps = [layers_for(k, kind) for kind, _, _ in plan]
            if drawn["frozen"]:
                self.steps[-1].trainable = False

        def build(self, *shapes):
            if drawn["where"] == "build":
                self.make()
            self.extra = self.add_weight(
                shape=(2,), initializer="ones", regularizer="l2", name="extra", trainable=drawn["extra"]
            )

        def call(self, x, y=None):
            sequences, vectors = flat(x) + ([] if y is None else [y]), []
            for step, (kind, i, j) in zip(self.steps, plan, strict=True):
                more = applied(k, step, kind, [sequences[n] for n in i], [vectors[n] for n in j])
                sequences, vectors = sequences + more[0], vectors + more[1]
            found = [*sequences, *vectors]
            return structured(form, [found[i] for i in which])

    if not drawn["masks"]:
        Own.compute_mask = lambda self, inputs, mask=None: None
    return Own


def made(k, drawn):
    """The model, compiled: each tensor that the layer returns has a head of its own."""
    own = own_layer(k, drawn)()
    inputs = [k.Input((STEPS, FEATURES), name=f"in_{i}") for i in range(drawn["inputs"])]
    given = [k.layers.Masking()(x) if drawn["masked"] else x for x in inputs]
    results = [own(*arguments(drawn, given))]
    if drawn["twice"]:
        results.append(own(*arguments(drawn, given[::-1])))
    tensors = flat(results)
    heads = [k.layers.Dense(FEATURES, name=f"head_{i}")(tensor) for i, tensor in enumerate(tensors)]
    model = k.Model(inputs, heads if len(heads) > 1 else heads[0])
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"] if len(heads) == 1 else None)
    return model


def arguments(drawn, tensors):
    """How the layer is given its inputs."""
    if drawn["takes"] == "arguments":
        return tensors
    return [structured(drawn["takes"], tensors)]


@examples(8)
@given(data=st.data())
def test_any_structure(data):
    name = data.draw(st.sampled_from(sorted(ENGINES)))
    inputs = data.draw(st.sampled_from([1, 1, 2]))
    drawn = {
        "inputs": inputs,
        "takes": data.draw(st.sampled_from(["arguments", "list", "dict"])),
        "does": data.draw(plans(inputs)),
        "where": data.draw(st.sampled_from(["init", "build"])),
        "supports": data.draw(st.booleans()),
        "masked": data.draw(st.booleans()),
        "masks": data.draw(st.sampled_from([True, True, False])),
        "frozen": data.draw(st.booleans()),
        "extra": data.draw(st.booleans()),
        "twice": data.draw(st.booleans()),
        "seed": data.draw(st.integers(0, 2**20)),
        "make": made,
    }
    random = np.random.default_rng(drawn["seed"])
    x = sequences(random, inputs)
    with widest(name) as (ours, theirs), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = [tuple(output.shape[1:]) for output in made(ours, drawn).outputs]
        y = [random.normal(size=(3, *shape)) for shape in shapes]
        y = y if len(y) > 1 else y[0]
        try:
            theirs_did = run(theirs, drawn, x, y)
        except Exception:  # a mask of steps beside a vector: each backend has its own error
            with pytest.raises(Exception):  # noqa: B017
                run(ours, drawn, x, y)
            event("refused")
            return
        assert_runs_alike(ours, drawn, x, y, *theirs_did)
