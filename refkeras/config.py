"""Global numeric settings: `floatx`, `epsilon` and the dtype policy.

Mirrors `keras.config` (Keras 3.15, `keras/src/backend/config.py` and
`keras/src/dtype_policies`). refkeras computes in float32 or float64.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

__all__ = ["DTypePolicy", "dtype_policy", "epsilon", "floatx", "set_dtype_policy", "set_epsilon", "set_floatx"]

FLOAT_DTYPES = ("float32", "float64")
_KERAS_FLOATS = ("bfloat16", "float16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7
_policy: DTypePolicy | None = None


def floatx() -> str:
    """Return the default float dtype, `"float32"` or `"float64"`."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float dtype.

    As in Keras, the dtype policy is fixed by the first layer that is made:
    a later call changes losses and metrics, and no layer.

    Raises:
        ValueError: `value` is not a float dtype that refkeras computes in.
    """
    global _floatx
    _floatx = _supported_float(value, "floatx")


def epsilon() -> float:
    """Return the fuzz factor that keeps logarithms and divisions finite (1e-7)."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the fuzz factor."""
    global _epsilon
    _epsilon = float(value)


class DTypePolicy:
    """What a layer computes in and what its weights are stored in.

    refkeras has the two plain policies, `"float32"` and `"float64"`; mixed
    precision is refused by name.

    Args:
        name: `"float32"` or `"float64"`.

    Raises:
        ValueError: any other name.
    """

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = _supported_float(name or floatx(), "dtype")

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self.name

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.name

    def get_config(self) -> dict[str, str]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash((DTypePolicy, self.name))

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


def dtype_policy() -> DTypePolicy:
    """Return the policy that new layers get; made from `floatx()` on first use."""
    global _policy
    if _policy is None:
        _policy = DTypePolicy(floatx())
    return _policy


def set_dtype_policy(policy: str | DTypePolicy) -> None:
    """Set the policy that new layers get."""
    global _policy
    _policy = get_policy(policy)


@contextlib.contextmanager
def floatx_is(value: str) -> Iterator[None]:
    """Set the default float dtype for a while, and give new layers it; afterwards both are as they were before."""
    global _floatx, _policy
    before = _floatx, _policy
    set_floatx(value)
    reset_dtype_policy()
    try:
        yield
    finally:
        _floatx, _policy = before


def reset_dtype_policy() -> None:
    """Forget the policy, so that the next layer takes `floatx()` again."""
    global _policy
    _policy = None


def get_policy(dtype: str | np.dtype | type | dict | DTypePolicy | None) -> DTypePolicy:
    """Turn a layer's `dtype=` argument into a policy."""
    if dtype is None:
        return dtype_policy()
    if isinstance(dtype, DTypePolicy):
        return dtype
    if isinstance(dtype, dict):
        if not isinstance(dtype.get("config"), dict):
            raise ValueError(
                f"Invalid dtype: {dtype!r}. Expected the record of a DTypePolicy, with a dict as `config`."
            )
        return DTypePolicy.from_config(dtype["config"])
    return DTypePolicy(standardize_dtype(dtype))


def standardize_dtype(dtype: object) -> str:
    """Return the name of `dtype` (`None` gives `floatx()`).

    Raises:
        ValueError: NumPy has no such dtype.
    """
    if dtype is None:
        return floatx()
    if isinstance(dtype, DTypePolicy):
        return dtype.compute_dtype
    try:
        return np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        raise ValueError(f"Invalid dtype: {dtype!r}. Expected a NumPy dtype or its name, such as 'float32'.") from None


def is_float(dtype: object) -> bool:
    """Whether `dtype` names a floating-point type."""
    return standardize_dtype(dtype) in _KERAS_FLOATS


def _supported_float(value: object, argument: str) -> str:
    name = value if isinstance(value, str) else standardize_dtype(value)
    if name in FLOAT_DTYPES:
        return name
    raise ValueError(f"{argument}={value!r} is not supported: refkeras computes in {' or '.join(FLOAT_DTYPES)}.")
