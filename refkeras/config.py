"""Global settings: `floatx`, `epsilon`, the dtype policy, the order of an image's axes, limits of training.

Mirrors `keras.config` (Keras 3.15, `keras/src/backend/config.py` and
`keras/src/dtype_policies`). refkeras computes in float32 or float64.
"""

from __future__ import annotations

import contextlib
import operator
import os
from collections.abc import Iterator

import numpy as np

from refkeras.utils.io_utils import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)

__all__ = [
    "DTypePolicy",
    "backend",
    "disable_interactive_logging",
    "dtype_policy",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
]

FLOAT_DTYPES = ("float32", "float64")
#: The names of dtypes that Keras 3 has (`keras/src/backend/common/dtypes.py`).
DTYPES = (
    *("float16", "float32", "float64", "bfloat16", "float8_e4m3fn", "float8_e5m2"),
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("bool", "string", "complex64", "complex128"),
)
_NOT_OF_NUMPY = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "string")
#: What stands for a dtype in Python, on TensorFlow and on Keras's other backends.
_OF_PYTHON: dict[type | str, tuple[str, str]] = {
    bool: ("bool", "bool"),
    float: ("float32", "float32"),
    str: ("string", "string"),
    int: ("int64", "int32"),
    "int": ("int64", "int32"),
    complex: ("complex128", "complex64"),
}

DATA_FORMATS = ("channels_first", "channels_last")

_floatx = "float32"
_epsilon = 1e-7
_policy: DTypePolicy | None = None
_image_data_format = "channels_last"


def backend() -> str:
    """Return `"numpy"`: what refkeras computes with, whichever engine's semantics are in force."""
    return "numpy"


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


# -- images ----------------------------------------------------------------------------------------


def image_data_format() -> str:
    """Return the order of axes that layers take an image to have, `"channels_last"` or `"channels_first"`."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the order of axes for `Flatten` layers that are made without a `data_format` of their own.

    Raises:
        ValueError: neither `"channels_last"` nor `"channels_first"`.
    """
    global _image_data_format
    _image_data_format = standardize_data_format(str(data_format))  # None is no format here


def standardize_data_format(data_format: object) -> str:
    """Return a layer's `data_format` in small letters; None gives `image_data_format()`.

    Raises:
        ValueError: another format.
    """
    if data_format is None:
        return image_data_format()
    name = str(data_format).lower()
    if name not in DATA_FORMATS:
        raise ValueError(
            "The `data_format` argument must be one of {'channels_first', 'channels_last'}. "
            f"Received: data_format={data_format}"
        )
    return name


# -- limits of training ----------------------------------------------------------------------------


def _limit(name: str, value: object) -> int | None:
    if value is None:
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}={value!r}: expected an integer, or None for no limit.") from None


def _limit_from_environment(variable: str) -> int | None:
    return int(os.environ[variable]) if variable in os.environ else None


_max_epochs = _limit_from_environment("KERAS_MAX_EPOCHS")
_max_steps_per_epoch = _limit_from_environment("KERAS_MAX_STEPS_PER_EPOCH")


def max_epochs() -> int | None:
    """Return the limit that `set_max_epochs` set; at first the environment's KERAS_MAX_EPOCHS, or None."""
    return _max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Have `fit` stop before this epoch, with a warning, whatever its `epochs`: to try a script. None is no limit.

    tf_keras and Keras 2.0 have no limits: under their semantics they do not count.

    Raises:
        TypeError: not an integer.
    """
    global _max_epochs
    _max_epochs = _limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """Return the limit that `set_max_steps_per_epoch` set; at first KERAS_MAX_STEPS_PER_EPOCH, or None."""
    return _max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Have `fit`, `evaluate` and `predict` take at most so many batches an epoch, with a warning. None is no limit.

    Raises:
        TypeError: not an integer.
    """
    global _max_steps_per_epoch
    _max_steps_per_epoch = _limit("max_steps_per_epoch", max_steps_per_epoch)


def limited(count: int | None, limit: int | None, what: str, stacklevel: int) -> int | None:
    """Return a count, None standing for as many as there are, or the limit where it is lower, with Keras's warning."""
    from refkeras import semantics

    if not limit or not semantics.current().training_is_limited or (count is not None and limit >= count):
        return count
    import warnings

    warnings.warn(f"Limiting {what} to {limit}", stacklevel=stacklevel + 1)
    return limit


# -- dtypes ----------------------------------------------------------------------------------------


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
    """Return Keras's name of a dtype: of a name, a NumPy or other library's dtype, or a Python type.

    Python's `float` is `"float32"`, whatever `floatx()` is, as in Keras; its `int` is what the engine counts in
    (`int64` on TensorFlow, `int32` elsewhere). None gives `floatx()`.

    Raises:
        ValueError: Keras 3 has no such dtype; NumPy's abbreviations, such as `"f4"`, are none.
        TypeError: the same in tf_keras.

    >>> standardize_dtype(float), standardize_dtype(np.float64), standardize_dtype(None)
    ('float32', 'float64', 'float32')
    """
    if dtype is None:
        return floatx()
    if isinstance(dtype, DTypePolicy):
        return dtype.compute_dtype
    from refkeras import semantics

    rules, named = semantics.current(), dtype
    if isinstance(dtype, (type, str)) and dtype in _OF_PYTHON:
        named = _OF_PYTHON[dtype][rules.iterations_dtype == "int32"]
    for attribute in ("name", "__name__"):
        if not isinstance(named, str):
            named = getattr(named, attribute, named)
    if not isinstance(named, str):  # torch.float32, say
        named = str(named).rpartition(".")[2]
    if named not in DTYPES:
        error = TypeError if rules.unknown_dtype == "TypeError" else ValueError
        raise error(f"Invalid dtype: {dtype!r}. Expected one of: {', '.join(DTYPES)}.")
    return named


def array_dtype(dtype: object) -> str:
    """Return Keras's name of a dtype that arrays can have, as `standardize_dtype` does.

    Raises:
        ValueError: one that NumPy does not have, such as `"bfloat16"`.
    """
    name = standardize_dtype(dtype)
    if name in _NOT_OF_NUMPY:
        raise ValueError(f"dtype={dtype!r} is not supported: NumPy, which refkeras computes with, has no {name}.")
    return name


def is_float_dtype(dtype: object) -> bool:
    """Whether a dtype is of floating-point numbers."""
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: object) -> bool:
    """Whether a dtype is of integers, with a sign or without."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def _supported_float(value: object, argument: str) -> str:
    name = value if isinstance(value, str) else standardize_dtype(value)
    if name in FLOAT_DTYPES:
        return name
    raise ValueError(f"{argument}={value!r} is not supported: refkeras computes in {' or '.join(FLOAT_DTYPES)}.")
