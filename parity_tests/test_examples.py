"""The example scripts print the same on refkeras as on real Keras."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests.engines import tensorflow_only

pytestmark = tensorflow_only("starts processes of its own")

SCRIPT = Path(__file__).parent.parent / "examples" / "three_losses.py"


@pytest.mark.parametrize("legacy", ["0", "1"])
def test_three_losses(tmp_path, legacy):
    """On Keras 3 and, as TF_USE_LEGACY_KERAS=1 asks, on tf_keras."""
    said = []
    for command in ([sys.executable, "-m", "refkeras", "run"], [sys.executable]):
        environment = dict(os.environ, TF_USE_LEGACY_KERAS=legacy)
        done = subprocess.run([*command, str(SCRIPT)], capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        said.append(re.sub(r"(Could not interpret|Unknown) .*", "<refused>", done.stdout).splitlines())
    number = re.compile(r"\d+\.\d+")
    ours, theirs = said
    assert [number.sub("#", line) for line in ours] == [number.sub("#", line) for line in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert [float(n) for n in number.findall(mine)] == pytest.approx(
            [float(n) for n in number.findall(other)], abs=2e-6
        )
