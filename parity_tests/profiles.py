"""How many examples a property is tried on: Hypothesis profiles, and a number of its own for a cheap or dear one.

`HYPOTHESIS_PROFILE` picks: `ci` (every run of the suite), `engines` (the other
backends of Keras 3; JAX compiles for each shape anew), `nightly` (ten thousand, or what REFKERAS_EXAMPLES says).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

__all__ = ["PROFILE", "examples", "load"]

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
NIGHTLY = int(os.environ.get("REFKERAS_EXAMPLES", "10_000"))


def load() -> None:
    """Register the profiles, and load the one that the environment asks for."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    settings.register_profile(
        "ci", max_examples=25, deadline=None, derandomize=True, suppress_health_check=checks, print_blob=True
    )
    ci = settings.get_profile("ci")
    settings.register_profile("engines", parent=ci, max_examples=8)
    # Whether a mistake is noticed, not how small an example shows it.
    settings.register_profile("mutants", parent=ci, phases=[Phase.explicit, Phase.generate], database=None)
    settings.register_profile("nightly", parent=ci, max_examples=NIGHTLY, derandomize=False)
    settings.load_profile(PROFILE)


def examples(count: int) -> settings:
    """Return the settings of a property that takes `count` examples where others take 25.

    >>> examples(50).max_examples == {"ci": 50, "engines": 16, "nightly": NIGHTLY}.get(PROFILE, 50)
    True
    """
    scaled = {"engines": max(4, count * 8 // 25), "nightly": NIGHTLY}.get(PROFILE, count)
    return settings(max_examples=scaled)
