"""Objects to and from Keras's JSON-ready records.

A record is `{"module", "class_name", "config", "registered_name"}`
(`keras/src/saving/serialization_lib.py`, Keras 3.15). Only classes that
refkeras itself defines, and those the user registered or passed as
`custom_objects`, are ever made from a record: nothing is imported by name,
and no code comes out of a file.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from refkeras import config as settings
from refkeras import semantics
from refkeras.naming import did_you_mean
from refkeras.saving import sharing
from refkeras.saving.errors import ModelFileError, UnknownObjectError
from refkeras.saving.limits import charge_object
from refkeras.saving.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    members_of,
    public_module,
    register_keras_serializable,
)

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "public_module",
    "register_keras_serializable",
    "serialize_keras_object",
]

_WITH_FUNCTIONS = ("keras.metrics", "keras.losses", "keras.activations")


def serialize_keras_object(obj: Any) -> Any:
    """Return `obj` as JSON-ready data.

    Raises:
        ValueError: `obj` has no `get_config` and is no plain value, or is a lambda.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj.item() if isinstance(obj, np.generic) else obj
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        parts = {part: serialize_keras_object(getattr(obj, part)) for part in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": parts}
    if obj is ...:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, types.FunctionType):
        return _function_record(obj)
    if not hasattr(obj, "get_config"):
        raise ValueError(f"Cannot serialize {obj!r}: it has no get_config() and is no plain Python value.")
    cls = type(obj)
    module, registered = _home(cls)
    record = {
        "module": module,
        "class_name": cls.__name__,
        "config": _plain(obj.get_config()),
        "registered_name": registered,
    }
    for key in ("build_config", "compile_config"):
        get = getattr(obj, f"get_{key}", None)
        inner = None if get is None else get()
        if inner is not None:
            record[key] = _plain(inner)
    sharing.record_of(obj, record)
    return record


def _function_record(function: types.FunctionType) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        raise ValueError(
            "Cannot serialize a lambda: a file that holds code cannot be loaded safely. Define a named function, "
            "and register it with @refkeras.saving.register_keras_serializable()."
        )
    sharing.note(function)
    # Keras names neither the module nor the registration of a function; its own name tells them.
    name = get_registered_name(function)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:
    """Make the object that `config` describes.

    Args:
        config: a record, a plain value, or a class or function name of `module_objects`.
        custom_objects: further classes by name.
        module_objects: the family's own classes and functions by name.
        safe_mode: without effect: a record that holds code is refused in any case.

    Raises:
        ValueError: the record is malformed, or holds code.
        TypeError: it names a class that is not known.
    """
    if config is None or isinstance(config, (bool, int, float)):
        return config
    if isinstance(config, str):
        found = get_registered_object(config, custom_objects) or (module_objects or {}).get(config)
        if found is None and module_objects is not None:
            raise ValueError(f"Unknown name {config!r}.{did_you_mean(config, module_objects)}")
        return config if found is None else found
    if isinstance(config, (list, tuple)):
        return type(config)(deserialize_keras_object(item, custom_objects, module_objects) for item in config)
    if not isinstance(config, dict):
        raise ValueError(f"Cannot deserialize {config!r}: expected a record or a plain value.")
    if "class_name" not in config or "config" not in config:
        return {key: deserialize_keras_object(value, custom_objects, module_objects) for key, value in config.items()}
    charge_object()
    name, inner = config["class_name"], config["config"]
    if not isinstance(name, str):
        raise ModelFileError(f"Damaged record: its class_name is {name!r}, no text.")
    if name.startswith("__") and name.endswith("__"):
        return _special(name, inner)
    if name == "function":
        return _function(config, custom_objects, module_objects)
    return _instance(config, custom_objects, module_objects)


def _instance(config: dict[str, Any], custom: dict[str, Any] | None, module_objects: dict[str, Any] | None) -> Any:
    name, inner = config["class_name"], config["config"]
    inner = {} if inner is None else inner
    shared = sharing.shared_object(config)
    if shared is not None:
        return shared
    target = _class(config, custom, module_objects)
    if not isinstance(inner, (dict, list)):
        raise ModelFileError(f"Damaged record: the config of {name!r} is {type(inner).__name__}, not a dict.")
    if isinstance(target, types.FunctionType) or not hasattr(target, "from_config"):
        return target
    with custom_object_scope(custom or {}):
        instance = target.from_config(inner)
        build_config = config.get("build_config")
        if build_config and hasattr(instance, "build_from_config") and not instance.built:
            instance.build_from_config(build_config)
        compile_config = config.get("compile_config")
        if compile_config and hasattr(instance, "compile_from_config"):
            instance.compile_from_config(compile_config)
    sharing.remember(config, instance)
    return instance


