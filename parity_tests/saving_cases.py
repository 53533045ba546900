"""A case for every class that a file may name: its arguments, each with another value than its default.

`CASES[family][class]` is a list of cases; a value that is callable is called
with the Keras that the case is made on. `members` says what there must be.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from parity_tests.engines import BACKEND
from refkeras.saving.registration import members_of

__all__ = ["CASES", "FAMILIES", "Case", "activations", "made", "members", "of_family"]

FAMILIES = ("layers", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers")
FAMILIES = (*FAMILIES, "constraints", "random")

#: What is never an object of its own in a file, and what stands in for it.
ABSTRACT = {
    "layers": {"Layer", "InputSpec", "Pass"},
    "losses": {"Loss"},
    "metrics": {"Metric"},
    "optimizers": {"Optimizer"},
    "initializers": {"Initializer"},
    "regularizers": {"Regularizer"},
    "constraints": {"Constraint"},
}
#: Arguments that are no part of what is saved.
UNSAVED = {
    # What only a model's inputs of other kinds need, and refkeras refuses.
    "InputLayer": {"shape", "batch_size", "sparse", "ragged", "input_tensor", "optional"},
    # A stateful layer needs a model of fixed batch: `fixed_batch` of the model zoo.
    "LSTM": {"stateful"},
    "Dense": {"lora_rank", "lora_alpha", "quantization_config"},
}


class Case(NamedTuple):
    given: dict[str, Any]
    #: Generations of Keras that know it.
    generations: str = "23"
    #: Shape of what a layer is called on, without the batch; several for layers that take a list.
    shapes: tuple[tuple[int, ...], ...] = ((4,),)
    #: Whether the numbers of a training step can be compared: not those that depend on how a side draws.
    trained: bool = True
    #: Whether Keras 3 reads it from a legacy file; it drops an `axis` that is a list of several.
    legacy: bool = True


def case(*shapes: tuple[int, ...], only: str = "23", trained: bool = True, legacy: bool = True, **given: Any) -> Case:
    return Case(given, only, shapes or ((4,),), trained, legacy)


def made(k: Any, family: str, name: str, case: Case) -> Any:
    """Return the object of a case."""
    module: Any = k
    for part in family.split("."):
        module = getattr(module, part)
    if name == "LossFunctionWrapper" and not hasattr(module, name):
        module = k.src.losses.losses  # Keras 3 has it, but not among its public names
    return getattr(module, name)(**{key: _value(k, value) for key, value in case.given.items()})


def _value(k: Any, value: Any) -> Any:
    return value(k) if callable(value) and not isinstance(value, type) else value


def members(family: str) -> dict[str, type]:
    """Return the classes of a family that a file may name."""
    found = {cls.__name__: cls for cls in members_of(f"keras.{family}").values() if isinstance(cls, type)}
    return {name: cls for name, cls in found.items() if name not in ABSTRACT.get(family, ())}


def arguments(family: str, name: str) -> set[str]:
    """Return the arguments of a class that a case must give."""
    cls = members(family)[name]
    if cls.__init__ is object.__init__:
        return set()
    named = [p.name for p in inspect.signature(cls).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    return set(named) - UNSAVED.get(name, set())


def activations() -> list[str]:
    """Return the activations by name, each once."""
    return sorted({function.__name__ for function in members_of("keras.activations").values()})


def of_family(family: str, generation: str) -> list[tuple[str, Case]]:
    """Return `(class, case)` of a family that a generation knows."""
    return [
        (name, case)
        for name, cases in CASES.get(family, {}).items()
        for case in cases
        if generation in case.generations
    ]


def _of(family: str, name: str, **given: Any) -> Callable[[Any], Any]:
    return lambda k: made(k, family, name, Case(given))


_WEIGHTS: dict[str, Any] = {
    "kernel_initializer": _of("initializers", "RandomNormal", mean=0.1, stddev=0.3, seed=3),
    "bias_initializer": _of("initializers", "Constant", value=0.25),
    "kernel_regularizer": _of("regularizers", "L2", l2=0.03),
    "bias_regularizer": _of("regularizers", "L1", l1=0.02),
    "kernel_constraint": _of("constraints", "MaxNorm", max_value=1.5, axis=1),
    "bias_constraint": _of("constraints", "NonNeg"),
}
_RECURRENT: dict[str, Any] = {
    "activation": "softsign",
    "recurrent_activation": "hard_sigmoid",
    **_WEIGHTS,
    "recurrent_initializer": _of("initializers", "GlorotNormal", seed=9),
    "recurrent_regularizer": _of("regularizers", "L1L2", l1=0.01, l2=0.02),
    "recurrent_constraint": _of("constraints", "UnitNorm", axis=1),
}
_LAYERS: dict[str, list[Case]] = {
    "InputLayer": [
        case(batch_shape=(None, 4), dtype="int32", name="whole_numbers", only="3"),
        case(batch_input_shape=(None, 4), dtype="int32", name="whole_numbers", only="2"),
    ],
    "Dense": [
        case((3, 4), units=3, activation="tanh", **_WEIGHTS, activity_regularizer=_of("regularizers", "L2", l2=0.01)),
        case(units=2, use_bias=False, trainable=False),
        # JAX has no weights in float64 unless the whole process is told to.
        case(units=2, dtype="float32" if BACKEND == "jax" else "float64", trained=False),
    ],
    "LSTM": [
        case(
            (5, 3),
            units=2,
            **_RECURRENT,
            unit_forget_bias=False,
            activity_regularizer=_of("regularizers", "L1", l1=0.1),
            return_sequences=True,
            go_backwards=True,
            unroll=True,
        ),
        case((5, 3), units=2, use_bias=False, return_state=True),
        case((5, 3), units=2, dropout=0.2, recurrent_dropout=0.3, seed=7, trained=False),
        case((5, 3), units=2, use_cudnn=False, zero_output_for_mask=True, only="3"),
    ],
    "LSTMCell": [
        case(
            *((3,), (2,), (2,)),
            units=2,
            **_RECURRENT,
            unit_forget_bias=False,
            dropout=0.2,
            recurrent_dropout=0.3,
            seed=7,
            only="3",
            trained=False,
        ),
        case((3,), (2,), (2,), units=2, use_bias=False, only="3"),
    ],
    "Activation": [case(activation=name, only="3") for name in activations()]
    + [case(activation="hard_sigmoid"), case(activation=lambda k: k.activations.selu)],
    "Add": [case((4,), (4,), (4,), name="plus")],
    **{
        name: [case((4,), (4,), name=f"a_{name}")] for name in ("Average", "Maximum", "Minimum", "Multiply", "Subtract")
    },
    "Concatenate": [case((2, 3), (4, 3), axis=1)],
    "Dot": [case((4, 3), (5, 3), axes=-1, normalize=True), case((4, 3), (4,), axes=(1, 1))],
    "Dropout": [case((5, 3), rate=0.3, noise_shape=(None, 1, 3), seed=11, trained=False), case(rate=0.0)],
    "Flatten": [case((2, 3, 4), data_format="channels_first")],
    "LeakyReLU": [case(negative_slope=0.15, only="3"), case(alpha=0.15, only="2")],
    "Masking": [case((5, 3), mask_value=0.5)],
    "ReLU": [case(max_value=1.5, negative_slope=0.1, threshold=0.2)],
    "RepeatVector": [case(n=3)],
    "Reshape": [case((2, 6), target_shape=(4, -1))],
    "Softmax": [case((2, 3), axis=1), case((2, 3), axis=(1, 2), legacy=False)],
}
_BY_CLASS: dict[str, Any] = {"reduction": "sum", "name": "mine"}


def _plain(family: str, of_all: list[Case]) -> dict[str, list[Case]]:
    """Return the cases of the classes that have no arguments of their own."""
    common = {key for case in of_all for key in case.given}
    return {name: of_all for name in members(family) if arguments(family, name) <= common}


_LOSSES: dict[str, list[Case]] = {
    **_plain("losses", [case(**_BY_CLASS), case(dtype="float64", only="3")]),
    "CosineSimilarity": [case(axis=1, **_BY_CLASS), case(dtype="float64", only="3")],
    "Huber": [case(delta=0.6, **_BY_CLASS), case(dtype="float64", only="3")],
    "BinaryCrossentropy": [
        case(from_logits=True, label_smoothing=0.1, axis=1, **_BY_CLASS),
        case(dtype="float64", only="3"),
    ],
    "CategoricalCrossentropy": [
        case(from_logits=True, label_smoothing=0.2, axis=1, **_BY_CLASS),
        case(dtype="float64", only="3"),
    ],
    "SparseCategoricalCrossentropy": [
        case(from_logits=True, ignore_class=1, **_BY_CLASS),
        case(axis=1, dtype="float64", only="3"),
    ],
    "LossFunctionWrapper": [
        case(fn=lambda k: k.losses.mean_squared_error, dtype="float64", **_BY_CLASS, only="3"),
    ],
}
_METRICS: dict[str, list[Case]] = {
    **_plain("metrics", [case(name="mine", dtype="float64")]),
    # They take values, not targets and predictions: `compile` cannot use them.
    "Mean": [],
    "Sum": [],
    "CosineSimilarity": [case(name="mine", dtype="float64", axis=1)],
    "TopKCategoricalAccuracy": [case(name="mine", dtype="float64", k=2)],
    "SparseTopKCategoricalAccuracy": [
        case(name="mine", dtype="float64", k=2),
        case(from_sorted_ids=True, only="3"),
    ],
    "R2Score": [case(name="mine", dtype="float64", class_aggregation="variance_weighted_average", num_regressors=1)],
    "MeanMetricWrapper": [case(fn=lambda k: k.metrics.binary_accuracy, name="mine", dtype="float64")],
    "BinaryAccuracy": [case(name="mine", dtype="float64", threshold=0.3)],
    "BinaryCrossentropy": [case(name="mine", dtype="float64", from_logits=True, label_smoothing=0.1)],
    "CategoricalCrossentropy": [case(name="mine", dtype="float64", from_logits=True, label_smoothing=0.1, axis=1)],
    "SparseCategoricalCrossentropy": [case(name="mine", dtype="float64", from_logits=True, ignore_class=1, axis=1)],
}
_COMMON: dict[str, Any] = {"learning_rate": 0.03, "weight_decay": 0.01, "name": "mine"}
_EMA: dict[str, Any] = {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}
_SPECIFIC: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.6, "nesterov": True},
    "RMSprop": {"rho": 0.8, "momentum": 0.3, "epsilon": 1e-4, "centered": True},
    "Adam": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4, "amsgrad": True},
    "AdamW": {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-5, "amsgrad": True},
}
_OPTIMIZERS: dict[str, list[Case]] = {
    name: [
        case(**_COMMON, **given, **_EMA, clipvalue=0.5),
        case(**given, clipnorm=0.7),
        case(global_clipnorm=0.9),
        case(loss_scale_factor=3.0, gradient_accumulation_steps=2, only="3"),
    ]
    for name, given in _SPECIFIC.items()
}
_SCHEDULES: dict[str, list[Case]] = {
    name: [case(initial_learning_rate=0.1, **given, name="mine")]
    for name, given in {
        "ExponentialDecay": {"decay_steps": 2, "decay_rate": 0.7, "staircase": True},
        "InverseTimeDecay": {"decay_steps": 2, "decay_rate": 0.7, "staircase": True},
        "PolynomialDecay": {"decay_steps": 3, "end_learning_rate": 0.01, "power": 2.0, "cycle": True},
        "CosineDecay": {"decay_steps": 5, "alpha": 0.1, "warmup_target": 0.3, "warmup_steps": 2},
        "CosineDecayRestarts": {"first_decay_steps": 2, "t_mul": 1.5, "m_mul": 0.9, "alpha": 0.1},
    }.items()
}
_SCHEDULES["PiecewiseConstantDecay"] = [case(boundaries=[1, 3], values=[0.1, 0.05, 0.01], name="mine")]
_SEEDED = ("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform")
_AXES: dict[str, Any] = {"input_axes": [0], "output_axes": [1]}
_INITIALIZERS: dict[str, list[Case]] = {
    **{name: [case(seed=i), case(seed=i, **_AXES, only="3")] for i, name in enumerate(_SEEDED, 1)},
    "Constant": [case(value=0.7)],
    "Identity": [case(gain=0.7)],
    "Ones": [case()],
    "Zeros": [case()],
    "Orthogonal": [case(gain=0.7, seed=8)],
    "RandomNormal": [case(mean=0.1, stddev=0.2, seed=9), case(seed=lambda k: k.random.SeedGenerator(5), only="3")],
    "RandomUniform": [case(minval=-0.2, maxval=0.3, seed=10)],
    "TruncatedNormal": [case(mean=0.1, stddev=0.2, seed=11)],
    "VarianceScaling": [
        case(scale=0.5, mode="fan_avg", distribution="uniform", seed=12),
        case(mode="fan_out", distribution="untruncated_normal", **_AXES, only="3"),
    ],
}
CASES: dict[str, dict[str, list[Case]]] = {
    "layers": _LAYERS,
    "losses": _LOSSES,
    "metrics": _METRICS,
    "optimizers": _OPTIMIZERS,
    "optimizers.schedules": _SCHEDULES,
    "initializers": _INITIALIZERS,
    "regularizers": {"L1": [case(l1=0.03)], "L2": [case(l2=0.04)], "L1L2": [case(l1=0.03, l2=0.02)]},
    "constraints": {
        "MaxNorm": [case(max_value=1.1, axis=1)],
        "MinMaxNorm": [case(min_value=0.2, max_value=0.9, rate=0.6, axis=1)],
        "NonNeg": [case()],
        "UnitNorm": [case(axis=1)],
    },
    "random": {"SeedGenerator": [case(seed=5, name="mine", only="3")]},
}
