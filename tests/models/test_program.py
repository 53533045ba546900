"""A chain of layers takes a shorter way through the graph, with the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from refkeras import layers


def _layer(kind, number):
    return {
        "dense": lambda: layers.Dense(2 + number, name=f"dense_{number}"),
        "softmax": lambda: layers.Dense(2 + number, activation="softmax", name=f"softmax_{number}"),
        "sigmoid": lambda: layers.Dense(2 + number, activation="sigmoid", name=f"sigmoid_{number}"),
        "activation": lambda: layers.Activation("tanh", name=f"tanh_{number}"),
        "identity": lambda: layers.Dropout(0.0, name=f"dropout_{number}"),
        "frozen": lambda: layers.Dense(2 + number, trainable=False, name=f"frozen_{number}"),
    }[kind]()


@given(
    st.lists(
        st.sampled_from(["dense", "softmax", "sigmoid", "activation", "identity", "frozen"]), min_size=1, max_size=5
    ),
    st.sampled_from(["none", "weights", "all"]),
    st.booleans(),
)
def test_a_chain_and_its_graph_agree_to_the_bit(kinds, gradient, on_logits):
    random = np.random.default_rng(0)
    model = refkeras.Sequential([refkeras.Input((3,)), *(_layer(kind, i) for i, kind in enumerate(kinds))])
    program = model._program
    assert program._chain
    for variable in model.weights:
        variable.assign(random.normal(size=variable.shape))
    x = random.normal(size=(4, 3)).astype("float32")
    runs = []
    for program._chain in (True, False):
        run = program.run([x], training=True, gradient=gradient)
        z = run.logits[0]
        d = [random.normal(size=run.outputs[0].shape).astype("float32") if not runs else runs[0][1]]
        arriving = ([None], d) if on_logits and z is not None else (d, None)
        runs.append((run, d[0], None if gradient == "none" else run.pullback(*arriving)))
    (chain, _, back), (graph, _, graph_back) = runs
    np.testing.assert_array_equal(chain.outputs[0], graph.outputs[0])
    assert (chain.logits[0] is None) == (graph.logits[0] is None)
    if back is not None:
        (d_x,), d_weights = back
        (graph_d_x,), graph_d_weights = graph_back
        assert (d_x is None) == (graph_d_x is None) and d_weights.keys() == graph_d_weights.keys()
        if d_x is not None:
            np.testing.assert_array_equal(d_x, graph_d_x)
        for key, value in d_weights.items():
            np.testing.assert_array_equal(value, graph_d_weights[key])


@pytest.mark.parametrize("make", [lambda: layers.Dense(2, activity_regularizer="l2"), layers.Masking])
def test_what_adds_penalties_or_masks_makes_no_chain(make):
    inputs = refkeras.Input((4, 3))
    assert not refkeras.Model(inputs, make()(inputs))._program._chain


def test_a_branch_makes_no_chain():
    inputs = refkeras.Input((3,))
    hidden = layers.Dense(2)(inputs)
    assert not refkeras.Model(inputs, layers.Add()([hidden, hidden]))._program._chain
    assert not refkeras.Model(inputs, [hidden, layers.Dense(2)(hidden)])._program._chain
