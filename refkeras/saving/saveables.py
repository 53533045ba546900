"""Which objects of a model have state, and under which path a weights file keeps it.

Keras walks the attributes of the model: layers, optimizer, and (tf_keras)
metrics, and those that a layer of your own keeps in attributes and
containers. Paths are made of attribute names and, inside containers, of class
names, counted (`keras/src/saving/saving_lib.py`, Keras 3.15;
`tf_keras/src/saving/saving_lib.py`, 2.21).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from refkeras import naming, semantics

__all__ = ["Walk", "saveables"]


def saveables(model: Any, skip: Any = ()) -> Iterator[tuple[str, Any]]:
    """Yield `(path, object)` for everything that has state, each once, in the order in which Keras visits it.

    Args:
        model: a built model.
        skip: objects to leave out.
    """
    yield from Walk(skip).visit(model, "")


class Walk:
    """One way through a model; `skip` are objects to leave out."""

    def __init__(self, skip: Any) -> None:
        self._seen = {id(obj) for obj in skip}
        self._open: list[Any] = []
        self._tf_keras = semantics.current().files != "keras-3"

    def once_more(self, obj: Any) -> None:
        """Visit an object again if another attribute has it, too: what it was called by was not its name."""
        self._seen.discard(id(obj))

    def visit(self, obj: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield `(path, object)` for an object and what is in it."""
        if id(obj) in self._seen or any(obj is around for around in self._open):
            return
        self._seen.add(id(obj))
        self._open.append(obj)
        if hasattr(obj, "save_own_variables") or (self._tf_keras and _is_metric(obj)):
            yield path, obj
        for name, value in self._attributes(obj):
            inner = f"{path}/{name}" if path else name
            if _is_saveable(value):
                yield from self.visit(value, inner)
            elif isinstance(value, (list, tuple, dict)) or (self._tf_keras and isinstance(value, set)):
                yield from self._visit_container(value, inner, [])
        self._open.pop()

    def _visit_container(self, container: Any, path: str, visited: list[Any]) -> Iterator[tuple[str, Any]]:
        """Yield what an attribute's container holds; `visited` are those inside it that need no second visit."""
        if any(container is other for other in visited):
            return
        visited.append(container)
        count = _Counter()
        for item in container.values() if isinstance(container, dict) else container:
            if _is_saveable(item):
                # tf_keras counts only what it has not seen elsewhere.
                if self._tf_keras and id(item) in self._seen:
                    continue
                yield from self.visit(item, f"{path}/{count.unique(naming.to_snake_case(type(item).__name__))}")
            elif isinstance(item, (list, tuple, dict)) and not self._tf_keras:
                yield from self._visit_container(item, f"{path}/{count.unique('container')}", visited)

    def _attributes(self, obj: Any) -> Iterator[tuple[str, Any]]:
        skipped = _attributes_of_base_classes(_base_of(obj))
        names = [name for name in dir(obj) if not name.startswith("__") and name not in skipped]
        if self._tf_keras:
            names.sort(reverse=True)
        else:
            names.sort(key=lambda name: f"~{name}" if name.startswith("_") else name)
            if _is_graph(obj):
                yield "layers", obj.layers
        for name in names:
            try:
                value = getattr(obj, name)
            except Exception:  # properties that do not apply now, as in Keras
                continue
            yield name, value


class _Counter:
    """Counts equal names: `dense`, `dense_1`, ..."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def unique(self, name: str) -> str:
        count = self._used.get(name, -1) + 1
        self._used[name] = count
        return f"{name}_{count}" if count else name


def _is_metric(obj: Any) -> bool:
    from refkeras.metrics import Metric

    return isinstance(obj, Metric)


@functools.cache
def _classes() -> tuple[type, ...]:
    from refkeras.layers import Layer
    from refkeras.losses import Loss
    from refkeras.metrics import Metric
    from refkeras.optimizers import Optimizer

    return Layer, Optimizer, Metric, Loss


def _is_saveable(obj: Any) -> bool:
    return isinstance(obj, _classes())


def _is_graph(obj: Any) -> bool:
    from refkeras.models import Functional, Sequential

    return isinstance(obj, (Functional, Sequential))


def _base_of(obj: Any) -> type:
    for cls in _classes():
        if isinstance(obj, cls):
            return cls
    return object


#: What models keep for themselves, beyond what every layer has.
_OF_MODELS = frozenset(
    {
        *(
            "_compile_arguments",
            "_compile_config",
            "_compiled",
            "_functional",
            "_inputs",
            "_inputs_struct",
            "_nodes",
            "_nodes_by_depth",
        ),
        *("_operations", "_outputs", "_outputs_struct", "_program", "_run_eagerly", "_stack", "_static_shapes"),
        *("_steps", "_trainer_ready", "history", "operations"),
    }
)


@functools.cache
def _attributes_of_base_classes(base: type) -> frozenset[str]:
    """Return the names that an instance of a base class has anyway."""
    from refkeras.layers import Layer
    from refkeras.layers.tracking import INTERNAL

    makers: dict[type, Callable[[], Any]] = {Layer: lambda: Layer(name="any")}
    names = set(dir(makers[base]() if base in makers else base))
    if base is Layer:
        names |= INTERNAL | _OF_MODELS
    return frozenset(names)
