"""Where Kerases differ: one named field per behaviour, one preset per engine.

Keras disagrees with itself, between releases, between backends, and between
eager and graph execution. Each such point is one field of `Semantics`; the
rest of the package asks `current()` and never asks for a version. Every field
has a test in `parity_tests` that shows its values on the real engines.

    >>> import refkeras
    >>> refkeras.semantics.current().name
    'keras-3@tensorflow'
    >>> with refkeras.semantics.use("tf_keras"):
    ...     refkeras.semantics.current().model_base_name
    'model'
"""

from __future__ import annotations

import dataclasses
import difflib
import os
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

__all__ = ["PRESETS", "Differences", "Semantics", "current", "diff", "get", "use"]


def one_of(*values: Any, doc: str) -> Any:
    """Declare a field with its permitted values (the first is Keras 3's) and its meaning."""
    return field(default=values[0], metadata={"values": values, "doc": doc})


@dataclass(frozen=True, kw_only=True, eq=False)
class Semantics:
    """One engine's answers to the questions on which engines differ."""

    name: str = "custom"

    # -- scripts -------------------------------------------------------------
    keras_version: str = one_of("3.15.1", "2.21.0", "2.0.4", doc="What `keras.__version__` says under `refkeras run`.")

    # -- names ---------------------------------------------------------------
    model_base_name: str = one_of("functional", "model", doc="Base of a functional model's automatic name.")
    input_base_name: str = one_of(
        "input_layer", "input_1", doc="Automatic name of the first Input: a bare name, or counted from 1."
    )
    sliced_inputs_are_named: str = one_of(
        "CLONE",
        "counted",
        doc="The Input of a model that begins at a layer's output: that output's name and CLONE, or as other Inputs.",
    )
    output_names_are_unique: bool = one_of(
        False, True, doc="Of several outputs of one layer the second is called `name_1`, rather than `name` again."
    )
    variables_have_truth: bool = one_of(
        False, True, doc="`bool(variable)` is that of its one value, rather than a TypeError."
    )
    private_name_prefix: bool = one_of(
        False, True, doc="A class `_Priv` is auto-named `private__priv` rather than `__priv`."
    )

    slash_in_layer_name: bool = one_of(
        False, True, doc="Layer names may have slashes; then a name that is no string is a TypeError, not a ValueError."
    )

    # -- settings ---------------------------------------------------------------
    training_is_limited: bool = one_of(
        True, False, doc="The limits that config.set_max_epochs and config.set_max_steps_per_epoch set hold."
    )
    unknown_dtype: str = one_of("ValueError", "TypeError", doc="The exception for a dtype that there is none of.")
    is_keras_tensor_raises: bool = one_of(
        False, True, doc="backend.is_keras_tensor is a ValueError for what is no tensor and no variable."
    )

    # -- layers and models ----------------------------------------------------
    unknown_argument_is_type_error: bool = one_of(
        False, True, doc="An unknown keyword argument of a layer is a TypeError rather than a ValueError."
    )
    dtype_policy_in_config: bool = one_of(
        True, False, doc="A layer's config holds its dtype as a policy record rather than as a name."
    )

    input_shape_warns: bool = one_of(
        True,
        False,
        doc="A layer that is given `input_shape` or `input_dim` warns that an Input is preferred, and has no argument "
        "`batch_input_shape`.",
    )
    node_attributes: str = one_of(
        "input and output",
        "structures",
        "lists",
        doc="What a layer tells of its calls: `input` and `output` of the first, of which an Input has no input and an "
        "uncalled Sequential neither; or `input_shape`, `get_output_at` and the like, too, of the nested tensors of a "
        "call, or of the list of them, where `input` and `output` of a layer that was called twice are errors.",
    )

    # -- compile ---------------------------------------------------------------
    method_arguments: str = one_of(
        "keras-3",
        "tf_keras",
        "keras-2.0",
        doc="The arguments of compile, fit, evaluate, predict and the methods of one batch, and their order; what "
        "get_compile_config gives.",
    )
    generator_methods: str = one_of(
        "none",
        "deprecated",
        "own",
        doc="fit_generator, evaluate_generator and predict_generator: there are none, or they say that they are "
        "deprecated and are fit, evaluate and predict, or they need a number of steps and check what is yielded.",
    )
    class_predictions: bool = one_of(False, True, doc="A Sequential has predict_proba and predict_classes.")
    output_matching: str = one_of(
        "exact",
        "conform",
        doc="How losses, weights, metrics and targets are laid over the outputs: their structures must fit, or what is "
        "missing is None and what is single serves every output.",
    )
    loss_weights_checked: bool = one_of(
        True, False, doc="compile() refuses loss_weights that are not a Python float, list, tuple or dict."
    )
    metrics_are_listed: bool = one_of(
        True, False, doc="compile() refuses metrics that are not a list, tuple or dict, such as metrics='mae'."
    )
    crossentropy_by_shape: str = one_of(
        "loss", "metric", "never", doc="Where 'crossentropy' or 'ce' stands for the one that the shapes ask for."
    )
    loss_class_is_instantiated: bool = one_of(
        True, False, doc="A class given as a loss or metric is called; otherwise it is a TypeError."
    )
    unknown_metric: str = one_of("ValueError", "TypeError", doc="The exception for an unknown metric name.")
    metric_names: str = one_of(
        "as given",
        "as found",
        "function name",
        doc="What a metric given by name is called in the logs: the string itself; for class names the class's own "
        "name; or always the function's name, and accuracy (in lower case only) `acc`.",
    )
    duplicate_metrics: str = one_of(
        "numbered",
        "refused",
        "all numbered",
        doc="Two metrics of one name are logged as `mae` and `mae_1`, are a ValueError, or are `mae_1` and `mae_2`.",
    )
    accuracy_from_loss: bool = one_of(
        False, True, doc="'accuracy' is chosen by the output's loss function rather than by the shapes."
    )
    log_order: str = one_of("sorted", "declared", doc="The order of keys in logs and History.")
    part_losses_count: str = one_of(
        "batches",
        "rows",
        doc="How the mean of a per-output loss weighs batches: each as one (only run_eagerly weighs rows), or by rows.",
    )
    dict_outputs: str = one_of(
        "kept",
        "sorted by models",
        "sorted by compilation",
        doc="The order of keys where outputs are a dict: as the model has them; alphabetical in what a functional "
        "model returns, and where a list of losses is laid over them; or alphabetical for losses and metrics, and in "
        "what a compiled `predict` returns. In both latter cases a layer called on symbolic tensors sorts them, too: "
        "where shapes are tried out or told, or (the last) only where they are tried out.",
    )
    resolved_at_compile: bool = one_of(
        False,
        True,
        doc="compile() finds losses and metrics, wants lists with one entry per output, and then one target for each "
        "output that has a loss; otherwise the first batch decides.",
    )
    recompile_keeps: bool = one_of(
        True, False, doc="compile() without loss, or without any metrics, keeps those of the compile() before."
    )
    targets_match_predictions: bool = one_of(
        False, True, doc="In training, y (B,) becomes (B, 1) for predictions of rank 2, and takes their dtype."
    )

    built_for_batch_size: tuple[str, ...] = one_of(
        ("predict", "on_batch"),
        ("on_batch",),
        ("fit", "predict", "on_batch"),
        doc="The methods that build a Sequential model without Input for the size of their first batch, which its "
        "shapes then show (fit stands for evaluate, too; run_eagerly for all); after others, the batch size is None, "
        "unless all are known to have one.",
    )

    # -- data ------------------------------------------------------------------
    fit_counts_checked: bool = one_of(
        False,
        True,
        doc="batch_size, steps, epochs and initial_epoch that are not positive, and empty data, are a ValueError; "
        "otherwise 0 stands for the default and there may be no batch.",
    )
    batch_size_is_int: bool = one_of(
        False, True, doc="A batch_size that is no Python int, such as NumPy's or True, is a ValueError."
    )
    missing_x: str = one_of("ValueError", "TypeError", doc="The exception for x=None where there are targets.")
    plain_lists_are_data: bool = one_of(False, True, doc="Nested lists of numbers are taken as arrays.")
    class_weight_missing: str = one_of(
        "one",
        "error",
        "KeyError",
        doc="The weight of a class that class_weight lacks; if an error, its keys must be 0 to n-1, and {} is none.",
    )
    class_and_sample_weights: str = one_of(
        "refused", "multiplied", "sample weights", doc="What counts when class_weight and sample_weight are both given."
    )
    sample_weight_list: str = one_of(
        "ValueError", "AttributeError", doc="The exception for sample weights in a list of numbers."
    )
    shuffle_case: str = one_of("kept", "ignored", doc="Whether shuffle='BATCH' is 'batch'.")
    out_of_data: str = one_of(
        "shorter epochs", "stop", doc="What becomes of training when the data ends before steps_per_epoch batches."
    )
    generator_restarts: str = one_of(
        "first two batches",
        "never",
        doc="What a second pass over a generator yields first: the two batches that were looked at in advance.",
    )
    batches_looked_at: int = one_of(
        2, 1, 0, doc="How many batches of a PyDataset are taken once before all others, for their shapes."
    )
    sequence_hooks: str = one_of("begin and end", "end", doc="Which epoch hooks of a PyDataset are called.")
    data_is_reset: tuple[str, ...] = one_of(
        ("fit", "evaluate"), (), doc="Loops that end an epoch of a PyDataset before the first begins (its hook)."
    )
    builds_from_batches: tuple[str, ...] = one_of(
        (),
        ("fit", "train_on_batch", "evaluate", "test_on_batch"),
        ("fit", "train_on_batch", "evaluate", "test_on_batch", "predict"),
        ("evaluate", "test_on_batch"),
        doc="Methods that take a first batch to build what is not built: losses and metrics, or (in predict) layers.",
    )
    optimizer_is_built_early: bool = one_of(
        False,
        True,
        doc="evaluate, test_on_batch, and fit before its first step build the optimizer, for what is trainable then.",
    )
    first_batch_is_put_back: bool = one_of(
        True,
        False,
        doc="The pass starts again after that; otherwise only layers are built so, evaluate with `steps` goes on with "
        "the second batch, and on a PyDataset it fails.",
    )

    # -- the training loop ------------------------------------------------------
    uncompiled_is_runtime_error: bool = one_of(
        False, True, doc="Training before compile() is a RuntimeError rather than a ValueError."
    )
    same_trainable_is_ignored: bool = one_of(
        True, False, doc="To set `trainable` to what it is does nothing; otherwise it reaches the layers inside."
    )
    trainable_is_read: str = one_of(
        "when traced",
        "at compile",
        "each step",
        "once",
        doc="When a layer's `trainable` decides whether an optimizer updates its weights; if once, training with other "
        "trainable weights than the optimizer was built with is a ValueError.",
    )
    unreached_weights: str = one_of(
        "skipped",
        "zero gradient",
        doc="Trainable weights on which the loss does not depend are left as they are, with a warning (if all: a "
        "ValueError); or updated by a gradient of 0, so that they decay.",
    )
    trained_metrics_use_mask: bool = one_of(
        True, False, doc="In training, metrics see the mask of the predictions, as they do in evaluation."
    )
    states_are_given: bool = one_of(
        False,
        True,
        doc="`reset_states` of a recurrent layer takes states, and refuses where none are kept; a model has it, too. "
        "Otherwise it is another name of `reset_state`.",
    )
    metric_reset_states: bool = one_of(False, True, doc="A metric has `reset_states`, which is `reset_state`.")
    test_on_batch_resets: bool = one_of(
        True,
        False,
        doc="test_on_batch gives the batch's own numbers; otherwise means over the batches since the last evaluate.",
    )
    steps_per_execution_allowed: bool = one_of(
        True, False, doc="steps_per_execution may be above 1; otherwise that is a ValueError when the model first runs."
    )
    state_is_locked: bool = one_of(
        True, False, doc="A layer that is built takes no new weights, layers, metrics or seed generators: a ValueError."
    )
    stack_compares: str = one_of(
        "rank",
        "given sizes",
        doc="What inputs of a Sequential must share with the first ones: their rank; or the sizes that an Input gave, "
        "and nothing if there was none. Its layers look at the rest.",
    )
    nested_metrics_are_repeated: bool = one_of(
        True,
        False,
        doc="A model's metrics, and the numbers of evaluate, have a metric of a layer inside others as often as there "
        "are layers around it, and none that a model inside holds; else each once, and the variables of a model's own "
        "are among its weights.",
    )
    frozen_weights_are_penalized: bool = one_of(
        False, True, doc="The regularizers of weights that are not trainable add to the loss."
    )
    weight_order: str = one_of(
        "own first",
        "trainable first",
        doc="The order of weights: a layer's own before those of layers inside, which are all that were assigned or "
        "added to containers; or those that are trainable now before the others, a model's own behind its layers', of "
        "the layers that attributes and containers hold now.",
    )
    stack_of_single_outputs: bool = one_of(
        False,
        True,
        doc="Each layer of a Sequential has one output, else it is a ValueError; a layer that cannot be added to those "
        "before it is not kept.",
    )
    stack_shape_is_final: bool = one_of(
        True,
        False,
        doc="build() of a Sequential refuses other sizes than those that it has, and an Input alone is not built; "
        "otherwise build() needs a shape, does nothing to a stack that is built, and an Input alone is.",
    )
    clones_are_compiled: bool = one_of(
        True, False, doc="clone_model of a compiled model compiles the clone, with a new optimizer."
    )
    unbuilt_stack_refuses_weights: bool = one_of(
        False, True, doc="The weights of a Sequential that is not built are a ValueError, and not those of its layers."
    )
    pop_returns_layer: bool = one_of(
        True,
        False,
        doc="Sequential.pop returns the layer, and fails (IndexError) where nothing is left, not even an Input; or it "
        "returns None, and fails (TypeError) where there is no layer.",
    )
    positional_arguments: str = one_of(
        "tensors", "anything", doc="What a layer's call takes without a name; else it is a ValueError."
    )
    explicit_training_wins: bool = one_of(
        False, True, doc="`layer(x, training=True)` in a graph holds in fit and predict too, whatever they say."
    )
    packs_numbers: bool = one_of(
        False,
        True,
        doc="Layers take numbers for tensors; `Activation`, `ReLU`, `LeakyReLU`, `Dropout` and `Reshape` a list of "
        "them for one.",
    )
    fills_in_arguments: bool = one_of(
        False,
        True,
        doc="`call(self, x, training)` and `call(self, x, **kwargs)` are given what a caller leaves out; as is a mask.",
    )
    none_for_training: str = one_of(
        "stays",
        "inherits",
        doc="What `layer(x, training=None)` in a call goes by: None, or what the call around goes by.",
    )
    none_for_mask: str = one_of(
        "filled in", "stays", doc="What `layer(x, mask=None)` gets for a mask that x carries: that mask, or None."
    )
    regularizer_factors: str = one_of(
        "float32",
        "floatx",
        doc="What a regularizer's factor is rounded to before it meets a weight (float64 ones, too).",
    )
    warns_without_weights: bool = one_of(True, False, doc="Training a model without trainable weights warns.")
    every_loop_stops: bool = one_of(
        True, False, doc="evaluate heeds stop_evaluating, and predict stop_predicting, as fit does stop_training."
    )
    batchless_step_runs: bool = one_of(
        True,
        False,
        doc="Where a generator ends, the training step that finds no batch does what needs none: it counts, decays "
        "weights, empties accumulators and draws seeds; not with run_eagerly, jit_compile or steps_per_execution.",
    )
    executions_are_whole: bool = one_of(
        True,
        False,
        doc="With steps_per_execution=k, steps (of epochs, too) are rounded up to a multiple of k if there are as many "
        "batches; otherwise they are kept to, and a generator needs them.",
    )
    short_execution_ends: str = one_of(
        "planned", "actual", doc="Batch number that ends a last, short group of steps_per_execution batches."
    )

    jit_compile_auto: bool = one_of(False, True, doc="What jit_compile='auto' comes to on a CPU, in files too.")
    resolves_jit_compile: bool = one_of(
        True, False, doc="model.jit_compile tells what 'auto' and None came to; else what compile() was given."
    )
    text_as_number: str = one_of(
        "TypeError",
        "ValueError",
        doc="The exception for text where a number belongs: a learning rate, or a dict of targets, taken for its keys.",
    )

    def text_as_number_error(self, message: str) -> Exception:
        """Return the exception for text, or a dict, where numbers belong."""
        return TypeError(message) if self.text_as_number == "TypeError" else ValueError(message)

    def unknown_argument_error(self, message: str) -> Exception:
        """Return the exception for an argument that a layer does not know."""
        return TypeError(message) if self.unknown_argument_is_type_error else ValueError(message)

    # -- callbacks and console -------------------------------------------------
    progress_line: str = one_of(
        "keras-3", "tf_keras", "keras-2.0", doc="The look of the progress line; Keras 2.0 counts samples, not steps."
    )
    batch_logs: str = one_of(
        "running",
        "batch",
        doc="What batch-end logs hold: running means, or the batch's own values with `batch` and `size`, "
        "which a BaseLogger averages over the epoch.",
    )
    batch_hook_logs: str = one_of("keyword", "positional", doc="How batch hooks are given `logs`.")
    list_batch_hooks: str = one_of(
        "on_batch", "on_train_batch", doc="The hooks that CallbackList.on_batch_begin and on_batch_end call."
    )
    hook_logs: str = one_of(
        "sorted floats", "python scalars", "as they are", doc="What becomes of logs before callbacks see them."
    )
    predict_verbose: Any = one_of("auto", 0, doc="What `verbose` of predict is by default.")
    verbose_auto: str = one_of("kept", "resolved", doc="`params['verbose']` when fit is given verbose='auto'.")
    callback_arguments: str = one_of(
        "keras-3", "tf_keras", "keras-2.0", doc="The arguments of the callbacks' constructors, and their order."
    )
    callback_messages: str = one_of(
        "keras-3", "tf_keras", "keras-2.0", doc="What callbacks print; Keras 2.0 counts epochs from 0 there."
    )
    callback_warnings: str = one_of(
        "UserWarning", "log", "RuntimeWarning", doc="How callbacks warn: `warnings`, or the log."
    )
    callback_model_settable: bool = one_of(False, True, doc="`callback.model` may be assigned.")
    callback_blocks: str = one_of(
        "checked", "free", doc="Whether CallbackList refuses an `on_xxx_end` without its `on_xxx_begin`."
    )
    history_restarts: bool = one_of(False, True, doc="A History that is used again in a second fit is emptied first.")
    monitor_first_value: str = one_of(
        "best", "compared", doc="The first monitored value is always the best (even NaN), or is compared with ±inf."
    )
    monitor_precision: str = one_of("float32", "float64", doc="The dtype in which monitored values are compared.")
    early_stopping_direction: str = one_of(
        "metric",
        "suffix",
        "contains",
        doc="mode='auto' of EarlyStopping: the compiled metric knows; or `max` if the name ends with acc, accuracy, "
        "auc; or if it contains acc or starts with fmeasure.",
    )
    checkpoint_direction: str = one_of("metric", "contains", doc="The same for ModelCheckpoint.")
    plateau_direction: str = one_of("metric", "acc", doc="The same for ReduceLROnPlateau: `max` if acc is in the name.")
    early_stopping_min_delta: str = one_of("size", "signed", doc="Whether EarlyStopping's min_delta keeps its sign.")
    patience_counts: str = one_of(
        "before", "after", doc="An epoch without improvement is counted before or after `wait >= patience` is asked."
    )
    plateau_min_delta: str = one_of(
        "on value", "on best", doc="ReduceLROnPlateau adds |min_delta| to the value, or takes min_delta from the best."
    )
    plateau_rate: str = one_of("float64", "float32", doc="The dtype in which ReduceLROnPlateau multiplies the rate.")
    plateau_min_rate: str = one_of(
        "float32", "relative", doc="A rate is reduced while above float32(min_lr), or above min_lr * 1.0001."
    )
    rate_log_key: str = one_of("learning_rate", "lr", doc="The key under which callbacks log the learning rate.")
    scheduler_sees_rate: bool = one_of(
        True, False, doc="LearningRateScheduler gives `schedule` the current rate too, and logs the rate."
    )
    checkpoint_missing: str = one_of(
        "save", "skip", doc="ModelCheckpoint(save_best_only=True) when the monitored value is not in the logs."
    )
    checkpoint_names: str = one_of(
        "checked", "free", doc="Whether ModelCheckpoint insists on .keras, .h5, .weights.h5."
    )
    checkpoint_first_epoch: int = one_of(1, 0, doc="The number of the first epoch in a checkpoint's file name.")
    checkpoint_folder: str = one_of(
        "when saving", "always", "never", doc="When ModelCheckpoint makes the folder of its file."
    )
    csv_validation_columns: bool = one_of(
        True, False, doc="CSVLogger adds `val_` columns when the first epoch has none, and fills gaps with NA."
    )
    csv_columns_kept: bool = one_of(False, True, doc="A CSVLogger that is used again keeps its first columns.")

    # -- utilities ---------------------------------------------------------------
    to_categorical_arguments: tuple[str, ...] = one_of(
        ("x", "num_classes"),
        ("y", "num_classes", "dtype"),
        ("y", "num_classes"),
        doc="The arguments of to_categorical; where there is a dtype it defaults to float32, else it is float64.",
    )
    to_categorical_shape: str = one_of(
        "kept", "flat", doc="to_categorical adds an axis to its input's shape, or gives (size, num_classes)."
    )
    summary_style: str = one_of("keras-3", "tf_keras", "keras-2.0", doc="The look of model.summary().")
    masks_are_operations: bool = one_of(
        True, False, doc="Symbolic masks are operations of their own, with names, in summaries and plots."
    )
    plot_style: str = one_of(
        "keras-3", "tf_keras", "keras-2.0", doc="The look and the arguments of plot_model and model_to_dot."
    )
    bytes_padded_with_text: bool = one_of(
        True, False, doc="pad_sequences takes a str for `value` where the dtype is bytes."
    )
    normalize_axis_0: str = one_of(
        "-1", "0", doc="The axis along which normalize(x, axis=0) divides by the norms of axis 0."
    )

    # -- initializers -----------------------------------------------------------
    identity_config_has_gain: bool = one_of(False, True, doc="Whether the config of `initializers.Identity` has gain.")

    # -- regularizers ----------------------------------------------------------
    l1_l2_default: float = one_of(0.0, 0.01, doc="The factors of `regularizers.l1_l2` that are not given.")
    l1_l2_is_a_name: bool = one_of(False, True, doc="`regularizers.get('l1_l2')` is known; otherwise only 'L1L2' is.")

    # -- random numbers --------------------------------------------------------
    rng: str = one_of(
        "philox",
        "tf_keras",
        "threefry",
        "mt19937",
        "pcg64",
        doc="Which generator draws weights, masks and orders: TensorFlow's under Keras 3 or as tf_keras drives it, "
        "JAX's, PyTorch's, or NumPy's.",
    )
    order_drawn_by: str = one_of(
        "rng", "np.random.shuffle", doc="What shuffles the rows in fit: the engine's generator, or NumPy's global one."
    )
    seeds_drawn_at: str = one_of(
        "construction", "first use", doc="When an initializer that was given no seed draws one."
    )

    # -- activations -----------------------------------------------------------
    activation_lookup: str = one_of(
        "keras-3",
        "tf_keras",
        "keras-2.0",
        doc="Which names of activations are known, whether names of layers are among them, whether silu's name is "
        "swish, and whether what is no activation is a ValueError or a TypeError.",
    )
    hard_sigmoid: str = one_of("relu6", "clip", doc="hard_sigmoid is relu6(x + 3) / 6, or 0.2 x + 0.5 clipped.")
    relu_constants: str = one_of(
        "float32", "exact", doc="relu's max_value and threshold in float64: rounded to float32 first, or exact."
    )
    relu_threshold: str = one_of(
        "select", "multiply", doc="relu replaces values below its threshold by 0, or multiplies them by 0."
    )
    relu_gradient: str = one_of(
        "product",
        "select",
        "zero unless above",
        doc="The gradient of relu: dy · (x > 0), where NaN stays NaN; or dy where x > 0, else 0; or 0 where x <= 0, "
        "else dy, so that a NaN of x lets dy through.",
    )
    gelu_constants: str = one_of(
        "float32", "exact", doc="gelu's constants 1/√2 and 0.044715 in float64: rounded to float32, or exact."
    )
    leaky_relu_by: str = one_of(
        "sign",
        "maximum",
        doc="leaky_relu (and relu with a slope alone) is slope · x where x <= 0; or the larger of x and slope · x, "
        "which for a slope above 1 is slope · x where x > 0.",
    )
    leaky_relu_slope: str = one_of(
        "float32", "exact", doc="The negative slope of leaky_relu and relu in float64: rounded to float32, or exact."
    )
    leaky_relu_slope_at_0: str = one_of(
        "negative", "positive", doc="The derivative of leaky_relu at 0: that of negative numbers, or 1."
    )
    abs_gradient: str = one_of(
        "sign",
        "sign or 0",
        "select",
        doc="The slope of |x|, in losses and regularizers: sign(x), NaN of NaN or 0; or 1 for x >= 0, else -1.",
    )
    maximum_gradient: str = one_of(
        "select",
        "half product",
        "halves",
        doc="What max(x, bound) passes to x of its gradient where they tie, as in hinge losses: all or half of it; "
        "and below, 0, or 0 times it, which may be NaN.",
    )
    clip_gradient: str = one_of(
        "select",
        "half product",
        doc="The same for clip(x, low, high) where x is low or high, as in cross-entropies and in relu's max_value.",
    )
    relu_max_below_0: str = one_of("zero", "max_value", doc="What relu with a negative max_value gives.")
    sparse_sigmoid_slope_at_1: float = one_of(0.0, 0.25, doc="The derivative of sparse_sigmoid at -1 and 1.")
    celu_slope_at_0: int = one_of(2, 1, doc="The derivative of celu at 0: both parts pass the gradient, or one.")
    selu_slope_at_0: str = one_of("right", "left", doc="The derivative of selu at 0: 1.05 or 1.76.")
    hard_tanh_slope_at_1: int = one_of(1, 0, doc="The derivative of hard_tanh at -1 and 1.")
    shrunk_nan: str = one_of("zero", "nan", doc="What hard_shrink and soft_shrink make of NaN.")
    softmax_of_rank_1: bool = one_of(True, False, doc="softmax takes a vector.")
    softmax_warns_of_size_1: bool = one_of(True, False, doc="softmax over an axis of size 1 warns.")

    # -- saving ------------------------------------------------------------------
    files: str = one_of(
        "keras-3",
        "tf_keras",
        "keras-2.0",
        doc="The files that models are saved in: their extensions, and the layout of configurations and weights.",
    )

    # -- core layers -------------------------------------------------------------
    layer_config: str = one_of(
        "keras-3",
        "tf_keras",
        doc="The entries of the configs of core layers and initializers, and how layers keep constants.",
    )
    units_are_converted: bool = one_of(False, True, doc="Dense takes for units whatever int() takes, and 0.")
    inactive_dropout_keeps_logits: bool = one_of(
        True, False, doc="The logits of a softmax or sigmoid pass through a Dropout that is not active."
    )
    dropout_of_all_fails: bool = one_of(
        False, True, doc="Dropout(1.0) in training is an error, rather than giving zeros."
    )
    masking: str = one_of(
        "select", "multiply", doc="Masking replaces masked values by 0, or multiplies them by 0 (infinities give NaN)."
    )
    softmax_mask: str = one_of(
        "select",
        "add",
        doc="The Softmax layer replaces masked inputs by -1e9 and outputs by 0, or adds -1e9 to inputs.",
    )
    leaky_relu_of_slope_0: str = one_of(
        "product", "relu", doc="LeakyReLU(0.0) multiplies negative inputs by 0 (infinities give NaN), or replaces them."
    )
    merged_masks: str = one_of(
        "any", "all", doc="A step of a merged output counts if any input that it is made of does, or if all do."
    )
    mask_argument: str = one_of(
        "of one tensor",
        "of the first",
        doc="The argument `mask` of a layer's call is filled in if one argument alone holds tensors (if several do, "
        "`x_mask` is, for each argument x); or it always is that of the first.",
    )
    training_reaches: str = one_of(
        "all inside, if it has the argument",
        "all inside",
        "what it is handed to",
        doc="What `training=True` reaches while a subclassed model is fitted: all layers inside, if its `call` has an "
        "argument `training`, or in any case; or those that `call` hands it to. Dropout does nothing without it.",
    )
    symbolic_call_runs: bool = one_of(
        False,
        True,
        doc="A layer that has a `build` of its own, and tells the shape of its output, runs all the same when it is "
        "called on a symbolic tensor, so that the layers inside have weights from then on.",
    )
    merges_leave_out_masked: bool = one_of(
        True, False, doc="Multiply, Maximum and Minimum take no values from steps that an input masks."
    )
    # -- LSTM --------------------------------------------------------------------
    lstm_recurrent_activation: str = one_of(
        "sigmoid", "hard_sigmoid", doc="The recurrent activation of an LSTM that was given none."
    )
    recurrent_outputs: str = one_of("tuple", "list", doc="What return_state=True returns.")
    lists_hold_states: bool = one_of(False, True, doc="layer([x, h, c]) means layer(x, initial_state=[h, c]).")
    state_count_error: str = one_of(
        "IndexError", "ValueError", doc="The exception for a wrong number of initial states."
    )
    stored_state_wins: bool = one_of(
        False, True, doc="A stateful layer prefers its stored state, if that is not all zero, to initial_state."
    )
    loops_keep_states: bool = one_of(
        True,
        False,
        doc="A stateful layer goes on where the last batch left it, in fit, evaluate and predict as in direct calls.",
    )
    masked_first_output: str = one_of(
        "zero",
        "initial state",
        doc="What a looped LSTM puts out at masked steps before the first that counts; unrolled, it is always zero.",
    )
    unrolled_output_is_zeroed: bool = one_of(
        True, False, doc="LSTM(unroll=True) heeds zero_output_for_mask; otherwise it repeats the output before."
    )
    unrolled_backwards_mask_fails: bool = one_of(
        False, True, doc="LSTM(unroll=True, go_backwards=True) called with a mask is an AttributeError."
    )
    empty_batch_runs: bool = one_of(False, True, doc="An LSTM takes a batch of no samples.")
    no_steps_error: str = one_of("ValueError", "IndexError", doc="The exception for an LSTM called on no steps.")
    gatewise_dropout_fails: bool = one_of(
        True,
        False,
        doc="LSTM(implementation=1, dropout=...) without recurrent_dropout cannot be trained, unless use_cudnn=False.",
    )

    use_cudnn_needs_gpu: bool = one_of(
        True,
        False,
        doc="LSTM(use_cudnn=True) fails without a GPU; otherwise only with a mask or recurrent_dropout.",
    )

    # -- losses ----------------------------------------------------------------
    crossentropy_from_activation: bool = one_of(
        True, False, doc="Crossentropies of what a softmax or sigmoid returned are computed from its logits."
    )
    binary_crossentropy_epsilon: str = one_of(
        "once", "twice", doc="Epsilon bounds the clip only, or is added inside the logarithms as well."
    )
    binary_crossentropy_broadcasts: bool = one_of(
        False, True, doc="binary_crossentropy broadcasts targets and predictions of different shapes."
    )
    sparse_crossentropy_picks: bool = one_of(
        False,
        True,
        doc="The sparse cross-entropy of probabilities is the number of the label's class, rather than a sum over the "
        "classes with zeros, in which a NaN of another class shows. On JAX XLA makes one of the other, so that this "
        "holds for compiled programs.",
    )
    sparse_crossentropy_axis: str = one_of(
        "last",
        "any",
        "equal",
        doc="The axes that sparse_categorical_crossentropy takes for that of the classes; if equal, labels must have "
        "the shape of the predictions both without the last axis and without that axis.",
    )
    sparse_crossentropy_flattens: bool = one_of(
        False, True, doc="Labels of another rank than expected are taken in order, if their number fits."
    )
    binary_crossentropy_of_logits: str = one_of(
        "max(z, 0) - z t",
        "(1 - t) z",
        "two parts",
        "clipped",
        doc="How the binary cross-entropy of logits z is computed, which shows where they are infinite: "
        "max(z, 0) - z t + ln(1 + exp(-abs(z))); (1 - t) z + ln(1 + exp(-z)); "
        "t ln(1 + exp(-z)) + (1 - t) ln(1 + exp(z)); or of their sigmoids, clipped as usual.",
    )
    softmax_gradient: str = one_of(
        "of the shares",
        "of the quotient",
        doc="How the gradient of y = softmax(x) is computed: as y (dy - Σ y dy), or from e^x and its sum S as "
        "e^x (dy / S - Σ (dy / S²) e^x), which rounds more.",
    )
    softmax_crossentropy_gradient: str = one_of(
        "softmax - t",
        "derivative",
        "derivative by logarithms",
        doc="Gradient by the logits: as if targets added up to 1, or softmax · Σt - t, which is right for any; softmax "
        "may be exp(ln softmax), which rounds more.",
    )
    sparse_label_out_of_range: str = one_of(
        "error",
        "IndexError",
        "negative is zero",
        "zero",
        doc="A label that is no class: an InvalidArgumentError; an IndexError, or one but for negatives, whose loss is "
        "0; or a loss of 0.",
    )
    quotient_gradient: str = one_of(
        "by quotients",
        "by the square",
        doc="What a cross-entropy's gradient divides by: the sum of the probabilities, twice, or its square, which "
        "is 0 for sums below 1.1e-19.",
    )
    sparse_crossentropy_normalizes: str = one_of(
        "after clip", "before clip", doc="Whether probabilities are divided by their sum after or before the clip."
    )
    ignore_class_keeps_logits: bool = one_of(
        False, True, doc="With ignore_class too, a loss is computed from the logits of a softmax."
    )
    label_smoothing_classes: str = one_of(
        "last axis", "axis", doc="The axis on which label smoothing of categorical_crossentropy counts the classes."
    )
    loss_functions_match_ranks: bool = one_of(
        True, False, doc="Loss functions squeeze or expand arguments whose ranks differ by one."
    )
    loss_classes_match_ranks: str = one_of(
        "always", "tensors", "never", doc="When loss objects do; tf_keras squeezes if both arguments are tensors."
    )
    loss_dtype: str = one_of("floatx", "y_pred", doc="What loss objects cast to, and compute in.")
    losses_of_numbers: str = one_of(
        "none",
        "sums",
        "all",
        doc="Which losses that compare one by one take a single number for a sample with one, else an error: none; "
        "those that add up, kl_divergence and categorical_hinge; or all. By `sums` cosine_similarity takes none.",
    )
    probabilities_are_checked: bool = one_of(
        False,
        True,
        doc="Binary cross-entropy, but of logits, refuses predictions that are NaN and targets outside of [0, 1].",
    )
    integer_loss_values: str = one_of(
        "float", "integer", doc="The mean error of integer predictions: a float, or truncated to an integer."
    )
    loss_reductions: tuple[str | None, ...] = one_of(
        ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None),
        ("auto", "sum_over_batch_size", "sum", "none"),
        doc="The reductions that losses know.",
    )
    weight_ranks: str = one_of(
        "trailing 1",
        "expanded",
        doc="Sample weights of one rank less than the values: broadcast as they are (a trailing axis of 1 is matched), "
        "or given a trailing axis.",
    )
    weighted_mean_counts: str = one_of(
        "values", "nonzero weights", doc="What a weighted mean loss is divided by the number of."
    )
    mask_spreads_weights: bool = one_of(
        True,
        False,
        doc="Sample weights are broadcast to the mask; otherwise a mask that is not broadcast to them is a ValueError.",
    )
    empty_batch_loss: str = one_of("empty", "zero", doc="The reduced loss of no samples.")
    all_masked_loss: str = one_of("zero", "nan", doc="The mean loss where the mask leaves nothing.")
    names_find_custom_objects: bool = one_of(
        False, True, doc="A loss or metric given by name is also looked for in custom_object_scope."
    )

    old_loss_names: str = one_of(
        "keras-3",
        "tf_keras",
        "keras-2.0",
        doc="Which older names of losses are known, such as 'kullback_leibler_divergence' and 'logcosh'.",
    )
    loss_arguments_saved: bool = one_of(
        False,
        True,
        doc="The configs of Huber and CosineSimilarity hold delta and axis; otherwise a saved model loses them.",
    )
    logarithmic_error_epsilon: str = one_of(
        "floatx", "exact", doc="mean_squared_logarithmic_error rounds epsilon to floatx, or has it as exact as y_pred."
    )
    huber_dtype: str = one_of("y_pred", "floatx", doc="What the function huber computes in.")
    cosine_similarity: str = one_of(
        "keras-3",
        "tf_keras",
        "keras-2.0",
        "arrays",
        doc="cosine_similarity bounds the inverse norms by 1/epsilon; or the squared norms by 1e-12, and wants targets "
        "of the dtype of y_pred; or bounds nothing, and averages over the components instead of adding; or divides as "
        "utils.normalize does with NumPy arrays: by 1 for a norm of 0, and for axis=0 along the last axis.",
    )
    cosine_gradient_of_zero: str = one_of(
        "finite", "nan", doc="The gradient of cosine_similarity by predictions whose squares add up to 0."
    )
    hinge_labels: str = one_of("signed", "given", doc="Hinge losses take the labels 0 and 1 for -1 and 1.")
    gradient_of_largest_nan: str = one_of(
        "nan",
        "zero",
        doc="What categorical_hinge passes to the scores that are not its target where the largest is NaN.",
    )
    largest_of_nothing_fails: bool = one_of(True, False, doc="categorical_hinge of no scores is an error.")

    # -- metrics ---------------------------------------------------------------
    mean_metric_counts: str = one_of(
        "samples", "elements", doc="What Mean counts: samples, whose values it averages first, or all elements."
    )
    metric_numbers: str = one_of(
        "values rounded",
        "all rounded",
        "exact",
        doc="Python numbers, and lists of them, given to metrics: values pass through float32 whatever the metric's "
        "dtype; or weights, targets and predictions too; or none.",
    )
    metrics_cast: bool = one_of(
        False, True, doc="Metrics made of functions cast their arguments to the metric's dtype, and match their ranks."
    )
    metrics_use_mask: bool = one_of(
        True, False, doc="update_state takes the mask of y_pred itself; in tf_keras fit passes it as sample_weight."
    )
    value_mask: str = one_of(
        "when weighted", "always", doc="When a metric leaves out what ignore_class masked: only with a sample_weight?"
    )
    argmax_of_nan: str = one_of("skipped", "first", doc="In accuracies a NaN is never the largest, or always.")
    argmax_orders_zeros: bool = one_of(True, False, doc="In accuracies -0.0 is smaller than 0.0.")
    argmax_flushes: bool = one_of(
        True, False, doc="In accuracies numbers below the dtype's smallest normal one count as zeros."
    )
    argmax_of_numbers: bool = one_of(False, True, doc="Accuracies take a single number for a row of one score.")
    categorical_accuracy_squeezes: bool = one_of(
        True,
        False,
        doc="categorical_accuracy of targets with one axis more than predictions drops the last of the classes, which "
        "has to be 1; otherwise it stays if it is not.",
    )
    in_top_k: str = one_of(
        "finite rows",
        "NaN is least",
        "NaN is largest",
        "NaN is largest, labels modulo n",
        doc="A score is among the k best if fewer than k exceed it; and if no NaN or infinity is in the row. A label "
        "that is no class is never met; has a score of -inf, but negatives count from the end; is an IndexError, but "
        "for those; or is taken modulo n, where a k beyond 0 ... n is an error. Only the first wants float32, and one "
        "label for each row.",
    )
    accuracy_broadcasts: bool = one_of(True, False, doc="Accuracy broadcasts targets and predictions.")
    binary_accuracy_function: str = one_of(
        "elements", "mean of last axis", doc="What the function binary_accuracy returns."
    )
    binary_accuracy_rounds: bool = one_of(
        False, True, doc="binary_accuracy rounds predictions to whole numbers instead of comparing them with 0.5."
    )
    sparse_accuracy_broadcasts: bool = one_of(
        True, False, doc="sparse_categorical_accuracy takes targets of the rank of y_pred that do not end in 1."
    )
    sparse_accuracy_class_squeezes: bool = one_of(
        True, False, doc="SparseCategoricalAccuracy drops a last axis of 1 before weighting, as the function does."
    )
    metric_names_make: str = one_of(
        "objects", "functions", doc="What a metric's snake-case name stands for: a metric object, or a function."
    )
    cosine_metric: str = one_of(
        "similarity",
        "loss",
        doc="The metric function cosine_similarity: positive for what points one way, or the loss.",
    )
    divergence_metric_name: str = one_of(
        "kl_divergence", "kullback_leibler_divergence", doc="What the metric KLDivergence is called by default."
    )
    top_k_of_sorted_ids: bool = one_of(
        True, False, doc="SparseTopKCategoricalAccuracy takes from_sorted_ids: predictions that are ordered classes."
    )
    r2_state: str = one_of(
        "floatx",
        "int32 and dtype",
        doc="The dtype of R2Score's state: floatx; or int32 of its count, and the metric's of its sums.",
    )
    r2_matches_ranks: bool = one_of(
        True, False, doc="R2Score squeezes or expands arguments whose ranks differ by one, and broadcasts outputs."
    )
    add_weight_name_first: bool = one_of(
        False, True, doc="The first argument of add_weight, of metrics and layers, is the name."
    )

    # -- optimizers ------------------------------------------------------------
    optimizer_arguments: str = one_of(
        "keras-3", "tf_keras", "keras-2.0", doc="The arguments of the optimizers' constructors, and their order."
    )
    optimizer_lr_argument: str = one_of(
        "refused", "ignored", "used", doc="`lr=` given to an optimizer: refused, ignored with a warning, or used."
    )
    optimizer_decay_argument: str = one_of(
        "ignored", "refused", "used", doc="`decay=`: ignored with a warning, refused, or lr / (1 + decay·iterations)."
    )
    optimizer_unknown_argument: str = one_of(
        "ValueError", "TypeError", doc="What an optimizer raises for an unknown argument."
    )
    optimizer_number_checks: str = one_of(
        "floats",
        "numbers",
        "none",
        doc="An optimizer's learning rate and SGD's momentum must be Python floats, or any number; the momentum in "
        "[0, 1], or not checked.",
    )
    callable_learning_rate: str = one_of(
        "each step", "once", "refused", doc="When a learning rate that is a callable is called."
    )
    optimizer_lr_alias: bool = one_of(False, True, doc="An optimizer's learning rate is also its attribute `lr`.")
    optimizer_names: str = one_of("counted", "class", doc="Optimizers are named `adam`, `adam_1`, ..., or `Adam`.")
    lower_case_optimizers: bool = one_of(False, True, doc="`optimizers.adam`, `.sgd`, `.rmsprop` are the classes too.")
    optimizer_may_be_none: bool = one_of(True, False, doc="`optimizers.get(None)` is None rather than an error.")
    optimizer_epsilon: float = one_of(1e-7, 1e-8, doc="The default epsilon of Adam and RMSprop.")
    optimizer_scalars: str = one_of(
        "through float32",
        "exact",
        "direct",
        doc="Hyperparameters that are cast to a float64 variable's dtype are rounded to float32 first, or not, and "
        "1 - beta is a Python float; or all are scalars of that dtype.",
    )
    iterations_dtype: str = one_of(
        "int64", "int32", doc="The dtype that Python's int stands for, and that an optimizer counts its iterations in."
    )
    adam_moments: str = one_of(
        "difference", "sum", doc="Adam's averages move by (g - m)(1 - beta), or are beta·m + (1 - beta)·g."
    )
    weight_decay_by: str = one_of(
        "difference", "factor", doc="Weight decay subtracts w·wd·lr from w, or multiplies w by 1 - wd·lr."
    )
    accumulators_reset: str = one_of(
        "all", "given", doc="Which variables' gradient accumulators an update of some of them sets to 0."
    )
    rmsprop_root: str = one_of(
        "divide",
        "multiply",
        "epsilon outside",
        "epsilon first",
        doc="RMSprop steps by lr·g / sqrt(v + eps), lr·g · (1 / sqrt(v + eps)), or lr·g / (sqrt(v) + eps); a centered "
        "one takes a² from v before it adds eps, or last.",
    )
    rmsprop_ema_overwrite_frequency: int | None = one_of(
        None, 100, doc="RMSprop's default for `ema_overwrite_frequency`."
    )
    rmsprop_iterations_in_variables: bool = one_of(True, False, doc="RMSprop's `variables` list the iterations.")
    sgd_momentum_slot: str = one_of("if used", "always", doc="When SGD keeps a momentum for each variable.")
    steps_counted: str = one_of(
        "always", "with decay", doc="When SGD and RMSprop count their `iterations`; Adam always does."
    )
    learning_rate_in_variables: bool = one_of(True, False, doc="An optimizer's `variables` list its learning rate.")
    schedule_rate_reported: str = one_of(
        "next", "last", doc="`learning_rate` under a schedule is the next step's, or what the last step used."
    )
    slot_names: str = one_of(
        "variable_slot", "slot/variable", doc="A slot is `adam/dense_kernel_momentum`, or `Adam/m/dense/kernel:0`."
    )
    slot_order: str = one_of(
        "by variable", "by slot", doc="Adam's slots are listed m, v, m, v, ..., or all of m before all of v."
    )
    clip_arguments: str = one_of(
        "one",
        "first",
        "all",
        doc="Of clipnorm, global_clipnorm and clipvalue only one may be given; or the first given counts (not both "
        "norms); or all given are applied.",
    )
    clipnorm_over: str = one_of("each", "all", doc="`clipnorm` bounds the norm of each gradient, or of all together.")
    ema_start: str = one_of(
        "zero", "weights", doc="What `use_ema` averages start from; from zero, the first step sets."
    )
    ema_variables: str = one_of("all", "updated", doc="A step averages all variables, or those with a gradient.")
    exclude_after_build: bool = one_of(True, False, doc="`exclude_from_weight_decay` may be called once built.")
    apply_gradients_of_nothing: bool = one_of(False, True, doc="`apply_gradients([])` does nothing; else ValueError.")
    unknown_variable: str = one_of("ValueError", "KeyError", doc="What a gradient for an unknown variable raises.")

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            values = item.metadata.get("values")
            if values and getattr(self, item.name) not in values:
                raise ValueError(
                    f"Semantics field {item.name!r} is {getattr(self, item.name)!r}; expected one of {values}."
                )


