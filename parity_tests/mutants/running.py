"""Mistakes in what drives the formulas: optimizers, schedules, the training loop, callbacks, random orders."""

from __future__ import annotations

from parity_tests.mutants.mutant import of

STEPS = "test_optimizers.py::test_steps_are_keras_3s"
TF_STEPS = "test_optimizers.py::test_steps_are_tf_keras_s"
RUNS, TABLE = "test_training.py::test_runs_alike", "test_compile.py::test_table"
RATES = "test_schedules.py::test_rates_are_the_same"

_rules = of("ops/optimizers.py", STEPS)
_step = of("optimizers/step.py", STEPS)
OPTIMIZERS = (
    _rules(
        "adam's epsilon inside the root",
        "    sqrt(v, out=s)\n    s += epsilon\n    multiply(m, alpha",
        "    sqrt(v + epsilon, out=s)\n    multiply(m, alpha",
    ),
    _rules(
        "bias correction one step late",
        "lr * sqrt(1 - beta_2**t) / (1 - beta_1**t)",
        "lr * sqrt(1 - beta_2 ** (t + 1)) / (1 - beta_1 ** (t + 1))",
    ),
    _rules(
        "rmsprop's epsilon outside the root",
        "            add(v, epsilon, out=s)\n",
        "            add(v, epsilon * epsilon, out=s)\n",
        STEPS,
        TF_STEPS,
    ),
    _rules("nesterov looks ahead with the old velocity", "multiply(m, mu, out=r)", "multiply(m, 1, out=r)"),
    _rules("velocity without its sign", "    m -= s\n    if nesterov", "    m += s\n    if nesterov"),
    _rules("amsgrad forgets the largest", "v = maximum(v_hat, v, out=v_hat)", "v_hat[...] = v"),
    _rules(
        "decay without the learning rate", "    multiply(w, wd, out=s)\n    s *= lr\n", "    multiply(w, wd, out=s)\n"
    ),
    _rules(
        "norms not joint",
        "total = total + np.sum(square(g, out=s))",
        "total = maximum(total, np.sum(square(g, out=s)))",
        "test_optimizers.py::test_norms_are_clipped",
    ),
    _step(
        "weight decay forgotten",
        "                self._decay_weights(cells, rate)\n",
        "                pass\n",
        STEPS,
        "test_optimizers.py",
    ),
    _step(
        "the joint norm's bound is each one's",
        "        norm, together, value = self.clipnorm, self.global_clipnorm, self.clipvalue",
        "        norm, together, value = self.clipnorm, self.clipnorm, self.clipvalue",
        "test_optimizers.py::test_norms_are_clipped",
    ),
    _step("accumulated gradients are not averaged", "            cell.g /= steps\n", "            cell.g /= 1\n"),
    _step(
        "averages start one step late",
        "self.ema_momentum if updates else 0",
        "self.ema_momentum if updates > 1 else 0",
        "test_optimizers.py::test_moving_averages",
        STEPS,
    ),
    _step(
        "weights are overwritten one step early",
        "(updates + 1) % self.ema_overwrite_frequency",
        "(updates + 2) % self.ema_overwrite_frequency",
        "test_optimizers.py::test_weights_are_overwritten_by_their_average",
        STEPS,
    ),
    _step(
        "no averages, and the first constraint forgotten",
        "        if self.use_ema:\n            self._average_weights(cells)\n        for part in parts:",
        "        for part in parts[1:]:",
        STEPS,
        "test_optimizers.py::test_constraints_come_last",
    ),
)
SCHEDULES = (
    of("optimizers/schedules/exponential_decay.py", RATES)("staircase rounds", "p = np.floor(p)", "p = np.round(p)"),
    of("optimizers/schedules/polynomial_decay.py", RATES)(
        "a cycle too short", "np.ceil(x / self.decay_steps)", "np.floor(x / self.decay_steps)"
    ),
    of("optimizers/schedules/piecewise_constant_decay.py", "test_schedules.py::test_piecewise_rates_are_the_same")(
        "a boundary belongs to the right", "(x <= boundaries[0])", "(x < boundaries[0])"
    ),
    of("optimizers/schedules/cosine_decay.py", "test_schedules.py::test_cosine_decay")(
        "alpha of the whole", "kind(1 - self.alpha) * fall", "fall"
    ),
)

