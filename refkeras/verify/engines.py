"""Engines, each asked in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import refkeras
from refkeras.verify import worker

__all__ = ["KERAS_3", "TF_KERAS", "Engine", "EngineError", "Job", "Result", "run_all"]

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Engine:
    """A Keras to ask.

    Attributes:
        name: `"refkeras"`, `"tf_keras"` or `"keras@BACKEND"`.
        dialect: whose conventions a script for it follows: `"keras-3"`, `"tf_keras"` or `"keras-2.0"`.
        semantics: which Keras refkeras is to be; None for the others.
        python: the interpreter that has it.
        gpu: whether it may use the GPU.
    """

    name: str
    dialect: str
    semantics: str | None = None
    python: str = sys.executable
    gpu: bool = False

    def counterpart(self) -> Engine:
        """Return the refkeras that claims to be this engine."""
        if self.name == "refkeras":
            return self
        return Engine("refkeras", self.dialect, "tf_keras" if self.name == "tf_keras" else f"keras-3@{self.backend}")

    @property
    def backend(self) -> str:
        return self.name.partition("@")[2]


KERAS_3 = Engine("keras@tensorflow", "keras-3")
TF_KERAS = Engine("tf_keras", "tf_keras")


@dataclass(frozen=True)
class Job:
    """What one process is asked: a task (a file with a `run`), its settings and its arrays."""

    engine: Engine
    dtype: str
    task: str
    settings: dict[str, Any]
    arrays: Arrays


@dataclass(frozen=True)
class Result:
    """What came back: who answered, what was seen, and arrays."""

    versions: dict[str, str]
    seen: dict[str, Any]
    arrays: Arrays


class EngineError(RuntimeError):
    """An engine could not be asked, or failed."""


def run_all(jobs: Sequence[Job], on_step: Callable[[Job, str], None], at_once: int | None = None) -> list[Result]:
    """Do all jobs, `at_once` (by default one per core) beside each other; return their results in order.

    Whatever ends this call, an error or Ctrl-C, ends the processes too.

    Raises:
        EngineError: an engine is not installed, or failed.
    """
    with _Processes() as processes, ThreadPoolExecutor(at_once or os.cpu_count() or 1) as pool:
        futures = [pool.submit(_do, job, on_step, processes) for job in jobs]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            processes.end()
            raise


class _Processes:
    """The worker processes that are alive; ended with the block."""

    def __init__(self) -> None:
        self._alive: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._ended = False

    def start(self, command: list[str], **options: Any) -> subprocess.Popen:
        with self._lock:
            if self._ended:
                raise EngineError("cancelled")
            process = subprocess.Popen(command, **options)
            self._alive.add(process)
            return process

    def done(self, process: subprocess.Popen) -> None:
        with self._lock:
            self._alive.discard(process)

    def end(self) -> None:
        with self._lock:
            self._ended = True
            for process in self._alive:
                process.kill()

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _do(job: Job, on_step: Callable[[Job, str], None], processes: _Processes) -> Result:
    with tempfile.TemporaryDirectory(prefix="refkeras-verify-") as folder:
        place = Path(folder)
        engine = {"engine": job.engine.name, "dialect": job.engine.dialect, "semantics": job.engine.semantics}
        (place / "job.json").write_text(json.dumps({**job.settings, **engine, "dtype": job.dtype, "task": job.task}))
        np.savez(place / "job.npz", **job.arrays)  # type: ignore[arg-type]
        with (place / "errors").open("w+") as errors:
            try:
                process = processes.start(
                    [job.engine.python, str(Path(worker.__file__)), folder],
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=_environment(job, folder),
                    text=True,
                )
            except OSError as error:
                raise EngineError(f"{job.engine.name} cannot be asked: {job.engine.python}: {error.strerror}") from None
            assert process.stdout is not None
            with process.stdout:
                for line in process.stdout:
                    on_step(job, line.strip())
            status = process.wait()
            processes.done(process)
            errors.seek(0)
            return _result(job, place, status, errors.read())


def _environment(job: Job, folder: str) -> dict[str, str]:
    """Return the worker's environment: quiet, no keras.json, no GPU unless it may; refkeras, where it is the engine."""
    engine = job.engine
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", COLUMNS="80", KERAS_HOME=folder)
    environment.pop("REFKERAS_SEMANTICS", None)
    if not engine.gpu:
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    # JAX has 64-bit types on request alone.
    environment["JAX_ENABLE_X64"] = "1" if job.dtype == "float64" else "0"
    if engine.name == "refkeras":
        package = str(Path(refkeras.__file__).parent.parent)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    return environment


def _result(job: Job, place: Path, status: int, errors: str) -> Result:
    file = place / "result.json"
    if not file.exists():
        raise EngineError(f"{job.engine.name} ended with status {status} and no result:\n{errors}")
    result = json.loads(file.read_text())
    if result.get("missing"):
        raise EngineError(
            f"{job.engine.name} cannot be asked: {job.engine.python} has no {result['missing']}.\n"
            f"Install it with: {_how_to_get(job.engine)}"
        )
    if "error" in result:
        raise EngineError(f"{job.engine.name} ({job.dtype}) failed:\n{result['error']}")
    with np.load(place / "result.npz", allow_pickle=False) as arrays:
        return Result(result["versions"], result["seen"], dict(arrays))


def _how_to_get(engine: Engine) -> str:
    """Return the command that installs an engine."""
    if engine.python == sys.executable and engine.backend in ("", "tensorflow"):
        return "pip install 'refkeras[parity]'"
    pip = "pip" if engine.python == sys.executable else f"{engine.python} -m pip"
    packages = {"": "tf_keras", "numpy": "keras"}.get(engine.backend, f"keras {engine.backend}")
    return f"{pip} install {packages}"
