"""Mistakes in formulas: losses, metrics, activations, layers."""

from __future__ import annotations

from parity_tests.mutants.mutant import of

FUNCTIONS = OBJECTS = "test_losses.py::test_each_loss"
WEIGHTS, CORNERS = "test_losses.py::test_weights_masks_and_reductions", "test_losses.py::test_special_predictions"
LSTM, DROPOUT = "test_lstm.py::test_values_and_gradients", "test_lstm.py::test_dropout"

_losses = of("ops/losses.py", FUNCTIONS, OBJECTS)
_regression = of("ops/regression_losses.py", FUNCTIONS, OBJECTS)
_hinges = of("ops/hinge_losses.py", FUNCTIONS, OBJECTS)
_means = of("ops/reducing.py", FUNCTIONS, OBJECTS)
_passes = of("losses/passes.py", FUNCTIONS)
_reduction = of("losses/reduction.py", WEIGHTS)
_loss = of("losses/loss.py", WEIGHTS)
_ranks = of("losses/arrays.py", "test_losses.py::test_shapes", WEIGHTS)
LOSSES = (
    _losses(
        "mse without the 2 of its gradient",
        "t, p, along(d, -1, 2.0 / n)",
        "t, p, along(d, -1, 1.0 / n)",
        OBJECTS,
    ),
    _losses(
        "sign of mae's gradient at ties",
        "-slope_of_abs(t - p, rule) * d",
        "np.where(p >= t, 1.0, -1.0) * d",
        OBJECTS,
    ),
    _losses(
        "epsilon added in the logarithms", "    a, b = q, 1.0 - q\n", "    a, b = q + epsilon, 1.0 - q + epsilon\n"
    ),
    _losses("clip not before but after 1 - p", "np.log(b), axis)", "np.log(np.maximum(1.0 - p, epsilon)), axis)"),
    _losses("sigmoid of the wrong sign", "np.where(z >= 0, (d - t * d)", "np.where(z < 0, (d - t * d)", OBJECTS),
    _losses("cce does not normalize", "    r = p / total\n", "    r = p / np.ones_like(total)\n"),
    _losses(
        "softmax ce: derivative for any targets",
        "        if derivative:\n            softmax =",
        "        if True:\n            softmax =",
        OBJECTS,
    ),
    _losses(
        "sparse ce: the class next to the right one",
        "k[..., None] == np.arange(z.shape[-1])",
        "k[..., None] == np.arange(z.shape[-1]) - 1",
    ),
    _losses("kl: targets not clipped", "s = np.minimum(np.maximum(t, epsilon), 1.0)", "s = np.maximum(t, 1e-30)"),
    _losses("poisson: epsilon outside the logarithm", "np.log(q), -1)", "(np.log(p) + epsilon), -1)", FUNCTIONS),
    _means("gradients pass a clip only inside", "(p >= low) & (p <= high)", "(p > low) & (p < high)", OBJECTS, CORNERS),
    _means(
        "a mean's denominator off by one",
        "total / total.dtype.type(n), max(n, 1)",
        "total / total.dtype.type(n + 1), max(n, 1)",
    ),
    _regression(
        "mape: |p| below instead of |t|", "m = np.maximum(np.abs(t), epsilon)", "m = np.maximum(np.abs(p), epsilon)"
    ),
    _regression("msle: log1p of the clip forgotten", "q = np.maximum(p, epsilon) + 1.0", "q = np.abs(p) + 1.0"),
    _regression(
        "msle: gradient passes above epsilon only",
        "through_maximum(dq, p, epsilon, rule)",
        "np.where(p > epsilon, dq, np.zeros_like(dq))",
        OBJECTS,
        CORNERS,
    ),
    _regression("huber: the tangent too high", "delta * size - 0.5 * delta**2", "delta * size - 0.5 * delta"),
    of("ops/normalizing.py", FUNCTIONS)(
        "cosine: bound of 1/|x| misplaced",
        "np.minimum(inverse, 1.0 / epsilon)",
        "np.minimum(inverse, 1.0 / epsilon**2)",
    ),
    _hinges("labels are never signed", "if np.all((t == 0) | (t == 1)) else t", "if False else t"),
    _hinges(
        "hinge: no gradient on the margin",
        "-t * through_maximum(dm, margin, rule=rule), p.shape)",
        "-t * np.where(margin > 0, dm, np.zeros_like(dm)), p.shape)",
        OBJECTS,
    ),
    _hinges(
        "categorical hinge: ties take all",
        "share = ties / (np.where(count == 0, np.ones_like(count), count) if zero_of_nan else count)",
        "share = ties",
        OBJECTS,
    ),
    _passes(
        "label smoothing counts the batch",
        "y_true * (1.0 - label_smoothing) + label_smoothing / classes",
        "y_true * (1.0 - label_smoothing) + label_smoothing / len(y_true)",
    ),
    _passes("binary label smoothing on one side", "+ 0.5 * label_smoothing", "+ label_smoothing"),
    _passes(
        "ignored classes count",
        "        values = np.where(valid, values, np.zeros_like(values))\n",
        "        values = values * 1\n",
        "test_losses.py::test_ignore_class",
    ),
    _reduction(
        "divided by the sum of the weights",
        "    count = math.prod(weighted.shape) * counted\n",
        "    count = math.prod(weighted.shape) * counted if weights is None else float(weights.sum())\n",
    ),
    _reduction(
        "a mask does not change the denominator", "        if valid or semantics", "        if False or semantics"
    ),
    _reduction("weights after the mean", "else matched * weights", "else matched * np.mean(weights)"),
    _loss(
        "the mask of the predictions is lost",
        "mask = own_mask if mask is None else mask & own_mask",
        "mask = own_mask",
        "test_losses.py::test_ignore_class_beside_a_mask",
    ),
    _ranks(
        "ranks: the smaller is always expanded",
        "(a, b[..., None]) if b.ndim == 1 else (a[..., 0], b)",
        "(a, b[..., None])",
    ),
)