_steps = of("training/steps.py", RUNS)
_compiled = of("training/compiled.py", RUNS, TABLE)
_measuring = of("training/measuring.py", "test_measuring.py")
_data = of("training/stream_feed.py", "test_data_in_loops.py")
LOOP = (
    _step(
        "the step without a batch does not decay",
        "                self._decay_weights(parts, self._rate())\n",
        "                pass\n",
        "test_batchless_step.py",
    ),
    _steps(
        "the step without a batch draws no seeds",
        "                generator.skip(draws)\n",
        "                generator.skip(0)\n",
        "test_batchless_step.py",
    ),
    _measuring(
        "compute_loss without penalties",
        "            total = with_penalties(total, penalties)\n",
        "",
    ),
    _measuring("compute_loss counts its parts by batches", "rows_are_known=True", "rows_are_known=False"),
    _measuring("compute_loss has the metrics see the batch", 'wanted=["losses"])', "wanted=['losses', 'metrics'])"),
    of("training/trainer.py", "test_methods_keras_2_0.py")(
        "batches for validation are of 32 beside a generator",
        "size = validation_batch_size or batch_size or feed.validation_size",
        "size = validation_batch_size or batch_size",
    ),
    of("training/older_methods.py", "test_methods_keras_2_0.py")(
        "one output is a class of its own above 0",
        '(found > 0.5).astype("int32")',
        '(found > 0.0).astype("int32")',
    ),
    of("layers/node_attributes.py", "test_node_attributes.py")(
        "the first shape of several", "if any(other != found[0] for other in found[1:]):", "if False:"
    ),
    of("training/prefetching.py", "test_data_in_loops.py")(
        "what workers made last comes first", "future = self._made.popleft()", "future = self._made.pop()"
    ),
    of("training/feeds.py", "test_data_in_loops.py")(
        "steps are rounded down to executions",
        "        return -(-steps // self.at_once) * self.at_once\n",
        "        return max(steps // self.at_once, 1) * self.at_once\n",
    ),
    _data(
        "the data is not told of the end before an epoch",
        "            self.source.end_epoch()\n\n    @property\n    def is_last",
        "            pass\n\n    @property\n    def is_last",
    ),
    _data("a shuffled stream keeps its order", "            random.shuffle(order)\n", "            order.reverse()\n"),
    _compiled(
        "batch losses without their sizes",
        "self.loss_tracker.update_state(total, size)",
        "self.loss_tracker.update_state(total)",
        RUNS,
    ),
    _compiled(
        "parts of the loss weighed by rows",
        "weight = None if by_batch else size",
        "weight = size",
        "test_compile.py::test_part_losses_count",
    ),
    of("training/bound.py", TABLE)(
        "per-output losses are reported weighted",
        "        value, pullback = self.value_and_pullback(y, pred, w)\n",
        "        value, pullback = self.value_and_pullback(y, pred, w)\n        value = value * (self.factor or 1)\n",
        TABLE,
        "test_compile.py::test_any_combination",
    ),
    _compiled("running means are never reset", "        self.loss_tracker.reset_state()\n", "        pass\n", RUNS),
    _compiled(
        "logs in the order of declaration",
        'sorted(found) if semantics.current().log_order == "sorted" else found',
        "found",
        "test_compile.py::test_log_order",
    ),
    _steps(
        "penalties have no gradient",
        "d_weights[id(v)] = penalty if id(v) not in d_weights else d_weights[id(v)] + penalty",
        "d_weights[id(v)] = d_weights.get(id(v))",
    ),
    _steps(
        "penalties are not added to the loss",
        "        total = penalty if total is None else total + penalty",
        "        total = penalty if total is None else total",
    ),
    of("tree.py", "test_dict_outputs.py::test_order_of_keys")(
        "dicts are packed in alphabetical order",
        "return {key: packed[key] for key in structure}",
        "return packed",
    ),
    of("models/functional.py", "test_dict_outputs.py::test_names_of_several_outputs_of_a_layer")(
        "outputs of one layer share its name",
        "naming.unique(names) if semantics.current().output_names_are_unique else names",
        "names",
    ),
    of("training/matching.py", "test_dict_outputs.py::test_names_of_outputs_without_names")(
        "outputs without names are counted from 0",
        "str(key + 1 if isinstance(key, int) else key)",
        "str(key)",
    ),
    of("training/data.py", "test_data.py::test_validation_split", "test_data.py")(
        "validation split rounds up",
        "math.floor(rows * (1.0 - validation_split))",
        "math.ceil(rows * (1.0 - validation_split))",
    ),
    of("training/sample_weights.py", "test_data.py::test_class_weight_missing")(
        "missing classes weigh nothing",
        "class_weight.get(int(k), 1.0)",
        "class_weight.get(int(k), 0.0)",
        "test_data.py",
    ),
    of("training/sample_weights.py", "test_data.py")(
        "the class of a row is truncated", "np.round(y).astype(np.int32)", "np.trunc(y).astype(np.int32)"
    ),
    of("random/order.py", "test_data.py::test_batches_of_arrays")(
        "the last, smaller batch is dropped",
        "for start in range(0, n, batch_size)]",
        "for start in range(0, n, batch_size)][: max(1, n // batch_size)]",
    ),
    of("training/array_feed.py", "test_callbacks_in_fit.py::test_printed_lines")(
        "the last, smaller batch is not announced",
        "math.ceil(self.num_samples / batch_size)",
        "max(1, self.num_samples // batch_size)",
    ),
    of("random/order.py", "test_random.py")(
        "shuffle: the last place is never swapped",
        "np.arange(n, 1, -1, dtype=words.dtype)",
        "np.arange(n, 1, -1, dtype=words.dtype) - (n > 2)",
    ),
    of("initializers/random.py", "test_random.py")(
        "fans exchanged",
        '"fan_in": fan_in, "fan_out": fan_out',
        '"fan_in": fan_out, "fan_out": fan_in',
        "test_random.py",
        "test_initializers.py",
    ),
    of("initializers/random.py", "test_random.py")(
        "a limit without its root",
        "limit = math.sqrt(3.0 * variance)",
        "limit = 3.0 * variance",
        "test_random.py",
        "test_lstm.py::test_names_paths_and_initial_weights",
    ),
)

