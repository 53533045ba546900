"""Training under the semantics of Keras's JAX backend: masks, frozen layers, weights that no loss reaches."""

import warnings

import numpy as np
import pytest

import refkeras as k
from refkeras import semantics

X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


@pytest.fixture(autouse=True)
def on_jax():
    with semantics.use("keras-3@jax"):
        yield


def masked_model():
    dense = k.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = k.Sequential([k.Input((3, 2)), k.layers.Masking(), dense])
    model.compile(k.optimizers.SGD(0.0), "mse", metrics=["mae"])
    return model


def test_metrics_of_training_count_masked_steps():
    """1 at the step that counts, 3 at the two that are masked."""
    x, y = np.ones((4, 3, 2), "float32"), np.full((4, 3, 1), 3.0, "float32")
    x[:, 1:] = 0
    model = masked_model()
    mean = np.float32(7 / 3)
    assert model.fit(x, y, verbose=0).history["mae"] == [mean]
    assert model.train_on_batch(x, y)[1] == mean
    assert model.evaluate(x, y, verbose=0)[1] == model.test_on_batch(x, y)[1] == 1
    with semantics.use("keras-3@tensorflow"):
        assert masked_model().train_on_batch(x, y)[1] == 1


def two_alike(**options):
    square = {"units": 2, "use_bias": False}
    model = k.Sequential([k.Input((2,)), k.layers.Dense(**square), k.layers.Dense(**square), k.layers.Dense(1)])
    model.compile(k.optimizers.SGD(0.01, momentum=0.5), "mse", **options)
    return model


@pytest.mark.parametrize("frozen", [(0,), (2,), (0, 1, 2)])
def test_other_weights_than_the_optimizer_was_built_with(frozen):
    model = two_alike()
    model.train_on_batch(X, Y)
    for i in frozen:
        model.layers[i].trainable = False
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"now there are .* compile\(\) the model again"):
        model.train_on_batch(X, Y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_in_the_places_of_others_inherit_their_momentum():
    model = two_alike()
    first, second, _ = model.layers
    second.trainable = False
    model.train_on_batch(X, Y)
    (momentum,) = (v.numpy() for v in model.optimizer.variables if v.shape == (2, 2))
    first.trainable, second.trainable = False, True
    kept, before = first.get_weights()[0], second.get_weights()[0]
    gradient = gradient_of(model, second)
    model.train_on_batch(X, Y)
    np.testing.assert_array_equal(first.get_weights()[0], kept)
    np.testing.assert_array_equal(
        second.get_weights()[0], before + (np.float32(0.5) * momentum - np.float32(0.01) * gradient)
    )


def gradient_of(model, layer):
    """From a step of plain gradient descent, at a rate of 1, on a copy whose other weights are frozen."""
    twin = two_alike()
    twin.set_weights(model.get_weights())
    twin.compile(k.optimizers.SGD(1.0, momentum=1e-30), "mse")
    (kernel,) = twin.layers[model.layers.index(layer)].weights
    twin.train_on_batch(X, Y)
    (slot,) = (v for v in twin.optimizer.variables if kernel.path.replace("/", "_") in v.path)
    return -slot.numpy()


def test_weights_that_no_loss_reaches_decay_without_a_warning():
    x = k.Input((2,))
    ends = [k.layers.Dense(1, name=name, kernel_initializer="ones")(x) for name in "ab"]
    model = k.Model(x, ends)
    model.compile(k.optimizers.AdamW(0.5, weight_decay=0.5), ["mse", None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.train_on_batch(X, [Y, Y])
    assert model.get_layer("b").get_weights()[0].tolist() == [[0.75], [0.75]]


def test_l1_pushes_zeros():
    assert k.regularizers.L1(0.5).gradient(np.float32([-1, 0, 1])).tolist() == [-0.5, 0.5, 0.5]
    with semantics.use("keras-3@tensorflow"):
        assert k.regularizers.L1(0.5).gradient(np.float32([-1, 0, 1])).tolist() == [-0.5, 0, 0.5]
