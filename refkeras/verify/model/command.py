"""`refkeras verify MODEL`: one's own model, on each engine, beside refkeras's numbers with error bars."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from refkeras import config, semantics, tree
from refkeras.verify.engines import Engine, EngineError, Job, run_all
from refkeras.verify.model import bars, probe
from refkeras.verify.model.copies import dtype_of, in_precision
from refkeras.verify.model.data import Data, draw_data, read_data
from refkeras.verify.model.findings import ModelOutcome, Outcome
from refkeras.verify.model.graph import trace_calls
from refkeras.verify.model.judging import judge
from refkeras.verify.model.loading import Loaded, load
from refkeras.verify.model.training import judge_training

__all__ = ["PRECISIONS", "verify_model"]

PRECISIONS = ("float32", "tf32", "bfloat16", "float16", "float64")
SAMPLES = 32


def verify_model(
    file: str | os.PathLike[str],
    engines: Sequence[Engine],
    *,
    data: str | os.PathLike[str] | None = None,
    samples: int = SAMPLES,
    precision: str | None = None,
    train: int = 0,
    seed: int = 7,
    on_step: Callable[[str, str], None] = lambda engine, step: None,
) -> ModelOutcome:
    """Judge every layer of a model, the whole, and its training, on each engine.

    Args:
        file: a `.keras` file, or a legacy `.h5` file.
        engines: the real ones to ask.
        data: an `.npz` file with inputs and, for training, targets; otherwise they are drawn.
        samples: how many to draw.
        precision: the arithmetic that the engines are held to, by default float32, or float64 where the file's layers
            are. A model of another dtype is copied for them.
        train: how many training steps.
        seed: for the draws, and for `set_random_seed` on both sides.
        on_step: called with the engine and what is being done.

    Raises:
        EngineError: the file or the data cannot be used, training is asked for and the model does not allow it, or an
            engine is not installed, or failed.
    """
    with tempfile.TemporaryDirectory(prefix="refkeras-verify-") as folder:
        with _told():
            asked, precision = in_precision(Path(file), precision, Path(folder))
            # What an engine's generation of Keras does not record may make a difference, so each has its own reading.
            readings = {engine: _read(asked.reference, engine, precision, train, seed) for engine in engines}
            given = _data(readings[engines[0]], data, samples, seed, train)
        jobs = [
            _job(engine, asked.engines, dtype_of(precision), readings[engine], given, train, seed) for engine in engines
        ]
        results = run_all(jobs, lambda job, step: on_step(job.engine.name, step))
        outcome = ModelOutcome(os.fspath(file), precision, given, seed, readings[engines[0]].missing)
        for engine, result in zip(engines, results, strict=True):
            with _as(engine, precision):

                def step(what: str, engine: Engine = engine) -> None:
                    on_step(engine.name, f"judging {what}")

                findings = judge(readings[engine], result, given, precision, step)
                if "eager" in result.seen.get("training", {}):

                    def read(engine: Engine = engine) -> Loaded:
                        return _read(asked.reference, engine, precision, train, seed)

                    findings += judge_training(read, result, given, precision, step)
            untrained = result.seen.get("training", {}).get("refused", "")
            calls = trace_calls(result.seen["calls"], result.arrays, given.inputs)
            outcome.outcomes.append(Outcome(engine.name, result.versions, findings, calls, untrained))
    return outcome


@contextmanager
def _told() -> Iterator[None]:
    """Turn what is wrong with a file into what the command says."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise EngineError(str(error)) from error


@contextmanager
def _as(engine: Engine, precision: str) -> Iterator[None]:
    """Use the semantics of an engine, and the dtype that refkeras stands in for a precision with."""
    with (
        config.floatx_is("float64" if precision == "float64" else "float32"),
        semantics.use(engine.counterpart().semantics or "keras-3@tensorflow"),
    ):
        yield


def _read(file: Path, engine: Engine, precision: str, train: int, seed: int) -> Loaded:
    from refkeras import utils

    if train and precision == "float16":
        raise ValueError(f"--train {train} --precision float16: refkeras has no bars for losses in float16.")
    with _as(engine, precision), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a file holds no slots yet
        utils.clear_session()
        utils.set_random_seed(seed)
        loaded = load(file, compile=train > 0)
        if precision == "float16":
            for layer in (loaded.model,) if loaded.model is not None else loaded.layers.values():
                bars.hold_in_float16(layer)
        if train and loaded.model.optimizer is None:
            raise ValueError(f"--train {train}: {file} was saved without compile(), so there is no loss to train with.")
    return loaded


def _data(loaded: Loaded, data: str | os.PathLike[str] | None, samples: int, seed: int, train: int) -> Data:
    if data is not None:
        return read_data(data, loaded, targets=train > 0)
    return draw_data(loaded, samples, seed, targets=train > 0)


def _job(engine: Engine, file: Path, dtype: str, loaded: Loaded, data: Data, train: int, seed: int) -> Job:
    arrays = {f"x/{i}": array for i, array in enumerate(data.inputs)}
    arrays |= {f"y/{i}": array for i, array in enumerate(data.targets)}

    def named(letter: str, count: int, structure: Any) -> Any:
        names = [{"array": f"{letter}/{i}"} for i in range(count)]
        if loaded.model is None or not count:
            return names[0] if count == 1 else names
        return tree.pack_as(structure, names)

    model = loaded.model
    settings = {
        "file": str(file.resolve()),
        "seed": seed,
        "train": train,
        "batches": data.batches(train),
        "x": named("x", len(data.inputs), getattr(model, "input", None)),
        "y": named("y", len(data.targets), getattr(model, "output", None)),
    }
    return Job(engine, dtype, probe.__file__, settings, arrays)
