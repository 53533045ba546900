"""The example scripts print the same on refkeras as on real Keras."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parity_tests import example_bars
from parity_tests.agreement import assert_printed
from parity_tests.engines import tensorflow_only

pytestmark = tensorflow_only("starts processes of its own")

SCRIPT = (str(Path(__file__).parent.parent / "examples" / "three_losses.py"), "--epochs", "5")
NUMBER = re.compile(r"\d+\.\d+")


@pytest.mark.parametrize("legacy", ["0", "1"])
def test_three_losses(tmp_path, legacy):
    """On Keras 3 and, as TF_USE_LEGACY_KERAS=1 asks, on tf_keras: losses within the bars, all else the same."""

    def printed(*command):
        environment = dict(os.environ, TF_USE_LEGACY_KERAS=legacy)
        done = subprocess.run([*command, *SCRIPT], capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        return re.sub(r"(Could not interpret|Unknown) .*", "<refused>", done.stdout).splitlines()

    refkeras_runs, file = (sys.executable, "-m", "refkeras", "run"), tmp_path / "bars.npz"
    ours, theirs = printed(*refkeras_runs), printed(sys.executable)
    printed(*refkeras_runs, example_bars.__file__, str(file))
    expected = [bars for fit in example_bars.read(file) for bars in (losses(fit, ""), losses(fit, "val_"))]
    for lines in (ours, theirs):
        assert [masked(line) for line in lines] == [masked(line) for line in ours]
        of_losses = [NUMBER.findall(line) for line in lines if is_of_losses(line)]
        for (total, w_answer, answer, w_state, state, *sums), fit in zip(of_losses, expected, strict=True):
            bars = fit(float(w_answer), float(w_state))
            for number, bar in zip((total, answer, state, *sums), bars, strict=True):
                assert_printed(bar, number)


def is_of_losses(line):
    return line.lstrip().startswith(("loss ", "val_loss "))


def masked(line):
    """Of a line with losses, what is around them."""
    return NUMBER.sub("#", line) if is_of_losses(line) else line


def losses(fit, prefix):
    """What a line says: the total, both losses, their sum with their weights, and half of it."""
    total, answer, state = (fit[prefix + key] for key in ("loss", "activation_loss", "lstm_loss"))

    def line(w_answer, w_state):
        weighted = w_answer * answer + w_state * state
        return total, answer, state, weighted, weighted / 2

    return line