_KERAS_3 = Semantics(name="keras-3@tensorflow")
_TF_KERAS = dataclasses.replace(
    _KERAS_3,
    name="tf_keras",
    same_trainable_is_ignored=False,
    keras_version="2.21.0",
    variables_have_truth=True,
    output_names_are_unique=True,
    model_base_name="model",
    input_base_name="input_1",
    sliced_inputs_are_named="counted",
    private_name_prefix=True,
    slash_in_layer_name=True,
    unknown_argument_is_type_error=True,
    dtype_policy_in_config=False,
    uncompiled_is_runtime_error=True,
    trainable_is_read="at compile",
    explicit_training_wins=True,
    packs_numbers=True,
    fills_in_arguments=True,
    none_for_training="inherits",
    none_for_mask="stays",
    state_is_locked=False,
    stack_compares="given sizes",
    stack_of_single_outputs=True,
    nested_metrics_are_repeated=False,
    resolves_jit_compile=False,
    frozen_weights_are_penalized=True,
    weight_order="trainable first",
    stack_shape_is_final=False,
    pop_returns_layer=False,
    clones_are_compiled=False,
    unbuilt_stack_refuses_weights=True,
    positional_arguments="anything",
    regularizer_factors="floatx",
    warns_without_weights=False,
    short_execution_ends="actual",
    # compile
    output_matching="conform",
    loss_weights_checked=False,
    metrics_are_listed=False,
    crossentropy_by_shape="metric",
    loss_class_is_instantiated=False,
    unknown_metric="TypeError",
    metric_names="as found",
    duplicate_metrics="refused",
    log_order="declared",
    part_losses_count="rows",
    recompile_keeps=False,
    targets_match_predictions=True,
    built_for_batch_size=("on_batch",),
    # data
    fit_counts_checked=True,
    missing_x="TypeError",
    plain_lists_are_data=True,
    class_weight_missing="error",
    class_and_sample_weights="multiplied",
    sample_weight_list="AttributeError",
    shuffle_case="ignored",
    out_of_data="stop",
    generator_restarts="never",
    batches_looked_at=1,
    sequence_hooks="end",
    data_is_reset=(),
    every_loop_stops=False,
    executions_are_whole=False,
    # settings
    training_is_limited=False,
    unknown_dtype="TypeError",
    is_keras_tensor_raises=True,
    # callbacks and console
    progress_line="tf_keras",
    batch_hook_logs="positional",
    list_batch_hooks="on_train_batch",
    hook_logs="python scalars",
    verbose_auto="resolved",
    callback_arguments="tf_keras",
    method_arguments="tf_keras",
    generator_methods="deprecated",
    states_are_given=True,
    metric_reset_states=True,
    node_attributes="structures",
    input_shape_warns=False,
    callback_messages="tf_keras",
    callback_warnings="log",
    callback_model_settable=True,
    callback_blocks="free",
    monitor_first_value="compared",
    monitor_precision="float64",
    early_stopping_direction="suffix",
    checkpoint_direction="contains",
    plateau_direction="acc",
    plateau_min_delta="on best",
    plateau_rate="float32",
    rate_log_key="lr",
    checkpoint_missing="skip",
    checkpoint_names="free",
    checkpoint_folder="always",
    csv_columns_kept=True,
    # utilities
    to_categorical_arguments=("y", "num_classes", "dtype"),
    bytes_padded_with_text=False,
    normalize_axis_0="0",
    summary_style="tf_keras",
    plot_style="tf_keras",
    masks_are_operations=False,
    identity_config_has_gain=True,
    l1_l2_default=0.01,
    l1_l2_is_a_name=True,
    rng="tf_keras",
    seeds_drawn_at="first use",
    # activations
    activation_lookup="tf_keras",
    hard_sigmoid="clip",
    relu_constants="exact",
    relu_threshold="multiply",
    softmax_of_rank_1=False,
    softmax_warns_of_size_1=False,
    # saving
    files="tf_keras",
    # core layers
    layer_config="tf_keras",
    units_are_converted=True,
    inactive_dropout_keeps_logits=False,
    dropout_of_all_fails=True,
    masking="multiply",
    softmax_mask="add",
    leaky_relu_of_slope_0="relu",
    merged_masks="all",
    merges_leave_out_masked=False,
    symbolic_call_runs=True,
    training_reaches="all inside",
    mask_argument="of the first",
    recurrent_outputs="list",
    lists_hold_states=True,
    state_count_error="ValueError",
    stored_state_wins=True,
    empty_batch_runs=True,
    gatewise_dropout_fails=False,
    # losses
    binary_crossentropy_epsilon="twice",
    binary_crossentropy_broadcasts=True,
    sparse_crossentropy_axis="any",
    sparse_crossentropy_flattens=True,
    ignore_class_keeps_logits=True,
    label_smoothing_classes="axis",
    loss_functions_match_ranks=False,
    loss_classes_match_ranks="tensors",
    loss_dtype="y_pred",
    integer_loss_values="integer",
    loss_reductions=("auto", "sum_over_batch_size", "sum", "none"),
    weight_ranks="expanded",
    empty_batch_loss="zero",
    all_masked_loss="nan",
    names_find_custom_objects=True,
    old_loss_names="tf_keras",
    loss_arguments_saved=True,
    logarithmic_error_epsilon="exact",
    huber_dtype="floatx",
    cosine_similarity="tf_keras",
    largest_of_nothing_fails=False,
    # metrics
    mean_metric_counts="elements",
    metric_numbers="all rounded",
    metrics_cast=True,
    metrics_use_mask=False,
    value_mask="always",
    argmax_orders_zeros=False,
    accuracy_broadcasts=False,
    binary_accuracy_function="mean of last axis",
    sparse_accuracy_broadcasts=False,
    sparse_accuracy_class_squeezes=False,
    metric_names_make="functions",
    divergence_metric_name="kullback_leibler_divergence",
    top_k_of_sorted_ids=False,
    r2_state="int32 and dtype",
    r2_matches_ranks=False,
    add_weight_name_first=True,
    # optimizers
    optimizer_arguments="tf_keras",
    optimizer_lr_argument="ignored",
    optimizer_decay_argument="refused",
    optimizer_unknown_argument="TypeError",
    optimizer_number_checks="numbers",
    callable_learning_rate="once",
    optimizer_lr_alias=True,
    optimizer_names="class",
    optimizer_may_be_none=False,
    rmsprop_root="multiply",
    rmsprop_ema_overwrite_frequency=100,
    sgd_momentum_slot="always",
    learning_rate_in_variables=False,
    schedule_rate_reported="last",
    slot_names="slot/variable",
    clip_arguments="first",
    ema_start="weights",
    ema_variables="updated",
    exclude_after_build=False,
    apply_gradients_of_nothing=True,
    unknown_variable="KeyError",
)
_KERAS_2_0 = dataclasses.replace(
    _TF_KERAS,
    name="keras-2.0",
    keras_version="2.0.4",
    output_names_are_unique=False,
    # compile
    crossentropy_by_shape="never",
    unknown_metric="ValueError",
    metric_names="function name",
    duplicate_metrics="all numbered",
    accuracy_from_loss=True,
    resolved_at_compile=True,
    # data
    class_weight_missing="KeyError",
    class_and_sample_weights="sample weights",
    # callbacks and console
    progress_line="keras-2.0",
    predict_verbose=0,
    batch_logs="batch",
    list_batch_hooks="on_batch",
    hook_logs="as they are",
    callback_arguments="keras-2.0",
    method_arguments="keras-2.0",
    generator_methods="own",
    node_attributes="lists",
    class_predictions=True,
    callback_messages="keras-2.0",
    callback_warnings="RuntimeWarning",
    history_restarts=True,
    early_stopping_direction="contains",
    early_stopping_min_delta="signed",
    patience_counts="after",
    plateau_rate="float64",
    plateau_min_rate="relative",
    scheduler_sees_rate=False,
    checkpoint_first_epoch=0,
    checkpoint_folder="never",
    csv_validation_columns=False,
    csv_columns_kept=False,
    # utilities
    to_categorical_arguments=("y", "num_classes"),
    to_categorical_shape="flat",
    summary_style="keras-2.0",
    plot_style="keras-2.0",
    # saving
    files="keras-2.0",
    # activations
    activation_lookup="keras-2.0",
    # LSTM
    lstm_recurrent_activation="hard_sigmoid",
    # losses (as on Theano, the only backend of Keras 2.0 that still runs)
    crossentropy_from_activation=False,
    binary_crossentropy_epsilon="once",
    sparse_crossentropy_normalizes="before clip",
    loss_classes_match_ranks="never",
    weighted_mean_counts="nonzero weights",
    old_loss_names="keras-2.0",
    cosine_similarity="keras-2.0",
    hinge_labels="given",
    # metrics
    binary_accuracy_rounds=True,
    cosine_metric="loss",
    # optimizers
    optimizer_arguments="keras-2.0",
    optimizer_lr_argument="used",
    optimizer_decay_argument="used",
    optimizer_number_checks="none",
    callable_learning_rate="refused",
    lower_case_optimizers=True,
    optimizer_epsilon=1e-8,
    optimizer_scalars="direct",
    adam_moments="sum",
    rmsprop_root="epsilon outside",
    rmsprop_iterations_in_variables=False,
    steps_counted="with decay",
    slot_order="by slot",
    clip_arguments="all",
    clipnorm_over="all",
    # the training loop
    batchless_step_runs=False,
    # random numbers
    order_drawn_by="np.random.shuffle",
)

