"""Layers, models and training on numbers with error bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkeras import tree
from refkeras.layers import eager
from refkeras.layers.base import Layer
from refkeras.layers.states import kept_states
from refkeras.metrics.metric import Metric
from refkeras.precision import edges
from refkeras.precision.array import BarArray, exact
from refkeras.precision.edges import Edges
from refkeras.precision.machine import Machine
from refkeras.precision.machine import machine as machine_of
from refkeras.precision.rounding import restart
from refkeras.variable import Variable

__all__ = ["Bars", "bars", "evaluate", "train"]


@dataclass
class Bars:
    """What came of a model inside `bars`.

    Attributes:
        model: the model.
        edges: how many decisions there were, and how many lay within reach of turning out otherwise.
        gradients: those of the last training step, in the order of the trainable variables; None where there is none.
    """

    model: Any
    edges: Edges = field(default_factory=Edges)
    gradients: list[Any] = field(default_factory=list)

    @property
    def weights(self) -> list[Any]:
        """Copies of the weights, in the order of `model.weights`; of a metric, of its variables."""
        variables = self.model.variables if isinstance(self.model, Metric) else self.model.weights
        return [variable.value.copy() for variable in variables]

    @property
    def slots(self) -> list[Any]:
        """Copies of the optimizer's variables, in its order; its count of steps and learning rate are plain arrays."""
        optimizer = getattr(self.model, "optimizer", None)
        return [] if optimizer is None else [variable.value.copy() for variable in optimizer.variables]


@contextmanager
def bars(model: Layer | Metric, machine: str | Machine = "float32", guaranteed: bool = False) -> Iterator[Bars]:
    """Have a built layer or model, or a metric, compute with error bars inside the block.

    Its weights, and its optimizer's slots, count as exact where the block begins: as the engine holds them.
    `fit`, `train_on_batch`, `evaluate` and `test_on_batch` take plain arrays, and return losses and metrics
    as numbers with error bars (call them with `verbose=0`: the progress line prints floats). After the
    block, the variables hold plain arrays again, rounded to the machine's numbers. A metric is updated with
    arrays that have bars (`exact`), and its state has them then.

    Args:
        model: the layer, model or metric.
        machine: name of a machine, or a `Machine`.
        guaranteed: whether worst cases are followed too.

    Raises:
        ValueError: an unknown machine, or a model that is not built.
        TypeError: a weight whose dtype is not the machine's.

        >>> import refkeras
        >>> model = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> x, y = np.ones((3, 2), "float32"), np.zeros((3, 1), "float32")
        >>> with bars(model) as found:
        ...     loss = model.train_on_batch(x, y)
        ...     weights = found.weights
        >>> [(w.shape, bool((w.sigma > 0).all())) for w in weights]
        [((2, 1), True), ((1,), True)]
    """
    kind = machine_of(machine)
    if isinstance(model, Layer) and not model.built:
        raise ValueError(f"{model.name!r} is not built: call it on arrays once, or give it an input shape.")
    plain: dict[int, tuple[Variable, np.ndarray]] = {}
    found = Bars(model)
    restart()

    def dress(variables: Any) -> None:
        for variable in variables:
            if isinstance(variable.value, np.ndarray) and variable.value.dtype.kind == "f":
                if isinstance(model, Metric) and variable.value.dtype != kind.dtype:
                    continue  # a count
                _check_dtype(variable, kind)
                plain[id(variable)] = (variable, variable.value)
                variable._value = exact(variable.value, kind, guaranteed)

    with edges.counting() as found.edges, _hooked(model, found, dress, kind, guaranteed):
        dress(_variables_of(model))
        try:
            yield found
        finally:
            _undress(model, plain)


def _check_dtype(variable: Variable, machine: Machine) -> None:
    if variable.value.dtype != machine.dtype:
        raise TypeError(
            f"Variable {variable.path!r} is {variable.dtype}, and the machine {machine.name} holds {machine.dtype}. "
            f"Make the model with that dtype, or take the machine {variable.dtype!r}."
        )


def _variables_of(model: Layer | Metric) -> list[Variable]:
    if isinstance(model, Metric):
        return []  # `_hooked` dresses them
    optimizer = getattr(model, "optimizer", None)
    scalars = () if optimizer is None else (optimizer._iterations, optimizer._learning_rate)
    slots = [] if optimizer is None else [v for v in optimizer.variables if all(v is not s for s in scalars)]
    return [*model.weights, *slots, *kept_states(model)]


