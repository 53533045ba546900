"""The four questions' scripts run on refkeras as a Keras user would have written them."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(tmp_path, name, *options):
    """Return what `refkeras run examples/name` prints, as it stands on the screen at the end."""
    command = [sys.executable, "-m", "refkeras", "run", *options, str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return "\n".join(line.rpartition("\r")[2].replace("\b", "").rstrip() for line in done.stdout.split("\n"))


@pytest.mark.parametrize("semantics", ["keras-3@tensorflow", "tf_keras"])
def test_three_losses(tmp_path, semantics):
    said = run(tmp_path, "three_losses.py", "--semantics", semantics)
    sums = re.findall(r"loss (\S+) = (\S+) \* (\S+) \+ (\S+) \* (\S+) = (\S+)", said)
    assert [line[1::2][:2] for line in sums] == [("1.0", "1.0")] * 2 + [("0.4", "0.6")] * 2
    for total, w1, first, w2, second, weighted in (map(float, line) for line in sums):
        assert total == pytest.approx(w1 * first + w2 * second, abs=2e-6)
        assert weighted == pytest.approx(total, abs=2e-6)
    assert "Did you mean 'categorical_crossentropy'?" in said
    assert "weights moved: False" in said
    assert (tmp_path / "out" / "three_losses.png").exists() or "No picture of the model" in said


def test_iris(tmp_path):
    said = run(tmp_path, "iris.py")
    assert "rows to validate on: {'Iris-setosa': 0, 'Iris-versicolor': 0, 'Iris-virginica': 30}" in said
    fell, to = map(float, re.search(r"Its loss fell from (\S+) at epoch \d+ to (\S+) at", said).groups())
    assert to < fell
    assert "its accuracy stayed 0" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"iris_sorted.png", "iris_shuffled.png"}


def test_loss_definition(tmp_path):
    said = run(tmp_path, "loss_definition.py")
    rows = [line.split() for line in said.splitlines() if re.match(r" +\d+ ", line)]
    assert len(rows) == 10
    for _, by_hand, reported, _, _ in rows:
        assert float(by_hand) == pytest.approx(float(reported), abs=3e-7)
    for (*_, after), (_, next_by_hand, *_) in itertools.pairwise(rows):
        assert float(after) == pytest.approx(float(next_by_hand), abs=3e-7)


@pytest.mark.parametrize(
    ("options", "line", "counted"),
    [
        ((), r"38/38.* 0s \S+/step - loss: \d\.\d{4}", "this Keras counts 38 steps"),
        (("--semantics", "tf_keras"), r"38/38 \[={30}\] - 0s \S+/step - loss: \d\.\d{4}", "this Keras counts 38 steps"),
        (("--semantics", "keras-2.0"), r"1213/1213 \[={30}\] - 0s - loss: \d\.\d{4}", "this Keras counts 1213 samples"),
    ],
)
def test_reading_the_log(tmp_path, options, line, counted):
    said = run(tmp_path, "reading_the_log.py", *options)
    assert len(re.findall(f"^{line}$", re.sub("\x1b\\[[0-9;]*m", "", said), flags=re.MULTILINE)) == 20
    assert counted in said
    assert "with validation_split=0.2 the last 243 rows" in said.lower()
    assert said.count("batch_size 32:") == 3


def test_grid_search(tmp_path):
    said = run(tmp_path, "grid_search.py")
    rows = re.findall(r"^ +(4|16) +(sgd|adam) +(\S+) +(5|30) +(\S+)$", said, flags=re.MULTILINE)
    assert len(rows) == 16
    best = max(float(row[-1]) for row in rows)
    assert f": {best:.4f}" in said.splitlines()[-1]
