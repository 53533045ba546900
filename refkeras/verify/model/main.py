"""The command line of `refkeras verify MODEL`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from refkeras.naming import did_you_mean
from refkeras.verify.engines import Engine, EngineError

__all__ = ["ENGINES", "engine_named", "misplaced", "verify_one"]

ENGINES = ("keras@tensorflow", "keras@jax", "keras@torch", "keras@numpy", "tf_keras", "refkeras")
_OF_MODEL = ("data", "samples", "engine", "python", "gpu", "precision", "train", "html")
_OF_SCENARIOS = ("scenario", "quick")


def misplaced(options: argparse.Namespace) -> str | None:
    """Return what is wrong with options that go with MODEL, or without, or None."""
    what = "goes with a MODEL" if options.model is None else "is for the four scenarios: leave out MODEL"
    names = _OF_MODEL if options.model is None else _OF_SCENARIOS
    name = next((name for name in names if getattr(options, name)), None)
    return None if name is None else f"--{name} {what}"


def engine_named(name: str, python: str = sys.executable, gpu: bool = False) -> Engine:
    """Return the engine of that name.

    Raises:
        EngineError: there is none.
    """
    if name not in ENGINES:
        raise EngineError(f"no engine {name!r}.{did_you_mean(name, ENGINES)} There are: {', '.join(ENGINES)}")
    semantics = "keras-3@tensorflow" if name == "refkeras" else None
    return Engine(name, "tf_keras" if name == "tf_keras" else "keras-3", semantics, python=python, gpu=gpu)


def verify_one(options: argparse.Namespace, console: Any, progress: Any) -> int:
    """Verify `options.model`; print and write what was found; return the exit status.

    Raises:
        EngineError: the file, the data or an option cannot be used, or an engine is not installed, or failed.
        OSError: a file cannot be written.
    """
    from refkeras.verify.model.command import SAMPLES, verify_model
    from refkeras.verify.model.records import write_model_json
    from refkeras.verify.model.table import print_model_outcome

    names: Sequence[str] = dict.fromkeys(options.engine or ENGINES[:1])  # type: ignore[assignment]
    engines = [engine_named(name, options.python or sys.executable, options.gpu) for name in names]
    if options.html is not None:
        _need_jinja()
    with progress.status("reading the model") as status:
        outcome = verify_model(
            options.model,
            engines,
            data=options.data,
            samples=options.samples or SAMPLES,
            precision=options.precision,
            train=options.train or 0,
            seed=options.seed,
            on_step=lambda engine, step: status.update(f"{engine}: {step}"),
        )
        if options.html is not None:
            from refkeras.verify.model.page import write_page

            status.update("writing the page")
            write_page(outcome, options.html)
        if options.json is not None:
            write_model_json(outcome, options.json)
    print_model_outcome(outcome, console)
    return 1 if not outcome.agrees else 0 if outcome.complete else 2


def _need_jinja() -> None:
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise EngineError(
            "--html makes its page with jinja2, which is not installed: pip install 'refkeras[cli]'"
        ) from None
