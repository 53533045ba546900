"""Under `refkeras run`, Keras's names lead to refkeras."""

import subprocess
import sys
import textwrap

import pytest


def run(tmp_path, script, *options, **environment):
    """Run a script in a fresh process; return what it printed."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "-m", "refkeras", "run", *options, str(path)],
        capture_output=True,
        text=True,
        env={"PATH": "", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("root", ["keras", "tensorflow.keras", "tf_keras"])
def test_every_way_to_import_gives_refkeras(tmp_path, root):
    said = run(
        tmp_path,
        f"""
        import {root} as a
        import {root}.losses
        import {root}.optimizers.schedules as schedules
        from {root} import losses, utils
        from {root}.losses import MeanSquaredError
        from {root}.random import *
        import refkeras
        print(MeanSquaredError is refkeras.losses.MeanSquaredError is a.losses.MeanSquaredError)
        print(losses is a.losses, utils.set_random_seed is refkeras.utils.set_random_seed)
        print(uniform is refkeras.random.uniform, schedules.ExponentialDecay.__module__.startswith("refkeras."))
        """,
    )
    assert said == ["True", "True True", "True True"]


def test_tensorflow_itself(tmp_path):
    said = run(
        tmp_path,
        """
        import sys
        import tensorflow as tf
        from tensorflow import keras
        import refkeras
        tf.random.set_seed(7)
        tf.keras.utils.set_random_seed(7)
        print(tf.keras is keras, keras.backend.floatx(), tf.__version__)
        print([name for name in sys.modules if name.startswith(("numpy.core", "tensorflow.python", "h5py"))])
        """,
    )
    assert said == ["True float32 2.21.0", "[]"]


MISSING = [
    ("import keras.applications", "ModuleNotFoundError: refkeras has no keras.applications."),
    ("from keras import applications", "ModuleNotFoundError: refkeras has no keras.applications."),
    (
        "from keras.losses import MeanSquareError",
        "no keras.losses.MeanSquareError. Did you mean 'MeanSquaredError'?",
    ),
    ("import keras; keras.aplications", "AttributeError: refkeras has no keras.aplications."),
    ("import keras; keras.lossses", "Did you mean 'losses'?"),
    ("import keras; keras.utils.get_file", "AttributeError: refkeras has no keras.utils.get_file."),
    ("import tensorflow as tf; tf.constant", "AttributeError: refkeras has no tensorflow.constant. Of TensorFlow"),
    ("import tensorflow.data", "ModuleNotFoundError: refkeras has no tensorflow.data. Of TensorFlow"),
    ("from tensorflow.keras.layers import Nothing", "refkeras has no tensorflow.keras.layers.Nothing."),
    ("import tf_keras.applications", "ModuleNotFoundError: refkeras has no tf_keras.applications."),
    ("import keras.src.layers", "ModuleNotFoundError: refkeras has no keras.src"),
    ("import keras.losses.categorical", "ModuleNotFoundError: refkeras has no keras.losses.categorical"),
]


def test_what_is_missing_is_named(tmp_path):
    script = f"""
    for statement in {[statement for statement, _ in MISSING]!r}:
        try:
            exec(statement)
            print(statement, "went through")
        except (ImportError, AttributeError) as error:
            print(f"{{type(error).__name__}}: {{error}}")
    """
    said = run(tmp_path, script)
    for (statement, error), line in zip(MISSING, said, strict=True):
        assert error in line, statement


def test_only_keras_public_names(tmp_path):
    """Modules and names that are refkeras's own do not appear under Keras's."""
    said = run(
        tmp_path,
        """
        import keras
        print([name for name in ("ops", "semantics", "verify", "datasets") if hasattr(keras, name)])
        print(hasattr(keras.random, "fit_order"), "losses" in dir(keras), "semantics" in dir(keras))
        """,
    )
    assert said == ["[]", "False True False"]


@pytest.mark.parametrize(
    ("options", "environment", "imported", "expected"),
    [
        ((), {}, "keras", "keras-3@tensorflow 3.15.1"),
        ((), {}, "tf_keras", "tf_keras 2.21.0"),
        ((), {"TF_USE_LEGACY_KERAS": "1"}, "tensorflow.keras", "tf_keras 2.21.0"),
        ((), {"TF_USE_LEGACY_KERAS": "1"}, "keras", "keras-3@tensorflow 3.15.1"),
        ((), {"REFKERAS_SEMANTICS": "keras-2.0"}, "tf_keras", "keras-2.0 2.0.4"),
        (("--semantics", "keras-2.0"), {}, "tf_keras", "keras-2.0 2.0.4"),
        (("--semantics", "tf_keras"), {"REFKERAS_SEMANTICS": "keras-2.0"}, "keras", "tf_keras 2.21.0"),
    ],
)
def test_the_semantics_are_the_ones_asked_for_or_imported(tmp_path, options, environment, imported, expected):
    script = f"""
    import {imported} as k
    from refkeras import semantics
    print(semantics.current().name, k.__version__)
    """
    assert run(tmp_path, script, *options, **environment) == [expected]


def test_both_dialects_in_one_script_are_warned_of(tmp_path):
    script = """
    import warnings
    import keras
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import tf_keras
    print(len(caught), "one Keras at a time" in str(caught[0].message))
    """
    assert run(tmp_path, script) == ["1 True"]


def test_install_refuses_where_a_keras_is_already_loaded():
    code = "import sys; sys.modules['keras'] = sys; from refkeras.run import install; install()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "RuntimeError: keras is already imported" in done.stderr
