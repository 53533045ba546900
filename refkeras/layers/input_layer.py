"""`Input` and `InputLayer`: where data enters a graph (`keras/src/layers/core/input_layer.py`)."""

from __future__ import annotations

import warnings
from typing import Any

from refkeras import config, naming, semantics, shapes
from refkeras.layers.base import Layer
from refkeras.symbolic import KerasTensor, Node

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The layer behind an `Input`.

    Args:
        shape: sizes without the batch axis; None where any size will do.
        batch_size: fixed batch size.
        dtype: of the values; `floatx()` by default.
        batch_shape: sizes with the batch axis, instead of `shape` and `batch_size`.
        input_tensor: an existing symbolic tensor to stand for.
        optional: accept None for this input.
        name: `input_layer`, `input_layer_1`, ... by default.

    Raises:
        ValueError: no shape, both shapes, a size that is no non-negative integer, sparse or ragged inputs.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" in kwargs:
            shape = kwargs.pop("input_shape")
            if semantics.current().input_shape_warns:
                warnings.warn("Argument `input_shape` is deprecated. Use `shape` instead.", stacklevel=2)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        super().__init__(name=_automatic_name() if name is None else name, **kwargs)
        if isinstance(input_tensor, KerasTensor):
            _check_against(input_tensor, shape, batch_size, batch_shape, dtype, sparse)
        if sparse or ragged:
            raise ValueError(f"sparse={sparse} and ragged={ragged} are not supported: refkeras has dense arrays only.")
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(
                    "Argument `input_tensor` must be a KerasTensor. Received invalid type: "
                    f"input_tensor={input_tensor} (of type {type(input_tensor)})"
                )
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        else:
            batch_shape = _batch_shape(shape, batch_size, batch_shape)
        self.batch_shape: tuple[int | None, ...] = shapes.checked(batch_shape)
        self._dtype = config.standardize_dtype(dtype)
        self.optional = optional
        if input_tensor is None:
            input_tensor = KerasTensor(self.batch_shape, self._dtype, name=name)
        Node(self, (), {}, input_tensor)
        self.built = True

    #: Arrays are dense.
    sparse, ragged = False, False

    def call(self) -> None:  # type: ignore[override]
        """None: an input is not called."""

    @property
    def dtype(self) -> str:  # type: ignore[override]
        return self._dtype

    def forward(self, inputs: Any) -> Any:
        return inputs, lambda d_outputs: (d_outputs, [])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        if not semantics.current().dtype_policy_in_config:
            return {
                "batch_input_shape": self.batch_shape,
                "dtype": self.dtype,
                "sparse": False,
                "ragged": False,
                "name": self.name,
                "optional": self.optional,
            }
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(  # noqa: N802
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """Return a symbolic tensor that stands for the data.

    Arguments and errors are those of `InputLayer`.

    Example:

        >>> import refkeras
        >>> refkeras.Input(shape=(15, 5)).shape
        (None, 15, 5)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output


def _automatic_name() -> str:
    if semantics.current().input_base_name == "input_layer":
        return naming.auto_name("input_layer")
    # tf_keras counts inputs from 1: input_1, input_2, ...
    _, _, count = naming.auto_name("input").partition("_")
    return f"input_{int(count or 0) + 1}"


def _check_against(tensor: KerasTensor, shape: Any, batch_size: Any, batch_shape: Any, dtype: Any, sparse: Any) -> None:
    """Check that what is said beside a tensor is so.

    Raises:
        ValueError: an argument that says otherwise.
    """
    dtype = None if dtype is None else config.standardize_dtype(dtype)
    wrong = {
        "batch_size": (batch_size, tensor.shape[0] if tensor.shape else "none"),
        "shape": (None if shape is None else tuple(shape), tensor.shape[1:]),
        "batch_shape": (None if batch_shape is None else tuple(batch_shape), tensor.shape),
        "dtype": (dtype, tensor.dtype),
        "sparse": (sparse, tensor.sparse),
    }
    for name, (said, found) in wrong.items():
        if said is not None and said != found:
            raise ValueError(
                f"When providing the `input_tensor` argument, you cannot provide an incompatible `{name}` argument. "
                f"Received: {name}={said}; the tensor's is {found}."
            )


def _batch_shape(shape: Any, batch_size: int | None, batch_shape: Any) -> Any:
    if shape is not None and batch_shape is not None:
        raise ValueError("You cannot pass both `shape` and `batch_shape` at the same time.")
    if batch_size is not None and batch_shape is not None:
        raise ValueError("You cannot pass both `batch_size` and `batch_shape` at the same time.")
    if shape is None and batch_shape is None:
        raise ValueError("You must pass a `shape` argument.")
    if batch_shape is not None:
        return batch_shape
    if isinstance(shape, int) and semantics.current().input_base_name == "input_1":
        shape = (shape,)
    return (batch_size, *shapes.checked(shape))
