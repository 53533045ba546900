"""Small models of every shape that summaries and plots tell apart, made from any Keras's public names."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from parity_tests.engines import forget_names

__all__ = ["ZOO", "built", "from_zoo", "numbered"]


def built(k: Any, make: Callable[[Any], Any]) -> Any:
    """Make a model whose automatic names start anew."""
    forget_names(k)
    return make(k)


@functools.cache
def from_zoo(k: Any, name: str) -> Any:
    """A model of the zoo, made once; made under the semantics in force when it is first asked for."""
    return built(k, ZOO[name])


def numbered(graph: str) -> str:
    """The source of a graph, with the layers' ids counted in order of appearance."""
    ids: dict[str, str] = {}
    return re.sub(r"\d{9,}", lambda match: ids.setdefault(match[0], f"layer{len(ids)}"), graph)


def dense(k: Any) -> Any:
    x = k.Input((4,))
    return k.Model(x, k.layers.Dense(3, activation="relu")(x))


def chain(k: Any) -> Any:
    x = k.Input((6, 5), name="steps")
    y = k.layers.LSTM(7, dropout=0.1, name="memory")(x)
    y = k.layers.Dropout(0.5)(y)
    y = k.layers.Dense(2000, use_bias=False, name="a_layer_with_a_name_that_goes_on_and_on_and_does_not_fit")(y)
    return k.Model(x, k.layers.Activation("softmax", name="out")(y), name="chain[1]")


def sequential(k: Any) -> Any:
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="tanh"), k.layers.ReLU(), k.layers.Dense(2)])


def sequential_by_shape(k: Any) -> Any:
    return k.Sequential([k.layers.Dense(3, input_shape=(4,)), k.layers.Flatten(), k.layers.Dense(2)])


def returned_states(k: Any) -> Any:
    x = k.Input((6, 5))
    h, _, c = k.layers.LSTM(7, return_state=True)(x)
    y = k.layers.Activation("relu")(k.layers.Dense(4)(h))
    return k.Model(x, [y, c])


def branches(k: Any) -> Any:
    a, b = k.Input((4,), name="a"), k.Input((5,), name="b")
    y = k.layers.Concatenate()([k.layers.Dense(3)(a), k.layers.Dense(3, name="right")(b)])
    return k.Model([a, b], [k.layers.Dense(1, name="first")(y), k.layers.Dense(2, name="second")(y)])


def shared(k: Any) -> Any:
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    twice = k.layers.Dense(3, name="twice")
    return k.Model([a, b], k.layers.Add(name="sum")([twice(a), twice(b)]))


def shared_in_a_chain(k: Any) -> Any:
    x = k.Input((4,))
    twice = k.layers.Dense(4, name="twice")
    return k.Model(x, twice(k.layers.ReLU()(twice(x))))


def initial_state(k: Any) -> Any:
    x, h, c = k.Input((6, 5), name="x"), k.Input((7,), name="h"), k.Input((7,), name="c")
    return k.Model([x, h, c], k.layers.LSTM(7, name="memory")(x, initial_state=[h, c]))


def nested(k: Any) -> Any:
    x = k.Input((4,), name="inner_in")
    inner = k.Model(x, k.layers.Dense(3, name="inner_dense")(x), name="inner")
    y = k.Input((4,), name="outer_in")
    return k.Model(y, k.layers.Dense(2, name="outer_dense")(inner(y)), name="outer")


def block(k: Any) -> Any:
    return k.Sequential(
        [k.Input((4,), name="i"), k.layers.Dense(3, name="one"), k.layers.ReLU(name="two")], name="block"
    )


def nested_sequential(k: Any) -> Any:
    inner = k.Sequential(
        [k.Input((4,), name="i"), k.layers.Dense(3, name="one"), k.layers.ReLU(name="two")], name="block"
    )
    y = k.Input((4,), name="outer_in")
    return k.Model(y, k.layers.Dense(2, name="outer_dense")(inner(y)), name="outer")


def doubly_nested(k: Any) -> Any:
    model = nested(k)
    x = k.Input((4,), name="top_in")
    y = model(x)
    return k.Model(x, [k.layers.Dense(5, name="left")(y), k.layers.Dense(6, name="right")(y)], name="top")