# The backends beside TensorFlow: each is told by what differs from it.
_KERAS_3_JAX = dataclasses.replace(
    _KERAS_3,
    name="keras-3@jax",
    softmax_gradient="of the quotient",
    same_trainable_is_ignored=False,
    rng="threefry",
    part_losses_count="rows",
    dict_outputs="sorted by compilation",
    jit_compile_auto=True,
    text_as_number="ValueError",
    regularizer_factors="floatx",
    relu_constants="exact",
    relu_gradient="select",
    gelu_constants="exact",
    leaky_relu_slope="exact",
    leaky_relu_slope_at_0="positive",
    abs_gradient="select",
    training_reaches="what it is handed to",
    maximum_gradient="half product",
    clip_gradient="half product",
    relu_max_below_0="max_value",
    sparse_sigmoid_slope_at_1=0.25,
    celu_slope_at_0=1,
    selu_slope_at_0="left",
    trainable_is_read="once",
    unreached_weights="zero gradient",
    trained_metrics_use_mask=False,
    warns_without_weights=False,
    binary_crossentropy_of_logits="two parts",
    cosine_gradient_of_zero="nan",
    gradient_of_largest_nan="zero",
    crossentropy_from_activation=False,
    sparse_crossentropy_picks=True,
    sparse_crossentropy_axis="equal",
    sparse_crossentropy_normalizes="before clip",
    softmax_crossentropy_gradient="derivative",
    sparse_label_out_of_range="zero",
    metric_numbers="exact",
    argmax_of_nan="first",
    masked_first_output="initial state",
    unrolled_output_is_zeroed=False,
    empty_batch_runs=True,
    quotient_gradient="by the square",
    accumulators_reset="given",
    iterations_dtype="int32",
    optimizer_scalars="exact",
    no_steps_error="IndexError",
    in_top_k="NaN is least",
    built_for_batch_size=("fit", "predict", "on_batch"),
    batches_looked_at=0,
    builds_from_batches=("fit", "train_on_batch", "evaluate", "test_on_batch", "predict"),
    loops_keep_states=False,
    optimizer_is_built_early=True,
    batchless_step_runs=False,
)
_KERAS_3_TORCH = dataclasses.replace(
    _KERAS_3,
    name="keras-3@torch",
    same_trainable_is_ignored=False,
    rng="mt19937",
    batches_looked_at=0,
    builds_from_batches=("fit", "train_on_batch", "evaluate", "test_on_batch"),
    optimizer_is_built_early=True,
    batchless_step_runs=False,
    batch_size_is_int=True,
    part_losses_count="rows",
    dict_outputs="sorted by models",
    text_as_number="ValueError",
    trainable_is_read="each step",
    steps_per_execution_allowed=False,
    regularizer_factors="floatx",
    relu_constants="exact",
    relu_gradient="zero unless above",
    gelu_constants="exact",
    leaky_relu_slope="exact",
    celu_slope_at_0=1,
    selu_slope_at_0="left",
    hard_tanh_slope_at_1=0,
    cosine_gradient_of_zero="nan",
    abs_gradient="sign or 0",
    binary_crossentropy_of_logits="(1 - t) z",
    maximum_gradient="halves",
    relu_max_below_0="max_value",
    shrunk_nan="nan",
    crossentropy_from_activation=False,
    sparse_crossentropy_normalizes="before clip",
    sparse_crossentropy_picks=True,
    sparse_crossentropy_axis="any",
    softmax_crossentropy_gradient="derivative by logarithms",
    sparse_label_out_of_range="IndexError",
    metric_numbers="exact",
    argmax_of_nan="first",
    argmax_orders_zeros=False,
    unrolled_backwards_mask_fails=True,
    empty_batch_runs=True,
    iterations_dtype="int32",
    optimizer_scalars="exact",
    weight_decay_by="factor",
    rmsprop_root="epsilon first",
    adam_moments="sum",
    no_steps_error="IndexError",
    mask_spreads_weights=False,
    argmax_flushes=False,
    argmax_of_numbers=True,
    categorical_accuracy_squeezes=False,
    in_top_k="NaN is largest, labels modulo n",
    built_for_batch_size=("fit", "predict", "on_batch"),
    losses_of_numbers="all",
    probabilities_are_checked=True,
    use_cudnn_needs_gpu=False,
)
_KERAS_3_NUMPY = dataclasses.replace(
    _KERAS_3,
    name="keras-3@numpy",
    same_trainable_is_ignored=False,
    batches_looked_at=0,
    sparse_crossentropy_axis="equal",
    data_is_reset=(),
    batchless_step_runs=False,
    builds_from_batches=("evaluate", "test_on_batch"),
    first_batch_is_put_back=False,
    leaky_relu_by="maximum",
    losses_of_numbers="sums",
    rng="pcg64",
    part_losses_count="rows",
    jit_compile_auto=True,
    text_as_number="ValueError",
    test_on_batch_resets=False,
    relu_max_below_0="max_value",
    monitor_precision="float64",
    crossentropy_from_activation=False,
    sparse_crossentropy_normalizes="before clip",
    binary_crossentropy_of_logits="clipped",
    softmax_crossentropy_gradient="derivative",
    sparse_label_out_of_range="negative is zero",
    metric_numbers="exact",
    argmax_of_nan="first",
    masked_first_output="initial state",
    unrolled_output_is_zeroed=False,
    empty_batch_runs=True,
    optimizer_scalars="exact",
    iterations_dtype="int32",
    inactive_dropout_keeps_logits=False,
    no_steps_error="IndexError",
    mask_spreads_weights=False,
    cosine_similarity="arrays",
    argmax_flushes=False,
    argmax_of_numbers=True,
    in_top_k="NaN is largest",
    built_for_batch_size=("fit", "predict", "on_batch"),
)

