"""`refkeras run --explain` and `refkeras explain`."""

import json
import subprocess
import sys

import pytest

from refkeras import cli, explain

SCRIPT = """
import sys
import numpy as np
from keras import Input, Sequential, layers, utils
utils.set_random_seed(7)
for units in (1, 2):
    model = Sequential([Input((3,)), layers.Dense(units)], name=f"model_{units}")
    model.compile("sgd", "mse")
    history = model.fit(np.eye(3), np.ones((3, units)), batch_size=2, epochs=2, verbose=0)
    print(history.history["loss"][-1])
if "fail" in sys.argv:
    raise KeyError("of its own")
"""


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "refkeras", *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    (folder / "script.py").write_text(SCRIPT)
    done = command("run", "--explain", folder / "run.json", folder / "script.py", "fail")
    plain = command("run", folder / "script.py")
    return folder, done, plain


def status(arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main([str(argument) for argument in arguments])
    return exit_.value.code


def test_every_fit_is_recorded_and_none_is_changed(recorded):
    folder, done, plain = recorded
    assert done.stdout == plain.stdout and plain.returncode == 0
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "KeyError: 'of its own'"
    assert "refkeras/explain" not in done.stderr.replace("\\\\", "/")
    assert f"refkeras: 2 fits, in {folder / 'run.json'}" in done.stderr
    ledgers = explain.load(folder / "run.json")
    assert [str(float(ledger.explain("loss").value)) for ledger in ledgers] == done.stdout.split()
    assert [ledger.run.model for ledger in ledgers] == ["model_1", "model_2"]


def test_one_number_as_text_and_as_json(recorded, capsys):
    folder, done, _ = recorded
    assert status(["explain", folder / "run.json", "--fit", 1, "--epoch", 2, "--depth", 1]) == 0
    assert "loss of epoch 2 = " in capsys.readouterr().out
    short, whole = [], []
    for options, said in (([], short), (["--all"], whole)):
        assert status(["explain", folder / "run.json", "--fit", 2, *options]) == 0
        said += capsys.readouterr().out.split("\n")
    assert len(short) < len(whole) and any("--all" in line for line in short) and "--all" not in "".join(whole)
    assert status(["explain", folder / "run.json", "--key", "loss", "--json"]) == 0
    found = explain.Derivation.from_dict(json.loads(capsys.readouterr().out))
    assert str(float(found.value)) == done.stdout.split()[1] and found.verify() > 10


def test_a_page(recorded, tmp_path):
    folder, _, _ = recorded
    assert (
        status(["explain", folder / "run.json", "--html", tmp_path / "page.html", "--title", "a <b>", "--figures", 1])
        == 0
    )
    text = (tmp_path / "page.html").read_text()
    assert text.startswith("<!doctype html>") and "<title>a &lt;b&gt;</title>" in text
    assert '"detailed": [1, 2]' not in text and '"detailed": []' in text  # of two epochs none is between others
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "los"], "epoch 2 has no 'los'. Did you mean 'loss'?"),
        (["--fit", "3"], "--fit 3: the file holds 2, counted from 1"),
        (["--epoch", "7"], "There is no epoch 7; there are 1 to 2"),
        (["--html", "no/such/folder/page.html"], "No such file or directory"),
    ],
)
def test_mistakes(recorded, capsys, arguments, message):
    folder, _, _ = recorded
    assert status(["explain", folder / "run.json", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_mistakes_of_files(tmp_path, capsys):
    (tmp_path / "x.py").write_text("")
    assert status(["explain", tmp_path / "none.json"]) == 2
    assert "No such file" in capsys.readouterr().err
    assert status(["run", "--explain", tmp_path / "no" / "x.json", tmp_path / "x.py"]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert status(["run", "--explain-memory", -1, "--explain", tmp_path / "x.json", tmp_path / "x.py"]) == 2
    assert "expected a number of MiB" in capsys.readouterr().err


def test_a_page_says_which_extra_it_needs(recorded, tmp_path, monkeypatch, capsys):
    folder, _, _ = recorded
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert status(["explain", folder / "run.json", "--html", tmp_path / "page.html"]) == 2
    assert "pip install 'refkeras[explain]'" in capsys.readouterr().err and not (tmp_path / "page.html").exists()
