"""Training runs of many kinds, drawn from one number, for the tests of `refkeras.explain`."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

import refkeras as keras
from refkeras import config, semantics

LOSSES = {
    "mse": ("linear", "numbers"),
    "mae": ("linear", "numbers"),
    "binary_crossentropy": ("sigmoid", "bits"),
    "binary_crossentropy of probabilities": ("hard_sigmoid", "bits"),
    "binary_crossentropy from logits": ("linear", "bits"),
    "categorical_crossentropy": ("softmax", "one_hot"),
    "categorical_crossentropy of probabilities": ("hard_sigmoid", "one_hot"),
    "categorical_crossentropy from logits": ("linear", "one_hot"),
    "categorical_crossentropy smoothed": ("softmax", "one_hot"),
    "sparse_categorical_crossentropy": ("softmax", "classes"),
    "sparse_categorical_crossentropy of probabilities": ("hard_sigmoid", "classes"),
    "sparse_categorical_crossentropy from logits": ("linear", "classes"),
    "mape": ("softmax", "numbers"),
    "msle": ("sigmoid", "numbers"),
    "huber": ("linear", "numbers"),
    "log_cosh": ("tanh", "numbers"),
    "cosine_similarity": ("softmax", "numbers"),
    "hinge": ("linear", "bits"),
    "squared_hinge": ("linear", "numbers"),
    "categorical_hinge": ("softmax", "one_hot"),
    "kl_divergence": ("sigmoid", "one_hot"),
    "poisson": ("softplus", "bits"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of run."""

    semantics: str
    dtype: str
    losses: tuple[str, ...]
    loss_weights: bool
    sequences: bool
    masked: bool
    weights: str
    reduction: str
    regularized: bool
    metrics: bool
    rows: int
    batch_size: int
    validation: float
    seed: int


kinds = st.builds(
    Kind,
    semantics=st.sampled_from(sorted(semantics.PRESETS)),
    dtype=st.sampled_from(["float32", "float64"]),
    losses=st.one_of(
        st.tuples(st.sampled_from(sorted(LOSSES))), st.tuples(st.sampled_from(sorted(LOSSES)), st.just("mse"))
    ),
    loss_weights=st.booleans(),
    sequences=st.booleans(),
    masked=st.booleans(),
    weights=st.sampled_from(["none", "sample", "class", "some zero"]),
    reduction=st.sampled_from(["sum_over_batch_size", "sum_over_batch_size", "sum", "mean_with_sample_weight"]),
    regularized=st.booleans(),
    metrics=st.booleans(),
    rows=st.integers(5, 15),
    batch_size=st.integers(2, 9),
    validation=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)


@contextlib.contextmanager
def settings(kind):
    with semantics.use(kind.semantics), warnings.catch_warnings(), config.floatx_is(kind.dtype):
        warnings.simplefilter("ignore")
        yield


def make_loss(name, reduction):
    base, _, variant = name.partition(" ")
    classes = {
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
        "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
        "mape": keras.losses.MeanAbsolutePercentageError,
        "msle": keras.losses.MeanSquaredLogarithmicError,
        "huber": keras.losses.Huber,
        "log_cosh": keras.losses.LogCosh,
        "cosine_similarity": keras.losses.CosineSimilarity,
        "hinge": keras.losses.Hinge,
        "squared_hinge": keras.losses.SquaredHinge,
        "categorical_hinge": keras.losses.CategoricalHinge,
        "kl_divergence": keras.losses.KLDivergence,
        "poisson": keras.losses.Poisson,
    }
    options = {"from logits": {"from_logits": True}, "smoothed": {"label_smoothing": 0.2}}.get(variant, {})
    return classes[base](reduction=reduction, **options)


def make_targets(kind, name, rng, shape):
    units = 4
    what = LOSSES[name][1]
    if what == "numbers":
        return rng.normal(size=(*shape, units)).astype(kind.dtype)
    if what == "bits":
        return rng.integers(2, size=(*shape, units)).astype(kind.dtype)
    labels = rng.integers(units, size=shape)
    return np.eye(units, dtype=kind.dtype)[labels] if what == "one_hot" else labels


def reduction_of(kind):
    if kind.reduction not in semantics.current().loss_reductions:
        return "sum_over_batch_size"
    return kind.reduction


def make_model(kind):
    keras.utils.set_random_seed(kind.seed)
    inputs = keras.Input((5, 3), name="given")
    x = keras.layers.Masking(name="masking")(inputs) if kind.masked else inputs
    x = keras.layers.LSTM(6, return_sequences=kind.sequences, dropout=0.2, name="lstm")(x)
    penalty = keras.regularizers.L1L2(0.01, 0.02) if kind.regularized else None
    outputs = [
        keras.layers.Dense(4, activation=LOSSES[name][0], kernel_regularizer=penalty, name=f"out_{i}")(x)
        for i, name in enumerate(kind.losses)
    ]
    model = keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    several = len(outputs) > 1
    accuracy = "accuracy" if LOSSES[kind.losses[0]][1] != "numbers" else "mse"
    shared = [accuracy] if kind.losses[0].startswith("sparse") else [accuracy, "mae"]
    metrics = {"out_0": shared, "out_1": ["mae"]} if several else shared
    losses = [make_loss(name, reduction_of(kind)) for name in kind.losses]
    weighted = {"out_0": [accuracy]} if several else [accuracy]
    if semantics.current().duplicate_metrics == "refused" or semantics.current().metric_names == "function name":
        weighted = None
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=losses if several else losses[0],
        loss_weights=([0.4, 0.6] if several else [0.7]) if kind.loss_weights else None,
        metrics=metrics if kind.metrics else None,
        weighted_metrics=weighted if kind.metrics else None,
    )
    return model


def fit(kind, callbacks=(), epochs=2):
    """Train; return the model and its history. To be called within `settings(kind)`."""
    rng = np.random.default_rng(kind.seed)
    shape = (kind.rows, 5) if kind.sequences else (kind.rows,)
    x = rng.normal(size=(kind.rows, 5, 3)).astype(kind.dtype)
    if kind.masked:
        x[:, 3:] *= rng.integers(2, size=(kind.rows, 1, 1)).astype(kind.dtype)
    y = [make_targets(kind, name, rng, shape) for name in kind.losses]
    several = len(y) > 1
    arguments = {}
    if kind.weights in ("sample", "some zero"):
        w = rng.uniform(0.5, 2, size=shape).astype(kind.dtype)
        if kind.weights == "some zero":
            w[rng.integers(2, size=shape) == 0] = 0
        arguments["sample_weight"] = [w, w[::-1].copy()] if several else w
    classified = LOSSES[kind.losses[0]][1] in ("one_hot", "classes") and not several and not kind.sequences
    if kind.weights == "class" and classified:
        arguments["class_weight"] = {0: 0.5, 1: 1.0, 2: 2.0, 3: 1.5}
    model = make_model(kind)
    history = model.fit(
        x,
        y if several else y[0],
        batch_size=kind.batch_size,
        epochs=epochs,
        validation_split=kind.validation,
        verbose=0,
        callbacks=list(callbacks),
        **arguments,
    )
    return model, history.history
