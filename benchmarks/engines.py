"""The peers, and what makes each of them use one thread."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

__all__ = ["ENGINES", "Engine", "environment"]


@dataclass(frozen=True)
class Engine:
    """Something that runs workloads.

    Attributes:
        name: what tables call it.
        module: what it imports as its Keras; empty for raw kernels.
        needs: modules that must be installed.
        variables: its own environment variables.
    """

    name: str
    module: str
    needs: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)


def _keras_3(backend: str, **variables: str) -> Engine:
    name = f"keras@{backend}"
    needs = ("keras", {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}[backend])
    return Engine(name, "keras", needs, {"KERAS_BACKEND": backend, **variables})


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("refkeras", "refkeras", ()),
        _keras_3("tensorflow"),
        Engine("keras@tensorflow jit", "keras", ("keras", "tensorflow"), {"KERAS_BACKEND": "tensorflow"}),
        _keras_3("jax"),
        _keras_3("torch"),
        Engine("tf_keras", "tf_keras", ("tf_keras", "tensorflow")),
        Engine("tensorflow", "", ("tensorflow",)),
        Engine("torch", "", ("torch",)),
        # The limit: NumPy's matrix products on the same shapes, and nothing else.
        Engine("products", "", ()),
    )
}

_ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    # read by TensorFlow when it starts; XLA takes its share of threads from the flag
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def environment(engine: Engine, threads: str) -> dict[str, str]:
    """Return the environment for a process of the engine; `threads` is `"one"` or `"default"`."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    # Packages that pip installs bring their bytecode; a source tree has to be allowed to write its own.
    around = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**around, **quiet, **engine.variables, **(_ONE_THREAD if threads == "one" else {})}
