"""Arguments that no other property gives: what comes of each, here and in Keras 3."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import differs, keras, numpy, portable, tf_keras, trains
from parity_tests.layer_sides import outcome as failure_or
from refkeras import precision, semantics
from refkeras.tensor import unwrap

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 2)).astype("float32")


def outcome(make: Any, k: Any) -> Any:
    """What a function makes of a library, or the type of what it raises."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            return make(k)
        except Exception as error:
            return type(error).__name__


def assert_alike(make: Any) -> Any:
    """Assert that both libraries make the same, and not by failing alike; return it."""
    ours, theirs = outcome(make, refkeras), outcome(make, keras)
    assert ours == theirs
    return ours


def test_the_comparison_can_fail():
    with pytest.raises(AssertionError):
        assert_alike(lambda k: k.__name__)
    assert assert_alike(lambda k: k.layers.Dense(-1)) == "ValueError"


INPUTS = [
    *({"batch_size": 5}, {"dtype": "int32"}, {"optional": True}, {"name": "a"}, {"sparse": False}, {"ragged": False}),
    *({"batch_size": 3, "dtype": "float64", "name": "b", "optional": True}, {"batch_size": 2, "batch_shape": (2, 3)}),
]


@pytest.mark.parametrize("arguments", INPUTS, ids=str)
def test_inputs(arguments):
    shape = {} if "batch_shape" in arguments else {"shape": (3,)}

    def symbolic(k):
        found = k.Input(**shape, **arguments)
        return found.shape, str(found.dtype), found.name if "name" in arguments else None

    def layer(k):
        made = k.layers.InputLayer(**shape, **arguments)
        return made.batch_shape, {**made.get_config(), "name": arguments.get("name")}

    assert_alike(symbolic)
    assert_alike(layer)


def test_inputs_of_given_tensors():
    def run(k):
        tensor = k.Input((2,))
        return k.Input(tensor=tensor) is tensor, k.layers.InputLayer(input_tensor=tensor).output is tensor

    assert assert_alike(run) == (True, True)


@pytest.mark.parametrize("arguments", [{"sparse": True}, {"ragged": True}], ids=str)
def test_sparse_and_ragged_inputs_are_refused(arguments):
    for make in (refkeras.Input, refkeras.layers.InputLayer):
        with pytest.raises(ValueError, match="refkeras has dense arrays only"):
            make(shape=(3,), **arguments)


SPECS = [
    *({"dtype": "float64"}, {"dtype": "foo"}, {"shape": (None, 3)}, {"ndim": 2}, {"max_ndim": 4}, {"min_ndim": 2}),
    *({"axes": {-1: 5}}, {"allow_last_axis_squeeze": True, "shape": (None, 1)}, {"name": "n"}, {"optional": True}),
    *({"axes": {3: 2}, "max_ndim": 2}, {"axes": {1: 2}, "ndim": 2}, {"axes": {2: 2}, "ndim": 2}, {"axes": 3}),
]


@pytest.mark.parametrize("arguments", SPECS, ids=str)
def test_input_specs(arguments):
    names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "allow_last_axis_squeeze", "name", "optional")

    def run(k):
        spec = k.layers.InputSpec(**arguments)
        return {name: getattr(spec, name) for name in names}, spec.get_config()

    assert_alike(run)


@pytest.mark.parametrize("arguments", [{"lora_rank": 2}, {"lora_alpha": 3}, {"quantization_config": "int8"}], ids=str)
def test_low_rank_and_quantized_layers_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(NotImplementedError, match=rf"^{name}=.* is not supported"):
        refkeras.layers.Dense(3, **arguments)


def bars_of(model: Any) -> Any:
    """Have a model of refkeras compute with error bars; a real one goes on as it is."""
    return precision.bars(model) if isinstance(model, refkeras.Model) else contextlib.nullcontext()


def trained(k: Any, optimizer: Any, **options: Any) -> list[Any]:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    model.set_weights([np.linspace(-1, 1, 6, dtype="float32").reshape(3, 2), np.ones(2, "float32")])
    model.compile(optimizer, "mse", **options)
    with bars_of(model) as found:
        model.fit(X, Y, batch_size=5, verbose=0, shuffle=False)
        if found is not None:
            return [*found.weights, *found.slots[2:]]
    return [*model.get_weights(), *map(numpy, model.optimizer.variables[2:])]


