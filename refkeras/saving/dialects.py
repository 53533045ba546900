"""Configurations of one Keras generation, put into the terms of the one in force.

What one generation records and the other does not know is left out where it
says nothing (`time_major: false`); where it says something, it stays, and the
layer or optimizer that does not know it refuses it by name.
"""

from __future__ import annotations

from typing import Any

from refkeras import semantics

__all__ = ["generation_in_force", "generation_of", "translate"]

_ANY = object()
#: What only tf_keras (and Keras 2.0) records, with the values that mean what Keras 3 does anyway.
_OLD_ONLY: dict[str, tuple[Any, ...]] = {
    "time_major": (False,),
    "implementation": (_ANY,),
    "jit_compile": (_ANY,),
    "is_legacy_optimizer": (False,),
    "decay": (0.0,),
    "sample_weight_mode": (None,),
}
#: What only Keras 3 records.
_NEW_ONLY: dict[str, tuple[Any, ...]] = {
    "zero_output_for_mask": (False,),
    "quantization_config": (None,),
    "input_axes": (None,),
    "output_axes": (None,),
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
    "optional": (False,),
    "seed": (None,),
}
#: Classes that have a `seed` in both generations.
_SEEDED = frozenset(
    {
        *("Dropout", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"),
        *("Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling"),
    }
)
_COMPILE_DEFAULTS = ("run_eagerly", "steps_per_execution", "jit_compile")


def generation_in_force() -> int:
    """Return 3 or 2."""
    return 3 if semantics.current().files == "keras-3" else 2


def generation_of(version: Any, config: Any) -> int:
    """Return the generation of Keras that wrote a configuration: 3 or 2.

    Args:
        version: its `keras_version`, if the file tells.
        config: the model's record.
    """
    if isinstance(version, str) and version[:2] in ("3.", "2.", "1."):
        return 3 if version[0] == "3" else 2
    return 2 if str(config.get("module")).startswith("tf_keras") or "module" not in config else 3


def translate(config: Any, generation: int) -> Any:
    """Return a configuration of a generation in the terms of the one in force."""
    if isinstance(config, list):
        return [translate(item, generation) for item in config]
    if not isinstance(config, dict):
        return config
    found = {key: translate(value, generation) for key, value in config.items()}
    if isinstance(found.get("compile_config"), dict) and generation == 2:
        for key in _COMPILE_DEFAULTS:
            if found["compile_config"].get(key, 0) is None:
                del found["compile_config"][key]
    if isinstance(found.get("class_name"), str) and isinstance(found.get("config"), dict):
        found["config"] = _translated_config(found["class_name"], found["config"], generation)
    return found


def _translated_config(class_name: str, config: dict[str, Any], generation: int) -> dict[str, Any]:
    if generation == 2:
        # tf_keras names the function of a loss, which its class tells as well.
        if "reduction" in config and isinstance(config.get("fn"), str) and class_name != "LossFunctionWrapper":
            config = {key: value for key, value in config.items() if key != "fn"}
        if config.get("reduction") == "auto":
            config = {**config, "reduction": "sum_over_batch_size"}
    if generation == generation_in_force():
        return config
    silent = _OLD_ONLY if generation == 2 else _NEW_ONLY
    if generation == 2 and "lr" in config and "learning_rate" not in config:
        config = {("learning_rate" if key == "lr" else key): value for key, value in config.items()}
    return {key: value for key, value in config.items() if not _says_nothing(class_name, key, value, silent)}


def _says_nothing(class_name: str, key: str, value: Any, silent: dict[str, tuple[Any, ...]]) -> bool:
    if key == "seed" and class_name in _SEEDED:
        return False
    neutral = silent.get(key, ())
    return any(item is _ANY or (type(item) is type(value) and item == value) for item in neutral)
