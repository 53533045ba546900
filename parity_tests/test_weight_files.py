"""Files of weights of layers of one's own, drawn: what each side has saved, the other loads."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import ENGINES
from parity_tests.profiles import examples
from parity_tests.test_weight_order import made, nodes
from refkeras import semantics


def model_of(k, node):
    """A model with the layer that was drawn in it, and a Dense of its own; each weight has a size of its own."""
    k.backend.clear_session()  # names are counted from the start
    x = k.Input((3,), name="x")
    sizes = itertools.count(5)
    model = k.Model(x, k.layers.Dense(4, name="dense")(made(k, node, sizes)(x)))
    model(np.zeros((1, 3), "float32"))
    return model


def of_layers(node):
    """The node without metrics and variables made alone, which files have in places of their own."""
    if isinstance(node, str):
        return "weight" if node in ("metric", "metrics", "variables") else node
    if "kept" in node:
        return node | {"inside": [of_layers(each) for each in node["inside"]]}
    return node | {"items": [of_layers(item) for item in node["items"]]}


def fill(model, seed):
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=w.shape).astype("float32") for w in model.get_weights()])


def names(path):
    """The names of the arrays in a file."""
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def outcome(run):
    """What a function returns, or the type of what it raises."""
    try:
        return run()
    except Exception as error:
        return type(error)


@examples(30)
@given(data=st.data())
def test_any_file(data):
    """What no attribute has any more is in no file."""
    engine = data.draw(st.sampled_from(sorted(ENGINES)))
    node = of_layers(data.draw(nodes(2)))
    suffix = data.draw(st.sampled_from([".weights.h5", ".h5"] if engine == "tf_keras" else [".weights.h5"]))
    found = []
    with tempfile.TemporaryDirectory() as folder, semantics.use(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [model_of(k, node) for k in (refkeras, ENGINES[engine])]
        for number, writer in enumerate(models):
            path = str(Path(folder) / f"{number}{suffix}")
            fill(writer, seed=1)
            written = outcome(lambda: writer.save_weights(path) or names(path))  # noqa: B023
            for reader in models:
                fill(reader, seed=2)
                read = outcome(lambda: reader.load_weights(path))  # noqa: B023
                found.append([written, isinstance(read, type), *(w.tolist() for w in reader.get_weights())])
    assert found[0] == found[1] == found[2] == found[3]
