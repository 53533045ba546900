"""Laying targets, losses, weights and metrics over a model's outputs.

Everything here works on structures whose leaves are positions in a flat list
(`number`), so that a rule is followed once, and each batch only looks up
positions. Two families of rules exist, and `semantics.output_matching` names
the one in force: Keras 3's, where structures must fit
(`keras/src/trainers/compile_utils.py`), and tf_keras's, where a missing entry
is None and a single entry serves every output (`tf_keras/src/engine/compile_utils.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refkeras import semantics, tree
from refkeras.naming import did_you_mean

__all__ = [
    *("conform", "describe", "feed_targets", "is_nested", "match_targets", "number", "pseudo_names"),
    "require_same_shape",
]


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict."""
    return isinstance(structure, (list, tuple, dict))


def number(structure: Any) -> Any:
    """Replace each leaf by its position in `tree.flatten(structure)`; None stays None.

    >>> number({"b": "y", "a": ["x", None]})
    {'b': 2, 'a': [0, None]}
    """
    leaves = tree.flatten(structure)
    return tree.pack_as(structure, [None if leaf is None else i for i, leaf in enumerate(leaves)])


def pseudo_names(outputs: Any) -> list[str]:
    """Return the names that tf_keras gives to the outputs of a model that has none.

    >>> pseudo_names(0), pseudo_names([0, [1, 2]]), pseudo_names({"b": 2, "a": [0, 1]})
    (['output_1'], ['output_1', 'output_2_1', 'output_2_2'], ['a_1', 'a_2', 'b'])
    """
    return [_pseudo_name(path or (0,)) for path in tree.paths(outputs)]


def _pseudo_name(path: tuple[Any, ...]) -> str:
    name = "_".join(str(key + 1 if isinstance(key, int) else key) for key in path)
    return f"output_{name}" if isinstance(path[0], int) else name


def describe(structure: Any) -> str:
    """Return the shape of a structure for a message, leaves shown as `*`."""
    return str(tree.map_structure(lambda _: _Star(), structure))


class _Star:
    def __repr__(self) -> str:
        return "*"


def match_targets(y: Any, y_pred: Any, names: Sequence[str] | None, loss: Any) -> Any:
    """Give `y` the structure of `y_pred`, as Keras 3 does; both are numbered.

    A list may stand for any structure of as many leaves, a dict of output
    names for a list, and targets for the outputs with a loss only may leave
    the others out.

    Raises:
        ValueError: the numbers of targets and outputs differ.
        TypeError: a dict of targets whose keys are not those of the outputs; a ValueError on some backends.
    """
    if tree.same_structure(y_pred, y):
        return y
    count = len(tree.flatten(y_pred))
    if not is_nested(y) and count == 1:
        return tree.pack_as(y_pred, [y])
    if isinstance(y_pred, (list, tuple)) and isinstance(y, dict) and set(names or ()) == set(y):
        return tree.pack_as(y_pred, [y[name] for name in names or ()])
    if isinstance(y, (list, tuple)) and len(y) == count and not any(map(is_nested, y)):
        return tree.pack_as(y_pred, list(y))
    if isinstance(y, dict) and len(y) == count:
        known = list(y_pred) if isinstance(y_pred, dict) else list(names or ()) if is_nested(y_pred) else []
        raise semantics.current().text_as_number_error(
            f"The targets y are a dict with keys {sorted(y)}, but the outputs are "
            f"{f'called {known}' if known else 'a single array: pass y as an array'}.{_near(y, known)}"
        )
    leaves, wanted = tree.flatten(y), tree.flatten(loss)
    if len(leaves) == sum(item is not None for item in wanted):
        given = iter(leaves)
        return tree.pack_as(loss, [None if item is None else next(given) for item in wanted])
    raise ValueError(
        f"y_true and y_pred have different structures.\ny_true: {describe(y)}\ny_pred: {describe(y_pred)}\n"
        f"Pass one target per output ({count}), or one per output that has a loss."
    )


def _near(keys: Any, known: list[str]) -> str:
    stray = [key for key in keys if key not in known]
    return did_you_mean(stray[0], known) if stray and known else ""


def conform(y_pred: Any, names: Sequence[str], structure: Any, argument: str) -> Any:
    """Lay `structure` over the outputs as tf_keras does.

    A dict of output names becomes a list, missing names None; a single entry
    is repeated for every output.

    Raises:
        ValueError: a dict has a key that is no output's name.
    """
    flat_outputs = not is_nested(y_pred) or (
        isinstance(y_pred, (list, tuple)) and not any(is_nested(output) for output in y_pred)
    )
    if flat_outputs and isinstance(structure, dict):
        unknown = [key for key in structure if key not in names]
        if unknown:
            raise ValueError(
                f"Found unexpected {argument} that do not correspond to any Model output: {unknown}. "
                f"The outputs are called {list(names)}.{did_you_mean(unknown[0], names)}"
            )
        entries = [structure.get(name) for name in names]
        structure = entries[0] if len(entries) == 1 else entries
    elif isinstance(structure, dict) and isinstance(y_pred, dict):
        structure = {**structure, **{key: None for key in y_pred if key not in structure}}
    if not is_nested(structure) and is_nested(y_pred):
        return tree.map_structure(lambda _: structure, y_pred)
    return structure


def require_same_shape(structure: Any, y_pred: Any, argument: str) -> None:
    """Check that `structure` nests as `y_pred` does at least (tf_keras).

    Raises:
        TypeError: a list meets a dict, or a single entry a list.
        ValueError: lengths or keys differ.
    """
    if not is_nested(y_pred):
        return
    as_dict = isinstance(y_pred, dict)
    if not is_nested(structure) or isinstance(structure, dict) is not as_dict:
        raise TypeError(
            f"{argument} does not have the structure of the model's outputs {describe(y_pred)}: "
            f"received {describe(structure)}."
        )
    same = set(structure) == set(y_pred) if as_dict else len(structure) == len(y_pred)
    if not same:
        raise ValueError(
            f"{argument} has {len(structure)} entries, but the model has {len(y_pred)} outputs. "
            f"Received: {describe(structure)}; expected: {describe(y_pred)}."
        )
    for key in y_pred if as_dict else range(len(y_pred)):
        require_same_shape(structure[key], y_pred[key], argument)


def feed_targets(y: Any, names: Sequence[str], trained: Sequence[bool]) -> list[Any]:
    """Return one target per output, None where there is no loss, as Keras 2.0 takes them.

    Args:
        y: numbered; None, one array, a list with one entry for each trained output, or a dict by name.
        names: of the outputs.
        trained: whether each output has a loss.

    Raises:
        ValueError: the number of targets is another, or a name is missing.
        TypeError: y is something else.

    >>> feed_targets([0], ["a", "b"], [False, True])
    [None, 0]
    """
    wanted = [name for name, has_loss in zip(names, trained, strict=True) if has_loss]
    if y is None:
        given = [None] * len(wanted)
    elif isinstance(y, dict):
        missing = [name for name in wanted if name not in y]
        if missing:
            raise ValueError(f"No data provided for {missing[0]!r}. Need data for each key in: {wanted}.")
        given = [y[name] for name in wanted]
    elif isinstance(y, tuple):
        raise TypeError("Error when checking model target: data should be a Numpy array, or list/dict of Numpy arrays.")
    else:
        given = y if isinstance(y, list) else [y]
        if len(given) != len(wanted):
            raise ValueError(
                f"Error when checking model target: expected {len(wanted)} arrays, one for each of the outputs "
                f"{wanted}, but received {len(given)}."
            )
    left = iter(given)
    return [next(left) if has_loss else None for has_loss in trained]
