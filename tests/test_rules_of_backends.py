"""What Keras's other backends do otherwise, as they printed it (docs/findings.md); no engine runs here."""

import numpy as np
import pytest

import refkeras as k
from refkeras import semantics

X = np.array([[-1.0, 0.0, 2.0]], "float32")


@pytest.mark.parametrize(("backend", "wanted"), [("numpy", [[-1.0, 0.0, 6.0]]), ("torch", [[-3.0, 0.0, 2.0]])])
def test_leaky_relu_with_a_slope_above_1(backend, wanted):
    with semantics.use(f"keras-3@{backend}"):
        assert k.activations.leaky_relu(X, 3.0).tolist() == k.activations.relu(X, 3.0).tolist() == wanted
        # For a slope below 1 the larger one is the same.
        assert k.activations.leaky_relu(X, 0.25).tolist() == [[-0.25, 0.0, 2.0]]


@pytest.mark.parametrize(("backend", "finite"), [("numpy", False), ("torch", True), ("jax", True)])
def test_a_nan_of_another_class(backend, finite):
    """r = (∞, −∞, NaN) is clipped to (1 − ε, ε, NaN)."""
    with semantics.use(f"keras-3@{backend}"), np.errstate(all="ignore"):
        found = k.losses.sparse_categorical_crossentropy(np.arange(3), np.array([[0.5, -0.5, 0.0]] * 3, "float32"))
    if finite:
        np.testing.assert_array_equal(found.numpy()[:2], -np.log(np.float32([1 - 1e-7, 1e-7])))
    assert np.isfinite(found.numpy()).tolist() == [finite, finite, False]


@pytest.mark.parametrize(("backend", "sums", "cosine"), [("numpy", True, False), ("jax", False, True)])
def test_losses_of_single_numbers(backend, sums, cosine):
    t, p = np.float32(0.3), np.float32(0.6)
    with semantics.use(f"keras-3@{backend}"):
        for name, takes in (("kl_divergence", sums), ("categorical_hinge", sums), ("cosine_similarity", cosine)):
            if takes:
                assert np.isfinite(getattr(k.losses, name)(t, p).numpy()).all()
            else:
                with pytest.raises(ValueError, match="rank 0"):
                    getattr(k.losses, name)(t, p)


@pytest.mark.parametrize(
    ("backend", "eager", "called", "predicted", "losses"),
    [
        ("tensorflow", False, "zab", "zab", "zab"),
        ("torch", False, "abz", "abz", "abz"),
        ("jax", False, "zab", "abz", "abz"),
        ("jax", True, "zab", "zab", "abz"),
    ],
)
def test_order_of_dict_outputs(backend, eager, called, predicted, losses):
    rows = np.ones((2, 2), "float32")
    with semantics.use(f"keras-3@{backend}"):
        x = k.Input((2,))
        model = k.Model(x, {name: k.layers.Dense(1, name=name)(x) for name in "zab"})
        model.compile(loss=["mse"] * 3, run_eagerly=eager)
        model.evaluate(rows, dict.fromkeys("abz", rows[:, :1]), verbose=0)
        outputs = model(rows)
        found = model.predict(rows, verbose=0)
        trackers = [metric.name[0] for metric in model.metrics if metric.name.endswith("_loss")]
    assert ("".join(outputs), "".join(found), "".join(trackers)) == (called, predicted, losses)
    for name, value in found.items():  # each by its own name, whatever the order
        np.testing.assert_array_equal(value, outputs[name].numpy())
