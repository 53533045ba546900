"""How an activation function is made of an op: values in, values out.

Each function carries its op as `forward`, which returns value and pullback;
layers compute with that. A function of your own can be trained with when it has
the same attribute:

    >>> import numpy as np, refkeras
    >>> def cube(x):
    ...     return x**3
    >>> cube.forward = lambda x: (x**3, lambda dy: dy * 3 * x**2)
    >>> refkeras.layers.Activation(cube)(np.array([[2.0]], "float32")).numpy()
    array([[8.]], dtype=float32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from refkeras import config
from refkeras.tensor import Tensor, unwrap, wrap

__all__ = ["array", "computed_by", "value", "value_with_logits"]

Forward = Callable[..., tuple[Any, Callable[[Any], Any]]]
Function = TypeVar("Function", bound=Callable[..., Any])


def computed_by(forward: Forward) -> Callable[[Function], Function]:
    """Decorator: hang the op on the function."""

    def decorate(function: Function) -> Function:
        function.forward = forward  # type: ignore[attr-defined]
        return function

    return decorate


def array(x: Any) -> np.ndarray:
    """Return x as a plain array; Python numbers become `floatx()`."""
    plain = unwrap(x)[0]
    if not isinstance(plain, np.ndarray):
        plain = np.asarray(plain)
        if plain.dtype == np.float64 and not isinstance(x, np.generic):
            plain = plain.astype(config.floatx())
    return plain


def value(forward: Forward, x: Any, *args: Any) -> Tensor:
    """Return the op's value; infinities and NaN come without a warning, as in Keras."""
    with np.errstate(all="ignore"):
        return wrap(forward(array(x), *args)[0])


def value_with_logits(forward: Forward, x: Any, *args: Any) -> Tensor:
    """Return the op's value, which remembers x."""
    logits = array(x)
    with np.errstate(all="ignore"):
        return wrap(forward(logits, *args)[0], logits=logits)