@trains
@pytest.mark.parametrize("kind", ["SGD", "RMSprop", "Adam", "AdamW"])
@pytest.mark.parametrize("factor", [8.0, 0.25])
def test_loss_scale_factor(kind, factor):
    """Gradients of the scaled loss, and scaled back: with powers of 2 nothing but what the optimizer rounds."""
    ours, theirs = (trained(k, getattr(k.optimizers, kind)(0.1, loss_scale_factor=factor)) for k in (refkeras, keras))
    for own, real in zip(ours, theirs, strict=True):
        assert_agrees(own, real, what=kind)


@pytest.mark.parametrize("axis", [-1, 2, 1, 0])
def test_axes_of_sparse_crossentropy(axis):
    probabilities = np.array([[[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]]], "float32")

    def run(k, p):
        loss = k.losses.SparseCategoricalCrossentropy(axis=axis, reduction=None)
        return failure_or(lambda: loss(np.array([[0, 2]]), p)), loss.get_config()

    (bar, ours), (real, theirs) = run(refkeras, precision.exact(probabilities)), run(keras, probabilities)
    assert ours == theirs
    if isinstance(real, type):
        assert bar is real
    else:
        assert_agrees(unwrap(bar)[0], real)


DATASETS = [{"workers": 3}, {"workers": 2, "max_queue_size": 6}, {"use_multiprocessing": True}, {"max_queue_size": 1}]


