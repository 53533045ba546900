"""Masks in recorded graphs.

Keras 3 records the mask that a layer is called with as operations beside the
layers: `Any(NotEqual(x, 0.0))` for that of a `Masking` layer. refkeras lets
masks travel with the values, so a recorded mask is compared with the one that
will arrive by itself, and left out if it is the same.
"""

from __future__ import annotations

from typing import Any

from refkeras.saving.errors import ModelFileError, UnknownObjectError
from refkeras.symbolic import KerasTensor

__all__ = ["RecordedMasks"]

#: By class, the arguments that an operation's record holds.
_OPERATIONS: dict[str, tuple[str, ...]] = {
    "NotEqual": (),
    "Any": ("axis", "keepdims"),
    "LogicalOr": (),
    "ExpandDims": ("axis",),
    "ZerosLike": ("dtype",),
    "OnesLike": ("dtype",),
    "Concatenate": ("axis",),
}


class RecordedMasks:
    """The operations of one recorded graph, and what they stand for."""

    def __init__(self) -> None:
        self._records: dict[str, dict[str, Any]] = {}
        # Equal expressions get equal numbers, so that comparing takes no time however they are nested.
        self._numbers: dict[Any, int] = {}
        self._known: dict[Any, int | None] = {}

    def add(self, record: dict[str, Any]) -> bool:
        """Take a record that is an operation's; return False if it is a layer's."""
        module, name = record.get("module"), record.get("class_name")
        of_operation = isinstance(module, str) and module.startswith("keras.src.ops.")
        # Older files name no module; layers say whether they are trainable.
        if of_operation or (module is None and name in _OPERATIONS and "trainable" not in record.get("config", ())):
            if name not in _OPERATIONS:
                raise UnknownObjectError(
                    f"The model calls the operation {name!r} of {module!r} as {record.get('name')!r}. refkeras has "
                    "layers only: use a layer instead, such as Add in place of `+`."
                )
            self._records[record["name"]] = record
            return True
        return False

    def is_operation(self, name: Any) -> bool:
        return name in self._records

    def stands_for(self, name: str, find: Any) -> int | None:
        """Return the number of the expression that operation `name` computes, or None if an input is not there yet.

        Args:
            name: its name.
            find: `(layer name, call, position) -> KerasTensor or None`.
        """
        if name in self._known:
            return self._known[name]
        record = self._records[name]
        calls = record["inbound_nodes"]
        if len(calls) != 1 or calls[0]["kwargs"]:
            raise ModelFileError(f"Damaged graph: operation {name!r} is called in a way that Keras does not record.")
        arguments = [self._argument(item, find) for item in calls[0]["args"]]
        if any(argument is None for argument in arguments):
            return None
        config = record["config"]
        kind = record["class_name"]
        found = self._number(kind, *(config.get(key) for key in _OPERATIONS[kind]), *arguments)
        self._known[name] = found
        return found

    def _argument(self, item: Any, find: Any) -> Any:
        if isinstance(item, list):
            found = [self._argument(inner, find) for inner in item]
            return None if any(inner is None for inner in found) else tuple(found)
        if not isinstance(item, dict):
            return ("value", item)
        history = item["config"]["keras_history"]
        if history[0] in self._records:
            return self.stands_for(history[0], find)
        tensor = find(*history)
        return None if tensor is None else ("tensor", id(tensor))

    def _number(self, *expression: Any) -> int:
        return self._numbers.setdefault(expression, len(self._numbers))

    def give_names(self, name: str, mask: KerasTensor | None) -> None:
        """Name the operations noted for a mask as they are named in the record."""
        if mask is None or name not in self._records:
            return
        operation = mask._keras_history.operation
        operation.name = name
        inner = [
            item["config"]["keras_history"][0] for item in _tensors(self._records[name]["inbound_nodes"][0]["args"])
        ]
        for inner_name, tensor in zip(inner, operation._inbound_nodes[0].input_tensors, strict=False):
            self.give_names(inner_name, tensor)

    # -- what arrives by itself ------------------------------------------------------

    def automatic(self, tensor: KerasTensor) -> int | None:
        """Return the number of the expression for the mask that travels with a tensor, or None if none does."""
        key = ("mask of", id(tensor))
        if key not in self._known:
            self._known[key] = self._mask_of(tensor)
        return self._known[key]

    def _mask_of(self, tensor: KerasTensor) -> int | None:
        from refkeras import layers
        from refkeras.layers.merging import Elementwise
        from refkeras.models.model import Model

        layer, index, position = tensor._keras_history
        node = layer._inbound_nodes[index]
        if isinstance(layer, layers.InputLayer):
            return None
        first = node.args[0] if node.args else next(iter(node.kwargs.values()))
        if isinstance(layer, layers.Masking):
            differs = self._number("NotEqual", ("tensor", id(first)), ("value", layer.mask_value))
            return self._number("Any", -1, False, differs)
        if isinstance(layer, layers.Concatenate):
            return self._concatenated(layer.axis, first)
        if isinstance(first, (list, tuple)):
            return self._either(first) if isinstance(layer, Elementwise) else None
        given = node.kwargs.get("mask")
        if isinstance(layer, Model) or not layer.supports_masking or not isinstance(first, KerasTensor):
            return None
        if isinstance(layer, layers.LSTM) and (position != 0 or not layer.return_sequences):
            return None
        # A mask that was given is an expression of its own: that tensor's values.
        return self._number("given", id(given)) if isinstance(given, KerasTensor) else self.automatic(first)

    def _either(self, inputs: Any) -> int | None:
        masks = [self.automatic(x) for x in inputs]
        found = masks[0]
        for mask in masks[1:]:
            if found is None or mask is None:
                return None
            found = self._number("LogicalOr", found, mask)
        return found

    def _concatenated(self, axis: int, inputs: Any) -> int | None:
        masks = [self.automatic(x) for x in inputs]
        if all(mask is None for mask in masks):
            return None
        parts = []
        for x, mask in zip(inputs, masks, strict=True):
            tensor = ("tensor", id(x))
            if mask is None:
                parts.append(self._number("OnesLike", "bool", tensor))
            elif x.ndim > 2:
                wide = self._number("ExpandDims", -1, mask)
                parts.append(self._number("LogicalOr", wide, self._number("ZerosLike", "bool", tensor)))
            else:
                parts.append(mask)
        return self._number("Any", -1, False, self._number("Concatenate", axis, tuple(parts)))


def _tensors(arguments: Any) -> list[dict[str, Any]]:
    """Return the records of tensors among recorded arguments, in order."""
    if isinstance(arguments, list):
        return [found for item in arguments for found in _tensors(item)]
    return [arguments] if isinstance(arguments, dict) else []
