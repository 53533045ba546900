"""What the built-in losses and metrics compute each of their values from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refkeras import config, losses, metrics, semantics
from refkeras.explain.records import Samples
from refkeras.losses.arrays import as_array, match_ranks_of_tensors, squeeze_or_expand_to_same_rank
from refkeras.metrics.accuracy import accuracy, binary_matches, sparse_matches
from refkeras.metrics.regression import cosine_similarity
from refkeras.ops.activations import sigmoid
from refkeras.ops.hinge_losses import signed_labels
from refkeras.ops.normalizing import L2_EPSILON
from refkeras.tensor import unwrap

__all__ = ["copied", "loss_samples", "metric_samples", "squared_error_samples"]

Array = Any
# Of the losses that compare one by one: whether Keras 3 makes the ranks of their arguments match.
_ONE_BY_ONE = {
    "mean_squared_error": True,
    "mean_absolute_error": True,
    "mean_absolute_percentage_error": True,
    "mean_squared_logarithmic_error": True,
    "huber": True,
    "log_cosh": True,
    "hinge": False,
    "squared_hinge": False,
    "categorical_hinge": False,
    "kl_divergence": False,
    "poisson": False,
}


def copied(array: Any) -> Any:
    """Return a copy that lies in memory as the array does."""
    return None if array is None else np.array(unwrap(array)[0], order="K", subok=False)


def loss_samples(
    fn: Any, arguments: dict[str, Any], y: Any, p: Any, logits: Any, made_of: Any, values: Any
) -> Samples | None:
    """Return what a built-in loss function computes each of its values from, where one row gives one value.

    Args:
        fn, arguments: the function and its arguments.
        y, p: targets and predictions.
        logits: what the function may compute from instead of `p`; None where Keras does not know it.
        made_of: the logits that a softmax or sigmoid made `p` of, if it did.
        values: what the function gave.
    """
    if not p.ndim or p.dtype.kind != "f":
        return None
    name, shape = fn.__name__, np.shape(unwrap(values)[0])
    if name.endswith("crossentropy"):
        return _crossentropy(name, arguments, y, p, logits, made_of, shape)
    if name == "cosine_similarity":
        return _cosine(arguments, y, p, made_of, shape, sign=-1)
    return _one_by_one(name, arguments, y, p, made_of, shape) if name in _ONE_BY_ONE else None


# -- cross-entropies --------------------------------------------------------------------------------


def _crossentropy(
    name: str, arguments: dict[str, Any], y: Any, p: Any, logits: Any, made_of: Any, shape: tuple[int, ...]
) -> Samples | None:
    rules = semantics.current()
    if not rules.crossentropy_from_activation:
        logits = None
    if arguments.get("ignore_class") is not None and not rules.ignore_class_keeps_logits:
        logits = None
    axis = arguments.get("axis", -1)
    x = p if logits is None else logits
    is_logits = logits is not None or bool(arguments.get("from_logits"))
    outputs = _last(p, axis) if logits is not None else None
    if logits is not None or made_of is None or np.shape(made_of) != p.shape:
        made_of = None
    epsilon = {"epsilon": config.epsilon()}
    y = as_array(y)
    smoothing = float(arguments.get("label_smoothing") or 0.0)
    x, made_of = _last(x, axis), _last(made_of, axis)
    if name == "sparse_categorical_crossentropy":
        after = rules.sparse_crossentropy_normalizes == "after clip"
        form = "minus_log_softmax" if is_logits else "minus_log_clipped_share" if after else "minus_log_share"
        y = y.reshape(shape) if y.size == math.prod(shape) else None
        found = None if y is None or x.shape[:-1] != shape else Samples(form, copied(y), copied(x))
        if found is not None:
            found.params, found.ignored = {} if is_logits else epsilon, arguments.get("ignore_class")
    else:
        if np.broadcast_shapes(y.shape, p.shape) != p.shape:
            return None
        y = _last(np.broadcast_to(as_array(y, x.dtype), p.shape), axis)
        if x.shape[:-1] != shape:
            return None
        found = Samples("crossentropy_of_logits", copied(y), copied(x))
        if name == "binary_crossentropy":
            _binary(found, is_logits, smoothing)
            found.share = 0.5 * smoothing
        else:
            if not is_logits:
                found.form, found.params = "crossentropy_of_probabilities", epsilon
            if smoothing:
                # With an axis of one's own, `losses.passes` asks which axis holds the classes.
                last = rules.label_smoothing_classes == "last axis"
                found.share = smoothing / (p.shape[-1] if last else p.shape[axis])
        found.smoothing = smoothing
    if found is not None:
        found.outputs = copied(outputs) if found.outputs is None else found.outputs
        found.logits = copied(made_of) if found.logits is None else found.logits
    return found


def _binary(found: Samples, is_logits: bool, smoothing: float) -> None:
    rules = semantics.current()
    inner = config.epsilon() if rules.binary_crossentropy_epsilon == "twice" else 0.0
    if is_logits and rules.binary_crossentropy_of_logits != "clipped":
        found.form = "binary_crossentropy_of_logit"
        return
    found.form, found.params = "binary_crossentropy", {"epsilon": config.epsilon(), "inner_epsilon": inner}
    if is_logits:
        found.logits, found.inputs = found.inputs, sigmoid(found.inputs)[0]


def _last(x: Any, axis: Any) -> Any:
    """Return an array with these axes as its last one."""
    if x is None or axis == -1:
        return x
    axes = sorted(a % x.ndim for a in (axis if isinstance(axis, (list, tuple)) else (axis,)))
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    return moved if len(axes) == 1 else moved.reshape(*moved.shape[: -len(axes)], -1)


# -- one by one -------------------------------------------------------------------------------------


def _one_by_one(
    name: str, arguments: dict[str, Any], y: Any, p: Any, made_of: Any, shape: tuple[int, ...]
) -> Samples | None:
    rules = semantics.current()
    params: dict[str, Any] = {}
    if name == "huber":
        if rules.huber_dtype == "floatx":
            y, p = as_array(y, config.floatx()), as_array(p, config.floatx())
        params["delta"] = float(p.dtype.type(arguments.get("delta", 1.0)))
    y = as_array(y, p.dtype)
    if name in ("hinge", "squared_hinge"):
        params["signed"] = rules.hinge_labels == "signed" and signed_labels(y) is not y
    if name in ("mean_absolute_percentage_error", "kl_divergence", "poisson"):
        params["epsilon"] = config.epsilon()
    if name == "mean_squared_logarithmic_error":
        floatx = rules.logarithmic_error_epsilon == "floatx"
        params["epsilon"] = float(np.dtype(config.floatx()).type(config.epsilon())) if floatx else config.epsilon()
    if _ONE_BY_ONE[name] and y.ndim != p.ndim and rules.loss_functions_match_ranks:
        y, p = squeeze_or_expand_to_same_rank(y, p)
    return _aligned(name, y, p, made_of, shape, params)


def _aligned(
    form: str, y: Any, p: Any, made_of: Any, shape: tuple[int, ...], params: dict[str, Any], axis: int = -1
) -> Samples | None:
    """Return the samples of arguments that broadcast with each other, if one row gives one value."""
    common = np.broadcast_shapes(y.shape, p.shape)
    if made_of is not None:
        made_of = np.broadcast_to(made_of.reshape(p.shape), common) if np.size(made_of) == p.size else None
    y, p = (_last(np.broadcast_to(x, common), axis) for x in (y, p))
    if p.shape[:-1] != shape:
        return None
    return Samples(form, copied(y), copied(p), params=params, logits=copied(_last(made_of, axis)))


def _cosine(
    arguments: dict[str, Any], y: Any, p: Any, made_of: Any, shape: tuple[int, ...], sign: int
) -> Samples | None:
    rule = semantics.current().cosine_similarity
    y = as_array(y, p.dtype)
    if rule in ("keras-3", "arrays"):
        y, p = squeeze_or_expand_to_same_rank(y, p)
    axis = arguments.get("axis", -1)
    if rule == "arrays" and axis == 0 and p.ndim > 1:
        return None  # lengths are laid along another axis: no value is of one pair of vectors
    share = 1.0 / np.broadcast_shapes(y.shape, p.shape)[axis] if rule == "keras-2.0" else None
    epsilon = {"keras-3": config.epsilon(), "tf_keras": L2_EPSILON, "keras-2.0": 0.0, "arrays": None}[rule]
    params = {"epsilon": epsilon, "squares": rule != "keras-3", "share": share, "sign": sign}
    return _aligned("cosine_similarity", y, p, made_of, shape, params, axis)


# -- metrics ----------------------------------------------------------------------------------------


def squared_error_samples(metric: Any, y: Any, pred: Any) -> Samples:
    """Return what `RootMeanSquaredError` computes its squared errors from: one target and one output each."""
    array, _, made_of = unwrap(pred)
    y, p = as_array(y, metric._dtype), as_array(array, metric._dtype)
    match = match_ranks_of_tensors if semantics.current().metrics_cast else squeeze_or_expand_to_same_rank
    y, p = match(y, p)
    found = _aligned(
        "mean_squared_error", y[..., None], p[..., None], made_of, np.broadcast_shapes(y.shape, p.shape), {}
    )
    assert found is not None
    return found


def metric_samples(metric: Any, y: Any, pred: Any, values: Any) -> Samples | None:
    """Return what each value of a built-in metric is computed from."""
    array, _, made_of = unwrap(pred)
    rules = semantics.current()
    y = as_array(y)
    fn, arguments, logits = metric._fn, metric._fn_kwargs, made_of
    p = as_array(array)
    if rules.metrics_cast:
        logits = logits if p.dtype == metric._dtype else None
        y, p = match_ranks_of_tensors(as_array(y, metric._dtype), as_array(p, metric._dtype))
        logits = logits if p.shape == np.shape(array) else None
    if isinstance(fn, losses.LossFunctionWrapper):  # with reduction="none": else it gives one number
        if type(fn).call is not losses.LossFunctionWrapper.call:
            return None
        logits = logits if fn._dtype == p.dtype or rules.loss_dtype != "floatx" else None
        y, p = fn._matched(y, p, True)
        arguments, fn = fn._fn_kwargs, fn.fn
    if hasattr(fn, "with_logits"):
        return loss_samples(fn, arguments, y, p, logits, made_of, values)
    if fn is cosine_similarity and p.ndim and p.dtype.kind == "f":
        sign = -1 if rules.cosine_metric == "loss" else 1
        return _cosine(arguments, y, p, made_of, values.shape, sign)
    return _accuracy(fn, arguments, y, p, made_of, values) if p.ndim and p.dtype.kind == "f" else None


def _accuracy(fn: Any, arguments: dict[str, Any], y: Any, p: Any, made_of: Any, values: Any) -> Samples | None:
    rules, shape = semantics.current(), values.shape
    zeros = {"order_zeros": rules.argmax_orders_zeros, "nan_first": rules.argmax_of_nan == "first"}
    made_of = made_of if np.shape(made_of) == p.shape else None
    if fn in (accuracy, binary_matches, metrics.binary_accuracy):
        return _hits(fn, arguments, y, p, made_of, shape)
    if fn is metrics.top_k_categorical_accuracy:
        params = {"k": int(arguments.get("k", 5)), "order_zeros": rules.argmax_orders_zeros, "nan_first": False}
        fits = y.ndim == p.ndim and y.shape[:-1] == p.shape[:-1] == shape
        return _made(fn.__name__, y, p, made_of, params) if fits else None
    flat = p.reshape(-1, p.shape[-1])
    if y.size != values.size or len(flat) != values.size:
        labels = fn is metrics.categorical_accuracy and y.shape == p.shape and p.shape[:-1] == shape
        if not labels:
            return None
        return _made("categorical_accuracy", y, p, made_of, zeros)
    rows, targets = flat.reshape(*shape, -1), as_array(y, p.dtype).reshape(shape)
    made_of = None if made_of is None else made_of.reshape(rows.shape)
    if fn in (metrics.sparse_categorical_accuracy, sparse_matches):
        return _made("sparse_categorical_accuracy", targets, rows, made_of, zeros)
    if fn is metrics.sparse_top_k_categorical_accuracy:
        form = "listed_first" if arguments.get("from_sorted_ids") else "among_the_largest"
        return _made(form, targets, rows, made_of, {"k": int(arguments.get("k", 5))})
    return None


def _made(form: str, y: Any, p: Any, made_of: Any, params: dict[str, Any]) -> Samples:
    return Samples(form, copied(as_array(y, p.dtype)), copied(p), params=params, logits=copied(made_of))


def _hits(fn: Any, arguments: dict[str, Any], y: Any, p: Any, made_of: Any, shape: tuple[int, ...]) -> Samples | None:
    rules = semantics.current()
    params: dict[str, Any]
    if fn is accuracy:
        form, params, match = "equal", {}, rules.accuracy_broadcasts
    elif rules.binary_accuracy_rounds:
        form, params, match = "rounds_to", {}, rules.loss_functions_match_ranks
    else:
        threshold = float(np.dtype(config.floatx()).type(arguments.get("threshold", 0.5)))
        form, params, match = "on_the_same_side", {"threshold": threshold}, rules.loss_functions_match_ranks
    y = as_array(y, p.dtype)
    if match:
        y, p = squeeze_or_expand_to_same_rank(y, p)
    if np.broadcast_shapes(y.shape, p.shape) == shape:
        y, p = y[..., None], p[..., None]
    return _aligned(form, y, p, made_of, shape, params)
