"""Weights files without some objects, under another attribute's name, and of containers that hold themselves."""

import numpy as np
import pytest

import refkeras
from parity_tests.engines import KERAS_3, keras, numpy, tensor
from refkeras import semantics

X = np.ones((1, 3), "float32")
SIDES = {"refkeras": refkeras, "keras": keras}


@pytest.fixture(autouse=True)
def as_keras_3():
    with semantics.use(KERAS_3):
        yield


def stack(k, seed):
    model = k.Sequential([k.Input((3,)), k.layers.Dense(5), k.layers.Dense(5, use_bias=False)])
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


def same(a, b):
    return [np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True)]


@pytest.mark.parametrize("reader", SIDES)
@pytest.mark.parametrize("writer", SIDES)
def test_objects_to_skip(writer, reader, tmp_path):
    """What was left out is left as it is, if it is left out of what is read, too; else it is missed."""
    path, writes, reads = tmp_path / "m.weights.h5", SIDES[writer], SIDES[reader]
    written, read = stack(writes, 1), stack(reads, 2)
    writes.saving.save_weights(written, path, objects_to_skip=[written.layers[0]])
    with pytest.raises(ValueError, match="could not be loaded"):
        read.load_weights(path)
    read = stack(reads, 2)
    read.load_weights(path, objects_to_skip=[read.layers[0]])
    assert same(written, read) == [False, False, True]
    writes.saving.save_weights(written, path)
    read = stack(reads, 2)
    reads.saving.load_weights(read, path, objects_to_skip=[read.layers[1]])
    assert same(written, read) == [True, True, False]


@pytest.mark.parametrize("reader", SIDES)
@pytest.mark.parametrize("writer", SIDES)
@pytest.mark.parametrize("alias", [True, False])
def test_another_name_of_a_layer(alias, writer, reader, tmp_path):
    """A layer that the file knows by the name of a property is found; one that it does not know is missed."""

    def made(k, attribute, more):
        def init(self):
            k.Model.__init__(self)
            setattr(self, attribute, k.layers.Dense(3))

        more = {"__init__": init, "call": lambda self, x: getattr(self, attribute)(x), **more}
        model = type("Named", (k.Model,), more)()
        model(X if k is refkeras else tensor(X))
        return model

    written = made(SIDES[writer], "dense", {})
    read = made(SIDES[reader], "a_dense", {"dense": property(lambda self: self.a_dense)} if alias else {})
    written.save_weights(tmp_path / "m.weights.h5")
    if alias:
        read.load_weights(tmp_path / "m.weights.h5")
        assert same(written, read) == [True, True]
    else:
        with pytest.raises(ValueError, match="could not be loaded"):
            read.load_weights(tmp_path / "m.weights.h5")


@pytest.mark.parametrize("k", SIDES.values(), ids=SIDES)
def test_a_container_that_holds_itself(k, tmp_path):
    class Cyclic(k.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [k.layers.Dense(3)]
            self.blocks.append(self.blocks)

        def call(self, x):
            return self.blocks[0](x)

    x = X if k is refkeras else tensor(X)
    one, two = Cyclic(), Cyclic()
    one(x), two(x)
    one.save_weights(tmp_path / "m.weights.h5")
    two.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(numpy(one(x)), numpy(two(x)))
    assert len(one.weights) == 2


@pytest.mark.parametrize("k", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("registered", ["", None, "Dense", "mine>Dense"])
def test_registered_names_of_keras_s_own(k, registered):
    record = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}, "registered_name": registered}
    if registered == "mine>Dense":
        with pytest.raises(ValueError, match="registered_name"):
            k.saving.deserialize_keras_object(record)
    else:
        assert k.saving.deserialize_keras_object(record).units == 2
