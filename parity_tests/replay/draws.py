"""Single draws: bit for bit where refkeras claims it, and how far apart where rounding comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from parity_tests.replay import ours
from parity_tests.replay.cases import EXACT_KINDS, draw_cases
from parity_tests.replay.engine import Values, ask
from parity_tests.replay.report import Campaign, Row
from refkeras.precision import ALARM, compare

__all__ = ["COUNTS", "difference", "rows", "units_apart"]

COUNTS: dict[str, dict[str, int]] = {
    "tensorflow": {
        "seeds": 20,
        "uniform weights": 330,
        "functions": 150,
        "dropout": 170,
        "dropout under XLA": 40,
        "lstm": 100,
        "order": 160,
        "masks in fit": 40,
        "normal weights": 160,
        "orthogonal weights": 60,
    },
    "jax": {
        "seeds": 20,
        "uniform weights": 90,
        "functions": 50,
        "dropout": 60,
        "lstm": 30,
        "order": 50,
        "masks in fit": 4,
        "normal weights": 50,
        "orthogonal weights": 20,
    },
    "torch": {
        "seeds": 20,
        "uniform weights": 90,
        "functions": 60,
        "dropout": 60,
        "lstm": 30,
        "order": 50,
        "masks in fit": 20,
        "normal weights": 60,
        "orthogonal weights": 20,
    },
    # Keras does not train on NumPy.
    "numpy": {
        "seeds": 10,
        "uniform weights": 50,
        "functions": 60,
        "dropout": 50,
        "lstm": 30,
        "normal weights": 50,
        "orthogonal weights": 20,
    },
    "tf_keras": {
        "seeds": 20,
        "uniform weights": 110,
        "dropout": 70,
        "lstm": 40,
        "order": 60,
        "masks in fit": 20,
        "normal weights": 60,
        "orthogonal weights": 20,
    },
}
_LEAST_EXACT_CASES = {"tensorflow": 1000, "jax": 300, "torch": 300, "numpy": 200, "tf_keras": 300}
# Largest distance in units in the last place and smallest share of equal values, float32.
_NORMAL_CLAIMS = {
    "tensorflow": (4, 0.98),
    "tf_keras": (4, 0.98),
    "jax": (4, 0.98),
    "torch": (0, 1.0),
    "numpy": (0, 1.0),
}
# Other float64 normals come from another library's log, sine and cosine; NumPy's are refkeras's own.
_NORMAL_CLAIMS_FLOAT64 = {"numpy": 0}
# Largest distance in gains, by engine and whether the matrix is square; all are held to their error bars besides.
_ORTHOGONAL_CLAIMS = {
    (engine, square): 1e-5 if square else 2.5e-7 for engine in ("tensorflow", "tf_keras") for square in (False, True)
}


def rows(campaign: Campaign) -> Iterator[Row]:
    """Measure the draws of each engine, one process an engine."""
    for engine in campaign.engines:
        counts = {kind: max(1, round(n * campaign.share)) for kind, n in COUNTS[engine].items()}
        cases = draw_cases(engine, counts, campaign.seed)
        pairs = [(case, real, ours.values(case)) for case, real in zip(cases, ask(engine, cases), strict=True)]
        of_kind = {kind: [pair for pair in pairs if pair[0]["kind"] == kind] for kind in counts}
        exact = [_exact(engine, kind, of_kind[kind]) for kind in counts if kind in EXACT_KINDS]
        yield from exact
        total, least = sum(row.cases for row in exact), _LEAST_EXACT_CASES[engine]
        yield Row(
            engine,
            "all of these",
            total,
            "",
            f"at least {least} cases" if campaign.share >= 1 else "",
            total >= least or campaign.share < 1,
        )
        for dtype in ("float32", "float64"):
            chosen = [pair for pair in of_kind["normal weights"] if pair[0]["dtype"] == dtype]
            if chosen:
                yield _normal(engine, dtype, chosen)
        for square in (False, True):
            chosen = [pair for pair in of_kind["orthogonal weights"] if pair[0]["square"] == square]
            if chosen:
                yield _orthogonal(engine, square, chosen)


def difference(real: Values, own: Values) -> str | None:
    """Say how two lists of arrays differ in a bit or a shape, or return None."""
    if len(real) != len(own):
        return f"{len(own)} arrays here, {len(real)} in the engine"
    for i, (a, b) in enumerate(zip(real, own, strict=True)):
        if a.shape != b.shape:
            return f"array {i} of {len(real)}: shape {b.shape} here, {a.shape} in the engine"
        same = a == b
        if not np.all(same):
            where = tuple(int(k) for k in np.argwhere(~same)[0])
            return f"array {i} of {len(real)} at {where}: {b[where]!r} here, {a[where]!r} in the engine"
    return None


def units_apart(real: np.ndarray, own: np.ndarray, scale: float = 0.0) -> np.ndarray:
    """Return |real - own| in units in the last place of the larger of the two and `scale`.

    Example:
        >>> import numpy as np
        >>> one = np.float32([1.0])
        >>> units_apart(one, np.nextafter(one, 2))
        array([1.])
    """
    size = np.maximum(np.maximum(np.abs(real), np.abs(own)), real.dtype.type(scale))
    return np.abs(real.astype(np.float64) - own) / np.spacing(size).astype(np.float64)


Pair = tuple[dict[str, Any], Values, Values]


def _exact(engine: str, kind: str, pairs: list[Pair]) -> Row:
    differing = [(case, why) for case, real, own in pairs if (why := difference(real, own))]
    equal = len(pairs) - len(differing)
    arrays = sum(len(real) for _, real, _ in pairs)
    found = f"{equal} bit for bit ({arrays} arrays, {sum(a.size for _, real, _ in pairs for a in real)} values)"
    if differing:
        case, why = differing[0]
        found += f"; first other: {why} in {case}"
    return Row(engine, kind, len(pairs), found, "all", not differing)


def _normal(engine: str, dtype: str, pairs: list[Pair]) -> Row:
    apart = np.concatenate(
        [units_apart(real[0], own[0], abs(case["config"].get("mean", 0.0))).reshape(-1) for case, real, own in pairs]
    )
    units, share = _NORMAL_CLAIMS[engine]
    if dtype == "float64":
        units = _NORMAL_CLAIMS_FLOAT64.get(engine, 4)
    equal = float(np.mean(apart == 0))
    steps = [float(np.mean(apart > k)) for k in (0, 1, 2)]
    return Row(
        engine,
        f"normal weights, {dtype}",
        len(pairs),
        f"{equal:.2%} of {apart.size} values equal, at most {apart.max():.1f} ulp "
        f"({', '.join(f'{step:.2%} beyond {k}' for k, step in enumerate(steps))})",
        f"{share:.0%} equal, {units} ulp" if dtype == "float32" else f"{units} ulp",
        bool(apart.max() <= units and (equal >= share or dtype == "float64")),
    )


def _orthogonal(engine: str, square: bool, pairs: list[Pair]) -> Row:
    """refkeras factors in float64, so what differs is the rounding of the engine's own float32 factorization."""
    apart = [
        float(np.max(np.abs(real[0].astype(np.float64) - own[0]))) / case["config"]["gain"] for case, real, own in pairs
    ]
    sigmas = [compare(ours.orthogonal(case), real[0]).largest for case, real, _ in pairs]
    figure = _ORTHOGONAL_CLAIMS.get((engine, square), np.inf)
    return Row(
        engine,
        f"orthogonal weights, {'square' if square else '(u, 4u)'}",
        len(pairs),
        f"at most {max(apart):.1e} apart, {max(sigmas):.1f} sigma",
        f"{ALARM:.0f} sigma" + (f", {figure:.1e}" if np.isfinite(figure) else ""),
        max(sigmas) <= ALARM and max(apart) <= figure,
    )
