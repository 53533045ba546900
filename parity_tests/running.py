"""What runs: the engine, backend, device and versions, asked of the engine itself; and how compiled models run."""

from __future__ import annotations

import functools
import importlib.metadata
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from parity_tests.engines import BACKEND, DEVICE, ENGINES, KERAS_3, MODE, keras, numpy, tensor, tf

__all__ = ["MODES", "device_of_a_product", "forced_mode", "verified"]

#: Mode → arguments of compile() that force it, of the engine and of refkeras alike.
MODES: dict[str, dict[str, bool]] = {
    "auto": {},
    "eager": {"run_eagerly": True},
    "graph": {"run_eagerly": False, "jit_compile": False},
    "jit": {"run_eagerly": False, "jit_compile": True},
}


def device_of_a_product() -> str:
    """Return where the backend itself says that it computed a matrix product: `cpu` or `gpu`."""
    x = tensor([[1.0, 2.0], [3.0, 5.0]])
    y = keras.ops.matmul(x, x)
    assert numpy(y).tolist() == [[7.0, 12.0], [18.0, 31.0]]
    if BACKEND == "tensorflow":
        place = y.device
    elif BACKEND == "jax":
        place = next(iter(y.devices())).platform
    else:
        place = str(y.device) if BACKEND == "torch" else "cpu"
    return "gpu" if any(word in place.lower() for word in ("gpu", "cuda", "rocm")) else "cpu"


def verified() -> str:
    """Describe the engine that runs, after checking it against what was asked for.

    Raises:
        RuntimeError: engine, backend or device are not those asked for, or what refkeras mirrors is another release.
    """
    from refkeras import semantics

    asked = os.environ.get("REFKERAS_ENGINE", f"keras@{BACKEND}")
    device, problems = device_of_a_product(), []
    if asked != f"keras@{keras.config.backend()}":
        problems.append(f"asked for {asked}, but Keras runs on {keras.config.backend()}")
    if device != DEVICE:
        problems.append(f"asked for the {DEVICE}, but a matrix product was computed on the {device}")
    for name, engine in ENGINES.items():
        if engine.__version__ != semantics.get(name).keras_version:
            problems.append(f"{name} is {engine.__version__}; refkeras mirrors {semantics.get(name).keras_version}")
    if problems:
        raise RuntimeError("; ".join(problems))
    versions = ", ".join(f"{name} {engine.__version__}" for name, engine in ENGINES.items())
    packages = {"tensorflow": ["tensorflow"], "jax": ["jax", "jaxlib"], "torch": ["torch"], "numpy": ["numpy"]}[BACKEND]
    return f"{versions}; {', '.join(f'{p} {_version(p)}' for p in packages)}; {device}; compiled models run: {MODE}"


def _version(package: str) -> str:
    return tf.__version__ if package == "tensorflow" else importlib.metadata.version(package)


@contextmanager
def forced_mode() -> Iterator[None]:
    """Give every compile() that does not say how to run the arguments of the session's mode.

    That is Keras 3's, and refkeras's where it stands for Keras 3: tf_keras beside it runs as it chooses.
    """
    arguments = MODES[MODE]
    import refkeras

    # Where it is defined: a model whose compile() is not that of its base is not compiled when it is loaded.
    models = [ENGINES[KERAS_3].Model, refkeras.Model] if arguments else []
    targets: list[Any] = [next(c for c in model.__mro__ if "compile" in vars(c)) for model in models]
    before = [target.compile for target in targets]
    for target in targets:
        target.compile = _with(target.compile, arguments)
    try:
        yield
    finally:
        for target, compile_ in zip(targets, before, strict=True):
            target.compile = compile_


def _with(compile_: Any, arguments: dict[str, bool]) -> Any:
    import refkeras
    from refkeras import semantics

    @functools.wraps(compile_)
    def compiled(self: Any, *args: Any, **kwargs: Any) -> Any:
        said = "run_eagerly" in kwargs or "jit_compile" in kwargs
        other = isinstance(self, refkeras.Model) and semantics.current().name != KERAS_3
        return compile_(self, *args, **({} if said or other else arguments), **kwargs)

    return compiled
