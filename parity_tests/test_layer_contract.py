"""What a layer and a stack of layers take and refuse: inputs of other sizes, state that comes late, arguments."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest

import refkeras
from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, ENGINES, NATIVE_ERRORS, mask_of, numpy, tensor
from parity_tests.shows import shows
from refkeras import precision, semantics, tree

ONES = np.ones((2, 2), "float32")


def outcome(run, k):
    """What a function of a Keras returns, or the type of what it raises."""
    try:
        return run(k)
    except NATIVE_ERRORS:
        return "refused by the backend"
    except Exception as error:
        return type(error)


def assert_same_outcome(run, engine):
    with semantics.use(engine):
        ours = outcome(run, refkeras)
    theirs = outcome(run, ENGINES[engine])
    assert ours == theirs or (theirs == "refused by the backend" and ours is ValueError)
    return ours


def layer_of(k, call, **more):
    """A layer that computes `call(x, ...)` with other methods."""
    return type("Own", (k.layers.Layer,), {"call": call, **more})


def around(base, inner):
    """A layer or a model that calls another layer, and nothing else."""

    class Around(base):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, x):
            return self.inner(x)

    return Around()


def same(k):
    return layer_of(k, lambda self, x: x)


# -- inputs of other sizes -------------------------------------------------------------------------------

STACKS = {
    "Flatten": lambda k: [k.layers.Flatten()],
    "LSTM": lambda k: [k.layers.LSTM(2)],
    "Dense": lambda k: [k.layers.Dense(2)],
    "Dropout, Dense": lambda k: [k.layers.Dropout(0.5), k.layers.Dense(2)],
}
SIZES = {
    "the same": [(3, 5, 4), (3, 5, 4)],
    "rows": [(3, 5, 4), (1, 5, 4)],
    "steps": [(3, 5, 4), (2, 6, 4)],
    "features": [(3, 5, 4), (3, 5, 3)],
    "rank": [(3, 5, 4), (3, 5)],
}


@shows("stack_compares")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_called_with_other_sizes(stack, sizes, given, engine):
    """Of what a Sequential was built with, its layers and an Input decide what must come again."""

    def run(k):
        shapes = SIZES[sizes]
        start = [k.Input(shapes[0][1:])] if given else []
        model = k.Sequential([*start, *STACKS[stack](k)])
        return [tuple(numpy(model(np.ones(shape, "float32"))).shape) for shape in shapes]

    assert_same_outcome(run, engine)


def test_other_sizes_take_no_names():
    model = refkeras.Sequential([refkeras.layers.LSTM(2), refkeras.layers.Dense(2)])
    model(np.ones((1, 3, 2)))
    first = refkeras.Input((1,)).name
    for steps in (4, 5, 4):
        assert model(np.ones((2, steps, 2))).shape == (2, 2)
    numbers = [int(name.rpartition("_")[2]) for name in (first, refkeras.Input((1,)).name)]
    assert numbers[1] == numbers[0] + 1


@pytest.mark.trains
@pytest.mark.parametrize("engine", ENGINES)
def test_a_stack_is_trained_with_other_sizes(engine):
    def run(k):
        def batches():
            for steps in (12, 20):
                yield np.full((1, steps, 2), 3.0, "float32"), np.zeros((1, steps // 4, 8), "float32")

        model = k.Sequential([k.layers.Reshape((-1, 8))])
        model.compile("sgd", "mse")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no weights to train
            loss = model.fit(batches(), steps_per_epoch=2, verbose=0).history["loss"]
        return loss, model.evaluate(np.ones((1, 8, 2)), np.zeros((1, 2, 8)), verbose=0)

    assert assert_same_outcome(run, engine) == ([9.0], 1.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_functional_model_checks_sizes(engine):
    def run(k):
        x = k.Input((3,))
        return numpy(k.Model(x, k.layers.Flatten()(x))(np.ones((2, 4), "float32"))).shape

    assert assert_same_outcome(run, engine) is ValueError


@pytest.mark.parametrize("steps", [3, 4])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_spec_that_is_set_counts(engine, steps):
    def run(k):
        x = k.Input((None, 3))
        model = k.Model(x, k.layers.Dense(2)(x))
        model.input_spec = k.layers.InputSpec(shape=(None, 4, 3))
        return numpy(model(np.ones((2, steps, 3), "float32"))).shape

    assert assert_same_outcome(run, engine) == ((2, 4, 2) if steps == 4 else ValueError)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", [dict, list])
def test_a_stack_for_several_inputs(kind, engine):
    """Its layers are called one by one; they have no shapes to show."""

    def run(k):
        model = k.Sequential([same(k)()])
        inputs = {"a": ONES, "b": 2 * ONES} if kind is dict else [ONES, 2 * ONES]
        outputs = model(inputs)
        values = [outputs["a"], outputs["b"]] if kind is dict else outputs
        return type(outputs), [numpy(value).tolist() for value in values]

    assert assert_same_outcome(run, engine)[0] is kind


@shows("pop_returns_layer")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("called", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_all_layers_are_popped(given, called, engine):
    def run(k):
        inputs = [k.Input((2,))] if given else []
        model = k.Sequential([*inputs, k.layers.Dense(1, name="a"), k.layers.Dense(1, name="b")])
        if called:
            model(ONES)
        found = []
        for _ in range(4):
            try:
                popped = getattr(model.pop(), "name", None)
            except (IndexError, TypeError) as error:
                popped = type(error)
            found.append((popped, model.built, len(model.layers)))
        return found

    assert_same_outcome(run, engine)


@shows("stack_shape_is_final")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(None, 3), (2, 3), (None, 4), None, (None, 5, 3)])
@pytest.mark.parametrize("before", ["nothing", "built", "called"])
@pytest.mark.parametrize("given", [True, False])
def test_a_stack_is_built_again(given, before, shape, engine):
    """With the sizes that it has, with others, or without any."""

    def run(k):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2)] if given else [k.layers.Dense(2)])
        if before == "built":
            model.build((None, 3))
        if before == "called":
            model(np.ones((2, 3), "float32"))
        model.build(shape)
        return model.built, [tuple(w.shape) for w in model.weights]

    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_input_alone_is_a_stack(engine):
    for how in (lambda model: model(ONES).shape, lambda model: model.predict(ONES, verbose=0).shape):
        assert_same_outcome(lambda k, how=how: tuple(how(k.Sequential([k.Input((2,))]))), engine)
    assert_same_outcome(lambda k: k.Sequential([k.Input((2,))]).built, engine)
    assert_same_outcome(lambda k: k.Sequential([k.Input((2,))]).output_shape, engine)

    def popped(k):
        model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
        model.pop()
        return model.built, tuple(model(ONES).shape)

    assert_same_outcome(popped, engine)


@shows("stack_of_single_outputs")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("deferred", [False, True])
@pytest.mark.parametrize("bad", ["several outputs", "wrong shape"])
def test_a_stack_of_layers_with_several_outputs(bad, deferred, engine):
    """Keras 3 takes them, and keeps what it could not add; tf_keras does neither."""

    def run(k):
        model = k.Sequential([] if deferred else [k.Input((4, 3))])
        model.add(k.layers.Dense(2))
        try:
            several = k.layers.LSTM(2, return_state=True)
            model.add(several if bad == "several outputs" else k.layers.Reshape((5,)))
            told = "added"
        except ValueError:
            told = "refused"
        count = len(model.layers)
        if told == "added":
            try:
                model(np.ones((1, 4, 3), "float32"))
            except (*NATIVE_ERRORS, ValueError):
                told = "refused when called"
        else:
            try:
                model.add(k.layers.Dense(5, name="last"))
                told = tree.map_structure(lambda size: size, model.output_shape)
            except ValueError:
                told = "refused for good"
        return told, count, len(model.layers)

    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stack_with_a_layer_that_does_not_tell_its_shape(engine):
    def refuse(self, *args, **kwargs):
        raise NotImplementedError

    def run(k):
        kind = layer_of(k, lambda self, x: x + 1.0, compute_output_spec=refuse)
        model = k.Sequential([kind(), kind()])
        found = numpy(model(ONES)).tolist()
        lines = []
        model.summary(print_fn=lambda line, **_: lines.append(line))
        return found, "?" in "".join(lines)

    found = assert_same_outcome(run, engine)
    assert found == ([[3.0, 3.0]] * 2, engine != "tf_keras")


# -- inputs that may be left out ---------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("second", [None, ONES])
def test_optional_inputs(second, optional, engine):
    def run(k):
        kind = layer_of(
            k,
            lambda self, x, y=None: x if y is None else x + y,
            compute_output_shape=lambda self, x_shape: x_shape,
        )
        a, b = k.Input((2,), name="a"), k.Input((2,), name="b", optional=optional)
        return numpy(k.Model([a, b], kind()(a, b))([ONES, second])).tolist()

    if engine == "tf_keras" and second is None and not optional:  # it asks for tensors (docs/findings.md)
        with pytest.raises(ValueError, match="not optional"), semantics.use(engine):
            run(refkeras)
        return
    assert_same_outcome(run, engine)


@pytest.mark.trains
def test_a_required_input_is_needed_in_training():
    def run(k):
        x = k.Input((3,))
        model = k.Model(x, k.layers.Dense(1)(x))
        model.compile("sgd", "mse")
        return model.fit([None], np.ones((4, 1)), verbose=0)

    assert assert_same_outcome(run, next(iter(ENGINES))) is ValueError


# -- state that comes late ---------------------------------------------------------------------------------


def add_layer(k, layer):
    layer.late = k.layers.Dense(2)


def add_layers(k, layer):
    layer.late = [{"a": k.layers.Dense(2)}]


def add_weight(k, layer):
    layer.add_weight(shape=(2,))


def add_metric(k, layer):
    layer.late = k.metrics.Mean()


def add_nothing(k, layer):
    layer.late, layer.number, layer.numbers = [], 3, {"a": [1, 2]}


def add_again(k, layer):
    layer.late = layer.inner


def built_model(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.inner = k.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    model = Own()
    model(ONES)
    return model


def built_layer(k):
    layer = k.layers.Dense(2)
    layer.inner = k.layers.Dense(3)
    layer.build((None, 2))
    return layer


def layer_without_weights(k):
    return k.layers.Dropout(0.5)


def functional(k):
    x = k.Input((2,))
    return k.Model(x, k.layers.Dense(2)(x))


def stack(k):
    return k.Sequential([k.Input((2,)), k.layers.Dense(2)])


def layer_to_build(k):
    return k.layers.Dense(2)


@shows("state_is_locked")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("add", [add_layer, add_layers, add_weight, add_metric, add_nothing, add_again])
@pytest.mark.parametrize("make", [built_model, built_layer, layer_without_weights, functional, stack, layer_to_build])
def test_state_that_is_added(make, add, engine):
    if add is add_metric and engine == "tf_keras":  # its metrics are layers (docs/names.md)
        return

    def run(k):
        layer = make(k)
        if not hasattr(layer, "inner") and add is add_again:
            return None
        add(k, layer)
        return len(layer.weights)

    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_subclass_builds_more_after_its_base(engine):
    def run(k):
        class More(k.layers.Dense):
            def build(self, input_shape):
                super().build(input_shape)
                self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        layer = More(2)
        layer(ONES)
        return [tuple(w.shape) for w in layer.weights]

    assert assert_same_outcome(run, engine) == [(2, 2), (2,), ()]


def test_paths_of_weights_made_early():
    """A layer's name is before that of its weight, whether it was made in `__init__` or in `build`."""

    def run(k):
        class Inner(k.layers.Layer):
            def __init__(self):
                super().__init__(name="inner")
                self.early = self.add_weight(shape=(1,), name="early")

            def build(self, input_shape):
                self.late = self.add_weight(shape=(1,), name="late")

            def call(self, x):
                return x

        class Outer(k.layers.Layer):
            def __init__(self):
                super().__init__(name="outer")
                self.first, self.inner = self.add_weight(shape=(1,), name="first"), Inner()

            def build(self, input_shape):
                self.inner.build(input_shape)

            def call(self, x):
                return self.inner(x)

        layer = Outer()
        layer(ONES)
        return [weight.path for weight in layer.weights]

    assert assert_same_outcome(run, next(iter(ENGINES))) == ["outer/first", "inner/early", "outer/inner/late"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_weight_that_call_makes(engine):
    def call(self, x):
        self.w = self.add_weight(shape=(), initializer="zeros", name="w")
        return x

    assert_same_outcome(lambda k: numpy(layer_of(k, call)()(ONES)).tolist(), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_metrics_are_no_variables_of_a_layer(engine):
    def run(k):
        class Own(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.dense, self.score = k.layers.Dense(2), k.metrics.MeanSquaredError(name="score")

            def call(self, x):
                return self.dense(x)

        layer = Own()
        layer(ONES)
        counts = [len(layer.variables), len(layer.non_trainable_variables), len(layer.weights)]
        return [metric.name for metric in layer.metrics], counts

    if engine == "tf_keras":  # its metrics are layers (docs/names.md)
        return
    assert assert_same_outcome(run, engine) == (["score"], [2, 0, 2])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("deep", [0, 1, 2])
@pytest.mark.parametrize("inside", ["layer", "model"])
def test_metrics_of_layers_inside(inside, deep, engine):
    """A metric of a layer two deep is told twice by Keras 3; one that a model inside holds is not told."""

    def run(k):
        class Watched(k.Model if inside == "model" else k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.mean = k.metrics.Mean(name="mean")

            def call(self, x):
                return x

        layer = Watched()
        for _ in range(deep):
            layer = around(k.layers.Layer, layer)
        x = k.Input((2,))
        model = k.Model(x, layer(x))
        model.compile(loss="mse", metrics=["mae"])
        found = model.evaluate(ONES, ONES, verbose=0)
        names = [metric.name for metric in model.metrics]
        return found, model.evaluate(ONES, ONES, verbose=0, return_dict=True), names, len(model.get_weights())

    assert_same_outcome(run, engine)


def test_a_call_that_assigns_is_not_trained():
    """It is traced once for all batches: Keras on TensorFlow would assign in each."""

    class Counting(refkeras.Model):
        def __init__(self):
            super().__init__()
            self.calls, self.dense = self.add_weight(shape=(), initializer="zeros", trainable=False), None

        def build(self, input_shape):
            self.dense = refkeras.layers.Dense(1)

        def call(self, x):
            self.calls.assign(self.calls + 1)
            return self.dense(x)

    model = Counting()
    model.compile("sgd", "mse")
    for _ in range(3):
        model.predict(ONES, verbose=0)
    assert float(model.calls) == 3
    with pytest.raises(NotImplementedError, match="no pullback") as refused:
        model.fit(ONES, ONES[:, :1], verbose=0)
    assert "is assigned to in a call that is traced" in str(refused.value.__cause__)


# -- arguments ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("value", ["yes", 1, 0, None, np.True_, True, False])
def test_trainable_is_a_boolean(value, engine):
    assert_same_outcome(lambda k: k.layers.Dense(2, trainable=value).trainable, engine)


def chosen(self, x, flag):
    return x if flag else x + 1.0


@shows("positional_arguments")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("how", [lambda layer, x: layer(x, True), lambda layer, x: layer(x, flag=True)])
def test_arguments_that_are_no_tensors(how, symbolic, engine):
    def run(k):
        return tuple(how(layer_of(k, chosen)(), k.Input((2,), batch_size=2) if symbolic else ONES).shape)

    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [0, 1, 5])
def test_penalties_of_a_layer_that_is_called(size, engine):
    """Those of the last call, over the batch size."""

    def run(k):
        l1, l2 = k.regularizers.L1(0.25), k.regularizers.L2(0.25)  # nothing is rounded
        layers = [same(k)(activity_regularizer=l2), k.layers.Dense(2, activity_regularizer=l1)]
        layers[1].build((None, 3))
        layers[1].set_weights([np.full((3, 2), 2.0), np.zeros(2)])
        found = []
        for layer in layers:
            for _ in range(2):
                layer(np.full((size, 3), 2.0, "float32"))
            found.append([float(loss) for loss in layer.losses])
        return found

    assert assert_same_outcome(run, engine) == ([[0.0], [0.0]] if size == 0 else [[3.0], [6.0]])


@shows("frozen_weights_are_penalized")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("freeze", [None, "layers", "layers, later", "model, later", "weight"])
def test_penalties_of_weights_that_are_not_trained(freeze, engine):
    """Of a weight made so, and of frozen ones; in tf_keras they count, in the order that they were made in."""
    if freeze == "weight" and engine == "tf_keras":
        pytest.skip("TensorFlow's variables cannot be frozen")

    def run(k):
        def build(self, *shapes):
            for name, factor, trainable in (("fixed", 1.0, False), ("free", 16.0, True)):
                penalty = k.regularizers.L2(factor)
                weight = self.add_weight(
                    shape=(2,), initializer="ones", regularizer=penalty, trainable=trainable, name=name
                )
                setattr(self, name, weight)

        x = k.Input((2,))
        own = layer_of(k, lambda self, x: x, build=build, compute_output_shape=lambda self, shape: shape)()
        penalties = {
            f"{name}_regularizer": k.regularizers.L2(factor) for name, factor in (("kernel", 8), ("activity", 2))
        }
        dense = k.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones", **penalties)
        model = k.Model(x, own(dense(x)))
        if freeze == "layers":
            own.trainable = dense.trainable = False
        model.compile(k.optimizers.SGD(2.0**-9), "mse")
        if freeze == "layers, later":
            own.trainable = dense.trainable = False
        elif freeze == "model, later":
            model.trainable = False
        elif freeze == "weight":
            own.free.trainable = False
        model(ONES)
        found = [[float(numpy(loss)) for loss in layer.losses] for layer in (model, own, dense)]
        found += [float(model.test_on_batch(ONES, ONES)), float(model.train_on_batch(ONES, ONES))]
        return found, float(model.evaluate(ONES, ONES, verbose=0)), [w.tolist() for w in model.get_weights()]

    if BACKEND == "numpy" and engine != "tf_keras":
        pytest.skip("Keras on NumPy does not train")
    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_penalties_of_layers_inside(engine):
    """Of a model that calls them itself, evaluated: once each, also of a layer that is called twice."""

    def run(k):
        class Own(k.Model):
            def __init__(self):
                super().__init__()
                self.inner = k.layers.Dense(2, activity_regularizer=k.regularizers.L2(0.25), kernel_initializer="ones")

            def call(self, x):
                return self.inner(self.inner(x)) * 1.0

        model = Own()
        model(ONES)
        return [float(loss) for loss in model.losses]

    assert assert_same_outcome(run, engine) == [2.0, 8.0]


def penalized(k, kind, traceable, calls):
    """A model in which a layer of one's own calls a layer with a penalty, once or twice."""

    class Own(k.layers.Layer):
        def __init__(self):
            super().__init__()
            penalty = k.regularizers.L2(0.25)
            self.inner = k.layers.Dense(2, activity_regularizer=penalty, kernel_initializer="ones", use_bias=False)

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, x):
            for _ in range(calls):
                x = self.inner(x)
            return x if traceable else x * 1.0

        def compute_output_shape(self, input_shape):
            return input_shape

    class Around(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.own = Own()

        def build(self, input_shape):
            self.own.build(input_shape)

        def call(self, x):
            return self.own(x)

        def compute_output_shape(self, input_shape):
            return input_shape

    class Sub(k.Model):
        def __init__(self):
            super().__init__()
            self.own = Own()

        def call(self, x):
            return self.own(x)

    x = k.Input((2,))
    return {
        "functional": lambda: k.Model(x, Own()(x)),
        "nested": lambda: k.Model(x, Around()(x)),
        "stack": lambda: k.Sequential([x, Own()]),
        "subclass": Sub,
    }[kind]()


@pytest.mark.trains
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("traceable", [True, False])
@pytest.mark.parametrize("kind", ["functional", "nested", "stack", "subclass"])
def test_penalties_inside_layers_of_ones_own(kind, traceable, calls, engine):
    """They are part of the loss of fit, of evaluate, of a batch, and of the gradient; nothing is rounded here."""

    def run(k):
        model = penalized(k, kind, traceable, calls)
        model.compile(k.optimizers.SGD(2.0**-6), "mse")
        y = 0 * ONES
        found = [model.evaluate(ONES, y, batch_size=1, verbose=0), model.test_on_batch(ONES, y)]
        model(ONES)
        found += [float(loss) for loss in model.losses]
        if traceable or k is not refkeras:
            found += model.fit(ONES, y, batch_size=2, verbose=0).history["loss"]
        return [float(value) for value in found], [w.tolist() for w in model.get_weights()] if traceable else None

    with semantics.use(engine):
        ours = outcome(run, refkeras)
    theirs = outcome(run, ENGINES[engine])
    if not traceable:  # what is not traced is not trained
        theirs = theirs[0][:-1], None
    assert ours == theirs


def test_records_of_bytes_slices_and_ellipsis():
    for value in (b"bytes", slice(1, None, 2), ..., [b"a", {"b": slice(3)}]):
        for k in (refkeras, ENGINES[next(iter(ENGINES))]):
            record = k.saving.serialize_keras_object(value)
            assert record == refkeras.saving.serialize_keras_object(value)
            assert k.saving.deserialize_keras_object(record) == value


def test_an_input_layer_by_its_older_argument():
    for k in (refkeras, ENGINES[next(iter(ENGINES))]):
        with pytest.warns(UserWarning, match="Use `shape` instead"):
            layer = k.layers.InputLayer(input_shape=(3,))
        assert (layer.batch_shape, layer.call(), layer.sparse) == ((None, 3), None, False)


def test_the_comparison_can_fail():
    engine = next(iter(ENGINES))
    with pytest.raises(AssertionError):
        assert_same_outcome(lambda k: k is refkeras, engine)
    assert (BACKEND == "tensorflow") == (len(ENGINES) == 2)


def masked_calls(k, as_tensor):
    """What layers with one and several tensors are told of masks, called alone and in a model."""
    seen = []

    def note(*masks):
        # tf_keras calls a layer on placeholders, too, when a graph is made, and refkeras on symbolic tensors.
        with contextlib.suppress(NotImplementedError, ValueError):
            seen.append([[numpy(leaf).tolist() for leaf in tree.flatten(m) if leaf is not None] for m in masks])

    class Noting(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = True

        def compute_output_shape(self, x_shape, y_shape=None):
            return x_shape[0] if isinstance(x_shape[0], (tuple, list)) else x_shape

    class One(Noting):
        def call(self, x, y=None, mask=None):
            note(x, mask)
            return x

    class Each(Noting):
        def call(self, x, y=None, x_mask=None, y_mask=None, mask=None):
            note(x, x_mask, y_mask, mask)
            return x[0] if isinstance(x, (list, tuple)) else x

    x, y = np.ones((2, 1, 2, 1), "float32")
    x[0, 1], y[0, 0] = 0, 0
    a, b = k.layers.Masking()(as_tensor(x)), k.layers.Masking()(as_tensor(y))
    for layer in (One(), Each()):
        for args in ((a,), (a, b), (as_tensor(x), b), (a, as_tensor(y))):
            layer(*args)
        layer(a, y=b)
    Each()((a, b), a)
    Each()((as_tensor(x), as_tensor(y)), b)
    Each()(a, b, x_mask=as_tensor(np.array([[False, False]])))
    Each()(a, b, mask=as_tensor(np.array([[False, False]])))
    one, two = k.Input((2, 1)), k.Input((2, 1))
    for kind in (One, Each):
        joined = kind()(k.layers.Masking()(one), k.layers.Masking()(two))
        model = k.Model([one, two], k.layers.LSTM(1, kernel_initializer="ones", name="memory")(joined))
        seen.append(numpy(model([as_tensor(x), as_tensor(y)])).shape)
    return seen


@shows("mask_argument")
def test_masks_of_arguments():
    found = {}
    for engine in ENGINES:
        with semantics.use(engine):
            ours = masked_calls(refkeras, lambda x: x)
            theirs = masked_calls(ENGINES[engine], tensor)
        assert ours == theirs, engine
        found[engine] = str(ours)
    assert len(set(found.values())) == len(ENGINES)


# -- weights without names, and before there is a layer ------------------------------------------------------

SHAPE, NAME_FIRST = (3, 4), ("w", (3,), "float64", "zeros")
WEIGHTS = {
    "a name": (("w",), {}),
    "a name and a shape": (("w", SHAPE), {}),
    "a name, and a shape by name": (("w",), {"shape": SHAPE}),
    "a shape": ((SHAPE,), {}),
    "an initializer": ((SHAPE, "zeros"), {}),
    "a dtype": ((SHAPE, "zeros", "float64"), {}),
    "more": ((SHAPE, "zeros", "float32", True), {}),
    "a shape twice": ((SHAPE,), {"shape": SHAPE}),
    "an initializer twice": ((SHAPE, "zeros"), {"initializer": "ones"}),
    "a dtype twice": ((SHAPE, "zeros", "float64"), {"dtype": "float32"}),
    "the name first": (NAME_FIRST, {}),
    "the name first, and a twin": (NAME_FIRST, {"initializer": "ones"}),
    "the name first, frozen": ((*NAME_FIRST, None, False, "non_neg"), {}),
    "the name first, trainable as ever": ((*NAME_FIRST, None, None, None), {}),
    "eight without names": ((*NAME_FIRST, None, True, "non_neg", None), {}),
    "names alone": ((), {"name": "q", "shape": (2,), "initializer": "zeros", "trainable": False}),
    "a number for a shape": ((3,), {}),
}


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("what", WEIGHTS)
def test_arguments_of_add_weight(what, engine):
    args, kwargs = WEIGHTS[what]

    def run(k):
        layer = k.layers.Layer()
        w = layer.add_weight(*args, **kwargs)
        dtype = w.dtype if isinstance(w.dtype, str) else w.dtype.name
        given = {"name", "w", "q"} & {w.name.partition(":")[0]}
        return given, tuple(w.shape), dtype, w.trainable, len(layer.trainable_weights)

    assert_same_outcome(run, engine)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("what", ["layer", "list", "variable", "metric", "attribute", "weight"])
def test_what_is_set_before_the_layer_is_made(what, engine):
    if what == "variable" and engine == "tf_keras":
        pytest.skip("its variables are TensorFlow's")

    def run(k):
        def init(self):
            if what == "layer":
                self.early = k.layers.Dense(2)
            elif what == "list":
                self.early = [k.layers.Dense(2)]
            elif what == "variable":
                self.early = k.Variable(np.ones(2, "float32"))
            elif what == "metric":
                self.early = k.metrics.Mean()
            elif what == "attribute":
                self.early = 3
            else:
                self.early = self.add_weight(shape=(2,))
            k.layers.Layer.__init__(self)
            self.late = k.layers.Dense(3)

        def call(self, x):
            found = self.early[0] if what == "list" else self.early
            return self.late(found(x) if what in ("layer", "list") else x)

        layer = type("Early", (k.layers.Layer,), {"__init__": init, "call": call})()
        layer(np.ones((1, 2), "float32"))
        return [tuple(w.shape) for w in layer.trainable_weights], engine == "tf_keras" or len(layer.metrics)

    if what == "layer" and BACKEND == "torch" and engine != "tf_keras":
        assert outcome(run, ENGINES[engine]) is AttributeError  # PyTorch's module is not made yet
        return
    ours = assert_same_outcome(run, engine) if what != "weight" else None
    assert what == "weight" or isinstance(ours, tuple)
    if what == "weight":  # tf_keras: an AttributeError that speaks of something else
        with semantics.use(engine), pytest.raises(RuntimeError, match="super"):
            run(refkeras)
        with pytest.raises(AttributeError if engine == "tf_keras" else RuntimeError):
            run(ENGINES[engine])


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"tf_keras"}))
@pytest.mark.parametrize(
    "given",
    [
        *({"shape": shape} for shape in [(3,), (2, 3), (4,)]),
        *({"batch_size": size} for size in (2, 3)),
        *({"batch_shape": shape} for shape in [(2, 3), (2, 4)]),
        *({"dtype": dtype} for dtype in ("float32", "float64", "nothing")),
        *({"sparse": sparse} for sparse in (False, True)),
        {"shape": (3,), "batch_size": 2, "sparse": False, "dtype": "float32"},
    ],
    ids=str,
)
def test_what_is_said_beside_a_tensor(given, engine):
    """An InputLayer of a tensor takes what is so of the tensor, and nothing else."""

    def run(k):
        tensor = k.layers.Dense(3)(k.Input((4,), batch_size=2))
        return tuple(k.layers.InputLayer(input_tensor=tensor, **given).output.shape)

    assert_same_outcome(run, engine)


# -- masks on their way to the layers inside -------------------------------------------------------------------


def layers_with_others_inside(k):
    """Layers of one's own that call others, each with what their masks should reach."""

    class Base(k.layers.Layer):
        supports = True

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.supports_masking = self.supports
            self.memory = k.layers.LSTM(2, kernel_initializer="ones", return_sequences=True)
            self.dense = k.layers.Dense(2, kernel_initializer="ones")

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

    class Passed(Base):
        def call(self, x):
            return self.memory(x)

    class ThroughAnother(Base):
        def call(self, x):
            return self.memory(self.dense(x))

    class ByName(Base):
        def call(self, x, mask=None):
            return self.memory(x, mask=mask)

    class Last(Base):
        def call(self, x):
            return self.dense(self.memory(x))

    class Unsupported(Passed):
        supports = False

    class TwoDeep(Base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = ThroughAnother()

        def call(self, x):
            return self.inner(x)

    class Masked(Base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.mask = k.layers.Masking(1.0)

        def call(self, x):
            return self.memory(self.mask(x))

    class Merged(Base):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.mask, self.both = k.layers.Masking(1.0), k.layers.Multiply()

        def call(self, x):
            return self.memory(self.both([x, self.mask(x)]))

    return Passed, ThroughAnother, ByName, Last, Unsupported, TwoDeep, Masked, Merged


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("which", range(8))
def test_masks_reach_the_layers_inside(which, engine):
    """In a call, in a model's values, and in its loss, which counts what the output's mask does."""
    x = np.random.default_rng(0).normal(size=(3, 5, 3)).astype("float32")
    x[0, 1:3], x[1, 4], x[2] = 0, 0, 0
    x[0, 3], x[1, 2] = 1, 1
    y = np.random.default_rng(1).normal(size=(3, 5, 2)).astype("float32")
    found = []
    with semantics.use(engine), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of masks that end at a layer
        for k in (refkeras, ENGINES[engine]):
            kind = layers_with_others_inside(k)[which]
            random = np.random.default_rng(2)

            layer = kind()
            masked = k.layers.Masking()(x if k is refkeras else tensor(x))
            layer(masked)
            layer.set_weights([random.normal(size=tuple(w.shape)) for w in layer.weights])
            value = layer(masked)
            inputs = k.Input((5, 3))
            model = k.Model(inputs, layer(k.layers.Masking()(inputs)))
            model.compile("sgd", "mse")
            output = precision.evaluate(model, x) if k is refkeras else model(tensor(x))
            mask = mask_of(model(x if k is refkeras else tensor(x)))
            with precision.bars(model) if k is refkeras else contextlib.nullcontext():
                loss = model.evaluate(x, y, verbose=0)
            found.append((value, mask_of(value), output, mask, loss))
    (value, value_mask, bars, mask, loss), theirs = found
    assert_agrees(bars, theirs[2])
    assert_agrees(bars, value, what="in a call")
    assert_agrees(loss, np.float32(theirs[4]))
    for ours, real in ((value_mask, theirs[1]), (mask, theirs[3])):
        assert (ours is None) == (real is None)
        if ours is not None:
            np.testing.assert_array_equal(ours, numpy(real))


# -- when the layers inside get their weights ------------------------------------------------------------------


def inside(k, **more):
    """A layer with a Dense inside, which tells the shape of its output unless `more` says otherwise."""

    def init(self, **kwargs):
        k.layers.Layer.__init__(self, **kwargs)
        self.dense = k.layers.Dense(2, kernel_initializer="ones")

    methods = {
        "__init__": init,
        "call": lambda self, x: self.dense(x),
        "compute_output_shape": lambda self, shape: (*shape[:-1], 2),
    }
    kept = {key: value for key, value in {**methods, **more}.items() if value is not None}
    return type("Inside", (k.layers.Layer,), kept)


BUILDS = {
    "tells the shape": {},
    "tells nothing": {"compute_output_shape": None},
    "has a build": {"build": lambda self, shape: None},
    "builds what is inside": {"build": lambda self, shape: self.dense.build(shape)},
}


@shows("symbolic_call_runs")
def test_when_the_layers_inside_are_built():
    counts = {}
    for engine in ENGINES:
        with semantics.use(engine):
            for what, more in BUILDS.items():
                found = []
                for k in (refkeras, ENGINES[engine]):
                    layer, x = inside(k, **more)(), k.Input((3,))
                    model = k.Model(x, layer(x))
                    stack = k.Sequential([inside(k, **more)()])
                    stack.build((None, 3))
                    found.append((len(model.trainable_variables), layer.dense.built, len(stack.trainable_variables)))
                assert found[0] == found[1], (engine, what)
                counts[engine, what] = found[0][0]
    assert len({counts[engine, "has a build"] for engine in ENGINES}) == len(ENGINES)


@pytest.mark.parametrize("what", BUILDS)
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_layers_inside_are_trained(engine, what):
    """Also those that have no weights yet when the model is compiled."""
    if BACKEND == "numpy" and engine != "tf_keras":
        pytest.skip("Keras on NumPy does not train")
    if what == "has a build" and engine != "tf_keras":
        pytest.skip("Keras 3 finds no gradients of weights that its first step makes")
    x = np.ones((4, 3), "float32")
    with semantics.use(engine):
        losses = []
        for k in (refkeras, ENGINES[engine]):
            inputs = k.Input((3,))
            model = k.Model(inputs, inside(k, **BUILDS[what])()(inputs))
            model.compile(k.optimizers.SGD(0.125), "mse")
            losses.append(model.fit(x, x[:, :2], epochs=3, verbose=0).history["loss"])
    assert losses[0] == losses[1] and losses[0][2] < losses[0][0]


@shows("training_reaches")
def test_training_reaches_what_is_inside():
    """Whether Dropout inside a subclassed model drops out while the model is fitted."""
    if BACKEND == "numpy":
        pytest.skip("Keras on NumPy does not train")

    def drops_out(k, how):
        def init(self):
            k.Model.__init__(self)
            self.inner = k.layers.Dropout(0.5, seed=3)
            if how == "handed on, two deep":
                self.inner = k.Sequential([self.inner])
            self.dense = k.layers.Dense(1, kernel_initializer="ones")

        calls = {
            "not at all": lambda self, x: self.dense(self.inner(x)),
            "as an argument": lambda self, x, training=None: self.dense(self.inner(x)),
        }
        handed_on = lambda self, x, training=None: self.dense(self.inner(x, training=training))  # noqa: E731
        model = type("Dropping", (k.Model,), {"__init__": init, "call": calls.get(how, handed_on)})()
        model.compile(k.optimizers.SGD(0.0), "mse")
        x = np.ones((64, 1), "float32")
        fitted = model.fit(x, x, batch_size=64, verbose=0).history["loss"][0]
        return float(model.train_on_batch(x, x)) > 0, fitted > 0, model.evaluate(x, x, verbose=0) > 0

    found = {}
    for how in ("not at all", "as an argument", "handed on", "handed on, two deep"):
        for engine in ENGINES:
            with semantics.use(engine):
                found[engine, how] = drops_out(refkeras, how)
            assert found[engine, how] == drops_out(ENGINES[engine], how), (engine, how)
            assert found[engine, how] == (True, True, False) or not how.startswith("handed")
    assert len({found[engine, "not at all"] for engine in ENGINES}) == len(ENGINES)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_a_call_does_not_return_counts(engine):
    """The penalty of an output that nothing takes is in the loss, and trains the layer that made it."""
    if BACKEND == "numpy" and engine != "tf_keras":
        pytest.skip("Keras on NumPy does not train")
    with semantics.use(engine):
        found = []
        for k in (refkeras, ENGINES[engine]):

            class Own(k.layers.Layer):
                def __init__(self, k=k, **kwargs):
                    super().__init__(**kwargs)
                    penalty = k.regularizers.L2(0.5)
                    self.unused = k.layers.Dense(2, kernel_initializer="ones", activity_regularizer=penalty)
                    self.used = k.layers.Dense(2, kernel_initializer="ones")

                def call(self, x):
                    self.unused(x)
                    return self.used(x)

            x = k.Input((2,))
            model = k.Model(x, Own()(x))
            model.compile(k.optimizers.SGD(0.125), "mse")
            losses = [float(model.train_on_batch(ONES, ONES)) for _ in range(2)]
            found.append((losses, [np.asarray(w).tolist() for w in model.get_weights()]))
    assert found[0] == found[1]
    # (2 - 1)², and half of the squares of two numbers that are 2, a sample.
    assert found[0][0][0] == 1.0 + 4.0
