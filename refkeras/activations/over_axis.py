"""Activations over an axis (`keras.activations`)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from refkeras import semantics
from refkeras.activations.support import computed_by, value, value_with_logits
from refkeras.ops import softmax as ops
from refkeras.tensor import Tensor

__all__ = ["glu", "log_softmax", "softmax", "sparsemax"]


def _softmax_forward(x: Any, axis: Any = -1) -> tuple[Any, Callable[[Any], Any]]:
    if x.ndim < 2 and not semantics.current().softmax_of_rank_1:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    if isinstance(axis, int) and x.shape[axis] == 1 and semantics.current().softmax_warns_of_size_1:
        warnings.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {x.shape}. This axis has size 1. The "
            "softmax operation will always return the value 1, which is likely not what you intended. Did you mean "
            "to use a sigmoid instead?",
            stacklevel=3,
        )
    return ops.softmax(x, axis, semantics.current().softmax_gradient == "of the quotient")


@computed_by(_softmax_forward)
def softmax(x: Any, axis: Any = -1) -> Tensor:
    """e^x / Σ e^x along `axis`. The result remembers its logits, and cross-entropies compute from them.

    Raises:
        ValueError: x has rank 1 (tf_keras).

    Example:

        >>> print(softmax([[0.0, 0.0]]).numpy().round(4))
        [[0.5 0.5]]
    """
    return value_with_logits(_softmax_forward, x, axis)


@computed_by(ops.log_softmax)
def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """ln softmax(x) along `axis`.

    Example:

        >>> print(log_softmax([[0.0, 0.0]]).numpy().round(4))
        [[-0.6931 -0.6931]]
    """
    return value(ops.log_softmax, x, axis)


@computed_by(ops.sparsemax)
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """max(x − τ, 0) along `axis`, with Keras 3's τ (see `refkeras.ops.softmax.sparsemax`).

    Example:

        >>> print(sparsemax([[3.0, 1.0]]).numpy().round(4))
        [[1. 0.]]
    """
    return value(ops.sparsemax, x, axis)


@computed_by(ops.glu)
def glu(x: Any, axis: int = -1) -> Tensor:
    """a · sigmoid(b), a and b being the halves of x along `axis`.

    Raises:
        ValueError: the axis has an odd size.

    Example:

        >>> print(glu([[3.0, 0.0]]).numpy().round(4))
        [[1.5]]
    """
    return value(ops.glu, x, axis)
