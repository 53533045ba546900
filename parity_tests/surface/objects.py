"""The public names of Keras's objects and classes that refkeras's do not have, and why."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import refkeras
from parity_tests.engines import ENGINES
from parity_tests.surface.groups import Group
from refkeras import semantics

__all__ = ["GROUPS", "missing"]

#: Modules whose classes are compared, by the kind that they are of.
MODULES = {
    "layers": "layers",
    "optimizers": "optimizers",
    "optimizers.schedules": "schedules",
    "losses": "losses",
    "metrics": "metrics",
    "callbacks": "callbacks",
    "initializers": "initializers",
    "regularizers": "regularizers",
    "constraints": "constraints",
}

GROUPS = [
    Group(
        "Steps of one's own, and what a backend traces and compiles. refkeras's step has no tape to record other "
        "computations with: a layer or a loss with a `forward` that returns its pullback is trained as any other",
        "train_step test_step predict_step make_train_function make_test_function make_predict_function train_function "
        "test_function predict_function train_tf_function unrolled_steps_per_execution autotune_steps_per_execution "
        "compiled_loss compiled_metrics symbolic_call supports_jit call_signature_parameters rematerialized_call "
        "minimize compute_gradients aggregate_gradients state_updates",
    ),
    Group("As the one before, of tf_keras's optimizers", "jit_compile", ("optimizers",)),
    Group(
        "Calls without state, in the style of JAX",
        "stateless_call stateless_compute_loss stateless_apply stateless_reset_state stateless_result "
        "stateless_update_state get_state_tree set_state_tree",
    ),
    Group(
        "Quantization and LoRA",
        "quantize quantized_build quantized_call quantization_mode quantization_config "
        "get_quantization_layer_structure enable_lora lora_alpha lora_enabled lora_rank variable_serialization_spec",
    ),
    Group("Several devices", "distribute_strategy distribute_reduction_method"),
    Group("Files of TensorFlow, and YAML, which tf_keras refuses as well", "export save_spec to_yaml get_weight_paths"),
    Group(
        "Metrics and updates that a layer adds in a call: a metric that is an attribute of the layer is logged",
        "add_metric add_update",
    ),
    Group("Masks of symbolic tensors", "input_mask output_mask get_input_mask_at get_output_mask_at"),
    Group("Sparse and ragged arrays", "ragged_rank row_splits_dtype"),
    Group(
        "The graphs of TensorFlow 1", "updates dynamic stateful finalize_state compute_output_signature is_placeholder"
    ),
    Group("TensorFlow's modules", "submodules name_scope with_name_scope"),
    Group(
        "Inner parts of recurrent layers",
        "inner_loop single_state get_dropout_mask_for_cell get_recurrent_dropout_mask_for_cell reset_dropout_mask "
        "reset_recurrent_dropout_mask constants_spec state_spec time_major return_runtime",
    ),
    Group("tf_keras's Input's batch size", "batch_size", ("layers",)),
    Group("tf_keras's private part of CallbackList", "make_logs", ("callbacks",)),
    Group(
        "TensorFlow's own variables",
        "SaveSliceInfo batch_scatter_update count_up_to device eval experimental_ref from_proto gather_nd get_shape "
        "handle initialized_value initializer is_initialized load overwrite_with_gradient read_value "
        "read_value_no_copy ref scatter_add scatter_div scatter_max scatter_min scatter_mul scatter_nd_add "
        "scatter_nd_max scatter_nd_min scatter_nd_sub scatter_nd_update scatter_sub scatter_update set_shape "
        "sparse_read to_proto",
        ("variables",),
    ),
    Group(
        "Operations on symbolic tensors (a layer does them), and TensorFlow's own",
        "record_history reshape squeeze experimental_ref from_tensor from_type_spec get_shape is_tensor_like node ref "
        "set_shape type_spec",
        ("tensors",),
    ),
    Group(
        "tf_keras's metrics are layers",
        "activity_regularizer add_loss build build_from_config call compute_dtype compute_mask compute_output_shape "
        "count_params dtype_policy get_build_config get_input_at get_input_shape_at get_output_at get_output_shape_at "
        "get_weights inbound_nodes input input_shape input_spec load_own_variables losses merge_state metrics "
        "non_trainable_variables non_trainable_weights outbound_nodes output output_shape save_own_variables "
        "set_weights supports_masking trainable trainable_variables trainable_weights variable_dtype weights built "
        "reduction",
        ("metrics",),
    ),
]


def _public(owner: Any) -> set[str]:
    """The names that can be asked for; those of an instance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name for name in dir(owner) if not name.startswith("_") and _is_there(owner, name)}


def _is_there(owner: Any, name: str) -> bool:
    try:
        getattr(owner, name)
    except Exception:
        return False
    return True


def _objects(k: Any) -> dict[str, tuple[str, Any]]:
    """Objects that have been used, by name, with their kinds."""
    x = k.layers.Input((4, 3))
    model = k.Model(x, k.layers.Dense(2, name="dense")(k.layers.LSTM(2, name="lstm")(x)))
    stack = k.Sequential([k.layers.Input((3,)), k.layers.Dense(1)])
    for one, data in ((model, (np.ones((4, 4, 3)), np.ones((4, 2)))), (stack, (np.ones((4, 3)), np.ones((4, 1))))):
        one.compile("adam", "mse", metrics=["mae"])
        one.fit(*data, verbose=0)
    lstm, dense = model.get_layer("lstm"), model.get_layer("dense")
    return {
        "functional": ("models", model),
        "stack": ("models", stack),
        "lstm": ("layers", lstm),
        "cell": ("layers", lstm.cell),
        "dense": ("layers", dense),
        "input": ("layers", model.layers[0]),
        "adam": ("optimizers", model.optimizer),
        "mean": ("metrics", k.metrics.Mean()),
        "loss": ("losses", k.losses.MeanSquaredError()),
        "history": ("callbacks", model.history),
        "variable": ("variables", dense.kernel),
        "tensor": ("tensors", x),
    }


def _classes(engine: Any) -> Iterator[tuple[str, str, Any, Any]]:
    for path, kind in MODULES.items():
        ours, theirs = refkeras, engine
        for part in path.split("."):
            ours, theirs = getattr(ours, part), getattr(theirs, part)
        for name in ours.__all__:
            mine, real = getattr(ours, name), getattr(theirs, name, None)
            if isinstance(mine, type) and isinstance(real, type):
                yield f"{path}.{name}", kind, mine, real


def missing(engine: str) -> set[tuple[str, str, str]]:
    """Return `(object, kind, name)` of the names that an engine's classes and objects have, and refkeras's do not."""
    with semantics.use(engine):
        theirs, ours = _objects(ENGINES[engine]), _objects(refkeras)
        pairs = [(what, kind, mine, theirs[what][1]) for what, (kind, mine) in ours.items()]
        # What may be an attribute of every instance, rather than of the class.
        of_kind: dict[str, set[str]] = {}
        for kind, mine in ours.values():
            of_kind.setdefault(kind, set()).update(_public(mine))
        found = {(what, kind, name) for what, kind, mine, real in pairs for name in _public(real) - _public(mine)}
        for what, kind, mine, real in _classes(ENGINES[engine]):
            there = _public(mine) | of_kind.get(kind, set())
            found |= {(what, kind, name) for name in _public(real) - there}
        return found