@contextmanager
def _hooked(model: Any, found: Bars, dress: Any, machine: Machine, guaranteed: bool) -> Iterator[None]:
    """Dress a model's inputs, and the state of its metrics, which are made at the first batch; note gradients."""
    hooks: list[tuple[Any, str]] = []

    def hook(owner: Any, name: str, replacement: Any) -> None:
        owner.__dict__[name] = replacement
        hooks.append((owner, name))

    def dress_metric(metric: Metric) -> None:
        dress(metric.variables)
        if "add_variable" in metric.__dict__:
            return
        add_variable = metric.add_variable

        def add_dressed(*args: Any, **kwargs: Any) -> Variable:
            variable = add_variable(*args, **kwargs)
            dress([variable])
            return variable

        hook(metric, "add_variable", add_dressed)  # some make variables at the first batch

    if isinstance(model, Metric):
        dress_metric(model)
    steps, optimizer = getattr(model, "_steps", None), getattr(model, "optimizer", None)
    if hasattr(model, "_input_binder"):
        make = model._input_binder

        def binder(structure: Any, *how: Any) -> Any:
            bind = make(structure, *how)
            return lambda leaves: tree.map_structure(lambda x: _dressed(x, machine, guaranteed), bind(leaves))

        hook(model, "_input_binder", binder)
    if steps is not None:
        compiled = steps.compiled
        bind = compiled.bind

        def bind_dressed(*args: Any, **kwargs: Any) -> Any:
            bound = bind(*args, **kwargs)
            for metric in model.metrics:
                for one in getattr(metric, "metrics", [metric]):
                    dress_metric(one)
            return bound

        hook(compiled, "bind", bind_dressed)
    if optimizer is not None:
        apply = optimizer.apply
        optimizer._layout, optimizer._constants = None, {}

        def apply_noting(gradients: Any, *args: Any) -> Any:
            found.gradients = [None if g is None else g.copy() for g in gradients]
            return apply(gradients, *args)

        hook(optimizer, "apply", apply_noting)
        add = optimizer.add_optimizer_variables

        def add_dressed_slots(*args: Any, **kwargs: Any) -> Any:
            made = add(*args, **kwargs)
            dress(tree.flatten(made))
            return made

        hook(optimizer, "add_optimizer_variables", add_dressed_slots)  # an average begins with the weights' bars
    try:
        yield
    finally:
        for owner, name in hooks:
            del owner.__dict__[name]
        if optimizer is not None:
            optimizer._layout, optimizer._constants = None, {}


def _dressed(x: Any, machine: Machine, guaranteed: bool) -> Any:
    if getattr(x, "dtype", None) is None or x.dtype.kind != "f":
        return x
    return exact(x, machine, guaranteed)


def _undress(model: Any, plain: dict[int, tuple[Variable, np.ndarray]]) -> None:
    for variable, array in plain.values():
        array[...] = variable._value.value  # type: ignore[attr-defined]
        variable._value = array
    optimizer = getattr(model, "optimizer", None)
    for variable in () if optimizer is None else optimizer.variables:  # slots that were made inside
        if isinstance(variable.value, BarArray):
            variable._value = variable.value.value.astype(variable.value.dtype)


def evaluate(
    model: Layer,
    inputs: Any,
    machine: str | Machine = "float32",
    training: bool = False,
    guaranteed: bool = False,
    **call_arguments: Any,
) -> Any:
    """Return the outputs of a layer or model with error bars, in the structure of its outputs.

    Args:
        model: a layer or model, with the weights that the engine holds; it is built if it is not.
        inputs: array, or structure of arrays, as the engine gets them: they count as exact. A BarArray
            carries the bars that it has.
        machine: name of a machine, or a `Machine`.
        training: whether dropout and the like are active.
        guaranteed: whether worst cases are followed too (`bound`).
        **call_arguments: further arguments of the call, such as `mask` or `initial_state`.

    Raises:
        ValueError: an unknown machine.
        TypeError: a weight whose dtype is not the machine's.

        >>> import refkeras
        >>> layer = refkeras.layers.Dense(2, kernel_initializer="ones")
        >>> y = evaluate(layer, np.array([[0.1, 0.2]], "float32"), guaranteed=True)
        >>> y.shape, bool((y.sigma < y.bound).all())
        ((1, 2), True)
    """
    kind = machine_of(machine)
    if not model.built:
        model(tree.map_structure(lambda x: x.value.astype(x.dtype) if isinstance(x, BarArray) else x, inputs))
    with bars(model, kind, guaranteed):
        dress = lambda x: _dressed(np.asarray(x) if isinstance(x, (list, float)) else x, kind, guaranteed)  # noqa: E731
        args = (tree.map_structure(dress, inputs),)
        given = {key: value for key, value in call_arguments.items() if value is not None}
        kwargs = {key: tree.map_structure(dress, value) for key, value in given.items()}
        with np.errstate(all="ignore"):
            result, _ = eager.invoke(model, args, kwargs, None, training, "none")
    return result.outputs


@dataclass(frozen=True)
class Trained:
    """A training run with error bars.

    Attributes:
        history: what `fit` logged, by key, one number a batch or epoch.
        gradients: those of the last step.
        weights: after the run, in the order of `model.weights`.
        slots: the optimizer's variables after the run.
        edges: how many decisions there were, and how many lay within reach of turning out otherwise.
    """

    history: dict[str, list[BarArray]]
    gradients: list[Any]
    weights: list[Any]
    slots: list[Any]
    edges: Edges


def train(
    model: Any,
    x: Any,
    y: Any = None,
    machine: str | Machine = "float32",
    guaranteed: bool = False,
    **fit_arguments: Any,
) -> Trained:
    """Train a compiled model with error bars, by `fit`, whose arguments it takes.

    The weights and slots from which it starts count as exact. Afterwards the model is trained.

    Args:
        model: a compiled and built model.
        x, y: data, as `fit` takes them.
        machine: name of a machine, or a `Machine`.
        guaranteed: whether worst cases are followed too; they soon say nothing (see docs/error-bars.md).
        **fit_arguments: `batch_size`, `epochs`, `shuffle`, `sample_weight`, `callbacks` and the like.

    Raises:
        ValueError, TypeError: as `bars` and `fit`.

        >>> import refkeras
        >>> model = refkeras.Sequential([refkeras.Input((2,)), refkeras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> run = train(model, np.ones((4, 2), "float32"), np.zeros((4, 1), "float32"), epochs=3)
        >>> len(run.history["loss"]), [w.shape for w in run.weights]
        (3, [(2, 1), (1,)])
    """
    with bars(model, machine, guaranteed) as found:
        history = model.fit(x, y, verbose=0, **fit_arguments).history
        return Trained(history, found.gradients, found.weights, found.slots, found.edges)
