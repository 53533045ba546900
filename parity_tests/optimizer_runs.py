"""The same optimizer on refkeras and on a real Keras, fed the same gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity_tests.engines import DTYPES, ENGINES, keras, numpy, tensor, tf, tf_keras
from refkeras import Variable, config
from refkeras.optimizers import schedules
from refkeras.precision import exact

SHAPES = [(), (1,), (3,), (2, 5), (4, 1, 3), (17,), (9, 7)]

#: The fields of `Semantics` that say how a step is computed, and what it counts.
OF_STEPS = (
    *("rmsprop_root", "adam_moments", "optimizer_scalars", "weight_decay_by", "steps_counted"),
    "rmsprop_iterations_in_variables",
)


@dataclasses.dataclass
class Run:
    """What to run: `kind(**arguments)` on variables of these shapes and dtypes, for so many steps."""

    kind: str
    arguments: dict[str, Any]
    shapes: list[tuple[int, ...]]
    dtypes: list[str]
    steps: int
    seed: int
    floatx: str = "float32"

    def values(self) -> list[np.ndarray]:
        """Return the initial weights."""
        rng = np.random.default_rng(self.seed)
        return [rng.normal(size=s).astype(d) for s, d in zip(self.shapes, self.dtypes, strict=True)]

    def gradients(self) -> Iterator[list[np.ndarray]]:
        """Yield each step's gradients: of many sizes, with zeros, and far from what float32 flushes to zero."""
        rng = np.random.default_rng([self.seed, 1])
        for _ in range(self.steps):
            step = []
            for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
                g = rng.normal(size=shape) * 10.0 ** rng.uniform(-5, 3, size=shape)
                step.append(np.asarray(np.where(rng.random(shape) < 0.1, 0.0, g), dtype))
            yield step


@contextmanager
def both_floatx(name: str) -> Iterator[None]:
    """Set `floatx` here and in the engines."""
    setters = [config.set_floatx, *(engine.backend.set_floatx for engine in ENGINES.values())]
    for setter in setters:
        setter(name)
    try:
        yield
    finally:
        for setter in setters:
            setter("float32")


def rate(spec: Any, module: Any) -> Any:
    """Turn a drawn learning rate into a float or one of `module`'s schedules."""
    return getattr(module, spec[0])(*spec[1]) if isinstance(spec, tuple) else spec


def make_ours(run: Run) -> tuple[Any, list[Variable]]:
    """Return refkeras's optimizer and variables."""
    from refkeras import optimizers

    arguments = {**run.arguments, "learning_rate": rate(run.arguments["learning_rate"], schedules)}
    names = [f"layer_{i}/kernel" for i in range(len(run.shapes))]
    return getattr(optimizers, run.kind)(**arguments), [
        Variable(value, name=name.split("/")[1], path=name) for name, value in zip(names, run.values(), strict=True)
    ]


def with_bars(weights: list[Variable]) -> list[Variable]:
    """Have variables hold their values as exact numbers with error bars of their dtype; return them.

    The slots of an optimizer that updates them have bars then, too.
    """
    for w in weights:
        w.bind(exact(np.zeros(w.shape), w.dtype))
    return weights


def make_keras_3(run: Run) -> tuple[Any, list[Any]]:
    """Return Keras 3's."""
    arguments = {**run.arguments, "learning_rate": rate(run.arguments["learning_rate"], keras.optimizers.schedules)}
    variables = []
    for i, value in enumerate(run.values()):
        with keras.name_scope(f"layer_{i}"):
            variables.append(keras.Variable(value, dtype=value.dtype.name, name="kernel"))
    return getattr(keras.optimizers, run.kind)(**arguments), variables


def make_tf_keras(run: Run) -> tuple[Any, list[Any]]:
    """Return tf_keras's."""
    arguments = {**run.arguments, "learning_rate": rate(run.arguments["learning_rate"], tf_keras.optimizers.schedules)}
    variables = [tf.Variable(value, name=f"layer_{i}/kernel") for i, value in enumerate(run.values())]
    return getattr(tf_keras.optimizers, run.kind)(**arguments), variables


def apply(optimizer: Any, gradients: list[Any], variables: list[Any]) -> None:
    """Step a real Keras's optimizer; tf_keras's has no `apply`."""
    tensors = [None if g is None else tensor(g) for g in gradients]
    optimizer.apply_gradients(list(zip(tensors, variables, strict=True)))


