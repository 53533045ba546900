"""Models in pickles and copies."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import refkeras
from refkeras import layers, semantics


class Doubled(layers.Dense):
    """A layer that nobody registered."""


def twice_the_error(y_true, y_pred):
    return 2.0 * refkeras.losses.mean_squared_error(y_true, y_pred)


def data(rows=20):
    rng = np.random.default_rng(5)
    return rng.normal(size=(rows, 6, 4)).astype("float32"), rng.normal(size=(rows, 3)).astype("float32")


def model(optimizer="adam"):
    shared = layers.Dense(5)
    x = refkeras.Input((6, 4))
    h = layers.LSTM(5)(shared(shared(layers.Dense(5)(x))))
    made = refkeras.Model(x, layers.Dense(3)(h))
    made.compile(optimizer, "mse", metrics=["mae"])
    return made


def fit(made, epochs=1):
    return made.fit(*data(), batch_size=7, epochs=epochs, shuffle=False, verbose=0).history


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("kind", ["keras-3@tensorflow", "tf_keras"])
def test_training_goes_on_with_the_same_numbers(kind, duplicate):
    with semantics.use(kind):
        made = model()
        fit(made)
        twin = duplicate(made)
        assert [layer.name for layer in twin.layers] == [layer.name for layer in made.layers]
        assert int(twin.optimizer.iterations) == int(made.optimizer.iterations) == 3
        assert fit(twin, 3) == fit(made, 3)
        for one, other in zip(twin.get_weights(), made.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_copy_is_on_its_own():
    made = model()
    fit(made)
    before = made.get_weights()
    fit(copy.deepcopy(made), 2)
    for now, old in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, old)


def test_a_model_that_was_not_trained(recwarn):
    twin = pickle.loads(pickle.dumps(model()))
    assert not recwarn.list
    assert fit(twin)["loss"][0] > 0


def test_a_model_that_is_not_built():
    twin = pickle.loads(pickle.dumps(refkeras.Sequential([layers.Dense(2)])))
    assert not twin.built


def test_own_classes_and_functions_need_no_registration():
    made = refkeras.Sequential([refkeras.Input((6, 4)), layers.Flatten(), Doubled(3)])
    made.compile("sgd", twice_the_error)
    twin = pickle.loads(pickle.dumps(made))
    assert type(twin.layers[-1]) is Doubled
    assert twin.loss is twice_the_error
    assert twin.evaluate(*data(), verbose=0) == made.evaluate(*data(), verbose=0)


def test_a_lambda_is_refused():
    made = refkeras.Sequential([refkeras.Input((4,)), layers.Dense(3, activation=lambda x: x)])
    with pytest.raises(ValueError, match="lambda"):
        pickle.dumps(made)


def test_h5py_is_not_needed():
    code = (
        "import sys; sys.modules['h5py'] = None\nimport copy, refkeras\n"
        "model = refkeras.Sequential([refkeras.Input((4,)), refkeras.layers.Dense(3)])\n"
        "print((copy.deepcopy(model).get_weights()[0] == model.get_weights()[0]).all())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "True", done.stderr


def test_a_clone_is_compiled_and_new():
    made = model(refkeras.optimizers.SGD(0.25))
    fit(made)
    twin = refkeras.models.clone_model(made)
    assert twin.compiled
    assert float(twin.optimizer.learning_rate) == 0.25
    assert int(twin.optimizer.iterations) == 0
    assert any((a != b).any() for a, b in zip(twin.get_weights(), made.get_weights(), strict=True))
