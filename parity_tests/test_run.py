"""`refkeras run` and the real packages agree on what they are."""

import subprocess
import sys

from parity_tests.engines import tensorflow_only
from parity_tests.shows import shows
from refkeras import semantics

pytestmark = tensorflow_only("starts processes of its own")


@shows("keras_version")
def test_versions_are_those_of_the_real_ones():
    import keras
    import tf_keras

    from refkeras.run.importer import _TENSORFLOW_VERSION

    assert keras.__version__ == semantics.get("keras-3@tensorflow").keras_version
    assert tf_keras.__version__ == semantics.get("tf_keras").keras_version
    assert sys.modules["tensorflow"].__version__ == _TENSORFLOW_VERSION


def test_refkeras_comes_before_an_installed_keras(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, keras, tf_keras, tensorflow\nprint(len([m for m in sys.modules if 'keras.src' in m]))"
    )
    done = subprocess.run([sys.executable, "-m", "refkeras", "run", str(script)], capture_output=True, text=True)
    assert done.stdout == "0\n", done.stderr