@pytest.mark.parametrize("arguments", DATASETS, ids=str)
@trains
def test_workers_of_data_sets(arguments):
    """All batches have their place in the queue: how far the workers are is not up to chance."""

    def run(k):
        class Batches(k.utils.PyDataset):
            def __len__(self):
                return 5

            def __getitem__(self, index):
                return np.full((2, 1), index, "float32"), np.full((2, 1), 2 * index, "float32")

        model = k.Sequential([k.Input((1,)), k.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse")
        data = Batches(**arguments)
        found = model.predict(data, verbose=0).tolist()
        losses = model.fit(Batches(**arguments), epochs=2, verbose=0, shuffle=False).history["loss"]
        rounded = [float(f"{loss:.4g}") for loss in losses]
        return found, rounded, data.workers, data.use_multiprocessing, data.max_queue_size

    assert assert_alike(run)[0] == [[i // 2] for i in range(10)]


def test_stacks():
    def run(k):
        model = k.Sequential([k.Input((2,))], trainable=False, name="stack")
        model.add(k.layers.Dense(3), rebuild=False)
        before = model.built
        model.add(k.layers.Dense(2))
        shape = model.output_shape
        model.pop(rebuild=False)
        return model.trainable, model.name, before, shape, len(model.layers), model.built

    assert assert_alike(run) == (False, "stack", False, (None, 2), 1, False)


def test_weights_of_own_layers():
    def run(k):
        class Own(k.layers.Layer):
            def build(self, shape):
                self.a = self.add_weight(
                    shape=(2,), initializer="ones", dtype="float64", trainable=False, autocast=False, name="a"
                )
                self.b = self.add_weight(
                    shape=(2, 1), regularizer=k.regularizers.L2(0.5), constraint="non_neg", aggregation="sum", name="b"
                )
                self.c = self.add_weight(shape=(3,), overwrite_with_gradient=True, name="c")
                self.d = self.add_variable(
                    (2, 3), "zeros", "int32", False, False, regularizer=None, constraint=None, name="d"
                )
                self.e = self.add_variable((4,), "ones", regularizer="l1", constraint="unit_norm", name="e")

        layer = Own(name="own", autocast=False, activity_regularizer="l2")
        layer.build((1, 2))
        kinds = [(v.name, v.path.split("/")[-1], str(v.dtype), v.trainable, tuple(v.shape)) for v in layer.weights]
        of_b, of_e = ((type(v.constraint).__name__, v.regularizer.get_config()) for v in (layer.b, layer.e))
        return kinds, of_b, of_e, layer.autocast

    assert_alike(run)


def test_losses_of_own_layers():
    def run(k):
        class Own(k.layers.Layer):
            def call(self, x):
                self.add_loss(x[0, 1] * 3.0)
                return x

        layer = Own()
        layer(np.array([[1.0, 0.25]], "float32"))
        return [float(loss) for loss in layer.losses]

    assert assert_alike(run) == [0.75]


def test_weights_are_written_as_one_file(tmp_path):
    model = refkeras.Sequential([refkeras.Input((3,)), refkeras.layers.Dense(2)])
    with pytest.raises(ValueError, match="max_shard_size=1 is not supported"):
        model.save_weights(tmp_path / "model.weights.json", max_shard_size=1)
    with pytest.raises(ValueError, match="max_shard_size=1 is not supported"):
        refkeras.saving.save_weights(model, tmp_path / "model.weights.json", max_shard_size=1)
    assert not list(tmp_path.iterdir())


def loops(k: Any) -> dict[str, Any]:
    """What the loops give with arguments that runs of whole epochs leave out."""
    rows, labels = X[:10], np.arange(10) % 3
    weights = np.linspace(0.5, 2, 10, dtype="float32")
    model = k.Sequential([k.Input((3,)), k.layers.Dense(3)])
    model.set_weights([np.linspace(-1, 1, 9, dtype="float32").reshape(3, 3), np.zeros(3, "float32")])
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.SGD(0.1), loss, weighted_metrics=["accuracy"], auto_scale_loss=False)
    found: dict[str, Any] = {}
    fit = {"batch_size": 3, "verbose": 0, "shuffle": False, "epochs": 5, "initial_epoch": 2, "validation_freq": 2}
    validation = {"validation_data": (X[4:], np.arange(8) % 3), "validation_steps": 2, "validation_batch_size": 3}
    with bars_of(model) as barred:
        history = model.fit(rows, labels, class_weight={0: 0.5, 1: 2.0, 2: 1.5}, **fit, **validation)
        found["epochs"], found["fit"] = history.epoch, history.history
        found["evaluate"] = model.evaluate(rows, labels, batch_size=4, sample_weight=weights, steps=2, verbose=0)
        found["predict"] = model.predict(rows, batch_size=4, steps=2, verbose=0)
        found["test"] = model.test_on_batch(rows, labels, sample_weight=weights, return_dict=True)
        found["train"] = model.train_on_batch(rows, labels, sample_weight=weights, return_dict=True)
        found["classes"] = model.train_on_batch(rows, labels, class_weight={0: 2.0, 2: 0.5}, return_dict=True)
        found["weights"] = model.get_weights() if barred is None else barred.weights
    return found


@trains
def test_loops():
    ours, theirs = refkeras.tree.flatten(loops(refkeras)), refkeras.tree.flatten(loops(keras))
    assert len(ours) == len(theirs) > 20
    for own, real in zip(ours, theirs, strict=True):
        if isinstance(own, int):
            assert own == real
        else:
            assert_agrees(own, np.float32(real), what="loops")
    assert list(loops(refkeras)["fit"]) == list(loops(keras)["fit"])


def test_variables_of_own_metrics():
    def run(k):
        class Own(k.metrics.Metric):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.v = self.add_variable(
                    shape=(2,), initializer="ones", dtype="float64", aggregation="mean", name="q"
                )

        metric = Own(name="own", dtype="float64")
        return metric.name, str(metric.dtype), [(v.name, str(v.dtype), tuple(v.shape)) for v in metric.variables]

    assert_alike(run)


@differs("torch", "jax", "numpy", reason="float32 comes of float64 there (docs/findings.md)")
@pytest.mark.parametrize("kind", ["Mean", "Sum"])
def test_dtypes_of_means(kind):
    def run(k):
        metric = getattr(k.metrics, kind)(name="m", dtype="float64")
        metric.update_state(np.array([0.1, 0.3]), sample_weight=np.array([1.0, 3.0]))
        return str(numpy(metric.result()).dtype), float(metric.result()), metric.get_config()

    assert_alike(run)


def _functions() -> dict[str, Any]:
    z = np.array([[1.0, -2.0, 0.5]], "float32")
    return {
        "add": lambda k: k.layers.add([k.Input((2,)), k.Input((2,))]).shape,
        "concatenate": lambda k: k.layers.concatenate([k.Input((2, 3)), k.Input((4, 3))], axis=1).shape,
        "binary_accuracy": lambda k: numpy(
            k.metrics.binary_accuracy(np.array([[1.0], [0.0]]), np.array([[0.6], [0.6]]), threshold=0.7)
        ).tolist(),
        "leaky_relu": lambda k: numpy(k.activations.leaky_relu(z, negative_slope=0.5)).tolist(),
        "threshold": lambda k: numpy(k.activations.threshold(z, threshold=0.75, default_value=-3.0)).tolist(),
        "linear": lambda k: numpy(k.activations.linear(z)).tolist(),
        "l1_l2": lambda k: k.regularizers.l1_l2(l1=0.5, l2=0.25).get_config(),
        "dtype": lambda k: [k.utils.standardize_dtype(d) for d in ("float16", np.int64, None)],
        "serialized layer": lambda k: k.layers.serialize(k.layers.Dense(3, name="d")),
        "layer": lambda k: k.layers.deserialize(k.layers.serialize(k.layers.Dense(3, name="d"))).get_config(),
        "registered": lambda k: _registered(k),
        "object": lambda k: k.saving.deserialize_keras_object(
            k.saving.serialize_keras_object(k.optimizers.SGD(0.5, name="s")), safe_mode=False
        ).get_config(),
        "compile": lambda k: _compiled(k),
        "json": lambda k: _from_json(k),
    }


def _registered(k: Any) -> Any:
    @k.saving.register_keras_serializable(package="rare", name=f"Own_{k.__name__}")
    class Own(k.constraints.Constraint):
        pass

    name = k.saving.get_registered_name(Own)
    other = k.saving.get_registered_object("Other", custom_objects={"Other": Own})
    with k.saving.CustomObjectScope({"Third": Own}):
        third = k.saving.get_registered_object("Third")
    fourth = k.saving.get_registered_object("Fourth", {"Fourth": Own}, {"Fourth": 4, "Fifth": 5})
    fifth = k.saving.get_registered_object("Fifth", module_objects={"Fifth": 5})
    first = k.saving.get_registered_object(name, custom_objects={name: 1}, module_objects={name: 2})
    found = [k.saving.get_registered_object(name), other, third, fourth, first]
    return name.replace(k.__name__, ""), fifth, [one is Own for one in found]


def _compiled(k: Any) -> Any:
    model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    model.compile(k.optimizers.SGD(name="s"), "mse", auto_scale_loss=False)  # a counted name goes by what ran before
    config = model.get_compile_config()
    return {**config, "optimizer": portable(config["optimizer"])}


def _from_json(k: Any) -> Any:
    class Own(k.layers.Dense):
        pass

    model = k.Sequential([k.Input((3,)), Own(2, name="own")], name="m")
    again = k.models.model_from_json(model.to_json(), custom_objects={"Own": Own})
    return type(again.layers[0]).__name__, again.layers[0].get_config()["units"]


FUNCTIONS = _functions()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    assert not isinstance(assert_alike(FUNCTIONS[name]), str), "an exception"


OWN = {
    "constraints": "Constraint",
    "initializers": "Initializer",
    "layers": "Layer",
    "losses": "Loss",
    "metrics": "Metric",
    "optimizers": "Optimizer",
    "optimizers.schedules": "LearningRateSchedule",
    "regularizers": "Regularizer",
    "saving": None,
}


@pytest.mark.parametrize("place", OWN)
def test_objects_of_own_classes(place):
    def run(k):
        module = k
        for part in place.split("."):
            module = getattr(module, part)
        base = getattr(module, OWN[place]) if OWN[place] else k.constraints.Constraint
        own = type("Own", (base,), {"from_config": classmethod(lambda cls, config: ("made", sorted(config)))})
        config = {"module": None, "class_name": "Own", "config": {"a": 1}, "registered_name": "Own"}
        read = module.deserialize if OWN[place] else module.deserialize_keras_object
        if place == "layers":  # what is made must be a layer
            own, config["config"] = type("Own", (base,), {}), {"name": "a"}
            layer = read(config, custom_objects={"Own": own})
            return "made" if type(layer) is own else "another", [layer.name]
        return read(config, custom_objects={"Own": own})

    assert assert_alike(run) == ("made", ["a"])


def test_functions_of_ones_own():
    def run(k):
        function = lambda x: x  # noqa: E731
        return k.activations.deserialize("own", custom_objects={"own": function}) is function

    assert_alike(run)


def test_files(tmp_path):
    def run(k):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2, name="d")], name="m")
        model.compile("sgd", "mse")
        folder = tmp_path / k.__name__
        folder.mkdir()
        found = []
        path = folder / "model.keras"
        model.save(path, overwrite=True, zipped=True)
        k.models.save_model(model, path, overwrite=True, zipped=True)
        again = k.models.load_model(path, compile=False, safe_mode=False)
        found.append(
            (
                again.compiled,
                all(np.array_equal(a, b) for a, b in zip(again.get_weights(), model.get_weights(), strict=True)),
            )
        )
        weights = folder / "model.weights.h5"
        k.saving.save_weights(model, weights, overwrite=True)
        other = k.Sequential([k.Input((3,)), k.layers.Dense(4, name="d")], name="m")
        for load in (
            lambda: k.saving.load_weights(other, weights, skip_mismatch=True),
            lambda: other.load_weights(weights, skip_mismatch=True),
            lambda: other.load_weights(weights),
        ):
            try:
                found.append(load())
            except ValueError:
                found.append("ValueError")
        model.save_weights(weights, overwrite=True)
        return found

    assert assert_alike(run)[0] == (False, True)