def _special(name: str, inner: Any) -> Any:
    if name in ("__numpy__", "__tensor__") and isinstance(inner, dict) and {"value", "dtype"} <= inner.keys():
        return _array(inner["value"], inner["dtype"])
    if name == "__ellipsis__":
        return ...
    if name == "__bytes__" and isinstance(inner, dict) and isinstance(inner.get("value"), str):
        return inner["value"].encode("utf-8")
    if name == "__slice__" and isinstance(inner, dict) and inner.keys() == {"start", "stop", "step"}:
        return slice(*(deserialize_keras_object(inner[part]) for part in ("start", "stop", "step")))
    if name == "__lambda__":
        raise ModelFileError(
            "Requested the deserialization of a Python lambda. This carries a potential risk of arbitrary code "
            "execution. refkeras runs no code that comes out of a file, with safe_mode=False neither: define the "
            "function in your program and pass it in custom_objects."
        )
    raise ModelFileError(
        f"Not allowed: a record of kind {name!r}. refkeras reads __numpy__, __tensor__, __bytes__, __slice__ and "
        "__ellipsis__."
    )


def _array(value: Any, dtype: Any) -> np.ndarray:
    try:
        name = settings.array_dtype(dtype) if isinstance(dtype, str) else ""
    except (TypeError, ValueError):
        name = ""
    if not name or np.dtype(name).kind not in "biuf":
        raise ModelFileError(f"Not allowed: an array of dtype {dtype!r} in a record.")
    found = np.asarray(value)
    if found.dtype.kind not in "biuf":
        raise ModelFileError(f"Damaged record: an array of {dtype} holds values of kind {found.dtype.name}.")
    return found.astype(name)


def _function(config: dict[str, Any], custom: dict[str, Any] | None, module_objects: dict[str, Any] | None) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise ModelFileError(f"Damaged record: a function is named by {name!r}, no text.")
    found = get_registered_object(name, custom)
    if found is not None:
        return found
    known: dict[str, Any] = {}
    module = config.get("module")
    families = _WITH_FUNCTIONS if module in (None, "builtins") else (module,)
    for family in families:
        known |= members_of(family)
    known |= module_objects or {}
    known = {key: value for key, value in known.items() if isinstance(value, types.FunctionType)}
    if name in known:
        return known[name]
    # Files of Keras 3.6 and before name a function without its package.
    ending = [value for key, value in get_custom_objects().items() if key.partition(">")[2] == name]
    if len(ending) == 1:
        return ending[0]
    raise _unknown("function", name, config, known)


def _class(config: dict[str, Any], custom: dict[str, Any] | None, module_objects: dict[str, Any] | None) -> Any:
    name, module = config["class_name"], config.get("module")
    registered = config.get("registered_name", name)
    # A class of the user's own may be passed by its bare name, under whatever name it was registered.
    for key in (registered, None if members_of(module) else name):
        found = get_registered_object(key, custom) if isinstance(key, str) else None
        if found is not None:
            return found
    # Records of older files name no module.
    known = members_of(module) if module else dict(module_objects or {})
    known = {key: value for key, value in known.items() if hasattr(value, "from_config")}
    if name not in known:
        raise _unknown("class", name, config, known)
    if registered not in (None, "", name):
        raise ModelFileError(
            f"`registered_name={registered!r}` was provided in the config, but '{module}.{name}' resolved to a Keras "
            "built-in and does not use registered names. Remove the `registered_name` field from the config."
        )
    return known[name]


def _unknown(kind: str, name: str, config: dict[str, Any], known: dict[str, Any]) -> UnknownObjectError:
    if name == "Lambda":
        return UnknownObjectError(
            "Could not locate class 'Lambda'. A Lambda layer is code in a file, which refkeras does not run. "
            "Write a layer class instead, register it, and save the model anew."
        )
    module = config.get("module")
    where = f" of {module!r}" if module else ""
    return UnknownObjectError(
        f"Could not locate {kind} {name[:200]!r}{where}.{did_you_mean(name, known)} Only refkeras's own classes and "
        "those that you register with @refkeras.saving.register_keras_serializable() or pass in custom_objects are "
        "made from a file; nothing is imported by name."
    )


def _plain(value: Any) -> Any:
    """Serialize what a `get_config` returned, leaving records that are already made alone."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple):
        return serialize_keras_object(value) if any(_is_object(item) for item in value) else value
    return serialize_keras_object(value) if _is_object(value) else value


def _is_object(value: Any) -> bool:
    return hasattr(value, "get_config") or isinstance(value, (types.FunctionType, np.generic, np.ndarray, np.dtype))


def _home(cls: type) -> tuple[str | None, str | None]:
    """Return the Keras module that a record of `cls` names, and its registered name."""
    parts = cls.__module__.split(".")
    if parts[0] != "refkeras":
        module = None if parts[0] in ("builtins", "__main__") else cls.__module__
        return module, get_registered_name(cls)
    family = parts[1]
    if cls.__name__ == "Functional":
        modern = semantics.current().dtype_policy_in_config
        return ("keras.src.models.functional" if modern else "tf_keras.src.engine.functional"), "Functional"
    if cls.__name__ == "LossFunctionWrapper":
        return "keras.src.losses.losses", "LossFunctionWrapper"
    if family == "models" or family in ("config", "tensor", "variable"):
        return "keras", None
    if family == "optimizers" and "schedules" in parts:
        return "keras.optimizers.schedules", None
    return f"keras.{family}", None
