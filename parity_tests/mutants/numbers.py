"""Mistakes of a part in a million to a part in a hundred thousand."""

from __future__ import annotations

from parity_tests.mutants.mutant import of

FUNCTIONS = OBJECTS = "test_losses.py::test_each_loss"
LSTM, STEPS = "test_lstm.py::test_values_and_gradients", "test_optimizers.py::test_steps_are_keras_3s"
SHAPES, OVER_AXES = "test_activations.py::test_elementwise", "test_activations.py::test_over_axes"
SCHEDULE = "test_schedules.py::test_rates_are_the_same"


def _of(file: str, *tests: str):
    return of(file, *tests, numerical=True)


_losses = _of("ops/losses.py", FUNCTIONS, OBJECTS)
_regression = _of("ops/regression_losses.py", FUNCTIONS, OBJECTS)
_smooth = _of("ops/activations.py", SHAPES)
_rules = _of("ops/optimizers.py", STEPS)
_lstm = _of("ops/lstm_cell.py", LSTM)
MUTANTS = (
    _losses("mse + 1e-6", "        return e * e\n", "        return e * e * (1 + 1e-6)\n"),
    _losses(
        "mae' + 1e-6",
        "-slope_of_abs(t - p, rule) * d",
        "-slope_of_abs(t - p, rule) * d * (1 + 1e-6)",
        OBJECTS,
    ),
    _losses("bce + 2e-6", "    return -value, pullback\n", "    return -value * (1 + 2e-6), pullback\n"),
    _losses(
        "sigmoid ce' + 1e-6",
        "of_log = d * np.reciprocal(1.0 + e) * e\n",
        "of_log = d * np.reciprocal(1.0 + e) * e * (1 + 1e-6)\n",
        OBJECTS,
    ),
    _losses(
        "cce + 1e-6",
        "    terms = t * np.log(q)\n",
        "    terms = t * np.log(q) * (1 + 1e-6)\n",
    ),
    _losses("kl' + 1e-6", "dq = dr * (-r / q)", "dq = dr * (-r / q) * (1 + 1e-6)", OBJECTS),
    _losses(
        "poisson + 1e-6",
        "value, n = mean(p - t * np.log(q), -1)",
        "value, n = mean(p - t * np.log(q) * (1 + 1e-6), -1)",
    ),
    _regression("mape + 1e-6", "    return 100.0 * value, pullback\n", "    return 100.0001 * value, pullback\n"),
    _regression("msle + 5e-6", "value, n = mean(e * e, -1)", "value, n = mean(e * e * (1 + 5e-6), -1)"),
    _regression("log cosh: ln 2 exact", "LN_2 = 0.693147182464599609375", "LN_2 = 0.69314718 * (1 + 1e-6)"),
    _regression(
        "cosine + 1e-6",
        "return -np.add.reduce(t_unit * unit, axis), pullback",
        "return -np.add.reduce(t_unit * unit, axis) * (1 + 1e-6), pullback",
    ),
    _smooth("sigmoid + 1e-6", "        return 1 / (1 + np.exp(-x))", "        return (1 + 1e-6) / (1 + np.exp(-x))"),
    _smooth("tanh' + 2e-6", "return dy * (1 - y * y)", "return dy * (1 - y * y) * (1 + 2e-6)"),
    _smooth(
        "softplus + 1e-6",
        "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        "(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))) * (1 + 1e-6)",
    ),
    _of("ops/rectifiers.py", SHAPES)(
        "selu's scale + 1e-6", "_SELU_SCALE = 1.05070098735", "_SELU_SCALE = 1.05070203805"
    ),
    _of("ops/softmax.py", OVER_AXES)(
        "softmax + 1e-6",
        "        return e / total\n",
        "        return e / total * (1 + 1e-6)\n",
    ),
    _lstm(
        "lstm: c + 1e-6",
        "np.add(self._ig, self._fc, out=c_next)",
        "np.add(self._ig, self._fc, out=c_next); c_next *= 1 + 1e-6",
    ),
    _lstm("lstm: dh + 1e-5", "np.multiply(dz_o, dh, out=dz_o)", "np.multiply(dz_o, dh * (1 + 1e-5), out=dz_o)"),
    _of("ops/dense.py", "test_core_layers.py::test_dense")(
        "dense + 1e-5",
        "    y = _product(rows, kernel)\n",
        "    y = _product(rows, kernel) * kernel.dtype.type(1 + 1e-5)\n",
    ),
    _rules(
        "sgd + 1e-5", "    multiply(g, lr, out=s)\n    w -= s\n", "    multiply(g, lr * 1.00001, out=s)\n    w -= s\n"
    ),
    _rules("adam's rate + 1e-5", "return lr * sqrt(1 - beta_2**t)", "return 1.00001 * lr * sqrt(1 - beta_2**t)"),
    _rules(
        "clip by norm + 1e-5",
        "    g /= maximum(norm, c)\n",
        "    g /= maximum(norm, c) * 1.00001\n",
        "test_optimizers.py::test_norms_are_clipped",
    ),
    _of("optimizers/schedules/inverse_time_decay.py", SCHEDULE)(
        "inverse decay + 1e-6", "return lr / (1 + ", "return lr / (1.000001 + "
    ),
    _of("optimizers/schedules/exponential_decay.py", SCHEDULE)(
        "exponential decay + 1e-6", "return lr * cast(", "return 1.000001 * lr * cast("
    ),
    _of("constraints.py", "test_constraints.py::test_projections")(
        "max norm: epsilon ten times as large",
        "np.clip(norms, 0, self.max_value) / (config.epsilon() + norms)",
        "np.clip(norms, 0, self.max_value) / (10 * config.epsilon() + norms)",
    ),
    _of("regularizers.py", "test_regularizers.py::test_values_and_gradients")(
        "l1 + 1e-6",
        "return _factor(self.l1, value) * np.sum(np.abs(value))",
        "return _factor(self.l1, value) * np.sum(np.abs(value)) * value.dtype.type(1 + 1e-6)",
    ),
)
