"""The engine, backend, device and release that a session names are those that run, or it says what is not."""

import os
import subprocess
import sys

import pytest

from parity_tests import asked, running
from parity_tests.engines import BACKEND, ENGINES, KERAS_3, MODE


def test_each_mode_has_its_arguments():
    assert tuple(running.MODES) == asked.CHOICES["REFKERAS_MODE"]
    assert MODE in running.MODES


def test_what_runs_is_told():
    told = running.verified()
    assert told.startswith(f"{KERAS_3} {ENGINES[KERAS_3].__version__}")
    assert told.endswith(f"{running.device_of_a_product()}; compiled models run: {MODE}")


def test_another_engine(monkeypatch):
    monkeypatch.setenv("REFKERAS_ENGINE", "keras@openvino")
    with pytest.raises(RuntimeError, match=f"asked for keras@openvino, but Keras runs on {BACKEND}"):
        running.verified()


def test_another_device(monkeypatch):
    other = {"cpu": "gpu", "gpu": "cpu"}[running.device_of_a_product()]
    monkeypatch.setattr(running, "DEVICE", other)
    with pytest.raises(RuntimeError, match=f"asked for the {other}, but a matrix product was computed on the "):
        running.verified()


@pytest.mark.parametrize("name", ENGINES)
def test_another_release(name, monkeypatch):
    monkeypatch.setattr(ENGINES[name], "__version__", "9.9")
    with pytest.raises(RuntimeError, match=rf"{name} is 9\.9; refkeras mirrors "):
        running.verified()


@pytest.mark.parametrize("name", asked.CHOICES)
def test_what_there_is_not(name):
    (problem,) = asked.problems({name: "other"})
    assert problem == f"{name}='other' is none of {', '.join(asked.CHOICES[name])}"


@pytest.mark.parametrize("backend", asked.BACKENDS)
def test_an_engine_and_its_backend(backend):
    own = {"KERAS_BACKEND": backend, "REFKERAS_ENGINE": f"keras@{backend}"}
    assert not asked.problems(own) and not asked.problems({"KERAS_BACKEND": backend})
    others = [asked.problems(own | {"REFKERAS_ENGINE": f"keras@{other}"}) for other in asked.BACKENDS]
    assert [bool(problem) for problem in others] == [other != backend for other in asked.BACKENDS]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_session_that_asks_for_what_there_is_not(workers):
    """It ends at once, with pytest's status for wrong usage, and one line."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, "parity_tests/test_running.py"]
    unknown = {"REFKERAS_ENGINE": "keras@jaxx", "KERAS_BACKEND": "jaxx"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | unknown
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.strip().splitlines() == [
        "ERROR: parity_tests: KERAS_BACKEND='jaxx' is none of tensorflow, jax, torch, numpy; "
        "REFKERAS_ENGINE='keras@jaxx' is none of keras@tensorflow, keras@jax, keras@torch, keras@numpy"
    ]
    assert "passed" not in done.stdout
