"""On a GPU: matrix products with TF32 off and on, and cuDNN's LSTM, each shown to be what ran.

`make parity-gpu ENGINE=keras@jax` or `keras@torch`; docs/gpu.md says how.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from parity_tests.agreement import assert_agrees
from parity_tests.engines import BACKEND, KERAS_3, keras, numpy, tensor, tf
from parity_tests.layer_sides import make_both, run_engine, run_ours
from parity_tests.running import device_of_a_product
from refkeras.precision import compare, exact

pytestmark = pytest.mark.gpu


@contextlib.contextmanager
def tf32(on):
    """Let matrix products of float32 round their factors to TF32, or not."""
    if BACKEND == "tensorflow":
        before = tf.config.experimental.tensor_float_32_execution_enabled()
        switch = tf.config.experimental.enable_tensor_float_32_execution
    elif BACKEND == "torch":
        import torch

        before = torch.backends.cuda.matmul.allow_tf32

        def switch(value):
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = value
    else:
        import jax

        before = None

        def switch(value):
            name = {True: "tensorfloat32", False: "float32", None: None}[value]
            jax.config.update("jax_default_matmul_precision", name)

    switch(on)
    try:
        yield
    finally:
        switch(before)


def test_the_device():
    assert device_of_a_product() == "gpu"


@pytest.mark.parametrize("on", [False, True])
def test_matrix_products(on):
    """Off, they lie within float32's bars; on, within TF32's and not within float32's: TF32 was taken."""
    random = np.random.default_rng(1)
    a, b = (random.normal(size=shape).astype("float32") for shape in ((256, 512), (512, 384)))
    with tf32(on):
        found = numpy(keras.ops.matmul(tensor(a), tensor(b)))
    assert_agrees(exact(a, "tf32" if on else "float32") @ exact(b, "tf32" if on else "float32"), found)
    assert compare(exact(a) @ exact(b), found).agrees != on


@contextlib.contextmanager
def kernels_called():
    """Note the calls of the function by which Keras's backend reaches cuDNN."""
    import importlib

    module = importlib.import_module(f"keras.src.backend.{BACKEND}.rnn")
    calls = []
    name = {"jax": "lstm", "torch": "_cudnn_lstm", "tensorflow": "_cudnn_lstm"}[BACKEND]
    assert hasattr(module, name), f"keras.src.backend.{BACKEND}.rnn has no {name}: Keras reaches cuDNN in another way"
    original = getattr(module, name)

    def noted(*args, **kwargs):
        result = original(*args, **kwargs)  # which raises NotImplementedError where cuDNN is not used
        calls.append(name)
        return result

    holder = module
    if BACKEND == "jax":
        import keras.src.backend as holder  # the layer calls backend.lstm
    before = getattr(holder, name)
    setattr(holder, name, noted)
    try:
        yield calls
    finally:
        setattr(holder, name, before)


@pytest.mark.parametrize("backwards", [False, True])
def test_cudnn_lstm(backwards):
    """Values and gradients of the layer that asks for cuDNN, which must have been taken."""
    B, T, F, u = 5, 7, 6, 8
    random = np.random.default_rng(2)
    ours, theirs = make_both(KERAS_3, lambda layers: layers.LSTM(u, return_sequences=True, go_backwards=backwards))
    theirs.use_cudnn = True
    theirs.build((B, T, F))
    ours.build((B, T, F))
    weights = [random.normal(size=w.shape).astype("float32") for w in theirs.get_weights()]
    weights[1] /= np.abs(weights[1]).sum(axis=0)
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x, dy = random.normal(size=(B, T, F)).astype("float32"), random.normal(size=(B, T, u)).astype("float32")
    with tf32(False), kernels_called() as calls:
        real = run_engine(theirs, x, [dy])
    assert calls, "cuDNN's kernel was not taken"
    mine = run_ours(ours, x, [dy], bars="float32")
    both = [[*side.outputs, *side.d_inputs, *side.d_weights] for side in (mine, real)]
    for name, a, b in zip(("y", "dx", "dW", "dU", "db"), *both, strict=True):
        assert_agrees(a, b, what=name)
