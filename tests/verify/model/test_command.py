"""`refkeras verify MODEL` from the command line, refkeras itself standing in for the engine."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from refkeras import cli
from tests.verify.model.made import edited, record, saved

pytest.importorskip("rich")
pytest.importorskip("jinja2")


def status(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["verify", *map(str, arguments)])
    return exit_.value.code


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("model"))


def test_agreement_is_status_0_and_both_files_are_written(path, capsys, tmp_path):
    x = np.random.default_rng(1).normal(size=(6, 6, 2))
    np.savez(tmp_path / "data.npz", x=x, y0=np.eye(4)[[0, 1, 2, 3, 0, 1]], y1=np.ones((6, 1)))
    files = {kind: tmp_path / f"found.{kind}" for kind in ("json", "html")}
    arguments = [path, "--engine", "refkeras", "--data", tmp_path / "data.npz", "--train", 1]
    assert status([*arguments, "--json", files["json"], "--html", files["html"]]) == 0
    said = capsys.readouterr().out
    assert "DISAGREES" not in said
    assert "6 rows of" in said and "quantities agree; the farthest is" in said
    found = json.loads(files["json"].read_text())
    (engine,) = found["engines"]
    assert found["agrees"] and found["complete"] and engine["agrees"] and engine["first_disagreement"] is None
    assert {"layer", "end to end", "training", "compiled training"} == {f["stage"] for f in engine["findings"]}
    assert sum(engine["findings"][0]["histogram"]) == 6 * 6 * 2
    assert "<!doctype html>" in files["html"].read_text()


def test_a_missing_layer_is_status_2(tmp_path, capsys):
    # An engine that is asked says that it does not have the layer either; real ones do have GRU (see parity_tests).
    file = edited(saved(tmp_path), lambda config: record(config, "second").update(class_name="Twirl"))
    assert status([file, "--engine", "refkeras"]) == 2
    assert "Could not locate class 'Twirl'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "keras@jacks"], "no engine 'keras@jacks'. Did you mean 'keras@jax'?"),
        (["--html", "no/such/folder/x.html"], "there is no folder no/such/folder"),
        (["--data", "none.npz"], "No such file"),
        (["--quick"], "--quick is for the four scenarios: leave out MODEL"),
        (["--scenario", "iris"], "--scenario is for the four scenarios"),
        (["--samples", "0"], "0 is not positive"),
        (["--samples", "3", "--data", "x.npz"], "not allowed with argument"),
        (["--precision", "fp8"], "invalid choice: 'fp8'"),
        (["--train", "1", "--precision", "float16"], "refkeras has no bars for losses in float16"),
        (["--python", "/no/python"], "/no/python: No such file or directory"),
    ],
)
def test_mistakes_are_told(path, capsys, arguments, message):
    assert status([path, "--engine", "refkeras", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--train=1", "--gpu", "--html=x", "--engine=refkeras", "--samples=3"])
def test_what_goes_with_a_model_needs_one(capsys, option):
    assert status([option]) == 2
    assert "goes with a MODEL" in capsys.readouterr().err


def test_a_file_that_is_no_model(tmp_path, capsys):
    (tmp_path / "no.keras").write_bytes(b"nothing")
    assert status([tmp_path / "no.keras", "--engine", "refkeras"]) == 2
    assert "no.keras" in capsys.readouterr().err


def test_training_needs_a_compiled_model(tmp_path, capsys):
    import refkeras

    made = refkeras.Sequential([refkeras.Input((3,)), refkeras.layers.Dense(2)])
    assert status([saved(tmp_path, made), "--engine", "refkeras", "--train", "2"]) == 2
    assert "was saved without compile()" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("engine", "command"),
    [("keras@jax", "python -m pip install keras jax"), ("tf_keras", "python -m pip install tf_keras")],
)
def test_an_engine_that_is_not_there_is_told_how_to_get(path, capsys, tmp_path, engine, command):
    python = tmp_path / "python"
    hide = "import sys; sys.modules['keras'] = sys.modules['tf_keras'] = None"
    run = f"{hide}; import runpy; sys.argv = sys.argv[1:]; sys.path.insert(0, '')"
    run += "; runpy.run_path(sys.argv[0], run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{run}" "$@"\n')
    python.chmod(0o755)
    assert status([path, "--engine", engine, "--python", python]) == 2
    said = capsys.readouterr().err
    assert f"{engine} cannot be asked" in said
    assert command in said


def test_interrupting_leaves_no_process_and_no_file(path, tmp_path):
    pid, page = tmp_path / "pid", tmp_path / "page.html"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")
    python.chmod(0o755)
    command = [sys.executable, "-m", "refkeras", "verify", path, "--engine", "refkeras", "--python", python]
    parent = subprocess.Popen([*map(str, command), "--html", str(page)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.05)
    parent.send_signal(signal.SIGINT)
    _, said = parent.communicate(timeout=60)
    assert parent.returncode == 130
    assert "interrupted; the engines' processes are ended" in said
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert not page.exists()
