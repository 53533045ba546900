"""Run a real Keras beside refkeras and compare, number by number.

    refkeras verify [--quick] [--scenario NAME] [--seed N] [--json FILE]

`scenarios` holds the models, `engines` asks a Keras in a process of its own
(`worker`), `compare` lays two runs side by side, `answers` and `report` say
what came out.
"""

from __future__ import annotations

from refkeras.verify.command import Outcome, verify_scenarios

__all__ = ["Outcome", "verify_scenarios"]