METRIC = "test_metrics.py::test_metrics"
_accuracy = of("metrics/accuracy.py", METRIC)
_mean = of("metrics/reduction.py", METRIC)
METRICS = (
    _accuracy(
        "a threshold that counts itself", "y_pred > np.dtype(config.floatx())", "y_pred >= np.dtype(config.floatx())"
    ),
    of("ops/accuracy.py", "test_metrics.py::test_largest_of_ties_zeros_and_nans")(
        "the last of ties",
        "return x.argmax(-1)\n",
        "return x.shape[-1] - 1 - x[..., ::-1].argmax(-1)\n",
        "test_metrics.py::test_largest_of_ties_zeros_and_nans",
    ),
    of("ops/accuracy.py", "test_r2_score.py::test_the_k_best_of_ties")(
        "k best and one more", "(larger < k)", "(larger <= k)"
    ),
    of("ops/accuracy.py", METRIC)("a NaN may be beaten", "known & np.all(np.isfinite(x), -1) & ", "known & "),
    _mean("batches count once", "number = values.size if weights is None", "number = 1 if weights is None"),
    _mean(
        "weights are not counted",
        "else np.add.reduce(weights, axis=None)\n        # A 0-d",
        "else weights.size\n        # A 0-d",
    ),
    _mean(
        "a metric ignores the mask", 'getattr(y_pred, "_keras_mask", None) if rules.metrics_use_mask else None', "None"
    ),
    of("metrics/regression.py", METRIC)(
        "rmse: mean of roots",
        "super().update_state(np.square(y_pred - y_true), sample_weight)",
        "super().update_state(np.abs(y_pred - y_true), sample_weight)",
    ),
    of("metrics/regression.py", METRIC)("the cosine of a metric is a loss", "-loss.array", "loss.array"),
    of("metrics/r2_score.py", "test_r2_score.py::test_r2_score")(
        "r2: one regressor too many", "np.float32(q) - one)", "np.float32(q))"
    ),
)

ACTIVATION, KINKS = "test_activations.py::test_elementwise", "test_activations.py::test_special_values"
_smooth = of("ops/activations.py", ACTIVATION)
_piecewise = of("ops/piecewise.py", ACTIVATION, KINKS)
_rectifiers = of("ops/rectifiers.py", ACTIVATION, KINKS)
_softmax = of("ops/softmax.py", "test_activations.py::test_over_axes")
ACTIVATIONS = (
    _smooth("silu' forgets x", "dy * (s * (1 + x * (1 - s)))", "dy * (s * (1 + (1 - s)))"),
    _smooth(
        "gelu's constant exact in float64",
        "root, cubic = float(np.float32(root)), float(np.float32(cubic))",
        "root, cubic = float(np.float32(root)), cubic",
        "test_activations.py::test_constants_of_gelu_in_float64",
    ),
    _piecewise("hard sigmoid's slope", "    return y / 6, pullback", "    return 0.2 * (y - 3) + 0.5, pullback"),
    _piecewise("hard tanh has a gradient inside only", "(x >= -1) & (x <= 1)", "(x > -1) & (x < 1)", KINKS),
    _rectifiers("relu'(0) is 1", "return dy * (y > 0)", "return dy * (x >= 0)", KINKS),
    _rectifiers("relu6'(6) is 1", "dy * ((x > 0) & (x < 6))", "dy * ((x > 0) & (x <= 6))", KINKS),
    _softmax(
        "softmax's pullback lacks the sum",
        "y * (dy - sum_along(y * dy, axis, keepdims=True))",
        "y * dy * (1 - y)",
    ),
    _softmax("glu: halves exchanged", "a, b = np.split(x, 2, axis=axis)", "b, a = np.split(x, 2, axis=axis)"),
)

