"""How far an orthogonal matrix factored in float32 may be from the exact one: Householder's steps with error bars."""

from __future__ import annotations

from typing import Any

import numpy as np

from refkeras.precision import BarArray, exact

__all__ = ["householder"]


def householder(a: np.ndarray) -> BarArray:
    """Return Q of a = Q R, R's diagonal made positive, as numbers with error bars.

        v = x ± |x| e₁,   τ = 2 / vᵀv,   A ← A − τ v (vᵀ A)    for each column x in turn; Q likewise, backwards.

    These are the steps of LAPACK's geqrf and orgqr, which group them in blocks.

    Args:
        a: float32, with no more columns than rows, and of full rank.

    Source: Golub and Van Loan, Matrix Computations, section 5.2; LAPACK 3.12.

    Example:
        >>> import numpy as np
        >>> a = np.array([[3.0, 1.0], [4.0, 2.0], [0.0, 2.0]], "float32")
        >>> q = householder(a)
        >>> exactly, r = np.linalg.qr(a.astype("float64"))
        >>> bool(np.all(abs(q.value - exactly * np.sign(np.diagonal(r))) < 1e-12)), bool(q.sigma.max() < 1e-6)
        (True, True)
    """
    rows, columns = a.shape
    r = exact(a)
    reflections: list[tuple[Any, Any]] = []
    signs = np.ones(columns, a.dtype)
    for k in range(columns):
        x = r[k:, k : k + 1]
        sign = a.dtype.type(np.sign(x.value[0, 0]) or 1)
        v = x.copy()
        v[:1] = v[:1] + sign * np.sqrt(np.sum(x * x, axis=0, keepdims=True))
        tau = a.dtype.type(2) / np.sum(v * v, axis=0, keepdims=True)
        r[k:, k:] = r[k:, k:] - (tau * v) @ (v.T @ r[k:, k:])
        reflections.append((v, tau))
        signs[k] = -sign
    q = exact(np.eye(rows, columns, dtype=a.dtype))
    for k in reversed(range(columns)):
        v, tau = reflections[k]
        q[k:, k:] = q[k:, k:] - (tau * v) @ (v.T @ q[k:, k:])
    return q * signs