def assert_same(ours: Any, engine: Any, what: str) -> None:
    """Assert equality bit for bit, but for subnormal numbers, which TensorFlow flushes to zero."""
    a, b = np.asarray(ours), np.asarray(engine)
    assert a.dtype == b.dtype, f"{what}: {a.dtype} here, {b.dtype} in the engine"
    assert a.shape == b.shape, f"{what}: shape {a.shape} here, {b.shape} in the engine"
    if a.dtype.kind == "f":
        tiny = np.finfo(a.dtype).tiny
        a, b = (np.where(np.abs(x) < tiny, 0, x) for x in (a, b))
    wrong = ~((a == b) | ((a != a) & (b != b)))
    if wrong.any():
        raise AssertionError(f"{what}: {a[wrong]!r} here, {b[wrong]!r} in the engine ({wrong.sum()} of {wrong.size})")


def assert_same_state(ours: Any, weights: list[Variable], engine: Any, engine_weights: list[Any], what: str) -> None:
    """Assert that weights and all of the optimizers' variables are the same, in the same order."""
    for i, (w, e) in enumerate(zip(weights, engine_weights, strict=True)):
        assert_same(w.value, numpy(e), f"{what}, weight {i}")
    assert len(ours.variables) == len(engine.variables)
    for w, e in zip(ours.variables, engine.variables, strict=True):
        assert_same(w.value, numpy(e), f"{what}, {w.path}")


def chance(strategy: st.SearchStrategy, default: Any = None) -> st.SearchStrategy:
    """Draw mostly the default."""
    return st.one_of(st.just(default), strategy)


RATES = st.floats(1e-4, 0.5)
FRACTIONS = st.just(0.0) | st.floats(1e-6, 0.9990234375)
SCHEDULES = st.one_of(
    st.tuples(st.just("ExponentialDecay"), st.tuples(RATES, st.integers(1, 20), st.floats(0.1, 1.0), st.booleans())),
    st.tuples(st.just("InverseTimeDecay"), st.tuples(RATES, st.integers(1, 20), st.floats(0.1, 2.0), st.booleans())),
    st.tuples(st.just("PolynomialDecay"), st.tuples(RATES, st.integers(1, 9), st.floats(1e-6, 0.01))),
    st.tuples(st.just("PiecewiseConstantDecay"), st.tuples(st.just([2, 5]), st.just([0.5, 0.25, 0.01]))),
)


@st.composite
def runs(draw: Any, kinds: tuple[str, ...] = ("SGD", "RMSprop", "Adam", "AdamW"), keras_3: bool = True) -> Run:
    """Draw a run whose every operation is elementwise (so no norm is taken)."""
    kind = draw(st.sampled_from(kinds))
    arguments: dict[str, Any] = {"learning_rate": draw(st.one_of(RATES, RATES, SCHEDULES))}
    if kind == "SGD":
        arguments["momentum"] = draw(chance(FRACTIONS, 0.0))
        arguments["nesterov"] = draw(st.booleans())
    elif kind == "RMSprop":
        arguments["rho"] = draw(FRACTIONS)
        arguments["momentum"] = draw(chance(FRACTIONS, 0.0))
        arguments["centered"] = draw(st.booleans())
        arguments["epsilon"] = draw(st.sampled_from([1e-7, 1e-3, 0.1]))
    else:
        arguments["beta_1"], arguments["beta_2"] = draw(FRACTIONS), draw(FRACTIONS)
        arguments["epsilon"] = draw(st.sampled_from([1e-7, 1e-8, 0.1]))
        arguments["amsgrad"] = draw(st.booleans())
    if kind == "AdamW" or draw(st.booleans()):
        arguments["weight_decay"] = draw(st.just(0.0) | st.floats(1e-6, 0.3))
    arguments["clipvalue"] = draw(chance(st.floats(1e-3, 10.0)))
    if draw(st.integers(0, 2)) == 0:
        arguments["use_ema"] = True
        arguments["ema_momentum"] = draw(FRACTIONS)
        arguments["ema_overwrite_frequency"] = draw(chance(st.integers(1, 5)))
    if keras_3:
        arguments["gradient_accumulation_steps"] = draw(chance(st.integers(2, 4)))
        arguments["loss_scale_factor"] = draw(chance(st.floats(0.5, 300.0)))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    dtypes = [draw(st.sampled_from(["float32", *DTYPES])) for _ in shapes]
    floatx = draw(st.sampled_from(["float32", *DTYPES]))
    return Run(kind, arguments, shapes, dtypes, draw(st.integers(1, 12)), draw(st.integers(0, 10**6)), floatx)
