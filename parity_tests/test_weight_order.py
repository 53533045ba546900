"""The order of weights and variables: a layer's own, those of the layers inside, frozen ones, states of seeds."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import refkeras
from parity_tests.engines import ENGINES, tf
from parity_tests.profiles import examples
from parity_tests.shows import shows
from refkeras import semantics

NAMES = ("weights", "trainable_weights", "non_trainable_weights")
NAMES += ("variables", "trainable_variables", "non_trainable_variables")
ITEMS = st.sampled_from(["weight", "fixed", "late", "late fixed", "dropout", "metric", "metrics", "variables"])
#: How a layer keeps others: in an attribute, in a container, or added to a container that it has from the start; and
#: whether they are replaced or taken out again.
IN_ATTRIBUTES = (
    "attribute",
    "list",
    "tuple",
    "dict",
    "list of lists",
    "replaced",
    "replaced by none",
    "deleted",
    "set",
)
ADDED = ("appended", "extended", "added", "inserted", "entered", "updated")
TAKEN_OUT = ("set item", "popped", "removed", "deleted item", "cleared", "popped key")
KEPT = (*IN_ATTRIBUTES, *ADDED, *TAKEN_OUT)


def nodes(depth):
    """What a layer has, in the order that it is made in: weights, and layers inside."""
    items = ITEMS
    if depth:
        inside = st.lists(nodes(depth - 1), min_size=1, max_size=2)
        kept = st.fixed_dictionaries({"kept": st.sampled_from(KEPT), "inside": inside})
        items = st.one_of(ITEMS, kept, kept)
    return st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["layer", "layer", "layer", "own model", "functional", "sequential"]),
            "items": st.lists(items, min_size=1, max_size=3),
            "frozen": st.sampled_from([False, False, True]),
        }
    )


def variable(k, size, trainable):
    """A variable that is made by itself."""
    if k.__name__ == "tf_keras":
        return tf.Variable(np.zeros(size, "float32"), trainable=trainable)
    return k.Variable(np.zeros(size, "float32"), trainable=trainable)


class Calls:
    """The layers that a layer calls, which do not belong to it by that."""

    def __init__(self):
        self.layers = []


def made(k, node, sizes):
    """The layer of a node; each weight has a size of its own."""

    class Own(k.Model if node["kind"] == "own model" else k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.appended, self.entered, self.late, self.calls = [], {}, [], Calls()
            for number, item in enumerate(node["items"]):
                if item in ("late", "late fixed"):
                    self.late.append((next(sizes), item == "late"))
                elif item in ("weight", "fixed"):
                    size = next(sizes)
                    self.add_weight(shape=(size,), trainable=item == "weight", name=f"w{size}")
                elif item == "metric":
                    setattr(self, f"metric_{number}", k.metrics.Mean(name=f"mean_{next(sizes)}"))
                elif item == "metrics":
                    setattr(self, f"metrics_{number}", [k.metrics.Mean(name=f"mean_{next(sizes)}") for _ in "ab"])
                elif item == "variables":
                    setattr(
                        self,
                        f"variables_{number}",
                        [variable(k, next(sizes), trainable) for trainable in (True, False)],
                    )
                else:
                    self.keep(number, item)

        def keep(self, number, item):
            if item == "dropout":
                kept, layers = "attribute", [k.layers.Dropout(0.5, seed=1)]
            else:
                kept, layers = item["kept"], [made(k, each, sizes) for each in item["inside"]]
            self.calls.layers += layers
            first, last, name = layers[0], layers[-1], f"part_{number}"
            keys = dict(zip((f"b{number}", f"a{number}"), layers, strict=False))
            if kept in ("appended", "popped", "removed", "deleted item", "set item"):
                for layer in layers:
                    self.appended.append(layer)
            found = {
                "attribute": lambda: setattr(self, name, first),
                "list": lambda: setattr(self, name, layers),
                "tuple": lambda: setattr(self, name, tuple(layers)),
                "dict": lambda: setattr(self, name, keys),
                "set": lambda: setattr(self, name, {first}),
                "list of lists": lambda: setattr(self, name, [[layer] for layer in layers]),
                "replaced": lambda: [setattr(self, name, layer) for layer in layers],
                "replaced by none": lambda: [setattr(self, name, value) for value in (first, None)],
                "deleted": lambda: [setattr(self, name, first), delattr(self, name)],
                "extended": lambda: self.appended.extend(layers),
                "added": lambda: setattr(self, "appended", self.appended + layers),
                "inserted": lambda: self.appended.insert(0, first),
                "entered": lambda: [self.entered.__setitem__(key, layer) for key, layer in keys.items()],
                "updated": lambda: self.entered.update(keys),
                "set item": lambda: self.appended.__setitem__(-1, first),
                "popped": lambda: self.appended.pop(),
                "removed": lambda: self.appended.remove(last),
                "deleted item": lambda: self.appended.__delitem__(-1),
                "cleared": lambda: [self.entered.update(keys), self.entered.clear()],
                "popped key": lambda: [self.entered.update(keys), self.entered.pop(f"b{number}")],
            }
            found.get(kept, lambda: None)()

        def build(self, input_shape):
            for size, trainable in self.late:
                self.add_weight(shape=(size,), trainable=trainable, name=f"late{size}")

        def call(self, x):
            for layer in self.calls.layers:
                x = layer(x)
            return x

    if node["kind"] in ("layer", "own model"):
        layer = Own()
    else:
        own = [made(k, {"kind": "layer", "items": [item], "frozen": False}, sizes) for item in node["items"]]
        x = k.Input((3,))
        if node["kind"] == "sequential":
            layer = k.Sequential([x, *own])
        else:
            y = x
            for each in own:
                y = each(y)
            layer = k.Model(x, y)
    if node["frozen"]:
        layer.trainable = False
    return layer


def orders(k, node):
    """The sizes of the weights in each list."""
    layer = made(k, node, itertools.count(5))
    layer(np.zeros((2, 3), "float32"))
    sizes = {name: [tuple(v.shape) for v in getattr(layer, name)] for name in NAMES}
    return sizes | {"metrics": [metric.name for metric in layer.metrics]}


@shows("weight_order", "nested_metrics_are_repeated")
@examples(100)
@given(data=st.data())
def test_any_order(data):
    engine = data.draw(st.sampled_from(sorted(ENGINES)))
    node = data.draw(nodes(2))
    with semantics.use(engine):
        ours = orders(refkeras, node)
    assert ours == orders(ENGINES[engine], node)
