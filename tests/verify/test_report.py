"""What `verify` says, and writes."""

import dataclasses
import io
import json
import math

import pytest

from refkeras.verify import report
from refkeras.verify.command import Outcome
from refkeras.verify.compare import Row

ROW = Row(
    case="iris", engine="keras@x", dtype="float32", quantity="loss", difference=3e-7, ulps=2.5, allowed=1e-5, note="n"
)
RUN = {"engine": "keras@x", "versions": {"version": "3.15.1"}, "seen": {}}


def outcome(*rows):
    return Outcome(seed=7, rows=list(rows), answers={"Why [so]?": "p[0] is [bold]"}, runs=[RUN])


def printed(*rows):
    rich_console = pytest.importorskip("rich.console")
    console = rich_console.Console(file=io.StringIO(), width=report.WIDTH)
    report.print_outcome(outcome(*rows), console)
    return console.file.getvalue()


def test_the_table_has_every_quantity_in_both_precisions():
    other = dataclasses.replace(ROW, dtype="float64", difference=0.0, ulps=0.0)
    text = printed(ROW, other, dataclasses.replace(ROW, quantity="val_loss"))
    assert "keras@x 3.15.1" in text
    (line,) = (line for line in text.splitlines() if line.startswith("│   loss "))
    assert [cell.strip() for cell in line.split("│")[2:-1]] == ["3.0e-07", "2.5", "0", "0", "agrees"]
    assert "3 of 3 quantities agree." in text
    assert "p[0] is [bold]" in text


@pytest.mark.parametrize("difference", [2e-5, math.nan])
def test_a_disagreement_is_named(difference):
    text = printed(ROW, dataclasses.replace(ROW, quantity="val_loss", difference=difference))
    assert "DISAGREES" in text
    assert "iris, keras@x, float32: val_loss differs by" in text
    assert "1 of 2 quantities agree." in text


def test_json_holds_everything(tmp_path):
    file = tmp_path / "found.json"
    file.write_text("old")
    report.write_json(outcome(ROW, dataclasses.replace(ROW, difference=math.nan)), file)
    found = json.loads(file.read_text())
    assert found["agrees"] is False
    assert [row["agrees"] for row in found["rows"]] == [True, False]
    assert found["rows"][1]["difference"] == "nan"
    assert found["runs"] == [RUN]
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "found.json"
    file.write_text("old")
    broken = dataclasses.replace(outcome(ROW), answers={"?": object()})
    with pytest.raises(TypeError):
        report.write_json(broken, file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
