"""The complementary error function, which NumPy lacks."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["erfc"]

# Chebyshev coefficients of e^{z²} erfc(z) (1 + 2z) in w = (z - 3.5) / (z + 3.5), for z in [0, ∞).
_COEFFICIENTS = (
    *(1.177632731636124, -0.001630177283414629, -0.08733682573463146, 0.05800974837029327, -0.024340115396182225),
    *(0.007529483715635749, -0.0017438817577112521, 0.00028269829816555584, -2.31849116112635e-05),
    *(-2.111766698133041e-06, 8.765760156892822e-07, -6.105702635086118e-08, -1.7116664716341917e-08),
    *(3.391360268611259e-09, 2.54661619366046e-10, -1.2482784079516295e-10, -2.2122757753433792e-12),
    *(4.4272603638230294e-12, -3.367266128031013e-14, -1.6519256000923578e-13, 1.9024103044538835e-15),
    *(6.601187937172832e-15, 2.880282449409004e-17),
)
_ENOUGH_FOR_FLOAT32 = 12


def erfc(x: Any) -> Any:
    """erfc(x) = 1 − erf(x), with small relative error in the right tail too.

    With z = |x|: erfc(z) = e^{−z²} P(w) / (1 + 2z), P a Chebyshev series summed by
    Clenshaw's recurrence; erfc(−z) = 2 − erfc(z). The series is within 12 units
    of roundoff in float64, 7 in float32 (|x| < 1), and the rounding of z² adds z² more.

    Args:
        x: array of any shape; the result has its dtype.

    Example:

        >>> import numpy as np
        >>> print(erfc(np.array([-np.inf, -1.0, 0.0, 1.0, 5.0])))
        [2.00000000e+00 1.84270079e+00 1.00000000e+00 1.57299207e-01 1.53745979e-12]
    """
    z = np.minimum(np.abs(x), 40.0)  # beyond, e^{-z²} is zero in float64, and infinity is kept out of the series
    w = (z - 3.5) / (z + 3.5)
    # An array of another type may hold more digits than its dtype says.
    short = x.dtype == np.float32 and isinstance(x, (np.ndarray, np.generic))
    count = _ENOUGH_FOR_FLOAT32 if short else len(_COEFFICIENTS)
    first, *others = _COEFFICIENTS[:count]
    b = b_next = 0.0 * w
    for coefficient in reversed(others):
        b, b_next = 2.0 * w * b - b_next + coefficient, b
    right = np.exp(-z * z) * (w * b - b_next + first) / (1.0 + 2.0 * z)
    return np.where(x < 0, 2.0 - right, right)
