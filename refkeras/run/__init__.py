"""Run a Keras script unchanged: its `keras`, `tensorflow.keras` and `tf_keras` are refkeras.

    refkeras run [--semantics NAME] script.py [args]

`install()` does the same for the process it is called in, such as a notebook.
"""

from __future__ import annotations

from refkeras.run.importer import install
from refkeras.run.script import run_script

__all__ = ["install", "run_script"]