PRESETS: dict[str, Semantics] = {
    preset.name: preset for preset in (_KERAS_3, _KERAS_3_JAX, _KERAS_3_TORCH, _KERAS_3_NUMPY, _TF_KERAS, _KERAS_2_0)
}


def get(semantics: str | Semantics) -> Semantics:
    """Return a preset by name, or the object itself.

    Raises:
        ValueError: no preset has that name.
    """
    if isinstance(semantics, Semantics):
        return semantics
    if semantics in PRESETS:
        return PRESETS[semantics]
    near = difflib.get_close_matches(str(semantics), PRESETS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown semantics {semantics!r}.{hint} Available: {', '.join(PRESETS)}.")


_current = get(os.environ.get("REFKERAS_SEMANTICS") or "keras-3@tensorflow")


def current() -> Semantics:
    """Return the semantics in force."""
    return _current


class use:  # noqa: N801
    """Set the semantics in force; as a context manager, put the old ones back on exit.

    Args:
        semantics: a preset's name (`"keras-3@tensorflow"`, `"tf_keras"`,
            `"keras-2.0"`) or a `Semantics`.

    Raises:
        ValueError: no preset has that name.
    """

    def __init__(self, semantics: str | Semantics) -> None:
        global _current
        self._previous = _current
        _current = get(semantics)

    def __enter__(self) -> Semantics:
        return _current

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _current
        _current = self._previous


class Differences(dict[str, tuple[Any, Any, str]]):
    """`{field: (value in a, value in b, meaning)}`, which prints as a table."""

    def __init__(self, a: Semantics, b: Semantics) -> None:
        self.names = a.name, b.name
        super().__init__(
            (item.name, (getattr(a, item.name), getattr(b, item.name), item.metadata["doc"]))
            for item in dataclasses.fields(Semantics)
            if item.name != "name" and getattr(a, item.name) != getattr(b, item.name)
        )

    def __str__(self) -> str:
        import textwrap

        if not self:
            return f"{self.names[0]} and {self.names[1]} do not differ."
        rows = [("", *self.names), *((name, repr(a), repr(b)) for name, (a, b, _) in self.items())]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        head, *lines = [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}".rstrip() for row in rows]
        meanings = (textwrap.indent(textwrap.fill(doc, 96), "    ") for _, _, doc in self.values())
        return "\n".join([head, *(f"{line}\n{meaning}" for line, meaning in zip(lines, meanings, strict=True))])

    __repr__ = __str__


def diff(a: str | Semantics, b: str | Semantics) -> Differences:
    """Return the fields on which two engines differ: `{field: (value in a, value in b, meaning)}`.

    Args:
        a, b: presets' names, or `Semantics`.

    Returns:
        A dict that prints as a table, in the order of `docs/semantics.md`.

    Raises:
        ValueError: no preset has that name.

    >>> diff("keras-3@jax", "keras-3@numpy")["binary_crossentropy_of_logits"][:2]
    ('two parts', 'clipped')
    >>> print(diff("tf_keras", "tf_keras"))
    tf_keras and tf_keras do not differ.
    """
    return Differences(get(a), get(b))
