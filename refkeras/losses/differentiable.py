"""How a public loss function is made of a pass: values as a Tensor, and the pullback beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from refkeras.losses import passes
from refkeras.losses.arrays import as_array
from refkeras.tensor import Tensor, is_tensor, unwrap, wrap

__all__ = ["differentiable", "evaluate"]

Array = Any
Function = TypeVar("Function", bound=Callable[..., Any])


def differentiable(compute: Callable[..., passes.Pass]) -> Callable[[Function], Function]:
    """Attach to a public loss function what training calls in its place.

    `compute` itself goes on as `function.with_logits`. And `function.forward(y_true,
    y_pred, **arguments) -> (values, pullback)`, the form that losses of one's own have,
    is made of it: its gradient is always that of `y_pred`.
    """

    def forward(y_true: Any, y_pred: Any, **arguments: Any) -> tuple[Array, Callable[[Any], Array]]:
        values, pullback, _ = compute(y_true, as_array(y_pred), None, **arguments)
        return values, pullback

    def decorate(function: Function) -> Function:
        function.with_logits, function.forward = compute, forward  # type: ignore[attr-defined]
        return function

    return decorate


def evaluate(compute: Callable[..., passes.Pass], y_true: Any, y_pred: Any, **arguments: Any) -> Tensor:
    """Return the values of `compute`, as a public loss function does: without warnings, as a Tensor."""
    array, _, logits = unwrap(y_pred)
    with np.errstate(all="ignore"):
        values, _, _ = compute(y_true, as_array(array), logits, **arguments)
    return values if is_tensor(values) else wrap(np.copy(values))