STOP = "test_callbacks.py::test_early_stopping"
_stopping = of("callbacks/early_stopping.py", STOP)
_plateau = of("callbacks/reduce_lr_on_plateau.py", "test_callbacks.py::test_reduce_lr_on_plateau")
CALLBACKS = (
    _stopping(
        "patience off by one",
        "elif self.wait >= self.patience and epoch > 0",
        "elif self.wait > self.patience and epoch > 0",
    ),
    _stopping("stops at the first epoch", "self.wait >= self.patience and epoch > 0", "self.wait >= self.patience"),
    _stopping(
        "a worse epoch than the baseline resets the wait",
        "if self.baseline is None or self._is_improvement(current, self.baseline)",
        "if True",
    ),
    _stopping("starts one epoch late", "epoch >= self.start_from_epoch", "epoch > self.start_from_epoch"),
    of("callbacks/monitor.py", "test_callbacks.py::test_reduce_lr_on_plateau")(
        "min_delta on the wrong side",
        "self.monitor_op(value - self.min_delta, reference)",
        "self.monitor_op(value + self.min_delta, reference)",
    ),
    _plateau(
        "cooldown counts after the comparison",
        "self.cooldown_counter = self.cooldown\n",
        "self.cooldown_counter = self.cooldown + bool(self.cooldown)\n",
    ),
    _plateau(
        "epochs of the cooldown count as waiting",
        "            self.cooldown_counter -= 1\n            self.wait = 0\n",
        "            self.cooldown_counter -= 1\n",
        "test_callbacks_keras_2_0.py::test_fits",
    ),
    _plateau("the floor is not kept", "max(rate * self.factor, self.min_lr)", "rate * self.factor"),
    _plateau("patience counted after", "self.wait += not counts_after", "self.wait += 0"),
    of("utils/numerical.py", "test_utils.py::test_normalize")(
        "norms of zero", "norm[norm == 0] = 1", "norm[norm == 0] = np.nan", "test_utils.py::test_normalize"
    ),
)
_padding = of("utils/sequence_utils.py", "test_utils.py::test_pad_sequences")
_settings = of("config.py", "test_settings.py")
SETTINGS = (
    _padding("long sequences cut at the other end", 'if truncating == "pre" else', 'if truncating == "post" else'),
    _padding("padded by one step less", "slice(-len(kept), None)", "slice(-len(kept) - 1, -1)"),
    _padding("as long as the first", "maxlen = max(map(len, sequences))", "maxlen = len(sequences[0])"),
    _settings("float is the widest", 'float: ("float32", "float32")', 'float: ("float64", "float64")'),
    _settings("an abbreviation is a dtype", "if named not in DTYPES:", "if named not in (*DTYPES, 'f4'):"),
    _settings("a limit that is reached is told", "limit >= count)", "limit > count)"),
    _settings("a limit adds steps", "or (count is not None and limit >= count)", ""),
)
CONTRACT = "test_layer_contract.py"
_variables = of("variable.py", "test_variables.py")
_layers = of("layers/tracking.py", CONTRACT)
LAYERS = (
    _variables("Python's integers have 64 bits", 'dtype = "int32"\n', 'dtype = "int64"\n'),
    _variables(
        "a sum is cast before it is taken", "assign(self + value)", "assign(self + np.asarray(value, self.dtype))"
    ),
    _layers(
        "state that comes late is taken", "self._locked = semantics.current().state_is_locked", "self._locked = False"
    ),
    of("layers/base.py", CONTRACT)("penalties over the features", "max(len(y), 1)", "max(y.shape[-1], 1)"),
    of("layers/base.py", CONTRACT)(
        "penalties of all calls", "            self._losses = []\n            return\n", "            return\n"
    ),
    of("layers/eager.py", CONTRACT)(
        "penalties inside a layer forgotten",
        "                layer._inner_losses.extend,\n",
        "                [].extend,\n",
    ),
    of("models/sequential.py", CONTRACT)(
        "a stack compares all sizes", "_compares_sizes = given and not by_rank", "_compares_sizes = given"
    ),
    of("models/slicing.py", "test_slicing.py::test_any_cut")(
        "a cut's calls take what the whole's took",
        "            tree.map_structure(copy_of, node.args),\n",
        "            node.args,\n",
    ),
    of("models/program.py", "test_calls.py")(
        "what a call says of training does not hold in fit",
        "wins = training is None or self._of_a_call or semantics.current().explicit_training_wins",
        "wins = training is None or semantics.current().explicit_training_wins",
    ),
    of("layers/calling.py", "test_calls.py")(
        "arguments without names are not told apart",
        'if place and name in ("mask", "training")), len(positional)',
        'if place and name in ("mask",)), len(positional)',
    ),
    of("models/program.py", "test_training.py::test_runs_alike")(
        "a penalty of what is handed on has no gradient",
        "if len(arriving) == 1 and not step.watched:",
        "if len(arriving) == 1:",
    ),
    of("models/program.py", "test_training.py::test_runs_alike")(
        "an input that is handed on beside another output gets its gradient twice",
        "                if len(arriving) == 1 and not step.watched:\n",
        "                if True:\n"
        "                    d[ins[0]] = _sum(d[ins[0]], arriving[0]) if handed_on[0] else d[ins[0]]\n"
        "                if len(arriving) == 1 and not step.watched:\n",
    ),
    of("models/sequential.py", "test_life_of_a_model.py::test_a_stack_that_grows_after_it_was_fitted")(
        "a stack that grew trains what it had before",
        "        if self._steps is not None:\n            self._steps.trace_anew()\n",
        "",
    ),
    of("models/model.py", "test_building_from_batches.py")(
        "what a model draws while it is built is drawn from the steps",
        "        with values_preserved(self):\n            return self._run(",
        "        if True:\n            return self._run(",
    ),
    of("layers/containers.py", "test_weight_order.py")(
        "a layer that is appended to a list does not belong to the layer around",
        "        _add(self._owner, [value])\n        super().append(value)",
        "        super().append(value)",
    ),
    of("layers/tracking.py", "test_weight_order.py")(
        "in tf_keras a dict's layers in the order that they came in",
        "[container[key] for key in sorted(container)]",
        "list(container.values())",
    ),
    of("saving/legacy_weights.py", "test_weight_files.py")(
        "weights of other names lose a part of them",
        'inside = (v for v in layer.weights if v.path.startswith(f"{layer.path}/"))',
        "inside = layer.weights",
    ),
    of("layers/eager.py", "test_layer_contract.py::test_masks_of_arguments")(
        "every argument's mask is the first's", "each.get(name)", "each.get(signature.masked[0])"
    ),
    of("layers/eager.py", "test_layer_contract.py::test_masks_reach_the_layers_inside")(
        "masks end at a layer of one's own", "    args, kwargs = _carrying([args, kwargs], carried)\n", ""
    ),
    of("layers/eager.py", "test_layer_contract.py::test_when_the_layers_inside_are_built")(
        "a layer that tells its shape does not build what is inside",
        "    return type(layer).build is Layer.build and not all(",
        "    return type(layer).build is not Layer.build and not all(",
    ),
    of("layers/tracking.py", "test_layer_contract.py::test_arguments_of_add_weight")(
        "dtype and initializer in Keras 3's order after the name",
        '("name", "shape", "dtype", "initializer", "regularizer"',
        '("name", "shape", "initializer", "dtype", "regularizer"',
    ),
)
MUTANTS = (*OPTIMIZERS, *SCHEDULES, *LOOP, *CALLBACKS, *SETTINGS, *LAYERS)
