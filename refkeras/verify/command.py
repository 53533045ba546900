"""`refkeras verify`: the four questions on refkeras and on real Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkeras.verify import scenarios
from refkeras.verify.answers import answers
from refkeras.verify.compare import Row, compare
from refkeras.verify.engines import KERAS_3, TF_KERAS, Engine, Job, Result, run_all
from refkeras.verify.scenarios import CASES

__all__ = ["Outcome", "verify_scenarios"]

KERAS_2_0 = Engine("refkeras", "keras-2.0", semantics="keras-2.0")
"""No real one is asked: it is here for the line that the fourth question was about."""


@dataclass(frozen=True)
class Outcome:
    """What `verify` found.

    Attributes:
        seed: what both sides were seeded with.
        rows: each quantity of each case.
        answers: question → text.
        runs: every run behind the rows, as JSON.
    """

    seed: int
    rows: list[Row]
    answers: dict[str, str]
    runs: list[dict[str, Any]]

    @property
    def agrees(self) -> bool:
        return all(row.agrees for row in self.rows)


def verify_scenarios(
    cases: Sequence[str] = (),
    *,
    seed: int = 7,
    engines: Sequence[Engine] = (KERAS_3, TF_KERAS),
    dtypes: Sequence[str] = ("float32", "float64"),
    on_step: Callable[[Job, str], None] = lambda job, step: None,
) -> Outcome:
    """Train each case on each engine it concerns and on refkeras, from the seed alone; compare.

    Args:
        cases: names from `scenarios.CASES`; none means all.
        seed: for `set_random_seed`, on both sides, and for the data.
        engines: the real ones to ask.
        dtypes: the precisions to run in.
        on_step: called as a process begins a case.

    Raises:
        EngineError: an engine is not installed, or failed.
    """
    wanted = [case for name, case in CASES.items() if not cases or name in cases]
    jobs = {
        (engine, side, dtype): _job(side, [c.name for c in wanted if engine.dialect in c.dialects], dtype, seed)
        for dtype in dtypes
        for engine in engines
        for side in (engine, engine.counterpart())
    }
    old = [case.name for case in wanted if case.name == "reading_the_log"]
    if old and "float32" in dtypes:
        jobs[KERAS_2_0, KERAS_2_0, "float32"] = _job(KERAS_2_0, old, "float32", seed)
    jobs = {key: job for key, job in jobs.items() if job.settings["cases"]}
    results = dict(zip(jobs, run_all(list(jobs.values()), on_step), strict=True))
    rows = [
        row
        for case in wanted
        for engine in engines
        if engine.dialect in case.dialects
        for dtype in dtypes
        for row in compare(
            case, engine.name, dtype, results[engine, engine.counterpart(), dtype], results[engine, engine, dtype]
        )
    ]
    return Outcome(seed, rows, answers(_for_answers(results)), [_as_json(*entry) for entry in results.items()])


def _job(engine: Engine, cases: list[str], dtype: str, seed: int) -> Job:
    arrays = {
        f"{name}/{key}": value for name in cases for key, value in scenarios.make_data(CASES[name], seed, dtype).items()
    }
    return Job(engine, dtype, scenarios.__file__, {"cases": cases, "seed": seed}, arrays)


def _for_answers(results: Mapping[tuple[Engine, Engine, str], Result]) -> dict[str, dict[str, Any]]:
    """Return case → who → what was seen; refkeras speaks as Keras 3 where it ran as that."""
    seen: dict[str, dict[str, Any]] = {}
    for (_, side, dtype), result in results.items():
        if dtype != "float32":
            continue
        for case, found in result.seen.items():
            name = side.name if side.name != "refkeras" else f"refkeras ({side.semantics})"
            seen.setdefault(case, {})[name] = found
    return seen


def _as_json(key: tuple[Engine, Engine, str], result: Result) -> dict[str, Any]:
    _, side, dtype = key
    arrays = {name: np.asarray(array).tolist() for name, array in result.arrays.items()}
    return {
        "engine": side.name,
        "semantics": side.semantics,
        "dtype": dtype,
        "versions": result.versions,
        "seen": result.seen,
        "arrays": arrays,
    }
