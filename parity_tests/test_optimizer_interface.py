"""Optimizers' arguments, errors, configs and names beside Keras 3 and tf_keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refkeras
from parity_tests import engines
from parity_tests.engines import NATIVE_ERRORS, keras, numpy, portable, tensor, tf, tf_keras
from parity_tests.shows import shows
from refkeras import naming, optimizers, semantics
from refkeras.errors import InvalidArgumentError

ENGINES = {name: engine.optimizers for name, engine in engines.ENGINES.items()}


def number(value: Any) -> Any:
    """Return a variable's or tensor's value."""
    return value if isinstance(value, (float, int, type(None))) else numpy(value).tolist()


def variable(module: Any, size: int = 3, name: str = "kernel") -> Any:
    """Return a variable of ones, of the Keras that `module` belongs to."""
    value = np.ones(size, "float32")
    if tf_keras and module is tf_keras.optimizers:
        return tf.Variable(value, name=name)
    return (keras if module is keras.optimizers else refkeras).Variable(value, name=name)


def gradient(module: Any, value: Any, size: int = 3) -> Any:
    """Return a gradient: Keras 3 wants tensors of its backend."""
    array = np.full(size, value, "float32") if np.isscalar(value) else value
    return tensor(array) if module is keras.optimizers and array is not None else array


def counted(module: Any) -> list[float]:
    calls: list[float] = []

    def rate() -> float:
        calls.append(0.1 * (len(calls) + 1))
        return calls[-1]

    optimizer, w = module.SGD(rate), variable(module)
    for _ in range(2):
        optimizer.apply_gradients([(gradient(module, 1.0), w)])
    return number(w)


def rates(module: Any) -> list[float]:
    optimizer, w = module.SGD(module.schedules.ExponentialDecay(0.1, 2, 0.5)), variable(module)
    seen = [number(optimizer.learning_rate)]
    for _ in range(3):
        optimizer.apply_gradients([(gradient(module, 1.0), w)])
        seen.append(number(optimizer.learning_rate))
    return seen


def step(optimizer: Any, module: Any, g: Any, built: int | None = None) -> Any:
    w = variable(module)
    if built is not None:
        optimizer.build([variable(module) for _ in range(built)])
    optimizer.apply_gradients([(gradient(module, g), w)])
    return number(w)


def exclude(module: Any, built: bool) -> list[float]:
    optimizer = module.SGD(0.1, weight_decay=0.5)
    ws = [variable(module, name=name) for name in ("kernel", "bias", "other")]
    if built:
        optimizer.build(ws)
    optimizer.exclude_from_weight_decay(var_list=[ws[2]], var_names=["bi.s"])
    optimizer.apply_gradients([(gradient(module, 0.0), w) for w in ws])
    return [number(w)[0] for w in ws]


def set_rate(optimizer: Any, value: Any) -> Any:
    optimizer.learning_rate = value
    return number(optimizer.learning_rate)


CALLS = {
    "lr=": lambda m: number(m.Adam(lr=0.25).learning_rate),
    "decay=": lambda m: number(m.Adam(decay=0.25).learning_rate),
    "decay=0": lambda m: number(m.SGD(decay=0.0).learning_rate),
    "decay=None": lambda m: number(m.SGD(decay=None).learning_rate),
    "unknown argument": lambda m: m.Adam(foo=1),
    "too many arguments": lambda m: m.SGD(*range(30)),
    "argument given twice": lambda m: m.SGD(0.1, learning_rate=0.1),
    "jit_compile": lambda m: type(m.Adam(jit_compile=True)).__name__,
    "gradient_accumulation_steps": lambda m: type(m.Adam(gradient_accumulation_steps=2)).__name__,
    "loss_scale_factor": lambda m: type(m.Adam(loss_scale_factor=2.0)).__name__,
    "adaptive_epsilon": lambda m: step(m.Adam(0.5, epsilon=0.3, adaptive_epsilon=True), m, np.float32([1, 2, 3])),
    "adaptive_epsilon, AdamW": lambda m: m.AdamW(adaptive_epsilon=True),
    "is_legacy_optimizer": lambda m: type(m.Adam(is_legacy_optimizer=False)).__name__,
    "positional Adam": lambda m: m.Adam(0.1, 0.2, 0.3, 0.4, True, True).get_config()["amsgrad"],
    "positional AdamW": lambda m: m.AdamW(0.1, 0.2, 0.3, 0.4).get_config()["beta_2"],
    "positional RMSprop": lambda m: m.RMSprop(0.1, 0.2, 0.3, 0.4, True).get_config()["epsilon"],
    "positional SGD": lambda m: m.SGD(0.1, 0.2, True, 0.4).get_config()["weight_decay"],
    "integer rate": lambda m: number(m.Adam(1).learning_rate),
    "float32 rate": lambda m: number(m.Adam(np.float32(0.1)).learning_rate),
    "float64 rate": lambda m: number(m.Adam(np.float64(0.1)).learning_rate),
    "rate None": lambda m: m.Adam(None),
    "rate a string": lambda m: m.Adam("0.1"),
    "negative rate": lambda m: number(m.Adam(-0.5).learning_rate),
    "integer momentum": lambda m: m.SGD(momentum=1).get_config()["momentum"],
    "momentum above 1": lambda m: m.SGD(momentum=1.5),
    "negative momentum": lambda m: m.SGD(momentum=-0.5),
    "integer momentum of RMSprop": lambda m: m.RMSprop(momentum=1).get_config()["momentum"],
    "no weight decay": lambda m: m.AdamW(weight_decay=None),
    "clipnorm and clipvalue": lambda m: step(m.SGD(1.0, clipnorm=1.0, clipvalue=0.5), m, np.float32([0, 3, 4])),
    "joint norm and value": lambda m: step(m.SGD(1.0, global_clipnorm=1.0, clipvalue=0.5), m, np.float32([0, 3, 4])),
    "clipnorm and global_clipnorm": lambda m: m.SGD(clipnorm=1.0, global_clipnorm=0.5),
    "clipnorm 0": lambda m: step(m.SGD(1.0, clipnorm=0.0), m, np.float32([0, 3, 4])),
    "ema_momentum 2": lambda m: m.Adam(use_ema=True, ema_momentum=2),
    "ema_momentum 2 unused": lambda m: m.Adam(ema_momentum=2.0).get_config()["ema_momentum"],
    "ema_overwrite_frequency 0.5": lambda m: m.Adam(use_ema=True, ema_overwrite_frequency=0.5),
    "ema_overwrite_frequency of RMSprop": lambda m: m.RMSprop().get_config()["ema_overwrite_frequency"],
    "callable rate": counted,
    "rates of a schedule": rates,
    "rate set": lambda m: set_rate(m.Adam(), 0.25),
    "rate set to an integer": lambda m: set_rate(m.Adam(), 2),
    "rate set to a string": lambda m: set_rate(m.Adam(), "x"),
    "rate set over a schedule": lambda m: set_rate(m.Adam(m.schedules.ExponentialDecay(0.1, 1, 0.1)), 0.5),
    "rate set to a callable": lambda m: set_rate(m.Adam(), lambda: 0.5),
    "lr": lambda m: number(m.Adam(0.25).lr),
    "name": lambda m: m.Adam(name="mine").name,
    "lower case": lambda m: isinstance(getattr(m, "adam", None), type),
    "get None": lambda m: m.get(None),
    "get 3": lambda m: m.get(3),
    "get a class": lambda m: m.get(m.Adam),
    "get foo": lambda m: m.get("foo"),
    "get rms_prop": lambda m: m.get("rms_prop"),
    "get ADAMW": lambda m: type(m.get("ADAMW")).__name__,
    "get a record": lambda m: type(m.get(m.serialize(m.SGD(0.5)))).__name__,
    "no class_name": lambda m: m.get({"module": "keras.optimizers", "config": {}}),
    "no gradient": lambda m: step(m.SGD(), m, None),
    "no gradients": lambda m: number(m.SGD().apply_gradients([])),
    "pairs that are none": lambda m: m.SGD().apply_gradients([(1.0, 2.0, 3.0)]),
    "longer gradient": lambda m: step(m.SGD(), m, np.ones(4, "float32")),
    "unknown variable": lambda m: step(m.SGD(), m, np.ones(3, "float32"), built=2),
    "set_weights unbuilt": lambda m: m.Adam().set_weights([]),
    "exclude": lambda m: exclude(m, built=False),
    "exclude, built": lambda m: exclude(m, built=True),
    "epsilon": lambda m: [m.Adam().get_config()["epsilon"], m.RMSprop().get_config()["epsilon"]],
}  # fmt: skip
# Each side words it in its own way: these raise in both, and the types are no part of Keras's interface.
ANY_ERROR = {"pairs that are none"}


def outcome(call: Any, module: Any) -> Any:
    """Return what the call returns, or the name of what it raises."""
    try:
        return call(module)
    except (*NATIVE_ERRORS, InvalidArgumentError):
        return "InvalidArgumentError" if NATIVE_ERRORS else "ValueError"
    except Exception as error:
        return type(error).__name__


@shows(
    "optimizer_arguments",
    "optimizer_lr_argument",
    "optimizer_decay_argument",
    "optimizer_unknown_argument",
    "optimizer_number_checks",
    "optimizer_lr_alias",
    "optimizer_may_be_none",
    "lower_case_optimizers",
    "optimizer_epsilon",
    "rmsprop_ema_overwrite_frequency",
    "callable_learning_rate",
    "schedule_rate_reported",
    "clip_arguments",
    "exclude_after_build",
    "apply_gradients_of_nothing",
    "unknown_variable",
)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CALLS)
def test_calls(name, engine):
    """Each call returns the same, or raises the same."""
    with semantics.use(engine):
        ours = outcome(CALLS[name], optimizers)
    theirs = outcome(CALLS[name], ENGINES[engine])
    if name not in ANY_ERROR:
        assert ours == theirs
    else:
        assert isinstance(ours, str) and isinstance(theirs, str)


def plain(config: Any) -> Any:
    """Return a config with tf_keras's NumPy scalars as Python numbers."""
    if isinstance(config, dict):
        return {key: plain(value) for key, value in portable(config).items()}
    return config.item() if isinstance(config, np.generic) else config


