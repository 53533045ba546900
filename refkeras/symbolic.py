"""Symbolic tensors and the nodes that connect them (`keras.KerasTensor`, `keras.src.ops.node`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from refkeras import config, naming, semantics, tree

if TYPE_CHECKING:
    from refkeras.layers.base import Layer

__all__ = ["KerasHistory", "KerasTensor", "Node", "any_symbolic"]


class KerasHistory(NamedTuple):
    """Where a symbolic tensor comes from: `operation` made it in its call `node_index`, as output `tensor_index`."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor:
    """A tensor that has a shape, a dtype and a history, and no values yet.

    Args:
        shape: sizes; None where a size is known only at run time.
        dtype: defaults to `floatx()`.
        sparse, ragged: False: refkeras has dense arrays only.
        name: defaults to `keras_tensor`, `keras_tensor_1`, ...

    Raises:
        ValueError: a sparse or ragged one.
    """

    sparse = ragged = False

    def __init__(
        self, shape: Any, dtype: Any = None, name: str | None = None, *, sparse: bool = False, ragged: bool = False
    ) -> None:
        if sparse or ragged:
            raise ValueError(f"sparse={sparse} and ragged={ragged} are not supported: refkeras has dense arrays only.")
        self.shape: tuple[int | None, ...] = tuple(shape)
        self.dtype = config.standardize_dtype(dtype)
        self.name = name or naming.auto_name("keras_tensor")
        self._keras_history: KerasHistory
        self._keras_mask: KerasTensor | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    rank = ndim

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ValueError(
            "A KerasTensor is symbolic: it's a placeholder for a shape and a dtype. It doesn't have any actual "
            "numerical value, so it cannot be used with NumPy functions. To compute with it while a model is being "
            "built, use a layer, such as refkeras.layers.Add()([a, b]), or a Layer subclass with a forward method."
        )

    def _refuse(self, *args: Any) -> NoReturn:
        raise TypeError(
            f"Operators do not work on symbolic tensors in refkeras; {self.name!r} is one. Use a layer instead, such "
            "as refkeras.layers.Add()([a, b]), or a Layer subclass with a forward method."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __matmul__ = __rmatmul__ = __pow__ = __neg__ = __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __iter__(self) -> NoReturn:
        raise TypeError("Iterating over a symbolic KerasTensor is not supported.")

    def __bool__(self) -> NoReturn:
        raise TypeError("A symbolic KerasTensor cannot be used as a boolean.")


class Node:
    """One call of a layer on symbolic tensors.

    Args:
        operation: the layer.
        args, kwargs: what it was called with, symbolic tensors among them.
        outputs: the structure of symbolic tensors that it returned.
        mask_tensors: the masks that it was given, as operations; worked out from its inputs by default.
    """

    def __init__(
        self,
        operation: Layer,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        outputs: Any,
        mask_tensors: list[KerasTensor] | None = None,
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.input_tensors = [t for t in tree.flatten([args, kwargs]) if isinstance(t, KerasTensor)]
        self.outputs = tree.flatten(outputs)
        self.output_structure = outputs
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, tensor in enumerate(self.outputs):
            tensor._keras_history = KerasHistory(operation, index, i)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)
        self.mask_tensors: list[KerasTensor] = mask_tensors or []
        if mask_tensors is None and semantics.current().masks_are_operations:
            from refkeras.models.mask_operations import note_masks

            note_masks(self)

    @property
    def is_input(self) -> bool:
        return not self.input_tensors

    @property
    def output_tensors(self) -> list[KerasTensor]:
        return self.outputs

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made the inputs, in order, each once."""
        parents: list[Node] = []
        for tensor in self.input_tensors:
            history = getattr(tensor, "_keras_history", None)
            if history is None:  # made by hand
                continue
            node = history.operation._inbound_nodes[history.node_index]
            if node not in parents:
                parents.append(node)
        return parents

    def __repr__(self) -> str:
        return f"<Node operation={self.operation.name}, id={id(self)}>"


def any_symbolic(*structures: Any) -> bool:
    """Whether a KerasTensor is among the leaves."""
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(list(structures)))
