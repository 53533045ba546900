"""Models that begin in the midst of another, at the output of a layer, beside Keras 3 and tf_keras."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import ENGINES, forget_names, numpy, tensor
from parity_tests.layer_sides import outcome
from parity_tests.shows import shows
from parity_tests.test_models import listed, plain
from refkeras import precision, semantics


def tensors_of(k, plan):
    """The symbolic tensors of a graph: an Input, and for each width a Dense layer of the sum of some before it."""
    forget_names(k)
    found = [k.Input((3,), name="x")]
    for number, sources in enumerate(plan):
        chosen = [found[i] for i in sources]
        joined = chosen[0] if len(chosen) == 1 else k.layers.Add(name=f"sum_{number}")(chosen)
        found.append(k.layers.Dense(3, activation="tanh", name=f"dense_{number}")(joined))
    return found


@st.composite
def cuts(draw, plan):
    """Where a cut begins and ends: mostly such that what it begins with is what its ends need."""
    ends = draw(st.lists(st.integers(1, len(plan)), min_size=1, max_size=3, unique=True))
    begins = {source for end in ends for source in plan[end - 1]}
    for number in range(len(plan), 0, -1):
        if number in begins and draw(st.booleans()):
            begins = (begins - {number}) | set(plan[number - 1])
    others = st.sets(st.integers(0, len(plan)), min_size=1, max_size=3)
    change = draw(st.sampled_from(["none", "none", "none", "more", "others"]))
    begins = begins | draw(others) if change == "more" else draw(others) if change == "others" else begins
    return draw(st.permutations(sorted(begins))), ends


@given(data=st.data())
def test_any_cut(data):
    """Which layers it has, what its record says and what it computes, or that the cut leaves something out."""
    engine = data.draw(st.sampled_from(sorted(ENGINES)))
    plan = []
    for number in range(data.draw(st.integers(1, 5))):
        plan.append(data.draw(st.lists(st.integers(0, number), min_size=1, max_size=3, unique=True)))
    begins, ends = data.draw(cuts(plan))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))

    def cut(k):
        found = tensors_of(k, plan)
        try:
            return k.Model([found[i] for i in begins], [found[i] for i in ends], name="part")
        except ValueError:
            return None

    with semantics.use(engine):
        ours, theirs = cut(refkeras), cut(ENGINES[engine])
        assert (ours is None) == (theirs is None)
        if ours is None:
            return
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
        assert [len(layer._inbound_nodes) for layer in ours.layers if layer.weights] == [
            len(layer._inbound_nodes) for layer in theirs.layers if layer.weights
        ]
        assert plain(ours.get_config()) == plain(theirs.get_config())
        weights = [random.normal(size=w.shape).astype("float32") for w in theirs.get_weights()]
        ours.set_weights(weights)
        theirs.set_weights(weights)
        x = [random.normal(size=(2, 3)).astype("float32") for _ in begins]
        bars, real = precision.evaluate(ours, x), listed(theirs([tensor(v) for v in x]))
        for bar, value in zip(listed(bars), real, strict=True):
            assert_agrees(bar, value)


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_is_saved_and_trained(engine, extension, tmp_path):
    """Its file is read by the engine; its training moves the layers that it shares with the whole."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)).astype("float32"), random.normal(size=(8, 3)).astype("float32")
    with semantics.use(engine):
        found = tensors_of(refkeras, [[0], [1], [2]])
        whole = refkeras.Model(found[0], found[3])
        part = refkeras.Model(found[1], found[3], name="part")
        part.save(tmp_path / f"part{extension}")
        again = ENGINES[engine].models.load_model(tmp_path / f"part{extension}", compile=False)
        assert_agrees(precision.evaluate(part, x), again(tensor(x)))
        before = [np.array(w) for w in whole.get_weights()]
        part.compile("sgd", "mse")
        part.fit(x, y, verbose=0)
        moved = [not np.array_equal(a, b) for a, b in zip(before, whole.get_weights(), strict=True)]
        assert moved == [False, False, True, True, True, True]
        assert found[1]._keras_history.operation.output is found[1]


@shows("sliced_inputs_are_named")
def test_names_of_the_inputs():
    names = {}
    for name, engine in ENGINES.items():
        with semantics.use(name):
            parts = []
            for k in (refkeras, engine):
                found = tensors_of(k, [[0], [1]])
                parts.append(k.Model(found[1], found[2]).layers[0].name)
        assert parts[0] == parts[1]
        names[name] = parts[0]
    assert len(set(names.values())) == len(ENGINES)


def masked(k):
    x = k.Input((5, 3), name="x")
    mask = k.layers.Masking(name="mask")(x)
    dense = k.layers.Dense(3, name="dense")(mask)
    return x, mask, dense, k.layers.LSTM(2, name="memory")(dense)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("begin", [0, 1, 2])
def test_a_mask_from_before_the_cut(engine, begin):
    """Keras 3 has the mask in the graph, and finds no way to it; tf_keras goes on without."""
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    x[0, 2:] = 0
    with semantics.use(engine):
        results = []
        for k in (refkeras, ENGINES[engine]):
            forget_names(k)
            found = masked(k)
            try:
                model = k.Model(found[begin], found[3])
            except ValueError:
                results.append(None)
                continue
            model.set_weights([np.full(w.shape, 0.25, "float32") for w in model.get_weights()])
            results.append((model, [layer.name for layer in model.layers]))
        assert (results[0] is None) == (results[1] is None) == (begin > 0 and engine != "tf_keras")
        if results[0] is not None:
            assert_agrees(precision.evaluate(results[0][0], x), results[1][0](tensor(x)))
            theirs = [name for name in results[1][1] if not name.startswith(("not_equal", "any"))]
            assert results[0][1] == theirs


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_one_layer_called_before_and_after_the_cut(engine):
    """A shared layer's later call is among those between; Keras 3 takes it for the new Input, and fails."""
    with semantics.use(engine):
        values = []
        for k in (refkeras, ENGINES[engine]):
            forget_names(k)
            x, shared = k.Input((3,)), k.layers.Dense(3, name="shared", kernel_initializer="ones")
            y = shared(x)
            between = k.layers.Dense(3, name="between", kernel_initializer="ones")(y)
            z = shared(between)
            values.append(outcome(lambda k=k, y=y, z=z: numpy(k.Model(y, z)(tensor(ONES))).tolist()))
    assert values[0] == values[1]
    assert (values[0] is ValueError) == (engine != "tf_keras")


ONES = np.ones((1, 3), "float32")