@shows("optimizer_names")
@pytest.mark.parametrize("engine", ENGINES)
def test_configs_and_automatic_names(engine):
    """Records are the same, automatic names and their counters too, and make the same optimizer again."""
    module = ENGINES[engine]
    naming.reset()
    keras.utils.clear_session()
    makers = [
        lambda m: m.Adam(),
        lambda m: m.Adam(0.25, beta_1=0.5, epsilon=1e-3, amsgrad=True, clipnorm=1.0, name="mine"),
        lambda m: m.Adam(),
        lambda m: m.AdamW(weight_decay=0.25, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
        lambda m: m.SGD(momentum=0.5, nesterov=True, clipvalue=0.5),
        lambda m: m.RMSprop(rho=0.5, momentum=0.25, centered=True, global_clipnorm=2.0, weight_decay=0.5),
        lambda m: m.RMSprop(m.schedules.CosineDecay(0.5, 10, name="x", warmup_target=1.0, warmup_steps=3)),
    ]
    with semantics.use(engine):
        for make in makers:
            ours, theirs = optimizers.serialize(make(optimizers)), plain(module.serialize(make(module)))
            assert ours == theirs
            again = optimizers.deserialize(ours)
            assert optimizers.serialize(again) == ours


@shows("learning_rate_in_variables", "slot_names", "slot_order", "sgd_momentum_slot", "rmsprop_iterations_in_variables")
@pytest.mark.parametrize("engine", ENGINES)
def test_variables(engine):
    """The optimizers' variables have the engine's order, shapes, dtypes and names."""
    module = ENGINES[engine]
    makers = [
        lambda m: m.SGD(),
        lambda m: m.SGD(momentum=0.5, use_ema=True),
        lambda m: m.RMSprop(momentum=0.5, centered=True),
        lambda m: m.Adam(amsgrad=True, use_ema=True),
        lambda m: m.Adam(m.schedules.ExponentialDecay(0.5, 10, 0.5)),
        lambda m: m.AdamW(),
    ]
    if engine != "tf_keras":
        makers.append(lambda m: m.AdamW(gradient_accumulation_steps=2, use_ema=True))
    naming.reset()
    keras.utils.clear_session()
    with semantics.use(engine):
        for make in makers:
            listed = []
            for one in (optimizers, module):
                optimizer = make(one)
                ws = [variable(one, 3, "first"), variable(one, 4, "second")]
                optimizer.apply_gradients([(gradient(one, 1.0, w.shape), w) for w in ws])
                listed.append(optimizer.variables)
            for v, e in zip(*listed, strict=True):
                assert (v.shape, v.dtype) == (tuple(e.shape), getattr(e.dtype, "name", e.dtype))
                if engine == "tf_keras":
                    assert v.name.removesuffix(":0") == e.name.removesuffix(":0")
                else:
                    assert (v.name, v.path) == (e.name, e.path)
