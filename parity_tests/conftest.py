"""Which engine runs, and Hypothesis profiles, for the parity tests."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# float64 tests need JAX's 64-bit types; Keras's NumPy backend calls JAX, too.
os.environ.setdefault("JAX_ENABLE_X64", "1")
if os.environ.setdefault("REFKERAS_DEVICE", "cpu") == "cpu":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.register_profile("nightly", parent=settings.get_profile("ci"), max_examples=10_000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config):
    config.addinivalue_line("markers", "tensorflow_only(reason): left out on Keras's other backends")


def pytest_collection_modifyitems(config, items):
    """Leave out what only TensorFlow's process can show."""
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        return
    left_out = [item for item in items if item.get_closest_marker("tensorflow_only")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("tensorflow_only")]


@pytest.fixture(autouse=True)
def fresh_semantics():
    """Every test starts and ends with the semantics of the engine beside it."""
    from parity_tests.engines import KERAS_3
    from refkeras import semantics

    with semantics.use(KERAS_3):
        yield