@pytest.mark.parametrize("options", [{"overwrite": False}, {"zipped": False}], ids=str)
def test_other_files(options, tmp_path):
    def run(k):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2, name="d")], name="m")
        folder = tmp_path / k.__name__
        folder.mkdir()
        model.save(folder / "m.keras", **options)
        k.models.save_model(model, folder / "n.keras", **options)
        if "overwrite" in options:
            model.save_weights(folder / "m.weights.h5", **options)
            k.saving.save_weights(model, folder / "n.weights.h5", **options)
        return sorted(path.name for path in folder.iterdir())

    assert_alike(run)


# -- arguments that tf_keras alone has ------------------------------------------------

of_tf_keras = pytest.mark.skipif(tf_keras is None, reason="tf_keras runs on TensorFlow alone")


@of_tf_keras
def test_means_of_a_base_logger():
    def run(callback):
        callback.set_params({"metrics": ["loss", "acc", "n"]})
        callback.on_epoch_begin(0)
        for batch, (size, loss) in enumerate([(2, 0.5), (4, 1.25), (1, 7.0)]):
            callback.on_batch_end(batch, {"batch": batch, "size": size, "loss": loss, "acc": loss / 4, "n": 10 * loss})
        logs = {"loss": 0.0}
        callback.on_epoch_end(0, logs)
        return logs

    with semantics.use("tf_keras"):
        ours = run(refkeras.callbacks.BaseLogger(stateful_metrics=["n"]))
    theirs = run(tf_keras.callbacks.BaseLogger(stateful_metrics=["n"]))
    assert list(ours) == list(theirs)
    assert ours == theirs


@of_tf_keras
def test_checkpoints_that_are_loaded_at_the_start(tmp_path):
    def run(k):
        path = str(tmp_path / f"{k.__name__}.h5")
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
        model.compile(k.optimizers.SGD(0.0), "mse")
        kept = model.get_weights()
        model.save_weights(path)
        model.set_weights([w + 1 for w in kept])
        callback = k.callbacks.ModelCheckpoint(
            path, monitor="loss", save_weights_only=True, load_weights_on_restart=True
        )
        model.fit(X, Y, verbose=0, callbacks=[callback])
        return [np.array_equal(a, b) for a, b in zip(model.get_weights(), kept, strict=True)]

    with semantics.use("tf_keras"):
        ours = outcome(run, refkeras)
        with pytest.raises(TypeError, match=r"^options=.* is not supported"):
            refkeras.callbacks.ModelCheckpoint("path", options=object())
    assert ours == outcome(run, tf_keras) == [True, True]
