"""One engine in a process of its own: takes a job from a folder, leaves the result there.

    python worker.py FOLDER

The folder holds `job.json` and `job.npz` (the job's arrays); the worker adds
`result.json` and `result.npz`. The job names the engine, the dtype, and a task:
the path of a Python file whose `run(engine, job, arrays)` returns what was seen
(JSON) and arrays. While it works, each line on standard output is a step's name.

This file needs NumPy and the engine alone, so that it runs in any Python that
has a Keras, with no refkeras installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import platform
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Engine", "main"]


class Engine:
    """What a task may ask of the Keras it runs on.

    Attributes:
        keras: the module, `keras`, `tf_keras` or `refkeras`.
        dialect: `"keras-3"`, `"tf_keras"` or `"keras-2.0"`: whose conventions it follows.
        dtype: `"float32"` or `"float64"`.
    """

    def __init__(self, name: str, dialect: str, dtype: str, semantics: str | None) -> None:
        self.name, self.dialect, self.dtype = name, dialect, dtype
        self.keras: Any = importlib.import_module(_module(name))
        if semantics:
            self.keras.semantics.use(semantics)
        self.keras.config.set_floatx(dtype) if hasattr(self.keras, "config") else self.keras.backend.set_floatx(dtype)

    def fresh(self, seed: int) -> None:
        """Forget all models and names, and seed every generator."""
        clear = getattr(self.keras.utils, "clear_session", None) or self.keras.backend.clear_session
        clear()
        self.keras.utils.set_random_seed(seed)

    def gradients(self, model: Any, compile_arguments: dict[str, Any], x: Any, y: Any) -> list[np.ndarray]:
        """Return the gradients that training's first step would apply, one for each trainable weight."""
        optimizer, kept = (_keeper_refkeras if self.name == "refkeras" else _keeper_tensorflow)(self.keras, model)
        model.compile(optimizer=optimizer, **compile_arguments)
        model.train_on_batch(x, y)
        return [np.array(g) for g in kept]

    def progress(self, step: str) -> None:
        """Say which step of the task begins."""
        print(step, file=sys.__stdout__, flush=True)

    def versions(self) -> dict[str, str]:
        """Return what ran: the engine, its version, and what it ran on."""
        found = {"engine": self.name, "version": self.keras.__version__, "dtype": self.dtype}
        found |= {"numpy": np.__version__, "python": platform.python_version(), "machine": platform.machine()}
        backend = self.keras.backend.backend() if self.name.startswith("keras@") else "tensorflow"
        if self.name.startswith("keras@"):
            found["backend"] = backend
        if self.name != "refkeras" and backend in sys.modules:
            found[backend] = sys.modules[backend].__version__
        return found


def main(folder: str) -> int:
    """Do the job in `folder`; return the process's exit status."""
    place = Path(folder)
    job = json.loads((place / "job.json").read_text())
    with np.load(place / "job.npz", allow_pickle=False) as file:
        arrays = dict(file)
    found: dict[str, np.ndarray] = {}
    try:
        engine = Engine(job["engine"], job["dialect"], job["dtype"], job.get("semantics"))
        seen, found = _load(job["task"]).run(engine, job, arrays)
        result = {"versions": engine.versions(), "seen": seen}
    except ImportError as error:
        result = {"error": traceback.format_exc(), "missing": error.name}
    except Exception:
        result = {"error": traceback.format_exc()}
    np.savez(place / "result.npz", **found)  # type: ignore[arg-type]
    (place / "result.json").write_text(json.dumps(result))
    return 1 if "error" in result else 0


def _module(engine: str) -> str:
    name, _, backend = engine.partition("@")
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    return name


def _load(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("refkeras_verify_task", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _keeper_tensorflow(keras: Any, model: Any) -> tuple[Any, list[Any]]:
    """Return an optimizer that keeps the gradients and moves nothing, and what it keeps them in."""
    tf = importlib.import_module("tensorflow")
    kept = [tf.Variable(np.zeros(tuple(w.shape), dtype=w.dtype)) for w in model.get_weights()]

    class Keeper(keras.optimizers.SGD):  # type: ignore[name-defined, misc]
        def apply_gradients(self, grads_and_vars: Any, *args: Any, **kwargs: Any) -> None:
            for slot, (gradient, _) in zip(kept, grads_and_vars, strict=True):
                slot.assign(gradient)

    return Keeper(), kept


def _keeper_refkeras(keras: Any, model: Any) -> tuple[Any, list[Any]]:
    kept: list[Any] = []

    class Keeper(keras.optimizers.SGD):  # type: ignore[name-defined, misc]
        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            kept[:] = [np.array(g) for g in grads]

    return Keeper(), kept


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: its modules are nobody's imports
    sys.exit(main(sys.argv[1]))