def sequential_of_models(k: Any) -> Any:
    inner = k.Sequential(
        [k.Input((4,), name="i"), k.layers.Dense(3, name="one"), k.layers.ReLU(name="two")], name="block"
    )
    return k.Sequential([k.Input((4,), name="in"), inner, k.layers.Dense(2, name="last")], name="stack")


def frozen(k: Any) -> Any:
    model = branches(k)
    model.get_layer("right").trainable = False
    return model


def all_frozen(k: Any) -> Any:
    model = nested(k)
    model.trainable = False
    return model


def several_depths(k: Any) -> Any:
    x = k.Input((4,), name="x")
    y = k.layers.Dense(4, name="y")(x)
    z = k.layers.Dense(4, name="z")(k.layers.Add(name="skip")([x, y]))
    return k.Model(x, k.layers.Concatenate(name="all")([x, y, z]))


def dict_inputs(k: Any) -> Any:
    parts = {"left": k.Input((3,), name="left"), "right": k.Input((2,), name="right")}
    return k.Model(parts, k.layers.Concatenate(name="both")([parts["left"], parts["right"]]))


def repeated(k: Any) -> Any:
    x = k.Input((4,), name="x")
    y = k.layers.LSTM(3, return_sequences=True, name="steps")(k.layers.RepeatVector(6, name="again")(x))
    return k.Model(x, k.layers.Reshape((3, 6), name="turned")(y))


def masked(k: Any) -> Any:
    x = k.Input((6, 5), name="steps")
    y = k.layers.LSTM(7, name="memory")(k.layers.Masking(name="skip_zeros")(x))
    return k.Model(x, k.layers.Dense(2, name="out")(y))


def masked_branches(k: Any) -> Any:
    """Masks that are passed on, joined, concatenated, shared, and never used."""
    x = k.Input((6, 4), name="x")
    first = k.layers.Masking(mask_value=-1.0)(x)
    y = k.layers.Dropout(0.5)(k.layers.LSTM(4, return_sequences=True)(first))
    second = k.layers.Masking()(y)
    ends = [
        k.layers.LSTM(3, return_state=True)(y)[0],
        k.layers.LSTM(3)(k.layers.Add()([y, second])),
        k.layers.LSTM(3)(k.layers.Concatenate()([y, first, k.layers.Dense(2)(x)])),
        k.layers.LSTM(3)(k.layers.Concatenate(axis=1)([y, second])),
    ]
    unused = k.layers.Flatten()(k.layers.Masking()(k.layers.Dense(4)(x)))
    return k.Model(x, [k.layers.Concatenate()([*ends, unused]), *ends])


def masked_beside(k: Any) -> Any:
    """The way through the mask is longer, so that what leads to it comes first."""
    x = k.Input((6, 4), name="x")
    right = k.layers.Dense(5, name="r2")(k.layers.Flatten(name="flat")(k.layers.Dense(5, name="r1")(x)))
    left = k.layers.LSTM(3, name="l2")(k.layers.Masking(name="mask")(k.layers.Dense(4, name="l1")(x)))
    return k.Model(x, k.layers.Concatenate(name="both")([right, left]))


def masked_nested(k: Any) -> Any:
    inner = repeated_steps(k)
    x = k.Input((6, 4), name="outer_in")
    return k.Model(x, k.layers.LSTM(3, name="outer")(inner(k.layers.Masking(name="mask")(x))))


def repeated_steps(k: Any) -> Any:
    x = k.Input((6, 4), name="inner_in")
    return k.Model(x, k.layers.LSTM(4, return_sequences=True, name="inner")(x), name="steps")


def fixed_batch(k: Any) -> Any:
    return k.Sequential([k.Input(batch_shape=(2, 6, 5)), k.layers.LSTM(3, stateful=True, name="kept")])


ZOO: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (
        dense,
        chain,
        sequential,
        sequential_by_shape,
        returned_states,
        branches,
        shared,
        shared_in_a_chain,
        initial_state,
        nested,
        nested_sequential,
        doubly_nested,
        sequential_of_models,
        frozen,
        all_frozen,
        several_depths,
        dict_inputs,
        repeated,
        masked,
        masked_branches,
        masked_beside,
        masked_nested,
        fixed_batch,
    )
}