_cell = of("ops/lstm_cell.py", LSTM)
_lstm = of("ops/lstm.py", LSTM)
_merging = of("ops/merging.py", "test_merging_layers.py::test_elementwise")
_merged = of("layers/merging.py", "test_merging_layers.py::test_elementwise")
LAYERS = (
    _cell("input and forget gates exchanged", "np.add(f * c, i * g, out=c_next)", "np.add(i * c, f * g, out=c_next)"),
    _cell(
        "the output gate sees c before tanh", "np.multiply(o, act_c, out=h_next)", "np.multiply(o, c_next, out=h_next)"
    ),
    _cell("dc without the forget gate", "np.multiply(dc, f, out=dc)", "pass"),
    _cell("the input gate's gradient by c", "dz_i[...] = pull_i((dc * g).T).T", "dz_i[...] = pull_i((dc * c).T).T"),
    _lstm(
        "masked steps do not output what was before",
        "np.copyto(h_next, H[t % slots], where=hidden[t])",
        "np.copyto(h_next, 0, where=hidden[t])",
    ),
    _lstm(
        "a repeated output's gradient goes to the state",
        "if masked and by_output else None",
        "if masked and not by_output else None",
        "test_lstm.py::test_order_of_gradients_where_a_step_is_masked",
    ),
    of("ops/vanishing.py", "test_lstm.py::test_a_gradient_that_vanishes")(
        "a lifted gradient lowered by one power too few",
        "np.multiply(x, 2.0**-self._exponent, out=x)",
        "np.multiply(x, 2.0 ** (1 - self._exponent), out=x)",
    ),
    _lstm("masks not reversed with go_backwards", "mask.T[::-1] if go_backwards else mask.T", "mask.T"),
    _lstm("dx not put back in order", "dx[::-1] if go_backwards else dx", "dx"),
    _lstm(
        "gates' masks in another order",
        "enumerate((3, 0, 1, 2))",
        "enumerate((3, 1, 0, 2))",
        "test_lstm.py::test_one_mask_per_gate",
        DROPOUT,
    ),
    _lstm(
        "the last state instead of the last output",
        "visible = visible[:, np.newaxis, :] if return_sequences else visible[-1]",
        "visible = visible[:, np.newaxis, :] if return_sequences else visible[-1:] | True",
        "test_lstm.py::test_masks_of_outputs",
        LSTM,
    ),
    of("random/family.py", DROPOUT)(
        "recurrent dropout with dropout's rate", "(call.recurrent_dropout, call.units)", "(call.dropout, call.units)"
    ),
    of("random/tensorflow.py", "test_core_layers.py::test_dropout")(
        "kept values are not scaled up", ".type(1.0 / (1.0 - rate))", ".type(1.0)"
    ),
    of("ops/dense.py", "test_core_layers.py::test_dense")(
        "dense: bias gradient is a mean", "np.add.reduce(d_rows, axis=0)", "np.mean(d_rows, axis=0)"
    ),
    of("layers/dense.py", "test_training.py::test_runs_alike")(
        "dense loses masks",
        "        self.supports_masking = True",
        "        self.supports_masking = False",
        "test_core_layers.py::test_masks_of_merges",
        "test_models.py::test_random_graphs",
        "test_training.py::test_runs_alike",
    ),
    of("layers/merging.py", "test_core_layers.py::test_masks_of_merges")(
        "merged masks: all must count",
        "functools.reduce(np.logical_or, masks)",
        "functools.reduce(np.logical_and, masks)",
    ),
    _merging(
        "merges: ties are the second's",
        "return np.maximum(a, b), _to_the_larger(a, b, rule)",
        "return np.maximum(a, b), lambda dy: _to_the_larger(b, a, rule)(dy)[::-1]",
    ),
    _merging("an average's gradient is a sum's", "return pull(dy / n)", "return pull(dy)"),
    _merging(
        "a product's gradient with all factors",
        "sum_to_shape(dy * before, x.shape)",
        "sum_to_shape(dy * before * x, x.shape)",
    ),
    _merged(
        "masked factors are 0",
        "x if m is None else np.where(m, x, np.ones_like(x))",
        "x if m is None else np.where(m, x, np.zeros_like(x))",
    ),
    _merged(
        "a masked step's gradient stays with it",
        "db = db + sum_to_shape(_where(~a_mask, da), b_full.shape)",
        "db = db + 0",
    ),
    of("layers/dot.py", "test_merging_layers.py::test_dot")(
        "one vector of two is normalized",
        "merging.batch_dot(units[0], units[1],",
        "merging.batch_dot(units[0], inputs[1],",
    ),
    of("regularizers.py", "test_regularizers.py::test_values_and_gradients")(
        "l2 without the 2",
        "return _factor(self.l2, value) * (value + value)",
        "return _factor(self.l2, value) * value",
    ),
    of("constraints.py", "test_constraints.py::test_projections")(
        "rate from the wrong side",
        "self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms",
        "(1 - self.rate) * np.clip(norms, self.min_value, self.max_value) + self.rate * norms",
    ),
)
MUTANTS = (*LOSSES, *METRICS, *ACTIVATIONS, *LAYERS)
