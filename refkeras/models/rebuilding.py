"""Makes functional models from recorded graphs, in the node formats of both Keras generations."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from refkeras import semantics
from refkeras.models.configuring import first_node
from refkeras.models.recorded_masks import RecordedMasks
from refkeras.saving.errors import ModelFileError, UnknownObjectError
from refkeras.saving.limits import charge_call
from refkeras.saving.registration import members_of
from refkeras.saving.serialization import deserialize_keras_object
from refkeras.symbolic import KerasTensor

if TYPE_CHECKING:
    from refkeras.layers.base import Layer

__all__ = ["functional_from_config", "layer_from_record"]


class _Missing(Exception):  # noqa: N818 - not an error: the tensor comes later
    """A call's input is not there yet."""


def functional_from_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Make a functional model from `functional_config`'s result, or from tf_keras's form of it.

    Raises:
        ValueError: the calls refer to layers or calls that do not exist.
    """
    config = copy.deepcopy(config)
    records, inputs, outputs = (config.pop(key) for key in ("layers", "input_layers", "output_layers"))
    graph = _Graph(records, custom_objects, config.get("name"))
    graph.make_calls()
    if not semantics.current().dtype_policy_in_config:
        config.pop("trainable", None)  # tf_keras leaves it to the layers
    return cls(inputs=graph.structure(inputs), outputs=graph.structure(outputs), **config)


def layer_from_record(record: dict[str, Any], custom_objects: dict[str, Any] | None = None, place: str = "") -> Layer:
    """Make the layer that a record describes, of either generation.

    Args:
        record: the record; without `module` in files of the older format.
        custom_objects: further classes by name.
        place: where it stands in its model, for messages.

    Raises:
        ValueError: it describes something else, or a layer that is not known.
    """
    from refkeras.layers.base import Layer

    if not isinstance(record, dict):
        raise ModelFileError(f"Damaged record{place}: {type(record).__name__}, not a dict.")
    inner = {key: value for key, value in record.items() if key not in ("name", "inbound_nodes")}
    known = None if "module" in record else {**members_of("keras.layers"), **members_of("keras")}
    try:
        layer = deserialize_keras_object(inner, custom_objects, known)
    except UnknownObjectError as error:
        if not place:
            raise
        raise UnknownObjectError(f"{error} It stands{place}.") from error
    if not isinstance(layer, Layer):
        raise ModelFileError(f"Unexpected object from deserialization, expected a layer{place}, got a {type(layer)}.")
    return layer


class _Graph:
    """The layers of a recorded graph, and their calls."""

    def __init__(self, records: Any, custom_objects: dict[str, Any] | None, model: Any) -> None:
        self._layers: dict[str, Layer] = {}
        self._pending: list[tuple[Layer, Any]] = []
        self._masks = RecordedMasks()
        self._custom_objects = custom_objects
        self._old_format = False
        for number, record in enumerate(records, 1):
            if isinstance(record, dict) and self._masks.add(record):
                continue
            name = record.get("name") if isinstance(record, dict) else None
            layer = layer_from_record(record, custom_objects, f" as layer {number} ({name!r}) of model {model!r}")
            if not isinstance(name, str) or name in self._layers:
                raise ModelFileError(f"Damaged graph: layer {number} of model {model!r} is named {name!r}, as another.")
            self._layers[name] = layer
            calls = record["inbound_nodes"]
            self._pending.extend((layer, call) for call in calls)
            self._old_format |= any(isinstance(call, list) or "args" not in call for call in calls)

    def make_calls(self) -> None:
        """Repeat the recorded calls, each as soon as its inputs are there."""
        while self._pending:
            waiting: list[tuple[Layer, Any]] = []
            blocked: set[int] = set()
            for layer, call in self._pending:
                # A layer's calls are made in their order, because they are referred to by number.
                if id(layer) in blocked or not self._make_call(layer, call):
                    charge_call(layer)
                    blocked.add(id(layer))
                    waiting.append((layer, call))
            if len(waiting) == len(self._pending):
                names = [layer.name for layer, _ in waiting]
                raise ValueError(
                    "Invalid Functional model configuration. The graph of the Functional model either has loops or "
                    f"disconnected nodes. The following nodes failed to be resolved: {names[:20]}"
                )
            self._pending = waiting

    def structure(self, given: Any) -> Any:
        """Return the model's inputs or outputs."""
        if self._old_format and isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
            given = given[0]  # tf_keras puts a single tensor in a list
        if isinstance(given, (list, tuple)) and len(given) == 3 and isinstance(given[0], str):
            found = self._find(*given, first=self._first_node(given[0]))
            if found is None:
                raise ValueError(f"Invalid Functional model configuration: there is no tensor {given}.")
            return found
        if isinstance(given, dict):
            return {key: self.structure(value) for key, value in given.items()}
        if not isinstance(given, (list, tuple)):
            raise ModelFileError(f"Damaged graph: {given!r} is no tensor.")
        return type(given)(self.structure(value) for value in given)

    def _first_node(self, name: Any) -> int:
        return first_node(self._layers[name], self._old_format) if name in self._layers else 0

    def _find(self, name: Any, node: Any, position: Any, *, first: int = 0) -> KerasTensor | None:
        """Return the tensor that a layer's call made, or None if it has not been made; calls count from `first`."""
        if self._masks.is_operation(name):
            raise ModelFileError(
                f"The graph uses the result of the operation {name!r} as more than a mask. refkeras has layers only."
            )
        layer = self._layers.get(name)
        if layer is None:
            raise ModelFileError(f"Damaged graph: it refers to layer {name!r}, which it does not hold.")
        node -= first
        if node < 0 or position < 0:
            raise ModelFileError(f"Damaged graph: it refers to call {node}, output {position} of layer {name!r}.")
        if node >= len(layer._inbound_nodes):
            return None
        outputs = layer._inbound_nodes[node].outputs
        if position >= len(outputs):
            raise ModelFileError(f"Damaged graph: layer {name!r} has {len(outputs)} outputs, not {position + 1}.")
        return outputs[position]

    def _get(self, name: Any, node: Any, position: Any) -> KerasTensor:
        # Keras 3 counts a nested model's calls from 0 here, and from 1 in the model's inputs and outputs.
        found = self._find(name, node, position, first=self._first_node(name) if self._old_format else 0)
        if found is None:
            raise _Missing
        return found

    def _make_call(self, layer: Layer, call: Any) -> bool:
        """Repeat one recorded call; return False if its inputs are not there yet."""
        try:
            if isinstance(call, list) or "args" not in call:
                args, kwargs = self._old_arguments(layer, call)
            else:
                args, kwargs = self._arguments(layer, call)
        except _Missing:
            return False
        layer(*args, **kwargs)
        return True

    # -- Keras 3: {"args": [...], "kwargs": {...}} ---------------------------------------

    def _arguments(self, layer: Layer, call: Any) -> tuple[list[Any], dict[str, Any]]:
        args = [self._leaf(item) for item in call["args"]]
        given = dict(call["kwargs"])
        mask = given.get("mask")
        if self._is_recorded(mask):
            self._check_mask(layer, args, mask)
            given["mask"] = None
        return args, {key: self._leaf(value) for key, value in given.items()}

    def _is_recorded(self, mask: Any) -> bool:
        return isinstance(mask, dict) and self._masks.is_operation(mask["config"]["keras_history"][0])

    def _check_mask(self, layer: Layer, args: list[Any], mask: Any) -> None:
        recorded = self._masks.stands_for(mask["config"]["keras_history"][0], self._find)
        if recorded is None:
            raise _Missing
        arriving = args[0] if args and isinstance(args[0], KerasTensor) else None
        if arriving is None or self._masks.automatic(arriving) != recorded:
            raise ModelFileError(
                f"Layer {layer.name!r} is called with a mask other than the one that its input carries. refkeras reads "
                "masks that layers make themselves, and masks that are inputs of the model."
            )
        self._masks.give_names(mask["config"]["keras_history"][0], arriving._keras_mask)

    def _leaf(self, item: Any) -> Any:
        if isinstance(item, dict) and item.get("class_name") == "__keras_tensor__":
            return self._get(*item["config"]["keras_history"])
        if isinstance(item, dict) and "class_name" in item:
            return deserialize_keras_object(item, self._custom_objects)
        if isinstance(item, dict):
            return {key: self._leaf(value) for key, value in item.items()}
        if isinstance(item, list):
            return [self._leaf(value) for value in item]
        return item

    # -- tf_keras: [[name, call, output, keywords], ...] -----------------------------------

    def _old_arguments(self, layer: Layer, call: Any) -> tuple[list[Any], dict[str, Any]]:
        first, keywords = self._old_first(call)
        if isinstance(first, list) and len(first) == 1:
            first = first[0]
        kwargs = {key: self._old_keyword(value) for key, value in keywords.items()}
        if isinstance(first, list) and hasattr(layer, "cell"):
            first, kwargs["initial_state"] = first[0], first[1:]
        return [first], kwargs

    def _old_first(self, call: Any) -> tuple[Any, dict[str, Any]]:
        if isinstance(call, list) and call and isinstance(call[0], str):
            if len(call) not in (3, 4):
                raise ModelFileError("Improperly formatted model config.")
            return self._get(*call[:3]), (call[3] if len(call) == 4 else {})
        if not isinstance(call, (list, dict)) or not call:
            raise ModelFileError("Improperly formatted model config.")
        items = call.values() if isinstance(call, dict) else call
        found = [self._old_first(item) for item in items]
        values = [value for value, _ in found]
        return (dict(zip(call, values, strict=True)) if isinstance(call, dict) else values), found[-1][1]

    def _old_keyword(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) == 3 and value[0] in self._layers:
            return self._get(*value)
        if isinstance(value, list):
            return [self._old_keyword(item) for item in value]
        return value
