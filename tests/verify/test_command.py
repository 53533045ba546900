"""`refkeras verify` from the command line, refkeras standing in for the real engine."""

import json

import pytest

from refkeras import cli
from refkeras.verify import command, engines, scenarios
from refkeras.verify.engines import KERAS_3, Engine, Job, Result

pytest.importorskip("rich")
REFKERAS = KERAS_3.counterpart()


class Same(Engine):
    """refkeras beside itself."""

    def counterpart(self):
        return REFKERAS


class Other(Engine):
    """refkeras beside a refkeras that draws other numbers."""

    def counterpart(self):
        return Engine("refkeras", "keras-3", "keras-3@jax")


def stand_in(kind):
    return kind("refkeras", "keras-3", "keras-3@tensorflow")


def status(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    return exit_.value.code


def test_agreement_is_status_0(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(engines, "KERAS_3", stand_in(Same))
    file = tmp_path / "found.json"
    arguments = ["verify", "--quick", "--scenario", "loss_definition", "--scenario", "iris", "--json", str(file)]
    assert status(arguments) == 0
    said = capsys.readouterr().out
    assert "DISAGREES" not in said
    assert "History's loss is the mean cross-entropy" in said
    assert "30 Iris-virginica" in " ".join(said.split())
    found = json.loads(file.read_text())
    assert found["agrees"]
    assert {row["case"] for row in found["rows"]} == {"iris", "loss_definition"}
    assert len(found["runs"][0]["seen"]["iris"]["history"]["val_loss"]) == scenarios.EPOCHS


def test_disagreement_is_status_1(monkeypatch, capsys):
    monkeypatch.setattr(engines, "KERAS_3", stand_in(Other))
    assert status(["verify", "--quick", "--scenario", "loss_definition"]) == 1
    said = capsys.readouterr().out
    assert "DISAGREES" in said
    assert "initial weights differs by" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "loss_definitoin"], "no scenario 'loss_definitoin'. Did you mean 'loss_definition'?"),
        (["--json", "no/such/folder/x.json"], "there is no folder no/such/folder"),
    ],
)
def test_mistakes_are_told_before_anything_runs(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(command, "run_all", lambda *args: pytest.fail("ran"))
    assert status(["verify", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_an_engine_that_is_not_there_is_status_2(monkeypatch, capsys):
    monkeypatch.setattr(engines, "KERAS_3", Engine("nokeras@tensorflow", "keras-3"))
    assert status(["verify", "--quick", "--scenario", "loss_definition"]) == 2
    assert "pip install 'refkeras[parity]'" in capsys.readouterr().err


def test_what_is_asked_of_whom(monkeypatch):
    """Every case on every engine it concerns, each beside the refkeras that claims to be that engine."""
    asked: list[Job] = []

    def run_all(jobs, on_step):
        asked.extend(jobs)
        return [Result({}, {}, {}) for _ in jobs]

    monkeypatch.setattr(command, "run_all", run_all)
    monkeypatch.setattr(command, "compare", lambda *args: [])
    command.verify_scenarios()
    both = ["three_losses", "three_losses_weighted", "reading_the_log"]
    wanted = {
        ("keras@tensorflow", None): list(scenarios.CASES),
        ("refkeras", "keras-3@tensorflow"): list(scenarios.CASES),
        ("tf_keras", None): both,
        ("refkeras", "tf_keras"): both,
    }
    found = {(job.engine.name, job.engine.semantics, job.dtype): job.settings["cases"] for job in asked}
    assert found.pop(("refkeras", "keras-2.0", "float32")) == ["reading_the_log"]
    assert found == {(*who, dtype): cases for who, cases in wanted.items() for dtype in ("float32", "float64")}
    for job in asked:
        assert {array.dtype.name for array in job.arrays.values()} == {job.dtype}


def test_both_precisions_get_the_same_numbers():
    for case in scenarios.CASES.values():
        single, double = (scenarios.make_data(case, 7, dtype) for dtype in ("float32", "float64"))
        for name, array in single.items():
            assert (double[name] == array).all(), (case.name, name)
